"""Frames to OTLP protobuf, through the same raw descriptor that decodes."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from phoenix_nb.otlp._decode import CHUNK
from phoenix_nb.otlp._frames import Frames
from phoenix_nb.otlp._model import MetricType, PointKind, resource_wire, scope_wire
from phoenix_nb.otlp._raw import raw_handler
from phoenix_nb.otlp._sidepoint import encode_point

__all__ = ["encode_protobuf"]

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

_SIDE_FIELDS: Final = (
    ("histogram", MetricType.HISTOGRAM, PointKind.HISTOGRAM),
    ("exponential_histogram", MetricType.EXPONENTIAL_HISTOGRAM, PointKind.EXPONENTIAL_HISTOGRAM),
    ("summary", MetricType.SUMMARY, PointKind.SUMMARY),
)


def encode_protobuf(frames: Frames) -> list[bytes]:
    """Each payload as an encoded ``ExportMetricsServiceRequest``; a payload without anything is ``b""``."""
    encoded: list[bytes] = []
    for chunk in frames.chunks(CHUNK):
        encoded.extend(_encode(chunk))
    return encoded


def _offsets(counts: Array) -> pa.Array:
    return pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))


def _counts(parents: Array, rows: int) -> Array:
    return np.bincount(parents, minlength=rows)


def _list(counts: Array, values: pa.Array) -> pa.ListArray:
    # The element must be declared as the decoder declares it, or the encoder does not take the type.
    kind = pa.list_(pa.field("item", values.type, nullable=False))
    return pa.ListArray.from_arrays(_offsets(counts), values, type=kind)


def _distinct(values: Array, make: Any, *, null: bool = False) -> pa.Array:
    """``make(id)`` of every row, computed once per distinct id; id -1 becomes null."""
    ids, inverse = np.unique(values, return_inverse=True)
    made: list[bytes | None] = [None if null and number < 0 else make(number) for number in ids.tolist()]
    return pa.array(made, type=pa.binary()).take(pa.array(inverse.astype(np.int64)))


def _wire_lists(frames: Frames, ids: Array) -> pa.ListArray:
    """Per row the encoded ``KeyValue`` messages of its attribute set."""
    sets = frames.dictionaries.attribute_sets
    distinct, inverse = np.unique(ids, return_inverse=True)
    wires = [sets[number].wires for number in distinct.tolist()]
    widths = np.array([len(item) for item in wires], dtype=np.int64)
    flat = pa.array([wire for item in wires for wire in item], type=pa.binary())
    counts = widths[inverse]
    if not len(flat):
        return _list(counts, flat)
    begins = np.cumsum(widths) - widths
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    at = np.arange(total) - np.repeat(ends - counts, counts) + np.repeat(begins[inverse], counts)
    return _list(counts, flat.take(pa.array(at)))


def _struct(
    names: tuple[str, ...], arrays: list[pa.Array], nullable: tuple[str, ...] = (), **options: Any
) -> Any:
    declared = [
        pa.field(name, array.type, nullable=name in nullable)
        for name, array in zip(names, arrays, strict=True)
    ]
    return pa.StructArray.from_arrays(arrays, fields=declared, **options)


def _number_points(frames: Frames, mask: Mask) -> pa.StructArray:
    kind = frames.p_kind[mask]
    rows = frames.p_side[mask]
    exemplars: list[bytes] = []
    counts = np.zeros(len(rows), dtype=np.int64)
    for at in np.flatnonzero(rows >= 0).tolist():
        found = frames.side[int(rows[at])].exemplars
        counts[at] = len(found)
        exemplars.extend(found)
    return _struct(
        ("start", "time", "as_double", "exemplars", "as_int", "attributes", "flags"),
        [
            pa.array(frames.p_start[mask]),
            pa.array(frames.p_time[mask]),
            # Without from_pandas a NaN stays a value.
            pa.array(frames.p_double[mask], mask=kind != PointKind.DOUBLE, from_pandas=False),
            _list(counts, pa.array(exemplars, type=pa.binary())),
            pa.array(frames.p_int[mask], mask=kind != PointKind.INT),
            _wire_lists(frames, frames.p_attributes[mask]),
            pa.array(frames.p_flags[mask]),
        ],
        nullable=("as_double", "as_int"),
    )


def _side_points(frames: Frames, mask: Mask, kind: PointKind) -> pa.Array:
    sets = frames.dictionaries.attribute_sets
    columns = (frames.p_attributes, frames.p_start, frames.p_time, frames.p_flags, frames.p_side)
    rows = zip(*(column[mask].tolist() for column in columns), strict=True)
    encoded = [
        encode_point(kind, sets[a].wires, start, time, flags, frames.side[s])
        for a, start, time, flags, s in rows
    ]
    return pa.array(encoded, type=pa.binary())


def _metrics(frames: Frames) -> pa.StructArray:
    headers = frames.dictionaries.headers
    ids = frames.m_header
    used, inverse = np.unique(ids, return_inverse=True)
    known = [headers[number] for number in used.tolist()]

    def of_header(values: list[Any], dtype: Any) -> Array:
        return np.array(values, dtype=dtype)[inverse]

    types = of_header([header.type for header in known], np.uint8)
    temporality = pa.array(of_header([header.temporality for header in known], np.int32))
    monotonic = pa.array(of_header([header.monotonic for header in known], np.bool_))
    metadata = of_header(
        [frames.dictionaries.attribute_sets.intern(header.metadata) for header in known], np.int32
    )
    p_types = types[frames.p_metric]
    per_metric = _counts(frames.p_metric, len(ids))

    def texts(pick: Any) -> pa.Array:
        return _distinct(ids, lambda number: pick(headers[number]).encode())

    def data(kind: MetricType, points: pa.Array, *more: tuple[str, pa.Array]) -> pa.StructArray:
        mine = types == kind
        lists = _list(np.where(mine, per_metric, 0), points)
        names = ("points", *(name for name, _ in more))
        return _struct(names, [lists, *(array for _, array in more)], mask=pa.array(~mine))

    arrays = [
        texts(lambda header: header.name),
        texts(lambda header: header.description),
        texts(lambda header: header.unit),
        data(MetricType.GAUGE, _number_points(frames, p_types == MetricType.GAUGE)),
        data(
            MetricType.SUM,
            _number_points(frames, p_types == MetricType.SUM),
            ("temporality", temporality),
            ("monotonic", monotonic),
        ),
    ]
    for name, kind, point_kind in _SIDE_FIELDS:
        points = _side_points(frames, p_types == kind, point_kind)
        arrays.append(data(kind, points, *(() if name == "summary" else (("temporality", temporality),))))
    arrays.append(_wire_lists(frames, metadata))
    side_names = tuple(name for name, _, _ in _SIDE_FIELDS)
    return _struct(
        ("name", "description", "unit", "gauge", "sum", *side_names, "metadata"),
        arrays,
        nullable=("gauge", "sum", *side_names),
    )


def _encode(frames: Frames) -> list[bytes]:
    known = frames.dictionaries
    metrics = _metrics(frames)
    scope_blocks = _struct(
        ("scope", "metrics", "schema_url"),
        [
            _distinct(frames.sm_scope, lambda number: scope_wire(known.scopes[number]), null=True),
            _list(_counts(frames.m_sm, frames.n_rows("sm")), metrics),
            _distinct(frames.sm_schema, lambda number: known.schema_urls[number].encode()),
        ],
        nullable=("scope",),
    )
    blocks = _struct(
        ("resource", "scope_metrics", "schema_url"),
        [
            _distinct(frames.rm_resource, lambda number: resource_wire(known.resources[number]), null=True),
            _list(_counts(frames.sm_rm, frames.n_rows("rm")), scope_blocks),
            _distinct(frames.rm_schema, lambda number: known.schema_urls[number].encode()),
        ],
        nullable=("resource",),
    )
    payloads = _list(_counts(frames.rm_payload, frames.n_payloads), blocks)
    handler = raw_handler()
    batch = pa.RecordBatch.from_arrays([payloads], schema=handler.schema())
    encoded: list[bytes] = handler.record_batch_to_array(batch).to_pylist()
    return encoded
