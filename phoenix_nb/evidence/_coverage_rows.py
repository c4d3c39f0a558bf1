"""The rows of the verdict table that ask whether critical processes stay visible."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from phoenix_nb.evidence._phrases import count, finite, lost_sight, percent, several
from phoenix_nb.evidence._standing import Standing
from phoenix_nb.interfaces.evidence import Condition, ConditionRole, CoverageReport, StaticSafety

__all__ = ["coverage_rows", "missed_at"]


def missed_at(standing: Standing, report: CoverageReport | None) -> int | None:
    """Index of the interval with the first verified miss; ``None`` without any."""
    if standing.coverage.missed:
        return next(iter(standing.coverage.missed.values()))
    return standing.health.last_index if report is not None and report.missed else None


def coverage_rows(standing: Standing, report: CoverageReport | None) -> list[Condition]:
    """Every coverage condition of the plan."""
    tally = standing.coverage
    key = (
        standing.health.first_index,
        tally.units_at,
        tally.most_units,
        tally.aggregate_intervals,
        len(tally.missed or ()),
        report,
    )
    makers: list[Callable[[Standing, CoverageReport | None], Condition]] = [_missed]
    if standing.plan.require_coverage:
        makers += [_units, _aggregate, _static]
        if standing.plan.max_miss_rate is not None:
            makers.append(_certificate)
    if standing.plan.value_tolerance is not None:
        makers.append(_values)
    return [standing.row(make.__name__, key, partial(make, standing, report)) for make in makers]


def _row(
    name: str,
    text: str,
    *,
    met: bool,
    first_met: int | None,
    estimate: float | None = None,
    bound: float | None = None,
) -> Condition:
    return Condition(
        id=f"coverage:{name}",
        role=ConditionRole.COVERAGE,
        text=text,
        estimate=estimate,
        bound=bound,
        met=met,
        first_met=first_met if met else None,
        blocks=not met,
    )


def _missed(standing: Standing, report: CoverageReport | None) -> Condition:
    keys = standing.coverage.missed or {}
    units = report.missed if report is not None else ()
    if keys or units:
        who = lost_sight(units, list(keys))
        text = f"The candidate lost sight of {who}, which the plan declares critical."
    else:
        text = "No critical process was missed."
    return _row("missed", text, met=not keys and not units, first_met=standing.health.first_index)


def _units(standing: Standing, report: CoverageReport | None) -> Condition:
    at = standing.coverage.units_at
    total = report.critical_units if report is not None else 0
    met = at is not None or total > 0
    if not standing.plan.critical:
        text = "The plan names no critical process, so nobody can say that none would be lost."
    elif met:
        known = total or standing.coverage.most_units
        text = (
            f"{count(known, 'critical process', 'critical processes')} ran while the candidate was watched."
        )
    else:
        text = f"No process matches {several(standing.plan.critical)}, so coverage could not be checked."
    first = at if at is not None else standing.health.first_index
    return _row("no_units", text, met=met, first_met=first)


def _aggregate(standing: Standing, report: CoverageReport | None) -> Condition:
    intervals = standing.coverage.aggregate_intervals
    shared = max(1 if intervals else 0, report.covered_in_aggregate if report is not None else 0)
    unequal = report.unequal_aggregates if report is not None else ()
    first = standing.health.first_index
    if not shared:
        text = "Every critical process that is shown is shown by its own pid."
        return _row("aggregate", text, met=True, first_met=first)
    if not standing.plan.allow_aggregate:
        text = (
            "Critical processes are visible only as part of an aggregate without their pid, which the plan does"
            " not allow."
        )
        return _row("aggregate", text, met=False, first_met=first)
    if unequal:
        text = f"An aggregate differs from the sum of its parts: {unequal[0]}."
        return _row("aggregate", text, met=False, first_met=first)
    text = "Critical processes may be part of an aggregate, and the aggregates equal the sums of their parts."
    return _row("aggregate", text, met=True, first_met=first)


def _certified(standing: Standing, report: CoverageReport | None) -> bool:
    most = standing.plan.max_miss_rate
    upper = report.miss_rate_upper if report is not None else None
    return most is not None and upper is not None and upper <= most


def _static(standing: Standing, report: CoverageReport | None) -> Condition:
    findings = report.static if report is not None else ()
    unsafe = [one.name for one in findings if one.safety is StaticSafety.UNSAFE]
    unknown = [one.name for one in findings if one.safety is StaticSafety.UNKNOWN]
    certified = _certified(standing, report)
    first = standing.health.first_index
    if unsafe:
        text = f"The candidate's rules lose {several(unsafe)} at some values, whatever was seen in this run."
        return _row("static", text, met=False, first_met=first)
    if findings and not unknown:
        text = "The candidate's rules keep every critical process whatever its values are."
        return _row("static", text, met=True, first_met=first)
    what = (
        f"whether the candidate's rules keep {several(unknown)} at every value could not be decided"
        if unknown
        else "the candidate's rules have not been checked against the critical processes"
    )
    if certified:
        text = f"{what[0].upper()}{what[1:]}, but the demanded certificate is met."
        return _row("static", text, met=True, first_met=first)
    return _row("static", f"{what[0].upper()}{what[1:]}.", met=False, first_met=first)


def _certificate(standing: Standing, report: CoverageReport | None) -> Condition:
    most = standing.plan.max_miss_rate or 0.0
    upper = report.miss_rate_upper if report is not None else None
    met = _certified(standing, report)
    if upper is None:
        text = f"The plan asks for a miss rate below {percent(most)}; there is no certificate yet."
    else:
        text = f"The miss rate is below {percent(upper)}; the plan asks for {percent(most)} or less."
    return Condition(
        id="coverage:certificate",
        role=ConditionRole.COVERAGE,
        text=text,
        high=upper,
        bound=most,
        met=met,
        first_met=standing.health.first_index if met else None,
        blocks=not met,
    )


def _values(standing: Standing, report: CoverageReport | None) -> Condition:
    tolerance = standing.plan.value_tolerance or 0.0
    found = report.fidelity if report is not None else None
    if found is None or not found.compared:
        text, met, error = "No value of a kept series could be compared with the source.", False, None
    else:
        error = found.max_relative_error
        met = error <= tolerance
        most = percent(error) if error < math.inf else "without limit"
        asked = f"at most {percent(tolerance)} apart" if tolerance else "equal"
        text = (
            f"Of {count(found.compared, 'value')} of kept series {found.differing:,} differ from the source, by up to"
            f" {most}; the plan asks for {asked}."
            if found.differing
            else f"All {count(found.compared, 'value')} of kept series equal the source."
        )
    return _row(
        "values",
        text,
        met=met,
        first_met=standing.health.first_index,
        estimate=None if error is None else finite(error),
        bound=tolerance,
    )
