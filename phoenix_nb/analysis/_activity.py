"""Distinct series over the activity windows that price models use."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.interfaces.cost import SeriesActivity

__all__ = ["ActivityCounter"]

Keys = npt.NDArray[np.int64]

_SLIDING: Final = 1200.0
_SIDE_BY_SIDE: Final = (3600.0, 7200.0, 86400.0)
_MINUTE: Final = 60.0


@dataclass(slots=True)
class _Window:
    """One row of windows that lie side by side."""

    seconds: float
    number: int = 0
    count: int = 0
    stamp: Keys = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    counts: list[int] = field(default_factory=list)


class ActivityCounter:
    """Counts exactly, interval by interval, how many series were active.

    Windows begin with the first interval; only complete ones count. The sliding window is read once a minute
    as soon as it is full. Intervals must come in order; those without data are simply not given.

    Args:
        interval_seconds: length of an interval.
    """

    def __init__(self, interval_seconds: float) -> None:
        self._length = interval_seconds
        self._origin: int | None = None
        self._newest = 0
        self._windows = [_Window(seconds) for seconds in _SIDE_BY_SIDE]
        self._last = np.full(0, -1, dtype=np.int64)
        self._sliding: list[int] = []
        self._step = max(_MINUTE, interval_seconds)
        self._next_reading = math.ceil(_SLIDING / self._step)
        self._minute: int | None = None
        self._minute_points = 0
        self._per_minute: list[float] = []

    def add(self, interval: int, keys: Keys, points: int) -> None:
        """Add an interval: its number in time, its distinct series keys and its data points."""
        if self._origin is None:
            self._origin = interval
        at = interval - self._origin
        begin = self._seconds(at)
        # What was active is read before this interval is added, so a reading never sees what comes after it.
        self._sliding.extend(self._readings(begin))
        self._next_reading = max(self._next_reading, int(begin / self._step) + 1)
        self._newest = at
        size = int(keys[-1]) + 1 if len(keys) else 0
        if size > len(self._last):
            self._last = _wider(self._last, size)
        self._last[keys] = at
        for window in self._windows:
            self._move(window, at)
            if size > len(window.stamp):
                window.stamp = _wider(window.stamp, size)
            window.count += int(np.count_nonzero(window.stamp[keys] != window.number))
            window.stamp[keys] = window.number
        self._add_minute(at, points)

    def _seconds(self, at: int) -> float:
        # Rounded, because 12,000 x 0.1 s must not be a hair more than 20 minutes.
        return round(at * self._length, 6)

    def _move(self, window: _Window, at: int) -> None:
        number = int(self._seconds(at) // window.seconds)
        # Windows without any interval are gaps of the source, not windows with zero series.
        if number != window.number:
            window.counts.append(window.count)
            window.number, window.count = number, 0

    def _readings(self, upto: float) -> list[int]:
        """The readings of the sliding window that are due at ``upto`` seconds; a gap of the source gives none."""
        found = []
        for reading in range(self._next_reading, int(upto / self._step) + 1):
            lowest = (reading * self._step - _SLIDING) / self._length
            # Without any interval nothing is known; with intervals that hold no series there are none.
            if self._newest >= lowest:
                found.append(int(np.count_nonzero(self._last >= lowest)))
        return found

    def _add_minute(self, at: int, points: int) -> None:
        if self._length > _MINUTE:
            self._per_minute.append(points * _MINUTE / self._length)
            return
        minute = int(self._seconds(at) // _MINUTE)
        if self._minute is not None and minute != self._minute:
            self._per_minute.append(float(self._minute_points))
            self._minute_points = 0
        self._minute = minute
        self._minute_points += points

    def activity(self) -> tuple[SeriesActivity, ...]:
        """The counts so far, complete windows only."""
        end = 0.0 if self._origin is None else self._seconds(self._newest + 1)
        rows = [_summary(_SLIDING, [*self._sliding, *self._readings(end)], sliding=True)]
        for window in self._windows:
            counts = list(window.counts)
            if end >= (window.number + 1) * window.seconds:
                counts.append(window.count)
            rows.append(_summary(window.seconds, counts, sliding=False))
        return tuple(rows)

    def p95_points_per_minute(self) -> float | None:
        """95th percentile (R-7) of data points per whole minute; ``None`` when there was none."""
        rates = list(self._per_minute)
        if self._minute is not None and self._seconds(self._newest + 1) >= (self._minute + 1) * _MINUTE:
            rates.append(float(self._minute_points))
        return float(np.percentile(rates, 95)) if rates else None


def _summary(seconds: float, counts: list[int], *, sliding: bool) -> SeriesActivity:
    return SeriesActivity(
        window_seconds=seconds,
        sliding=sliding,
        samples=len(counts),
        mean=float(np.mean(counts)) if counts else None,
        p95=float(np.percentile(counts, 95)) if counts else None,
        maximum=max(counts, default=None),
    )


def _wider(values: Keys, size: int) -> Keys:
    room = max(size, len(values) + len(values) // 2)
    return np.concatenate([values, np.full(room - len(values), -1, dtype=np.int64)])
