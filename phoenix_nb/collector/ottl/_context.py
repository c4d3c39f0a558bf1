"""Contexts: which paths and enums there are, and what they give for an item."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from phoenix_nb.collector.config import quote
from phoenix_nb.collector.ottl._runtime import Counts, Floats, Part, Points, Time, Value
from phoenix_nb.otlp import (
    Attributes,
    ExponentialHistogramValue,
    HistogramValue,
    KeyValues,
    MetricHeader,
    MetricType,
    PointKind,
    Resource,
    Scope,
    SidePoint,
    SummaryValue,
)

__all__ = [
    "BUCKETS",
    "CONTEXTS",
    "ENUMS",
    "EXEMPLARS",
    "NUMBERS",
    "POINTS",
    "QUANTILES",
    "ROW_AXES",
    "Axis",
    "Context",
    "Item",
    "PathError",
    "PathRule",
    "Point",
    "find_path",
]

Axis = str
"""What a value depends on: ``resource``, ``resource_schema``, ``scope``, ``scope_schema``, ``header``, ``attributes``,
``cache``, ``point``, ``points`` (all points of the metric) or ``now``."""
ROW_AXES: Final[frozenset[Axis]] = frozenset({"point", "points", "now"})
"""What has no number by which a result could be found again."""

_DOC: Final = (
    "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/pkg/ottl/contexts/ottl{}"
)


class PathError(ValueError):
    """A path that a context does not have; the message is the collector's."""


@dataclass(slots=True)
class Point:
    """One point, by itself."""

    start: int = 0
    time: int = 0
    kind: int = PointKind.NONE
    as_int: int = 0
    as_double: float = 0.0
    flags: int = 0
    side: SidePoint | None = None


@dataclass(slots=True)
class Item:
    """What a condition or statement is evaluated for; parts above its level are shared, parts below are absent."""

    resource: Any = field(default_factory=Resource)
    scope: Any = field(default_factory=Scope)
    metric: Any = None
    attributes: Any = Attributes.EMPTY
    point: Any = None
    resource_schema: str = ""
    scope_schema: str = ""
    points: tuple[Attributes, ...] = ()
    """Attributes of every point of the metric."""
    cache: KeyValues = KeyValues.EMPTY
    """The scratch map of the item, empty at first."""
    now: int = 0
    """When the payload arrived, Unix nanoseconds."""
    host: Any = None
    """The metric with its points and its neighbours, for functions that change more than one value."""


Get = Callable[[Item], Value]


@dataclass(frozen=True, slots=True)
class PathRule:
    """How one path is read."""

    axes: frozenset[Axis]
    """What its value depends on."""
    get: Get
    """Its value."""
    indexable: bool = False
    """Whether keys may follow."""
    column: str = ""
    """The number column that holds it, where there is one."""


@dataclass(frozen=True, slots=True)
class Context:
    """One context."""

    name: str
    """As users write it."""
    priority: int
    """The highest one that a text names is inferred; smaller is higher."""
    lower: tuple[str, ...]
    """Contexts whose paths can be reached from here."""
    level: str
    """Rows that it visits: ``rm``, ``sm``, ``m`` or ``p``."""


CONTEXTS: Final[Mapping[str, Context]] = {
    context.name: context
    for context in (
        Context("datapoint", 0, ("resource", "instrumentation_scope", "scope", "metric"), "p"),
        Context("metric", 1, ("resource", "instrumentation_scope", "scope"), "m"),
        Context("scope", 2, ("resource",), "sm"),
        Context("instrumentation_scope", 3, ("resource",), "sm"),
        Context("resource", 4, (), "rm"),
    )
}
"""The contexts of metrics by name."""

_METRIC_ENUMS: Final = {
    "AGGREGATION_TEMPORALITY_UNSPECIFIED": 0,
    "AGGREGATION_TEMPORALITY_DELTA": 1,
    "AGGREGATION_TEMPORALITY_CUMULATIVE": 2,
    "METRIC_DATA_TYPE_NONE": 0,
    "METRIC_DATA_TYPE_GAUGE": 1,
    "METRIC_DATA_TYPE_SUM": 2,
    "METRIC_DATA_TYPE_HISTOGRAM": 3,
    "METRIC_DATA_TYPE_EXPONENTIAL_HISTOGRAM": 4,
    "METRIC_DATA_TYPE_SUMMARY": 5,
}
ENUMS: Final[Mapping[str, Mapping[str, int]]] = {
    "metric": _METRIC_ENUMS,
    "datapoint": {**_METRIC_ENUMS, "FLAG_NONE": 0, "FLAG_NO_RECORDED_VALUE": 1},
}
"""Enums by context; the others have none."""


def _rule(axis: Axis, get: Get, *, indexable: bool = False) -> PathRule:
    return PathRule(frozenset({axis}), get, indexable)


_RESOURCE: Final = {
    "attributes": _rule("resource", lambda item: item.resource.attributes, indexable=True),
    "dropped_attributes_count": _rule("resource", lambda item: item.resource.dropped_attributes_count),
    "schema_url": _rule("resource_schema", lambda item: item.resource_schema),
}
_SCOPE: Final = {
    "name": _rule("scope", lambda item: item.scope.name),
    "version": _rule("scope", lambda item: item.scope.version),
    "attributes": _rule("scope", lambda item: item.scope.attributes, indexable=True),
    "dropped_attributes_count": _rule("scope", lambda item: item.scope.dropped_attributes_count),
    "schema_url": _rule("scope_schema", lambda item: item.scope_schema),
}
_HAS_TEMPORALITY: Final = (MetricType.SUM, MetricType.HISTOGRAM, MetricType.EXPONENTIAL_HISTOGRAM)


def _temporality(item: Item) -> Value:
    metric: MetricHeader = item.metric
    return int(metric.temporality) if metric.type in _HAS_TEMPORALITY else None


def _monotonic(item: Item) -> Value:
    metric: MetricHeader = item.metric
    return bool(metric.monotonic) if metric.type == MetricType.SUM else None


NUMBERS: Final = "pmetric.NumberDataPointSlice"
"""What the points of a gauge or sum are called."""
POINTS: Final = {
    MetricType.HISTOGRAM: "pmetric.HistogramDataPointSlice",
    MetricType.EXPONENTIAL_HISTOGRAM: "pmetric.ExponentialHistogramDataPointSlice",
    MetricType.SUMMARY: "pmetric.SummaryDataPointSlice",
}
"""What the points of other metrics are called."""
_METRIC: Final = {
    "name": _rule("header", lambda item: item.metric.name),
    "description": _rule("header", lambda item: item.metric.description),
    "unit": _rule("header", lambda item: item.metric.unit),
    "type": _rule("header", lambda item: int(item.metric.type)),
    "aggregation_temporality": _rule("header", _temporality),
    "is_monotonic": _rule("header", _monotonic),
    "metadata": _rule("header", lambda item: item.metric.metadata, indexable=True),
    "data_points": PathRule(
        frozenset({"points", "header"}),
        lambda item: (
            None
            if item.metric.type == MetricType.NONE
            else Points(len(item.points), POINTS.get(item.metric.type, NUMBERS))
        ),
    ),
}


def _side(kind: type, read: Callable[[Any], Value]) -> PathRule:
    def get(item: Item) -> Value:
        side = item.point.side
        value = None if side is None else side.value
        return read(value) if isinstance(value, kind) else None

    return _rule("point", get)


def _number(read: Get) -> Get:
    return lambda item: read(item) if item.point.kind <= PointKind.DOUBLE else None


_ANY_SIDE: Final = (HistogramValue, ExponentialHistogramValue, SummaryValue)


def _signed(nanos: int) -> int:
    return nanos - (1 << 64) if nanos >> 63 else nanos


def _wide(read: Callable[[Any], Value]) -> PathRule:
    def get(item: Item) -> Value:
        side = item.point.side
        return read(side.value) if side is not None and isinstance(side.value, _ANY_SIDE) else None

    return _rule("point", get)


def _buckets(side: str, part: str) -> PathRule:
    def read(value: ExponentialHistogramValue) -> Value:
        found = getattr(value, side)
        if part == "offset":
            return 0 if found is None else int(found.offset)
        return Counts(() if found is None else map(_signed, found.bucket_counts))

    return _side(ExponentialHistogramValue, read)


BUCKETS: Final = "pmetric.ExponentialHistogramDataPointBuckets"
"""What one side of an exponential histogram is called in messages."""
EXEMPLARS: Final = "pmetric.ExemplarSlice"
"""What the exemplars of a point are called."""
QUANTILES: Final = "pmetric.SummaryDataPointValueAtQuantileSlice"
"""What the quantiles of a summary are called."""
_DATAPOINT: Final = {
    "attributes": _rule("attributes", lambda item: item.attributes, indexable=True),
    "start_time_unix_nano": PathRule(
        frozenset({"point"}), lambda item: _signed(item.point.start), column="start"
    ),
    "time_unix_nano": PathRule(frozenset({"point"}), lambda item: _signed(item.point.time), column="time"),
    "start_time": PathRule(
        frozenset({"point"}), lambda item: Time(_signed(item.point.start)), column="start_time"
    ),
    "time": PathRule(frozenset({"point"}), lambda item: Time(_signed(item.point.time)), column="time_time"),
    "value_double": PathRule(
        frozenset({"point"}), _number(lambda item: item.point.as_double), column="double"
    ),
    "value_int": PathRule(frozenset({"point"}), _number(lambda item: item.point.as_int), column="int"),
    "flags": PathRule(frozenset({"point"}), lambda item: item.point.flags, column="flags"),
    "exemplars": _rule(
        "point",
        lambda item: (
            None
            if item.point.kind == PointKind.SUMMARY
            else Points(0 if item.point.side is None else len(item.point.side.exemplars), EXEMPLARS)
        ),
    ),
    "count": _wide(lambda value: _signed(value.count)),
    "sum": _wide(lambda value: 0.0 if value.sum is None else value.sum),
    "bucket_counts": _side(HistogramValue, lambda value: Counts(map(_signed, value.bucket_counts))),
    "explicit_bounds": _side(HistogramValue, lambda value: Floats(value.explicit_bounds)),
    "scale": _side(ExponentialHistogramValue, lambda value: value.scale),
    "zero_count": _side(ExponentialHistogramValue, lambda value: _signed(value.zero_count)),
    "positive": _side(ExponentialHistogramValue, lambda value: Part(value.positive, BUCKETS)),
    "negative": _side(ExponentialHistogramValue, lambda value: Part(value.negative, BUCKETS)),
    "positive.offset": _buckets("positive", "offset"),
    "positive.bucket_counts": _buckets("positive", "bucket_counts"),
    "negative.offset": _buckets("negative", "offset"),
    "negative.bucket_counts": _buckets("negative", "bucket_counts"),
    "quantile_values": _side(SummaryValue, lambda value: Points(len(value.quantiles), QUANTILES)),
}
_PATHS: Final[Mapping[str, Mapping[str, PathRule]]] = {
    "resource": _RESOURCE,
    "scope": _SCOPE,
    "instrumentation_scope": _SCOPE,
    "metric": _METRIC,
    "datapoint": _DATAPOINT,
}
_DOC_NAMES: Final = {"instrumentation_scope": "scope"}
CACHE: Final = PathRule(frozenset({"cache"}), lambda item: item.cache, indexable=True)
"""The scratch map of an item, empty at first."""


def find_path(context: Context, owner: str, names: tuple[str, ...], shown: str) -> tuple[PathRule, int]:
    """The rule of a path, and how many of its parts it uses.

    Args:
        context: where the path is used.
        owner: the context that the path belongs to.
        names: its parts after the owner.
        shown: the whole path for messages.

    Raises:
        PathError: there is no such path.
    """
    if names[0] == "cache" and owner == context.name:
        return CACHE, 1
    if names[0] == "cache":
        replacement = shown.replace(f"{owner}.", f"{context.name}.", 1)
        raise PathError(
            f"access to cache must be performed using the same context, please replace {quote(shown)} with "
            f"{quote(replacement)}"
        )
    rules = _PATHS[owner]
    if len(names) > 1 and f"{names[0]}.{names[1]}" in rules:
        return rules[f"{names[0]}.{names[1]}"], 2
    if names[0] in {"positive", "negative"} and len(names) > 1 and owner == "datapoint":
        raise _unknown(names[1], shown, owner)
    if names[0] not in rules:
        raise _unknown(names[0], shown, owner)
    return rules[names[0]], 1


def _unknown(segment: str, shown: str, owner: str) -> PathError:
    doc = _DOC_NAMES.get(owner, owner)
    return PathError(
        f'segment "{segment}" from path "{shown}" is not a valid path nor a valid OTTL keyword for the {doc} context - '
        f"review {_DOC.format(doc)} to see all valid paths"
    )
