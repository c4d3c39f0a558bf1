"""Verdicts on interval tables that come from anywhere: CSV or Parquet files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from phoenix_nb.errors import InvalidRequestError, JsonValue, NotFoundError, StorageError
from phoenix_nb.evidence import SecondarySaving, analyze_table, secondary_saving, table_columns
from phoenix_nb.interfaces import ConditionRole, Plan, SuccessMetric, Verdict, plan_hash
from phoenix_nb.lab._comparison_json import projection_json

if TYPE_CHECKING:
    import polars as pl

__all__ = ["TableAnalysis", "analyze_file", "read_intervals"]

_COLUMN = {SuccessMetric.DATA_POINTS: "points", SuccessMetric.SERIES: "series", SuccessMetric.BYTES: "bytes"}
_MOST_BOOTSTRAPPED = 20_000
"""Intervals beyond which secondary figures are left out."""
_FEWEST_OF_A_TOTAL = 20
_GROWTH_OF_A_TOTAL = 5.0


@dataclass(frozen=True, slots=True)
class TableAnalysis:
    """What a table of intervals says."""

    plan: Plan
    """The criteria it was judged by."""
    verdict: Verdict
    """The answer and what it rests on."""
    baseline: float | None
    """Total of the success metric over the table, exact; ``None`` where the arm was silent."""
    candidate: float | None
    """Likewise."""
    secondary: SecondarySaving | None
    """Figures for one look, which never decide; ``None`` when there are too few intervals."""
    warnings: tuple[str, ...] = ()
    """What may be wrong with the table; sentences."""

    @property
    def reduction(self) -> float | None:
        """1 − candidate / baseline over the table, a fraction; ``None`` when that is no saving: an arm is unhealthy."""
        healthy = all(one.met for one in self.verdict.conditions if one.role is ConditionRole.GATE)
        if not self.baseline or self.candidate is None or not healthy:
            return None
        return 1.0 - self.candidate / self.baseline

    def to_json(self) -> dict[str, JsonValue]:
        """Everything as JSON values; what is not known is ``null`` with a reason beside it."""
        verdict = self.verdict
        forecast = verdict.forecast
        return {
            "plan_hash": plan_hash(self.plan),
            "plan": self.plan.model_dump(mode="json"),
            "intervals": verdict.intervals,
            "verdict": {
                "state": verdict.state.value,
                "decided_by": verdict.decided_by,
                "decided_at": verdict.decided_at,
                "reason": verdict.reason,
            },
            "conditions": [one.model_dump(mode="json") for one in verdict.conditions],
            "window": {
                self.plan.success.metric.value: {
                    "baseline": self.baseline,
                    "candidate": self.candidate,
                    "reduction": self.reduction,
                }
            },
            "projection": projection_json(verdict.projection),
            "projection_reason": verdict.projection_reason or None,
            "forecast": None if forecast is None else forecast.model_dump(mode="json"),
            "secondary": _secondary(self.secondary),
            "warnings": [*self.warnings],
        }


def _secondary(found: SecondarySaving | None) -> JsonValue:
    if found is None:
        return None
    return {
        "note": "valid for one look at the end of the run; never decides",
        "saving": [
            {
                "method": one.method,
                "estimate": one.estimate,
                "low": one.low,
                "high": one.high,
                "alpha": one.alpha,
            }
            for one in found.intervals
        ],
        "sign_flip_p": found.sign_flip_p,
    }


def read_intervals(path: str | Path) -> pl.DataFrame:
    """A table of intervals from a ``.csv`` or ``.parquet`` file; dates and times are recognised.

    Raises:
        NotFoundError: there is no such file.
        InvalidRequestError: it is not a table, or has another ending.
        StorageError: it cannot be read.
    """
    import polars as pl

    file = Path(path).expanduser()
    details: dict[str, JsonValue] = {"path": str(path)}
    if file.suffix not in {".csv", ".parquet"}:
        raise InvalidRequestError(
            f"{path} is neither .csv nor .parquet",
            hint="columns are t, baseline_…, candidate_…",
            details=details,
        )
    if not file.exists():
        raise NotFoundError(f"there is no file {path}", hint="check the path", details=details)
    try:
        if file.suffix == ".parquet":
            return pl.read_parquet(file)
        return pl.read_csv(file, try_parse_dates=True, infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        first = (str(error).splitlines() or ["it is not a table"])[0]
        raise InvalidRequestError(
            f"{path} cannot be read as a table: {first}",
            hint="a CSV file needs a header line with t, baseline_…, candidate_…",
            details=details,
        ) from error
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror or error}", details=details) from error


def analyze_file(
    path: str | Path, plan: Plan, *, planned_intervals: int | None = None, seed: int = 0
) -> TableAnalysis:
    """The verdict on a file of intervals.

    Args:
        path: the file, see :func:`read_intervals`; the columns are those of ``evidence.table_columns``.
        plan: the criteria.
        planned_intervals: T_max where the plan leaves it open; when neither says it, the rows are all.
        seed: of the secondary bootstrap.

    Raises:
        NotFoundError: there is no such file.
        InvalidRequestError: a column is missing, unknown or holds something impossible.
    """
    table = read_intervals(path)
    verdict = analyze_table(table, plan, planned_intervals=planned_intervals)
    columns = table_columns(table, plan)
    field = _COLUMN[plan.success.metric]
    arms = columns.baseline, columns.candidate
    totals = [
        float(getattr(arm, field).sum()) if len(columns) and bool(arm.present.all()) else None for arm in arms
    ]
    counted = ~columns.warmup & columns.baseline.present & columns.candidate.present
    a, b = (np.asarray(getattr(arm, field), dtype=np.float64)[counted] for arm in arms)
    # Bootstrapping millions of intervals would take minutes and change nothing that anybody looks at.
    short = len(a) <= _MOST_BOOTSTRAPPED
    secondary = (
        secondary_saving(a, b, target=plan.success.target, rng=np.random.default_rng(seed)) if short else None
    )
    warnings = tuple(
        f"{arm}: {plan.success.metric.value.replace('_', ' ')} never fall from one interval to the next and end at "
        "many times where they began; if these are running totals, give the difference of each interval"
        for arm, values in (("baseline", a), ("candidate", b))
        if _piles_up(values)
    )
    return TableAnalysis(plan, verdict, totals[0], totals[1], secondary, warnings)


def _piles_up(values: npt.NDArray[np.float64]) -> bool:
    """Whether amounts look like totals since a start: they never fall and grow by far."""
    return (
        len(values) >= _FEWEST_OF_A_TOTAL
        and bool((np.diff(values) >= 0).all())
        and float(values[-1]) >= _GROWTH_OF_A_TOTAL * max(float(values[0]), 1.0)
    )
