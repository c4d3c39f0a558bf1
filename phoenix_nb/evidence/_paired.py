"""One paired quantity of both arms, from its first interval to its decision.

The quantity is a harm: the smaller the better, and it is held against a limit. For a saving the harm is the ratio of
totals B/A and the limit 1 − target; for a guardrail it is the relative increase and its margin. Steps of the
statistics reference §2.3: pilot, block length, blocks, sequence, running intersection.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from phoenix_nb.evidence._blocks import BlockPlan, Values, block_length
from phoenix_nb.evidence._ratio import RatioMoments, RatioPath
from phoenix_nb.evidence._running import RESOLUTION, RunningIntersection
from phoenix_nb.evidence._t_sequence import RunningMoments, mean_path, unit_radii

__all__ = ["FEWEST_OPTIMAL_BLOCKS", "Kind", "PairedSequence", "Rules", "optimal_blocks"]

FEWEST_OPTIMAL_BLOCKS = 4.0
"""Smallest number of blocks at which a sequence is tuned to be tightest."""

Indices = npt.NDArray[np.int64]


class Kind(Enum):
    """How two arms are compared."""

    RATIO = "ratio"
    """Ratio of totals B/A."""
    DIFFERENCE = "difference"
    """Mean of B − A."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a sequence needs to know of the plan."""

    t_max: int
    """Planned number of intervals after the warm-up."""
    pilot: int
    """Intervals of the pilot."""
    alpha: float
    """Error rate of a promotion test and of the projection."""


def optimal_blocks(t_max: int, length: int) -> float:
    """The number of blocks at which the sequence is tuned to be tightest: T_max / (2 L), at least 4."""
    return max(t_max / (2.0 * length), FEWEST_OPTIMAL_BLOCKS)


class PairedSequence:
    """The sequence of one quantity, fed pair by pair or all at once with the same result.

    Args:
        kind: how the arms are compared.
        limit: largest harm that is tolerated, in units of the quantity.
        rules: durations and alpha.
    """

    __slots__ = (
        "_a",
        "_b",
        "_count",
        "_difference",
        "_indices",
        "_narrow_radii",
        "_ratio",
        "_wide_radii",
        "bad_at",
        "drift_at",
        "good_at",
        "kind",
        "limit",
        "narrow",
        "plan",
        "reject_alpha",
        "rules",
        "values",
        "wide",
    )

    def __init__(self, kind: Kind, limit: float, rules: Rules) -> None:
        self.kind = kind
        self.limit = limit
        """Largest harm that is tolerated."""
        self.rules = rules
        self.plan: BlockPlan | None = None
        """What the pilot says; ``None`` before its end."""
        self.reject_alpha: float | None = None
        """Error rate of a rejection test; ``None`` before it is fixed."""
        self.narrow = RunningIntersection()
        """Running interval at alpha: promotion and projection."""
        self.wide = RunningIntersection()
        """Running interval at the corrected alpha: rejection."""
        self.values = 0
        """Pairs seen."""
        self.good_at: int | None = None
        """Interval index at which the harm was first shown to be tolerable."""
        self.bad_at: int | None = None
        """Interval index at which the harm was first shown to be above the limit."""
        self.drift_at: int | None = None
        """Interval index at which the running interval became empty."""
        self._a: list[float] = []
        self._b: list[float] = []
        self._indices: list[int] = []
        self._count = 0
        self._ratio = RatioMoments()
        self._difference = RunningMoments()
        self._narrow_radii = self._wide_radii = np.zeros(0)

    # -- feeding ---------------------------------------------------------------------------------------------

    def push(self, a: float, b: float, index: int) -> bool:
        """Add the pair of interval ``index``; returns whether a block ended."""
        self.values += 1
        if self.plan is None:
            self._a.append(a)
            self._b.append(b)
            self._indices.append(index)
            return self._end_pilot()
        return self._add(a, b, index)

    def fix_rejection(self, alpha: float) -> None:
        """Fix the error rate of the rejection test; nothing is claimed before."""
        self.reject_alpha = alpha
        self._end_pilot()

    def _end_pilot(self) -> bool:
        if self.plan is not None or self.reject_alpha is None or len(self._a) < self.rules.pilot:
            return False
        a, b, indices = self._a, self._b, self._indices
        end = indices[self.rules.pilot - 1]
        self._prepare(np.array(a[: self.rules.pilot]), np.array(b[: self.rules.pilot]))
        self._a, self._b, self._indices = [0.0], [0.0], []
        # The pilot stays in the analysis, but nothing is decided before its end.
        for left, right, index in zip(a, b, indices, strict=True):
            self._add(left, right, max(index, end))
        return True

    def _prepare(self, a: Values, b: Values) -> None:
        if self.kind is Kind.RATIO:
            total = float(a.sum())
            # The residual remembers far less than either arm, because both see the same load.
            x = b - (float(b.sum()) / total) * a if total > 0 else np.zeros(len(a))
        else:
            x = b - a
        plan = self.plan = block_length(x, self.rules.t_max)
        blocks = self.rules.t_max // plan.length
        n_opt = optimal_blocks(self.rules.t_max, plan.length)
        assert self.reject_alpha is not None  # noqa: S101 - the callers checked it
        self._narrow_radii = unit_radii(blocks, alpha=self.rules.alpha, n_opt=n_opt)
        self._wide_radii = unit_radii(blocks, alpha=self.reject_alpha, n_opt=n_opt)

    def _add(self, a: float, b: float, index: int) -> bool:
        assert self.plan is not None  # noqa: S101 - the callers checked it
        self._a[0] += a
        self._b[0] += b
        self._count += 1
        if self._count < self.plan.length:
            return False
        if self.blocks >= len(self._narrow_radii):
            return False
        self._end_block(self._a[0], self._b[0], self.plan.length, index)
        self._a[0] = self._b[0] = 0.0
        self._count = 0
        return True

    def _end_block(self, a: float, b: float, length: int, index: int) -> None:
        if self.kind is Kind.RATIO:
            self._ratio.push(a / length, b / length)
            at = self._ratio.n - 1
            narrow = self._ratio.interval(float(self._narrow_radii[at]))
            wide = self._ratio.interval(float(self._wide_radii[at]))
        else:
            self._difference.push((b - a) / length)
            at = self._difference.n - 1
            narrow = self._around_mean(float(self._narrow_radii[at]))
            wide = self._around_mean(float(self._wide_radii[at]))
        self.narrow.add(*narrow)
        self.wide.add(*wide)
        if self.drift_at is None and self.narrow.empty:
            self.drift_at = index
        if self.good_at is None and self.drift_at is None and self.narrow.high <= self.limit:
            self.good_at = index
        if self.bad_at is None and self.wide.low > self.limit:
            self.bad_at = index

    def _around_mean(self, c: float) -> tuple[float, float]:
        if not math.isfinite(c):
            return -math.inf, math.inf
        radius = c * math.sqrt(self._difference.variance)
        return self._difference.mean - radius, self._difference.mean + radius

    # -- all at once -----------------------------------------------------------------------------------------

    def fill(self, a: Values, b: Values, indices: Indices) -> None:
        """Add every pair of a run to a new sequence whose rejection is fixed; the same as pushing one by one."""
        pilot = self.rules.pilot
        self.values = len(a)
        if len(a) < pilot:
            self._a, self._b = a.tolist(), b.tolist()
            self._indices = indices.tolist()
            return
        self._prepare(a[:pilot], b[:pilot])
        assert self.plan is not None  # noqa: S101 - just prepared
        length = self.plan.length
        count = min(len(a) // length, len(self._narrow_radii))
        sums_a, sums_b = _block_sums(a, length, count), _block_sums(b, length, count)
        ends = np.maximum(indices[length - 1 : count * length : length], indices[pilot - 1])
        rest = slice(count * length, len(a))
        self._a, self._b = [_sum(a[rest])], [_sum(b[rest])]
        self._count = len(a) - count * length
        if count == 0:
            return
        if self.kind is Kind.RATIO:
            means_a, means_b = sums_a / length, sums_b / length
            path = RatioPath(means_a, means_b)
            narrow = path.bounds(self._narrow_radii[:count])
            wide = path.bounds(self._wide_radii[:count])
            self._ratio.fill(means_a, means_b)
        else:
            means = (sums_b - sums_a) / length
            mean, variance = mean_path(means)
            narrow = _around(mean, variance, self._narrow_radii[:count])
            wide = _around(mean, variance, self._wide_radii[:count])
            self._difference.fill(means)
        low, high = self.narrow.add_all(*narrow)
        wide_low, _ = self.wide.add_all(*wide)
        drift = _first(low - high > RESOLUTION)
        good = _first(high <= self.limit)
        bad = _first(wide_low > self.limit)
        if drift is not None:
            self.drift_at = int(ends[drift])
        if good is not None and (drift is None or good < drift):
            self.good_at = int(ends[good])
        if bad is not None:
            self.bad_at = int(ends[bad])

    # -- how it stands ---------------------------------------------------------------------------------------

    @property
    def blocks(self) -> int:
        """Blocks that ended."""
        return self._ratio.n if self.kind is Kind.RATIO else self._difference.n

    @property
    def open_intervals(self) -> int:
        """Intervals of the block that has not ended."""
        return self._count

    @property
    def estimate(self) -> float:
        """The quantity over the blocks so far; NaN when there is none."""
        return self._ratio.state()[0] if self.kind is Kind.RATIO else self._difference.mean

    @property
    def spread(self) -> float:
        """Standard deviation of one block in units of the quantity; NaN below two blocks."""
        if self.blocks < 2:
            return math.nan
        if self.kind is Kind.DIFFERENCE:
            return math.sqrt(self._difference.variance)
        _, mean_a, _, residual, _ = self._ratio.state()
        return math.sqrt(residual) / mean_a if mean_a > 0 else math.nan


def _block_sums(values: Values, length: int, count: int) -> Values:
    """Sums of consecutive blocks, added in order, so that they equal the sums of one value at a time."""
    table = values[: count * length].reshape(count, length)
    sums = np.zeros(count)
    for column in range(length):
        sums += table[:, column]
    return sums


def _sum(values: Values) -> float:
    total = 0.0
    for value in values.tolist():
        total += value
    return total


def _around(mean: Values, variance: Values, radii: Values) -> tuple[Values, Values]:
    radius = np.full(len(mean), np.inf)
    finite = np.isfinite(radii)
    radius[finite] = radii[finite] * np.sqrt(variance[finite])
    return mean - radius, mean + radius


def _first(hits: npt.NDArray[np.bool_]) -> int | None:
    return int(np.argmax(hits)) if len(hits) and bool(hits.any()) else None
