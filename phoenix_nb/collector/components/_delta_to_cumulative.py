"""deltatocumulative: adds deltas up to running totals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector.components._aggregate import POINT_COLUMNS
from phoenix_nb.collector.components._base import (
    ComponentKind,
    ComponentType,
    Flow,
    Setup,
    Stage,
    StageState,
)
from phoenix_nb.collector.components._clock import Ticker
from phoenix_nb.collector.components._histogram_add import add_side
from phoenix_nb.collector.components._rewrite import IdMap
from phoenix_nb.collector.components._streams import Streams, load_points, rounds, save_points
from phoenix_nb.collector.config import DURATION, INT, Settings, format_duration, setting
from phoenix_nb.otlp import Frames, MetricHeader, MetricType, PointKind, SidePoint, Temporality

__all__ = ["DELTA_TO_CUMULATIVE", "DeltaToCumulativeSettings"]

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
_MINUTE: Final = 60_000_000_000
_MOST: Final = (1 << 63) - 1
_ADDED: Final = (MetricType.SUM, MetricType.HISTOGRAM, MetricType.EXPONENTIAL_HISTOGRAM)
_KEPT: Final = tuple(name for name in POINT_COLUMNS if name != "p_side")


@dataclass(frozen=True)
class DeltaToCumulativeSettings(Settings):
    """Settings of the deltatocumulative processor."""

    go_type: ClassVar[str] = "deltatocumulativeprocessor.Config"
    max_stale: int = setting(5 * _MINUTE, DURATION)
    """Nanoseconds without a point after which a stream is forgotten."""
    max_streams: int = setting(_MOST, INT)
    """Most streams that are remembered; points of others are dropped."""

    def problems(self) -> Iterator[str]:
        """As the collector's ``Validate``: the first one only."""
        if self.max_stale <= 0:
            yield f"max_stale must be a positive duration (got {format_duration(self.max_stale)})"
        elif self.max_streams < 0:
            yield f"max_streams must be a positive number (got {self.max_streams})"


def _adds(header: MetricHeader) -> bool:
    return header.temporality == Temporality.DELTA and header.type in _ADDED


class _DeltaToCumulative:
    def __init__(self, settings: DeltaToCumulativeSettings, setup: Setup) -> None:
        known = setup.dictionaries
        self._dictionaries = known
        self._stale, self._limit = settings.max_stale, settings.max_streams
        self._ticker = Ticker(_MINUTE, setup.clock)
        self._headers = IdMap(
            known.headers,
            lambda one: replace(one, temporality=Temporality.CUMULATIVE) if _adds(one) else one,
        )
        self._streams = Streams(
            known,
            scope=lambda one: (one.name, one.version, one.attributes.digest),
            header=lambda one: (one.name, one.unit, one.type, one.monotonic, one.temporality),
        )
        self._seen: Mask = np.zeros(0, dtype=np.bool_)
        self._arrival = np.zeros(0, dtype=np.uint64)
        self._state: dict[str, Array] = {
            "p_attributes": np.zeros(0, dtype=np.int32),
            "p_start": np.zeros(0, dtype=np.uint64),
            "p_time": np.zeros(0, dtype=np.uint64),
            "p_kind": np.zeros(0, dtype=np.uint8),
            "p_int": np.zeros(0, dtype=np.int64),
            "p_double": np.zeros(0),
            "p_flags": np.zeros(0, dtype=np.uint32),
        }
        self._side: dict[int, SidePoint] = {}

    # -- processing ------------------------------------------------------------------------------------------

    def process(self, flow: Flow) -> Flow:
        parts = []
        for tick, frames in self._ticker.runs(flow.frames):
            if tick > self._stale:
                # Strictly longer ago than allowed.
                stale = self._seen & (self._arrival < tick - self._stale)
                self._forget(np.flatnonzero(stale))
            parts.append(self._added(frames))
        return flow.to(Frames.concat(parts))

    def _forget(self, streams: Array) -> None:
        self._seen[streams] = False
        for number in streams.tolist():
            self._side.pop(number, None)

    def _added(self, frames: Frames) -> Frames:
        adds = self._dictionaries.headers.map(_adds, np.bool_)[frames.m_header].astype(np.bool_)
        if not adds.any():
            return frames.where()
        whole = frames.compact()
        rows = np.flatnonzero(adds[whole.p_metric])
        streams = self._streams.numbers(whole.p_series[rows], whole.p_kind[rows], whole.p_start[rows])
        self._grow(len(self._streams))
        points = {name: whole.column(name)[rows] for name in POINT_COLUMNS}
        arrival = whole.arrival[whole.p_payload[rows]]
        valid = np.zeros(len(rows), dtype=np.bool_)
        side: list[SidePoint] = list(whole.side)
        for part in rounds(streams, whole.p_payload[rows], whole.n_payloads, len(self._streams)):
            self._round(points, part, streams[part], arrival[part], valid, side)
        kept = np.ones(whole.n_points, dtype=np.bool_)
        kept[rows] = valid
        columns = {}
        for name in POINT_COLUMNS:
            columns[name] = whole.column(name).copy()
            columns[name][rows] = points[name]
        header = np.where(adds, self._headers(whole.m_header), whole.m_header)
        made = whole.replace(m_header=header, side=side, **columns)
        left = np.bincount(whole.p_metric[kept], minlength=whole.n_metrics) > 0
        return made.where(kept, left | ~adds, keep_empty=True).where()

    def _grow(self, count: int) -> None:
        more = count - len(self._seen)
        if more > 0:
            self._seen = np.append(self._seen, np.zeros(more, dtype=np.bool_))
            self._arrival = np.append(self._arrival, np.zeros(more, dtype=np.uint64))
            self._state = {
                name: np.append(column, np.zeros(more, dtype=column.dtype))
                for name, column in self._state.items()
            }

    def _round(
        self,
        points: dict[str, Array],
        part: Any,
        streams: Array,
        arrival: Array,
        valid: Mask,
        side: list[SidePoint],
    ) -> None:
        """Points of which no two belong to the same stream: the state moves on, and the points become the state."""
        here = {name: points[name][part] for name in POINT_COLUMNS}
        seen = self._seen[streams]
        allowed = seen.copy()
        if not seen.all():
            room = self._limit - int(self._seen.sum())
            allowed |= ~seen & (np.cumsum(~seen) <= room)
        state = {name: column[streams] for name, column in self._state.items()}
        blank = ~seen | (state["p_time"] == 0)
        older = here["p_start"] < state["p_start"]
        late = here["p_time"] <= state["p_time"]
        add = allowed & ~blank & ~older & ~late
        begin = allowed & blank
        is_int, is_double = here["p_kind"] == PointKind.INT, here["p_kind"] == PointKind.DOUBLE
        with np.errstate(over="ignore", invalid="ignore"):
            total_int, total_double = state["p_int"] + here["p_int"], state["p_double"] + here["p_double"]
        made = {name: np.where(begin, here[name], state[name]) for name in _KEPT}
        made["p_time"] = np.where(add, here["p_time"], made["p_time"])
        for kind, name, total, other in (
            (is_int, "p_int", total_int, "p_double"),
            (is_double, "p_double", total_double, "p_int"),
        ):
            # The total takes the kind of the newest point; what the state held of the other kind is gone.
            made[name] = np.where(add & kind, total, made[name])
            made[other] = np.where(add & kind, 0, made[other])
        made["p_kind"] = np.where(add & (is_int | is_double), here["p_kind"], made["p_kind"])
        valid[part] = add | begin
        self._side_points(here, part, streams, add, begin, points, side)
        for name in _KEPT:
            self._state[name][streams[allowed]] = made[name][allowed]
            points[name][part] = made[name]
        self._seen[streams[allowed]] = True
        self._arrival[streams[allowed]] = arrival[allowed]

    def _side_points(
        self,
        here: dict[str, Array],
        part: Any,
        streams: Array,
        add: Mask,
        begin: Mask,
        points: dict[str, Array],
        side: list[SidePoint],
    ) -> None:
        """Histograms and exemplars one by one."""
        number = here["p_side"]
        held = np.isin(streams, np.fromiter(self._side, dtype=np.int64)) if self._side else number < -1
        places = np.flatnonzero(((number >= 0) | held) & (add | begin))
        if not len(places):
            return
        target = points["p_side"]
        rows = np.arange(len(target))[part]
        for at in places.tolist():
            stream, row = int(streams[at]), int(rows[at])
            point = side[int(number[at])] if number[at] >= 0 else None
            if begin[at]:
                if point is None:
                    self._side.pop(stream, None)
                else:
                    self._side[stream] = point
                continue
            before = self._side.get(stream)
            if before is not None and before.value is not None and point is not None:
                self._side[stream] = before = add_side(before, point)
            if before is None:
                target[row] = -1
            else:
                target[row] = len(side)
                side.append(before)

    # -- state -----------------------------------------------------------------------------------------------

    def flush(self) -> Frames | None:
        """Nothing is held."""
        return None

    def snapshot(self) -> StageState:
        """The total of every stream."""
        streams = np.flatnonzero(self._seen)
        side = [self._side[number] for number in streams.tolist() if number in self._side]
        held = np.array([number in self._side for number in streams.tolist()], dtype=np.bool_)
        place = np.full(len(streams), -1, dtype=np.int32)
        place[held] = np.arange(len(side), dtype=np.int32)
        columns = {name: column[streams] for name, column in self._state.items()}
        frames = self._streams.frames(streams, {**columns, "p_side": place}, side)
        return {
            "ticker": self._ticker.snapshot(),
            "arrival": self._arrival[streams].tolist(),
            "points": save_points(frames),
        }

    def restore(self, state: StageState) -> None:
        """Take over the totals."""
        self._seen[:] = False
        self._side.clear()
        if not state:
            return
        self._ticker.restore(state["ticker"])
        frames = load_points(state["points"], self._dictionaries)
        streams = self._streams.numbers(frames.p_series, frames.p_kind, frames.p_start)
        self._grow(len(self._streams))
        self._seen[streams] = True
        self._arrival[streams] = np.array(state["arrival"], dtype=np.uint64)
        for name in _KEPT:
            self._state[name][streams] = frames.column(name)
        for row in np.flatnonzero(frames.p_side >= 0).tolist():
            self._side[int(streams[row])] = frames.side[int(frames.p_side[row])]


def _build(settings: DeltaToCumulativeSettings, setup: Setup) -> Stage:
    return _DeltaToCumulative(settings, setup)


DELTA_TO_CUMULATIVE: Final = ComponentType(
    ComponentKind.PROCESSOR,
    "deltatocumulative",
    DeltaToCumulativeSettings,
    ("delta_to_cumulative",),
    build=_build,
)
"""The deltatocumulative processor."""
