"""The coverage report of an experiment."""

from __future__ import annotations

from datetime import UTC, datetime

from phoenix_nb.evidence.coverage import CoverageTracker, Unit
from phoenix_nb.interfaces.evidence import Arm, CoverageReport, MissedUnit, StaticFinding
from phoenix_nb.interfaces.plan import Plan

__all__ = ["coverage_report"]


def coverage_report(
    tracker: CoverageTracker, plan: Plan, static: tuple[StaticFinding, ...]
) -> CoverageReport:
    """Lifetimes of critical processes and what the candidate showed of them.

    The certificate counts lifetimes that the candidate showed whenever they could be judged: statistics
    reference, 2.7. Lifetimes that are only part of an aggregate count when the plan allows that and the sums
    agree.
    """
    arm = tracker.arms[Arm.CANDIDATE]
    both = list(zip(tracker.units, arm.units, strict=True))
    missed = [unit for unit, shown in both if shown.missed]
    aggregate = sum(1 for _, shown in both if shown.aggregate and not shown.missed)
    covered = sum(1 for _, shown in both if shown.covered and not shown.aggregate and not shown.missed)
    counted = covered + (aggregate if plan.allow_aggregate and not arm.mismatches else 0)
    return CoverageReport(
        selectors=tuple(selector.text for selector in tracker.selectors),
        unmatched_selectors=tracker.unmatched,
        critical_units=len(both),
        covered=covered,
        covered_in_aggregate=aggregate,
        missed=tuple(_missed(unit) for unit in missed),
        miss_rate_upper=None if missed or not counted else 1.0 - plan.alpha ** (1.0 / counted),
        static=static,
    )


def _missed(unit: Unit) -> MissedUnit:
    return MissedUnit(
        name=unit.name,
        pid=unit.pid if unit.pid >= 0 else None,
        start=_timestamp(unit.start or unit.first_raw),
        last_seen=_timestamp(unit.last_raw),
    )


def _timestamp(nanoseconds: int) -> datetime:
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
