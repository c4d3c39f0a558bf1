"""Time bins: which interval a point belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.otlp import Frames, reference_times

__all__ = ["LATE", "PayloadBins", "TimeBins", "infer_period", "reference_times"]

Ids = npt.NDArray[np.int64]
Times = npt.NDArray[np.uint64]

LATE: Final = -1
"""Bin of points whose interval is already closed."""

_ORIGIN: Final = 1 << 20
"""Number of the first bin; payloads that come out of order may be older."""


@dataclass(frozen=True, slots=True)
class PayloadBins:
    """Where the payloads of one call fall, in their order."""

    reference: Ids
    """Per payload its reference time, Unix nanoseconds; 0 without points."""
    bin: Ids
    """Per payload its bin, whether or not that is still open."""
    frontier: Ids
    """Per payload the newest bin when it came, itself included."""
    came: Ids
    """Per payload its place among all payloads so far, from 0."""


def infer_period(references: Sequence[int]) -> float:
    """Scrape period in seconds from the first payloads; 1 when there is nothing to learn it from.

    The median of the forward steps, taken to a whole tenth of a second when it is within 2 % of one.
    """
    steps = np.diff(np.array([r for r in references if r > 0], dtype=np.int64)) / 1e9
    steps = steps[steps > 0]
    if not len(steps):
        return 1.0
    found = float(np.median(steps))
    tenth = round(found, 1)
    return tenth if tenth and abs(found - tenth) <= 0.02 * tenth else round(found, 3) or found


class TimeBins:
    """Numbers intervals by event time and keeps step with the scrapes.

    A new bin begins with the first payload that is at least one length, less half a period, after the begin
    of the newest bin. So points of one scrape stay together although their times differ, and a period that is
    slightly off its nominal value never splits a scrape. Bins are closed ``grace`` bins after their end.

    Args:
        period: scrape period, nanoseconds.
        length: length of a bin, nanoseconds; at least the period.
        grace: bins to wait before one is closed.
    """

    def __init__(self, period: int, length: int, grace: int) -> None:
        self._half = period // 2
        self.length = length
        """Nanoseconds of a bin."""
        self._grace = grace
        self._anchors: dict[int, int] = {}
        self._came = 0
        self._behind: dict[int, int] = {}
        """Bins that a payload out of order opened behind the newest one, and the place of that payload."""
        self._frontier = _ORIGIN
        self._closed = 0
        self._table: tuple[Ids, Ids] | None = None

    @property
    def frontier(self) -> int:
        """The newest bin."""
        return self._frontier

    @property
    def due(self) -> int:
        """The newest bin that can be closed."""
        return self._frontier - 1 - self._grace

    def start(self, number: int) -> int:
        """Begin of a bin, Unix nanoseconds."""
        return self._anchors[number] - self._half

    def admit(self, references: Ids) -> PayloadBins:
        """Find the bins of payloads, in their order, and open new ones."""
        bins, frontiers = [], []
        first = self._came
        for reference in references.tolist():
            bins.append(self._admit(reference))
            frontiers.append(self._frontier)
            self._came += 1
        came = np.arange(first, self._came, dtype=np.int64)
        return PayloadBins(
            references, np.array(bins, dtype=np.int64), np.array(frontiers, dtype=np.int64), came
        )

    def _admit(self, reference: int) -> int:
        if reference <= 0:
            # Nothing tells when a payload without any time was taken: it goes with the newest bin there is.
            return self._frontier if self._anchors else LATE
        if not self._anchors:
            self._open(self._frontier, reference)
            return self._frontier
        newest = self._anchors[self._frontier]
        step = (reference - newest + self._half) // self.length
        number = self._frontier + step
        if step > 0:
            nominal = newest + step * self.length
            # Keep step with the scrapes; after a gap fall back to the nominal grid.
            self._open(number, reference if abs(reference - nominal) <= self._half else nominal)
            self._frontier = number
        elif number not in self._anchors and number > max(self.due, self._closed):
            self._open(number, newest + step * self.length)
            self._behind[number] = self._came
        return max(number, LATE)

    def _open(self, number: int, anchor: int) -> None:
        self._anchors[number] = anchor
        self._table = None

    def _edges(self) -> tuple[Ids, Ids]:
        if self._table is None:
            numbers = sorted(self._anchors)
            starts = [self._anchors[n] - self._half for n in numbers]
            self._table = np.array(numbers, dtype=np.int64), np.array(starts, dtype=np.int64)
        return self._table

    def of_points(self, frames: Frames, payloads: PayloadBins) -> Ids:
        """Per point its bin, or ``LATE``, for frames that hold the admitted payloads one by one.

        A point more than two bins away from its payload's time (or without a time) goes with its payload.
        """
        payload, times = frames.p_payload, frames.p_time.astype(np.int64)
        frontier = payloads.frontier[payload]
        near = (times > 0) & (np.abs(times - payloads.reference[payload]) <= 2 * self.length)
        own = payloads.bin[payload]
        direct, first = self._known_then(times, payloads.came[payload])
        found = np.where(near, np.minimum(direct, frontier), own)
        return self._open_or_late(found, first, found + 1 + self._grace <= frontier)

    def of_regrouped(self, frames: Frames) -> Ids:
        """Per point its bin, or ``LATE``, for frames whose payloads an arm has regrouped."""
        times = frames.p_time.astype(np.int64)
        _, starts = self._edges()
        if not len(starts):
            return np.full(len(times), LATE, dtype=np.int64)
        found = self._direct(times)
        ahead = (times <= 0) | (times > starts[-1] + 3 * self.length)
        found = np.where(ahead, self._frontier, found)
        return self._open_or_late(found, self._first(), found <= self._closed)

    def _direct(self, times: Ids) -> Ids:
        numbers, starts = self._edges()
        if not len(numbers):
            return np.full(len(times), self._frontier, dtype=np.int64)
        place = np.searchsorted(starts, times, side="right") - 1
        # Before the oldest bin that is known, the nominal grid tells how late it is.
        before = numbers[0] + (times - starts[0]) // self.length
        return np.where(place < 0, before, numbers[np.maximum(place, 0)])

    def _known_then(self, times: Ids, came: Ids) -> tuple[Ids, Ids]:
        """Per point its bin, and the first bin there was, by the bins that were open when its payload came.

        Payloads of one call are admitted together; what a later one opens must not change where an earlier one falls.
        """
        later = sorted({at for at in self._behind.values() if len(came) and at > int(came.min())})
        if not later:
            return self._direct(times), np.full(len(times), self._first(), dtype=np.int64)
        found, first = np.empty((2, len(times)), dtype=np.int64)
        stretch = np.searchsorted(np.array(later), came, side="right")
        table = self._edges()
        for number in np.unique(stretch).tolist():
            unknown = {one for one, at in self._behind.items() if at in later[number:]}
            kept = np.array([one not in unknown for one in table[0].tolist()], dtype=np.bool_)
            self._table = table[0][kept], table[1][kept]
            mine = stretch == number
            found[mine], first[mine] = self._direct(times[mine]), self._first()
        self._table = table
        return found, first

    def _first(self) -> int:
        numbers, _ = self._edges()
        return int(numbers[0]) if len(numbers) else 0

    def _open_or_late(self, found: Ids, first: Ids | int, late: npt.NDArray[np.bool_]) -> Ids:
        found = np.maximum(found, first)
        return np.where(late | (found <= self._closed), LATE, found)

    def close(self, upto: int) -> list[int]:
        """Close the bins up to ``upto``; returns those that were open, oldest first."""
        numbers = [n for n in sorted(self._anchors) if self._closed < n <= upto]
        self._closed = max(self._closed, upto)
        return numbers

    def forget(self, before: int) -> None:
        """Drop the times of closed bins older than ``before``."""
        for number in [n for n in self._anchors if n < before and n != self._frontier]:
            del self._anchors[number]
            self._behind.pop(number, None)
        self._table = None

    def next_start(self, number: int) -> int | None:
        """Begin of the bin right after ``number``; ``None`` when no payload opened it in its order."""
        following = number + 1
        return self.start(following) if following in self._anchors and following not in self._behind else None
