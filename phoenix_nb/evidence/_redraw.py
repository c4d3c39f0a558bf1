"""Runs made of intervals that were seen: other intervals, another saving, another harm, the same noise."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.evidence._blocks import Values
from phoenix_nb.evidence._columns import ArmColumns, IntervalColumns
from phoenix_nb.interfaces.plan import GuardrailKind, Plan, SuccessMetric

__all__ = ["counted_columns", "measured", "redrawn", "success_values", "with_harms"]

_COLUMN: Final = {
    SuccessMetric.DATA_POINTS: "points",
    SuccessMetric.SERIES: "series",
    SuccessMetric.BYTES: "bytes",
}
_GUARDED: Final = {
    GuardrailKind.LATENCY_P99: "latency",
    GuardrailKind.LATENCY_ABOVE: "above",
    GuardrailKind.CPU_SECONDS: "cpu",
}


def counted_columns(a: Values, b: Values) -> IntervalColumns:
    """Intervals of which only what both arms sent is known; both got the same."""
    zero = np.zeros(len(a), dtype=np.int64)
    received = zero + 1000

    def arm(values: Values) -> ArmColumns:
        unknown = np.full(len(values), np.nan)
        return ArmColumns(
            present=np.ones(len(values), dtype=np.bool_),
            points=values,
            bytes=values,
            series=values,
            points_in=received,
            failures=zero,
            aggregate=zero,
            latency=unknown,
            cpu=unknown,
        )

    return IntervalColumns(
        index=np.arange(len(a)),
        warmup=np.zeros(len(a), dtype=np.bool_),
        source_points=received,
        baseline=arm(a),
        candidate=arm(b),
        critical_units=zero,
        late_points=zero,
    )


def success_values(plan: Plan, seen: IntervalColumns) -> tuple[Values, Values]:
    """The success metric of both arms."""
    name = _COLUMN[plan.success.metric]
    a, b = (getattr(arm, name).astype(np.float64) for arm in (seen.baseline, seen.candidate))
    return a, b


def measured(seen: IntervalColumns, kind: GuardrailKind) -> bool:
    """Whether a guardrail was measured in both arms in every interval, so that its noise is known."""
    columns = [getattr(arm, _GUARDED[kind]) for arm in (seen.baseline, seen.candidate)]
    if any(one is None or not len(one) or not np.isfinite(one).all() for one in columns):
        return False
    return kind is GuardrailKind.LATENCY_ABOVE or all(bool((one > 0).all()) for one in columns)


def with_harms(
    seen: IntervalColumns, kinds: Sequence[GuardrailKind], harms: Mapping[GuardrailKind, float]
) -> IntervalColumns:
    """The same noise with other means: each guardrail grows by ``harms``, or by nothing.

    Args:
        seen: what was seen.
        kinds: guardrails that were measured.
        harms: true increases, fractions of what the margins are fractions of.
    """
    candidate = seen.candidate
    for kind in kinds:
        name, harm = _GUARDED[kind], harms.get(kind, 0.0)
        a, b = getattr(seen.baseline, name), getattr(seen.candidate, name)
        if kind is GuardrailKind.LATENCY_P99:
            candidate = dataclasses.replace(
                candidate, latency=b * np.exp(np.mean(np.log(a) - np.log(b))) * (1.0 + harm)
            )
        elif kind is GuardrailKind.LATENCY_ABOVE:
            candidate = dataclasses.replace(candidate, above=b - np.mean(b - a) + harm)
        else:
            candidate = dataclasses.replace(candidate, cpu=b * (a.sum() / b.sum()) * (1.0 + harm))
    return dataclasses.replace(seen, candidate=candidate)


def redrawn(
    plan: Plan, seen: IntervalColumns, at: npt.NDArray[np.int64], a: Values, b: Values
) -> IntervalColumns:
    """The intervals ``at``, in this order, with other values of the success metric.

    Args:
        plan: which metric that is.
        seen: what was seen.
        at: rows.
        a: the metric of the baseline, one value per row.
        b: the same of the candidate.
    """
    name = _COLUMN[plan.success.metric]
    return IntervalColumns(
        index=np.arange(len(at)),
        warmup=seen.warmup[at],
        source_points=seen.source_points[at],
        baseline=_redrawn_arm(seen.baseline, at, name, a),
        candidate=_redrawn_arm(seen.candidate, at, name, b),
        critical_units=seen.critical_units[at],
        late_points=seen.late_points[at],
    )


def _redrawn_arm(arm: ArmColumns, at: npt.NDArray[np.int64], name: str, values: Values) -> ArmColumns:
    columns = {one.name: getattr(arm, one.name) for one in dataclasses.fields(arm)}
    rows = {key: one[at] for key, one in columns.items() if one is not None}
    return dataclasses.replace(arm, **(rows | {name: values}))
