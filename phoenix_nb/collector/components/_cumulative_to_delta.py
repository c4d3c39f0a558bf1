"""cumulativetodelta: turns cumulative counters and histograms into what was added since the last point."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector.components._base import (
    BuildError,
    ComponentKind,
    ComponentType,
    Flow,
    Setup,
    Stage,
    StageState,
)
from phoenix_nb.collector.components._clock import Ticker
from phoenix_nb.collector.components._histogram_delta import subtract, without_extremes
from phoenix_nb.collector.components._last_points import LastPoints
from phoenix_nb.collector.components._matching import REGEXP_CACHE, RegexpCache, text_matcher
from phoenix_nb.collector.components._rewrite import IdMap
from phoenix_nb.collector.components._streams import Streams, load_points, rounds, save_points
from phoenix_nb.collector.config import DURATION, TEXT, Items, Settings, Struct, Word, setting
from phoenix_nb.otlp import Frames, MetricHeader, MetricType, PointKind, SidePoint, Table, Temporality

__all__ = ["CUMULATIVE_TO_DELTA", "CumulativeToDeltaSettings"]

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
_TYPES: Final = {
    "sum": MetricType.SUM,
    "histogram": MetricType.HISTOGRAM,
    "exponentialhistogram": MetricType.EXPONENTIAL_HISTOGRAM,
}
_INITIAL: Final = ("auto", "keep", "drop")
_HOUR: Final = 3_600_000_000_000
_STALE_SINCE: Final = (0, 142, 0)
_NO_VALUE: Final = 1


def _initial(text: str) -> str:
    if text not in _INITIAL:
        message = f"unknown initial_value: {text}"
        raise ValueError(message)
    return text


@dataclass(frozen=True)
class MatchMetricsSettings(Settings):
    """Which metrics are meant."""

    go_type: ClassVar[str] = "cumulativetodeltaprocessor.MatchMetrics"
    match_type: str = setting("", TEXT)
    """``strict`` or ``regexp``."""
    regexp: RegexpCache | None = setting(None, REGEXP_CACHE)
    """A cache that changes no result."""
    metrics: tuple[str, ...] = setting((), Items(TEXT))
    """Names or patterns; empty = any."""
    metric_types: tuple[str, ...] = setting((), Items(TEXT))
    """Types; empty = any."""


_MATCH: Final = Struct(MatchMetricsSettings)


@dataclass(frozen=True)
class CumulativeToDeltaSettings(Settings):
    """Settings of the cumulativetodelta processor."""

    go_type: ClassVar[str] = "cumulativetodeltaprocessor.Config"
    max_staleness: int | None = setting(None, DURATION)
    """Nanoseconds after which a stream is forgotten; 0 = never, ``None`` = the default of the release."""
    initial_value: str = setting("auto", Word("tracking.InitialValue", _initial))
    """What becomes of a stream's first point."""
    include: MatchMetricsSettings = setting(MatchMetricsSettings(), _MATCH)
    """Metrics to convert."""
    exclude: MatchMetricsSettings = setting(MatchMetricsSettings(), _MATCH)
    """Metrics that stay as they are."""

    def problems(self) -> Iterator[str]:
        """As the collector's ``Validate``: the first one only."""
        blocks = (self.include, self.exclude)
        if any(block.metrics and not block.match_type for block in blocks):
            yield "match_type must be set if metrics are supplied"
        elif any(block.match_type and not block.metrics for block in blocks):
            yield "metrics must be supplied if match_type is set"
        else:
            named = (("exclude", self.exclude), ("include", self.include))
            wrong = (
                f"found invalid metric type in {name}.metric_types: {text}. Valid values are "
                f"[{' '.join(sorted(_TYPES))}]"
                for name, block in named
                for text in block.metric_types
                if text.lower() not in _TYPES
            )
            first = next(wrong, None)
            if first is not None:
                yield first


class _Chooser:
    """Which metrics are converted."""

    def __init__(self, settings: CumulativeToDeltaSettings) -> None:
        self._tests = [
            (text_matcher(block.match_type, block.metrics), wanted)
            for block, wanted in ((settings.include, True), (settings.exclude, False))
            if block.metrics
        ]
        self._included = {_TYPES[text.lower()] for text in settings.include.metric_types}
        self._excluded = {_TYPES[text.lower()] for text in settings.exclude.metric_types}

    def __call__(self, header: MetricHeader) -> bool:
        if header.temporality != Temporality.CUMULATIVE or header.type not in _TYPES.values():
            return False
        if header.type == MetricType.SUM and not header.monotonic:
            return False
        if (self._included and header.type not in self._included) or header.type in self._excluded:
            return False
        return all(test(header.name) is wanted for test, wanted in self._tests)


class _CumulativeToDelta:
    def __init__(self, settings: CumulativeToDeltaSettings, setup: Setup) -> None:
        known = setup.dictionaries
        self._dictionaries = known
        self._chooses = _Chooser(settings)
        self._converts = Table(known.headers, self._chooses, np.bool_)
        self._initial = settings.initial_value
        staleness = settings.max_staleness
        if staleness is None:
            staleness = _HOUR if setup.version >= _STALE_SINCE else 0
        self._staleness = max(staleness, 0)
        self._ticker = Ticker(self._staleness, setup.clock)
        self._headers = IdMap(
            known.headers,
            lambda one: replace(one, temporality=Temporality.DELTA) if self._chooses(one) else one,
        )
        self._streams = Streams(
            known,
            scope=lambda one: (one.name, one.version),
            header=lambda one: (one.type, one.name, one.unit),
            by_start=True,
            by_kind=True,
        )
        self._last = LastPoints()
        self._values: dict[int, SidePoint] = {}

    # -- processing ------------------------------------------------------------------------------------------

    def process(self, flow: Flow) -> Flow:
        parts = []
        for tick, frames in self._ticker.runs(flow.frames):
            if tick:
                self._forget(tick - self._staleness)
            parts.append(self._converted(frames))
        return flow.to(Frames.concat(parts))

    def _forget(self, before: int) -> None:
        last = self._last
        stale = last.seen & (last.time < max(before, 0))
        last.seen &= ~stale
        for number in np.flatnonzero(stale).tolist():
            self._values.pop(number, None)

    def _converted(self, frames: Frames) -> Frames:
        converts = self._converts.array().take(frames.m_header)
        if not converts.any():
            return frames.where()
        whole = frames.compact()
        points = converts.take(whole.p_metric)
        # A histogram without points is left alone, a sum without points goes.
        sums = (self._dictionaries.header_types() == MetricType.SUM).take(whole.m_header)
        converts &= sums | whole.has_child("p")
        kept = np.ones(whole.n_points, dtype=np.bool_)
        if whole.p_flags.any():
            kept = ~(points & ((whole.p_flags & _NO_VALUE) != 0))
        rows = np.flatnonzero(points & kept & ~np.isnan(whole.p_double))
        if len(whole.side) and (whole.p_kind.take(rows) >= PointKind.HISTOGRAM).any():
            changed = self._with_histograms(whole, rows, kept)
        else:
            changed = self._numbers(whole, rows, kept)
        header = np.where(converts, self._headers(whole.m_header), whole.m_header)
        made = whole.replace(m_header=header, **changed)
        return made.where(kept, whole.has_child("p", kept) | ~converts, keep_empty=True).where()

    def _numbers(self, whole: Frames, rows: Array, kept: Mask) -> dict[str, Array]:
        """Numbers without any histogram: all payloads at once, stream by stream."""
        streams = self._numbered(whole, rows, whole.p_kind.take(rows))
        names = ("p_start", "p_int", "p_double")
        made: dict[str, Array] = {name: whole.column(name).copy() for name in names}
        if len(rows):
            found = self._last.follow(whole, rows, streams)
            fresh, at = found.fresh, found.at
            if len(fresh):
                first = at.take(fresh)
                time, start = whole.p_time.take(first), whole.p_start.take(first)
                found.valid[fresh], found.before[fresh] = self._first(time, start)
            kept[at] = found.valid
            made["p_start"][at] = found.before
            made["p_int"][at], made["p_double"][at] = found.ints, found.doubles
        without = whole.p_kind.take(rows) == PointKind.NONE
        if without.any():
            made["p_kind"] = whole.p_kind.copy()
            made["p_kind"][rows[without]] = PointKind.INT
        return made

    def _with_histograms(self, whole: Frames, rows: Array, kept: Mask) -> dict[str, Any]:
        """Histograms among the points: payload by payload."""
        edit = _Edit(whole, rows)
        streams = self._numbered(whole, rows, edit.stream_kind)
        for part in rounds(streams, whole.p_payload.take(rows), whole.n_payloads, len(self._streams)):
            self._round(edit, part, streams[part])
        kept[rows] = edit.valid
        return {"side": edit.table, **edit.columns()}

    def _numbered(self, whole: Frames, rows: Array, kind: Array) -> Array:
        streams = self._streams.numbers(whole.p_series.take(rows), kind, whole.p_start.take(rows))
        self._last.grow(len(self._streams))
        return streams

    def _first(self, time: Array, start: Array) -> tuple[Array, Array]:
        """Which first points of streams are kept, and the start times that they get."""
        if self._initial == "keep":
            return np.ones(len(time), dtype=np.bool_), np.zeros(len(time), dtype=np.uint64)
        if self._initial == "auto":
            return (start >= self._ticker.started) & (time != start), start
        return np.zeros(len(time), dtype=np.bool_), start

    def _round(self, edit: _Edit, part: Any, streams: Array) -> None:
        """Points of which no two continue the same stream."""
        time, start = edit.time[part], edit.start[part]
        ints, doubles = edit.ints[part], edit.doubles[part]
        last = self._last
        seen = last.seen[streams]
        before_int, before_double = last.ints[streams], last.doubles[streams]
        with np.errstate(over="ignore", invalid="ignore"):
            delta_int, delta_double = ints - before_int, doubles - before_double
        valid = seen & (ints >= before_int) & ~(doubles < before_double)
        new_start = last.time[streams]
        fresh = ~seen
        if fresh.any():
            delta_int[fresh], delta_double[fresh] = ints[fresh], doubles[fresh]
            valid[fresh], new_start[fresh] = self._first(time[fresh], start[fresh])
        edit.valid[part] = valid
        edit.new_start[part], edit.new_int[part], edit.new_double[part] = new_start, delta_int, delta_double
        side = edit.histograms[part]
        keeps = None
        if side.any():
            keeps = self._histograms(edit, part, streams, seen, np.flatnonzero(side))
        if keeps is not None and not keeps.all():
            streams, time, ints, doubles = streams[keeps], time[keeps], ints[keeps], doubles[keeps]
        last.seen[streams] = True
        last.time[streams], last.ints[streams], last.doubles[streams] = time, ints, doubles

    def _histograms(self, edit: _Edit, part: Any, streams: Array, seen: Mask, places: Array) -> Mask:
        """Histograms one by one; gives which points become the new state."""
        rows = np.arange(len(edit.valid))[part]
        keeps = np.ones(len(streams), dtype=np.bool_)
        for at in places.tolist():
            row, stream = int(rows[at]), int(streams[at])
            point = edit.side_point(row)
            if not seen[at]:
                if edit.valid[row]:
                    edit.set_side(row, without_extremes(point))
                self._values[stream] = point
                continue
            made, state = subtract(point, self._values[stream])
            edit.valid[row] = made is not None
            if made is not None:
                edit.set_side(row, made)
            if state is None:
                keeps[at] = False
            else:
                self._values[stream] = state
        return keeps

    # -- state -----------------------------------------------------------------------------------------------

    def flush(self) -> Frames | None:
        """Nothing is held."""
        return None

    def snapshot(self) -> StageState:
        """The last point of every stream; its start tells streams apart."""
        last = self._last
        streams = np.flatnonzero(last.seen)
        start, kind = self._streams.keys(streams)
        side = [self._values[number] for number in streams.tolist() if number in self._values]
        held = np.array([number in self._values for number in streams.tolist()], dtype=np.bool_)
        place = np.full(len(streams), -1, dtype=np.int32)
        place[held] = np.arange(len(side), dtype=np.int32)
        kinds = np.where(held & (kind == PointKind.INT), PointKind.HISTOGRAM, kind)
        frames = self._streams.frames(
            streams,
            {
                "p_start": start,
                "p_time": last.time[streams],
                "p_kind": np.where(held, _side_kinds(side, held), kinds),
                "p_int": last.ints[streams],
                "p_double": last.doubles[streams],
                "p_side": place,
            },
            side,
        )
        return {"ticker": self._ticker.snapshot(), "points": save_points(frames)}

    def restore(self, state: StageState) -> None:
        """Take over the last points."""
        last = self._last
        last.seen[:] = False
        self._values.clear()
        if not state:
            return
        self._ticker.restore(state["ticker"])
        frames = load_points(state["points"], self._dictionaries)
        rows = np.arange(frames.n_points)
        edit = _Edit(frames, rows)
        streams = self._streams.numbers(frames.p_series, edit.stream_kind, frames.p_start)
        last.grow(len(self._streams))
        last.seen[streams] = True
        last.time[streams] = frames.p_time
        last.ints[streams], last.doubles[streams] = frames.p_int, frames.p_double
        for row in np.flatnonzero(frames.p_side >= 0).tolist():
            self._values[int(streams[row])] = frames.side[int(frames.p_side[row])]


def _side_kinds(side: Sequence[SidePoint], held: Mask) -> Array:
    from phoenix_nb.otlp import ExponentialHistogramValue

    made = np.zeros(len(held), dtype=np.uint8)
    made[held] = [
        PointKind.EXPONENTIAL_HISTOGRAM
        if isinstance(one.value, ExponentialHistogramValue)
        else PointKind.HISTOGRAM
        for one in side
    ]
    return made


class _Edit:
    """The points of one run that are converted, and what they become."""

    def __init__(self, frames: Frames, rows: Array) -> None:
        self._frames, self._rows = frames, rows
        self.kind = frames.p_kind[rows]
        self.time, self.start = frames.p_time[rows], frames.p_start[rows]
        self.ints, self.doubles = frames.p_int[rows], frames.p_double[rows]
        self.histograms: Mask = self.kind >= PointKind.HISTOGRAM
        self.stream_kind = np.where(self.kind == PointKind.HISTOGRAM, PointKind.INT, self.kind)
        """The kind that tells streams apart: a histogram counts as whole numbers."""
        self.valid: Mask = np.zeros(len(rows), dtype=np.bool_)
        self.new_start = np.zeros(len(rows), dtype=np.uint64)
        self.new_int = np.zeros(len(rows), dtype=np.int64)
        self.new_double = np.zeros(len(rows))
        self.table: list[SidePoint] = list(frames.side)
        self._side = frames.p_side[rows]

    def side_point(self, row: int) -> SidePoint:
        """The histogram of a point."""
        return self._frames.side[int(self._side[row])]

    def set_side(self, row: int, point: SidePoint) -> None:
        """Give a point another histogram."""
        self._side[row] = len(self.table)
        self.table.append(point)

    def columns(self) -> dict[str, Array]:
        """The point columns of the whole run with the changes."""
        frames, rows = self._frames, self._rows
        made = {
            name: frames.column(name).copy() for name in ("p_start", "p_int", "p_double", "p_side", "p_kind")
        }
        made["p_start"][rows] = self.new_start
        made["p_int"][rows] = np.where(self.histograms, 0, self.new_int)
        made["p_double"][rows] = np.where(self.kind == PointKind.DOUBLE, self.new_double, 0.0)
        made["p_side"][rows] = self._side
        # A point without a value comes out as the whole number 0.
        made["p_kind"][rows] = np.where(self.kind == PointKind.NONE, PointKind.INT, self.kind)
        return made


def _build(settings: CumulativeToDeltaSettings, setup: Setup) -> Stage:
    for block in (settings.include, settings.exclude):
        if block.metrics and block.match_type not in {"strict", "regexp"}:
            # The collector ignores the error and then stops with a nil filter at the first metric.
            raise BuildError(
                f"unrecognized match_type: '{block.match_type}', valid types are: [regexp strict]"
            )
    return _CumulativeToDelta(settings, setup)


CUMULATIVE_TO_DELTA: Final = ComponentType(
    ComponentKind.PROCESSOR,
    "cumulativetodelta",
    CumulativeToDeltaSettings,
    ("cumulative_to_delta",),
    build=_build,
)
"""The cumulativetodelta processor."""
