"""Whether a histogram or summary began anew, and what was added since a reference point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from phoenix_nb.otlp import (
    Buckets,
    ExponentialHistogramValue,
    HistogramValue,
    SidePoint,
    SummaryValue,
)

__all__ = ["was_reset", "with_buckets_of", "without_reference", "zeroed"]

_WRAP: Final = 1 << 64
_NONE: Final = Buckets()


def _fell(now: Sequence[int], before: Sequence[int]) -> bool:
    return len(now) != len(before) or any(one < other for one, other in zip(now, before, strict=True))


def was_reset(point: SidePoint, before: SidePoint) -> bool:
    """Whether anything that only grows is less than before, or the buckets are others."""
    now, then = point.value, before.value
    if isinstance(now, SummaryValue) and isinstance(then, SummaryValue):
        return now.count < then.count or now.sum < then.sum
    if isinstance(now, HistogramValue) and isinstance(then, HistogramValue):
        return (
            now.count < then.count
            or (now.sum or 0.0) < (then.sum or 0.0)
            or now.explicit_bounds != then.explicit_bounds
            or _fell(now.bucket_counts, then.bucket_counts)
        )
    if isinstance(now, ExponentialHistogramValue) and isinstance(then, ExponentialHistogramValue):
        pairs = ((now.positive, then.positive), (now.negative, then.negative))
        return (
            now.count < then.count
            or (now.sum or 0.0) < (then.sum or 0.0)
            or now.zero_count < then.zero_count
            or now.scale != then.scale
            or any(_fell((new or _NONE).bucket_counts, (old or _NONE).bucket_counts) for new, old in pairs)
        )
    return True


def with_buckets_of(point: SidePoint, known: SidePoint, *, bounds: bool, scale: bool) -> SidePoint:
    """What the collector remembers of a point where it goes on comparing with the buckets of an earlier one.

    Args:
        point: the latest point.
        known: what was remembered before.
        bounds: whether the bounds of a histogram stay those that were remembered first.
        scale: whether the scale of an exponential histogram does.
    """
    value, first = point.value, known.value
    if bounds and isinstance(value, HistogramValue) and isinstance(first, HistogramValue):
        return replace(point, value=replace(value, explicit_bounds=first.explicit_bounds))
    if (
        isinstance(value, ExponentialHistogramValue)
        and isinstance(first, ExponentialHistogramValue)
        and scale
    ):
        return replace(point, value=replace(value, scale=first.scale))
    return point


def zeroed(point: SidePoint) -> SidePoint:
    """A reference of the same shape from which nothing is taken away."""
    value = point.value
    if isinstance(value, SummaryValue):
        return replace(point, value=SummaryValue())
    if isinstance(value, HistogramValue):
        return replace(point, value=HistogramValue(bucket_counts=(0,) * len(value.bucket_counts)))
    if isinstance(value, ExponentialHistogramValue):
        return replace(
            point,
            value=ExponentialHistogramValue(
                positive=_empty(value.positive or _NONE), negative=_empty(value.negative or _NONE)
            ),
        )
    return point


def _empty(buckets: Buckets) -> Buckets:
    return Buckets(buckets.offset, (0,) * len(buckets.bucket_counts))


def without_reference(point: SidePoint, reference: SidePoint) -> SidePoint:
    """The point with the reference taken away; the sum of a histogram is set even where it was missing."""
    value, first = point.value, reference.value
    if isinstance(value, SummaryValue) and isinstance(first, SummaryValue):
        made = replace(value, count=(value.count - first.count) % _WRAP, sum=value.sum - first.sum)
        return replace(point, value=made)
    if isinstance(value, HistogramValue) and isinstance(first, HistogramValue):
        counts = value.bucket_counts
        if len(counts) == len(first.bucket_counts):
            pairs = zip(counts, first.bucket_counts, strict=True)
            counts = tuple((one - other) % _WRAP for one, other in pairs)
        return replace(
            point,
            value=replace(
                value,
                count=(value.count - first.count) % _WRAP,
                sum=(value.sum or 0.0) - (first.sum or 0.0),
                bucket_counts=counts,
            ),
        )
    if isinstance(value, ExponentialHistogramValue) and isinstance(first, ExponentialHistogramValue):
        return replace(point, value=_exponential(value, first))
    return point


def _exponential(
    value: ExponentialHistogramValue, first: ExponentialHistogramValue
) -> ExponentialHistogramValue:
    made = replace(
        value,
        count=(value.count - first.count) % _WRAP,
        sum=(value.sum or 0.0) - (first.sum or 0.0),
        zero_count=(value.zero_count - first.zero_count) % _WRAP,
    )
    pairs = [(value.positive, first.positive), (value.negative, first.negative)]
    if any(len((new or _NONE).bucket_counts) != len((old or _NONE).bucket_counts) for new, old in pairs):
        return made
    positive, negative = (_less(new, old or _NONE) for new, old in pairs)
    return replace(made, positive=positive, negative=negative)


def _less(buckets: Buckets | None, reference: Buckets) -> Buckets | None:
    if buckets is None:
        return None
    shift = buckets.offset - reference.offset
    known = reference.bucket_counts
    counts = [
        (count - known[at + shift]) % _WRAP if 0 <= at + shift < len(known) else count
        for at, count in enumerate(buckets.bucket_counts)
    ]
    return Buckets(buckets.offset, tuple(counts))
