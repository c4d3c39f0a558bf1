"""How a failure leaves the command line.

Exit codes: 0 done, 1 refused or failed input, 2 wrong usage, 3 ``--check`` was asked and the verdict is not PROMOTE,
130 interrupted.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable

from phoenix_nb.errors import InternalError, PhoenixError

__all__ = ["EXIT_CHECK_FAILED", "EXIT_INTERRUPTED", "EXIT_OK", "EXIT_REFUSED", "EXIT_USAGE", "guarded"]

EXIT_OK = 0
EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_CHECK_FAILED = 3
EXIT_INTERRUPTED = 130


def guarded(run: Callable[[], int | None], *, debug: bool) -> int:
    """Run one command; turn what it raises into a message on stderr and an exit code."""
    try:
        return run() or EXIT_OK
    except KeyboardInterrupt:
        print("interrupted; what was acknowledged is kept", file=sys.stderr)  # noqa: T201 - this is the terminal
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away (`phoenix … | head`); that is its right.
        sys.stderr.close()
        return EXIT_OK
    except PhoenixError as error:
        if debug:
            traceback.print_exc()
        _show(error)
        return EXIT_REFUSED
    except Exception as error:  # noqa: BLE001 - the last line of defence shows a message, not a traceback
        if debug:
            traceback.print_exc()
        _show(
            InternalError(
                f"{type(error).__name__}: {error}",
                hint="this is a defect of Phoenix; run the command again with --debug and report what it prints",
            )
        )
        return EXIT_REFUSED


def _show(error: PhoenixError) -> None:
    lines = [f"error: {error.message} [{error.code}]"]
    problems = error.details.get("problems")
    if isinstance(problems, list):
        lines += [f"  {problem}" for problem in problems if isinstance(problem, str)]
    if error.hint:
        lines.append(f"hint: {error.hint}")
    print("\n".join(lines), file=sys.stderr)  # noqa: T201 - this is the terminal


def error_as_json(error: PhoenixError) -> str:
    """The error as one JSON object, for ``--json`` readers."""
    return json.dumps(
        {"code": error.code, "message": error.message, "hint": error.hint, "details": error.details},
        sort_keys=True,
    )
