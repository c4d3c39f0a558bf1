"""The parent of real child processes: a program of its own that needs nothing but Python.

It reads one JSON command a line from standard input and answers on standard output. When its input ends, for
whatever reason, it kills every child, removes the folder it was given and ends: nothing outlives the program that
wanted the children.

Commands: ``{"op": "spawn", "id": N, "path": TEXT, "argv": [TEXT]}``, ``{"op": "kill", "pid": N}``.
Answers: ``{"spawned": N, "pid": N}``, ``{"failed": N, "error": TEXT}``, ``{"ended": PID, "status": N}``.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import sys


def main() -> None:
    """Serve until standard input ends."""
    children: set[int] = set()
    # A signal must wake the loop, so that the dead are collected at once.
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(one, lambda *_: sys.exit(0))
    try:
        _serve(children, wake_read)
    finally:
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in children:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
        shutil.rmtree(sys.argv[1], ignore_errors=True)


def _serve(children: set[int], wake: int) -> None:
    pending = b""
    null = os.open(os.devnull, os.O_RDWR)
    while True:
        ready, _, _ = select.select([0, wake], [], [])
        if wake in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(wake, 4096)
            _collect(children)
        if 0 not in ready:
            continue
        data = os.read(0, 1 << 16)
        if not data:
            return
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            _obey(json.loads(line), children, null)


def _obey(command: dict[str, object], children: set[int], null: int) -> None:
    if command["op"] == "kill":
        pid = int(str(command["pid"]))
        # Only our own: a number that was given back to the system is nobody we know.
        if pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return
    path, argv = str(command["path"]), [str(one) for one in command["argv"]]  # type: ignore[attr-defined]
    try:
        pid = os.posix_spawn(
            path,
            argv,
            {"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            file_actions=[(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)],
            setsigdef=[signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP],
        )
    except OSError as exc:
        _answer({"failed": command["id"], "error": str(exc)})
        return
    children.add(pid)
    _answer({"spawned": command["id"], "pid": pid})


def _collect(children: set[int]) -> None:
    while children:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        children.discard(pid)
        _answer({"ended": pid, "status": status})


def _answer(message: dict[str, object]) -> None:
    data = json.dumps(message).encode() + b"\n"
    try:
        while data:
            data = data[os.write(1, data) :]
    except BrokenPipeError:
        # Nobody listens any more: the end of the input follows.
        sys.exit(0)


if __name__ == "__main__":
    main()
