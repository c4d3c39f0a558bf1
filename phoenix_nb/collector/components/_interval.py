"""interval: holds the newest point of every stream back until the next tick."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector.components._aggregate import POINT_COLUMNS
from phoenix_nb.collector.components._arrange import arrange
from phoenix_nb.collector.components._base import (
    ComponentKind,
    ComponentType,
    Flow,
    Setup,
    Stage,
    StageState,
)
from phoenix_nb.collector.components._clock import Ticker
from phoenix_nb.collector.components._grouping import combine, dense
from phoenix_nb.collector.components._metrics_transform_operations import plain_header
from phoenix_nb.collector.components._rewrite import IdMap
from phoenix_nb.collector.components._streams import load_points, save_points
from phoenix_nb.collector.config import BOOL, DURATION, Settings, Struct, setting
from phoenix_nb.otlp import Frames, MetricHeader, MetricType, Scope, Temporality

__all__ = ["INTERVAL", "IntervalSettings"]

Array = npt.NDArray[Any]
_MINUTE: Final = 60_000_000_000


@dataclass(frozen=True)
class PassThroughSettings(Settings):
    """What is never held."""

    go_type: ClassVar[str] = "intervalprocessor.PassThrough"
    gauge: bool = setting(False, BOOL)
    """Whether gauges pass at once."""
    summary: bool = setting(False, BOOL)
    """Whether summaries pass at once."""


@dataclass(frozen=True)
class IntervalSettings(Settings):
    """Settings of the interval processor."""

    go_type: ClassVar[str] = "intervalprocessor.Config"
    interval: int = setting(_MINUTE, DURATION)
    """Nanoseconds between ticks."""
    pass_through: PassThroughSettings = setting(PassThroughSettings(), Struct(PassThroughSettings))
    """What is never held."""

    def problems(self) -> Iterator[str]:
        """As the collector's ``Validate``."""
        if self.interval <= 0:
            yield "invalid interval value"


class _Interval:
    def __init__(self, settings: IntervalSettings, setup: Setup) -> None:
        dictionaries = self._dictionaries = setup.dictionaries
        self._pass = settings.pass_through
        self._ticker = Ticker(settings.interval, setup.clock)
        self._plain = IdMap(dictionaries.headers, plain_header)
        self._scopes: dict[object, int] = {}
        self._headers: dict[object, int] = {}
        self._held = self._nothing(0)

    def _nothing(self, arrival: int) -> Frames:
        return Frames(self._dictionaries, [arrival])

    def _holds(self, header: MetricHeader) -> bool:
        match header.type:
            case MetricType.SUMMARY:
                return not self._pass.summary
            case MetricType.GAUGE:
                return not self._pass.gauge
            case MetricType.SUM:
                return header.monotonic and header.temporality == Temporality.CUMULATIVE
            case MetricType.NONE:
                return False
            case _:
                return header.temporality == Temporality.CUMULATIVE

    def process(self, flow: Flow) -> Flow:
        parts: list[Frames] = []
        origin: list[Array] = []
        at = 0
        for tick, frames in self._ticker.runs(flow.frames):
            numbers = flow.origin[at : at + frames.n_payloads]
            at += frames.n_payloads
            if tick and self._held.n_metrics:
                parts.append(self.tick().replace(arrival=np.array([tick], dtype=np.uint64)))
                origin.append(numbers[:1])
            holds = self._dictionaries.headers.map(self._holds, np.bool_)[frames.m_header].astype(np.bool_)
            if holds.any():
                self._hold(frames.where(metrics=holds))
            parts.append(frames.where(metrics=~holds))
            origin.append(numbers)
        return replace(flow, frames=Frames.concat(parts), origin=np.concatenate(origin))

    def _hold(self, frames: Frames) -> None:
        together = Frames.concat([self._held, frames]) if self._held.n_metrics else frames.compact()
        known = self._dictionaries
        resource = known.resources.canonical[np.maximum(together.m_resource, 0)]
        blocks = dense(resource)
        libraries = np.append(known.scopes.map(self._scope, np.int32), self._scope(Scope()))
        scopes = dense(combine(blocks.of, libraries[together.m_scope]))
        headers = known.headers.map(self._header, np.int32)[together.m_header]
        metrics = dense(combine(scopes.of, headers))
        owner = metrics.of[together.p_metric]
        attributes = known.attribute_sets.canonical[together.p_attributes]
        streams = dense(combine(owner, attributes))
        newest = _newest(together.p_time, streams.of, len(streams))
        m_scope, m_block = together.m_sm, together.sm_rm[together.m_sm]
        self._held = (
            arrange(
                known,
                together.arrival[-1:],
                {
                    "rm_payload": np.zeros(len(blocks), dtype=np.int32),
                    "rm_resource": np.maximum(together.m_resource[blocks.first], 0),
                    "rm_schema": together.rm_schema[m_block[blocks.first]],
                    "sm_rm": blocks.of[scopes.first],
                    "sm_scope": together.m_scope[scopes.first],
                    "sm_schema": together.sm_schema[m_scope[scopes.first]],
                    "m_sm": scopes.of[metrics.first],
                    "m_header": self._plain(together.m_header[metrics.first]),
                    "p_metric": owner[streams.first],
                    **{name: together.column(name)[newest] for name in POINT_COLUMNS},
                },
                together.side,
            )
            .where(keep_empty=True)
            .compact()
        )

    def _scope(self, scope: Scope) -> int:
        key = (scope.name, scope.version, scope.attributes.digest)
        return self._scopes.setdefault(key, len(self._scopes))

    def _header(self, header: MetricHeader) -> int:
        key = (header.name, header.unit, header.type, header.monotonic, header.temporality)
        return self._headers.setdefault(key, len(self._headers))

    # -- ticks and state -------------------------------------------------------------------------------------

    def tick(self) -> Frames:
        """What is held, as one payload; nothing is held afterwards."""
        held = self._held
        self._held = self._nothing(0)
        return held

    def pass_time(self, nanoseconds: int) -> Frames | None:
        """What is held, if a tick came."""
        return self.tick() if self._ticker.pass_time(nanoseconds) else None

    def flush(self) -> Frames | None:
        """What is held, as at a shutdown: an empty payload when that is nothing."""
        return self.tick()

    def snapshot(self) -> StageState:
        """What is held."""
        held = save_points(self._held) if self._held.n_metrics else ""
        return {"ticker": self._ticker.snapshot(), "arrival": int(self._held.arrival[0]), "held": held}

    def restore(self, state: StageState) -> None:
        """Take over what was held."""
        self._held = self._nothing(0)
        if not state:
            return
        self._ticker.restore(state["ticker"])
        if state["held"]:
            held = load_points(state["held"], self._dictionaries)
            self._held = held.replace(arrival=np.array([state["arrival"]], dtype=np.uint64))


def _newest(time: Array, of: Array, count: int) -> Array:
    """Per stream the first of its points with the latest time."""
    latest = np.zeros(count, dtype=np.uint64)
    np.maximum.at(latest, of, time)
    rows = np.flatnonzero(time == latest[of])
    made = np.zeros(count, dtype=np.int64)
    # Written backwards, so that the first one stays.
    made[of[rows[::-1]]] = rows[::-1]
    return made


def _build(settings: IntervalSettings, setup: Setup) -> Stage:
    return _Interval(settings, setup)


INTERVAL: Final = ComponentType(ComponentKind.PROCESSOR, "interval", IntervalSettings, build=_build)
"""The interval processor."""
