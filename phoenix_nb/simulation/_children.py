"""Real idle child processes with given names."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from phoenix_nb.errors import ClosedError, UnavailableError

__all__ = ["Child", "IdleChildren"]

_LONGEST = 6 * 3600.0
"""Seconds after which a child ends by itself even if everybody who should end it is gone."""


@dataclass(frozen=True, slots=True)
class Child:
    """One living child."""

    pid: int
    """Process id."""
    name: str
    """Executable name, as a scraper sees it."""


class IdleChildren:
    """Sleeping children under a supervisor process of our own.

    Each one runs a copy of ``sleep`` under its simulated name, so that name, path and command line are what a scraper
    expects. The supervisor kills them all when its input ends, so nothing is left even if this program is killed;
    should the supervisor be killed itself, every child still ends with its own sleep. Only own children are ever
    signalled. Use it from one event loop.
    """

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._program: Path | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[int]] = {}
        self._names: dict[int, str] = {}
        self._next = 0
        self.alive: dict[int, Child] = {}
        """Living children by pid."""
        self.ended = 0
        """Children that are gone."""

    async def start(self) -> None:
        """Prepare the program and start the supervisor.

        Raises:
            UnavailableError: this machine has no stand-alone ``sleep``, or the folder does not allow programs.
        """
        if self._process is not None:
            return
        program = await asyncio.to_thread(_sleep_program)
        if os.name != "posix" or program is None or program.name != "sleep":
            raise UnavailableError(
                "this machine has no stand-alone sleep program to make child processes of",
                hint="install GNU coreutils, or use the simulation in virtual time",
            )
        self._folder = Path(tempfile.mkdtemp(prefix="phoenix-load-"))
        self._program = self._folder / ".program"
        await asyncio.to_thread(shutil.copy, program, self._program)
        self._program.chmod(0o700)
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            str(Path(__file__).with_name("_supervisor.py")),
            str(self._folder),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # A Ctrl-C in the terminal is for us; the supervisor follows when we close its input.
            start_new_session=True,
        )
        self._reader = asyncio.get_running_loop().create_task(self._listen(self._process))

    async def spawn(self, name: str, seconds: float, mark: int = 0) -> Child:
        """Start one child called ``name`` that ends by itself after ``seconds``.

        Args:
            name: file name; characters that no file name may hold are replaced.
            seconds: its life.
            mark: any number; it makes the command line unique.

        Raises:
            ClosedError: the children were closed.
            UnavailableError: the system refused.
        """
        process = self._process
        if process is None or process.stdin is None or self._folder is None or self._program is None:
            raise ClosedError("the child processes are not running", hint="start them first")
        name = name.replace("/", "_").replace("\0", "_")[:200] or "process"
        path = self._folder / ("_" + name if name.startswith(".") else name)
        if not path.exists():
            # Our own copy may be linked, unlike the system's; a name costs no space.
            os.link(self._program, path)
        life = min(max(seconds, 0.01), _LONGEST)
        self._next += 1
        number = self._next
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting[number], self._names[number] = answer, path.name
        # GNU sleep adds its arguments: the second one is the mark.
        argv = [str(path), f"{life:.3f}", f"0.{mark:09d}"]
        self._send({"op": "spawn", "id": number, "path": str(path), "argv": argv})
        await process.stdin.drain()
        pid = await answer
        return Child(pid, path.name)

    def kill(self, pid: int) -> None:
        """Ask the supervisor to kill a child; unknown ones are ignored."""
        if pid in self.alive:
            self._send({"op": "kill", "pid": pid})

    async def close(self) -> None:
        """Kill all, wait until they are gone and clean up; may be called twice."""
        process, self._process = self._process, None
        if process is not None:
            if process.stdin is not None:
                process.stdin.close()
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    await process.stdin.wait_closed()
            try:
                await asyncio.wait_for(process.wait(), 10)
            except TimeoutError:
                process.kill()
                await process.wait()
        if self._reader is not None:
            await self._reader
            self._reader = None
        if self._folder is not None:
            folder, self._folder = self._folder, None
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def _send(self, message: dict[str, object]) -> None:
        process = self._process
        if process is not None and process.stdin is not None and not process.stdin.is_closing():
            process.stdin.write(json.dumps(message).encode() + b"\n")

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is None:
            return
        while line := await process.stdout.readline():
            message = json.loads(line)
            if "spawned" in message:
                number, pid = message["spawned"], message["pid"]
                self.alive[pid] = Child(pid, self._names.pop(number))
                self._settle(number, pid, None)
            elif "failed" in message:
                self._names.pop(message["failed"], None)
                self._settle(message["failed"], 0, message["error"])
            elif self.alive.pop(message["ended"], None) is not None:
                self.ended += 1
        # The supervisor is gone. It has killed its children unless it was killed itself.
        for pid in list(self.alive):
            self._kill_orphan(pid)
        self.ended += len(self.alive)
        self.alive.clear()
        for number in list(self._waiting):
            self._settle(number, 0, "the supervisor ended")

    def _settle(self, number: int, pid: int, problem: str | None) -> None:
        answer = self._waiting.pop(number, None)
        if answer is None or answer.done():
            return
        if problem is None:
            answer.set_result(pid)
        else:
            answer.set_exception(UnavailableError(f"a child process could not be started: {problem}"))

    def _kill_orphan(self, pid: int) -> None:
        """Kill what is certainly ours: a process that still runs a program of our folder."""
        with contextlib.suppress(OSError):
            if self._folder is not None and Path(f"/proc/{pid}/exe").readlink().parent == self._folder:
                os.kill(pid, signal.SIGKILL)


def _sleep_program() -> Path | None:
    found = shutil.which("sleep")
    return Path(found).resolve() if found else None
