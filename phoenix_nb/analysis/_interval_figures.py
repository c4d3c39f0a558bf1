"""Figures of intervals: reading them, comparing both arms, finding what stands out."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Final

from phoenix_nb.interfaces.evidence import Arm, Interval
from phoenix_nb.interfaces.monitoring import (
    Anomaly,
    IntervalMetric,
    MetricComparison,
)

__all__ = ["anomalies", "arm_figure", "compare_figure"]

_UNITS: Final = {
    IntervalMetric.POINTS: "{points}",
    IntervalMetric.SERIES: "{series}",
    IntervalMetric.BYTES: "By",
    IntervalMetric.CRITICAL_COVERED: "{processes}",
    IntervalMetric.REFUSED: "{points}",
    IntervalMetric.FAILED: "{points}",
    IntervalMetric.LATENCY_P99: "s",
    IntervalMetric.CPU: "s",
    IntervalMetric.MEMORY: "By",
}
_MAD_TO_SD: Final = 1.4826
"""Median absolute deviation to standard deviation for normal noise (Rousseeuw and Croux 1993)."""
_HISTORY: Final = 20
"""Intervals before the first judgement."""
_WINDOW: Final = 120
"""Intervals that the median looks back."""
_SCORE: Final = 6.0
"""Robust standard deviations from which a figure stands out."""
_WATCHED: Final = (IntervalMetric.POINTS, IntervalMetric.SERIES, IntervalMetric.BYTES)


def arm_figure(interval: Interval, arm: Arm, metric: IntervalMetric) -> float | None:
    """A figure of one arm in one interval; ``None`` when the arm was silent or it was not measured."""
    side = interval.baseline if arm is Arm.BASELINE else interval.candidate
    value = None if side is None else getattr(side, metric.value)
    return None if value is None else float(value)


def compare_figure(intervals: Sequence[Interval], metric: IntervalMetric) -> MetricComparison:
    """One figure of both arms over intervals in which both were measured; exact."""
    pairs = [
        (before, after)
        for interval in intervals
        if (before := arm_figure(interval, Arm.BASELINE, metric)) is not None
        and (after := arm_figure(interval, Arm.CANDIDATE, metric)) is not None
    ]
    if not pairs:
        return MetricComparison(
            metric=metric,
            unit=_UNITS[metric],
            baseline_mean=None,
            candidate_mean=None,
            relative_difference=None,
        )
    before_mean = sum(before for before, _ in pairs) / len(pairs)
    after_mean = sum(after for _, after in pairs) / len(pairs)
    return MetricComparison(
        metric=metric,
        unit=_UNITS[metric],
        baseline_mean=before_mean,
        candidate_mean=after_mean,
        relative_difference=after_mean / before_mean - 1 if before_mean else None,
    )


def anomalies(intervals: Iterable[Interval], *, most: int = 20) -> tuple[Anomaly, ...]:
    """Figures far from the median of the intervals before them, strongest first.

    Distances are in robust standard deviations over the last 120 intervals; a figure that never varied has no scale,
    and a change of less than one percent of the median is never called an anomaly.
    """
    rows = list(intervals)
    found: list[Anomaly] = []
    for arm in Arm:
        for metric in _WATCHED:
            found.extend(_unusual(rows, arm, metric))
    found.sort(key=lambda one: (-one.score, one.interval, one.metric, one.arm))
    return tuple(found[:most])


def _unusual(rows: Sequence[Interval], arm: Arm, metric: IntervalMetric) -> Iterable[Anomaly]:
    history: list[float] = []
    for row in rows:
        value = arm_figure(row, arm, metric)
        if value is None:
            continue
        if len(history) >= _HISTORY:
            centre = statistics.median(history)
            scale = _MAD_TO_SD * statistics.median(abs(one - centre) for one in history)
            scale = max(scale, 0.01 * abs(centre) / _SCORE)
            if scale and abs(value - centre) / scale > _SCORE:
                yield Anomaly(
                    interval=row.index,
                    metric=metric,
                    arm=arm,
                    value=value,
                    expected=centre,
                    score=abs(value - centre) / scale,
                )
        history.append(value)
        del history[:-_WINDOW]
