"""Verdicts on interval tables from anywhere: columns ``t, baseline_<metric>, candidate_<metric>, …``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.evidence._columns import ArmColumns, IntervalColumns
from phoenix_nb.evidence._judge import decide_columns
from phoenix_nb.interfaces import CoverageReport, Plan, SuccessMetric, Verdict

if TYPE_CHECKING:
    import polars as pl

__all__ = ["analyze_table", "table_columns"]

_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "points": ("data_points", "points"),
    "bytes": ("bytes",),
    "series": ("series",),
    "points_in": ("points_in",),
    "failures": ("failed",),
    "latency": ("latency_p99_seconds",),
    "cpu": ("cpu_seconds",),
    "above": ("latency_above",),
}
"""Per field of an arm the names its column may have, after ``baseline_`` or ``candidate_``."""

_SUCCESS: Final = {
    SuccessMetric.DATA_POINTS: "points",
    SuccessMetric.SERIES: "series",
    SuccessMetric.BYTES: "bytes",
}
_SHARED: Final = ("critical_units", "late_points", "missed", "source_points", "warmup")
_ARMS: Final = ("baseline", "candidate")
_LARGEST: Final = 2.0**53
"""Whole numbers beyond it are not exact in a table of floating-point numbers."""
_MISSING_OR_RESET: Final = (
    "a missing value must be empty; a counter that was reset must be turned into increments first"
)


def analyze_table(
    table: pl.DataFrame,
    plan: Plan,
    *,
    planned_intervals: int | None = None,
    coverage: CoverageReport | None = None,
) -> Verdict:
    """The verdict on a table of intervals.

    A table without any coverage column, judged by a plan that names no critical process, is judged without coverage;
    otherwise coverage is required as always.

    Args:
        table: one row per interval, see :func:`table_columns`.
        plan: what was fixed before the run.
        planned_intervals: T_max where the plan leaves it open; when neither says it, the rows are all.
        coverage: what is known of coverage beyond the table.

    Raises:
        InvalidRequestError: a column is missing, unknown or holds something impossible.
    """
    columns = table_columns(table, plan)
    covered = coverage is not None or "critical_units" in table.columns or "missed" in table.columns
    if not covered and not plan.critical and "require_coverage" not in plan.model_fields_set:
        plan = plan.model_copy(update={"require_coverage": False})
    return decide_columns(columns, plan, planned_intervals=planned_intervals, coverage=coverage)


def table_columns(table: pl.DataFrame, plan: Plan) -> IntervalColumns:
    """Read interval columns from a table.

    Args:
        table: ``t`` (numbers or times, strictly rising) and per arm the success metric of the plan
            (``baseline_data_points`` or ``baseline_points``, ``…_series``, ``…_bytes``); if known also
            ``…_points_in``, ``…_failed``, ``…_latency_p99_seconds``, ``…_latency_above``, ``…_cpu_seconds``, and
            once per interval ``warmup``, ``source_points``, ``late_points``, ``critical_units``, ``missed`` (a
            count). A null metric of one arm means that it was silent; an interval in which both are null is
            skipped. Without ``warmup`` the plan's number of first intervals is the warm-up.
        plan: which metric is needed.

    Raises:
        InvalidRequestError: naming the column, and the row where there is one.
    """
    _check_names(table, plan)
    needed = _SUCCESS[plan.success.metric]
    present = {arm: ~_column(table, arm, needed)[1] for arm in _ARMS}
    kept = np.flatnonzero(present["baseline"] | present["candidate"])
    _check_times(table)
    rows = len(kept)
    source = _shared(table, "source_points", kept)
    warmup = _shared(table, "warmup", kept)
    arms = {arm: _arm(table, arm, needed, present[arm], kept) for arm in _ARMS}
    if warmup is None:
        warmup = (np.arange(rows) < plan.warmup_intervals).astype(np.int64)
    if source is None:
        sent = np.ceil(arms["baseline"].points).astype(np.int64)
        source = np.maximum(sent, np.maximum(arms["baseline"].points_in, arms["candidate"].points_in))
    zeros = np.zeros(rows, dtype=np.int64)
    units, late = _shared(table, "critical_units", kept), _shared(table, "late_points", kept)
    missed = _shared(table, "missed", kept)
    if units is not None and missed is not None and (missed > units).any():
        row = int(kept[np.flatnonzero(missed > units)[0]])
        raise InvalidRequestError(
            f"row {row} misses more critical units than it has",
            hint="missed counts those of critical_units that the candidate did not show",
            details={"row": row},
        )
    return IntervalColumns(
        index=kept.astype(np.int64),
        warmup=warmup.astype(np.bool_),
        source_points=source,
        baseline=arms["baseline"],
        candidate=arms["candidate"],
        critical_units=zeros if units is None else units,
        late_points=zeros if late is None else late,
        missed=()
        if missed is None
        else tuple(
            (
                int(row),
                tuple(f"unit {number + 1} of row {int(kept[row])}" for number in range(int(missed[row]))),
            )
            for row in np.flatnonzero(missed)
        ),
    )


def _check_names(table: pl.DataFrame, plan: Plan) -> None:
    known = {"t", *_SHARED} | {
        f"{arm}_{name}" for arm in _ARMS for names in _NAMES.values() for name in names
    }
    if "t" not in table.columns:
        raise InvalidRequestError("the table has no column t", hint="t is the start of each interval")
    wrong = [
        name for name in table.columns if name not in known and name.startswith(("baseline_", "candidate_"))
    ]
    if wrong:
        raise InvalidRequestError(
            f"column {wrong[0]} is not a metric this judge knows",
            hint=f"rename it to one of {', '.join(sorted(known - {'t'}))}",
        )
    if not table.height:
        raise InvalidRequestError("the table has no row", hint="it needs one row per interval")
    needed = _SUCCESS[plan.success.metric]
    for arm in _ARMS:
        if _find(table, arm, needed) is None:
            raise InvalidRequestError(
                f"the table has no column {arm}_{_NAMES[needed][0]}",
                hint=f"the plan's saving is measured in {plan.success.metric}",
            )


def _find(table: pl.DataFrame, arm: str, field: str) -> str | None:
    return next((name for one in _NAMES[field] if (name := f"{arm}_{one}") in table.columns), None)


def _check_times(table: pl.DataFrame) -> None:
    import polars as pl

    times = table["t"]
    if times.null_count():
        row = int(times.is_null().arg_true()[0])
        raise InvalidRequestError(f"column t is empty in row {row}", details={"row": row})
    if times.dtype == pl.String:
        raise InvalidRequestError("column t holds text", hint="use ISO times or seconds")
    if not (times.dtype.is_numeric() or times.dtype.is_temporal()):
        raise InvalidRequestError("column t holds neither times nor numbers")
    if times.dtype.is_float() and not bool(times.is_finite().all()):
        raise InvalidRequestError("column t holds a time that is not finite")
    back = (times.diff().drop_nulls().cast(pl.Float64) <= 0).arg_true()
    if len(back):
        row = int(back[0]) + 1
        raise InvalidRequestError(
            f"t does not rise in row {row}",
            hint="sort the table by t and keep each interval once",
            details={"row": row},
        )


def _numbers(table: pl.DataFrame, name: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    import polars as pl

    series = table[name]
    if series.null_count() == len(series):
        # A text file does not say what an empty column would have held.
        series = series.cast(pl.Null)
    if not (series.dtype.is_numeric() or series.dtype in (pl.Boolean, pl.Null)):
        raise InvalidRequestError(
            f"column {name} holds something other than numbers{_first_text(series)}", hint=_MISSING_OR_RESET
        )
    null = series.is_null().to_numpy().astype(np.bool_)
    values = series.cast(pl.Float64).fill_null(0.0).to_numpy().astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(values) | (values < 0) | (values > _LARGEST))
    if len(bad):
        row = int(bad[0])
        what = "a number that is not finite"
        if np.isfinite(values[row]):
            what = "a negative number" if values[row] < 0 else "a number too large to be counted exactly"
        raise InvalidRequestError(
            f"column {name} holds {what} in row {row}",
            hint=_MISSING_OR_RESET,
            details={"column": name, "row": row},
        )
    return values, null


def _first_text(series: pl.Series) -> str:
    """Which text is no number, and where; empty when none is text."""
    import polars as pl

    if series.dtype != pl.String:
        return ""
    wrong = (
        series.is_not_null() & ~series.cast(pl.Float64, strict=False).is_finite().fill_null(False)
    ).arg_true()
    return f": {series[int(wrong[0])]!r} in row {int(wrong[0])}" if len(wrong) else ""


def _column(
    table: pl.DataFrame, arm: str, field: str
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    name = _find(table, arm, field)
    if name is None:
        return np.zeros(table.height), np.ones(table.height, dtype=np.bool_)
    return _numbers(table, name)


def _shared(table: pl.DataFrame, name: str, kept: npt.NDArray[np.intp]) -> npt.NDArray[np.int64] | None:
    if name not in table.columns:
        return None
    values, null = _numbers(table, name)
    if null.any():
        raise InvalidRequestError(f"column {name} is empty in row {int(np.flatnonzero(null)[0])}")
    return np.asarray(np.round(values[kept]), dtype=np.int64)


def _arm(
    table: pl.DataFrame,
    arm: str,
    needed: str,
    present: npt.NDArray[np.bool_],
    kept: npt.NDArray[np.intp],
) -> ArmColumns:
    main = _column(table, arm, needed)[0][kept]

    def amounts(field: str) -> npt.NDArray[np.int64] | npt.NDArray[np.float64]:
        values, null = _column(table, arm, field)
        filled = np.asarray(np.where(null[kept], main, values[kept]))
        # Rates are welcome too; whole numbers stay whole.
        return filled.astype(np.int64) if bool((filled == np.floor(filled)).all()) else filled

    def counts(field: str) -> npt.NDArray[np.int64]:
        values, null = _column(table, arm, field)
        return np.asarray(np.round(np.where(null[kept], 0.0, values[kept])), dtype=np.int64)

    def measured(field: str) -> npt.NDArray[np.float64]:
        values, null = _column(table, arm, field)
        return np.asarray(np.where(null[kept], np.nan, values[kept]))

    none = np.zeros(len(kept), dtype=np.int64)
    # What only one arm says it received cannot be compared.
    parity = all(_find(table, side, "points_in") is not None for side in _ARMS)
    return ArmColumns(
        present=present[kept],
        points=amounts("points"),
        bytes=amounts("bytes"),
        series=amounts("series"),
        points_in=counts("points_in") if parity else none,
        failures=counts("failures"),
        aggregate=none,
        latency=measured("latency"),
        cpu=measured("cpu"),
        above=measured("above"),
    )
