"""One collector process under its guard."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from phoenix_nb.errors import UnavailableError

__all__ = ["CollectorProcess", "Ended"]

_KEPT_LINES: Final = 200
_LONGEST_LINE: Final = 4000


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended."""

    exit_code: int | None
    """What it returned; ``None`` when a signal ended it."""
    signal: int | None
    """The signal that ended it; ``None`` when it returned."""

    def __str__(self) -> str:
        if self.signal is None:
            return f"exit code {self.exit_code}"
        try:
            name = signal.Signals(self.signal).name
        except ValueError:
            name = f"signal {self.signal}"
        return f"killed by {name}"


class CollectorProcess:
    """A running collector whose log is read, and which never outlives this program.

    Thread-safe. It runs in a session of its own, so that a Ctrl-C in the terminal is for us alone.

    Args:
        argv: the program, as an absolute path, and its arguments.
        environment: all of its variables.
        on_line: called with every line of its log, from a thread of our own.

    Raises:
        UnavailableError: this system cannot run it.
    """

    def __init__(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        on_line: Callable[[str], None] = lambda _: None,
    ) -> None:
        if os.name != "posix":
            raise UnavailableError(
                "a collector can be run on Linux and macOS only", hint="use the embedded engine"
            )
        guard = str(Path(__file__).with_name("_guard.py"))
        try:
            self._guard = subprocess.Popen(  # noqa: S603 - no shell; the program is the one that was asked for
                [sys.executable, "-I", "-S", guard, *argv],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(environment),
                start_new_session=True,
            )
        except OSError as error:
            raise UnavailableError(f"the collector cannot be started: {error}") from error
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._on_line = on_line
        said = b"" if self._guard.stdout is None else self._guard.stdout.readline()
        self._reader = threading.Thread(target=self._read, name="otelcol log", daemon=True)
        self._reader.start()
        if not said.strip():
            self.kill()
            raise UnavailableError(
                f"the collector cannot be started: {'; '.join(self.log()) or 'no process'}"
            )
        self.pid: Final = int(said)
        """The collector's process id."""

    def _read(self) -> None:
        stream = self._guard.stderr
        if stream is None:
            return
        with contextlib.suppress(ValueError, OSError):
            for raw in iter(lambda: stream.readline(_LONGEST_LINE), b""):
                line = raw.decode("utf-8", "replace").rstrip("\n")
                self._lines.append(line)
                self._on_line(line)

    def log(self) -> list[str]:
        """The last lines of its log."""
        return list(self._lines)

    def ended(self, timeout: float | None = 0.0) -> Ended | None:
        """How it ended; ``None`` while it runs.

        Args:
            timeout: seconds to wait for the end; ``None`` waits as long as it takes.
        """
        try:
            code = self._guard.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        if self._reader is not threading.current_thread():
            # What it said last is the reason why it ended.
            self._reader.join(1.0)
        if code < 0:
            return Ended(None, -code)
        return Ended(None, code - 128) if code > 128 else Ended(code, None)

    def terminate(self) -> None:
        """Ask it to finish what it holds and to end."""
        self._write(b"t")

    def kill(self) -> Ended | None:
        """End it at once and wait until it is gone; may be called twice."""
        stdin = self._guard.stdin
        if stdin is not None:
            with contextlib.suppress(OSError, ValueError):
                stdin.close()
        found = self.ended(10.0)
        if found is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._guard.pid, signal.SIGKILL)
            found = self.ended(10.0)
        for stream in (self._guard.stdout, self._guard.stderr):
            if stream is not None and not self._reader.is_alive():
                stream.close()
        return found

    def _write(self, command: bytes) -> None:
        stdin = self._guard.stdin
        if stdin is not None and not stdin.closed:
            with contextlib.suppress(OSError, ValueError):
                stdin.write(command)
                stdin.flush()
