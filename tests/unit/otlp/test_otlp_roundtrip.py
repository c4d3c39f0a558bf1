"""Property tests: nothing is lost between protobuf, JSON, Parquet and frames, and sizes are exact."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from google.protobuf import json_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2

from phoenix_nb.otlp import (
    Attributes,
    Decoder,
    Dictionaries,
    Frames,
    encode_json,
    encode_protobuf,
    measure,
)
from phoenix_nb.sources import read_recording, write_recording

_SETTINGS = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])

_TEXT = st.text(max_size=6)
_DOUBLE = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, 1e300, 5e-324, float("inf"), float("-inf"), float("nan")]),
    st.floats(allow_nan=False),
)
_U64 = st.one_of(st.sampled_from([0, 1, 1 << 63, (1 << 64) - 1]), st.integers(0, (1 << 64) - 1))
_I64 = st.one_of(
    st.sampled_from([0, -(1 << 63), (1 << 63) - 1, (1 << 53) + 1]), st.integers(-(1 << 63), (1 << 63) - 1)
)
_U32 = st.sampled_from([0, 0, 1, 127, 128, (1 << 32) - 1])
_I32 = st.sampled_from([0, -1, 7, -(1 << 31), (1 << 31) - 1])


def _values() -> st.SearchStrategy[Any]:
    any_value = common_pb2.AnyValue
    leaves = st.one_of(
        st.just(any_value()),
        _TEXT.map(lambda value: any_value(string_value=value)),
        st.booleans().map(lambda value: any_value(bool_value=value)),
        _I64.map(lambda value: any_value(int_value=value)),
        _DOUBLE.map(lambda value: any_value(double_value=value)),
        st.binary(max_size=4).map(lambda value: any_value(bytes_value=value)),
    )

    def nest(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        arrays = st.lists(inner, max_size=3).map(
            lambda items: any_value(array_value=common_pb2.ArrayValue(values=items))
        )
        maps = st.lists(_key_values(inner), max_size=3).map(
            lambda items: any_value(kvlist_value=common_pb2.KeyValueList(values=items))
        )
        return arrays | maps

    return st.recursive(leaves, nest, max_leaves=4)


def _key_values(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    key = st.sampled_from(["a", "b", "process.pid", ""]) | _TEXT
    return st.builds(lambda key, value: common_pb2.KeyValue(key=key, value=value), key, st.none() | values)


_ATTRIBUTES = st.lists(_key_values(_values()), max_size=3)


def _optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def _values_of_points() -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(
        st.builds(dict[str, Any]), _I64.map(lambda v: {"as_int": v}), _DOUBLE.map(lambda v: {"as_double": v})
    )


def _exemplars(ids: bool) -> st.SearchStrategy[Any]:
    value = _values_of_points()
    identity = st.binary(min_size=8, max_size=8) if ids else st.just(b"")
    one = st.builds(
        lambda value, time, attributes, span, trace: metrics_pb2.Exemplar(
            time_unix_nano=time, filtered_attributes=attributes, span_id=span, trace_id=trace, **value
        ),
        value,
        _U64,
        _ATTRIBUTES,
        identity,
        identity,
    )
    return st.lists(one, max_size=2)


def _common(ids: bool) -> dict[str, st.SearchStrategy[Any]]:
    return {
        "attributes": _ATTRIBUTES,
        "start_time_unix_nano": _U64,
        "time_unix_nano": _U64,
        "flags": _U32,
        "exemplars": _exemplars(ids),
    }


def _metrics(ids: bool) -> st.SearchStrategy[Any]:
    common = _common(ids)
    counts = st.lists(_U64, max_size=3)
    number = st.fixed_dictionaries(common, optional={}).flatmap(
        lambda base: _values_of_points().map(lambda value: metrics_pb2.NumberDataPoint(**base, **value))
    )
    histogram = st.builds(
        metrics_pb2.HistogramDataPoint,
        **common,
        count=_U64,
        sum=_optional(_DOUBLE),
        bucket_counts=counts,
        explicit_bounds=st.lists(_DOUBLE, max_size=3),
        min=_optional(_DOUBLE),
        max=_optional(_DOUBLE),
    )
    buckets = _optional(
        st.builds(metrics_pb2.ExponentialHistogramDataPoint.Buckets, offset=_I32, bucket_counts=counts)
    )
    exponential = st.builds(
        metrics_pb2.ExponentialHistogramDataPoint,
        **common,
        count=_U64,
        sum=_optional(_DOUBLE),
        scale=_I32,
        zero_count=_U64,
        positive=buckets,
        negative=buckets,
        min=_optional(_DOUBLE),
        max=_optional(_DOUBLE),
        zero_threshold=_DOUBLE,
    )
    quantile = st.builds(metrics_pb2.SummaryDataPoint.ValueAtQuantile, quantile=_DOUBLE, value=_DOUBLE)
    summary_common = {name: strategy for name, strategy in common.items() if name != "exemplars"}
    summary = st.builds(
        metrics_pb2.SummaryDataPoint,
        **summary_common,
        count=_U64,
        sum=_DOUBLE,
        quantile_values=st.lists(quantile, max_size=3),
    )
    temporality: Any = st.integers(0, 2)
    data = st.one_of(
        st.just({}),
        st.builds(metrics_pb2.Gauge, data_points=st.lists(number, max_size=3)).map(lambda v: {"gauge": v}),
        st.builds(
            metrics_pb2.Sum,
            data_points=st.lists(number, max_size=3),
            aggregation_temporality=temporality,
            is_monotonic=st.booleans(),
        ).map(lambda v: {"sum": v}),
        st.builds(
            metrics_pb2.Histogram,
            data_points=st.lists(histogram, max_size=2),
            aggregation_temporality=temporality,
        ).map(lambda v: {"histogram": v}),
        st.builds(
            metrics_pb2.ExponentialHistogram,
            data_points=st.lists(exponential, max_size=2),
            aggregation_temporality=temporality,
        ).map(lambda v: {"exponential_histogram": v}),
        st.builds(metrics_pb2.Summary, data_points=st.lists(summary, max_size=2)).map(
            lambda v: {"summary": v}
        ),
    )
    return st.builds(
        lambda name, description, unit, metadata, data: metrics_pb2.Metric(
            name=name, description=description, unit=unit, metadata=metadata, **data
        ),
        _TEXT,
        _TEXT,
        _TEXT,
        _ATTRIBUTES,
        data,
    )


def _requests(ids: bool = True) -> st.SearchStrategy[Any]:
    from opentelemetry.proto.resource.v1 import resource_pb2

    scope = st.builds(
        common_pb2.InstrumentationScope,
        name=_TEXT,
        version=_TEXT,
        attributes=_ATTRIBUTES,
        dropped_attributes_count=_U32,
    )
    entity = st.builds(
        common_pb2.EntityRef, schema_url=_TEXT, type=_TEXT, id_keys=st.lists(_TEXT, max_size=2)
    )
    resource = st.builds(
        resource_pb2.Resource,
        attributes=_ATTRIBUTES,
        dropped_attributes_count=_U32,
        entity_refs=st.lists(entity, max_size=1),
    )
    scope_metrics = st.builds(
        metrics_pb2.ScopeMetrics,
        scope=_optional(scope),
        metrics=st.lists(_metrics(ids), max_size=3),
        schema_url=_TEXT,
    )
    blocks = st.builds(
        metrics_pb2.ResourceMetrics,
        resource=_optional(resource),
        scope_metrics=st.lists(scope_metrics, max_size=2),
        schema_url=_TEXT,
    )
    return st.lists(blocks, max_size=2).map(lambda items: ExportMetricsServiceRequest(resource_metrics=items))


def _decode(messages: list[Any]) -> tuple[list[bytes], Frames]:
    raw = [message.SerializeToString() for message in messages]
    return raw, Decoder(Dictionaries()).protobuf(raw)


@_SETTINGS
@given(st.lists(_requests(), max_size=3))
def test_protobuf_comes_back_byte_for_byte(messages: list[Any]) -> None:
    raw, frames = _decode(messages)
    assert encode_protobuf(frames) == raw
    assert measure(frames).bytes.tolist() == [len(item) for item in raw]


@_SETTINGS
@given(st.lists(_requests(), max_size=3))
def test_json_comes_back_byte_for_byte(messages: list[Any]) -> None:
    raw, frames = _decode(messages)
    texts = encode_json(frames)
    again = Decoder(frames.dictionaries).json(texts)
    assert encode_protobuf(again) == raw
    assert encode_json(again) == texts


@_SETTINGS
@given(_requests(ids=False), st.booleans())
def test_json_agrees_with_the_official_library(message: Any, snake: bool) -> None:
    # Ids of exemplars are left out: OTLP writes them in hex, the protobuf library in base64.
    tree = json_format.MessageToDict(
        message, preserving_proto_field_name=snake, use_integers_for_enums=not snake
    )
    ours = Decoder(Dictionaries()).json([orjson.dumps(tree)])
    assert encode_protobuf(ours) == [message.SerializeToString()]
    text = encode_json(ours)[0].decode()
    theirs = json_format.Parse(text, ExportMetricsServiceRequest())
    assert theirs.SerializeToString(deterministic=True) == message.SerializeToString(deterministic=True)


@settings(_SETTINGS, max_examples=50)
@given(st.lists(_requests(), min_size=1, max_size=4), st.integers(1, 3))
def test_parquet_comes_back_byte_for_byte(messages: list[Any], chunk: int) -> None:
    raw, frames = _decode(messages)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recording.parquet"
        write_recording(path, frames.chunks(chunk), redact=False)
        same = Frames.concat(list(read_recording(path, frames.dictionaries)))
        other = Frames.concat(list(read_recording(path, Dictionaries(), chunk=1)))
    for read in (same, other):
        assert encode_protobuf(read) == raw
        assert read.arrival.tolist() == frames.arrival.tolist()


@settings(_SETTINGS, max_examples=50)
@given(st.lists(_requests(), min_size=1, max_size=5), st.integers(1, 4))
def test_splitting_and_joining_changes_nothing(messages: list[Any], size: int) -> None:
    raw, frames = _decode(messages)
    assert encode_protobuf(Frames.concat(list(frames.payloads()))) == raw
    assert encode_protobuf(Frames.concat([frames, frames])) == raw + raw
    shared = Dictionaries()
    decoder = Decoder(shared)
    parts = [decoder.protobuf(raw[at : at + size]) for at in range(0, len(raw), size)]
    whole = Frames.concat(parts)
    assert encode_protobuf(whole) == raw
    for of_parts, of_whole in zip(
        zip(*(_measured(part) for part in parts), strict=True), _measured(frames), strict=True
    ):
        assert [item for part in of_parts for item in part] == of_whole


def _measured(frames: Frames) -> tuple[list[int], ...]:
    found = measure(frames)
    return found.points.tolist(), found.series.tolist(), found.bytes.tolist()


def _canonical(attributes: Any) -> Any:
    return Attributes.from_wires(item.SerializeToString() for item in attributes).digest


def _series(message: Any) -> int:
    seen = set()
    for block in message.resource_metrics:
        resource = _canonical(block.resource.attributes)
        for scope in block.scope_metrics:
            for metric in scope.metrics:
                data = metric.WhichOneof("data")
                if data:
                    for point in getattr(metric, data).data_points:
                        seen.add((resource, metric.name, _canonical(point.attributes)))
    return len(seen)


@_SETTINGS
@given(st.lists(_requests(), max_size=3))
def test_counts_agree_with_a_walk_over_the_messages(messages: list[Any]) -> None:
    _, frames = _decode(messages)
    found = measure(frames)
    assert found.series.tolist() == [_series(message) for message in messages]
    walked = [
        sum(
            len(getattr(metric, metric.WhichOneof("data")).data_points)
            for block in message.resource_metrics
            for scope in block.scope_metrics
            for metric in scope.metrics
            if metric.WhichOneof("data")
        )
        for message in messages
    ]
    assert found.points.tolist() == walked


def _filtered(message: Any, keep: Any) -> Any:
    """What the collector's filter leaves: points by ``keep``, then everything that is empty goes."""
    made = ExportMetricsServiceRequest()
    made.CopyFrom(message)
    for block in made.resource_metrics:
        for scope in block.scope_metrics:
            kept_metrics = []
            for metric in scope.metrics:
                data = metric.WhichOneof("data")
                if data:
                    points = getattr(metric, data).data_points
                    left = [point for point in points if keep()]
                    del points[:]
                    points.extend(left)
                    if not left:
                        continue
                kept_metrics.append(metric)
            copies = [metrics_pb2.Metric.FromString(metric.SerializeToString()) for metric in kept_metrics]
            del scope.metrics[:]
            scope.metrics.extend(copies)
        scopes = [
            metrics_pb2.ScopeMetrics.FromString(scope.SerializeToString())
            for scope in block.scope_metrics
            if scope.metrics
        ]
        del block.scope_metrics[:]
        block.scope_metrics.extend(scopes)
    blocks = [block for block in made.resource_metrics if block.scope_metrics]
    return ExportMetricsServiceRequest(resource_metrics=blocks)


@_SETTINGS
@given(st.lists(_requests(), max_size=3), st.randoms(use_true_random=False))
def test_a_lazy_selection_is_what_removing_points_gives(messages: list[Any], random: Any) -> None:
    raw, frames = _decode(messages)
    mask = np.array([random.random() < 0.5 for _ in range(frames.n_points)], dtype=np.bool_)
    decisions = iter(mask.tolist())
    expected = [_filtered(message, lambda: next(decisions)).SerializeToString() for message in messages]
    lazy = frames.where(points=mask)
    assert lazy.n_points == int(mask.sum())
    found = measure(lazy)
    assert encode_protobuf(lazy) == expected
    assert found.bytes.tolist() == [len(item) for item in expected]
    assert _measured(lazy.compact()) == _measured(lazy)
    again = lazy.where(points=lazy.p_kind != 1)
    at_once = frames.where(points=mask & (frames.p_kind != 1))
    assert encode_protobuf(again) == encode_protobuf(at_once)
    assert encode_protobuf(frames) == raw
    parts = [encode_protobuf(part)[0] for part in lazy.payloads()]
    assert parts == expected
