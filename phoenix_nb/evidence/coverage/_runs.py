"""Points of critical processes, joined into runs and into rows per interval and lifetime."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from phoenix_nb.evidence.coverage._carriers import Carriers
from phoenix_nb.otlp import Frames, PointKind

__all__ = ["Presence", "Runs", "codes", "edges"]

Ids = npt.NDArray[np.int64]
Bits = npt.NDArray[np.int64]
Times = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Runs:
    """Neighbouring points of one carrier, interval and start time, joined into one row."""

    carrier: Ids
    """Per run its carrier."""
    interval: Ids
    """Per run its interval."""
    start: Times
    """Per run the start time of its points, Unix nanoseconds."""
    time: Times
    """Per run its latest point, Unix nanoseconds."""
    bits: Bits
    """Per run the required metrics it holds, one bit each."""
    points: tuple[npt.NDArray[np.bool_], Ids, Bits, npt.NDArray[np.float64]]
    """Per point the selectors that mean it, its interval, the bit of its metric and its value."""

    @classmethod
    def of(cls, frames: Frames, interval: Ids, carriers: Carriers, bit_of_header: Bits) -> Runs | None:
        """The critical points of ``frames``; ``None`` when there are none. Intervals below 0 are left out."""
        if not frames.n_points:
            return None
        carrier = carriers.of(frames)
        keep = carriers.matched[carrier] & (interval >= 0)
        if not keep.any():
            return None
        at = np.flatnonzero(keep)
        carrier, interval, start = carrier[at], interval[at], frames.p_start[at]
        bits = bit_of_header[frames.p_header[at]]
        is_int = frames.p_kind[at] == PointKind.INT
        values = np.where(is_int, frames.p_int[at].astype(np.float64), frames.p_double[at])
        new = np.ones(len(at), dtype=np.bool_)
        new[1:] = (carrier[1:] != carrier[:-1]) | (interval[1:] != interval[:-1]) | (start[1:] != start[:-1])
        first = np.flatnonzero(new)
        return cls(
            carrier=carrier[first],
            interval=interval[first],
            start=start[first],
            time=np.maximum.reduceat(frames.p_time[at], first),
            bits=np.bitwise_or.reduceat(bits, first),
            points=(carriers.selected[carrier], interval, bits, values),
        )

    def distinct(self) -> tuple[Ids, Times, npt.NDArray[np.intp]]:
        """Distinct (carrier, start) pairs in order of first appearance, and per run the pair it belongs to.

        The order makes numbers of lifetimes independent of how the payloads are split into calls.
        """
        starts, start_of = np.unique(self.start, return_inverse=True)
        pairs, first, back = np.unique(
            self.carrier * len(starts) + start_of, return_index=True, return_inverse=True
        )
        order = np.argsort(first)
        place = np.empty(len(order), dtype=np.intp)
        place[order] = np.arange(len(order))
        pairs = pairs[order]
        return pairs // len(starts), starts[pairs % len(starts)], place[back]


@dataclass(slots=True)
class Presence:
    """Rows (interval, lifetime, bits of required metrics) that are not finalised yet."""

    rows: list[tuple[Ids, Ids, Bits]] = field(default_factory=list)

    def add(self, interval: Ids, unit: Ids, bits: Bits) -> None:
        """Add rows; the same interval and lifetime may come again."""
        self.rows.append((interval, unit, bits))

    def take(self, upto: int) -> tuple[Ids, Ids, Bits]:
        """Remove the rows of intervals up to ``upto``; one sorted row per interval and lifetime."""
        if not self.rows:
            empty = np.zeros(0, dtype=np.int64)
            return empty, empty, empty
        interval, unit, bits = (np.concatenate(parts) for parts in zip(*self.rows, strict=True))
        due = interval <= upto
        self.rows = [] if due.all() else [(interval[~due], unit[~due], bits[~due])]
        interval, unit, bits = interval[due], unit[due], bits[due]
        if not len(interval):
            return interval, unit, bits
        packed = codes(interval, unit)
        order = np.argsort(packed, kind="stable")
        packed = packed[order]
        first = np.flatnonzero(np.concatenate([[True], packed[1:] != packed[:-1]]))
        return interval[order][first], unit[order][first], np.bitwise_or.reduceat(bits[order], first)


def codes(interval: Ids, unit: Ids) -> Ids:
    """One sortable number per pair."""
    return (interval << 32) | unit


def edges(units: Ids, times: Times) -> list[tuple[int, int]]:
    """Per lifetime its first and its last time."""
    if not len(units):
        return []
    order = np.lexsort((times, units))
    units, times = units[order], times[order]
    first = np.concatenate([[True], units[1:] != units[:-1]])
    edge = first | np.concatenate([first[1:], [True]])
    return list(zip(units[edge].tolist(), times[edge].tolist(), strict=True))
