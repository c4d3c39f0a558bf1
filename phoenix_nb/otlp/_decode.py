"""OTLP protobuf to frames: the Rust decoder unnests, dictionaries make the repeating parts small."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import partial
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from phoenix_nb.errors import InvalidRequestError, PayloadDecodeError
from phoenix_nb.otlp._attributes import Attributes
from phoenix_nb.otlp._dictionary import Dictionaries, Dictionary
from phoenix_nb.otlp._frames import COLUMNS, Frames
from phoenix_nb.otlp._json_in import request_from_json
from phoenix_nb.otlp._model import (
    MetricHeader,
    MetricType,
    PointKind,
    SidePoint,
    Temporality,
    parse_resources,
    parse_scope,
)
from phoenix_nb.otlp._pairs import distinct_rows
from phoenix_nb.otlp._raw import raw_handler
from phoenix_nb.otlp._sidepoint import check_exemplar, parse_point

__all__ = ["CHUNK", "Decoder"]

T = TypeVar("T", bound=Hashable)
Ids = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Array = npt.NDArray[Any]

CHUNK: Final = 32
"""Payloads per call of the decoder: the measured optimum is 10–60 (cache effects)."""

_DATA: Final = {
    MetricType.GAUGE: "gauge",
    MetricType.SUM: "sum",
    MetricType.HISTOGRAM: "histogram",
    MetricType.EXPONENTIAL_HISTOGRAM: "exponential_histogram",
    MetricType.SUMMARY: "summary",
}
_SIDE_KINDS: Final = {
    MetricType.HISTOGRAM: PointKind.HISTOGRAM,
    MetricType.EXPONENTIAL_HISTOGRAM: PointKind.EXPONENTIAL_HISTOGRAM,
    MetricType.SUMMARY: PointKind.SUMMARY,
}
_HINT: Final = "the bytes must be one OTLP ExportMetricsServiceRequest, uncompressed"


class Decoder:
    """Turns OTLP requests into frames over shared dictionaries. Safe to use from several threads."""

    def __init__(self, dictionaries: Dictionaries) -> None:
        self._dictionaries = dictionaries

    @property
    def dictionaries(self) -> Dictionaries:
        """The dictionaries of all frames that this decoder makes."""
        return self._dictionaries

    def protobuf(
        self, payloads: Sequence[bytes], arrivals: Sequence[int] | None = None, *, first: int = 0
    ) -> Frames:
        """Encoded ``ExportMetricsServiceRequest`` messages as frames, one payload each.

        Args:
            payloads: the messages.
            arrivals: when each arrived, Unix nanoseconds; the latest point time of each payload when omitted.
            first: the number of the first payload, for error messages.

        Raises:
            PayloadDecodeError: a payload that is not OTLP; ``details["payload"]`` is its number.
        """
        if arrivals is not None and len(arrivals) != len(payloads):
            raise InvalidRequestError(f"{len(arrivals)} arrival times for {len(payloads)} payloads")
        parts = []
        for start in range(0, len(payloads), CHUNK):
            chunk = payloads[start : start + CHUNK]
            times = None if arrivals is None else arrivals[start : start + CHUNK]
            try:
                parts.append(_decode(self._dictionaries, chunk, times))
            except ValueError:
                self._blame(chunk, first + start)
                raise
        return Frames.concat(parts) if parts else Frames.empty(self._dictionaries)

    def _blame(self, chunk: Sequence[bytes], first: int) -> None:
        """Decode one by one to name the payload that is at fault."""
        for number, raw in enumerate(chunk, start=first):
            try:
                _decode(self._dictionaries, [raw], None)
            except ValueError as exc:
                said = exc.message if isinstance(exc, PayloadDecodeError) else str(exc)
                hint = exc.hint if isinstance(exc, PayloadDecodeError) and exc.hint else _HINT
                raise PayloadDecodeError(
                    f"payload {number} is not OTLP metrics: {said}",
                    hint=hint,
                    details={"payload": number, "bytes": len(raw)},
                ) from exc

    def json(
        self,
        texts: Iterable[bytes | str],
        arrivals: Sequence[int] | None = None,
        *,
        first: int = 0,
        lines: Sequence[int] | None = None,
    ) -> Frames:
        """OTLP JSON requests as frames, one payload each.

        The text is transcoded to protobuf, so that JSON and protobuf share every rule after that.

        Args:
            texts: one request each, as UTF-8 bytes or text.
            arrivals: as for :meth:`protobuf`.
            first: the number of the first payload, for error messages.
            lines: the line number of each text, for error messages about files.

        Raises:
            PayloadDecodeError: a text that is not OTLP JSON; ``details`` hold ``payload`` or ``line``, and
            ``path``.
        """
        raw = []
        for index, text in enumerate(texts):
            try:
                raw.append(request_from_json(text))
            except PayloadDecodeError as exc:
                where = f"payload {first + index}" if lines is None else f"line {lines[index]}"
                raise PayloadDecodeError(
                    f"{where} is not an OTLP metrics request: {exc.message}",
                    hint=exc.hint,
                    details={**exc.details, "payload": first + index}
                    | ({} if lines is None else {"line": lines[index]}),
                ) from exc
        return self.protobuf(raw, arrivals, first=first)


def _numpy(array: pa.Array, dtype: Any) -> Array:
    """A fixed-width column of its own, null as 0; a view would keep the whole decoded batch alive."""
    if not len(array):
        return np.zeros(0, dtype=dtype)
    buffer = array.buffers()[1]
    if pa.types.is_boolean(array.type):
        values = _bits(buffer, array).astype(dtype)
    else:
        own = np.dtype(array.type.to_pandas_dtype())
        values = np.frombuffer(buffer, own, len(array), array.offset * own.itemsize).astype(dtype)
    if array.null_count:
        values[~_valid(array)] = 0
    return values


def _bits(buffer: pa.Buffer, array: pa.Array) -> Array:
    """A bit per row of an array, as bytes."""
    end = array.offset + len(array)
    return np.unpackbits(np.frombuffer(buffer, np.uint8), count=end, bitorder="little")[array.offset :]


def _edges(array: pa.Array) -> npt.NDArray[np.int32]:
    """Where the values of each row of a column of lists or bytes begin; one more for the end of the last."""
    if not len(array):
        return np.zeros(1, dtype=np.int32)
    return np.frombuffer(array.buffers()[1], np.int32, len(array) + 1, array.offset * 4)


def _counts(lists: pa.ListArray) -> Longs:
    offsets = _edges(lists).astype(np.int64)
    return offsets[1:] - offsets[:-1]


def _valid(array: pa.Array) -> npt.NDArray[np.bool_]:
    if not array.null_count:
        return np.ones(len(array), dtype=np.bool_)
    return _bits(array.buffers()[0], array).view(np.bool_)


def _parents(counts: Longs) -> Ids:
    return np.arange(len(counts), dtype=np.int32).repeat(counts)


def _encoded(values: pa.Array) -> tuple[Longs, list[Any]]:
    """The column as (index, distinct values); a null gets the index after the last value."""
    if len(values) and not values.null_count:
        edges = _edges(values)
        if edges[0] == edges[-1]:
            return np.zeros(len(values), dtype=np.int64), [b""]
    encoded = values.dictionary_encode()
    distinct = encoded.dictionary.to_pylist()
    index: Longs = _numpy(encoded.indices, np.int64)
    if encoded.indices.null_count:
        index[~_valid(encoded.indices)] = len(distinct)
    return index, distinct


def _interned(values: pa.Array, into: Dictionary[T], parse: Callable[[list[bytes]], list[T]]) -> Ids:
    """Ids of a column of messages; -1 for nulls."""
    index, distinct = _encoded(values)
    table = into.intern_raws(distinct, parse)
    return np.array([*table, -1], dtype=np.int32).take(index)


def _schema_urls(dictionaries: Dictionaries, values: pa.Array) -> Ids:
    return _interned(
        values, dictionaries.schema_urls, lambda raws: [_text(raw, "a schema URL") for raw in raws]
    )


def _text(raw: bytes, what: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as exc:
        raise PayloadDecodeError(f"{what} is not UTF-8", hint="OTLP strings must be UTF-8") from exc


def _attribute_sets(dictionaries: Dictionaries, lists: pa.ListArray) -> Ids:
    """Attribute set ids of a column of lists of ``KeyValue`` messages."""
    offsets = _edges(lists).astype(np.int64)
    counts = offsets[1:] - offsets[:-1]
    ids = np.zeros(len(counts), dtype=np.int32)
    if not len(counts) or offsets[-1] == offsets[0]:
        return ids
    index, distinct = _encoded(lists.values)
    known = dictionaries.attribute_sets

    def intern(wires: tuple[bytes, ...]) -> int:
        return known.intern_raw(wires, lambda: Attributes.from_wires(wires))

    for width in np.flatnonzero(np.bincount(counts)).tolist():
        if not width:
            continue
        rows = np.flatnonzero(counts == width)
        at = offsets[rows]
        columns = [index[at + step] for step in range(width)]
        if width == 1:
            seen = np.flatnonzero(np.bincount(columns[0], minlength=len(distinct)))
            table = np.zeros(len(distinct), dtype=np.int32)
            table[seen] = [intern((distinct[kv],)) for kv in seen.tolist()]
            ids[rows] = table[columns[0]]
            continue
        where, inverse = distinct_rows([(column, len(distinct)) for column in columns])
        sets = [intern(tuple(distinct[column[row]] for column in columns)) for row in where.tolist()]
        ids[rows] = np.array(sets, dtype=np.int32)[inverse]
    return ids


def _headers(dictionaries: Dictionaries, metrics: pa.StructArray) -> tuple[Ids, Longs]:
    """Per metric row its header id and its type."""
    rows = len(metrics)
    types = np.zeros(rows, dtype=np.int64)
    temporality = np.zeros(rows, dtype=np.int64)
    monotonic = np.zeros(rows, dtype=np.int64)
    for kind, name in _DATA.items():
        data = metrics.field(name)
        if data.null_count == len(data):
            continue
        valid = _valid(data)
        if types[valid].any():
            raise PayloadDecodeError("a metric carries two members of its data oneof")
        types[valid] = kind
        if kind not in (MetricType.GAUGE, MetricType.SUMMARY):
            temporality[valid] = _numpy(data.field("temporality"), np.int64)[valid]
        if kind is MetricType.SUM:
            monotonic[valid] = _numpy(data.field("monotonic"), np.int64)[valid]
    if rows and (temporality.min() < 0 or temporality.max() > max(Temporality)):
        wrong = int(temporality[(temporality < 0) | (temporality > max(Temporality))][0])
        raise PayloadDecodeError(f"aggregation temporality {wrong} is not defined by OTLP")
    texts = [_encoded(metrics.field(name)) for name in ("name", "description", "unit")]
    metadata = _attribute_sets(dictionaries, metrics.field("metadata")).astype(np.int64)
    where, inverse = distinct_rows(
        [
            *((index, max(1, len(distinct))) for index, distinct in texts),
            (types, len(MetricType)),
            (temporality, len(Temporality)),
            (monotonic, 2),
            (metadata, int(metadata.max(initial=0)) + 1),
        ]
    )
    ids = []
    for row in where.tolist():
        name, description, unit = (
            _text(distinct[index[row]], "a metric's text") for index, distinct in texts
        )
        ids.append(
            dictionaries.headers.intern(
                MetricHeader(
                    name,
                    description,
                    unit,
                    MetricType(int(types[row])),
                    Temporality(int(temporality[row])),
                    bool(monotonic[row]),
                    dictionaries.attribute_sets[int(metadata[row])],
                )
            )
        )
    return np.array(ids, dtype=np.int32)[inverse] if rows else np.zeros(0, dtype=np.int32), types


def _number_columns(
    dictionaries: Dictionaries, points: pa.StructArray, side: list[SidePoint]
) -> dict[str, Array]:
    as_int, as_double = points.field("as_int"), points.field("as_double")
    is_int, is_double = _valid(as_int), _valid(as_double)
    if (is_int & is_double).any():
        raise PayloadDecodeError("a point carries both as_int and as_double")
    kind = is_int.astype(np.uint8)
    kind[is_double] = PointKind.DOUBLE
    p_side = np.full(len(points), -1, dtype=np.int32)
    exemplars = points.field("exemplars")
    for row in np.flatnonzero(_counts(exemplars)).tolist():
        p_side[row] = len(side)
        side.append(SidePoint(None, tuple(check_exemplar(raw) for raw in exemplars[row].as_py())))
    return {
        "p_attributes": _attribute_sets(dictionaries, points.field("attributes")),
        "p_start": _numpy(points.field("start"), np.uint64),
        "p_time": _numpy(points.field("time"), np.uint64),
        "p_kind": kind,
        "p_int": _numpy(as_int, np.int64),
        "p_double": _numpy(as_double, np.float64),
        "p_flags": _numpy(points.field("flags"), np.uint32),
        "p_side": p_side,
    }


def _side_columns(
    dictionaries: Dictionaries, kind: PointKind, points: pa.Array, side: list[SidePoint]
) -> dict[str, Array]:
    sets, starts, times, flags, rows = [], [], [], [], []
    for raw in points.to_pylist():
        wires, start, time, flag, value = parse_point(kind, raw)
        sets.append(dictionaries.attribute_sets.intern_raw(wires, partial(Attributes.from_wires, wires)))
        starts.append(start)
        times.append(time)
        flags.append(flag)
        rows.append(len(side))
        side.append(value)
    return {
        "p_attributes": np.array(sets, dtype=np.int32),
        "p_start": np.array(starts, dtype=np.uint64),
        "p_time": np.array(times, dtype=np.uint64),
        "p_kind": np.full(len(rows), kind, dtype=np.uint8),
        "p_int": np.zeros(len(rows), dtype=np.int64),
        "p_double": np.zeros(len(rows), dtype=np.float64),
        "p_flags": np.array(flags, dtype=np.uint32),
        "p_side": np.array(rows, dtype=np.int32),
    }


def _points(
    dictionaries: Dictionaries, metrics: pa.StructArray, types: Longs
) -> tuple[dict[str, Array], list[SidePoint]]:
    side: list[SidePoint] = []
    total = np.zeros(len(types), dtype=np.int64)
    found: list[tuple[Longs, dict[str, Array]]] = []
    for kind, name in _DATA.items():
        if not (types == kind).any():
            continue
        lists = metrics.field(name).field("points")
        counts = _counts(lists)
        if not counts.any():
            continue
        total += counts
        if kind in _SIDE_KINDS:
            columns = _side_columns(dictionaries, _SIDE_KINDS[kind], lists.values, side)
        else:
            columns = _number_columns(dictionaries, lists.values, side)
        found.append((counts, columns))
    if len(found) == 1:
        return {"p_metric": _parents(total), **found[0][1]}, side
    merged = {
        name: np.zeros(int(total.sum()), dtype=dtype)
        for name, dtype in COLUMNS.items()
        if name.startswith("p_")
    }
    merged["p_metric"] = _parents(total)
    begins = np.cumsum(total) - total
    for counts, columns in found:
        own = np.cumsum(counts) - counts
        target = np.repeat(begins - own, counts) + np.arange(int(counts.sum()))
        for name, values in columns.items():
            merged[name][target] = values
    return merged, side


def _decode(dictionaries: Dictionaries, payloads: Sequence[bytes], arrivals: Sequence[int] | None) -> Frames:
    batch = raw_handler().list_to_record_batch(list(payloads))
    top = batch.column(0)
    rm_counts = _counts(top)
    for raw, count in zip(payloads, rm_counts.tolist(), strict=True):
        if len(raw) and not count:
            raise PayloadDecodeError("it holds no resource metrics", hint=_HINT)
    blocks = top.values
    scopes = blocks.field("scope_metrics")
    scope_blocks = scopes.values
    metric_lists = scope_blocks.field("metrics")
    metrics = metric_lists.values
    headers, types = _headers(dictionaries, metrics)
    columns, side = _points(dictionaries, metrics, types)
    columns |= {
        "rm_payload": _parents(rm_counts),
        "rm_resource": _interned(blocks.field("resource"), dictionaries.resources, parse_resources),
        "rm_schema": _schema_urls(dictionaries, blocks.field("schema_url")),
        "sm_rm": _parents(_counts(scopes)),
        "sm_scope": _interned(
            scope_blocks.field("scope"), dictionaries.scopes, lambda raws: list(map(parse_scope, raws))
        ),
        "sm_schema": _schema_urls(dictionaries, scope_blocks.field("schema_url")),
        "m_sm": _parents(_counts(metric_lists)),
        "m_header": headers,
    }
    frames = Frames(dictionaries, np.zeros(len(payloads), dtype=np.uint64), columns, side)
    if arrivals is not None:
        frames.arrival = np.array(arrivals, dtype=np.uint64)
    else:
        np.maximum.at(frames.arrival, frames.p_payload, frames.p_time)
    frames.number_series()
    return frames
