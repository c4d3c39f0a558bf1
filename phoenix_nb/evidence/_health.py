"""The health gates: what must be true before any effect is looked at. Source: statistics reference §2.1."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.evidence._columns import ArmColumns, IntervalColumns
from phoenix_nb.interfaces.evidence import ArmInterval, Interval

__all__ = ["GATE_BLOCK", "ArmHealth", "HealthTally"]

GATE_BLOCK: Final = 5
"""Intervals over which received points and late points are compared: the shortest block."""


@dataclass(slots=True)
class ArmHealth:
    """The life signs of one arm."""

    heard: int = 0
    """Intervals in which it answered, the warm-up included."""
    silent: int = 0
    """Intervals after the warm-up in which it did not."""
    silent_at: int | None = None
    """Index of the first of them."""
    points: float = 0
    """Data points it sent, the warm-up included."""
    received: int = 0
    """Data points it received after the warm-up, in intervals in which both arms answered."""
    failing: int = 0
    """Intervals after the warm-up in which only this arm refused or failed points."""

    def _add(self, sent: ArmInterval | None, index: int, *, warmup: bool) -> None:
        if sent is not None:
            self.heard += 1
            self.points += sent.points
        elif not warmup:
            self.silent += 1
            if self.silent_at is None:
                self.silent_at = index

    def _fill(self, columns: ArmColumns, index: npt.NDArray[np.int64], warmup: npt.NDArray[np.bool_]) -> None:
        present = columns.present
        self.heard = int(np.count_nonzero(present))
        self.points = columns.points[present].sum().item()
        silent = np.flatnonzero(~present & ~warmup)
        self.silent = len(silent)
        self.silent_at = int(index[silent[0]]) if len(silent) else None


@dataclass(slots=True)
class HealthTally:
    """What the gates need to know of a run, fed interval by interval or all at once with the same result."""

    max_parity_gap: float
    """Largest tolerated relative difference of received points per block."""
    seen: int = 0
    """Intervals, the warm-up included."""
    counted: int = 0
    """Intervals after the warm-up."""
    first_index: int | None = None
    """Index of the first interval."""
    last_index: int | None = None
    """Index of the last interval."""
    source_points: int = 0
    """Data points in the raw payloads, the warm-up included."""
    baseline: ArmHealth = field(default_factory=ArmHealth)
    """Life signs of the baseline."""
    candidate: ArmHealth = field(default_factory=ArmHealth)
    """Life signs of the candidate."""
    widest_gap: float = 0.0
    """Largest relative difference of received points in any block."""
    parity_failed_at: int | None = None
    """Index at the end of the first block beyond the tolerance."""
    late_share: float = 0.0
    """Share of late points, as of the end of the last block."""
    differing: int = 0
    """Intervals in which the arms did not send the same, the warm-up included."""
    differs_at: int | None = None
    """Index of the first of them."""
    _late: int = 0
    _alive: int = 0
    _block: int = 0
    _block_a: int = 0
    _block_b: int = 0

    # -- one by one ------------------------------------------------------------------------------------------

    def add(self, interval: Interval) -> None:
        """Count one interval."""
        index, a, b = interval.index, interval.baseline, interval.candidate
        warmup = interval.warmup
        self.seen += 1
        if self.first_index is None:
            self.first_index = index
        self.last_index = index
        self.source_points += interval.source_points
        self.baseline._add(a, index, warmup=warmup)  # noqa: SLF001 - one module, one idea
        self.candidate._add(b, index, warmup=warmup)  # noqa: SLF001
        if a is None or b is None or a.points != b.points or a.bytes != b.bytes or a.series != b.series:
            self.differing += 1
            if self.differs_at is None:
                self.differs_at = index
        if warmup:
            return
        self.counted += 1
        self._late += interval.late_points
        self._alive += interval.source_points
        if a is not None and b is not None:
            self.baseline.received += a.points_in
            self.candidate.received += b.points_in
            self._block_a += a.points_in
            self._block_b += b.points_in
            failed_a, failed_b = a.refused + a.failed > 0, b.refused + b.failed > 0
            if failed_a and not failed_b:
                self.baseline.failing += 1
            elif failed_b and not failed_a:
                self.candidate.failing += 1
        self._block += 1
        if self._block == GATE_BLOCK:
            self._end_block(index)

    def _end_block(self, index: int) -> None:
        larger = max(self._block_a, self._block_b)
        gap = abs(self._block_a - self._block_b) / larger if larger else 0.0
        self.widest_gap = max(self.widest_gap, gap)
        if gap > self.max_parity_gap and self.parity_failed_at is None:
            self.parity_failed_at = index
        every = self._late + self._alive
        self.late_share = self._late / every if every else 0.0
        self._block = self._block_a = self._block_b = 0

    # -- all at once -----------------------------------------------------------------------------------------

    def fill(self, columns: IntervalColumns) -> None:
        """Count a whole run in a new tally."""
        if not len(columns):
            return
        a, b = columns.baseline, columns.candidate
        self.seen = len(columns)
        self.first_index, self.last_index = int(columns.index[0]), int(columns.index[-1])
        self.source_points = int(columns.source_points.sum())
        self.baseline._fill(a, columns.index, columns.warmup)  # noqa: SLF001
        self.candidate._fill(b, columns.index, columns.warmup)  # noqa: SLF001
        both = a.present & b.present
        same = both & (a.points == b.points) & (a.bytes == b.bytes) & (a.series == b.series)
        self.differing = len(columns) - int(np.count_nonzero(same))
        self.differs_at = int(columns.index[np.argmin(same)]) if self.differing else None
        counts = ~columns.warmup
        self.counted = int(np.count_nonzero(counts))
        judged = both & counts
        self.baseline.received = int(a.points_in[judged].sum())
        self.candidate.received = int(b.points_in[judged].sum())
        self.baseline.failing = int(np.count_nonzero(judged & (a.failures > 0) & (b.failures == 0)))
        self.candidate.failing = int(np.count_nonzero(judged & (b.failures > 0) & (a.failures == 0)))
        self._fill_blocks(columns, counts, both)

    def _fill_blocks(
        self, columns: IntervalColumns, counts: npt.NDArray[np.bool_], both: npt.NDArray[np.bool_]
    ) -> None:
        kept = both[counts]
        received_a = np.where(kept, columns.baseline.points_in[counts], 0)
        received_b = np.where(kept, columns.candidate.points_in[counts], 0)
        late, alive = columns.late_points[counts], columns.source_points[counts]
        self._late, self._alive = int(late.sum()), int(alive.sum())
        blocks = self.counted // GATE_BLOCK
        cut = blocks * GATE_BLOCK
        self._block = self.counted - cut
        self._block_a, self._block_b = int(received_a[cut:].sum()), int(received_b[cut:].sum())
        if not blocks:
            return
        sums_a = received_a[:cut].reshape(blocks, GATE_BLOCK).sum(axis=1)
        sums_b = received_b[:cut].reshape(blocks, GATE_BLOCK).sum(axis=1)
        larger = np.maximum(sums_a, sums_b)
        gaps = np.abs(sums_a - sums_b) / np.maximum(larger, 1)
        self.widest_gap = float(gaps.max())
        beyond = np.flatnonzero(gaps > self.max_parity_gap)
        if len(beyond):
            ends = columns.index[counts][GATE_BLOCK - 1 : cut : GATE_BLOCK]
            self.parity_failed_at = int(ends[beyond[0]])
        every_late, every = int(late[:cut].sum()), int(late[:cut].sum()) + int(alive[:cut].sum())
        self.late_share = every_late / every if every else 0.0

    # -- how it stands ---------------------------------------------------------------------------------------

    @property
    def identical(self) -> bool:
        """Whether both arms sent the same in every interval so far."""
        return self.seen > 0 and self.differing == 0
