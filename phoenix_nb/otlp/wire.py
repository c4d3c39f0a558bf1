"""Single messages as bytes, for those who keep payloads in tables of their own."""

from __future__ import annotations

from opentelemetry.proto.metrics.v1 import metrics_pb2

from phoenix_nb.errors import PayloadDecodeError
from phoenix_nb.otlp._attributes import Attributes
from phoenix_nb.otlp._model import (
    MetricHeader,
    MetricType,
    PointKind,
    SidePoint,
    Temporality,
    parse_resource,
    parse_scope,
    resource_wire,
    scope_wire,
)
from phoenix_nb.otlp._sidepoint import check_exemplar, encode_point, parse_point
from phoenix_nb.otlp._wire import bytes_field, fields

__all__ = [
    "attributes_wire",
    "header_wire",
    "parse_attributes",
    "parse_header",
    "parse_resource",
    "parse_scope",
    "parse_side",
    "resource_wire",
    "scope_wire",
    "side_wire",
]

_MEMBERS = {
    MetricType.GAUGE: "gauge",
    MetricType.SUM: "sum",
    MetricType.HISTOGRAM: "histogram",
    MetricType.EXPONENTIAL_HISTOGRAM: "exponential_histogram",
    MetricType.SUMMARY: "summary",
}


def _repeated(raw: bytes, number: int) -> list[bytes]:
    try:
        return [content for at, _, content in fields(raw) if at == number and isinstance(content, bytes)]
    except ValueError as exc:
        raise PayloadDecodeError(f"a list of messages cannot be read: {exc}") from exc


def attributes_wire(attributes: Attributes) -> bytes:
    """Attributes as one encoded ``KeyValueList``."""
    return b"".join(bytes_field(1, wire) for wire in attributes.wires)


def parse_attributes(raw: bytes) -> Attributes:
    """The inverse of :func:`attributes_wire`.

    Raises:
        PayloadDecodeError: the bytes are not a ``KeyValueList``.
    """
    return Attributes.from_wires(_repeated(raw, 1))


def header_wire(header: MetricHeader) -> bytes:
    """A metric header as one encoded ``Metric`` without points."""
    metric = metrics_pb2.Metric(name=header.name, description=header.description, unit=header.unit)
    if header.type is not MetricType.NONE:
        data = getattr(metric, _MEMBERS[header.type])
        data.SetInParent()
        if header.temporality:
            data.aggregation_temporality = int(header.temporality)
        if header.monotonic:
            data.is_monotonic = True
    # Metadata has the highest field number, so its exact bytes can follow.
    return bytes(metric.SerializeToString()) + b"".join(
        bytes_field(12, wire) for wire in header.metadata.wires
    )


def parse_header(raw: bytes) -> MetricHeader:
    """The inverse of :func:`header_wire`.

    Raises:
        PayloadDecodeError: the bytes are not a ``Metric``.
    """
    try:
        metric = metrics_pb2.Metric.FromString(raw)
    except ValueError as exc:
        raise PayloadDecodeError("a metric header cannot be read") from exc
    member = metric.WhichOneof("data")
    kind = next((kind for kind, name in _MEMBERS.items() if name == member), MetricType.NONE)
    data = getattr(metric, member) if member else None
    return MetricHeader(
        metric.name,
        metric.description,
        metric.unit,
        kind,
        Temporality(getattr(data, "aggregation_temporality", 0)),
        bool(getattr(data, "is_monotonic", False)),
        Attributes.from_wires(_repeated(raw, 12)),
    )


def side_wire(kind: PointKind, side: SidePoint) -> bytes:
    """What a point has beyond the number columns, as the fields of a point message."""
    if side.value is None:
        return b"".join(bytes_field(5, raw) for raw in side.exemplars)
    return encode_point(kind, (), 0, 0, 0, side)


def parse_side(kind: PointKind, raw: bytes) -> SidePoint:
    """The inverse of :func:`side_wire`.

    Raises:
        PayloadDecodeError: the bytes are not such fields.
    """
    if kind <= PointKind.DOUBLE:
        return SidePoint(None, tuple(check_exemplar(item) for item in _repeated(raw, 5)))
    return parse_point(kind, raw)[4]
