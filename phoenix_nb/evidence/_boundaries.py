"""Mixture boundaries for independent observations: sums, proportions, two-arm likelihood ratios.

They serve as external checks of the method, for proportions of independent units such as process lifetimes, and as the
peers in the benchmark. Autocorrelated intervals need the blocked sequence instead. Sources: Howard, Ramdas, McAuliffe,
Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences" (arXiv 1810.08240) and the confseq package.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.evidence._t_sequence import mixture_phi

__all__ = [
    "bernoulli_interval",
    "msprt_two_arms",
    "normal_mixture_bound",
    "normal_mixture_log_evidence",
    "normal_mixture_rho",
]

_TOLERANCE: Final = 1e-12
_EDGE: Final = 1e-15
"""Closest to 0 or 1 that a proportion is tried."""


def _checked(alpha: float) -> float:
    if not 0.0 < alpha < 1.0:
        raise InvalidRequestError(f"alpha must lie between 0 and 1, not {alpha}")
    return alpha


def normal_mixture_rho(v_opt: float, alpha: float = 0.05, *, one_sided: bool = False) -> float:
    """The mixture's precision that makes the boundary tightest at intrinsic time ``v_opt``."""
    return mixture_phi(v_opt, min(2.0 * _checked(alpha), 1.0 - 1e-12) if one_sided else _checked(alpha))


def normal_mixture_log_evidence(s: float, v: float, rho: float, *, one_sided: bool = False) -> float:
    """Logarithm of the mixture supermartingale at sum ``s`` and intrinsic time ``v``."""
    value = 0.5 * math.log(rho / (v + rho)) + s * s / (2.0 * (v + rho))
    if not one_sided:
        return value
    from scipy import special

    return value + math.log(2.0) + float(special.log_ndtr(s / math.sqrt(v + rho)))


def normal_mixture_bound(
    v: float, v_opt: float, alpha: float = 0.05, *, alpha_opt: float | None = None, one_sided: bool = False
) -> float:
    """How far a sum may stray at intrinsic time ``v`` with probability ``alpha`` over all times.

    Two-sided: √((v + ρ)(ln(1 + v/ρ) + 2 ln(1/α))); one-sided by root finding.
    """
    _checked(alpha)
    rho = normal_mixture_rho(v_opt, alpha if alpha_opt is None else alpha_opt, one_sided=one_sided)
    if not one_sided:
        return math.sqrt((v + rho) * (math.log1p(v / rho) - 2.0 * math.log(alpha)))
    threshold = -math.log(alpha)
    return _root(
        lambda s: normal_mixture_log_evidence(s, v, rho, one_sided=True) - threshold,
        0.0,
        10.0 * math.sqrt((v + rho) * (math.log1p(v / rho) + 2.0 * threshold)),
    )


def bernoulli_interval(
    successes: int, trials: int, t_opt: float, alpha: float = 0.05, *, alpha_opt: float = 0.05
) -> tuple[float, float]:
    """Confidence sequence of a proportion after ``trials`` independent units, valid at any stopping time.

    Args:
        successes: units that have the property.
        trials: units seen.
        t_opt: number of units at which it should be tightest.
        alpha: chance that any of the intervals ever misses the proportion.
        alpha_opt: the same, for tuning.
    """
    if not 0 <= successes <= trials or trials == 0:
        raise InvalidRequestError("successes must lie between 0 and trials, and there must be a trial")
    _checked(alpha)
    threshold = -math.log(alpha)
    share = successes / trials

    def evidence(p: float) -> float:
        return _beta_binomial(share, trials, p, t_opt, alpha_opt) - threshold

    # When nothing between the share and an end is rejected, the end itself is the answer.
    inside = min(max(share, _EDGE), 1.0 - _EDGE)
    low = _root(evidence, _EDGE, inside) if successes and evidence(_EDGE) > 0.0 else 0.0
    high = _root(evidence, inside, 1.0 - _EDGE) if successes < trials and evidence(1.0 - _EDGE) > 0.0 else 1.0
    return low, high


def _beta_binomial(share: float, trials: int, p: float, t_opt: float, alpha_opt: float) -> float:
    from scipy import special

    g, h = p, 1.0 - p
    s, v = (share - p) * trials, p * (1.0 - p) * trials
    r = max(mixture_phi(t_opt * g * h, alpha_opt) - g * h, 1e-3 * g * h)
    normaliser = special.betaln(r / g, r / h)
    mixed = special.betaln((r + v - g * s) / g, (r + v + h * s) / h)
    return float(-((v + h * s) / h) * math.log(g) - ((v - g * s) / g) * math.log(h) + mixed - normaliser)


def msprt_two_arms(n: int, difference: float, variance: float, tau_squared: float) -> float:
    """Likelihood ratio of the mixture sequential test for two arms of ``n`` independent values each.

    Λ = √(2σ² / (2σ² + nτ²)) · exp(n² τ² d² / (4σ² (2σ² + nτ²))).
    """
    if n < 0 or variance <= 0 or tau_squared <= 0:
        raise InvalidRequestError("n must not be negative, both variances must be positive")
    spread = 2.0 * variance + n * tau_squared
    exponent = (n * n * tau_squared * difference * difference) / (4.0 * variance * spread)
    return math.sqrt(2.0 * variance / spread) * math.exp(exponent)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    from scipy import optimize

    return float(optimize.brentq(function, low, high, xtol=_TOLERANCE))
