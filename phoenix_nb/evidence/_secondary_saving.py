"""The secondary displays of a saving: what people know from elsewhere, beside the interval that decides."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.evidence._blocks import block_length, checked_values
from phoenix_nb.evidence._secondary import (
    SecondaryInterval,
    hac_interval,
    sign_flip_p_value,
    stationary_bootstrap_interval,
)

__all__ = ["SecondarySaving", "secondary_saving"]

_FEWEST = 12
"""Intervals below which none of them says anything."""


@dataclass(frozen=True, slots=True)
class SecondarySaving:
    """Secondary figures of one saving. They are valid for one look at the end of a run and never decide."""

    intervals: tuple[SecondaryInterval, ...]
    """The saving with its interval, by method."""
    sign_flip_p: float
    """P-value that the saving is the target, by flipping the signs of block residuals."""
    blocks: int
    """Blocks whose signs were flipped."""


def secondary_saving(
    baseline: npt.ArrayLike, candidate: npt.ArrayLike, *, target: float, rng: np.random.Generator
) -> SecondarySaving | None:
    """HAC, stationary bootstrap and sign-flip figures of the saving 1 − ΣB / ΣA.

    The ratio is linearised: x_t = (B_t − R A_t) / Ā has mean 0 at R = ΣB / ΣA, and its interval is the one of R.

    Args:
        baseline: amounts per interval, shape (n,).
        candidate: the same of the candidate.
        target: the saving that the sign-flip test asks about, a fraction.
        rng: where bootstrap draws and flips come from.

    Returns:
        ``None`` for fewer than 12 intervals or an empty baseline.

    Raises:
        InvalidRequestError: the arms differ in length, or a value is negative or not finite.
    """
    a, b = checked_values(baseline, "baseline"), checked_values(candidate, "candidate")
    if len(a) != len(b):
        raise InvalidRequestError(f"the arms differ in length: {len(a)} and {len(b)}")
    if len(a) < _FEWEST or not a.sum() > 0:
        return None
    if a.min() < 0 or b.min() < 0:
        raise InvalidRequestError("amounts must not be negative")
    ratio = float(b.sum() / a.sum())
    x = (b - ratio * a) / a.mean()
    found = [hac_interval(x), stationary_bootstrap_interval(x, rng)]
    length = max(1, min(block_length(x, max(len(x), 60)).length, len(x) // 6))
    count = len(x) // length
    residual = (b - (1.0 - target) * a)[: count * length].reshape(count, length).sum(axis=1)
    return SecondarySaving(
        intervals=tuple(_around(one, ratio) for one in found),
        sign_flip_p=sign_flip_p_value(residual, rng),
        blocks=count,
    )


def _around(one: SecondaryInterval, ratio: float) -> SecondaryInterval:
    """The interval of the residual's mean as the one of the saving."""
    saving = 1.0 - ratio
    low, high = saving - one.high, saving - one.low
    if not (math.isfinite(low) and math.isfinite(high)):
        low = high = saving
    return SecondaryInterval(one.method, saving, low, high, one.alpha)
