"""Points that are not plain numbers: histograms and summaries, one message at a time."""

from __future__ import annotations

import struct
from typing import Any, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.metrics.v1 import metrics_pb2

from phoenix_nb.errors import PayloadDecodeError
from phoenix_nb.otlp._attributes import Attributes
from phoenix_nb.otlp._model import (
    Buckets,
    ExponentialHistogramValue,
    HistogramValue,
    PointKind,
    SidePoint,
    SideValue,
    SummaryValue,
)
from phoenix_nb.otlp._wire import bytes_field, fixed64_field, varint, varint_field, zigzag

__all__ = ["check_exemplar", "encode_point", "parse_point", "value_size"]

_U64: Final = struct.Struct("<Q")
_F64: Final = struct.Struct("<d")
_ZERO: Final = bytes(8)

_MESSAGES: Final[dict[PointKind, Any]] = {
    PointKind.HISTOGRAM: metrics_pb2.HistogramDataPoint,
    PointKind.EXPONENTIAL_HISTOGRAM: metrics_pb2.ExponentialHistogramDataPoint,
    PointKind.SUMMARY: metrics_pb2.SummaryDataPoint,
}
_ATTRIBUTES: Final = {PointKind.HISTOGRAM: 9, PointKind.EXPONENTIAL_HISTOGRAM: 1, PointKind.SUMMARY: 7}
_FLAGS: Final = {PointKind.HISTOGRAM: 10, PointKind.EXPONENTIAL_HISTOGRAM: 10, PointKind.SUMMARY: 8}
_EXEMPLARS: Final = {PointKind.HISTOGRAM: 8, PointKind.EXPONENTIAL_HISTOGRAM: 11}


def parse_point(kind: PointKind, raw: bytes) -> tuple[tuple[bytes, ...], int, int, int, SidePoint]:
    """One encoded point as (attribute wires, start, time, flags, side point).

    Raises:
        PayloadDecodeError: the bytes are not a point of that kind.
    """
    try:
        point = _MESSAGES[kind].FromString(raw)
    except DecodeError as exc:
        raise PayloadDecodeError(f"a {kind.name.lower()} point cannot be read") from exc
    attributes = tuple(item.SerializeToString() for item in point.attributes)
    exemplars = (
        ()
        if kind is PointKind.SUMMARY
        else tuple(check_exemplar(item.SerializeToString()) for item in point.exemplars)
    )
    side = SidePoint(_VALUES[kind](point), exemplars)
    return attributes, point.start_time_unix_nano, point.time_unix_nano, point.flags, side


def check_exemplar(raw: bytes) -> bytes:
    """An encoded ``Exemplar``, unchanged.

    Raises:
        PayloadDecodeError: it is not one.
    """
    try:
        exemplar = metrics_pb2.Exemplar.FromString(raw)
    except DecodeError as exc:
        raise PayloadDecodeError("an exemplar cannot be read") from exc
    Attributes.from_wires(item.SerializeToString() for item in exemplar.filtered_attributes)
    return raw


def _optional(point: Any, name: str) -> float | None:
    return getattr(point, name) if point.HasField(name) else None


def _histogram(point: Any) -> HistogramValue:
    return HistogramValue(
        count=point.count,
        sum=_optional(point, "sum"),
        bucket_counts=tuple(point.bucket_counts),
        explicit_bounds=tuple(point.explicit_bounds),
        min=_optional(point, "min"),
        max=_optional(point, "max"),
    )


def _buckets(point: Any, name: str) -> Buckets | None:
    if not point.HasField(name):
        return None
    side = getattr(point, name)
    return Buckets(side.offset, tuple(side.bucket_counts))


def _exponential(point: Any) -> ExponentialHistogramValue:
    return ExponentialHistogramValue(
        count=point.count,
        sum=_optional(point, "sum"),
        scale=point.scale,
        zero_count=point.zero_count,
        positive=_buckets(point, "positive"),
        negative=_buckets(point, "negative"),
        min=_optional(point, "min"),
        max=_optional(point, "max"),
        zero_threshold=point.zero_threshold,
    )


def _summary(point: Any) -> SummaryValue:
    quantiles = tuple((item.quantile, item.value) for item in point.quantile_values)
    return SummaryValue(point.count, point.sum, quantiles)


_VALUES: Final[dict[PointKind, Any]] = {
    PointKind.HISTOGRAM: _histogram,
    PointKind.EXPONENTIAL_HISTOGRAM: _exponential,
    PointKind.SUMMARY: _summary,
}


def _unsigned(number: int, value: int) -> bytes:
    return fixed64_field(number, _U64.pack(value)) if value else b""


def _double(number: int, value: float) -> bytes:
    raw = _F64.pack(value)
    return b"" if raw == _ZERO else fixed64_field(number, raw)


def _maybe(number: int, value: float | None) -> bytes:
    return b"" if value is None else fixed64_field(number, _F64.pack(value))


def _value_fields(value: SideValue) -> list[tuple[int, bytes]]:
    """The fields of a point that hold its value, with their numbers, in order."""
    if isinstance(value, HistogramValue):
        counts = struct.pack(f"<{len(value.bucket_counts)}Q", *value.bucket_counts)
        bounds = struct.pack(f"<{len(value.explicit_bounds)}d", *value.explicit_bounds)
        return [
            (4, _unsigned(4, value.count)),
            (5, _maybe(5, value.sum)),
            (6, bytes_field(6, counts) if counts else b""),
            (7, bytes_field(7, bounds) if bounds else b""),
            (11, _maybe(11, value.min)),
            (12, _maybe(12, value.max)),
        ]
    if isinstance(value, ExponentialHistogramValue):
        return [
            (4, _unsigned(4, value.count)),
            (5, _maybe(5, value.sum)),
            (6, varint_field(6, zigzag(value.scale)) if value.scale else b""),
            (7, _unsigned(7, value.zero_count)),
            (8, _bucket_field(8, value.positive)),
            (9, _bucket_field(9, value.negative)),
            (12, _maybe(12, value.min)),
            (13, _maybe(13, value.max)),
            (14, _double(14, value.zero_threshold)),
        ]
    quantiles = b"".join(bytes_field(6, _double(1, q) + _double(2, v)) for q, v in value.quantiles)
    return [(4, _unsigned(4, value.count)), (5, _double(5, value.sum)), (6, quantiles)]


def _bucket_field(number: int, buckets: Buckets | None) -> bytes:
    if buckets is None:
        return b""
    body = varint_field(1, zigzag(buckets.offset)) if buckets.offset else b""
    if buckets.bucket_counts:
        body += bytes_field(2, b"".join(map(varint, buckets.bucket_counts)))
    return bytes_field(number, body)


def value_size(side: SidePoint) -> int:
    """Encoded bytes of a side point: its value and its exemplars, without times, attributes and flags."""
    exemplars = sum(len(bytes_field(5, raw)) for raw in side.exemplars)
    return exemplars + (0 if side.value is None else sum(len(raw) for _, raw in _value_fields(side.value)))


def encode_point(
    kind: PointKind, attributes: tuple[bytes, ...], start: int, time: int, flags: int, side: SidePoint
) -> bytes:
    """The inverse of :func:`parse_point`; fields in the order of their numbers."""
    if side.value is None:
        return b""
    parts = _value_fields(side.value)
    parts.append((2, _unsigned(2, start)))
    parts.append((3, _unsigned(3, time)))
    if flags:
        parts.append((_FLAGS[kind], varint_field(_FLAGS[kind], flags)))
    number = _ATTRIBUTES[kind]
    parts.append((number, b"".join(bytes_field(number, raw) for raw in attributes)))
    if side.exemplars:
        number = _EXEMPLARS[kind]
        parts.append((number, b"".join(bytes_field(number, raw) for raw in side.exemplars)))
    parts.sort(key=lambda part: part[0])
    return b"".join(raw for _, raw in parts)
