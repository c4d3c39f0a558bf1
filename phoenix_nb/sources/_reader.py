"""What a reader of processes hands over, whatever the operating system."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Identity", "ProcessReader", "Row", "Wanted"]


@dataclass(frozen=True, slots=True)
class Identity:
    """What describes a process; equal identities are the same resource."""

    pid: int
    """Process id."""
    parent_pid: int
    """Parent's process id."""
    name: str
    """Executable name: the kernel's, lengthened from argument 0 when the kernel cut it."""
    path: str
    """Executable path; empty when it cannot be read or does not exist (kernel threads, zombies)."""
    command: str
    """Argument 0; empty for kernel threads."""
    command_line: str
    """All arguments joined by spaces."""
    owner: str | None
    """User name; ``None`` when it cannot be found."""
    cgroup: str | None = None
    """Control group; ``None`` unless asked for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which expensive parts are needed; the cheap ones are always read."""

    io: bool = True
    """Disk bytes and operations."""
    status: bool = False
    """Context switches and pending signals."""
    open_files: bool = False
    """Number of file descriptors."""
    cgroup: bool = False
    """Control group."""


@dataclass(slots=True)
class Row:
    """One process in one scrape. ``None`` means that it could not be read, never zero."""

    identity: Identity
    """Who it is."""
    start: int
    """Creation time, unix nanoseconds."""
    time: int
    """When its numbers were read, unix nanoseconds."""
    cpu: tuple[float, float, float]
    """User, system and I/O wait seconds."""
    resident: int
    """Resident bytes."""
    virtual: int
    """Virtual bytes."""
    io: tuple[int, int, int, int] | None
    """Bytes read, bytes written, read calls, write calls."""
    faults: tuple[int, int] | None = None
    """Major and minor page faults."""
    threads: int | None = None
    """Threads."""
    open_files: int | None = None
    """Open file descriptors."""
    switches: tuple[int, int] | None = None
    """Involuntary and voluntary context switches."""
    signals: int | None = None
    """Pending signals as the collector reports them: the bit mask of the process."""


class ProcessReader(Protocol):
    """Reads all processes of a machine; used from one thread at a time."""

    wait: bool
    """Whether the system tells I/O wait; without it that point does not exist."""
    denied: dict[str, int]
    """Per kind of information (``exe``, ``io``, ``name``, ``user``, ``cgroup``), how many processes refused it."""

    def rows(self, wanted: Wanted, keep: KeepProcess) -> Iterator[Row]:
        """All processes by pid; who disappears while being read is left out."""
        ...

    def total_memory(self) -> int:
        """Physical bytes of the machine."""
        ...

    def close(self) -> None:
        """Release files; may be called twice."""
        ...


class KeepProcess(Protocol):
    """Decides early, from name and start time, whether a process is read to the end."""

    def __call__(self, name: str, start: int) -> bool:
        """Whether to read it; ``start`` in unix nanoseconds."""
        ...
