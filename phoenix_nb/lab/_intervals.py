"""Intervals as a data frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from phoenix_nb.interfaces import Arm, Interval

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["interval_table"]

_FIGURES = ("points", "series", "bytes")


def interval_table(intervals: Sequence[Interval]) -> pd.DataFrame:
    """One row per interval; a silent arm has missing figures, never zeros."""
    import pandas as pd

    columns: dict[str, object] = {
        "start": pd.Series([one.start for one in intervals], dtype="datetime64[ns, UTC]"),
        "end": pd.Series([one.end for one in intervals], dtype="datetime64[ns, UTC]"),
        "warmup": pd.Series([one.warmup for one in intervals], dtype="bool"),
    }
    for arm in Arm:
        sides = [getattr(one, arm.value) for one in intervals]
        for figure in _FIGURES:
            columns[f"{arm.value}_{figure}"] = pd.array(
                [None if side is None else getattr(side, figure) for side in sides], dtype="Int64"
            )
    columns["critical_units"] = pd.Series([one.critical_units for one in intervals], dtype="int64")
    columns["missed"] = pd.Series([len(one.missed) for one in intervals], dtype="int64")
    columns["saving"] = pd.array([_saving(one) for one in intervals], dtype="Float64")
    index = pd.Index([one.index for one in intervals], name="interval", dtype="int64")
    return pd.DataFrame(
        {name: getattr(column, "array", column) for name, column in columns.items()}, index=index
    )


def _saving(interval: Interval) -> float | None:
    baseline, candidate = interval.baseline, interval.candidate
    if baseline is None or candidate is None or not baseline.points:
        return None
    return 1 - candidate.points / baseline.points
