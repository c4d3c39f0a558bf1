"""Latency by quantile and by exceedance share. Source: statistics reference §2.8.

Both give one paired value per interval for the sequences; a quantile needs enough samples, an exceedance share needs
only a threshold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.evidence._blocks import Values, checked_values

__all__ = [
    "exceedance_difference",
    "exceedance_from_histogram",
    "log_quantile_difference",
    "quantile_bucket",
    "samples_for_quantile",
]


def samples_for_quantile(p: float) -> int:
    """Samples an interval needs before its quantile ``p`` means something: n > 4 p / (1 − p), 397 for a p99.

    Example:
        >>> samples_for_quantile(0.99)
        397
    """
    if not 0.0 < p < 1.0:
        raise InvalidRequestError(f"a quantile lies between 0 and 1, not {p}")
    # Rounded first: 4 · 0.99 / 0.01 is a hair above 396 in binary.
    return math.floor(round(4.0 * p / (1.0 - p), 9)) + 1


def log_quantile_difference(
    baseline: npt.ArrayLike, candidate: npt.ArrayLike, p: float = 0.99
) -> float | None:
    """Difference of log quantiles of one interval's latencies, candidate minus baseline.

    Args:
        baseline: latencies in seconds, all positive.
        candidate: the same of the candidate.
        p: the quantile.

    Returns:
        ``None`` when either arm has too few samples: then use a longer interval or the exceedance share.
    """
    need = samples_for_quantile(p)
    a, b = checked_values(baseline, "baseline"), checked_values(candidate, "candidate")
    if len(a) < need or len(b) < need:
        return None
    if a.min() <= 0 or b.min() <= 0:
        raise InvalidRequestError("latencies must be positive", hint="a latency of zero was not measured")
    return math.log(float(np.quantile(b, p))) - math.log(float(np.quantile(a, p)))


def exceedance_difference(
    baseline: npt.ArrayLike, candidate: npt.ArrayLike, threshold: float
) -> float | None:
    """Difference of the shares of latencies above ``threshold``, candidate minus baseline; ``None`` without samples."""
    a, b = checked_values(baseline, "baseline"), checked_values(candidate, "candidate")
    if not len(a) or not len(b):
        return None
    return float(np.mean(b > threshold)) - float(np.mean(a > threshold))


def _histogram(bounds: Sequence[float], counts: Sequence[int]) -> tuple[Values, Values]:
    edges, sizes = checked_values(bounds, "bounds"), checked_values(counts, "counts")
    if len(sizes) != len(edges) + 1:
        raise InvalidRequestError("a histogram has one count more than bounds")
    if len(sizes) and sizes.min() < 0:
        raise InvalidRequestError("counts of a histogram must not be negative")
    if bool((np.diff(edges) <= 0).any()):
        raise InvalidRequestError("bounds of a histogram must rise")
    return edges, sizes


def exceedance_from_histogram(
    bounds: Sequence[float], counts: Sequence[int], threshold: float
) -> float | None:
    """Share of a histogram above ``threshold``; ``None`` when it is empty or ``threshold`` is not a bucket edge."""
    edges, sizes = _histogram(bounds, counts)
    where = np.flatnonzero(edges == threshold)
    total = float(sizes.sum())
    if not len(where) or total == 0.0:
        return None
    return float(sizes[int(where[0]) + 1 :].sum()) / total


def quantile_bucket(bounds: Sequence[float], counts: Sequence[int], p: float) -> tuple[float, float] | None:
    """The bucket (low, high] that holds the quantile ``p``; its ends may be infinite; ``None`` for an empty histogram.

    A value inside the bucket would be made up, so none is given.
    """
    if not 0.0 < p < 1.0:
        raise InvalidRequestError(f"a quantile lies between 0 and 1, not {p}")
    edges, sizes = _histogram(bounds, counts)
    total = float(sizes.sum())
    if total == 0.0:
        return None
    at = int(np.searchsorted(np.cumsum(sizes), p * total, side="left"))
    low = float(edges[at - 1]) if at > 0 else -math.inf
    high = float(edges[at]) if at < len(edges) else math.inf
    return low, high
