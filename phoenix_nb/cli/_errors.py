"""How a failure leaves the command line.

Exit codes: 0 done, 1 refused or failed input, 2 wrong usage, 3 ``--check`` was asked and the verdict is not PROMOTE,
130 interrupted.
"""

from __future__ import annotations

import contextlib
import errno
import json
import sys
import traceback
from collections.abc import Callable

from phoenix_nb.cli._interrupts import EXIT_INTERRUPTED, leave_on_next_interrupt
from phoenix_nb.errors import InternalError, PhoenixError, StorageError

__all__ = [
    "EXIT_CHECK_FAILED",
    "EXIT_OK",
    "EXIT_REFUSED",
    "EXIT_USAGE",
    "guarded",
    "output_failed",
]

EXIT_OK = 0
EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_CHECK_FAILED = 3


def guarded(run: Callable[[], int | None], *, debug: bool, as_json: bool = False) -> int:
    """Run one command; turn what it raises into a message on stderr and an exit code.

    Args:
        run: the command.
        debug: whether tracebacks are shown, too.
        as_json: whether programs that read stdout get the error as ``{"error": {…}}``.
    """
    try:
        return run() or EXIT_OK
    except KeyboardInterrupt as stopped:
        leave_on_next_interrupt()
        # Who knows more about what is left says it in the exception.
        kept = str(stopped) or "what was acknowledged is kept"
        print(f"interrupted; {kept}", file=sys.stderr)  # noqa: T201 - this is the terminal
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away (`phoenix … | head`); that is its right.
        sys.stderr.close()
        return EXIT_OK
    except PhoenixError as error:
        if debug:
            traceback.print_exc()
        _show(error, as_json=as_json)
        return EXIT_REFUSED
    except Exception as error:  # noqa: BLE001 - the last line of defence shows a message, not a traceback
        if debug:
            traceback.print_exc()
        _show(_known(error), as_json=as_json)
        return EXIT_REFUSED


def output_failed(error: OSError) -> int:
    """Say that standard output took no more."""
    _show(_known(error), as_json=False)
    return EXIT_REFUSED


def _known(error: Exception) -> PhoenixError:
    """What the user can do something about, told as such; anything else is our defect."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        # Files that Phoenix writes say this themselves: what is left is what it prints.
        return StorageError(
            f"the output cannot be written: {error.strerror}",
            hint="the disk it goes to is full: free some space and run it again",
        )
    return InternalError(
        f"{type(error).__name__}: {error}",
        hint="this is a defect of Phoenix; run the command again with --debug and report what it prints",
    )


def _show(error: PhoenixError, *, as_json: bool) -> None:
    lines = [f"error: {error.message} [{error.code}]"]
    problems = error.details.get("problems")
    if isinstance(problems, list):
        lines += [f"  {problem}" for problem in problems if isinstance(problem, str)]
    if error.hint:
        lines.append(f"hint: {error.hint}")
    print("\n".join(lines), file=sys.stderr)  # noqa: T201 - this is the terminal
    if as_json:
        parts = {"code": error.code, "message": error.message, "hint": error.hint, "details": error.details}
        with contextlib.suppress(OSError):  # a full disk behind standard output takes no error either
            print(json.dumps({"error": parts}, sort_keys=True))  # noqa: T201 - programs read it
