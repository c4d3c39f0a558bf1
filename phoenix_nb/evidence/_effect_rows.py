"""The rows of the verdict table that hold effects against targets and margins, and the ones about duration."""

from __future__ import annotations

import math
from functools import partial

from phoenix_nb.evidence._paired import PairedSequence
from phoenix_nb.evidence._phrases import GUARDED, METRICS, count, finite, percent
from phoenix_nb.evidence._standing import GuardrailStanding, Standing
from phoenix_nb.interfaces.evidence import Condition, ConditionRole
from phoenix_nb.interfaces.plan import GuardrailKind

__all__ = ["TOO_LONG_MEMORY", "effect_rows", "ends", "harm", "saving_id", "tau_too_long"]

TOO_LONG_MEMORY = 40.0
"""A run needs at least this many correlation times: 5 τ ≤ T_max / 8."""


def saving_id(standing: Standing) -> str:
    """Id of the success condition."""
    return f"saving:{standing.plan.success.metric}"


def tau_too_long(standing: Standing) -> bool:
    """Whether the noise of any quantity remembers too long for the planned time."""
    return any(one.plan is not None and one.plan.too_short for one in standing.sequences())


def ends(sequence: PairedSequence) -> tuple[float, float]:
    """The running interval in rising order; ends that cross by less than the resolution change places."""
    low, high = sequence.narrow.low, sequence.narrow.high
    return (low, high) if low <= high else (high, low)


def harm(guardrail: GuardrailStanding, value: float) -> float:
    """A guardrail's value as an increase, a fraction of what its margin is a fraction of."""
    if guardrail.rule.kind is GuardrailKind.LATENCY_P99:
        return math.expm1(value) if value < 700.0 else math.inf
    if guardrail.rule.kind is GuardrailKind.LATENCY_ABOVE:
        return value
    return value - 1.0


def effect_rows(standing: Standing) -> list[Condition]:
    """Success, guardrails, identity, drift and durations."""
    row, saving = standing.row, standing.saving
    plans = [one.plan for one in standing.sequences()]
    rows = [row("saving", (saving.blocks, saving.plan), partial(_saving, standing))]
    rows += [
        row(f"guard {one.rule.kind}", (one.sequence.blocks, one.sequence.plan), partial(_guardrail, one))
        for one in standing.guardrails
        if one.sequence.values
    ]
    rows += [
        _identical(standing),
        row("drift", (standing.drift_at, standing.health.first_index), partial(_drift, standing)),
        _pilot(standing) if not standing.pilot_done else row("pilot", None, partial(_pilot, standing)),
        _t_min(standing),
        row("noise", plans, partial(_noise, standing)),
    ]
    return rows


def _saving(standing: Standing) -> Condition:
    sequence, target = standing.saving, standing.plan.success.target
    what = METRICS[standing.plan.success.metric]
    ask = f"the plan asks for at least {percent(target)}"
    met = sequence.good_at is not None
    low, high = ends(sequence)
    least, most = 1.0 - high, min(1.0 - low, 1.0)
    if not sequence.narrow.known:
        text = f"The saving in {what} in typical operation cannot be told yet; {ask}."
    elif met:
        text = f"The saving in {what} is at least {percent(least, target)}; {ask}."
    elif sequence.bad_at is not None:
        text = f"The saving in {what} is at most {percent(most, target)}; {ask}."
    else:
        text = (
            f"The saving in {what} lies between {percent(least, target)} and {percent(most, target)}; {ask}."
        )
    return Condition(
        id=saving_id(standing),
        role=ConditionRole.SUCCESS,
        text=text,
        estimate=finite(1.0 - sequence.estimate),
        low=finite(least),
        high=finite(1.0 - low) if low == -math.inf else most,
        bound=target,
        met=met,
        first_met=sequence.good_at,
        blocks=not met,
    )


def _guardrail(guardrail: GuardrailStanding) -> Condition:
    sequence, rule = guardrail.sequence, guardrail.rule
    met = sequence.good_at is not None
    low, high = (harm(guardrail, end) for end in ends(sequence))
    what = GUARDED[rule.kind]
    ask = f"the plan tolerates {percent(rule.margin)}"
    if not sequence.narrow.known:
        text = f"The change in {what} cannot be told yet; {ask} more."
    elif met:
        text = f"The candidate's {what} grows by at most {percent(high, rule.margin)}; {ask}."
    elif sequence.bad_at is not None:
        text = f"The candidate's {what} grows by at least {percent(low, rule.margin)}; {ask}."
    else:
        change = f"{percent(low, rule.margin)} to {percent(high, rule.margin)}"
        text = f"The candidate's {what} changes by {change}; {ask} more."
    return Condition(
        id=f"guardrail:{rule.kind}",
        role=ConditionRole.GUARDRAIL,
        text=text,
        estimate=finite(harm(guardrail, sequence.estimate)) if sequence.blocks else None,
        low=finite(low) if math.isfinite(sequence.narrow.low) else None,
        high=finite(high),
        bound=rule.margin,
        met=met,
        first_met=sequence.good_at,
        blocks=not met,
    )


def _identical(standing: Standing) -> Condition:
    health = standing.health
    same = health.identical
    text = (
        f"Both arms sent the same in every one of {count(health.seen, 'interval')}."
        if same
        else f"The arms differ in {health.differing:,} of {count(health.seen, 'interval')}."
    )
    return Condition(
        id="identical_arms",
        role=ConditionRole.SUCCESS,
        text=text,
        met=not same,
        first_met=None if same else health.differs_at,
        blocks=same,
    )


def _drift(standing: Standing) -> Condition:
    at = standing.drift_at
    text = (
        "What was measured stayed the same over the run."
        if at is None
        else f"What was measured changed during the run: since interval {at} no single value agrees with all of it."
    )
    first = standing.health.first_index
    return Condition(
        id="drift",
        role=ConditionRole.SUCCESS,
        text=text,
        met=at is None,
        first_met=first if at is None or at != first else None,
        blocks=at is not None,
    )


def _pilot(standing: Standing) -> Condition:
    need, have = standing.plan.pilot_intervals, min(standing.health.counted, standing.plan.pilot_intervals)
    met = standing.pilot_done
    return Condition(
        id="duration:pilot",
        role=ConditionRole.DURATION,
        text=f"The pilot, from which the noise is learned, has {have:,} of {count(need, 'interval')}.",
        estimate=float(have),
        bound=float(need),
        met=met,
        first_met=standing.pilot_at if met else None,
        blocks=not met,
    )


def _t_min(standing: Standing) -> Condition:
    have, need, planned = standing.health.counted, standing.t_min, standing.t_max
    met = standing.t_min_at is not None
    if planned is not None and planned < need:
        text = (
            f"The run is planned for {count(planned, 'interval')}; a claim beyond its window needs {need:,}."
        )
    else:
        text = f"The run has {count(have, 'interval')} after the warm-up; a promotion needs {need:,}."
    return Condition(
        id="duration:t_min",
        role=ConditionRole.DURATION,
        text=text,
        estimate=float(have),
        bound=float(need),
        met=met,
        first_met=standing.t_min_at,
        blocks=not met,
    )


def _noise(standing: Standing) -> Condition:
    tau, planned = standing.tau, standing.t_max
    met = tau is not None and not tau_too_long(standing)
    if tau is None:
        text = "How long the noise remembers is learned in the pilot."
        need = None
    else:
        need = math.ceil(TOO_LONG_MEMORY * tau)
        text = (
            f"The noise remembers {count(math.ceil(tau), 'interval')}: plan at least {need:,} intervals; planned are"
            f" {planned:,}."
        )
    return Condition(
        id="duration:noise",
        role=ConditionRole.DURATION,
        text=text,
        estimate=None if tau is None or planned is None else float(planned),
        bound=None if need is None else float(need),
        met=met,
        first_met=standing.pilot_at if met else None,
        blocks=not met,
    )
