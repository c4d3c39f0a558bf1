"""How long a block of intervals must be so that block means hardly remember each other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.errors import InvalidRequestError

__all__ = ["BlockPlan", "block_length", "checked_values", "lag1_autocorrelation"]

Values = npt.NDArray[np.float64]

_MOST: Final = 0.97
"""Largest lag-1 correlation that is believed; beyond it no run is long enough anyway."""
_SHORTEST: Final = 5
"""Intervals of the shortest block: shorter ones keep too much of a skewed distribution."""


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """What a pilot says about block lengths. Source: statistics reference §2.3, steps 1 and 2."""

    lag1: float
    """Raw lag-1 autocorrelation of the pilot; 0 for a constant series."""
    tau: float
    """Integrated correlation time in intervals, (1 + r*) / (1 − r*), from the bias-corrected correlation r*."""
    length: int
    """Intervals per block."""
    too_short: bool
    """Whether 5 τ > T_max / 8: the noise remembers too long for a claim in the planned time."""


def checked_values(values: npt.ArrayLike, name: str) -> Values:
    """The values as a one-dimensional float array.

    Raises:
        InvalidRequestError: it has another shape, or holds NaN, an infinity or something other than numbers.
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidRequestError(
            f"{name} is not a sequence of numbers", hint="a list, an array or a column of numbers is expected"
        ) from error
    if array.ndim != 1:
        raise InvalidRequestError(f"{name} must have one dimension, not {array.ndim}")
    if not np.isfinite(array).all():
        where = int(np.flatnonzero(~np.isfinite(array))[0])
        raise InvalidRequestError(
            f"{name}[{where}] is not a finite number",
            hint="a missing value must be left out, never replaced by zero",
            details={"name": name, "position": where},
        )
    return array


def lag1_autocorrelation(values: npt.ArrayLike) -> float:
    """Σ (x_t − x̄)(x_{t+1} − x̄) / Σ (x_t − x̄)²; 0 for fewer than two values or a constant series."""
    x = checked_values(values, "x")
    if len(x) < 2:
        return 0.0
    centred = x - x.mean()
    spread = float(centred @ centred)
    # A constant series leaves rounding noise of its own size behind; that is no spread.
    if spread <= len(x) * (np.finfo(np.float64).eps * float(np.abs(x).max())) ** 2:
        return 0.0
    return float(centred[:-1] @ centred[1:]) / spread


def block_length(x: npt.ArrayLike, t_max: int) -> BlockPlan:
    """The block length that a pilot of paired values asks for.

    Args:
        x: values of the pilot, one per interval, shape (m,).
        t_max: planned number of intervals.

    Raises:
        InvalidRequestError: the pilot is empty or not finite, or ``t_max`` is below 1.
    """
    values = checked_values(x, "x")
    if len(values) == 0:
        raise InvalidRequestError("the pilot is empty", hint="give at least two values")
    if t_max < 1:
        raise InvalidRequestError(f"t_max must be at least 1, not {t_max}")
    lag1 = lag1_autocorrelation(values)
    corrected = min(max(lag1 + (1.0 + 3.0 * lag1) / len(values), 0.0), _MOST)
    tau = (1.0 + corrected) / (1.0 - corrected)
    length = min(max(math.ceil(5.0 * tau), _SHORTEST), t_max // 12)
    return BlockPlan(lag1=lag1, tau=tau, length=max(length, 1), too_short=5.0 * tau > t_max / 8.0)
