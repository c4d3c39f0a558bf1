"""sum: adds up numbers that points carry as an attribute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np

from phoenix_nb.collector._values import parse_float, text_of
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
from phoenix_nb.collector.config import TEXT, Entries, Optional, Struct, setting
from phoenix_nb.collector.ottl import Rows
from phoenix_nb.otlp import Attributes, AttributeValue, Frames

__all__ = ["SUM", "SumSettings"]

_SECTIONS: Final = ("spans", "spanevents", "metrics", "datapoints", "logs")


@dataclass(frozen=True)
class AdderSettings(SeriesSettings):
    """One sum."""

    go_type: ClassVar[str] = "sumconnector.MetricInfo"
    source_attribute: str = setting("", TEXT)
    """The attribute that holds the number."""

    def own_problems(self, section: str) -> Iterator[str]:
        """A sum needs a number."""
        if not self.source_attribute:
            yield f"{section}: metric source_attribute missing"


_ADDERS: Final = Optional(Entries(Struct(AdderSettings)))


@dataclass(frozen=True)
class SumSettings(SectionSettings):
    """Settings of the sum connector."""

    go_type: ClassVar[str] = "sumconnector.Config"
    sections: ClassVar[tuple[str, ...]] = _SECTIONS
    spans: Mapping[str, AdderSettings] | None = setting(None, _ADDERS)
    """Sums over spans."""
    spanevents: Mapping[str, AdderSettings] | None = setting(None, _ADDERS)
    """Sums over span events."""
    metrics: Mapping[str, AdderSettings] | None = setting(None, _ADDERS)
    """Sums over metrics, which have no attributes of their own."""
    datapoints: Mapping[str, AdderSettings] | None = setting(None, _ADDERS)
    """Sums over points."""
    logs: Mapping[str, AdderSettings] | None = setting(None, _ADDERS)
    """Sums over log records."""


def _group_text(value: AttributeValue) -> str | None:
    """A value that splits a sum, as text; nothing and zero count as missing."""
    text = text_of(value)
    return None if text in {"", "0"} else text


def _number(attributes: Attributes, key: str) -> float:
    """The number of an attribute; 0 when it is none."""
    value = attributes.get(key)
    if isinstance(value, bool):
        return 0.0
    if isinstance(value, (int, float)):
        return float(value)
    parsed = parse_float(value) if isinstance(value, str) else None
    return 0.0 if parsed is None else parsed


class _Adder:
    """Adds the numbers of points."""

    def __init__(self, name: str, settings: AdderSettings, setup: Setup) -> None:
        self._header = delta_header(name, settings.description)
        self._key = settings.source_attribute
        self._conditions = Conditions(
            [compile_any_path(text, "datapoint", setup.version) for text in settings.conditions]
        )
        self._picker = Picker(settings.attributes, setup.dictionaries, _group_text)
        # The collector adds a value once for each attribute that the sum is split by.
        self._times = max(1, len(settings.attributes))

    def add(self, frames: Frames) -> tuple[Series, dict[int, str]]:
        """The points of this sum, and why it fails for some payloads."""
        metric = frames.p_metric
        block = frames.sm_rm[frames.m_sm][metric]
        sets = frames.dictionaries.attribute_sets
        picked = self._picker(frames.p_attributes, frames.m_scope[metric], frames.m_resource[metric])
        true, failed = self._conditions.over(Rows(frames, "p"), picked >= 0)
        errors: dict[int, str] = {}
        for row, text in failed.items():
            errors.setdefault(int(frames.rm_payload[block[row]]), text)
        numbers = sets.map(lambda one: _number(one, self._key), np.float64)[frames.p_attributes]
        counted = np.repeat(np.flatnonzero(true), self._times)
        groups = dense(combine(block[counted], picked[counted]))
        first = counted[groups.first]
        values = np.bincount(groups.of, weights=numbers[counted].astype(np.float64), minlength=len(groups))
        now = frames.arrival[frames.rm_payload[block[first]]]
        start = np.zeros(len(first), dtype=np.uint64)
        return Series(self._header, block[first], picked[first], values, start, now), errors


class _Sum(Stateless):
    def __init__(self, adders: Sequence[_Adder], *, doubled: bool) -> None:
        self._adders = adders
        self._doubled = doubled

    def process(self, flow: Flow) -> Flow:
        frames = flow.frames
        errors: dict[int, str] = {}
        series = []
        for adder in self._adders:
            made, failed = adder.add(frames)
            series.append(made)
            errors.update({payload: text for payload, text in failed.items() if payload not in errors})
        result = replace(flow, frames=series_frames(frames, series, None))
        if self._doubled and any(len(one.block) for one in series):
            warning = "sum: with several attributes the collector adds every value once for each of them"
            result = replace(result, warnings=tuple(dict.fromkeys((*result.warnings, warning))))
        return result.refuse(errors)


def _build(settings: SumSettings, setup: Setup) -> Stage:
    adders = settings.datapoints or {}
    return _Sum(
        [_Adder(name, adder, setup) for name, adder in adders.items()],
        doubled=any(len(adder.attributes) > 1 for adder in adders.values()),
    )


SUM: Final = ComponentType(ComponentKind.CONNECTOR, "sum", SumSettings, build=_build, makes_metrics=True)
"""The sum connector."""
