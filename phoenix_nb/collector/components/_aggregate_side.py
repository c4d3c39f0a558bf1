"""Merging histogram points, one group at a time: they are rare in host metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from phoenix_nb.otlp import (
    Buckets,
    ExponentialHistogramValue,
    HistogramValue,
    SidePoint,
    SideValue,
)

__all__ = ["histogram_key", "merge_side"]

_WRAP = 1 << 64


def histogram_key(value: SideValue | None, flags: int) -> object:
    """What two histogram points must share to be merged, beside attributes and time."""
    if isinstance(value, HistogramValue):
        return (value.explicit_bounds, value.min is None, value.max is None, flags)
    if isinstance(value, ExponentialHistogramValue):
        return (value.scale, value.min is None, value.max is None, flags)
    return None


def merge_side(points: Sequence[SidePoint], starts: Sequence[int]) -> tuple[SidePoint, int]:
    """The merged point and its start time; points without observations are passed over."""
    first, start = points[0], starts[0]
    value = first.value
    exemplars = list(first.exemplars)
    for point, begin in zip(points[1:], starts[1:], strict=True):
        other = point.value
        if isinstance(value, HistogramValue) and isinstance(other, HistogramValue):
            if not other.count:
                continue
            value = _histogram(value, other)
        elif isinstance(value, ExponentialHistogramValue) and isinstance(other, ExponentialHistogramValue):
            if not other.count:
                continue
            value = _exponential(value, other)
        else:
            continue
        exemplars.extend(point.exemplars)
        start = min(start, begin)
    return SidePoint(value, tuple(exemplars)), start


def _lower(mine: float | None, other: float | None) -> float | None:
    if mine is None:
        return None
    found = 0.0 if other is None else other
    return min(mine, found)


def _higher(mine: float | None, other: float | None) -> float | None:
    if mine is None:
        return None
    found = 0.0 if other is None else other
    return max(mine, found)


def _histogram(mine: HistogramValue, other: HistogramValue) -> HistogramValue:
    counts = list(mine.bucket_counts)
    for at, count in enumerate(other.bucket_counts[: len(counts)]):
        counts[at] = (counts[at] + count) % _WRAP
    return replace(
        mine,
        count=(mine.count + other.count) % _WRAP,
        sum=(mine.sum or 0.0) + (other.sum or 0.0),
        min=_lower(mine.min, other.min),
        max=_higher(mine.max, other.max),
        bucket_counts=tuple(counts),
    )


def _exponential(
    mine: ExponentialHistogramValue, other: ExponentialHistogramValue
) -> ExponentialHistogramValue:
    return replace(
        mine,
        count=(mine.count + other.count) % _WRAP,
        sum=(mine.sum or 0.0) + (other.sum or 0.0),
        zero_count=(mine.zero_count + other.zero_count) % _WRAP,
        min=_lower(mine.min, other.min),
        max=_higher(mine.max, other.max),
        negative=_buckets(mine.negative, other.negative),
        positive=_buckets(mine.positive, other.positive),
    )


def _buckets(mine: Buckets | None, other: Buckets | None) -> Buckets | None:
    """Buckets added as the collector does, its treatment of lower offsets included."""
    target, source = mine or Buckets(), other or Buckets()
    counts = list(target.bucket_counts)
    _add(counts, source.bucket_counts, source.offset - target.offset)
    if target.offset != source.offset and source.bucket_counts:
        lead = next((at for at, count in enumerate(counts) if count), len(counts))
        return Buckets(min(target.offset, source.offset), tuple(counts[lead:]))
    made = Buckets(target.offset, tuple(counts))
    return mine if made == Buckets() else made


def _add(counts: list[int], source: Sequence[int], shift: int) -> None:
    if shift < 0:
        # Counts of a lower offset are put in front one by one, zeros left out.
        counts[:0] = [count for count in source if count]
        return
    for at, count in enumerate(source):
        if shift and not count:
            continue
        place = at + shift
        counts.extend([0] * (place + 1 - len(counts)))
        counts[place] = (counts[place] + count) % _WRAP
