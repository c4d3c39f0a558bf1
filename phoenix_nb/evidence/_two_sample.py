"""The two-sample intervals of experiment platforms, for independent units: external checks and peers in the benchmark.

They take the arms for independent samples, which paired intervals under common load are not: the kit never decides by
them. Sources: Welch 1947; the delta method for the relative difference; Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas,
"Time-uniform central limit theory and asymptotic confidence sequences" (arXiv 2103.06476) for the sequential form.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from phoenix_nb.errors import InvalidRequestError

__all__ = ["Sample", "TwoSampleResult", "two_sample_interval"]


@dataclass(frozen=True, slots=True)
class Sample:
    """Sums of one arm."""

    total: float
    """Sum of values."""
    squares: float
    """Sum of squared values."""
    n: int
    """Number of values."""

    @classmethod
    def of_proportion(cls, hits: int, n: int) -> Sample:
        """Units that did something, of all; their variance is p (1 − p), as for a known share."""
        share = hits / n if n else 0.0
        return cls(float(hits), hits * share + share * (1.0 - share) * (n - 1), n)

    @property
    def mean(self) -> float:
        """Mean."""
        return self.total / self.n

    @property
    def variance(self) -> float:
        """Sample variance, divisor n − 1."""
        return (self.squares - self.total * self.total / self.n) / (self.n - 1)


@dataclass(frozen=True, slots=True)
class TwoSampleResult:
    """A difference with its interval."""

    estimate: float
    """Candidate minus baseline, or that as a fraction of the baseline."""
    low: float
    """Lower end."""
    high: float
    """Upper end; infinite for a one-sided interval."""
    error: float
    """Standard error."""
    p_value: float
    """For one look; valid at every look where the interval is."""


def two_sample_interval(
    baseline: Sample,
    candidate: Sample,
    *,
    relative: bool = True,
    alpha: float = 0.05,
    tuned_for: float | None = None,
    one_sided: bool = False,
) -> TwoSampleResult:
    """The difference of two means.

    Args:
        baseline: sums of the baseline.
        candidate: sums of the candidate.
        relative: as a fraction of the baseline's mean, by the delta method; otherwise absolute.
        alpha: error rate.
        tuned_for: number of units at which the interval that holds at every look is tightest; ``None`` gives the
            interval for one look.
        one_sided: lower end only, for the claim that the candidate is larger.

    Raises:
        InvalidRequestError: a sample has fewer than two values, or a relative difference has no baseline.
    """
    if min(baseline.n, candidate.n) < 2:
        raise InvalidRequestError("both samples need at least two values")
    if relative and baseline.mean == 0.0:
        raise InvalidRequestError("a relative difference needs a baseline other than 0")
    a, b = baseline.variance / baseline.n, candidate.variance / candidate.n
    # A negative baseline that shrinks is a rise.
    scale = abs(baseline.mean) if relative else 1.0
    estimate = (candidate.mean - baseline.mean) / scale
    if relative:
        slope = candidate.mean / baseline.mean
        error = math.sqrt(b + a * slope * slope) / scale
    else:
        error = math.sqrt(a + b)
    freedom = (a + b) ** 2 / (a * a / (baseline.n - 1) + b * b / (candidate.n - 1)) if a + b > 0 else math.inf
    n = baseline.n + candidate.n
    if tuned_for is None:
        half = error * _t_quantile(1.0 - (alpha if one_sided else alpha / 2.0), freedom)
        p_value = _p_value(estimate, error, freedom, one_sided=one_sided)
    else:
        half = error * math.sqrt(n) * _sequential(n, tuned_for, alpha, one_sided=one_sided)
        p_value = _sequential_p(
            estimate, error, n, _precision(tuned_for, alpha, one_sided=one_sided), one_sided
        )
    return TwoSampleResult(
        estimate, estimate - half, math.inf if one_sided else estimate + half, error, p_value
    )


def _sequential(n: int, tuned_for: float, alpha: float, *, one_sided: bool) -> float:
    """Half-width after ``n`` units in units of one value's standard deviation."""
    rho2 = _precision(tuned_for, alpha, one_sided=one_sided)
    grown = n * rho2 + 1.0
    evidence = (
        math.log1p(math.sqrt(grown) / (2.0 * alpha)) if one_sided else math.log(math.sqrt(grown) / alpha)
    )
    return math.sqrt(2.0 * grown / (n * n * rho2) * evidence)


def _precision(tuned_for: float, alpha: float, *, one_sided: bool) -> float:
    twice = -2.0 * math.log(2.0 * alpha if one_sided else alpha)
    return (twice + math.log1p(twice)) / tuned_for


def _sequential_p(estimate: float, error: float, n: int, rho2: float, one_sided: bool) -> float:
    """The error rate at which the interval of this look would end at zero."""
    if error == 0.0:
        return _p_value(estimate, error, math.inf, one_sided=one_sided)
    if one_sided and estimate <= 0.0:
        return 1.0
    grown = n * rho2 + 1.0
    evidence = min((estimate / error) ** 2 * n * rho2 / (2.0 * grown), 700.0)
    if one_sided:
        return min(1.0, math.sqrt(grown) / (2.0 * math.expm1(evidence)))
    return min(1.0, math.sqrt(grown) * math.exp(-evidence))


def _t_quantile(level: float, freedom: float) -> float:
    from scipy import stats

    return float(stats.t.ppf(level, freedom))


def _p_value(estimate: float, error: float, freedom: float, *, one_sided: bool) -> float:
    from scipy import stats

    if error == 0.0:
        return 1.0 if estimate == 0.0 else 0.0
    tail = float(stats.t.sf(estimate / error if one_sided else abs(estimate) / error, freedom))
    return tail if one_sided else 2.0 * tail
