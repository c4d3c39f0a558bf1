"""The running intersection of a confidence sequence, when it decided, and when it became empty."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from phoenix_nb.evidence._blocks import Values

__all__ = ["RESOLUTION", "RunningIntersection"]

RESOLUTION: Final = 1e-3
"""Ends that cross by less than this (0.1 percentage points) are no drift.

Counts are whole numbers and often stand still for minutes, so an interval can shrink to a point; without a resolution
one process more or less, or rounding, would raise the alarm.
"""


class RunningIntersection:
    """Every interval so far at once. It only ever shrinks, so what it decides it does not take back."""

    __slots__ = ("high", "low")

    def __init__(self) -> None:
        self.low = -math.inf
        self.high = math.inf

    def add(self, low: float, high: float) -> None:
        """Intersect with one more interval."""
        if low > self.low:
            self.low = low
        if high < self.high:
            self.high = high

    def add_all(self, lows: Values, highs: Values) -> tuple[Values, Values]:
        """Intersect with many; returns both ends after each of them, shape (n,)."""
        low = np.maximum(np.maximum.accumulate(lows), self.low)
        high = np.minimum(np.minimum.accumulate(highs), self.high)
        if len(low):
            self.low, self.high = float(low[-1]), float(high[-1])
        return low, high

    @property
    def empty(self) -> bool:
        """Whether no value agrees with all intervals: the quantity drifted."""
        return self.low - self.high > RESOLUTION

    @property
    def known(self) -> bool:
        """Whether both ends are finite."""
        return math.isfinite(self.low) and math.isfinite(self.high)
