"""The rows of the verdict table that ask whether the run is healthy."""

from __future__ import annotations

import math
from functools import partial
from typing import Final

from phoenix_nb.evidence._counts import log_discordant_evalue
from phoenix_nb.evidence._health import ArmHealth
from phoenix_nb.evidence._phrases import count, percent
from phoenix_nb.evidence._standing import Standing
from phoenix_nb.interfaces.evidence import Condition, ConditionRole

__all__ = ["SAMPLE_RATIO_ALPHA", "gates"]

SAMPLE_RATIO_ALPHA: Final = 0.001
"""Error rate of the sample-ratio check: small, because a failure stops everything."""


def gates(standing: Standing) -> list[Condition]:
    """Every gate, in the order in which a failure is reported."""
    health, row = standing.health, standing.row
    first, seen = health.first_index, min(health.seen, max(standing.plan.warmup_intervals, 1))
    arms = {"baseline": health.baseline, "candidate": health.candidate}
    uneven = _uneven(health.baseline.received, health.candidate.received, SAMPLE_RATIO_ALPHA)
    failing = health.baseline.failing, health.candidate.failing
    rows = [
        row(f"alive {name}", (first, seen, arm.silent, arm.heard == 0), partial(_alive, standing, arm, name))
        for name, arm in arms.items()
    ]
    rows += [
        row("parity", (first, health.widest_gap, health.parity_failed_at), partial(_parity, standing)),
        row("ratio", (first, uneven), partial(_sample_ratio, standing, uneven)),
        row("failures", (first, failing), partial(_failures, standing)),
        row("late", (first, health.late_share), partial(_late, standing)),
    ]
    for name, arm in arms.items():
        empty = health.source_points if arm.points == 0 else None
        key = (first, seen, empty, arm.heard == 0)
        rows.append(row(f"empty {name}", key, partial(_empty, standing, arm, name)))
    return rows


def _row(
    standing: Standing,
    name: str,
    text: str,
    *,
    failed: bool,
    failed_at: int | None = None,
    estimate: float | None = None,
    bound: float | None = None,
) -> Condition:
    first = standing.health.first_index
    never = failed and (failed_at is None or failed_at == first)
    return Condition(
        id=f"gate:{name}",
        role=ConditionRole.GATE,
        text=text,
        estimate=estimate,
        bound=bound,
        met=not failed,
        first_met=None if never else first,
        blocks=failed,
    )


def _alive(standing: Standing, arm: ArmHealth, name: str) -> Condition:
    seen = standing.health.seen
    # Silence in the warm-up is forgiven, unless nothing was ever heard.
    dead = seen > 0 and arm.heard == 0 and seen >= standing.plan.warmup_intervals
    if arm.silent:
        text = (
            f"The {name} was silent in {count(arm.silent, 'interval')} while the source was alive, first in"
            f" interval {arm.silent_at}; silence is a failure, not a saving."
        )
    elif dead:
        text = f"The {name} never answered while the source was alive; silence is a failure, not a saving."
    else:
        text = f"The {name} answered in every interval in which the source was alive."
    return _row(
        standing,
        f"{name}_alive",
        text,
        failed=bool(arm.silent) or dead,
        failed_at=None if dead else arm.silent_at,
        estimate=float(arm.silent),
        bound=0.0,
    )


def _empty(standing: Standing, arm: ArmHealth, name: str) -> Condition:
    health = standing.health
    waited = health.seen > 0 and health.seen >= standing.plan.warmup_intervals
    failed = waited and arm.heard > 0 and arm.points == 0 and health.source_points > 0
    text = (
        f"The {name} sent no data point at all although the source gave {count(health.source_points, 'point')}."
        if failed
        else f"The {name} sends data points."
    )
    return _row(standing, f"{name}_empty", text, failed=failed)


def _parity(standing: Standing) -> Condition:
    gap, most, at = standing.health.widest_gap, standing.plan.max_parity_gap, standing.health.parity_failed_at
    if at is None:
        text = (
            f"Both arms received the same input: at most {percent(gap)} apart in a block; {percent(most)} is"
            " tolerated."
        )
    else:
        text = (
            f"The arms received different input: {percent(gap)} apart in a block, first up to interval {at};"
            f" {percent(most)} is tolerated."
        )
    failed = at is not None
    return _row(standing, "input_parity", text, failed=failed, failed_at=at, estimate=gap, bound=most)


def _sample_ratio(standing: Standing, uneven: tuple[int, int] | None) -> Condition:
    text = (
        "Over the whole run both arms received an even share of the data points."
        if uneven is None
        else f"The baseline received {uneven[0]:,} data points and the candidate {uneven[1]:,}: not an even share."
    )
    return _row(standing, "sample_ratio", text, failed=uneven is not None)


def _failures(standing: Standing) -> Condition:
    a, b = standing.health.baseline.failing, standing.health.candidate.failing
    failed = _uneven(a, b, standing.plan.alpha) is not None
    arm = "candidate" if b > a else "baseline"
    text = (
        f"The {arm} refuses or fails data points more often: in {count(b, 'interval')} only the candidate did, in"
        f" {count(a, 'interval')} only the baseline."
        if failed
        else "Neither arm refuses or fails data points more often than the other."
    )
    return _row(standing, "discordant_failures", text, failed=failed)


def _uneven(a: int, b: int, alpha: float) -> tuple[int, int] | None:
    """Both counts when their difference is more than chance; ``None`` otherwise."""
    # Equal counts are the usual case and need no logarithms.
    return (a, b) if a != b and log_discordant_evalue(a, b) >= -math.log(alpha) else None


def _late(standing: Standing) -> Condition:
    share, most = standing.health.late_share, standing.plan.max_late_share
    failed = share > 0 and share >= most
    text = f"{percent(share)} of the data points came too late; less than {percent(most)} is tolerated."
    return _row(standing, "late_points", text, failed=failed, estimate=share, bound=most)
