"""The judge: intervals in, verdict out, one by one or all at once with the same answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.evidence._columns import IntervalColumns
from phoenix_nb.evidence._standing import Standing
from phoenix_nb.evidence._verdict import verdict_of, view_of
from phoenix_nb.interfaces.evidence import CoverageReport, Interval, Verdict
from phoenix_nb.interfaces.plan import Plan

__all__ = ["Judge", "decide", "decide_columns"]


class Judge:
    """Judges a run while it goes on.

    Promised: after any number of intervals the verdict equals that of :func:`decide` over the same intervals, however
    often it was asked for in between; an interval costs the same whether it is the first or the millionth.

    Not promised: a promotion without a coverage report. The intervals alone show misses, but not whether the
    candidate's rules were checked: hand in :meth:`update_coverage` what the meter knows, at the latest at the end.

    Args:
        plan: what was fixed before the run.
        planned_intervals: T_max, intervals after the warm-up, where the plan leaves it to the run. When neither
            says it no claim beyond the window is made.
        coverage: what is known of coverage before the first interval.

    Raises:
        InvalidRequestError: ``planned_intervals`` is negative.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        planned_intervals: int | None = None,
        coverage: CoverageReport | None = None,
    ) -> None:
        if planned_intervals is not None and planned_intervals < 0:
            raise InvalidRequestError(f"planned_intervals must not be negative, not {planned_intervals}")
        self.plan = plan
        """What was fixed before the run."""
        self.t_max = plan.planned_intervals if planned_intervals is None else planned_intervals
        """Planned number of intervals after the warm-up; ``None`` when not known."""
        self._standing = Standing(plan, self.t_max)
        self._report = coverage

    def add(self, interval: Interval) -> None:
        """Take one interval without asking for the verdict.

        Raises:
            InvalidRequestError: it is not later than the one before.
        """
        self._standing.add(interval)

    def push(self, interval: Interval) -> Verdict:
        """Take one interval; returns the verdict as it stands now.

        Raises:
            InvalidRequestError: it is not later than the one before.
        """
        self._standing.add(interval)
        return self.verdict

    def update_coverage(self, report: CoverageReport) -> Verdict:
        """Take what is known of coverage now, in place of what was known before; returns the verdict."""
        self._report = report
        return self.verdict

    @property
    def verdict(self) -> Verdict:
        """The verdict as it stands now."""
        return verdict_of(self._standing, self._report)

    @property
    def healthy(self) -> bool:
        """Whether every gate holds; otherwise no reduction may be shown."""
        return view_of(self._standing, self._report).healthy

    @classmethod
    def over(
        cls,
        columns: IntervalColumns,
        plan: Plan,
        *,
        planned_intervals: int | None = None,
        coverage: CoverageReport | None = None,
    ) -> Judge:
        """A judge that has seen a whole run, taken at once; made for millions of intervals."""
        judge = cls(plan, planned_intervals=planned_intervals, coverage=coverage)
        judge._standing.fill(columns)
        return judge


def decide(
    intervals: Iterable[Interval],
    plan: Plan,
    *,
    planned_intervals: int | None = None,
    coverage: CoverageReport | None = None,
) -> Verdict:
    """The verdict over finalised intervals.

    Args:
        intervals: in the order of time.
        plan: what was fixed before the run.
        planned_intervals: T_max where the plan leaves it open; when neither says it, the intervals given are all.
        coverage: what is known of coverage beyond the intervals: static check, certificate, sums of aggregates.

    Raises:
        InvalidRequestError: the intervals are not in order, or something is not what it must be.
    """
    given = list(intervals)
    _require_kinds(given, plan)
    t_max = plan.planned_intervals if planned_intervals is None else planned_intervals
    if t_max is None:
        t_max = sum(1 for interval in given if not interval.warmup)
    judge = Judge(plan, planned_intervals=t_max, coverage=coverage)
    for interval in given:
        judge.add(interval)
    return judge.verdict


def _require_kinds(intervals: Sequence[object], plan: object) -> None:
    if not isinstance(plan, Plan):
        raise InvalidRequestError(
            f"a plan is needed, not {type(plan).__name__}", hint="Plan() has the defaults"
        )
    for position, interval in enumerate(intervals):
        if not isinstance(interval, Interval):
            raise InvalidRequestError(
                f"interval {position} is {type(interval).__name__}, not an Interval",
                hint="for a table of figures use `phoenix analyze`",
                details={"position": position},
            )


def decide_columns(
    columns: IntervalColumns,
    plan: Plan,
    *,
    planned_intervals: int | None = None,
    coverage: CoverageReport | None = None,
) -> Verdict:
    """The verdict over intervals given as columns; the same answer as :func:`decide`, for millions of rows."""
    t_max = plan.planned_intervals if planned_intervals is None else planned_intervals
    if t_max is None:
        t_max = int((~columns.warmup).sum())
    return Judge.over(columns, plan, planned_intervals=t_max, coverage=coverage).verdict
