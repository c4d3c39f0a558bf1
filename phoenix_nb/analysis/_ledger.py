"""Totals per series over a whole window, for one stream."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from phoenix_nb.otlp import Dictionaries, Frames, PointKind

__all__ = ["Ledger", "point_values"]

Ids = npt.NDArray[np.int64]


def point_values(frames: Frames) -> npt.NDArray[np.float64]:
    """Per point its number as a double; NaN for points without one."""
    kind = frames.p_kind
    values = np.where(kind == PointKind.INT, frames.p_int.astype(np.float64), frames.p_double)
    return np.where((kind == PointKind.INT) | (kind == PointKind.DOUBLE), values, np.nan)


class Ledger:
    """Points per series id, and on request the last time and value of each series.

    Memory grows with the distinct series of the run, not with its length.
    """

    def __init__(self, dictionaries: Dictionaries, *, keep_values: bool = False) -> None:
        self._dictionaries = dictionaries
        self._keep_values = keep_values
        self.points: Ids = np.zeros(0, dtype=np.int64)
        """Per series id its data points."""
        self.last_time: npt.NDArray[np.uint64] = np.zeros(0, dtype=np.uint64)
        """Per series id the time of its last point, Unix nanoseconds."""
        self.last_value: npt.NDArray[np.float64] = np.zeros(0, dtype=np.float64)
        """Per series id the value of its last point."""
        self.last_kind: npt.NDArray[np.uint8] = np.zeros(0, dtype=np.uint8)
        """Per series id the :class:`PointKind` of its last point."""
        self.total_bytes = 0
        """Uncompressed OTLP protobuf bytes."""

    def add(self, frames: Frames, payload_bytes: Ids) -> None:
        """Add payloads."""
        self.total_bytes += int(payload_bytes.sum())
        if not frames.n_points:
            return
        series = frames.p_series
        self.points = _wider(self.points, len(self._dictionaries.series))
        counts = np.bincount(series)
        self.points[: len(counts)] += counts
        if self._keep_values:
            self.last_time = _wider(self.last_time, len(self.points))
            self.last_value = _wider(self.last_value, len(self.points))
            # For repeated indices NumPy keeps the last one assigned: the newest point in payload order.
            self.last_time[series] = frames.p_time
            self.last_value[series] = point_values(frames)
            self.last_kind = _wider(self.last_kind, len(self.points))
            self.last_kind[series] = frames.p_kind

    def duplicates(self, frames: Frames) -> npt.NDArray[np.bool_]:
        """Per point whether the point before it in its series had the same time. Call it before :meth:`add`."""
        series, times = frames.p_series, frames.p_time
        order = np.argsort(series, kind="stable")
        ordered, when = series[order], times[order]
        known = _wider(self.last_time, len(self._dictionaries.series))
        had_points = _wider(self.points, len(known)) > 0
        first = np.ones(len(ordered), dtype=np.bool_)
        first[1:] = ordered[1:] != ordered[:-1]
        before = np.empty_like(when)
        before[1:] = when[:-1]
        before[first] = known[ordered[first]]
        same = before == when
        same[first] &= had_points[ordered[first]]
        found = np.zeros(len(series), dtype=np.bool_)
        found[order] = same
        return found

    @property
    def total_points(self) -> int:
        """All data points."""
        return int(self.points.sum())

    def keys(self) -> npt.NDArray[np.bool_]:
        """Per series key whether it was seen."""
        seen = np.zeros(self._dictionaries.series.n_keys, dtype=np.bool_)
        used = np.flatnonzero(self.points)
        seen[self._dictionaries.series.key[used]] = True
        return seen

    def padded(self) -> Ids:
        """Points per series id, as long as the series index is now."""
        return _wider(self.points, len(self._dictionaries.series))


def _wider(values: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    if len(values) >= size:
        return values
    # Grow by half at least, so that many small calls stay linear.
    room = max(size, len(values) + len(values) // 2)
    return np.concatenate([values, np.zeros(room - len(values), dtype=values.dtype)])
