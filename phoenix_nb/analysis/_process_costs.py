"""Which process costs what per month: each group's share of what a price model bills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from phoenix_nb.analysis._attribution import Dimension, group_series
from phoenix_nb.analysis._json_proxy import JsonProxy
from phoenix_nb.analysis._meter import ExperimentMeter
from phoenix_nb.interfaces.cost import BilledUnit, CostEstimate
from phoenix_nb.interfaces.evidence import Arm

__all__ = ["GroupCost", "group_costs"]


@dataclass(frozen=True, slots=True)
class GroupCost:
    """The part of a month's bill that one group brings."""

    name: str
    """The group; empty for series that do not carry it."""
    points: int
    """Data points in the window."""
    series: int
    """Distinct series in the window."""
    bytes: int
    """JSON bytes of its points in the window, which is what prices per GB are applied to."""
    per_month: tuple[float | None, ...]
    """Amount per month, one per price model; ``None`` where the model has none."""


def group_costs(
    meter: ExperimentMeter, estimates: Sequence[CostEstimate], dimension: Dimension, arm: Arm = Arm.BASELINE
) -> tuple[GroupCost, ...]:
    """Split monthly amounts by each group's share of the billed unit, dearest first.

    Args:
        meter: what was measured.
        estimates: the arm's month, one per price model.
        dimension: what to group by.
        arm: whose bill.
    """
    known = meter.dictionaries
    group, names = group_series(known, dimension)
    points = meter.ledgers[arm].padded()[: len(group)]
    used = np.flatnonzero(points)
    count = len(names)
    sizes = JsonProxy(known).sizes()
    by_points = np.bincount(group[used], points[used], minlength=count)
    by_bytes = np.bincount(group[used], (points * sizes)[used], minlength=count)
    pairs = np.unique((group[used] << 32) | known.series.key[used])
    by_series = np.bincount(pairs >> 32, minlength=count).astype(np.float64)
    shares = {
        BilledUnit.GIGABYTES: by_bytes,
        BilledUnit.SAMPLES: by_points,
        BilledUnit.SERIES: by_series,
        BilledUnit.METRIC_NAMES: by_points,
    }
    rows = []
    for at in np.flatnonzero(by_points).tolist():
        amounts = []
        for one in estimates:
            whole = shares[one.unit]
            total = float(whole.sum())
            amounts.append(
                None if one.per_month is None or not total else one.per_month * float(whole[at]) / total
            )
        rows.append(
            GroupCost(
                name=names[at],
                points=int(by_points[at]),
                series=int(by_series[at]),
                bytes=int(by_bytes[at]),
                per_month=tuple(amounts),
            )
        )
    return tuple(
        sorted(
            rows,
            key=lambda row: (-max((x or 0.0 for x in row.per_month), default=0.0), -row.points, row.name),
        )
    )
