"""Noises of unit size on which error rates are compared, shape (runs, length)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

__all__ = ["NOISES", "ar1"]

Floats = npt.NDArray[np.float64]
_BURN = 200


def ar1(rng: np.random.Generator, phi: float, runs: int, length: int) -> Floats:
    """Stationary AR(1) noise of unit variance."""
    shocks = rng.standard_normal((runs, length + _BURN)) * math.sqrt(1.0 - phi * phi)
    return np.asarray(lfilter([1.0], [1.0, -phi], shocks, axis=1)[:, _BURN:])


def _heavy(rng: np.random.Generator, runs: int, length: int) -> Floats:
    shocks = rng.standard_t(5, (runs, length + _BURN))
    return np.asarray(lfilter([1.0], [1.0, -0.6], shocks, axis=1)[:, _BURN:])


def _moving(rng: np.random.Generator, runs: int, length: int) -> Floats:
    return np.asarray(lfilter(np.ones(6), [1.0], rng.standard_normal((runs, length + 10)), axis=1)[:, 10:])


def _second_order(rng: np.random.Generator, runs: int, length: int) -> Floats:
    shocks = rng.standard_normal((runs, length + _BURN))
    return np.asarray(lfilter([1.0], [1.0, -1.2, 0.5], shocks, axis=1)[:, _BURN:])


def _skewed(phi: float) -> Callable[[np.random.Generator, int, int], Floats]:
    return lambda rng, runs, length: np.exp(0.5 * ar1(rng, phi, runs, length)) - math.exp(0.125)


def _ar(phi: float) -> Callable[[np.random.Generator, int, int], Floats]:
    return lambda rng, runs, length: ar1(rng, phi, runs, length)


NOISES: dict[str, Callable[[np.random.Generator, int, int], Floats]] = {
    "iid": _ar(0.0),
    "AR 0.3": _ar(0.3),
    "AR 0.6": _ar(0.6),
    "AR 0.8": _ar(0.8),
    "AR 0.9": _ar(0.9),
    "AR 0.95": _ar(0.95),
    "AR 0.6, t5 shocks": _heavy,
    "MA 5": _moving,
    "AR(2) 1.2, -0.5": _second_order,
    "lognormal 0.6": _skewed(0.6),
    "lognormal 0.9": _skewed(0.9),
}
"""The eleven noises of the statistics reference, section 2.5."""
