"""``extract_percentile_metric``: a percentile of every histogram point, as a gauge."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector._values import format_float
from phoenix_nb.collector.components._transform_edits import MetricEdit, MetricWork, headers_of
from phoenix_nb.collector.components._transform_new_metrics import number_columns
from phoenix_nb.collector.ottl import EvaluationError, Rows
from phoenix_nb.otlp import (
    Buckets,
    ExponentialHistogramValue,
    HistogramValue,
    MetricHeader,
    MetricType,
    PointKind,
)

__all__ = ["ExtractPercentile"]

Array = npt.NDArray[Any]
_HISTOGRAMS: Final = (MetricType.HISTOGRAM, MetricType.EXPONENTIAL_HISTOGRAM)
_NONE: Final = Buckets()
_WRAP: Final = 1 << 64


class ExtractPercentile(MetricEdit):
    """``extract_percentile_metric``.

    Values of exponential histograms with a scale above 0 may differ from the collector's in their last digits: there
    they depend on the processor that it runs on.
    """

    def __init__(self, percentile: float, suffix: str | None = None) -> None:
        if not 0 < percentile < 100:
            raise ValueError(f"percentile must be greater than 0 and less than 100, got {percentile:f}")
        self._percentile = percentile
        self._shown = f"p{format_float(percentile)}"
        self._suffix = suffix or f"_{self._shown}"

    def edit(self, work: MetricWork, rows: Rows, chosen: Array, order: int) -> dict[int, str]:
        """Append the gauges that have points; other kinds of metrics are left alone."""
        del rows
        known = work.frames.dictionaries.headers
        headers = headers_of(work, chosen)
        histograms = np.array([header.type in _HISTOGRAMS for header in headers], dtype=np.bool_)
        points, owner = work.points_of(chosen[histograms])
        sides = work.sides()
        numbers: list[float | None] = []
        failed: dict[int, str] = {}
        for at, metric in zip(work.frames.p_side[points].tolist(), owner.tolist(), strict=True):
            number = None
            if metric not in failed:
                try:
                    number = _percentile(sides[at].value, self._percentile)
                except EvaluationError as exc:
                    failed[metric] = str(exc)
            numbers.append(number)
        kept = np.array(
            [
                number is not None and metric not in failed
                for number, metric in zip(numbers, owner.tolist(), strict=True)
            ],
            dtype=np.bool_,
        )
        used, renumbered = np.unique(owner[kept], return_inverse=True)
        source = chosen[histograms]
        made = [known.intern(self._header(header)) for header in headers_of(work, source[used])]
        columns = number_columns(
            work.pick(points[kept]),
            [(PointKind.DOUBLE, 0, numbers[at] or 0.0) for at in np.flatnonzero(kept).tolist()],
        )
        work.add(source[used], order, np.array(made, dtype=np.int32), renumbered.reshape(-1), columns)
        return {int(source[metric]): text for metric, text in failed.items()}

    def _header(self, header: MetricHeader) -> MetricHeader:
        description = f"{header.description} ({self._shown})" if header.description else self._shown
        return MetricHeader(header.name + self._suffix, description, header.unit, MetricType.GAUGE)


def _percentile(value: object, percentile: float) -> float | None:
    """The percentile of a point; ``None`` when it has nothing to tell."""
    if isinstance(value, HistogramValue):
        return _of_histogram(value, percentile)
    assert isinstance(value, ExponentialHistogramValue)  # noqa: S101 - the metric's type says so
    return _of_exponential(value, percentile)


def _target(count: int, percentile: float) -> int:
    return math.ceil(float(count) * (percentile / 100.0))


def _between(low: float, high: float, share: float) -> float:
    if share < 0 or share > 1:
        raise EvaluationError(f"linear interpolation: invalid ratio {share:.6f}, must be between 0 and 1")
    return low + share * (high - low)


def _ratio(part: int, whole: int) -> float:
    """Division as floats do it: nothing of nothing is no number."""
    if whole:
        return float(part % _WRAP) / float(whole)
    return math.inf if part % _WRAP else math.nan


def _of_histogram(value: HistogramValue, percentile: float) -> float | None:
    counts, bounds = value.bucket_counts, value.explicit_bounds
    if not value.count or not counts:
        return None
    target = _target(value.count, percentile)
    if len(counts) != len(bounds) + 1:
        raise EvaluationError(
            f"calculating histogram percentile: malformed data: bucketCounts length ({len(counts)}) != explicitBounds "
            f"length ({len(bounds)}) + 1"
        )
    if not bounds:
        if value.min is None or value.max is None:
            return None
        return _between(value.min, value.max, _ratio(target, counts[0]))
    reached = 0
    for at, count in enumerate(counts):
        before, reached = reached, (reached + count) % _WRAP
        if reached < target:
            continue
        low = bounds[at - 1] if at else 0.0
        if at == 0:
            if value.min is not None and value.min < bounds[0]:
                low = value.min
            elif bounds[0] < 0:
                return bounds[0]
        if at < len(bounds):
            high = bounds[at]
        elif value.max is None or value.max <= low:
            return low
        else:
            high = value.max
        return _between(low, high, _ratio(target - before, count))
    raise _unreached("histogram", target, reached)


def _unreached(kind: str, target: int, reached: int) -> EvaluationError:
    return EvaluationError(
        f"calculating {kind} percentile: malformed data: cumulative count doesn't reach target count corresponding to "
        f"percentile. targetCount={target}, total count={reached}"
    )


# -- exponential histograms -------------------------------------------------------------------------------------------


def _of_exponential(value: ExponentialHistogramValue, percentile: float) -> float | None:
    negative, positive = value.negative or _NONE, value.positive or _NONE
    if not value.count or not (negative.bucket_counts or positive.bucket_counts or value.zero_count):
        return None
    target = _target(value.count, percentile)
    reached = 0
    for at in reversed(range(len(negative.bucket_counts))):
        count = negative.bucket_counts[at]
        before, reached = reached, (reached + count) % _WRAP
        if reached >= target:
            low, high = _bounds(negative.offset + at, value.scale)
            if low >= high:
                raise EvaluationError(
                    f"calculating exponential histogram percentile: malformed negative bucket bounds: absLowerBound "
                    f"({low:.6f}) >= absUpperBound ({high:.6f}) at histogramIndex={negative.offset + at}, "
                    f"scale={value.scale}"
                )
            return -_between_powers(low, high, 1 - _ratio(target - before, count))
    after_zero = (reached + value.zero_count) % _WRAP
    if after_zero >= target:
        low, high = -value.zero_threshold, value.zero_threshold
        if not negative.bucket_counts and positive.bucket_counts:
            low = 0.0
        elif negative.bucket_counts and not positive.bucket_counts:
            high = 0.0
        return _between(low, high, _ratio(target - reached, value.zero_count))
    return _of_positive(positive, value.scale, target, after_zero)


def _of_positive(buckets: Buckets, scale: int, target: int, reached: int) -> float:
    for at, count in enumerate(buckets.bucket_counts):
        before, reached = reached, (reached + count) % _WRAP
        if reached >= target:
            low, high = _bounds(buckets.offset + at, scale)
            return _between_powers(low, high, _ratio(target - before, count))
    raise _unreached("exponential histogram", target, reached)


def _bounds(index: int, scale: int) -> Sequence[float]:
    return _bound(index, scale), _bound(index + 1, scale)


def _bound(index: int, scale: int) -> float:
    try:
        if scale > 0:
            return math.exp(index * math.ldexp(math.log(2), -scale))
        power = index << -scale if scale > -64 else 0
        return math.ldexp(1.0, max(min(power, 5000), -5000))
    except OverflowError:
        return math.inf


def _between_powers(low: float, high: float, share: float) -> float:
    if share < 0 or share > 1:
        raise EvaluationError(
            f"logarithmic interpolation: invalid ratio {share:.6f}, must be between 0 and 1"
        )
    if low <= 0 or high <= 0:
        raise EvaluationError(
            f"logarithmic interpolation: bounds must be positive, got lowerBound={low:.6f}, upperBound={high:.6f}"
        )
    first, last = math.log2(low), math.log2(high)
    return _two_to(first + (last - first) * share)


_LN2_HIGH: Final = float.fromhex("0x1.62e42fee00000p-1")
_LN2_LOW: Final = float.fromhex("0x1.a39ef35793c76p-33")
_REMEZ: Final = tuple(
    map(
        float.fromhex,
        (
            "0x1.555555555553ep-3",
            "-0x1.6c16c16bebd93p-9",
            "0x1.1566aaf25de2cp-14",
            "-0x1.bbd41c5d26bf1p-20",
            "0x1.6376972bea4d0p-25",
        ),
    )
)


def _two_to(power: float) -> float:
    """A power of two as the C library of FreeBSD computes it, on which Go's is modelled, digit by digit."""
    if math.isnan(power):
        return power
    if power > 1023.9999999999999:
        return math.inf
    if power < -1074.0:
        return 0.0
    whole = int(power + math.copysign(0.5, power)) if power else 0
    high, low = (power - whole) * _LN2_HIGH, -(power - whole) * _LN2_LOW
    rest = high - low
    square = rest * rest
    series = 0.0
    for factor in reversed(_REMEZ):
        series = square * (factor + series)
    part = rest - series
    return math.ldexp(1 - ((low - (rest * part) / (2 - part)) - high), whole)
