"""The answer of ``phoenix compare --json``: one object whose keys programs rely on."""

from __future__ import annotations

from phoenix_nb.errors import JsonValue
from phoenix_nb.interfaces import (
    CostRow,
    CoverageReport,
    Experiment,
    ExperimentResults,
    PairTotals,
    Projection,
    Report,
)

__all__ = ["comparison_json", "cost_json", "coverage_json", "projection_json"]


def comparison_json(
    experiment: Experiment, results: ExperimentResults, report: Report | None
) -> dict[str, JsonValue]:
    """What is known of a run, as JSON values.

    Reductions and savings are fractions, bytes are uncompressed OTLP protobuf; ``window`` is measured and exact,
    ``projection`` carries a time-uniform interval. What is not known is ``null`` with a reason beside it.
    """
    verdict, window = results.verdict, results.window
    return {
        "experiment_id": experiment.id,
        "state": experiment.state.value,
        "plan_hash": results.plan_hash,
        "intervals": results.intervals,
        "verdict": {
            "state": verdict.state.value,
            "decided_by": verdict.decided_by,
            "reason": verdict.reason,
        },
        "window": {
            "points": _pair(window.points),
            "series": _pair(window.series),
            "bytes": _pair(window.bytes),
        },
        "projection": projection_json(verdict.projection),
        "projection_reason": verdict.projection_reason or None,
        "coverage": coverage_json(results.coverage),
        "cost": [cost_json(row) for row in results.cost],
        "collector": _collector(results),
        "report": None if report is None else {"html": str(report.html), "notebook": str(report.notebook)},
        "applied": [*results.applied],
        "warnings": [*results.warnings],
    }


def _collector(results: ExperimentResults) -> JsonValue:
    """What the real collectors used; ``None`` with the embedded engine."""
    arms = {"baseline": results.baseline_usage, "candidate": results.candidate_usage}
    used = {name: (usage.cpu_seconds, usage.rss_bytes) for name, usage in arms.items() if usage is not None}
    if all(figure is None for figures in used.values() for figure in figures):
        return None
    return {name: {"cpu_seconds": cpu, "rss_bytes": rss} for name, (cpu, rss) in used.items()}


def _pair(totals: PairTotals) -> JsonValue:
    return {
        "baseline": totals.baseline,
        "candidate": totals.candidate,
        "reduction": totals.reduction,
    }


def projection_json(projection: Projection | None) -> JsonValue:
    """A projected saving with its interval; ``None`` when nothing is projected."""
    if projection is None:
        return None
    return {
        "metric": projection.metric,
        "saving": {
            "estimate": projection.estimate,
            "low": projection.low,
            "high": projection.high,
            "alpha": projection.alpha,
        },
    }


def coverage_json(coverage: CoverageReport) -> JsonValue:
    """What became of the critical processes."""
    return {
        "critical_units": coverage.critical_units,
        "covered": coverage.covered,
        "covered_in_aggregate": coverage.covered_in_aggregate,
        "missed": [
            {
                "name": one.name,
                "pid": one.pid,
                "start": one.start.isoformat(),
                "last_seen": one.last_seen.isoformat(),
            }
            for one in coverage.missed
        ],
        "miss_rate_upper": coverage.miss_rate_upper,
        "unmatched_selectors": [*coverage.unmatched_selectors],
    }


def cost_json(row: CostRow) -> JsonValue:
    """One price model's month."""
    return {
        "price_model": row.price_model,
        "basis": row.basis.value,
        "kind": row.kind.value,
        "every": row.every,
        "hosts": row.hosts,
        "baseline_per_month": row.baseline_per_month,
        "candidate_per_month": row.candidate_per_month,
        "saving_per_month": row.saving_per_month,
        "low": row.low,
        "high": row.high,
        "currency": row.currency,
        "as_of": row.as_of.isoformat(),
        "reason": row.reason or row.interval_reason,
    }
