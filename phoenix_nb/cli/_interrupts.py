"""Ctrl-C: heard once even where Python drops it, and at once when it comes again."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from types import FrameType
from typing import NoReturn

__all__ = [
    "EXIT_INTERRUPTED",
    "heed_interrupts",
    "ignore_interrupts",
    "leave_on_next_interrupt",
    "raise_if_interrupted",
]

EXIT_INTERRUPTED = 130
"""Exit code of a command that Ctrl-C ended."""

_AGAIN_SECONDS = 0.01
"""After a swallowed interrupt: long enough that whatever swallowed it has returned."""

_SEEN: list[int] = []
"""Signals that came. A list, because a handler may interrupt itself: it must not wait for a lock that it holds."""


def heed_interrupts() -> None:
    """Make sure that no interrupt of this process is lost.

    An interrupt is an exception in whatever the main thread does at that moment. Python drops what is raised in
    finalizers and callbacks of weak references (its import system has one), and some extension modules drop what is
    raised while they load. The first kind is sent again; the second is found by :func:`raise_if_interrupted`.
    """
    # Only the main thread may set handlers; nobody else is interrupted.
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, _interrupt)
    told = sys.unraisablehook

    def hook(what: sys.UnraisableHookArgs) -> None:
        if not issubclass(what.exc_type, KeyboardInterrupt):
            told(what)
            return
        again = threading.Timer(_AGAIN_SECONDS, _interrupt_main_thread)
        again.daemon = True
        again.start()

    sys.unraisablehook = hook


def raise_if_interrupted() -> None:
    """For long loops of the main thread: go on only when no interrupt came before.

    Raises:
        KeyboardInterrupt: one came, and something dropped it.
    """
    if _SEEN and threading.current_thread() is threading.main_thread():
        raise KeyboardInterrupt


def leave_on_next_interrupt() -> None:
    """Let the next Ctrl-C end the process at once, whatever is still being tidied up.

    What was acknowledged is durable, and the next command marks what was left running.
    """
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, lambda _signal, _frame: os._exit(EXIT_INTERRUPTED))


def ignore_interrupts() -> None:
    """Let no Ctrl-C change the exit code any more: all is done, only the interpreter is left to end."""
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    _SEEN.append(number)
    raise KeyboardInterrupt


def _interrupt_main_thread() -> None:
    main = threading.main_thread().ident
    if main is not None and hasattr(signal, "pthread_kill"):
        signal.pthread_kill(main, signal.SIGINT)  # also ends a sleep or a read that goes on
    else:
        signal.raise_signal(signal.SIGINT)
