"""The parent of a collector: a program of its own that needs nothing but Python.

``_guard.py PROGRAM ARGUMENT…`` starts the program, says its process id on standard output and waits. A ``t`` on
standard input asks the program to end; when the input ends, for whatever reason, the program is killed. So it never
outlives the one that wanted it, and where the system can do it (Linux) it does not outlive this guard either. The
guard ends with the program's exit code, or 128 and the number of the signal that ended it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import sys
from typing import NoReturn

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Run the program to its end."""
    # A signal must wake the loop, so that the program's end is seen at once.
    wake, waker = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(one, lambda *_: sys.exit(143))
    libc = ctypes.CDLL(None) if sys.platform.startswith("linux") else None
    guard = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become(sys.argv[1:], guard, libc)
    try:
        os.write(1, b"%d\n" % pid)
        status = _watch(pid, wake)
    finally:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    sys.exit(128 - code if code < 0 else code)


def _become(argv: list[str], guard: int, libc: ctypes.CDLL | None) -> NoReturn:
    if libc is not None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guard:
            os._exit(143)
    for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(one, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    try:
        os.execv(argv[0], argv)  # noqa: S606 - a guard exists to start its program
    except OSError as error:
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode())
        os._exit(127)


def _watch(pid: int, wake: int) -> int:
    while True:
        ready, _, _ = select.select([0, wake], [], [])
        if wake in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(wake, 4096)
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                return status
        if 0 in ready:
            asked = os.read(0, 64)
            os.kill(pid, signal.SIGTERM if asked else signal.SIGKILL)
            if not asked:
                return os.waitpid(pid, 0)[1]


if __name__ == "__main__":
    main()
