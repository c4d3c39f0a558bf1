"""Exponential histograms built value by value, with as fine a scale as their largest size allows."""

from __future__ import annotations

import math
from typing import Final

from phoenix_nb.otlp import Buckets, ExponentialHistogramValue

__all__ = ["ExponentialCollector"]

_FINEST: Final = 20
_LEAST: Final = 2.0**-1022
_WRAP: Final = 1 << 64


class _Side:
    """The buckets of one sign."""

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.low = self.high = 0

    def coarsen(self, bits: int) -> None:
        """Join neighbours."""
        made: dict[int, int] = {}
        for index, count in self.counts.items():
            made[index >> bits] = (made.get(index >> bits, 0) + count) % _WRAP
        self.counts = made
        self.low >>= bits
        self.high >>= bits

    def buckets(self) -> Buckets:
        """All buckets from the first to the last."""
        if not self.counts:
            return Buckets()
        return Buckets(self.low, tuple(self.counts.get(at, 0) for at in range(self.low, self.high + 1)))


class ExponentialCollector:
    """Collects values.

    Args:
        size: most buckets of one sign.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._scale = _FINEST
        self._positive, self._negative = _Side(), _Side()
        self._count = self._zeros = 0
        self._sum = 0.0
        self._min = self._max = 0.0

    def add(self, value: float, times: int) -> None:
        """Count a value a number of times."""
        if not self._count:
            self._min = self._max = value
        elif value < self._min:
            self._min = value
        elif value > self._max:
            self._max = value
        times %= _WRAP
        self._count = (self._count + times) % _WRAP
        if value == 0:
            self._zeros = (self._zeros + times) % _WRAP
            return
        self._sum += value * times
        if not times:
            return
        side, size = (self._positive, value) if value > 0 else (self._negative, -value)
        index = self._index(size)
        if side.counts:
            low, high = min(side.low, index), max(side.high, index)
            change = 0
            while (high >> change) - (low >> change) >= self._size:
                change += 1
            if change:
                self._positive.coarsen(change)
                self._negative.coarsen(change)
                self._scale -= change
                index = self._index(size)
            side.low, side.high = min(side.low, index), max(side.high, index)
        else:
            side.low = side.high = index
        side.counts[index] = (side.counts.get(index, 0) + times) % _WRAP

    def _index(self, value: float) -> int:
        """The bucket of a positive value; its upper bound belongs to it."""
        fraction, exponent = math.frexp(value)
        exponent -= 1
        if self._scale <= 0:
            if value < _LEAST:
                return (-1022 >> -self._scale) - (1 if self._scale == 0 else 0)
            return (exponent - (fraction == 0.5)) >> -self._scale
        if value <= _LEAST:
            return (-1022 << self._scale) - 1
        if fraction == 0.5:
            return (exponent << self._scale) - 1
        index = math.floor(math.log(value) * math.ldexp(math.log2(math.e), self._scale))
        return min(index, (1024 << self._scale) - 1)

    def value(self) -> ExponentialHistogramValue:
        """What was collected."""
        return ExponentialHistogramValue(
            count=self._count,
            sum=self._sum,
            scale=0 if self._count == self._zeros else self._scale,
            zero_count=self._zeros,
            positive=self._positive.buckets(),
            negative=self._negative.buckets(),
            min=self._min if self._count else None,
            max=self._max if self._count else None,
        )
