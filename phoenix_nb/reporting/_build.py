"""Making a comparison file from what an experiment left: arranging, not computing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from phoenix_nb.interfaces.cost import CostRow
from phoenix_nb.interfaces.evidence import ArmInterval, CoverageReport, Interval, Verdict, WindowTotals
from phoenix_nb.interfaces.monitoring import LostSeries
from phoenix_nb.interfaces.plan import Plan, SuccessMetric, plan_hash
from phoenix_nb.reporting._comparison_data import ComparisonData, IntervalFrame, Pipelines, RunFacts

__all__ = ["METRIC_WORDS", "comparison_data", "interval_frame", "running_bounds"]

METRIC_WORDS: Mapping[str, str] = {
    SuccessMetric.DATA_POINTS: "data points",
    SuccessMetric.SERIES: "series",
    SuccessMetric.BYTES: "bytes",
}
"""What a saving is measured in, in words."""

Bounds = Sequence[tuple[float, float] | None]


def running_bounds(intervals: Sequence[Interval], plan: Plan) -> list[tuple[float, float] | None]:
    """The projected saving as it stood after every interval: what a person who watched the run saw.

    The intervals are judged again in their order, which gives the same answers as during the run.
    """
    from phoenix_nb.evidence import Judge

    judge = Judge(plan)
    found: list[tuple[float, float] | None] = []
    for interval in intervals:
        projection = judge.push(interval).projection
        found.append(None if projection is None else (projection.low, projection.high))
    return found


def _column(arms: Sequence[ArmInterval | None], name: str) -> tuple[float | None, ...]:
    # A silent arm has no figure. It must never become a zero on the way to a picture.
    return tuple(None if arm is None else float(getattr(arm, name)) for arm in arms)


def interval_frame(intervals: Sequence[Interval], bounds: Bounds = ()) -> IntervalFrame:
    """The per-interval table.

    Args:
        intervals: finalised intervals in order.
        bounds: ends of the projected saving after each interval, as :func:`running_bounds` gives them; empty
            leaves them out.
    """
    if not intervals:
        return IntervalFrame()
    start = intervals[0].start
    baseline, candidate = [i.baseline for i in intervals], [i.candidate for i in intervals]
    known: Bounds = bounds or [None] * len(intervals)
    return IntervalFrame(
        index=tuple(interval.index for interval in intervals),
        elapsed_seconds=tuple((interval.end - start).total_seconds() for interval in intervals),
        baseline_points=_column(baseline, "points"),
        candidate_points=_column(candidate, "points"),
        baseline_bytes=_column(baseline, "bytes"),
        candidate_bytes=_column(candidate, "bytes"),
        baseline_series=_column(baseline, "series"),
        candidate_series=_column(candidate, "series"),
        low=tuple(None if ends is None else ends[0] for ends in known),
        high=tuple(None if ends is None else ends[1] for ends in known),
    )


def comparison_data(
    *,
    experiment_id: str,
    name: str,
    created: datetime,
    source: str,
    pipelines: Pipelines,
    plan: Plan,
    intervals: Sequence[Interval],
    verdict: Verdict,
    window: WindowTotals,
    coverage: CoverageReport,
    cost: Sequence[CostRow] = (),
    losses: Sequence[LostSeries] | None = None,
    bounds: Bounds | None = None,
    sealed_hash: str = "",
    planned_intervals: int | None = None,
    hosts: int | None = None,
    processes: int | None = None,
    processes_started: int | None = None,
    processes_ended: int | None = None,
    seed: int | None = None,
    not_checked: Sequence[str] = (),
    notes: Sequence[str] = (),
    versions: Mapping[str, str] | None = None,
) -> ComparisonData:
    """The input of a comparison report.

    Args:
        experiment_id: id of the experiment.
        name: its name, the heading of the report.
        created: when this is made.
        source: the source in words that fit after "every payload of", for example ``this host``.
        pipelines: names and texts of both configurations.
        plan: what was fixed before the run.
        intervals: finalised intervals in order.
        verdict: the verdict at the end.
        window: exact totals of the window.
        coverage: what became of the critical processes.
        cost: one row per price model.
        losses: what the candidate no longer shows; ``None`` when nobody could look.
        bounds: ends of the projected saving after each interval; ``None`` judges the intervals again.
        sealed_hash: hash of the plan as it was sealed; empty takes the hash of ``plan``.
        planned_intervals: T_max of the run where the plan leaves it to the run's duration.
        hosts: distinct hosts seen; ``None`` when not counted. The other counts likewise.
        processes: distinct process lifetimes seen.
        processes_started: processes that started inside the window.
        processes_ended: processes that ended inside the window.
        seed: seed of a simulated source.
        not_checked: what nobody looked at.
        notes: warnings and remarks of the run.
        versions: names and versions of what made the run.
    """
    first, last = (intervals[0], intervals[-1]) if intervals else (None, None)
    judged = plan
    if plan.planned_intervals is None and planned_intervals is not None:
        # The plan left T_max to the duration; judging again needs the number that the run took.
        judged = plan.model_copy(update={"planned_intervals": planned_intervals})
    length = (last.end - first.start).total_seconds() if first and last else None
    load = [interval.baseline.points for interval in intervals if interval.baseline is not None]
    return ComparisonData(
        experiment_id=experiment_id,
        name=name,
        created=created,
        run=RunFacts(
            source=source,
            started=first.start if first else None,
            ended=last.end if last else None,
            # Scrapes are never apart to the millisecond; a hundredth is as much as a length of time tells.
            interval_seconds=round((first.end - first.start).total_seconds(), 2) if first else None,
            hosts=hosts,
            processes=processes,
            day_share=None if length is None else min(1.0, length / 86400),
            load_low=min(load) if load else None,
            load_high=max(load) if load else None,
            processes_started=processes_started,
            processes_ended=processes_ended,
            seed=seed,
        ),
        pipelines=pipelines,
        plan=plan,
        plan_hash=sealed_hash or plan_hash(plan),
        verdict=verdict,
        window=window,
        coverage=coverage,
        cost=tuple(cost),
        losses=None if losses is None else tuple(losses),
        frame=interval_frame(intervals, running_bounds(intervals, judged) if bounds is None else bounds),
        not_checked=tuple(not_checked),
        notes=tuple(notes),
        versions=dict(versions or {}),
    )
