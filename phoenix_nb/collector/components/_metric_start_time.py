"""metricstarttime: gives cumulative points a start time where they have none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector._regexp import RegexpError, compile_regexp
from phoenix_nb.collector.components._base import (
    ComponentKind,
    ComponentType,
    Flow,
    Setup,
    Stage,
    StageState,
)
from phoenix_nb.collector.components._clock import UNKNOWN, Ticker
from phoenix_nb.collector.components._histogram_reset import (
    was_reset,
    with_buckets_of,
    without_reference,
    zeroed,
)
from phoenix_nb.collector.components._streams import Streams, load_points, rounds, save_points
from phoenix_nb.collector.config import DURATION, TEXT, Settings, quote, setting
from phoenix_nb.otlp import Frames, MetricHeader, MetricType, PointKind, SidePoint, Temporality

__all__ = ["METRIC_START_TIME", "MetricStartTimeSettings"]

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
_TRUE_RESET: Final = "true_reset_point"
_SUBTRACT: Final = "subtract_initial_point"
_BY_METRIC: Final = "start_time_metric"
_TEN_MINUTES: Final = 600_000_000_000
_MILLISECOND: Final = np.uint64(1_000_000)
_HISTOGRAMS: Final = (MetricType.HISTOGRAM, MetricType.EXPONENTIAL_HISTOGRAM)
_NO_VALUE: Final = 1


@dataclass(frozen=True)
class MetricStartTimeSettings(Settings):
    """Settings of the metricstarttime processor."""

    go_type: ClassVar[str] = "metricstarttimeprocessor.Config"
    strategy: str = setting(_TRUE_RESET, TEXT)
    """Where start times come from."""
    gc_interval: int = setting(_TEN_MINUTES, DURATION)
    """Nanoseconds after which a stream without points is forgotten; up to twice as long."""
    start_time_metric_regex: str = setting("", TEXT)
    """Which metric holds the start time; empty = ``process_start_time_seconds``."""

    def problems(self) -> Iterator[str]:
        """As the collector's ``Validate``: the first one only."""
        if self.strategy not in {_TRUE_RESET, _SUBTRACT, _BY_METRIC}:
            yield f"{quote(self.strategy)} is not a valid strategy"
        elif self.gc_interval <= 0:
            yield "gc_interval must be positive"
        elif self.start_time_metric_regex:
            try:
                compile_regexp(self.start_time_metric_regex)
            except RegexpError as exc:
                yield str(exc)
                return
            if self.strategy != _BY_METRIC:
                yield "start_time_metric_regex can only be used with the start_time_metric strategy"


class _State:
    """What is known of every stream."""

    def __init__(self) -> None:
        self.seen: Mask = np.zeros(0, dtype=np.bool_)
        self.marked: Mask = np.zeros(0, dtype=np.bool_)
        self.start = np.zeros(0, dtype=np.uint64)
        self.identity = np.zeros(0, dtype=np.int32)
        self.numbers = {name: np.zeros(0, dtype=kind) for name, kind in _NUMBERS.items()}
        self.previous: dict[int, SidePoint] = {}
        self.reference: dict[int, SidePoint] = {}

    def grow(self, count: int) -> None:
        """Make room for more streams."""
        more = count - len(self.seen)
        if more > 0:
            self.seen = np.append(self.seen, np.zeros(more, dtype=np.bool_))
            self.marked = np.append(self.marked, np.zeros(more, dtype=np.bool_))
            self.start = np.append(self.start, np.zeros(more, dtype=np.uint64))
            self.identity = np.append(self.identity, np.zeros(more, dtype=np.int32))
            self.numbers = {
                name: np.append(column, np.zeros(more, dtype=column.dtype))
                for name, column in self.numbers.items()
            }

    def clear(self, streams: Array) -> None:
        """Know streams of which nothing was measured yet."""
        self.seen[streams] = True
        self.start[streams] = 0
        for column in self.numbers.values():
            column[streams] = 0

    def sweep(self) -> None:
        """Forget the streams that had no point since the last sweep."""
        for number in np.flatnonzero(self.seen & ~self.marked).tolist():
            self.previous.pop(number, None)
            self.reference.pop(number, None)
        self.seen &= self.marked
        self.marked[:] = False


_NUMBERS: Final = {
    "int": np.int64,
    "double": np.float64,
    "first_int": np.int64,
    "first_double": np.float64,
}


def _identity(header: MetricHeader) -> tuple[str, int]:
    return header.name, header.temporality if header.type in _HISTOGRAMS else 0


def _unmeasured(point: SidePoint) -> SidePoint:
    value = point.value
    return SidePoint(None if value is None else type(value)())


class _MetricStartTime:
    def __init__(self, settings: MetricStartTimeSettings, setup: Setup) -> None:
        self._dictionaries = setup.dictionaries
        self._strategy = settings.strategy
        self._ticker = Ticker(settings.gc_interval, setup.clock)
        pattern = settings.start_time_metric_regex
        self._pattern = compile_regexp(pattern) if pattern else None
        self._streams = Streams(
            setup.dictionaries,
            # Scope, unit and type do not tell streams apart here.
            scope=lambda _one: 0,
            header=lambda one: (*_identity(one), one.type),
        )
        # The collector keeps numbers and summaries of one name, or both sorts of histograms, under one identity
        # with a state for each: what comes second is known already, with an empty state.
        self._identities = Streams(setup.dictionaries, scope=lambda _one: 0, header=_identity)
        self._known: Mask = np.zeros(0, dtype=np.bool_)
        self._state = _State()

    def _adjusts(self, header: MetricHeader) -> bool:
        cumulative = header.temporality == Temporality.CUMULATIVE
        match header.type:
            case MetricType.SUM:
                return cumulative or self._strategy != _SUBTRACT
            case MetricType.SUMMARY:
                return True
            case MetricType.HISTOGRAM | MetricType.EXPONENTIAL_HISTOGRAM:
                return cumulative or self._strategy == _BY_METRIC
            case _:
                return False

    def process(self, flow: Flow) -> Flow:
        parts = []
        for tick, frames in self._ticker.runs(flow.frames):
            if tick:
                self._state.sweep()
                self._know()
            parts.append(self._adjusted(frames))
        return flow.to(Frames.concat(parts))

    def _adjusted(self, frames: Frames) -> Frames:
        adjusts = self._dictionaries.headers.map(self._adjusts, np.bool_)[frames.m_header].astype(np.bool_)
        if not adjusts.any():
            return frames
        whole = frames.compact()
        open_start = (whole.p_start == 0) | (whole.p_start == whole.p_time)
        rows = np.flatnonzero(adjusts[whole.p_metric] & open_start)
        if not len(rows):
            return frames
        edit = _Edit(whole, rows, self._start_times(whole) if self._strategy == _BY_METRIC else None)
        columns = whole.p_series[rows], whole.p_kind[rows], whole.p_start[rows]
        streams, identities = self._streams.numbers(*columns), self._identities.numbers(*columns)
        self._state.grow(len(self._streams))
        self._grow_known()
        self._state.identity[streams] = identities
        for part in rounds(identities, whole.p_payload[rows], whole.n_payloads, len(self._identities)):
            self._round(edit, part, streams[part], identities[part])
        kept = np.ones(whole.n_points, dtype=np.bool_)
        kept[rows] = edit.kept
        made = whole.replace(side=edit.table, **edit.columns())
        return made if kept.all() else made.where(kept, keep_empty=True)

    def _grow_known(self) -> None:
        more = len(self._identities) - len(self._known)
        if more > 0:
            self._known = np.append(self._known, np.zeros(more, dtype=np.bool_))

    def _know(self) -> None:
        """Identities are known while one of their streams is."""
        self._known[:] = False
        self._known[self._state.identity[self._state.seen]] = True

    def _round(self, edit: _Edit, part: Any, streams: Array, identities: Array) -> None:
        state = self._state
        empty = self._known[identities] & ~state.seen[streams]
        if empty.any():
            state.clear(streams[empty])
        self._known[identities] = True
        time, flags = edit.time[part], edit.flags[part]
        ints, doubles = edit.ints[part], edit.doubles[part]
        seen = state.seen[streams]
        side = edit.is_side[part]
        silent = seen & ((flags & _NO_VALUE) != 0) & (self._strategy != _BY_METRIC)
        with np.errstate(invalid="ignore"):
            reset = (doubles < state.numbers["double"][streams]) | (ints < state.numbers["int"][streams])
        places = np.flatnonzero(side)
        for at, row in zip(places.tolist(), np.arange(len(edit.kept))[part][places].tolist(), strict=True):
            point = edit.side_point(row)
            before = state.previous.get(int(streams[at])) or _unmeasured(point)
            reset[at] = was_reset(point, before)
        reset &= seen & ~silent
        before_start = state.start[streams]
        start = np.where(seen, before_start, edit.first_start(part))
        start = np.where(reset, time - _MILLISECOND, start)
        state.start[streams] = start
        edit.start[part] = start
        update = ~silent
        if self._strategy == _SUBTRACT:
            edit.kept[part] = seen
            self._subtract(edit, part, streams, seen, reset, silent)
        self._remember(edit, part, streams, update, ints, doubles)
        state.seen[streams] = True
        state.marked[streams] = True

    def _remember(
        self, edit: _Edit, part: Any, streams: Array, update: Mask, ints: Array, doubles: Array
    ) -> None:
        numbers = self._state.numbers
        chosen = streams[update]
        numbers["int"][chosen], numbers["double"][chosen] = ints[update], doubles[update]
        rows = np.arange(len(edit.kept))[part]
        for at in np.flatnonzero(edit.is_side[part] & update).tolist():
            stream, point = int(streams[at]), edit.given(int(rows[at]))
            known = self._state.previous.get(stream) or (
                _unmeasured(point) if self._state.seen[stream] else point
            )
            self._state.previous[stream] = with_buckets_of(
                point, known, bounds=self._strategy != _SUBTRACT, scale=self._strategy == _BY_METRIC
            )

    def _subtract(
        self, edit: _Edit, part: Any, streams: Array, seen: Mask, reset: Mask, silent: Mask
    ) -> None:
        """Points become what was added since the first one, which is dropped."""
        numbers = self._state.numbers
        ints, doubles = edit.ints[part], edit.doubles[part]
        fresh = ~seen
        for name, values in (("first_int", ints), ("first_double", doubles)):
            column = numbers[name]
            column[streams] = np.where(fresh, values, np.where(reset, 0, column[streams]))
        moved = seen & ~reset & ~silent
        with np.errstate(over="ignore", invalid="ignore"):
            less_int, less_double = (
                ints - numbers["first_int"][streams],
                doubles - numbers["first_double"][streams],
            )
        kind = edit.kind[part]
        double = moved & (kind == PointKind.DOUBLE)
        whole = moved & (kind <= PointKind.INT)
        edit.new_double[part] = np.where(double, less_double, doubles)
        edit.new_int[part] = np.where(whole, less_int, ints)
        # A point without a value comes out as a whole number.
        edit.new_kind[part] = np.where(whole, PointKind.INT, kind)
        rows = np.arange(len(edit.kept))[part]
        for at in np.flatnonzero(edit.is_side[part] & ~silent).tolist():
            stream, row = int(streams[at]), int(rows[at])
            point = edit.side_point(row)
            if fresh[at]:
                self._state.reference[stream] = point
            elif reset[at]:
                self._state.reference[stream] = zeroed(point)
            elif stream in self._state.reference:
                edit.set_side(row, without_reference(point, self._state.reference[stream]))

    def _start_times(self, frames: Frames) -> Array:
        """Per payload the start time that its metrics tell; without one it is the collector's own start."""
        names = self._dictionaries.headers.map(self._tells, np.bool_)[frames.m_header].astype(np.bool_)
        rows = np.flatnonzero(names)
        # Only the first such metric is looked at.
        first = rows[np.unique(frames.m_payload[rows], return_index=True)[1]]
        types = self._dictionaries.header_types()[frames.m_header[first]]
        begins = np.searchsorted(frames.p_metric, first)
        filled = np.bincount(frames.p_metric, minlength=frames.n_metrics)[first] > 0
        usable = filled & ((types == MetricType.GAUGE) | (types == MetricType.SUM))
        started = self._ticker.started
        made = np.full(
            frames.n_payloads, 0 if started == UNKNOWN else started // 10**9 * 10**9, dtype=np.uint64
        )
        payload = frames.m_payload[first[usable]]
        seconds = frames.p_double[begins[usable]]
        whole = seconds.astype(np.int64)
        made[payload] = (whole * 10**9 + ((seconds - whole) * 1e9).astype(np.int64)).view(np.uint64)
        return made

    def _tells(self, header: MetricHeader) -> bool:
        if self._pattern is None:
            return header.name == "process_start_time_seconds"
        return self._pattern.search(header.name)

    # -- state -----------------------------------------------------------------------------------------------

    def flush(self) -> Frames | None:
        """Nothing is held."""
        return None

    def snapshot(self) -> StageState:
        """Start, last and first point of every stream."""
        state = self._state
        streams = np.flatnonzero(state.seen)
        numbers = streams.tolist()
        return {
            "ticker": self._ticker.snapshot(),
            "marked": state.marked[streams].tolist(),
            "numbers": {
                name: column[streams].view(np.int64).tolist() for name, column in state.numbers.items()
            },
            "previous": self._saved(streams, numbers, state.previous),
            "reference": self._saved(streams, numbers, state.reference) if state.reference else "",
        }

    def _saved(self, streams: Array, numbers: list[int], sides: dict[int, SidePoint]) -> str:
        side = [sides[number] for number in numbers if number in sides]
        held = np.array([number in sides for number in numbers], dtype=np.bool_)
        place = np.full(len(streams), -1, dtype=np.int32)
        place[held] = np.arange(len(side), dtype=np.int32)
        kind = np.zeros(len(streams), dtype=np.uint8)
        kind[held] = [_kind_of(point) for point in side]
        columns: dict[str, Array] = {"p_start": self._state.start[streams], "p_kind": kind, "p_side": place}
        return save_points(self._streams.frames(streams, columns, side))

    def restore(self, state: StageState) -> None:
        """Take over what was known."""
        self._state = _State()
        self._state.grow(len(self._streams))
        self._known[:] = False
        if not state:
            return
        self._ticker.restore(state["ticker"])
        for text, sides in (
            (state["previous"], self._state.previous),
            (state["reference"], self._state.reference),
        ):
            if not text:
                continue
            frames = load_points(text, self._dictionaries)
            streams = self._streams.numbers(frames.p_series, frames.p_kind, frames.p_start)
            self._state.grow(len(self._streams))
            self._state.seen[streams] = True
            self._state.identity[streams] = self._identities.numbers(
                frames.p_series, frames.p_kind, frames.p_start
            )
            self._grow_known()
            self._know()
            self._state.marked[streams] = state["marked"]
            self._state.start[streams] = frames.p_start
            for name, values in state["numbers"].items():
                column = self._state.numbers[name]
                column[streams] = np.array(values, dtype=np.int64).view(column.dtype)
            for row in np.flatnonzero(frames.p_side >= 0).tolist():
                sides[int(streams[row])] = frames.side[int(frames.p_side[row])]


def _kind_of(point: SidePoint) -> PointKind:
    from phoenix_nb.otlp import ExponentialHistogramValue, HistogramValue

    if isinstance(point.value, HistogramValue):
        return PointKind.HISTOGRAM
    if isinstance(point.value, ExponentialHistogramValue):
        return PointKind.EXPONENTIAL_HISTOGRAM
    return PointKind.SUMMARY


class _Edit:
    """The points of one run that are adjusted, and what they become."""

    def __init__(self, frames: Frames, rows: Array, starts: Array | None) -> None:
        self._frames, self._rows = frames, rows
        self.time, self.flags = frames.p_time[rows], frames.p_flags[rows]
        self.ints, self.doubles = frames.p_int[rows], frames.p_double[rows]
        self.kind = frames.p_kind[rows]
        self.is_side: Mask = self.kind >= PointKind.HISTOGRAM
        self.start = np.zeros(len(rows), dtype=np.uint64)
        self.kept: Mask = np.ones(len(rows), dtype=np.bool_)
        self.new_int, self.new_double = self.ints.copy(), self.doubles.copy()
        self.new_kind = self.kind.copy()
        self.table: list[SidePoint] = list(frames.side)
        self._given = frames.p_side[rows]
        self._side = self._given.copy()
        self._starts = None if starts is None else starts[frames.p_payload[rows]]

    def first_start(self, part: Any) -> Array:
        """The start of streams that begin here."""
        return np.asarray((self.time if self._starts is None else self._starts)[part])

    def given(self, row: int) -> SidePoint:
        """The histogram or summary that came in."""
        return self._frames.side[int(self._given[row])]

    side_point = given

    def set_side(self, row: int, point: SidePoint) -> None:
        """Give a point another histogram or summary."""
        self._side[row] = len(self.table)
        self.table.append(point)

    def columns(self) -> dict[str, Array]:
        """The point columns of the whole run with the changes."""
        made = {}
        for name, values in (
            ("p_start", self.start),
            ("p_int", self.new_int),
            ("p_double", self.new_double),
            ("p_kind", self.new_kind),
            ("p_side", self._side),
        ):
            made[name] = self._frames.column(name).copy()
            made[name][self._rows] = values
        return made


def _build(settings: MetricStartTimeSettings, setup: Setup) -> Stage:
    return _MetricStartTime(settings, setup)


METRIC_START_TIME: Final = ComponentType(
    ComponentKind.PROCESSOR,
    "metricstarttime",
    MetricStartTimeSettings,
    ("metric_start_time",),
    build=_build,
)
"""The metricstarttime processor."""
