"""Secondary displays: intervals and tests that people know. They are valid for one look and never decide.

Sources: Newey & West 1987 through statsmodels; Politis & Romano 1994 (stationary bootstrap); Politis & White 2004 with
the correction of Patton, Politis & White 2009 (block length). Randomness comes in as a numpy Generator.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.evidence._blocks import Values, checked_values

__all__ = [
    "SecondaryInterval",
    "adjusted_p_values",
    "hac_interval",
    "sign_flip_p_value",
    "stationary_block_length",
    "stationary_bootstrap_interval",
    "stationary_indices",
]

_EXACT_FLIPS: Final = 12
"""Up to this many blocks every flip is tried."""


@dataclass(frozen=True, slots=True)
class SecondaryInterval:
    """An interval of a mean for one look at the end of the run; it never decides."""

    method: str
    """How it was made."""
    estimate: float
    """Mean."""
    low: float
    """Lower end."""
    high: float
    """Upper end."""
    alpha: float
    """Nominal error rate for a single look."""


def _at_least(values: npt.ArrayLike, count: int) -> Values:
    x = checked_values(values, "x")
    if len(x) < count:
        raise InvalidRequestError(f"at least {count} values are needed, not {len(x)}")
    return x


def hac_interval(x: npt.ArrayLike, *, lags: int | None = None, alpha: float = 0.05) -> SecondaryInterval:
    """Mean with a heteroscedasticity- and autocorrelation-consistent t interval (Bartlett kernel).

    Args:
        x: paired values, one per interval.
        lags: lags of the kernel; ``None`` takes 4 (n/100)^(2/9), which is too few for strongly correlated noise.
        alpha: nominal error rate.
    """
    from scipy import stats
    from statsmodels.regression.linear_model import OLS
    from statsmodels.stats.sandwich_covariance import cov_hac_simple

    values = _at_least(x, 3)
    used = math.floor(4.0 * (len(values) / 100.0) ** (2.0 / 9.0)) if lags is None else lags
    if not 0 <= used < len(values):
        raise InvalidRequestError(f"lags must lie between 0 and {len(values) - 1}, not {used}")
    fit = OLS(values, np.ones(len(values))).fit()
    variance = cov_hac_simple(fit, nlags=used, use_correction=False)
    half = math.sqrt(float(variance[0, 0])) * float(stats.t.ppf(1.0 - alpha / 2.0, len(values) - 1))
    mean = float(values.mean())
    return SecondaryInterval(f"HAC, {used} lags", mean, mean - half, mean + half, alpha)


def stationary_block_length(x: npt.ArrayLike) -> float:
    """Mean block length for the stationary bootstrap by the rule of Politis and White; at least 1."""
    values = _at_least(x, 4)
    n = len(values)
    centred = values - values.mean()
    if not centred.any():
        return 1.0
    longest = min(n - 1, math.ceil(math.sqrt(n)) + max(5, math.ceil(math.sqrt(math.log10(n)))))
    covariance = np.array([float(centred[: n - k] @ centred[k:]) / n for k in range(longest + 1)])
    window = max(5, math.ceil(math.sqrt(math.log10(n))))
    small = np.abs(covariance[1:] / covariance[0]) < 2.0 * math.sqrt(math.log10(n) / n)
    first = next((k for k in range(len(small) - window + 1) if small[k : k + window].all()), None)
    significant = np.flatnonzero(~small)
    reach = first if first is not None else int(significant[-1]) + 1 if len(significant) else 1
    most = min(2 * max(reach, 1), longest)
    lags = np.arange(1, most + 1)
    taper = np.clip(2.0 * (1.0 - lags / most), 0.0, 1.0)
    g = 2.0 * float(np.sum(taper * lags * covariance[1 : most + 1]))
    spectrum = float(covariance[0] + 2.0 * np.sum(taper * covariance[1 : most + 1]))
    if spectrum <= 0.0:
        return 1.0
    length = (g * g / (spectrum * spectrum)) ** (1.0 / 3.0) * n ** (1.0 / 3.0)
    return float(min(max(length, 1.0), math.ceil(min(3.0 * math.sqrt(n), n / 3.0))))


def stationary_indices(
    rng: np.random.Generator, length: int, count: int, mean_block: float
) -> npt.NDArray[np.int64]:
    """Indices of one stationary-bootstrap draw, shape (count,): runs of geometric length, wrapped around."""
    fresh = rng.random(count) < 1.0 / max(mean_block, 1.0)
    fresh[0] = True
    starts = rng.integers(0, length, count)
    position = np.arange(count)
    since = position - np.maximum.accumulate(np.where(fresh, position, 0))
    begun = np.maximum.accumulate(np.where(fresh, position, 0))
    return np.asarray((starts[begun] + since) % length, dtype=np.int64)


def stationary_bootstrap_interval(
    x: npt.ArrayLike,
    rng: np.random.Generator,
    *,
    mean_block: float | None = None,
    draws: int = 2000,
    alpha: float = 0.05,
) -> SecondaryInterval:
    """Mean with a basic interval from the stationary bootstrap.

    Args:
        x: paired values, one per interval.
        rng: where the draws come from.
        mean_block: mean length of blocks; ``None`` takes :func:`stationary_block_length`.
        draws: number of draws.
        alpha: nominal error rate.
    """
    values = _at_least(x, 4)
    block = stationary_block_length(values) if mean_block is None else mean_block
    means = np.array(
        [values[stationary_indices(rng, len(values), len(values), block)].mean() for _ in range(draws)]
    )
    mean = float(values.mean())
    low, high = np.quantile(means, [alpha / 2.0, 1.0 - alpha / 2.0])
    name = f"stationary bootstrap, blocks of {block:.1f}"
    return SecondaryInterval(name, mean, 2.0 * mean - float(high), 2.0 * mean - float(low), alpha)


def sign_flip_p_value(y: npt.ArrayLike, rng: np.random.Generator, *, draws: int = 10_000) -> float:
    """Two-sided p-value that block values are symmetric around 0, by flipping their signs.

    Exact for up to 12 blocks; otherwise by random flips, the observed one counted among them.
    """
    values = _at_least(y, 1)
    observed = abs(float(values.sum())) * (1.0 - 1e-12)
    if len(values) <= _EXACT_FLIPS:
        signs = np.array(list(itertools.product((-1.0, 1.0), repeat=len(values))))
        return float(np.mean(np.abs(signs @ values) >= observed))
    flips = rng.integers(0, 2, (draws, len(values))) * 2.0 - 1.0
    return (1.0 + float(np.sum(np.abs(flips @ values) >= observed))) / (draws + 1.0)


def adjusted_p_values(p: Sequence[float], method: Literal["holm", "fdr_bh"] = "holm") -> list[float]:
    """P-values of an exploratory table, corrected for their number: Holm, or Benjamini–Hochberg for screening."""
    values = checked_values(p, "p")
    if len(values) and (values.min() < 0.0 or values.max() > 1.0):
        raise InvalidRequestError("p-values lie between 0 and 1")
    if not len(values):
        return []
    from statsmodels.stats.multitest import multipletests

    return [float(value) for value in multipletests(values, method=method)[1]]
