"""What was added to a histogram between two points, or that it was reset."""

from __future__ import annotations

import math
from dataclasses import replace

from phoenix_nb.otlp import Buckets, ExponentialHistogramValue, HistogramValue, SidePoint

__all__ = ["subtract", "without_extremes"]

_WRAP = 1 << 64


def subtract(point: SidePoint, before: SidePoint) -> tuple[SidePoint | None, SidePoint | None]:
    """What was added, and what is compared with next time.

    Returns:
        The difference, ``None`` when the point is dropped; and the new state, ``None`` when the old one stays.
    """
    value, old = point.value, before.value
    if isinstance(value, HistogramValue) and isinstance(old, HistogramValue):
        return _histogram(point, value, old)
    if isinstance(value, ExponentialHistogramValue) and isinstance(old, ExponentialHistogramValue):
        made = _exponential(value, old)
        return (None, None) if made is None else (replace(point, value=made), point)
    return None, point


def without_extremes(point: SidePoint) -> SidePoint:
    """The same point without minimum and maximum, which do not fit a difference."""
    value = point.value
    if isinstance(value, (HistogramValue, ExponentialHistogramValue)):
        return replace(point, value=replace(value, min=None, max=None))
    return point


def _histogram(
    point: SidePoint, value: HistogramValue, old: HistogramValue
) -> tuple[SidePoint | None, SidePoint | None]:
    total = value.sum or 0.0
    if math.isnan(total):
        # A sum that is not known counts as unchanged.
        total = old.sum or 0.0
    state = replace(point, value=replace(value, sum=total))
    counts, before = value.bucket_counts, old.bucket_counts
    if len(counts) != len(before) or value.explicit_bounds != old.explicit_bounds:
        return None, state
    if value.count < old.count or any(now < then for now, then in zip(counts, before, strict=True)):
        return None, None
    known = value.sum is not None and not math.isnan(value.sum)
    made = replace(
        value,
        count=value.count - old.count,
        sum=total - (old.sum or 0.0) if known else value.sum,
        bucket_counts=tuple(now - then for now, then in zip(counts, before, strict=True)),
        min=None,
        max=None,
    )
    return replace(point, value=made), state


def _exponential(
    value: ExponentialHistogramValue, old: ExponentialHistogramValue
) -> ExponentialHistogramValue | None:
    if value.count < old.count or value.zero_threshold < old.zero_threshold or value.scale > old.scale:
        return None
    positive, negative = old.positive or Buckets(), old.negative or Buckets()
    zero = old.zero_count
    if value.zero_threshold > old.zero_threshold:
        factor = math.ldexp(math.log2(math.e), old.scale)
        threshold = math.ceil(math.log(value.zero_threshold) * factor) - 1
        positive, counted = _trimmed(positive, threshold)
        negative, more = _trimmed(negative, threshold)
        zero += counted + more
    if value.scale < old.scale:
        positive = _coarser(positive, old.scale - value.scale)
        negative = _coarser(negative, old.scale - value.scale)
    added_positive = _difference(value.positive or Buckets(), positive)
    added_negative = _difference(value.negative or Buckets(), negative)
    if added_positive is None or added_negative is None:
        return None
    known = value.sum is not None and not math.isnan(value.sum)
    return replace(
        value,
        count=value.count - old.count,
        sum=(value.sum or 0.0) - (old.sum or 0.0) if known else value.sum,
        zero_count=(value.zero_count - zero) % _WRAP,
        positive=added_positive,
        negative=added_negative,
        min=None,
        max=None,
    )


def _trimmed(buckets: Buckets, threshold: int) -> tuple[Buckets, int]:
    """Buckets above a threshold, and the count of those below."""
    place = threshold - buckets.offset
    if place < 0:
        return buckets, 0
    cut = min(place + 1, len(buckets.bucket_counts))
    return (
        Buckets(buckets.offset + cut, buckets.bucket_counts[cut:]),
        sum(buckets.bucket_counts[:cut]) % _WRAP,
    )


def _coarser(buckets: Buckets, bits: int) -> Buckets:
    offset = buckets.offset >> bits
    if not buckets.bucket_counts:
        return Buckets(offset)
    last = buckets.offset + len(buckets.bucket_counts) - 1
    counts = [0] * ((last >> bits) - offset + 1)
    for at, count in enumerate(buckets.bucket_counts):
        counts[((buckets.offset + at) >> bits) - offset] += count
    return Buckets(offset, tuple(counts))


def _difference(new: Buckets, old: Buckets) -> Buckets | None:
    """What was added per bucket, from the first change on; ``None`` when a bucket lost something."""
    offset = 0
    counts: list[int] = []
    for at, count in enumerate(new.bucket_counts):
        if not count:
            continue
        place = new.offset + at
        before = place - old.offset
        known = old.bucket_counts[before] if 0 <= before < len(old.bucket_counts) else 0
        if count == known:
            continue
        if count < known:
            return None
        if not counts:
            offset = place
        counts.extend([0] * (place - offset - len(counts)))
        counts.append(count - known)
    return Buckets(offset, tuple(counts))
