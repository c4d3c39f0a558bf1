"""What surrounds the points of a payload, and the values that are not numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from phoenix_nb.errors import PayloadDecodeError
from phoenix_nb.otlp._attributes import Attributes
from phoenix_nb.otlp._wire import bytes_field, fields, lone_entries, varint_field

__all__ = [
    "Buckets",
    "ExponentialHistogramValue",
    "HistogramValue",
    "MetricHeader",
    "MetricType",
    "PointKind",
    "Resource",
    "Scope",
    "SidePoint",
    "SideValue",
    "SummaryValue",
    "Temporality",
    "parse_resource",
    "parse_resources",
    "parse_scope",
    "resource_wire",
    "scope_wire",
]


class MetricType(IntEnum):
    """Which data a metric carries."""

    NONE = 0
    """No data member at all, which OTLP allows."""
    GAUGE = 1
    SUM = 2
    HISTOGRAM = 3
    EXPONENTIAL_HISTOGRAM = 4
    SUMMARY = 5


class Temporality(IntEnum):
    """How sums and histograms relate to time."""

    UNSPECIFIED = 0
    DELTA = 1
    CUMULATIVE = 2


class PointKind(IntEnum):
    """What a point holds."""

    NONE = 0
    """A number point without a value: neither int nor double was sent."""
    INT = 1
    DOUBLE = 2
    HISTOGRAM = 3
    EXPONENTIAL_HISTOGRAM = 4
    SUMMARY = 5


@dataclass(frozen=True, slots=True)
class Resource:
    """The entity that the metrics describe, for example one process."""

    attributes: Attributes = Attributes.EMPTY
    dropped_attributes_count: int = 0
    """How many attributes the sender left out."""
    entity_refs: tuple[bytes, ...] = ()
    """Encoded ``EntityRef`` messages, kept unread."""

    def __hash__(self) -> int:
        # Resources hardly ever differ in anything else alone.
        return hash(self.attributes)


@dataclass(frozen=True, slots=True)
class Scope:
    """The instrumentation that made the metrics."""

    name: str = ""
    version: str = ""
    attributes: Attributes = Attributes.EMPTY
    dropped_attributes_count: int = 0
    """How many attributes the sender left out."""


@dataclass(frozen=True, slots=True)
class MetricHeader:
    """Everything about a metric but its points."""

    name: str
    description: str = ""
    unit: str = ""
    type: MetricType = MetricType.GAUGE
    temporality: Temporality = Temporality.UNSPECIFIED
    """Only sums and histograms have one."""
    monotonic: bool = False
    """Only sums can be."""
    metadata: Attributes = Attributes.EMPTY


@dataclass(frozen=True, slots=True)
class HistogramValue:
    """The contents of one histogram point."""

    count: int = 0
    sum: float | None = None
    """``None`` when the sender gave none."""
    bucket_counts: tuple[int, ...] = ()
    explicit_bounds: tuple[float, ...] = ()
    min: float | None = None
    max: float | None = None


@dataclass(frozen=True, slots=True)
class Buckets:
    """One side of an exponential histogram."""

    offset: int = 0
    bucket_counts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ExponentialHistogramValue:
    """The contents of one exponential histogram point."""

    count: int = 0
    sum: float | None = None
    scale: int = 0
    zero_count: int = 0
    positive: Buckets | None = None
    negative: Buckets | None = None
    min: float | None = None
    max: float | None = None
    zero_threshold: float = 0.0


@dataclass(frozen=True, slots=True)
class SummaryValue:
    """The contents of one summary point."""

    count: int = 0
    sum: float = 0.0
    quantiles: tuple[tuple[float, float], ...] = ()
    """Pairs of quantile (0–1) and value."""


_MANY = 64
"""From so many messages on it is quicker to read them column by column."""

SideValue = HistogramValue | ExponentialHistogramValue | SummaryValue


@dataclass(frozen=True, slots=True)
class SidePoint:
    """What a point has beyond the number columns."""

    value: SideValue | None = None
    """``None`` for number points, which are here for their exemplars."""
    exemplars: tuple[bytes, ...] = ()
    """Encoded ``Exemplar`` messages in order."""


def resource_wire(resource: Resource) -> bytes:
    """The encoded ``Resource`` message."""
    parts = [resource.attributes.encoded]
    if resource.dropped_attributes_count:
        parts.append(varint_field(2, resource.dropped_attributes_count))
    parts.extend(bytes_field(3, wire) for wire in resource.entity_refs)
    return b"".join(parts)


def parse_resource(raw: bytes) -> Resource:
    """The inverse of :func:`resource_wire`.

    Raises:
        PayloadDecodeError: the bytes are not a ``Resource`` message.
    """
    common = lone_entries(raw)
    if common is not None:
        return Resource(Attributes.from_wires(common))
    attributes: list[bytes] = []
    entities: list[bytes] = []
    dropped = 0
    try:
        for number, _kind, content in fields(raw):
            if isinstance(content, bytes):
                if number == 1:
                    attributes.append(content)
                elif number == 3:
                    entities.append(content)
            elif number == 2:
                dropped = content & 0xFFFFFFFF
    except ValueError as exc:
        raise PayloadDecodeError(f"a resource cannot be read: {exc}") from exc
    return Resource(Attributes.from_wires(attributes), dropped, tuple(entities))


def parse_resources(raws: Sequence[bytes]) -> list[Resource]:
    """:func:`parse_resource` of many messages.

    Raises:
        PayloadDecodeError: one of them is not a ``Resource`` message.
    """
    if len(raws) < _MANY:
        return list(map(parse_resource, raws))
    return [
        parse_resource(raw) if attributes is None else Resource(attributes)
        for raw, attributes in zip(raws, Attributes.from_lists(raws), strict=True)
    ]


def scope_wire(scope: Scope) -> bytes:
    """The encoded ``InstrumentationScope`` message."""
    parts = []
    if scope.name:
        parts.append(bytes_field(1, scope.name.encode()))
    if scope.version:
        parts.append(bytes_field(2, scope.version.encode()))
    parts.extend(bytes_field(3, wire) for wire in scope.attributes.wires)
    if scope.dropped_attributes_count:
        parts.append(varint_field(4, scope.dropped_attributes_count))
    return b"".join(parts)


def parse_scope(raw: bytes) -> Scope:
    """The inverse of :func:`scope_wire`.

    Raises:
        PayloadDecodeError: the bytes are not an ``InstrumentationScope`` message.
    """
    name = version = ""
    attributes: list[bytes] = []
    dropped = 0
    try:
        for number, _kind, content in fields(raw):
            if isinstance(content, bytes):
                if number == 1:
                    name = content.decode()
                elif number == 2:
                    version = content.decode()
                elif number == 3:
                    attributes.append(content)
            elif number == 4:
                dropped = content & 0xFFFFFFFF
    except ValueError as exc:
        raise PayloadDecodeError(f"an instrumentation scope cannot be read: {exc}") from exc
    return Scope(name, version, Attributes.from_wires(attributes), dropped)
