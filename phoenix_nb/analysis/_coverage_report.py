"""The coverage report of an experiment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from phoenix_nb.evidence.coverage import CoverageTracker, SumMismatch, Unit, UnitCoverage
from phoenix_nb.interfaces.evidence import Arm, CoverageName, CoverageReport, MissedUnit, StaticFinding
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
        by_name=_by_name(both),
        miss_rate_upper=None if missed or not counted else 1.0 - plan.alpha ** (1.0 / counted),
        unequal_aggregates=tuple(_unequal(found) for found in arm.mismatches),
        static=static,
    )


def _by_name(both: Sequence[tuple[Unit, UnitCoverage]]) -> tuple[CoverageName, ...]:
    names = dict.fromkeys(unit.name for unit, _ in both)
    rows = []
    for name in names:
        mine = [shown for unit, shown in both if unit.name == name]
        rows.append(
            CoverageName(
                name=name,
                units=len(mine),
                covered=sum(1 for s in mine if s.covered and not s.aggregate and not s.missed),
                covered_in_aggregate=sum(1 for s in mine if s.aggregate and not s.missed),
                missed=sum(1 for s in mine if s.missed),
            )
        )
    return tuple(sorted(rows, key=lambda row: -row.missed))


def _unequal(found: SumMismatch) -> str:
    return (
        f"{found.metric} of {found.selector}: the aggregate is {found.aggregate:.10g}, its parts sum to"
        f" {found.parts:.10g} (off by {found.relative_error:.3g} of the larger)"
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
