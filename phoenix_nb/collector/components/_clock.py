"""Time in components: payloads' arrivals stand for the clock, so that a run can be repeated."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from phoenix_nb.otlp import Frames

__all__ = ["UNKNOWN", "Clock", "Ticker"]

UNKNOWN = (1 << 64) - 1
"""A start time for when payloads do not say when they arrived: later than all of them."""


class Clock(StrEnum):
    """What time is for components with timers."""

    ARRIVALS = "arrivals"
    """The arrival times of payloads; the collector started when the first one came."""
    MANUAL = "manual"
    """It moves only when the engine is told so; all times in payloads lie before the collector's start."""


class Ticker:
    """Ticks at a fixed distance from the arrival of the first payload.

    Payloads without an arrival time do not move the clock. Several ticks between two payloads are one, the latest:
    nothing can have changed between them.

    Args:
        interval: nanoseconds between ticks; 0 = none.
        clock: what time is.
    """

    def __init__(self, interval: int, clock: Clock) -> None:
        self._interval = interval
        self._stands = clock is Clock.MANUAL
        self._elapsed = 0
        self.started = UNKNOWN
        """Arrival of the first payload."""
        self._next = UNKNOWN

    def runs(self, frames: Frames) -> Iterator[tuple[int, Frames]]:
        """Runs of payloads without a tick between them, each with the tick that comes before it; 0 = none."""
        begin, tick = 0, 0
        for number, arrival in enumerate(frames.arrival.tolist()):
            due = self._advance(arrival)
            if due:
                if number > begin:
                    yield tick, frames.slice(begin, number)
                begin, tick = number, due
        if begin == 0 and not tick:
            yield 0, frames
        else:
            yield tick, frames.slice(begin, frames.n_payloads)

    def _advance(self, arrival: int) -> int:
        if not arrival or self._stands:
            return 0
        if self.started == UNKNOWN:
            self.started = arrival
            if self._interval:
                self._next = arrival + self._interval
        if arrival < self._next:
            return 0
        due = self._next + (arrival - self._next) // self._interval * self._interval
        self._next = due + self._interval
        return due

    def pass_time(self, nanoseconds: int) -> bool:
        """Move a clock that stands; whether a tick came."""
        self._elapsed += nanoseconds
        if not self._interval or self._elapsed < self._interval:
            return False
        self._elapsed %= self._interval
        return True

    def snapshot(self) -> list[int]:
        """What it must remember."""
        return [self.started, self._next, self._elapsed]

    def restore(self, state: list[int]) -> None:
        """Continue from a snapshot."""
        self.started, self._next, self._elapsed = state
