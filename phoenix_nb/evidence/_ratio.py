"""The confidence sequence of a ratio of totals, by inverting the t sequence of its residual.

For a candidate ratio R the residual B_k − R·A_k has mean 0 at the truth; the set of R that the t sequence does not
reject is the solution of a quadratic, without a linearisation bias. Source: statistics reference §2.6.

The quadratic is solved for the distance from the estimate R̂ = B̄/Ā, because the textbook form subtracts numbers that
are almost equal when the arms move together:

    (Ā² − c² V_A) δ² + 2 c² C_eA δ − c² V_e ≤ 0,   e = B − R̂ A.

Everything is written twice, for one pair at a time and for arrays, with the same operations in the same order, so both
give the same numbers bit for bit.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.evidence._blocks import Values, checked_values
from phoenix_nb.evidence._t_sequence import unit_radii

if TYPE_CHECKING:
    import polars as pl

__all__ = ["RatioMoments", "RatioPath", "ratio_sequence"]

_ROUNDING: Final = 1e-13
"""A residual variance below this share of its parts is rounding, not noise."""


class RatioMoments:
    """Running means, variances and covariance of paired block values, taken about the first pair."""

    __slots__ = ("_a", "_aa", "_ab", "_b", "_bb", "_first_a", "_first_b", "n")

    def __init__(self) -> None:
        self.n = 0
        self._first_a = self._first_b = 0.0
        self._a = self._b = self._aa = self._bb = self._ab = 0.0

    def push(self, a: float, b: float) -> None:
        """Add one pair of block values."""
        if self.n == 0:
            self._first_a, self._first_b = a, b
        da, db = a - self._first_a, b - self._first_b
        self.n += 1
        self._a += da
        self._b += db
        self._aa += da * da
        self._bb += db * db
        self._ab += da * db

    def fill(self, a: Values, b: Values) -> None:
        """Take all pairs of block values at once; the same as pushing them one by one."""
        self.n = len(a)
        self._first_a, self._first_b = float(a[0]), float(b[0])
        da, db = a - a[0], b - b[0]
        self._a, self._b = _last_sum(da), _last_sum(db)
        self._aa, self._bb, self._ab = _last_sum(da * da), _last_sum(db * db), _last_sum(da * db)

    def state(self) -> tuple[float, float, float, float, float]:
        """Ratio B/A, mean of A, variance of A, residual variance, and covariance of residual and A.

        The ratio is NaN while the mean of A is not positive; the variances are 0 below two blocks.
        """
        n = self.n
        if n == 0:
            return math.nan, math.nan, 0.0, 0.0, 0.0
        mean_a = self._first_a + self._a / n
        mean_b = self._first_b + self._b / n
        if not mean_a > 0.0:
            return math.nan, mean_a, 0.0, 0.0, 0.0
        ratio = mean_b / mean_a
        if n == 1:
            return ratio, mean_a, 0.0, 0.0, 0.0
        free = n - 1
        va = max(0.0, self._aa - self._a * self._a / n) / free
        vb = max(0.0, self._bb - self._b * self._b / n) / free
        cab = (self._ab - self._a * self._b / n) / free
        part = ratio * ratio * va
        ve = vb - 2.0 * ratio * cab + part
        if ve <= _ROUNDING * (vb + part):
            return ratio, mean_a, va, 0.0, 0.0
        return ratio, mean_a, va, ve, cab - ratio * va

    def interval(self, c: float) -> tuple[float, float]:
        """Ends of the ratio for a radius of ``c`` standard deviations; (−∞, ∞) while it is not estimable."""
        return _interval(self.state(), c)


def _last_sum(values: Values) -> float:
    # numpy's plain sum adds in another order; the cumulative one adds one by one.
    return float(np.cumsum(values)[-1])


def _interval(state: tuple[float, float, float, float, float], c: float) -> tuple[float, float]:
    ratio, mean_a, va, ve, cea = state
    if not (math.isfinite(c) and mean_a > 0.0):
        return -math.inf, math.inf
    c2 = c * c
    square = mean_a * mean_a - c2 * va
    if not square > 0.0:
        return -math.inf, math.inf
    shift = c2 * cea
    root = math.sqrt(shift * shift + square * (c2 * ve))
    return ratio - (shift + root) / square, ratio + (root - shift) / square


class RatioPath:
    """The moments after every pair of blocks: what :class:`RatioMoments` holds, as arrays of shape (n,)."""

    __slots__ = ("_cea", "_mean_a", "_va", "_ve", "ratio")

    def __init__(self, a: Values, b: Values) -> None:
        n = np.arange(1, len(a) + 1, dtype=np.float64)
        da, db = a - a[0], b - b[0]
        sa, sb = np.cumsum(da), np.cumsum(db)
        saa, sbb, sab = np.cumsum(da * da), np.cumsum(db * db), np.cumsum(da * db)
        free = np.maximum(n - 1, 1.0)
        self._mean_a = a[0] + sa / n
        positive = self._mean_a > 0.0
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(positive, (b[0] + sb / n) / self._mean_a, np.nan)
            va = np.maximum(0.0, saa - sa * sa / n) / free
            vb = np.maximum(0.0, sbb - sb * sb / n) / free
            cab = (sab - sa * sb / n) / free
            part = ratio * ratio * va
            ve = vb - 2.0 * ratio * cab + part
            noisy = ve > _ROUNDING * (vb + part)
            self.ratio = ratio
            """Ratio of totals B/A so far; NaN while A is 0."""
            self._va = va
            self._ve = np.where(noisy, ve, 0.0)
            self._cea = np.where(noisy, cab - ratio * va, 0.0)

    def bounds(self, c: Values) -> tuple[Values, Values]:
        """Low and high ends for radii of ``c`` standard deviations; infinite while not estimable."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            c2 = c * c
            square = self._mean_a * self._mean_a - c2 * self._va
            known = np.isfinite(c) & (self._mean_a > 0.0) & (square > 0.0)
            shift = c2 * self._cea
            root = np.sqrt(shift * shift + square * (c2 * self._ve))
            low = np.where(known, self.ratio - (shift + root) / square, -np.inf)
            high = np.where(known, self.ratio + (root - shift) / square, np.inf)
        return low, high


def ratio_sequence(a: npt.ArrayLike, b: npt.ArrayLike, *, alpha: float = 0.05, n_opt: float) -> pl.DataFrame:
    """The confidence sequence of ΣB / ΣA after every pair of blocks.

    Args:
        a: block sums or means of the baseline, shape (n,).
        b: the same of the candidate, shape (n,).
        alpha: chance that any of the intervals ever misses the ratio.
        n_opt: number of blocks at which it should be tightest.

    Returns:
        One row per block: ``n, ratio, low, high``; infinite ends while the ratio is not estimable. The saving is
        1 − ratio, its interval [1 − high, 1 − low].

    Raises:
        InvalidRequestError: the arms differ in length, a value is negative or not finite.
    """
    import polars as pl

    first, second = checked_values(a, "a"), checked_values(b, "b")
    if len(first) != len(second):
        raise InvalidRequestError(
            f"the arms differ in length: {len(first)} and {len(second)}",
            hint="both arms need one value per block; an interval that one arm lacks is a failure of that arm",
        )
    for name, values in (("a", first), ("b", second)):
        if len(values) and values.min() < 0:
            raise InvalidRequestError(f"{name} holds a negative value", hint="counts and bytes start at 0")
    radii = unit_radii(len(first), alpha=alpha, n_opt=n_opt)
    if len(first):
        path = RatioPath(first, second)
        low, high = path.bounds(radii)
        ratio = path.ratio
    else:
        ratio = low = high = np.zeros(0)
    n = np.arange(1, len(first) + 1, dtype=np.int64)
    return pl.DataFrame({"n": n, "ratio": ratio, "low": low, "high": high})
