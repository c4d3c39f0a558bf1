"""Recordings as Parquet: one row per point, readable by any tool, and exact when read back.

A payload, resource block, scope block or metric without children has one row too, with nulls further in.
Everything that repeats is a dictionary column. The columns ``resource``, ``scope``, ``header`` and
``point_attributes`` hold encoded OTLP messages and carry the exact content; ``metric``, ``unit``, ``type``,
``resource_attributes`` and ``attributes`` say the same in text for people and are not read back.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from phoenix_nb.errors import SourceError
from phoenix_nb.otlp import (
    Attributes,
    Dictionaries,
    Dictionary,
    Frames,
    PointKind,
    SidePoint,
    attribute_text,
)
from phoenix_nb.otlp.wire import (
    attributes_wire,
    header_wire,
    parse_attributes,
    parse_header,
    parse_resource,
    parse_scope,
    parse_side,
    resource_wire,
    scope_wire,
    side_wire,
)

__all__ = ["ParquetRows", "read_parquet"]

T = TypeVar("T", bound=Hashable)
Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

_VERSION: Final = b"1"
_MARK: Final = b"phoenix.recording"
_BYTES: Final = pa.dictionary(pa.int32(), pa.binary())
_TEXT: Final = pa.dictionary(pa.int32(), pa.string())
_SCHEMA: Final = pa.schema(
    [
        pa.field("payload", pa.int64(), nullable=False),
        pa.field("arrival", pa.uint64(), nullable=False),
        pa.field("resource_block", pa.int32()),
        pa.field("resource", _BYTES),
        pa.field("resource_schema", _TEXT),
        pa.field("scope_block", pa.int32()),
        pa.field("scope", _BYTES),
        pa.field("scope_schema", _TEXT),
        pa.field("metric_block", pa.int32()),
        pa.field("header", _BYTES),
        pa.field("point_attributes", _BYTES),
        pa.field("start", pa.uint64()),
        pa.field("time", pa.uint64()),
        pa.field("kind", pa.uint8()),
        pa.field("int_value", pa.int64()),
        pa.field("double_value", pa.float64()),
        pa.field("flags", pa.uint32()),
        pa.field("side", pa.binary()),
        pa.field("metric", _TEXT),
        pa.field("unit", _TEXT),
        pa.field("type", _TEXT),
        pa.field("resource_attributes", _TEXT),
        pa.field("attributes", _TEXT),
    ],
    metadata={_MARK: _VERSION},
)
_PLAIN: Final = ("payload", "arrival", "resource_block", "scope_block", "metric_block", "start", "time")


def _leaves(frames: Frames) -> tuple[Array, Array, Array, Array, Array]:
    """Per row its payload, rm, sm, metric and point; -1 where the row ends earlier."""
    levels = [
        ("rm_payload", frames.n_payloads),
        ("sm_rm", frames.n_rows("rm")),
        ("m_sm", frames.n_rows("sm")),
        ("p_metric", frames.n_rows("m")),
    ]
    rows = [np.arange(frames.n_points, dtype=np.int64)]
    parts: list[list[Array]] = [[], [], [], [], [rows[0]]]
    for level, (column, count) in enumerate(levels):
        childless = np.ones(count, dtype=np.bool_)
        childless[frames.column(column)] = False
        parts[level].append(np.flatnonzero(childless))
    made = []
    for level, found in enumerate(parts):
        chain: list[Array] = [np.full(len(found[0]), -1, dtype=np.int64) for _ in range(5)]
        chain[level] = found[0].astype(np.int64)
        for above in range(level, 0, -1):
            chain[above - 1] = frames.column(levels[above - 1][0])[chain[above]].astype(np.int64)
        made.append(chain)
    payload, rm, sm, m, p = (np.concatenate([chain[at] for chain in made]) for at in range(5))
    order = np.lexsort((p, m, sm, rm, payload))
    return payload[order], rm[order], sm[order], m[order], p[order]


def _coded(ids: Array, absent: Mask, make: Callable[[int], Any], kind: pa.DataType) -> pa.DictionaryArray:
    distinct, inverse = np.unique(ids[~absent], return_inverse=True)
    made = [make(number) for number in distinct.tolist()]
    # Several ids may have one text. Arrow writes a dictionary that repeats a value with memory it never filled.
    place = {value: at for at, value in enumerate(dict.fromkeys(made))}
    index = np.zeros(len(ids), dtype=np.int32)
    index[~absent] = np.array([place[value] for value in made], dtype=np.int32)[inverse]
    values = pa.array(list(place), type=kind.value_type)
    return pa.DictionaryArray.from_arrays(pa.array(index, mask=absent), values)


def _table(frames: Frames, first: int) -> pa.Table:
    known = frames.dictionaries
    payload, rm, sm, m, p = _leaves(frames)
    columns: dict[str, Any] = {
        "payload": pa.array(payload + first),
        "arrival": pa.array(frames.arrival[payload]),
    }

    def block(name: str, rows: Array) -> None:
        columns[name] = pa.array(rows.astype(np.int32), mask=rows < 0)

    def coded(name: str, level: Array, values: Array, make: Callable[[int], Any], kind: pa.DataType) -> None:
        ids = np.full(len(level), -1, dtype=np.int64)
        ids[level >= 0] = values[level[level >= 0]]
        columns[name] = _coded(ids, ids < 0, make, kind)

    def plain(name: str, values: Array, absent: Mask | None = None) -> None:
        if not len(values):
            columns[name] = pa.nulls(len(p), _SCHEMA.field(name).type)
            return
        gathered = values[np.maximum(p, 0)]
        gone = p < 0 if absent is None else (p < 0) | absent[np.maximum(p, 0)]
        columns[name] = pa.array(gathered, mask=gone, from_pandas=False)

    block("resource_block", rm)
    block("scope_block", sm)
    block("metric_block", m)
    coded("resource", rm, frames.rm_resource, lambda at: resource_wire(known.resources[at]), _BYTES)
    coded("resource_schema", rm, frames.rm_schema, lambda at: known.schema_urls[at], _TEXT)
    coded("scope", sm, frames.sm_scope, lambda at: scope_wire(known.scopes[at]), _BYTES)
    coded("scope_schema", sm, frames.sm_schema, lambda at: known.schema_urls[at], _TEXT)
    coded("header", m, frames.m_header, lambda at: header_wire(known.headers[at]), _BYTES)
    coded("metric", m, frames.m_header, lambda at: known.headers[at].name, _TEXT)
    coded("unit", m, frames.m_header, lambda at: known.headers[at].unit, _TEXT)
    coded("type", m, frames.m_header, lambda at: known.headers[at].type.name.lower(), _TEXT)
    coded(
        "point_attributes",
        p,
        frames.p_attributes,
        lambda at: attributes_wire(known.attribute_sets[at]),
        _BYTES,
    )
    coded(
        "resource_attributes",
        rm,
        frames.rm_resource,
        lambda at: attribute_text(known.resources[at].attributes),
        _TEXT,
    )
    coded("attributes", p, frames.p_attributes, lambda at: attribute_text(known.attribute_sets[at]), _TEXT)
    plain("start", frames.p_start)
    plain("time", frames.p_time)
    plain("kind", frames.p_kind)
    plain("int_value", frames.p_int, frames.p_kind != PointKind.INT)
    plain("double_value", frames.p_double, frames.p_kind != PointKind.DOUBLE)
    plain("flags", frames.p_flags)
    columns["side"] = _side_column(frames, p)
    return pa.table([columns[field.name] for field in _SCHEMA], schema=_SCHEMA)


def _side_column(frames: Frames, p: Array) -> pa.Array:
    if not len(frames.side) or not (frames.p_side >= 0).any():
        return pa.nulls(len(p), pa.binary())
    rows, kinds = frames.p_side.tolist(), frames.p_kind.tolist()
    return pa.array(
        [
            None if at < 0 or rows[at] < 0 else side_wire(PointKind(kinds[at]), frames.side[rows[at]])
            for at in p.tolist()
        ],
        type=pa.binary(),
    )


class ParquetRows:
    """Writes frames into a stream, one row group per call. Raises the stream's own ``OSError``."""

    def __init__(self, stream: BinaryIO) -> None:
        coded = [field.name for field in _SCHEMA if pa.types.is_dictionary(field.type)]
        self._writer = pq.ParquetWriter(
            stream,
            _SCHEMA,
            compression="zstd",
            use_dictionary=coded,
            column_encoding=dict.fromkeys(_PLAIN, "DELTA_BINARY_PACKED"),
        )
        self._payloads = 0

    def write(self, frames: Frames) -> None:
        """Add payloads."""
        table = _table(frames.compact(), self._payloads)
        self._payloads += frames.n_payloads
        self._writer.write_table(table, row_group_size=max(1, len(table)))

    def close(self) -> None:
        """Write the end of the file; the stream stays open."""
        self._writer.close()


def _broken(path: Path, exc: Exception) -> SourceError:
    return SourceError(
        f"the recording {path} is not a readable Parquet file: {exc}",
        hint="it was probably cut off while it was copied or written; fetch it again",
        details={"path": str(path)},
    )


def read_parquet(path: Path, dictionaries: Dictionaries) -> Iterator[Frames]:
    """The payloads of a Parquet recording, as they were written, row group by row group.

    Raises:
        SourceError: the file cannot be read or is not a recording.
    """
    try:
        with pq.ParquetFile(
            path, read_dictionary=[f.name for f in _SCHEMA if pa.types.is_dictionary(f.type)]
        ) as file:
            _check(path, file)
            names = [field.name for field in _SCHEMA][: _SCHEMA.get_field_index("side") + 1]
            for group in range(file.num_row_groups):
                table = file.read_row_group(group, columns=names)
                if len(table):
                    yield _frames(table, dictionaries)
    except (OSError, pa.ArrowException) as exc:
        if isinstance(exc, SourceError):
            raise
        raise _broken(path, exc) from exc


def count_parquet(path: Path) -> int:
    """How many payloads a Parquet recording holds: the number of its last one, plus one.

    Raises:
        SourceError: the file cannot be read or is not a recording.
    """
    try:
        with pq.ParquetFile(path) as file:
            _check(path, file)
            for group in reversed(range(file.num_row_groups)):
                numbers = file.read_row_group(group, columns=["payload"]).column("payload")
                if len(numbers):
                    return int(numbers[-1].as_py()) + 1
    except (OSError, pa.ArrowException) as exc:
        if isinstance(exc, SourceError):
            raise
        raise _broken(path, exc) from exc
    return 0


def _check(path: Path, file: Any) -> None:
    found = (file.schema_arrow.metadata or {}).get(_MARK)
    if found is None:
        raise SourceError(
            f"{path} is a Parquet file, but not a recording",
            hint="recordings are written by 'phoenix record' and 'phoenix simulate'",
            details={"path": str(path)},
        )
    if found != _VERSION:
        version = found.decode(errors="replace")
        raise SourceError(
            f"{path} is a recording of format version {version}; this release reads version 1",
            hint="read it with a newer release",
            details={"path": str(path)},
        )


def _rows(table: pa.Table, name: str) -> Array:
    """A block column with -1 for null."""
    return np.array(table.column(name).fill_null(-1).to_numpy(), dtype=np.int64)


def _begins(rows: Array) -> Mask:
    """Where a block starts: a row number that differs from the one before and is not absent."""
    return np.asarray((rows >= 0) & (rows != np.concatenate([[-1], rows[:-1]])), dtype=np.bool_)


def _ids(table: pa.Table, name: str, where: Mask, into: Dictionary[T], parse: Callable[[Any], T]) -> Array:
    column = table.column(name).combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = column.unify_dictionaries().combine_chunks()
    ids = np.array(
        [*(into.intern_raw(raw, partial(parse, raw)) for raw in column.dictionary.to_pylist()), -1],
        dtype=np.int32,
    )
    index = np.array(column.indices.fill_null(len(ids) - 1).to_numpy(zero_copy_only=False))
    found: Array = ids[index[where]]
    return found


def _frames(table: pa.Table, known: Dictionaries) -> Frames:
    payload = np.array(table.column("payload").to_numpy(), dtype=np.int64)
    rm, sm, m = (_rows(table, f"{name}_block") for name in ("resource", "scope", "metric"))
    kind_column = table.column("kind")
    points = np.array(kind_column.is_valid().to_numpy(), dtype=np.bool_)
    starts = (
        np.concatenate([[True], payload[1:] != payload[:-1]]) if len(payload) else np.zeros(0, dtype=np.bool_)
    )
    new_rm, new_sm, new_m = _begins(rm), _begins(sm), _begins(m)

    def parent(begins: Mask, at: Mask) -> Array:
        return (np.cumsum(begins) - 1)[at]

    def numbers(name: str) -> Array:
        return np.array(table.column(name).fill_null(0).to_numpy())[points]

    def urls(name: str, where: Mask) -> Array:
        return _ids(table, name, where, known.schema_urls, str)

    def attributes(raw: bytes) -> Attributes:
        return parse_attributes(raw)

    kind = numbers("kind")
    side: list[SidePoint] = []
    p_side = np.full(len(kind), -1, dtype=np.int32)
    column = table.column("side").filter(pa.array(points))
    if column.null_count < len(column):
        for at, raw in enumerate(column.to_pylist()):
            if raw is not None:
                p_side[at] = len(side)
                side.append(parse_side(PointKind(int(kind[at])), raw))
    return Frames(
        known,
        np.array(table.column("arrival").to_numpy(), dtype=np.uint64)[starts],
        {
            "rm_payload": parent(starts, new_rm),
            "rm_resource": _ids(table, "resource", new_rm, known.resources, parse_resource),
            "rm_schema": urls("resource_schema", new_rm),
            "sm_rm": parent(new_rm, new_sm),
            "sm_scope": _ids(table, "scope", new_sm, known.scopes, parse_scope),
            "sm_schema": urls("scope_schema", new_sm),
            "m_sm": parent(new_sm, new_m),
            "m_header": _ids(table, "header", new_m, known.headers, parse_header),
            "p_metric": parent(new_m, points),
            "p_attributes": _ids(table, "point_attributes", points, known.attribute_sets, attributes),
            "p_start": numbers("start"),
            "p_time": numbers("time"),
            "p_kind": kind,
            "p_int": numbers("int_value"),
            "p_double": numbers("double_value"),
            "p_flags": numbers("flags"),
            "p_side": p_side,
        },
        side,
    )
