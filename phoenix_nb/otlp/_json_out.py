"""Frames to OTLP JSON, as the collector's exporters write it."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from typing import Any, Final, TypeVar

import numpy as np
import orjson
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2

from phoenix_nb.otlp._attributes import AttributeValue, KeyValues
from phoenix_nb.otlp._frames import Frames
from phoenix_nb.otlp._model import (
    Buckets,
    ExponentialHistogramValue,
    HistogramValue,
    MetricHeader,
    MetricType,
    PointKind,
    Resource,
    Scope,
    SidePoint,
    SideValue,
)
from phoenix_nb.otlp._wire import fields

__all__ = ["encode_json"]

_DATA: Final = {
    MetricType.GAUGE: '"gauge":{',
    MetricType.SUM: '"sum":{',
    MetricType.HISTOGRAM: '"histogram":{',
    MetricType.EXPONENTIAL_HISTOGRAM: '"exponentialHistogram":{',
    MetricType.SUMMARY: '"summary":{',
}
T = TypeVar("T")


def encode_json(frames: Frames) -> list[bytes]:
    """Each payload as one OTLP JSON request on one line; a payload without anything is ``{}``."""
    encoded: list[bytes] = []
    writer = _Writer(frames)
    for chunk in frames.chunks(32):
        encoded.extend(writer.payloads(chunk.compact()))
    return encoded


def _dumps(value: object) -> str:
    return orjson.dumps(value).decode()


def _double(value: float) -> str:
    if value.is_integer() and abs(value) < 1e15:
        # The collector writes whole numbers without a fraction; -0.0 must keep its sign.
        return str(int(value)) if value or math.copysign(1, value) > 0 else "-0.0"
    if math.isfinite(value):
        return repr(value)
    return '"NaN"' if math.isnan(value) else ('"Infinity"' if value > 0 else '"-Infinity"')


def _double_tree(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def _object(*parts: str) -> str:
    return "{" + ",".join(part for part in parts if part) + "}"


def _array(name: str, items: list[str]) -> str:
    return f'"{name}":[{",".join(items)}]' if items else ""


def _text(name: str, value: str) -> str:
    return f'"{name}":{_dumps(value)}' if value else ""


def _count(name: str, value: int) -> str:
    return f'"{name}":{value}' if value else ""


def _value_tree(value: AttributeValue) -> dict[str, Any]:
    if value is None:
        return {}
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": _double_tree(value)}
    if isinstance(value, bytes):
        return {"bytesValue": base64.b64encode(value).decode()}
    if isinstance(value, KeyValues):
        return {"kvlistValue": {"values": _attributes_tree(value)} if len(value) else {}}
    return {"arrayValue": {"values": [_value_tree(item) for item in value]} if value else {}}


def _attributes_tree(attributes: KeyValues) -> list[dict[str, Any]]:
    tree = []
    for (key, value), wire in zip(attributes.items(), attributes.wires, strict=True):
        entry: dict[str, Any] = {"key": key} if key else {}
        # A key without any value member differs from one with an empty value.
        if value is not None or any(number == 2 for number, _, _ in fields(wire)):
            entry["value"] = _value_tree(value)
        tree.append(entry)
    return tree


def _attributes(attributes: KeyValues, name: str = "attributes") -> str:
    return f'"{name}":{_dumps(_attributes_tree(attributes))}' if len(attributes) else ""


def _resource(resource: Resource) -> str:
    entities = []
    for raw in resource.entity_refs:
        entity = common_pb2.EntityRef.FromString(raw)
        tree = {
            "schemaUrl": entity.schema_url,
            "type": entity.type,
            "idKeys": list(entity.id_keys),
            "descriptionKeys": list(entity.description_keys),
        }
        entities.append(_dumps({key: value for key, value in tree.items() if value}))
    return _object(
        _attributes(resource.attributes),
        _count("droppedAttributesCount", resource.dropped_attributes_count),
        _array("entityRefs", entities),
    )


def _scope(scope: Scope) -> str:
    return _object(
        _text("name", scope.name),
        _text("version", scope.version),
        _attributes(scope.attributes),
        _count("droppedAttributesCount", scope.dropped_attributes_count),
    )


def _exemplar(raw: bytes) -> str:
    exemplar = metrics_pb2.Exemplar.FromString(raw)
    wires = [item.SerializeToString() for item in exemplar.filtered_attributes]
    member = exemplar.WhichOneof("value")
    value = ""
    if member == "as_int":
        value = f'"asInt":"{exemplar.as_int}"'
    elif member == "as_double":
        value = f'"asDouble":{_double(exemplar.as_double)}'
    return _object(
        _attributes(KeyValues.from_wires(wires), "filteredAttributes"),
        f'"timeUnixNano":"{exemplar.time_unix_nano}"' if exemplar.time_unix_nano else "",
        value,
        f'"spanId":"{exemplar.span_id.hex()}"' if exemplar.span_id else "",
        f'"traceId":"{exemplar.trace_id.hex()}"' if exemplar.trace_id else "",
    )


def _maybe(name: str, value: float | None) -> str:
    return "" if value is None else f'"{name}":{_double(value)}'


def _nonzero(name: str, value: float) -> str:
    return "" if value == 0 and math.copysign(1, value) > 0 else f'"{name}":{_double(value)}'


def _long(name: str, value: int) -> str:
    return f'"{name}":"{value}"' if value else ""


def _buckets(name: str, buckets: Buckets | None) -> str:
    if buckets is None:
        return ""
    counts = _array("bucketCounts", [f'"{count}"' for count in buckets.bucket_counts])
    return f'"{name}":' + _object(_count("offset", buckets.offset), counts)


def _value(value: SideValue) -> tuple[str, ...]:
    if isinstance(value, HistogramValue):
        return (
            _long("count", value.count),
            _maybe("sum", value.sum),
            _array("bucketCounts", [f'"{count}"' for count in value.bucket_counts]),
            _array("explicitBounds", [_double(bound) for bound in value.explicit_bounds]),
            _maybe("min", value.min),
            _maybe("max", value.max),
        )
    if isinstance(value, ExponentialHistogramValue):
        return (
            _long("count", value.count),
            _maybe("sum", value.sum),
            _count("scale", value.scale),
            _long("zeroCount", value.zero_count),
            _buckets("positive", value.positive),
            _buckets("negative", value.negative),
            _maybe("min", value.min),
            _maybe("max", value.max),
            _nonzero("zeroThreshold", value.zero_threshold),
        )
    quantiles = [_object(_nonzero("quantile", q), _nonzero("value", v)) for q, v in value.quantiles]
    return (_long("count", value.count), _nonzero("sum", value.sum), _array("quantileValues", quantiles))


def _metric_head(header: MetricHeader) -> tuple[str, str]:
    """What stands before and after the points of a metric."""
    parts = [_text("name", header.name), _text("description", header.description), _text("unit", header.unit)]
    parts.append(_attributes(header.metadata, "metadata"))
    head = "{" + ",".join(part for part in parts if part)
    if header.type is MetricType.NONE:
        return head, "}"
    tail = ""
    if header.temporality:
        tail = f'"aggregationTemporality":{int(header.temporality)}'
    if header.monotonic:
        tail += ("," if tail else "") + '"isMonotonic":true'
    return head + ("," if len(head) > 1 else "") + _DATA[header.type], tail + "}}"


class _Writer:
    """Remembers the text of everything that repeats."""

    def __init__(self, frames: Frames) -> None:
        known = frames.dictionaries
        self.resource: Callable[[int], str] = cache(lambda number: _resource(known.resources[number]))
        self.scope: Callable[[int], str] = cache(lambda number: _scope(known.scopes[number]))
        self.schema: Callable[[int], str] = cache(
            lambda number: _text("schemaUrl", known.schema_urls[number])
        )
        self.metric: Callable[[int], tuple[str, str]] = cache(
            lambda number: _metric_head(known.headers[number])
        )
        self._sets = known.attribute_sets
        self._attributes: dict[int, str] = {}

    def payloads(self, frames: Frames) -> Iterator[bytes]:
        """The text of each payload."""
        points = self._points(frames)
        edges = np.searchsorted(frames.p_metric, np.arange(frames.n_metrics + 1)).tolist()
        metrics = []
        for row, header in enumerate(frames.m_header.tolist()):
            head, tail = self.metric(header)
            inner = ",".join(points[edges[row] : edges[row + 1]])
            if inner:
                inner = f'"dataPoints":[{inner}]' + ("," if len(tail) > 2 else "")
            metrics.append(head + inner + tail)
        scopes = self._blocks(
            "metrics", metrics, frames.m_sm, '"scope":', self.scope, frames.sm_scope, frames.sm_schema
        )
        blocks = self._blocks(
            "scopeMetrics",
            scopes,
            frames.sm_rm,
            '"resource":',
            self.resource,
            frames.rm_resource,
            frames.rm_schema,
        )
        ends = np.searchsorted(frames.rm_payload, np.arange(frames.n_payloads + 1)).tolist()
        for low, high in pairwise(ends):
            yield _object(_array("resourceMetrics", blocks[low:high])).encode()

    def _blocks(
        self,
        name: str,
        items: list[str],
        parents: Any,
        own: str,
        text: Callable[[int], str],
        ids: Any,
        schemas: Any,
    ) -> list[str]:
        edges = np.searchsorted(parents, np.arange(len(ids) + 1)).tolist()
        return [
            _object(
                own + text(number) if number >= 0 else "",
                _array(name, items[edges[row] : edges[row + 1]]),
                self.schema(schema),
            )
            for row, (number, schema) in enumerate(zip(ids.tolist(), schemas.tolist(), strict=True))
        ]

    def _points(self, frames: Frames) -> list[str]:
        attributes = self._attributes
        for number in np.unique(frames.p_attributes).tolist():
            if number not in attributes:
                text = _attributes(self._sets[number])
                attributes[number] = text + "," if text else ""
        rows = zip(
            frames.p_attributes.tolist(),
            frames.p_start.tolist(),
            frames.p_time.tolist(),
            frames.p_kind.tolist(),
            frames.p_int.tolist(),
            frames.p_double.tolist(),
            frames.p_flags.tolist(),
            frames.p_side.tolist(),
            strict=True,
        )
        points = []
        for number, start, time, kind, as_int, as_double, flags, side in rows:
            text = "{" + attributes[number]
            if start:
                text += f'"startTimeUnixNano":"{start}",'
            if time:
                text += f'"timeUnixNano":"{time}",'
            if kind == PointKind.INT:
                text += f'"asInt":"{as_int}",'
            elif kind == PointKind.DOUBLE:
                text += f'"asDouble":{_double(as_double)},'
            if flags:
                text += f'"flags":{flags},'
            if side >= 0:
                text += _side(frames.side[side])
            points.append((text[:-1] if len(text) > 1 else text) + "}")
        return points


def _side(side: SidePoint) -> str:
    parts = [] if side.value is None else [part for part in _value(side.value) if part]
    if side.exemplars:
        parts.append(_array("exemplars", [_exemplar(raw) for raw in side.exemplars]))
    return "".join(part + "," for part in parts)
