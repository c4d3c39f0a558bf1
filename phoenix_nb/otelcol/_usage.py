"""CPU time and memory of another process."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import psutil

__all__ = ["ProcessUsage", "process_usage"]


@dataclass(frozen=True, slots=True)
class ProcessUsage:
    """What a process has used so far."""

    cpu_seconds: float | None
    """CPU time in user and system mode since its start, seconds; ``None`` when it cannot be read."""
    rss_bytes: int | None
    """Resident memory now, bytes; ``None`` when it cannot be read."""


def process_usage(pid: int) -> ProcessUsage:
    """Read the usage of a process; nothing is known of one that is gone.

    On Linux CPU time has nanosecond resolution, elsewhere that of the system's accounting (usually 10 ms).
    """
    try:
        process = psutil.Process(pid)
        rss = int(process.memory_info().rss)
        cpu = _cpu_clock(pid)
        if cpu is None:
            times = process.cpu_times()
            cpu = times.user + times.system
    except psutil.Error:
        return ProcessUsage(None, None)
    return ProcessUsage(cpu, rss)


def _cpu_clock(pid: int) -> float | None:
    """The CPU-time clock of a whole process, all threads included; ``None`` where there is none."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        # How clock_getcpuclockid(3) names the clock: the inverted id, shifted, and 2 for scheduler time.
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return None
