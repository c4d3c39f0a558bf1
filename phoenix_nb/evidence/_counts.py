"""Exact statements about rare counts: the coverage certificate, discordant intervals, the sample-ratio check."""

from __future__ import annotations

import math
from collections.abc import Sequence

from phoenix_nb.errors import InvalidRequestError

__all__ = [
    "discordant_evalue",
    "log_discordant_evalue",
    "noninferiority_evalue",
    "sample_ratio_p_value",
    "zero_miss_upper",
]


def zero_miss_upper(n: int, alpha: float = 0.05) -> float:
    """Upper bound of the miss rate after ``n`` independent units without a miss: 1 − α^(1/n).

    Valid at any stopping time that requires zero misses, because (1 − p0)^(−n) is a test martingale (statistics
    reference §2.7). Count process lifetimes, never scrapes. 1 for ``n`` = 0: nothing is known.

    Example:
        >>> round(zero_miss_upper(299), 7)
        0.0099691
    """
    if not n >= 0:  # NaN is not, either
        raise InvalidRequestError(f"the number of units must be a count from 0, not {n}")
    if not 0.0 < alpha < 1.0:
        raise InvalidRequestError(f"alpha must lie between 0 and 1, not {alpha}")
    return 1.0 if n == 0 else -math.expm1(math.log(alpha) / n)


def discordant_evalue(k_a: int, k_b: int, a: float = 1.0, b: float = 1.0) -> float:
    """Evidence that failures fall on one arm more often; reject at 1/α.

    ``k_a`` and ``k_b`` are intervals with failures in that arm only. Under equality each is a fair coin, even
    when the common rate moves with the load. E = B(a + k_b, b + k_a) / B(a, b) · 2^(k_a + k_b); infinite when it
    is beyond any floating-point number. Source: statistics reference §2.9.

    Example:
        >>> round(discordant_evalue(0, 5), 6)
        5.333333
    """
    return _exp(log_discordant_evalue(k_a, k_b, a, b))


def log_discordant_evalue(k_a: int, k_b: int, a: float = 1.0, b: float = 1.0) -> float:
    """The natural logarithm of :func:`discordant_evalue`; never overflows."""
    if k_a < 0 or k_b < 0:
        raise InvalidRequestError(
            "counts of intervals must not be negative", details={"k_a": k_a, "k_b": k_b}
        )
    if not (0.0 < a < math.inf and 0.0 < b < math.inf):
        raise InvalidRequestError("the prior's parameters must be positive", details={"a": a, "b": b})
    log_beta = math.lgamma(a + k_b) + math.lgamma(b + k_a) - math.lgamma(a + b + k_a + k_b)
    log_prior = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    return log_beta - log_prior + (k_a + k_b) * math.log(2.0)


def noninferiority_evalue(k_a: int, k_b: int, odds: float, a: float = 1.0, b: float = 1.0) -> float:
    """Evidence that the candidate fails more than ``odds`` times as often as the baseline; reject at 1/α.

    Tests the share p = odds / (1 + odds) of discordant intervals that fall on the candidate, against a prior that
    holds larger shares only. Source: statistics reference §2.9.

    Args:
        k_a: intervals with failures in the baseline only.
        k_b: intervals with failures in the candidate only.
        odds: tolerated odds, 1 for equality.
        a: prior weight of the candidate's failures.
        b: prior weight of the baseline's failures.
    """
    if k_a < 0 or k_b < 0:
        raise InvalidRequestError(
            "counts of intervals must not be negative", details={"k_a": k_a, "k_b": k_b}
        )
    if not (0.0 < odds < math.inf):
        raise InvalidRequestError(f"the odds must be positive, not {odds}")
    from scipy import special

    share = odds / (1.0 + odds)
    tail = float(special.betaincc(a + k_b, b + k_a, share))
    prior_tail = float(special.betaincc(a, b, share))
    if tail <= 0.0:
        return 0.0
    log_mixture = (
        float(special.betaln(a + k_b, b + k_a))
        + math.log(tail)
        - float(special.betaln(a, b))
        - math.log(prior_tail)
    )
    return _exp(log_mixture - k_b * math.log(share) - k_a * math.log1p(-share))


def _exp(value: float) -> float:
    return math.exp(value) if value < 709.0 else math.inf


def sample_ratio_p_value(counts: Sequence[int], weights: Sequence[float]) -> float:
    """Chi-square p-value that counts follow the given shares: the sample-ratio check.

    Raises:
        InvalidRequestError: lengths differ, a count is negative, a weight is not positive, or there is nothing.
    """
    if len(counts) != len(weights) or len(counts) < 2:
        raise InvalidRequestError("counts and weights must have the same length, at least 2")
    if min(counts) < 0 or min(weights) <= 0 or sum(counts) == 0:
        raise InvalidRequestError("counts must not be negative or all zero, weights must be positive")
    from scipy import stats

    total, share = sum(counts), sum(weights)
    expected = [total * weight / share for weight in weights]
    return float(stats.chisquare(counts, expected).pvalue)
