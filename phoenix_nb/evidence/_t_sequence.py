"""The anytime-valid t confidence sequence and its e-value.

Mixture of non-central-t likelihood ratios over effect sizes N(0, 1/φ): Lai 1976; Wang & Ramdas, arXiv 2310.03722;
Lindon et al., arXiv 2210.08589. For iid Gaussian values P(∃ n: θ outside) ≤ α.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.evidence._blocks import Values, checked_values

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "RunningMoments",
    "mean_path",
    "mixture_phi",
    "t_evalue",
    "t_sequence",
    "unit_radii",
    "unit_radius",
]


def mixture_phi(n_opt: float, alpha: float) -> float:
    """The mixture's precision that makes the sequence tightest near ``n_opt`` values.

    φ = n_opt / (2 ln(1/α) + ln(1 + 2 ln(1/α))).

    Raises:
        InvalidRequestError: ``alpha`` is not inside (0, 1), or ``n_opt`` is not positive.
    """
    if not 0.0 < alpha < 1.0:
        raise InvalidRequestError(f"alpha must lie between 0 and 1, not {alpha}")
    if not 0.0 < n_opt < math.inf:
        raise InvalidRequestError(f"n_opt must be positive, not {n_opt}")
    twice = 2.0 * math.log(1.0 / alpha)
    return n_opt / (twice + math.log1p(twice))


def unit_radius(n: int, *, alpha: float, n_opt: float) -> float:
    """Half-width after ``n`` values in units of their standard deviation; infinite while no claim is possible."""
    if n < 2:
        return math.inf
    phi = mixture_phi(n_opt, alpha)
    rho = phi / (phi + n)
    k = math.exp(math.log(alpha * alpha * rho) / n)
    if k <= rho:
        return math.inf
    return math.sqrt((n - 1) * (1.0 - k) / ((k - rho) * n))


def unit_radii(count: int, *, alpha: float, n_opt: float) -> Values:
    """Half-widths after 1 … ``count`` values in units of their standard deviation, shape (count,)."""
    phi = mixture_phi(n_opt, alpha)
    n = np.arange(1, count + 1, dtype=np.float64)
    rho = phi / (phi + n)
    k = np.exp(np.log(alpha * alpha * rho) / n)
    with np.errstate(divide="ignore", invalid="ignore"):
        radii = np.sqrt((n - 1) * (1.0 - k) / ((k - rho) * n))
    radii[(k <= rho) | (n < 2)] = np.inf
    return radii


class RunningMoments:
    """Mean and sample variance of values that come one by one.

    Sums are taken about the first value, so a constant series has a variance of exactly 0, and the result equals the
    one over all values at once bit for bit.
    """

    __slots__ = ("_first", "_squares", "_sum", "n")

    def __init__(self) -> None:
        self.n = 0
        self._first = 0.0
        self._sum = 0.0
        self._squares = 0.0

    def push(self, value: float) -> None:
        """Add one value."""
        if self.n == 0:
            self._first = value
        centred = value - self._first
        self.n += 1
        self._sum += centred
        self._squares += centred * centred

    def fill(self, values: Values) -> None:
        """Take all values at once; the same as pushing them one by one."""
        centred = values - values[0]
        self.n = len(values)
        self._first = float(values[0])
        self._sum = float(np.cumsum(centred)[-1])
        self._squares = float(np.cumsum(centred * centred)[-1])

    @property
    def mean(self) -> float:
        """Mean; NaN without values."""
        return self._first + self._sum / self.n if self.n else math.nan

    @property
    def variance(self) -> float:
        """Sample variance (divisor n − 1); NaN below two values."""
        if self.n < 2:
            return math.nan
        return max(0.0, self._squares - self._sum * self._sum / self.n) / (self.n - 1)


def mean_path(y: Values) -> tuple[Values, Values]:
    """Running means and sample variances, shape (n,) each; the first variance is NaN."""
    n = np.arange(1, len(y) + 1, dtype=np.float64)
    centred = y - y[0]
    sums = np.cumsum(centred)
    squares = np.cumsum(centred * centred)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.maximum(0.0, squares - sums * sums / n) / (n - 1)
    variance[0] = np.nan
    return y[0] + sums / n, variance


def t_sequence(y: npt.ArrayLike, *, alpha: float = 0.05, n_opt: float) -> pl.DataFrame:
    """The confidence sequence of a mean after every value.

    Args:
        y: block values, shape (n,).
        alpha: chance that any of the intervals ever misses the mean.
        n_opt: number of values at which it should be tightest, usually T_max / (2 L).

    Returns:
        One row per value: ``n, mean, radius, low, high, running_low, running_high``. A radius is infinite while no
        claim is possible; ``running_*`` is the intersection of all intervals so far. It may become empty (low >
        high): then the mean drifts.

    Raises:
        InvalidRequestError: a value is not finite, ``alpha`` or ``n_opt`` makes no sense.

    Example:
        >>> frame = t_sequence([.52, .47, .55, .50, .49, .53, .51, .46, .54, .50], n_opt=12)
        >>> round(frame["radius"][9], 6)
        0.036389
    """
    import polars as pl

    values = checked_values(y, "y")
    radii = unit_radii(len(values), alpha=alpha, n_opt=n_opt)
    if len(values):
        mean, variance = mean_path(values)
        finite = np.isfinite(radii)
        radius = np.full(len(values), np.inf)
        radius[finite] = radii[finite] * np.sqrt(variance[finite])
    else:
        mean = radius = np.zeros(0)
    low, high = mean - radius, mean + radius
    return pl.DataFrame(
        {
            "n": np.arange(1, len(values) + 1, dtype=np.int64),
            "mean": mean,
            "radius": radius,
            "low": low,
            "high": high,
            "running_low": np.maximum.accumulate(low),
            "running_high": np.minimum.accumulate(high),
        }
    )


def t_evalue(y: npt.ArrayLike, theta0: float, *, alpha: float = 0.05, n_opt: float) -> Values:
    """Evidence against mean ``theta0`` after every value; reject when it ever reaches 1/α.

    E_n = √ρ · ((1 + u) / (1 + ρ u))^((ν+1)/2) with t = √n (ȳ − θ0) / s, u = t²/ν, ν = n − 1.

    Returns:
        Shape (n,); 1 for the first value, which alone says nothing.
    """
    values = checked_values(y, "y")
    if not math.isfinite(theta0):
        raise InvalidRequestError(f"theta0 must be a finite number, not {theta0}")
    phi = mixture_phi(n_opt, alpha)
    if len(values) == 0:
        return np.zeros(0)
    n = np.arange(1, len(values) + 1, dtype=np.float64)
    mean, variance = mean_path(values)
    rho = phi / (phi + n)
    distance = n * (mean - theta0) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        u = distance / variance / (n - 1)
        log_e = 0.5 * np.log(rho) + 0.5 * n * (np.log1p(u) - np.log1p(rho * u))
    # Without spread the ratio tends to 1/ρ when the mean is another one, and to 1 when it is the same.
    still = variance == 0.0
    log_e[still] = np.where(
        distance[still] > 0, 0.5 * (1 - n[still]) * np.log(rho[still]), 0.5 * np.log(rho[still])
    )
    log_e[0] = 0.0
    return np.asarray(np.exp(log_e), dtype=np.float64)
