"""Intervals as columns: the form in which millions of them are judged at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np
import numpy.typing as npt

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.interfaces.evidence import ArmInterval, Interval

__all__ = ["ArmColumns", "IntervalColumns", "interval_columns"]

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ArmColumns:
    """What one arm made of every interval, arrays of shape (n,); counts of a silent interval are 0 and mean nothing."""

    present: Flags
    """Whether the arm answered."""
    points: Counts | Floats
    """Data points sent."""
    bytes: Counts | Floats
    """Bytes sent."""
    series: Counts | Floats
    """Distinct series."""
    points_in: Counts
    """Data points received."""
    failures: Counts
    """Data points refused or failed."""
    aggregate: Counts
    """Critical units covered in aggregate only."""
    latency: Floats
    """99th percentile of processing latency, seconds; NaN when not measured."""
    cpu: Floats
    """CPU time, seconds; NaN when not measured."""
    above: Floats | None = None
    """Share of payloads above the plan's latency threshold; NaN when not measured, ``None`` when it never was."""

    @property
    def slow(self) -> Floats:
        """:attr:`above`, NaN throughout when it was never measured."""
        return np.full(len(self.present), np.nan) if self.above is None else self.above


@dataclass(frozen=True, slots=True)
class IntervalColumns:
    """A run of finalised intervals, arrays of shape (n,)."""

    index: Counts
    """Positions, strictly increasing."""
    warmup: Flags
    """Whether an interval belongs to the warm-up."""
    source_points: Counts
    """Data points in the raw payloads."""
    baseline: ArmColumns
    """The baseline."""
    candidate: ArmColumns
    """The candidate."""
    critical_units: Counts
    """Critical lifetimes in the raw payloads."""
    late_points: Counts
    """Late points."""
    missed: tuple[tuple[int, tuple[str, ...]], ...] = field(default=())
    """Rows with verified misses and the keys of the units, in order."""

    def __post_init__(self) -> None:
        shape = self.index.shape
        if self.index.ndim != 1:
            raise InvalidRequestError("interval columns must have one dimension")
        for holder in (self, self.baseline, self.candidate):
            for one in fields(holder):
                values = getattr(holder, one.name)
                if not isinstance(values, np.ndarray):
                    continue
                if values.shape != shape:
                    raise InvalidRequestError(f"column {one.name} has {len(values)} rows, not {shape[0]}")
                if values.dtype == np.int64 and len(values) and int(values.min()) < 0:
                    row = int(np.argmin(values))
                    raise InvalidRequestError(
                        f"column {one.name} holds a negative count in row {row}",
                        hint="a counter that was reset must be turned into increments first",
                    )
        if len(self.index) and bool((np.diff(self.index) <= 0).any()):
            raise InvalidRequestError(
                "the intervals are not in order", hint="each interval is judged once, in the order of time"
            )

    def __len__(self) -> int:
        return len(self.index)


_SILENT = ArmInterval(points_in=0, points=0, bytes=0, series=0)


def interval_columns(intervals: Sequence[Interval]) -> IntervalColumns:
    """Turn intervals into columns."""

    def counts(values: list[int]) -> Counts:
        return np.array(values, dtype=np.int64)

    def arm(arms: list[ArmInterval | None]) -> ArmColumns:
        filled = [_SILENT if one is None else one for one in arms]
        nan = float("nan")
        latency = [nan if one.latency_p99_seconds is None else one.latency_p99_seconds for one in filled]
        cpu = [nan if one.cpu_seconds is None else one.cpu_seconds for one in filled]
        above = [nan if one.latency_above is None else one.latency_above for one in filled]
        return ArmColumns(
            present=np.array([one is not None for one in arms], dtype=np.bool_),
            points=counts([one.points for one in filled]),
            bytes=counts([one.bytes for one in filled]),
            series=counts([one.series for one in filled]),
            points_in=counts([one.points_in for one in filled]),
            failures=counts([one.refused + one.failed for one in filled]),
            aggregate=counts([one.critical_in_aggregate for one in filled]),
            latency=np.array(latency, dtype=np.float64),
            cpu=np.array(cpu, dtype=np.float64),
            above=np.array(above, dtype=np.float64),
        )

    return IntervalColumns(
        index=counts([one.index for one in intervals]),
        warmup=np.array([one.warmup for one in intervals], dtype=np.bool_),
        source_points=counts([one.source_points for one in intervals]),
        baseline=arm([one.baseline for one in intervals]),
        candidate=arm([one.candidate for one in intervals]),
        critical_units=counts([one.critical_units for one in intervals]),
        late_points=counts([one.late_points for one in intervals]),
        missed=tuple((row, one.missed) for row, one in enumerate(intervals) if one.missed),
    )
