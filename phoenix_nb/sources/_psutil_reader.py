"""Reads processes through psutil, where there is no ``/proc``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import psutil

from phoenix_nb.sources._reader import Identity, KeepProcess, Row, Wanted

__all__ = ["PsutilReader"]


class PsutilReader:
    """The portable reader: slower, with whatever the system tells.

    Args:
        unix_nano: tells the time.
    """

    def __init__(self, unix_nano: Callable[[], int]) -> None:
        self._now = unix_nano
        self.wait = psutil.LINUX or psutil.MACOS
        self.denied: dict[str, int] = {}

    def total_memory(self) -> int:
        return int(psutil.virtual_memory().total)

    def close(self) -> None:
        """Nothing is kept open."""

    def rows(self, wanted: Wanted, keep: KeepProcess) -> Iterator[Row]:
        self.denied = {}
        for process in sorted(psutil.process_iter(), key=lambda one: one.pid):
            try:
                with process.oneshot():
                    row = self._row(process, wanted, keep)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
            if row is not None:
                yield row

    def _row(self, process: psutil.Process, wanted: Wanted, keep: KeepProcess) -> Row | None:
        start = round(process.create_time() * 1000) * 1_000_000
        name = process.name()
        if not keep(name, start):
            return None
        line = self._ask("cmdline", process.cmdline) or []
        owner = self._ask("user", process.username)
        identity = Identity(
            process.pid,
            process.ppid(),
            name,
            self._ask("exe", process.exe) or "",
            line[0] if line else "",
            " ".join(line),
            owner,
            "" if wanted.cgroup else None,
        )
        now = self._now()
        cpu: Any = process.cpu_times()
        memory: Any = process.memory_info()
        row = Row(
            identity,
            start,
            now,
            (cpu.user, cpu.system, getattr(cpu, "iowait", 0.0)),
            memory.rss,
            memory.vms,
            self._io(process) if wanted.io else None,
            threads=self._ask("threads", process.num_threads),
        )
        if wanted.status and hasattr(process, "num_ctx_switches"):
            switches: Any = self._ask("switches", process.num_ctx_switches)
            if switches is not None:
                row.switches = switches.involuntary, switches.voluntary
        if wanted.open_files and os.name == "posix":
            row.open_files = self._ask("fd", process.num_fds)
        return row

    def _io(self, process: psutil.Process) -> tuple[int, int, int, int] | None:
        # Not on macOS, as in the collector. The collector counts characters where the system tells them.
        if not hasattr(process, "io_counters"):
            return None
        found: Any = self._ask("io", process.io_counters)
        if found is None:
            return None
        read, written = (
            getattr(found, "read_chars", found.read_bytes),
            getattr(found, "write_chars", found.write_bytes),
        )
        return read, written, found.read_count, found.write_count

    def _ask(self, kind: str, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except psutil.NoSuchProcess:
            raise
        except (psutil.Error, OSError, KeyError):
            self.denied[kind] = self.denied.get(kind, 0) + 1
            return None
