"""OTLP protobuf to frames: the Rust decoder unnests, dictionaries make the repeating parts small."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from phoenix_nb.errors import InvalidRequestError, PayloadDecodeError
from phoenix_nb.otlp._arrow import (
    distinct_values,
    fixed_column,
    interned,
    parent_rows,
    row_counts,
    schema_url_ids,
    utf8,
    valid_rows,
    value_edges,
)
from phoenix_nb.otlp._attributes import Attributes
from phoenix_nb.otlp._dictionary import Dictionaries
from phoenix_nb.otlp._forms import Forms
from phoenix_nb.otlp._frames import COLUMNS, LEVEL_COLUMNS, Frames
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
        self._forms = Forms(dictionaries, partial(_columns, dictionaries))

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
                columns = self._forms.read(chunk)
                side: Sequence[SidePoint] = ()
                if columns is None:
                    columns, side = _columns(self._dictionaries, chunk)
                parts.append(_frames(self._dictionaries, columns, side, len(chunk), times))
            except ValueError:
                self._blame(chunk, first + start)
                raise
        return Frames.concat(parts) if parts else Frames.empty(self._dictionaries)

    def _blame(self, chunk: Sequence[bytes], first: int) -> None:
        """Decode one by one to name the payload that is at fault."""
        for number, raw in enumerate(chunk, start=first):
            try:
                _columns(self._dictionaries, [raw])
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


def _attribute_sets(dictionaries: Dictionaries, lists: pa.ListArray) -> Ids:
    """Attribute set ids of a column of lists of ``KeyValue`` messages."""
    offsets = value_edges(lists).astype(np.int64)
    counts = offsets[1:] - offsets[:-1]
    ids = np.zeros(len(counts), dtype=np.int32)
    if not len(counts) or offsets[-1] == offsets[0]:
        return ids
    index, distinct = distinct_values(lists.values)
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
        valid = valid_rows(data)
        if types[valid].any():
            raise PayloadDecodeError("a metric carries two members of its data oneof")
        types[valid] = kind
        if kind not in (MetricType.GAUGE, MetricType.SUMMARY):
            temporality[valid] = fixed_column(data.field("temporality"), np.int64)[valid]
        if kind is MetricType.SUM:
            monotonic[valid] = fixed_column(data.field("monotonic"), np.int64)[valid]
    if rows and (temporality.min() < 0 or temporality.max() > max(Temporality)):
        wrong = int(temporality[(temporality < 0) | (temporality > max(Temporality))][0])
        raise PayloadDecodeError(f"aggregation temporality {wrong} is not defined by OTLP")
    texts = [distinct_values(metrics.field(name)) for name in ("name", "description", "unit")]
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
        name, description, unit = (utf8(distinct[index[row]], "a metric's text") for index, distinct in texts)
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
    is_int, is_double = valid_rows(as_int), valid_rows(as_double)
    if (is_int & is_double).any():
        raise PayloadDecodeError("a point carries both as_int and as_double")
    kind = is_int.astype(np.uint8)
    kind[is_double] = PointKind.DOUBLE
    p_side = np.full(len(points), -1, dtype=np.int32)
    exemplars = points.field("exemplars")
    for row in np.flatnonzero(row_counts(exemplars)).tolist():
        p_side[row] = len(side)
        side.append(SidePoint(None, tuple(check_exemplar(raw) for raw in exemplars[row].as_py())))
    return {
        "p_attributes": _attribute_sets(dictionaries, points.field("attributes")),
        "p_start": fixed_column(points.field("start"), np.uint64),
        "p_time": fixed_column(points.field("time"), np.uint64),
        "p_kind": kind,
        "p_int": fixed_column(as_int, np.int64),
        "p_double": fixed_column(as_double, np.float64),
        "p_flags": fixed_column(points.field("flags"), np.uint32),
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
        counts = row_counts(lists)
        if not counts.any():
            continue
        total += counts
        if kind in _SIDE_KINDS:
            columns = _side_columns(dictionaries, _SIDE_KINDS[kind], lists.values, side)
        else:
            columns = _number_columns(dictionaries, lists.values, side)
        found.append((counts, columns))
    if len(found) == 1:
        return {"p_metric": parent_rows(total), **found[0][1]}, side
    merged = {name: np.zeros(int(total.sum()), dtype=COLUMNS[name]) for name in LEVEL_COLUMNS["p"]}
    merged["p_metric"] = parent_rows(total)
    begins = np.cumsum(total) - total
    for counts, columns in found:
        own = np.cumsum(counts) - counts
        target = np.repeat(begins - own, counts) + np.arange(int(counts.sum()))
        for name, values in columns.items():
            merged[name][target] = values
    return merged, side


def _columns(
    dictionaries: Dictionaries, payloads: Sequence[bytes]
) -> tuple[dict[str, Array], list[SidePoint]]:
    """Every column of payloads and the side table, read by the decoder."""
    batch = raw_handler().list_to_record_batch(list(payloads))
    top = batch.column(0)
    rm_counts = row_counts(top)
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
        "rm_payload": parent_rows(rm_counts),
        "rm_resource": interned(blocks.field("resource"), dictionaries.resources, parse_resources),
        "rm_schema": schema_url_ids(dictionaries, blocks.field("schema_url")),
        "sm_rm": parent_rows(row_counts(scopes)),
        "sm_scope": interned(
            scope_blocks.field("scope"), dictionaries.scopes, lambda raws: list(map(parse_scope, raws))
        ),
        "sm_schema": schema_url_ids(dictionaries, scope_blocks.field("schema_url")),
        "m_sm": parent_rows(row_counts(metric_lists)),
        "m_header": headers,
    }
    return columns, side


def _frames(
    dictionaries: Dictionaries,
    columns: dict[str, Array],
    side: Sequence[SidePoint],
    payloads: int,
    arrivals: Sequence[int] | None,
) -> Frames:
    frames = Frames(dictionaries, np.zeros(payloads, dtype=np.uint64), columns, side)
    if arrivals is not None:
        frames.arrival = np.array(arrivals, dtype=np.uint64)
    else:
        np.maximum.at(frames.arrival, frames.p_payload, frames.p_time)
    frames.number_series()
    return frames
