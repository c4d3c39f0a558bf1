"""Checking a plan before the run: what it would decide, on noise as it was seen in a recording or a simulation.

The noise is redrawn by the stationary bootstrap from pairs of intervals, so both the shared load and the memory of the
residual stay; the saving and the harm to each guardrail are set to what is asked about. Each redrawn run is judged by
the verdict itself: success, guardrails and health gates together. Sources: statistics reference §2.3 to 2.6 and 2.11.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from phoenix_nb.errors import InvalidRequestError, PlanError
from phoenix_nb.evidence._blocks import Values, block_length, checked_values
from phoenix_nb.evidence._columns import IntervalColumns
from phoenix_nb.evidence._judge import decide_columns
from phoenix_nb.evidence._phrases import GUARDED, count, percent
from phoenix_nb.evidence._redraw import (
    counted_columns,
    measured,
    redrawn,
    success_values,
    with_harms,
)
from phoenix_nb.evidence._secondary import stationary_indices
from phoenix_nb.interfaces import GuardrailKind, Plan, Value, VerdictState

__all__ = ["OperatingRow", "PlanCheck", "check_plan", "check_plan_columns", "require_long_enough"]

_MEMORY: Final = 5.0
"""A redrawn block is this many correlation times long, like a block of the method."""
_OFTEN: Final = 0.2
"""Share of refused runs from which a plan is called too short."""
_FACTOR: Final = 40.0
"""Correlation times that a run needs."""
_OUTCOMES: Final = {
    VerdictState.PROMOTE: "promote",
    VerdictState.REJECT: "reject",
    VerdictState.DRIFT: "drift",
    VerdictState.TOO_SHORT: "too_short",
    VerdictState.UNHEALTHY: "unhealthy",
}
"""What a verdict counts as; every other one leaves the question open."""


class OperatingRow(Value):
    """What the plan decides when the saving is so much in truth; shares of all redrawn runs."""

    saving: float
    """The true saving, a fraction."""
    guardrail: GuardrailKind | None = None
    """The guardrail that is harmed in truth; ``None``: none is."""
    harm: float = 0.0
    """Its true increase, a fraction of what its margin is a fraction of."""
    text: str
    """What this row is about."""
    promote: float = Field(ge=0, le=1)
    """Share promoted; below or at the target, or with a guardrail at its margin, this is the false-promotion rate."""
    reject: float = Field(ge=0, le=1)
    """Share rejected."""
    drift: float = Field(ge=0, le=1)
    """Share in which the drift alarm rang."""
    unhealthy: float = Field(default=0.0, ge=0, le=1)
    """Share in which a health gate failed, because it fails in what was seen."""
    too_short: float = Field(ge=0, le=1)
    """Share refused because the noise remembers too long."""
    open: float = Field(ge=0, le=1)
    """Share without a decision at the planned end."""
    median_interval: int | None
    """Median number of intervals until the decision; ``None`` when fewer than half decide."""


class PlanCheck(Value):
    """How a plan would behave on the noise that was seen."""

    planned_intervals: int
    """T_max that was checked."""
    seen_intervals: int
    """Intervals the noise was learned from."""
    tau: float
    """Correlation time of the residual over all that was seen, intervals."""
    needed_intervals: int
    """Fewest intervals a plan needs for this noise: 40 correlation times, or pilot and six blocks."""
    long_enough: bool
    """Whether the plan is long enough for the noise seen."""
    observed_saving: float
    """Saving in what was seen, a fraction."""
    rows: tuple[OperatingRow, ...]
    """Operating characteristics, by true saving."""
    warnings: tuple[str, ...] = ()
    """What people should know, one sentence each."""


@dataclass(frozen=True, slots=True)
class _Noise:
    seen: IntervalColumns
    """What was seen, both arms in every interval."""
    a: Values
    """Success metric of the baseline per interval."""
    residual: Values
    """Candidate minus ratio times baseline."""
    block: float
    """Mean length of redrawn blocks."""


def check_plan(
    plan: Plan,
    baseline: npt.ArrayLike,
    candidate: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    planned_intervals: int | None = None,
    savings: Sequence[float] | None = None,
    runs: int = 400,
) -> PlanCheck:
    """Operating characteristics of a plan of which only the success metric was measured, by simulation.

    Args:
        plan: the plan to check.
        baseline: success metric of the baseline per interval, shape (m,), at least a pilot.
        candidate: the same of the candidate.
        rng: where the redraws come from.
        planned_intervals: T_max where the plan leaves it open.
        savings: true savings to ask about; ``None`` takes the target, three points below and above it, and the
            saving seen.
        runs: redrawn runs per saving.

    Raises:
        InvalidRequestError: the arrays differ in length, are shorter than a pilot, or hold no baseline.
        PlanError: nobody says how long the run will be.
    """
    a, b = checked_values(baseline, "baseline"), checked_values(candidate, "candidate")
    if len(a) != len(b):
        raise InvalidRequestError(f"the arms differ in length: {len(a)} and {len(b)}")
    return check_plan_columns(
        plan, counted_columns(a, b), rng=rng, planned_intervals=planned_intervals, savings=savings, runs=runs
    )


def check_plan_columns(
    plan: Plan,
    seen: IntervalColumns,
    *,
    rng: np.random.Generator,
    planned_intervals: int | None = None,
    savings: Sequence[float] | None = None,
    runs: int = 400,
) -> PlanCheck:
    """Operating characteristics of a plan on intervals as they were measured, by simulation.

    Guardrails of the plan that were measured take part: harmless where savings are asked about, then one by one exactly
    at their margins. Health gates see the intervals as they were. Coverage is taken to hold: it is no matter of noise.

    Args:
        plan: the plan to check.
        seen: intervals after the warm-up in which both arms answered, at least a pilot.
        rng: where the redraws come from.
        planned_intervals: T_max where the plan leaves it open.
        savings: true savings to ask about; ``None`` takes the target, three points below and above it, and the
            saving seen.
        runs: redrawn runs per row.

    Raises:
        InvalidRequestError: there are fewer intervals than a pilot has, an arm is silent, or the baseline sent nothing.
        PlanError: nobody says how long the run will be.
    """
    t_max = plan.planned_intervals if planned_intervals is None else planned_intervals
    if t_max is None:
        raise PlanError(
            "planned_intervals: how long the run will be is not known",
            hint="set planned_intervals in the plan, or give a duration",
        )
    a, b = _pairs(plan, seen)
    ratio = float(b.sum()) / float(a.sum())
    pilot = block_length(b - ratio * a, t_max)
    noise = _Noise(seen, a, b - ratio * a, _MEMORY * pilot.tau)
    target, observed = plan.success.target, 1.0 - ratio
    asked = savings
    if asked is None:
        asked = sorted({round(target - 0.03, 6), target, round(target + 0.03, 6), round(observed, 6)})
    judged = plan.model_copy(
        update={
            "require_coverage": False,
            "value_tolerance": None,
            "guardrails": tuple(one for one in plan.guardrails if measured(seen, one.kind)),
        }
    )
    rows = [_row(judged, noise, saving, {}, t_max, rng, runs) for saving in asked]
    clear = max(observed, round(target + 0.03, 6))
    rows += [
        _row(judged, noise, clear, {one.kind: one.margin}, t_max, rng, runs) for one in judged.guardrails
    ]
    needed = max(
        math.ceil(_FACTOR * pilot.tau), plan.pilot_intervals + plan.min_blocks * max(pilot.length, 5)
    )
    long_enough = not pilot.too_short and t_max >= needed
    unmeasured = [one.kind for one in plan.guardrails if one not in judged.guardrails]
    return PlanCheck(
        planned_intervals=t_max,
        seen_intervals=len(a),
        tau=pilot.tau,
        needed_intervals=needed,
        long_enough=long_enough,
        observed_saving=observed,
        rows=tuple(rows),
        warnings=tuple(_warnings(plan, rows, t_max, needed, len(a), unmeasured, long_enough=long_enough)),
    )


def require_long_enough(check: PlanCheck) -> None:
    """Refuse a plan that is too short for the noise seen.

    Raises:
        PlanError: it is.
    """
    if not check.long_enough:
        raise PlanError(
            f"planned_intervals: {check.planned_intervals:,} intervals are too few for this noise, which remembers"
            f" {count(math.ceil(check.tau), 'interval')}",
            hint=f"plan at least {check.needed_intervals:,} intervals, or scrape less often over a longer time",
            details={"planned": check.planned_intervals, "needed": check.needed_intervals, "tau": check.tau},
        )


def _pairs(plan: Plan, seen: IntervalColumns) -> tuple[Values, Values]:
    if len(seen) < plan.pilot_intervals:
        raise InvalidRequestError(
            f"{count(len(seen), 'interval')} are too few to learn the noise from",
            hint=f"at least the {plan.pilot_intervals} intervals of a pilot are needed",
        )
    if not (seen.baseline.present.all() and seen.candidate.present.all()):
        raise InvalidRequestError(
            "an arm was silent in some of the intervals",
            hint="leave those out: they tell nothing about noise",
        )
    a, b = success_values(plan, seen)
    if a.min() < 0 or b.min() < 0 or not a.any():
        raise InvalidRequestError("counts must not be negative, and the baseline must not be empty")
    return a, b


def _row(
    plan: Plan,
    noise: _Noise,
    saving: float,
    harms: Mapping[GuardrailKind, float],
    t_max: int,
    rng: np.random.Generator,
    runs: int,
) -> OperatingRow:
    found = dict.fromkeys(_OUTCOMES.values(), 0) | {"open": 0}
    harmed = with_harms(noise.seen, [one.kind for one in plan.guardrails], harms)
    times: list[int] = []
    for _ in range(runs):
        at = stationary_indices(rng, len(noise.a), t_max, noise.block)
        a = noise.a[at]
        b = np.maximum(a * (1.0 - saving) + noise.residual[at], 0.0)
        verdict = decide_columns(redrawn(plan, harmed, at, a, b), plan, planned_intervals=t_max)
        found[_OUTCOMES.get(verdict.state, "open")] += 1
        if verdict.decided_at is not None:
            times.append(verdict.decided_at + 1)
    return OperatingRow.model_validate(
        {
            "saving": saving,
            "guardrail": next(iter(harms), None),
            "harm": next(iter(harms.values()), 0.0),
            "text": _text(plan, saving, harms),
            "median_interval": sorted(times)[runs // 2] if len(times) > runs // 2 else None,
        }
        | {name: number / runs for name, number in found.items()}
    )


def _text(plan: Plan, saving: float, harms: Mapping[GuardrailKind, float]) -> str:
    target = plan.success.target
    for kind, harm in harms.items():
        return (
            f"A saving of {percent(saving, target)}, but the {GUARDED[kind]} grows by exactly its margin,"
            f" {percent(harm)}: promotions here are false."
        )
    if saving == target:
        return f"A saving of exactly the target, {percent(target)}: promotions here are false."
    if saving < target:
        return f"A saving of {percent(saving, target)}, below the target: promotions here are false."
    return f"A saving of {percent(saving, target)}, above the target: rejections here are false."


def _warnings(
    plan: Plan,
    rows: Sequence[OperatingRow],
    t_max: int,
    needed: int,
    seen: int,
    unmeasured: Sequence[GuardrailKind],
    *,
    long_enough: bool,
) -> list[str]:
    found = []
    if not long_enough:
        found.append(f"{t_max:,} intervals are too few for the noise seen: plan at least {needed:,}.")
    elif any(row.too_short > _OFTEN for row in rows):
        most = max(row.too_short for row in rows)
        found.append(
            f"In {percent(most)} of redrawn runs the pilot would call the run too short: plan for longer."
        )
    if seen < t_max / 4:
        found.append(
            f"The noise was learned from {count(seen, 'interval')} only; a longer recording says more."
        )
    if unmeasured:
        names = ", ".join(unmeasured)
        found.append(
            f"Guardrails that were not measured in what was seen could not be simulated: {names}. A run that measures"
            " them decides later, and rejects at a smaller alpha each."
        )
    false = max(
        (row.promote for row in rows if row.saving <= plan.success.target or row.guardrail is not None),
        default=0.0,
    )
    if false > plan.alpha:
        found.append(
            f"On this noise {percent(false)} of runs that must not be promoted would be, more than the"
            f" {percent(plan.alpha)} of the plan."
        )
    return found
