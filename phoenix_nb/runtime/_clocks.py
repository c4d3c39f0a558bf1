"""The system's clock, and one that tests move."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from datetime import UTC, datetime, timedelta

__all__ = ["SystemClock", "VirtualClock"]

_IDLE_ROUNDS = 3


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def unix_nano(self) -> int:
        return time.time_ns()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


class VirtualClock:
    """A clock that only moves when it is told to, or by itself when everybody sleeps.

    Several sleepers wake in the order of their times. With ``auto`` the clock jumps to the earliest of them after the
    loop had a few rounds for everything else; work in other threads does not hold it.

    Args:
        start: the first wall time.
        auto: whether the clock moves by itself while somebody sleeps; otherwise they wait for :meth:`advance`.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC), *, auto: bool = True) -> None:
        self._start = start
        self._elapsed = 0.0
        self._auto = auto
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def unix_nano(self) -> int:
        whole = int(self._start.timestamp()) * 1_000_000_000 + self._start.microsecond * 1000
        return whole + round(self._elapsed * 1e9)

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        sleeper = (self._elapsed + seconds, next(self._order), asyncio.Event())
        heapq.heappush(self._sleepers, sleeper)
        try:
            if self._auto:
                await self._jump(sleeper)
            else:
                await sleeper[2].wait()
        finally:
            if sleeper in self._sleepers:  # it was cancelled
                self._sleepers.remove(sleeper)
                heapq.heapify(self._sleepers)

    async def _jump(self, sleeper: tuple[float, int, asyncio.Event]) -> None:
        rounds = 0
        while not sleeper[2].is_set():
            await asyncio.sleep(0)
            rounds = rounds + 1 if self._sleepers and self._sleepers[0] is sleeper else 0
            if rounds > _IDLE_ROUNDS:
                self._move_to(sleeper[0])

    def advance(self, seconds: float) -> None:
        """Move on and wake whoever has slept long enough, in order."""
        self._move_to(self._elapsed + seconds)

    def _move_to(self, elapsed: float) -> None:
        self._elapsed = max(self._elapsed, elapsed)
        while self._sleepers and self._sleepers[0][0] <= self._elapsed:
            heapq.heappop(self._sleepers)[2].set()
