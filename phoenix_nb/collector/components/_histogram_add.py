"""Adding a histogram point to a running total."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from phoenix_nb.otlp import Buckets, ExponentialHistogramValue, HistogramValue, SidePoint

__all__ = ["add_side"]

_WRAP: Final = 1 << 64
_MAX_BUCKETS: Final = 160
_NONE: Final = Buckets()


def add_side(total: SidePoint, point: SidePoint) -> SidePoint:
    """The new total; exemplars stay those of the total's first point."""
    value, other = total.value, point.value
    if isinstance(value, HistogramValue) and isinstance(other, HistogramValue):
        if value.explicit_bounds != other.explicit_bounds:
            # Totals over other bounds cannot be continued, so the new point takes their place.
            return point
        return replace(total, value=_histogram(value, other))
    if isinstance(value, ExponentialHistogramValue) and isinstance(other, ExponentialHistogramValue):
        return replace(total, value=_exponential(value, other))
    return total


def _joined(mine: float | None, other: float | None, join: Callable[[float, float], float]) -> float | None:
    """What both must have; one that lacks it takes it from the total."""
    return None if mine is None or other is None else join(mine, other)


def _sum(mine: float, other: float) -> float:
    return mine + other


def _least(mine: float, other: float) -> float:
    return math.nan if math.isnan(mine) or math.isnan(other) else min(mine, other)


def _most(mine: float, other: float) -> float:
    return math.nan if math.isnan(mine) or math.isnan(other) else max(mine, other)


def _histogram(mine: HistogramValue, other: HistogramValue) -> HistogramValue:
    counts = list(mine.bucket_counts)
    for at, count in enumerate(other.bucket_counts[: len(counts)]):
        counts[at] = (counts[at] + count) % _WRAP
    return replace(
        mine,
        count=(mine.count + other.count) % _WRAP,
        bucket_counts=tuple(counts),
        sum=_joined(mine.sum, other.sum, _sum),
        min=_joined(mine.min, other.min, _least),
        max=_joined(mine.max, other.max, _most),
    )


def _exponential(
    mine: ExponentialHistogramValue, other: ExponentialHistogramValue
) -> ExponentialHistogramValue:
    scale = min(mine.scale, other.scale)
    mine, other = _downscaled(mine, scale), _downscaled(other, scale)
    wanted = min(
        _limit(scale, mine.positive or _NONE, other.positive or _NONE),
        _limit(scale, mine.negative or _NONE, other.negative or _NONE),
    )
    mine, other = _downscaled(mine, wanted), _downscaled(other, wanted)
    if mine.zero_threshold < other.zero_threshold:
        mine = _widened(mine, other.zero_threshold)
    elif other.zero_threshold < mine.zero_threshold:
        other = _widened(other, mine.zero_threshold)
    return replace(
        mine,
        positive=_merged(mine.positive, other.positive),
        negative=_merged(mine.negative, other.negative),
        count=(mine.count + other.count) % _WRAP,
        zero_count=(mine.zero_count + other.zero_count) % _WRAP,
        sum=_joined(mine.sum, other.sum, _sum),
        min=_joined(mine.min, other.min, _least),
        max=_joined(mine.max, other.max, _most),
    )


def _downscaled(value: ExponentialHistogramValue, scale: int) -> ExponentialHistogramValue:
    positive, negative = value.positive, value.negative
    for _ in range(value.scale - scale):
        positive, negative = _collapsed(positive), _collapsed(negative)
    return replace(value, scale=scale, positive=positive, negative=negative)


def _collapsed(buckets: Buckets | None) -> Buckets | None:
    """Every two neighbours as one; the list keeps its length and is filled with zeros."""
    if buckets is None:
        return None
    odd = buckets.offset % 2 != 0
    # Go divides towards zero; the number is even here, so that makes no difference.
    offset = (buckets.offset - odd) // 2
    counts = list(buckets.bucket_counts)
    size = len(counts)
    used = size // 2 + (1 if size % 2 or odd else 0)
    for at in range(min(used, size)):
        place = 2 * at - odd
        if place < 0:
            counts[at] = counts[0]
        elif place + 1 < size:
            counts[at] = (counts[place] + counts[place + 1]) % _WRAP
        else:
            counts[at] = counts[place] if place < size else 0
    counts[used:] = [0] * max(size - used, 0)
    return Buckets(offset, tuple(counts[:size]))


def _span(mine: Buckets, other: Buckets) -> tuple[int, int]:
    """Where the buckets of both begin and end, zeros at the ends left out."""
    low = min(mine.offset, other.offset)
    high = max(mine.offset + len(mine.bucket_counts), other.offset + len(other.bucket_counts))
    while low < high and not _at(mine, low) and not _at(other, low):
        low += 1
    while low < high - 1 and not _at(mine, high - 1) and not _at(other, high - 1):
        high -= 1
    return low, high


def _at(buckets: Buckets, place: int) -> int:
    index = place - buckets.offset
    return buckets.bucket_counts[index] if 0 <= index < len(buckets.bucket_counts) else 0


def _limit(scale: int, mine: Buckets, other: Buckets) -> int:
    low, high = _span(mine, other)
    while high - low > _MAX_BUCKETS:
        low, high = int(low / 2), int(high / 2)
        scale -= 1
    return scale


def _merged(mine: Buckets | None, other: Buckets | None) -> Buckets | None:
    if other is None or not other.bucket_counts:
        return mine
    if mine is None or not mine.bucket_counts:
        return other
    low, high = _span(mine, other)
    return Buckets(low, tuple((_at(mine, at) + _at(other, at)) % _WRAP for at in range(low, high)))


def _index(scale: int, value: float) -> int:
    fraction, exponent = math.frexp(value)
    if fraction == 0.5:
        shifted = (exponent - 1) << scale if scale >= 0 else 0
        return shifted - 1
    return math.floor(math.log(value) * math.ldexp(math.log2(math.e), scale))


def _widened(value: ExponentialHistogramValue, width: float) -> ExponentialHistogramValue:
    zero = _index(value.scale, width)
    counted = value.zero_count
    sides = []
    for buckets in (value.positive, value.negative):
        found = buckets or _NONE
        cut = min(max(zero + 1 - found.offset, 0), len(found.bucket_counts))
        counted += sum(found.bucket_counts[:cut])
        made = Buckets(found.offset + cut, found.bucket_counts[cut:])
        sides.append(buckets if made == _NONE else made)
    threshold = math.exp((zero + 1) * math.ldexp(math.log(2), -value.scale))
    return replace(
        value, zero_count=counted % _WRAP, zero_threshold=threshold, positive=sides[0], negative=sides[1]
    )
