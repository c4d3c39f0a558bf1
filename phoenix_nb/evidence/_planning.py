"""Checking a plan before the run: what it would decide, on noise as it was seen in a recording or a simulation.

The noise is redrawn by the stationary bootstrap from pairs of intervals, so both the shared load and the memory of the
residual stay; the saving is set to what is asked about. Sources: statistics reference §2.3 to 2.6 and 2.11.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from phoenix_nb.errors import InvalidRequestError, PlanError
from phoenix_nb.evidence._blocks import Values, block_length, checked_values
from phoenix_nb.evidence._paired import Kind, PairedSequence, Rules
from phoenix_nb.evidence._phrases import count, percent
from phoenix_nb.evidence._secondary import stationary_indices
from phoenix_nb.interfaces import Plan, Value

__all__ = ["OperatingRow", "PlanCheck", "check_plan", "require_long_enough"]

_MEMORY: Final = 5.0
"""A redrawn block is this many correlation times long, like a block of the method."""
_OFTEN: Final = 0.2
"""Share of refused runs from which a plan is called too short."""
_FACTOR: Final = 40.0
"""Correlation times that a run needs."""


class OperatingRow(Value):
    """What the plan decides when the saving is so much in truth; shares of all redrawn runs."""

    saving: float
    """The true saving, a fraction."""
    text: str
    """What this row is about."""
    promote: float = Field(ge=0, le=1)
    """Share promoted on the saving; at the target this is the false-promotion rate."""
    reject: float = Field(ge=0, le=1)
    """Share rejected."""
    drift: float = Field(ge=0, le=1)
    """Share in which the drift alarm rang."""
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
    a: Values
    """Baseline per interval."""
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
    """Operating characteristics of the saving rule of a plan, by simulation.

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
    t_max = plan.planned_intervals if planned_intervals is None else planned_intervals
    if t_max is None:
        raise PlanError(
            "planned_intervals: how long the run will be is not known",
            hint="set planned_intervals in the plan, or give a duration",
        )
    a, b = _pairs(baseline, candidate, plan.pilot_intervals)
    ratio = float(b.sum()) / float(a.sum())
    seen = block_length(b - ratio * a, t_max)
    noise = _Noise(a, b - ratio * a, _MEMORY * seen.tau)
    target, observed = plan.success.target, 1.0 - ratio
    asked = savings
    if asked is None:
        asked = sorted({round(target - 0.03, 6), target, round(target + 0.03, 6), round(observed, 6)})
    rows = tuple(_row(plan, noise, saving, t_max, rng, runs) for saving in asked)
    needed = max(math.ceil(_FACTOR * seen.tau), plan.pilot_intervals + plan.min_blocks * max(seen.length, 5))
    long_enough = not seen.too_short and t_max >= needed
    return PlanCheck(
        planned_intervals=t_max,
        seen_intervals=len(a),
        tau=seen.tau,
        needed_intervals=needed,
        long_enough=long_enough,
        observed_saving=observed,
        rows=rows,
        warnings=tuple(_warnings(plan, rows, t_max, needed, len(a), long_enough=long_enough)),
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


def _pairs(baseline: npt.ArrayLike, candidate: npt.ArrayLike, pilot: int) -> tuple[Values, Values]:
    a, b = checked_values(baseline, "baseline"), checked_values(candidate, "candidate")
    if len(a) != len(b):
        raise InvalidRequestError(f"the arms differ in length: {len(a)} and {len(b)}")
    if len(a) < pilot:
        raise InvalidRequestError(
            f"{count(len(a), 'interval')} are too few to learn the noise from",
            hint=f"at least the {pilot} intervals of a pilot are needed",
        )
    if a.min() < 0 or b.min() < 0 or not a.any():
        raise InvalidRequestError("counts must not be negative, and the baseline must not be empty")
    return a, b


def _row(
    plan: Plan, noise: _Noise, saving: float, t_max: int, rng: np.random.Generator, runs: int
) -> OperatingRow:
    rules = Rules(t_max=t_max, pilot=plan.pilot_intervals, alpha=plan.alpha)
    index = np.arange(t_max)
    found = {"promote": 0, "reject": 0, "drift": 0, "too_short": 0, "open": 0}
    times: list[int] = []
    for _ in range(runs):
        at = stationary_indices(rng, len(noise.a), t_max, noise.block)
        a = noise.a[at]
        b = np.maximum(a * (1.0 - saving) + noise.residual[at], 0.0)
        sequence = PairedSequence(Kind.RATIO, 1.0 - plan.success.target, rules)
        sequence.fix_rejection(plan.alpha)
        sequence.fill(a, b, index)
        answer, when = _answer(sequence, plan, t_max)
        found[answer] += 1
        if when is not None:
            times.append(when + 1)
    shares = {name: number / runs for name, number in found.items()}
    target = plan.success.target
    if saving == target:
        text = f"A saving of exactly the target, {percent(target)}: promotions here are false."
    elif saving < target:
        text = f"A saving of {percent(saving, target)}, below the target: promotions here are false."
    else:
        text = f"A saving of {percent(saving, target)}, above the target: rejections here are false."
    return OperatingRow.model_validate(
        {
            "saving": saving,
            "text": text,
            "median_interval": sorted(times)[runs // 2] if len(times) > runs // 2 else None,
        }
        | shares
    )


def _answer(sequence: PairedSequence, plan: Plan, t_max: int) -> tuple[str, int | None]:
    if sequence.plan is None or sequence.plan.too_short:
        return "too_short", None
    t_min = plan.pilot_intervals + plan.min_blocks * sequence.plan.length
    if t_max < t_min:
        return "too_short", None
    drift, bad, good = sequence.drift_at, sequence.bad_at, sequence.good_at
    if bad is not None and (drift is None or bad < drift):
        return "reject", bad
    if drift is not None:
        return "drift", None
    return ("promote", max(good, t_min - 1)) if good is not None else ("open", None)


def _warnings(
    plan: Plan, rows: Sequence[OperatingRow], t_max: int, needed: int, seen: int, *, long_enough: bool
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
    false = max((row.promote for row in rows if row.saving <= plan.success.target), default=0.0)
    if false > plan.alpha:
        found.append(
            f"On this noise {percent(false)} of runs without the asked saving would be promoted, more than the"
            f" {percent(plan.alpha)} of the plan."
        )
    return found
