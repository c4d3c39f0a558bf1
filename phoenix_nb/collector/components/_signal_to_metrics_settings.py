"""Settings of the signaltometrics connector."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from phoenix_nb.collector.components._counting_settings import compile_any_path
from phoenix_nb.collector.components._ottl_settings import ERROR_MODE
from phoenix_nb.collector.config import (
    ANY,
    BOOL,
    FLOAT,
    TEXT,
    Items,
    Number,
    Optional,
    Settings,
    Struct,
    setting,
)
from phoenix_nb.collector.ottl import CONTEXTS, LATEST, OttlError, ValueExpression, compile_value

__all__ = [
    "AttributeSettings",
    "ExponentialSettings",
    "HistogramSettings",
    "MetricSettings",
    "SignalToMetricsSettings",
    "compile_expression",
]

_INT32: Final = Number("int32", -(1 << 31), (1 << 31) - 1)
_BUCKETS: Final = (
    2.0,
    4.0,
    6.0,
    8.0,
    10.0,
    50.0,
    100.0,
    200.0,
    400.0,
    800.0,
    1000.0,
    1400.0,
    2000.0,
    5000.0,
    10000.0,
    15000.0,
)


def compile_expression(text: str, version: tuple[int, int, int] = LATEST) -> ValueExpression:
    """A value expression over points whose paths may name their context or not.

    Raises:
        OttlError: the text is not an expression.
    """
    return compile_value(text, CONTEXTS["datapoint"], version=version)


@dataclass(frozen=True)
class AttributeSettings(Settings):
    """An attribute that series or resources get."""

    go_type: ClassVar[str] = "config.Attribute"
    key: str = setting("", TEXT)
    """Its key."""
    keys_expression: str = setting("", TEXT)
    """An expression that gives several keys."""
    optional: bool = setting(False, BOOL)
    """Whether points without it count."""
    default_value: object = setting(None, ANY)
    """Its value where there is none."""


@dataclass(frozen=True)
class HistogramSettings(Settings):
    """A histogram to make."""

    go_type: ClassVar[str] = "config.Histogram"
    buckets: tuple[float, ...] = setting((), Items(FLOAT))
    """Upper bounds; none = those of the collector."""
    count: str = setting("", TEXT)
    """How often a value counts; empty = once."""
    value: str = setting("", TEXT)
    """The value."""

    @property
    def bounds(self) -> tuple[float, ...]:
        """The bounds that apply."""
        return self.buckets or _BUCKETS


@dataclass(frozen=True)
class ExponentialSettings(Settings):
    """An exponential histogram to make."""

    go_type: ClassVar[str] = "config.ExponentialHistogram"
    max_size: int = setting(0, _INT32)
    """Most buckets; 0 = 160."""
    count: str = setting("", TEXT)
    """How often a value counts; empty = once."""
    value: str = setting("", TEXT)
    """The value."""


@dataclass(frozen=True)
class SumSettings(Settings):
    """A sum to make."""

    go_type: ClassVar[str] = "config.Sum"
    value: str = setting("", TEXT)
    """What is added."""
    monotonic: bool = setting(False, BOOL)
    """Whether the sum only grows."""


@dataclass(frozen=True)
class GaugeSettings(Settings):
    """A gauge to make."""

    go_type: ClassVar[str] = "config.Gauge"
    value: str = setting("", TEXT)
    """The value; the last one stays."""


_ATTRIBUTES: Final = Items(Struct(AttributeSettings))


@dataclass(frozen=True)
class MetricSettings(Settings):
    """One metric to make."""

    go_type: ClassVar[str] = "config.MetricInfo"
    name: str = setting("", TEXT)
    """Its name."""
    description: str = setting("", TEXT)
    """Its description."""
    unit: str = setting("", TEXT)
    """Its unit."""
    include_resource_attributes: tuple[AttributeSettings, ...] = setting((), _ATTRIBUTES)
    """Resource attributes that stay; none = all."""
    attributes: tuple[AttributeSettings, ...] = setting((), _ATTRIBUTES)
    """Point attributes that stay."""
    conditions: tuple[str, ...] = setting((), Items(TEXT))
    """Conditions of which one must hold."""
    histogram: HistogramSettings | None = setting(None, Optional(Struct(HistogramSettings)))
    """A histogram of values."""
    exponential_histogram: ExponentialSettings | None = setting(None, Optional(Struct(ExponentialSettings)))
    """An exponential histogram of values."""
    sum: SumSettings | None = setting(None, Optional(Struct(SumSettings)))
    """A sum of values."""
    gauge: GaugeSettings | None = setting(None, Optional(Struct(GaugeSettings)))
    """The last value."""

    def wrong(self) -> str | None:
        """The first thing that is wrong with it, in the collector's words."""
        if not self.name:
            return "missing required metric name configuration"
        for label in ("include_resource_attributes", "attributes"):
            text = next(_attribute_problems(getattr(self, label), label), None)
            if text is not None:
                return f"{label} validation failed: {text}"
        return next(self._kinds(), None) or next(self._expressions(), None)

    def _kinds(self) -> Iterator[str]:
        if self.histogram is not None and not self.histogram.value:
            yield "histogram validation failed: value OTTL statement is required"
        if self.exponential_histogram is not None and not self.exponential_histogram.value:
            yield "histogram validation failed: value OTTL statement is required"
        if self.sum is not None and not self.sum.value:
            yield "sum validation failed: value must be defined for sum metrics"
        if self.gauge is not None and not self.gauge.value:
            yield "gauge validation failed: value must be defined for gauge metrics"

    def _expressions(self) -> Iterator[str]:
        found = 0
        for made, kind in (
            (self.histogram, "explicit histogram"),
            (self.exponential_histogram, "exponential histogram"),
            (self.sum, "summary"),
            (self.gauge, "gauge"),
        ):
            if made is None:
                continue
            found += 1
            for what in ("count", "value"):
                text: str = getattr(made, what, "")
                try:
                    if text:
                        compile_expression(text)
                except OttlError as exc:
                    yield f"failed to parse {what} OTTL expression for {kind}: {exc}"
        if found != 1:
            yield f"exactly one of the metrics must be defined, {found} found"


def _attribute_problems(attributes: tuple[AttributeSettings, ...], label: str) -> Iterator[str]:
    seen: set[str] = set()
    for attribute in attributes:
        if bool(attribute.key) is bool(attribute.keys_expression):
            yield f"exactly one of key or keys_expression must be set for {label}"
        if attribute.keys_expression:
            try:
                compile_expression(attribute.keys_expression)
            except OttlError as exc:
                yield f"failed to parse keys_expression for {label}: {exc}"
        if attribute.key and attribute.key in seen:
            yield f"duplicate key found in {label} config: {attribute.key}"
        seen.add(attribute.key)
        if attribute.default_value is not None and attribute.optional:
            yield f"only one of default_value or optional should be set for {label}"


_METRICS: Final = Items(Struct(MetricSettings))


@dataclass(frozen=True)
class SignalToMetricsSettings(Settings):
    """Settings of the signaltometrics connector."""

    go_type: ClassVar[str] = "config.Config"
    spans: tuple[MetricSettings, ...] = setting((), _METRICS)
    """Metrics from spans."""
    datapoints: tuple[MetricSettings, ...] = setting((), _METRICS)
    """Metrics from points."""
    logs: tuple[MetricSettings, ...] = setting((), _METRICS)
    """Metrics from log records."""
    profiles: tuple[MetricSettings, ...] = setting((), _METRICS)
    """Metrics from profiles."""
    error_mode: str | None = setting(None, ERROR_MODE)
    """What a failure does; ``None`` = ``propagate``."""

    def problems(self) -> Iterator[str]:
        """As the collector's ``Validate``: one text with a line for each metric that is wrong."""
        if not (self.spans or self.datapoints or self.logs or self.profiles):
            yield "no configuration provided, at least one should be specified"
            return
        lines = []
        for metric in self.datapoints:
            text = metric.wrong()
            if text is None:
                text = _condition_problem(metric)
            if text is not None:
                lines.append(f"failed to validate datapoints configuration: {text}")
        if lines:
            yield "\n".join(lines)


def _condition_problem(metric: MetricSettings) -> str | None:
    try:
        for text in metric.conditions:
            compile_any_path(text, "datapoint")
    except OttlError as exc:
        return f"failed to parse OTTL conditions: {exc}"
    return None
