"""count: counts metrics and points by resource and by attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector.components._base import (
    ComponentKind,
    ComponentType,
    Flow,
    Setup,
    Stage,
    Stateless,
)
from phoenix_nb.collector.components._counting import (
    Conditions,
    Picker,
    Series,
    delta_header,
    series_frames,
)
from phoenix_nb.collector.components._counting_settings import (
    SectionSettings,
    SeriesSettings,
    compile_any_path,
)
from phoenix_nb.collector.components._grouping import combine, dense
from phoenix_nb.collector.config import (
    Entries,
    Node,
    Optional,
    Settings,
    Struct,
    quote,
    setting,
)
from phoenix_nb.collector.ottl import Rows
from phoenix_nb.otlp import Frames, MetricType, Scope

__all__ = ["COUNT", "CountSettings"]

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
_SCOPE: Final = Scope("github.com/open-telemetry/opentelemetry-collector-contrib/connector/countconnector")
_OLD: Final = (0, 124, 1)
"""The newest release known to take an empty section as counting nothing, and to give all counts the present time."""
_SECTIONS: Final = ("spans", "spanevents", "metrics", "datapoints", "logs", "profiles")


@dataclass(frozen=True)
class CounterSettings(SeriesSettings):
    """One counter."""

    go_type: ClassVar[str] = "countconnector.MetricInfo"


_COUNTERS: Final = Optional(Entries(Struct(CounterSettings)))
_DEFAULTS: Final = {
    "metrics": ("metric.count", "The number of metrics observed."),
    "datapoints": ("metric.datapoint.count", "The number of data points observed."),
}


@dataclass(frozen=True)
class CountSettings(SectionSettings):
    """Settings of the count connector."""

    go_type: ClassVar[str] = "countconnector.Config"
    sections: ClassVar[tuple[str, ...]] = _SECTIONS
    # The collector names the section of points after spans here.
    shown: ClassVar[Mapping[str, str]] = {"datapoints": "spans"}
    spans: Mapping[str, CounterSettings] | None = setting(None, _COUNTERS)
    """Counters of spans."""
    spanevents: Mapping[str, CounterSettings] | None = setting(None, _COUNTERS)
    """Counters of span events."""
    metrics: Mapping[str, CounterSettings] | None = setting(None, _COUNTERS)
    """Counters of metrics."""
    datapoints: Mapping[str, CounterSettings] | None = setting(None, _COUNTERS)
    """Counters of points."""
    logs: Mapping[str, CounterSettings] | None = setting(None, _COUNTERS)
    """Counters of log records."""
    profiles: Mapping[str, CounterSettings] | None = setting(None, _COUNTERS)
    """Counters of profiles."""

    def unmarshal(self, path: tuple[str, ...], name: str, node: dict[str, Node]) -> Settings:
        """The settings; keys of the outermost level that do not exist are passed over, as in the collector."""
        return super().unmarshal(path, name, {key: node[key] for key in _SECTIONS if key in node})

    def counters(self, section: str, version: tuple[int, int, int]) -> Mapping[str, CounterSettings]:
        """The counters of a section, its default one included."""
        given: Mapping[str, CounterSettings] | None = getattr(self, section)
        if given or (given is not None and version <= _OLD):
            return given
        name, description = _DEFAULTS[section]
        return {name: CounterSettings(description=description)}


class _Counter:
    """Counts the rows of one level."""

    def __init__(self, name: str, settings: CounterSettings, context: str, setup: Setup) -> None:
        self._level = "m" if context == "metric" else "p"
        self._header = delta_header(name, settings.description)
        self._conditions = Conditions(
            [compile_any_path(text, context, setup.version) for text in settings.conditions]
        )
        self._picker = Picker(settings.attributes, setup.dictionaries)

    def count(self, frames: Frames, span: tuple[Array, Array]) -> tuple[Series, dict[int, str]]:
        """The points of this counter, and why it fails for some payloads.

        Args:
            frames: the payloads.
            span: per resource block the start and the time of its points.
        """
        rows = Rows(frames, self._level)
        block = frames.sm_rm[frames.m_sm]
        scope, resource = frames.m_scope, frames.m_resource
        attributes = np.zeros(len(block), dtype=np.int32)
        if self._level == "p":
            metric = frames.p_metric
            block, scope, resource = block[metric], scope[metric], resource[metric]
            attributes = frames.p_attributes
        picked = self._picker(attributes, scope, resource)
        true, failed = self._conditions.over(rows, picked >= 0)
        errors: dict[int, str] = {}
        for row, text in failed.items():
            errors.setdefault(int(frames.rm_payload[block[row]]), text)
        counted = np.flatnonzero(true)
        # Blocks stand together, and in each the sets in order of appearance.
        groups = dense(combine(block[counted], picked[counted]))
        first = counted[groups.first]
        values = np.bincount(groups.of, minlength=len(groups)).astype(np.int64)
        start, time = span
        at = block[first]
        return Series(self._header, at, picked[first], values, start[at], time[at]), errors


class _Count(Stateless):
    def __init__(self, counters: Sequence[tuple[str, _Counter]], *, only_now: bool) -> None:
        self._counters = counters
        self._only_now = only_now

    def process(self, flow: Flow) -> Flow:
        frames = flow.frames
        now = frames.arrival[frames.rm_payload]
        spans = {"metrics": (now, now), "datapoints": _span_of_points(frames, now)}
        if self._only_now:
            spans = dict.fromkeys(spans, (np.zeros_like(now), now))
        errors = _typeless(frames)
        series = []
        for section, counter in self._counters:
            made, failed = counter.count(frames, spans[section])
            series.append(made)
            for payload, text in failed.items():
                errors.setdefault(payload, text)
        return replace(flow, frames=series_frames(frames, series, _SCOPE)).refuse(errors)


def _typeless(frames: Frames) -> dict[int, str]:
    """Payloads with a metric without data, which the connector refuses."""
    types = frames.dictionaries.header_types()[frames.m_header]
    errors: dict[int, str] = {}
    for row in np.flatnonzero(types == MetricType.NONE).tolist():
        name = frames.dictionaries.headers[int(frames.m_header[row])].name
        errors.setdefault(int(frames.m_payload[row]), f"metric {quote(name)}: invalid metric type: Empty")
    return errors


def _span_of_points(frames: Frames, now: Array) -> tuple[Array, Array]:
    """Per resource block the first and the last time of its points; now where no point has a time."""
    block = frames.sm_rm[frames.m_sm][frames.p_metric]
    time = frames.p_time
    known = time > 0
    first = np.full(frames.n_resources, np.iinfo(np.uint64).max, dtype=np.uint64)
    last = np.zeros(frames.n_resources, dtype=np.uint64)
    np.minimum.at(first, block[known], time[known])
    np.maximum.at(last, block[known], time[known])
    return np.where(last > 0, first, now), np.where(last > 0, last, now)


def _build(settings: CountSettings, setup: Setup) -> Stage:
    return _Count(
        [
            (section, _Counter(name, counter, context, setup))
            for section, context in (("metrics", "metric"), ("datapoints", "datapoint"))
            for name, counter in settings.counters(section, setup.version).items()
        ],
        only_now=setup.version <= _OLD,
    )


COUNT: Final = ComponentType(
    ComponentKind.CONNECTOR, "count", CountSettings, build=_build, makes_metrics=True
)
"""The count connector."""
