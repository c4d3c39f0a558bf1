"""The verdict table as data: rules in the order in which they decide. Source: statistics reference §2.4."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from phoenix_nb.evidence._coverage_rows import coverage_rows, missed_at
from phoenix_nb.evidence._effect_rows import effect_rows, ends, saving_id, tau_too_long
from phoenix_nb.evidence._forecast import forecast
from phoenix_nb.evidence._gates import gates
from phoenix_nb.evidence._paired import PairedSequence
from phoenix_nb.evidence._phrases import METRICS, count, percent
from phoenix_nb.evidence._standing import Standing
from phoenix_nb.interfaces.evidence import (
    Condition,
    ConditionRole,
    CoverageReport,
    Projection,
    Verdict,
    VerdictState,
)

__all__ = ["RULES", "Rule", "View", "verdict_of", "view_of"]

_EMPTY_ARMS: Final = ("gate:baseline_empty", "gate:candidate_empty")


@dataclass(frozen=True, slots=True)
class View:
    """What the rules look at."""

    standing: Standing
    """How the run stands."""
    report: CoverageReport | None
    """What is known of coverage beyond the intervals; ``None`` when nothing was told."""
    rows: Mapping[str, Condition]
    """Every condition by id, in order."""

    @property
    def healthy(self) -> bool:
        """Whether every gate holds; otherwise no effect may be shown as a saving."""
        return all(row.met for row in self.rows.values() if row.role is ConditionRole.GATE)

    def first_unmet(self, role: ConditionRole) -> Condition | None:
        """The first condition of a role that does not hold."""
        return next((row for row in self.rows.values() if row.role is role and not row.met), None)

    def text(self, condition: str) -> str:
        """The sentence of a condition."""
        return self.rows[condition].text


@dataclass(frozen=True, slots=True)
class Decision:
    """What a rule says when it applies."""

    decided_by: str
    """Id of a condition."""
    reason: str
    """One sentence."""
    at: int | None = None
    """Interval index of the decision."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table."""

    state: VerdictState
    """The answer if the rule applies."""
    applies: Callable[[View], Decision | None]
    """The decision, or ``None`` when the next rule is asked."""


# -- the rules -----------------------------------------------------------------------------------------------


def _gate(view: View) -> Decision | None:
    failed = [
        row
        for row in view.rows.values()
        if row.role is ConditionRole.GATE and not row.met and row.id not in _EMPTY_ARMS
    ]
    return Decision(failed[0].id, failed[0].text) if failed else None


def _missed(view: View) -> Decision | None:
    row = view.rows["coverage:missed"]
    return None if row.met else Decision(row.id, row.text, missed_at(view.standing, view.report))


def _empty(view: View) -> Decision | None:
    # After the misses: an empty output that hides a critical process is named by what it hides.
    failed = next((view.rows[name] for name in _EMPTY_ARMS if not view.rows[name].met), None)
    return None if failed is None else Decision(failed.id, failed.text)


def _open_end(view: View) -> Decision | None:
    if view.standing.t_max is not None:
        return None
    return Decision(
        "duration:t_min", "How long the run will be is not known yet, so only its window can be stated."
    )


def _too_short(view: View) -> Decision | None:
    standing = view.standing
    planned, counted = standing.t_max or 0, standing.health.counted
    if planned < standing.t_min:
        return Decision("duration:t_min", view.text("duration:t_min"))
    if not standing.pilot_done:
        have, need = min(counted, standing.plan.pilot_intervals), standing.plan.pilot_intervals
        reason = f"The pilot has {have:,} of {count(need, 'interval')}; until it ends only the window can be stated."
        return Decision("duration:pilot", reason)
    if tau_too_long(standing):
        return Decision("duration:noise", view.text("duration:noise"))
    return None


def _identical(view: View) -> Decision | None:
    if not view.standing.health.identical:
        return None
    return Decision(
        "identical_arms", "Both arms sent the same in every interval: there is nothing to decide."
    )


def _effects(view: View) -> list[tuple[str, PairedSequence]]:
    standing = view.standing
    rows = [(saving_id(standing), standing.saving)]
    rows += [(f"guardrail:{one.rule.kind}", one.sequence) for one in standing.guardrails]
    return rows


def _harm(view: View) -> Decision | None:
    drift = view.standing.drift_at
    found = [(sequence.bad_at, name) for name, sequence in _effects(view) if sequence.bad_at is not None]
    if not found:
        return None
    at, name = min(found, key=lambda item: item[0])
    # A rejection stands when the drift came after it; at the same time nothing can be told.
    if drift is not None and drift <= at:
        return None
    return Decision(name, view.text(name), at)


def _drift(view: View) -> Decision | None:
    if view.standing.drift_at is None:
        return None
    return Decision("drift", f"{view.text('drift')[:-1]}; judge a new window.")


def _all_met(view: View) -> Decision | None:
    if any(row.blocks for row in view.rows.values()):
        return None
    standing = view.standing
    times = [standing.t_min_at, standing.pilot_at, *(sequence.good_at for _, sequence in _effects(view))]
    if view.standing.plan.require_coverage:
        times.append(standing.coverage.units_at)
    name = saving_id(standing)
    what, target = METRICS[standing.plan.success.metric], standing.plan.success.target
    least = percent(1.0 - ends(standing.saving)[1], target)
    holds = [f"The saving in {what} is at least {least} (the plan asks for {percent(target)})"]
    if standing.guardrails:
        holds.append("every guardrail holds")
    if standing.plan.require_coverage or standing.plan.critical:
        holds.append("no critical process was lost")
    *rest, last = holds
    reason = f"{', '.join(rest)} and {last}." if rest else f"{last}."
    return Decision(name, reason, max(at for at in times if at is not None))


_BLOCKERS: Final = (
    ConditionRole.SUCCESS,
    ConditionRole.GUARDRAIL,
    ConditionRole.COVERAGE,
    ConditionRole.DURATION,
    ConditionRole.GATE,
)


def _blocker(view: View) -> Condition:
    found = (view.first_unmet(role) for role in _BLOCKERS)
    return next(row for row in found if row is not None)


def _over(view: View) -> Decision | None:
    standing = view.standing
    if standing.t_max is None or standing.health.counted < standing.t_max:
        return None
    row = _blocker(view)
    return Decision(row.id, f"The planned time is over and a person has to decide: {_lower(row.text)}")


def _otherwise(view: View) -> Decision | None:
    row = _blocker(view)
    return Decision(row.id, row.text)


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


RULES: Final[tuple[Rule, ...]] = (
    Rule(VerdictState.UNHEALTHY, _gate),
    Rule(VerdictState.REJECT, _missed),
    Rule(VerdictState.UNHEALTHY, _empty),
    Rule(VerdictState.KEEP_RUNNING, _open_end),
    Rule(VerdictState.TOO_SHORT, _too_short),
    Rule(VerdictState.INCONCLUSIVE, _identical),
    Rule(VerdictState.REJECT, _harm),
    Rule(VerdictState.DRIFT, _drift),
    Rule(VerdictState.PROMOTE, _all_met),
    Rule(VerdictState.INCONCLUSIVE, _over),
    Rule(VerdictState.KEEP_RUNNING, _otherwise),
)
"""The first rule that applies decides."""


# -- putting it together -------------------------------------------------------------------------------------


def view_of(standing: Standing, report: CoverageReport | None) -> View:
    """Every condition as it stands."""
    rows = [*gates(standing), *coverage_rows(standing, report), *effect_rows(standing)]
    return View(standing, report, {row.id: row for row in rows})


def verdict_of(standing: Standing, report: CoverageReport | None) -> Verdict:
    """The answer to how the run stands."""
    view = view_of(standing, report)
    state, decision = next((rule.state, found) for rule in RULES if (found := rule.applies(view)) is not None)
    projection, why_not = _projection(view, state)
    return Verdict(
        state=state,
        decided_by=decision.decided_by,
        reason=decision.reason,
        conditions=tuple(view.rows.values()),
        projection=projection,
        projection_reason=why_not,
        forecast=forecast(standing) if state is VerdictState.KEEP_RUNNING else None,
        intervals=standing.health.seen,
        decided_at=decision.at if state in {VerdictState.PROMOTE, VerdictState.REJECT} else None,
    )


def _projection(view: View, state: VerdictState) -> tuple[Projection | None, str]:
    standing = view.standing
    if not view.healthy:
        return None, "The run is not healthy, so nothing it measured is a saving."
    if (short := _open_end(view) or _too_short(view)) is not None:
        return None, short.reason
    if state is VerdictState.DRIFT or standing.saving.drift_at is not None:
        return None, "What was measured changed during the run, so no single value describes it."
    if not standing.saving.narrow.known:
        done = count(standing.saving.blocks, "block")
        return None, f"After {done} of intervals the saving cannot be bounded yet."
    low, high = ends(standing.saving)
    return (
        Projection(
            metric=standing.plan.success.metric,
            estimate=1.0 - standing.saving.estimate,
            low=1.0 - high,
            high=min(1.0 - low, 1.0),
            alpha=standing.plan.alpha,
        ),
        "",
    )
