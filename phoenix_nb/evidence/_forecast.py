"""How many more intervals a decision needs at today's noise. Source: statistics reference §2.5."""

from __future__ import annotations

import math
from typing import Final

from phoenix_nb.evidence._paired import PairedSequence, optimal_blocks
from phoenix_nb.evidence._standing import Standing
from phoenix_nb.evidence._t_sequence import unit_radius
from phoenix_nb.interfaces.evidence import Forecast

__all__ = ["blocks_to_decide", "forecast"]

_EIGHTY: Final = 0.84
"""Standard normal quantile of 80 %."""
_MOST_BLOCKS: Final = 1 << 24
"""Beyond this many blocks the answer is: it cannot be told."""


def blocks_to_decide(
    distance: float, spread: float, *, alpha: float, n_opt: float, quantile: float = 0.0
) -> int | None:
    """Smallest number of blocks whose half-width, plus ``quantile`` standard errors, is within ``distance``.

    Args:
        distance: from the estimate to the bound it is held against.
        spread: standard deviation of one block.
        alpha: error rate of the sequence.
        n_opt: number of blocks at which it is tightest.
        quantile: 0 for a chance of about 50 %, 0.84 for 80 %.
    """
    if not (distance > 0.0 and math.isfinite(spread)):
        return None

    def enough(n: int) -> bool:
        radius = unit_radius(n, alpha=alpha, n_opt=n_opt)
        return math.isfinite(radius) and (radius + quantile / math.sqrt(n)) * spread <= distance

    high = 2
    while not enough(high):
        high *= 2
        if high > _MOST_BLOCKS:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _remaining(sequence: PairedSequence, quantile: float) -> tuple[bool, int | None] | None:
    """Whether it heads for a promotion, and how many more intervals it needs; ``None`` when it is decided."""
    if sequence.plan is None or sequence.reject_alpha is None:
        return True, None
    good = sequence.estimate <= sequence.limit
    if good and sequence.good_at is not None:
        return None
    length = sequence.plan.length
    blocks = blocks_to_decide(
        abs(sequence.limit - sequence.estimate),
        sequence.spread,
        alpha=sequence.rules.alpha if good else sequence.reject_alpha,
        n_opt=optimal_blocks(sequence.rules.t_max, length),
        quantile=quantile,
    )
    # The present block is part of the next one, and at least that one has to end.
    more = None if blocks is None else max(blocks - sequence.blocks, 1) * length - sequence.open_intervals
    return good, more


def _intervals(standing: Standing, quantile: float) -> int | None:
    needs = [need for one in standing.sequences() if (need := _remaining(one, quantile)) is not None]
    rejecting = [more for good, more in needs if not good and more is not None]
    if rejecting:
        return min(rejecting)
    if any(more is None for _, more in needs):
        return None
    rest = standing.t_min - standing.health.counted
    return max([rest, *(more for _, more in needs if more is not None)]) if needs or rest > 0 else None


def forecast(standing: Standing) -> Forecast | None:
    """Time to the decision of the effects; ``None`` while it is not estimable or nothing is left to wait for."""
    if not standing.pilot_done:
        return None
    half = _intervals(standing, 0.0)
    if half is None:
        return None
    return Forecast(intervals_50=half, intervals_80=_intervals(standing, _EIGHTY))
