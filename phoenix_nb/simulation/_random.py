"""Bounded random draws by the names that load profiles use."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from phoenix_nb.errors import InvalidRequestError

__all__ = ["DISTRIBUTIONS", "draw"]

DISTRIBUTIONS = ("uniform", "normal", "exponential", "poisson")


def draw(
    rng: np.random.Generator, kind: str, low: float, high: float, size: int, *, mean: float | None = None
) -> NDArray[np.float64]:
    """``size`` numbers in [low, high].

    ``uniform`` ignores the mean. ``normal`` has standard deviation (high − low) / 6 around the mean, ``exponential``
    is low + an exponential of mean (mean − low), ``poisson`` is a Poisson count of that mean; all are clamped, so no
    draw can be infinite or negative. The default mean is the middle, for ``exponential`` a third of the way up.

    Raises:
        InvalidRequestError: an unknown distribution, or low > high.
    """
    if low > high:
        raise InvalidRequestError(
            f"a range cannot go from {low} down to {high}", hint="exchange minimum and maximum"
        )
    if kind == "uniform":
        return rng.uniform(low, high, size)
    if kind == "normal":
        middle = (low + high) / 2 if mean is None else mean
        values = rng.normal(middle, (high - low) / 6, size)
    elif kind == "exponential":
        scale = (high - low) / 3 if mean is None else max(mean - low, 0.0)
        values = low + rng.exponential(1.0, size) * scale
    elif kind == "poisson":
        values = rng.poisson(max((low + high) / 2 if mean is None else mean, 0.0), size).astype(np.float64)
    else:
        raise InvalidRequestError(
            f"unknown distribution {kind!r}",
            hint=f"one of {', '.join(DISTRIBUTIONS)}",
            details={"kind": kind},
        )
    return np.clip(values, low, high)
