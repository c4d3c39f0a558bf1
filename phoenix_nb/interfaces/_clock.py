"""Time, ids and waiting as injected parts."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, runtime_checkable

__all__ = ["Clock", "IdFactory"]


@runtime_checkable
class Clock(Protocol):
    """Tells the time and waits. Implementations: the system's clock, and a virtual one that tests move."""

    def now(self) -> datetime:
        """Wall time with its zone (UTC). It may jump; never measure durations with it."""

    def unix_nano(self) -> int:
        """Wall time as nanoseconds since 1970-01-01 UTC."""

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back; only differences mean something."""

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds`` of this clock; 0 or less only lets other tasks run."""


@runtime_checkable
class IdFactory(Protocol):
    """Makes ids."""

    def new(self, prefix: str) -> str:
        """A new id ``<prefix>_<ULID>``, for example ``exp_01J…``; ids of one factory sort by creation."""
