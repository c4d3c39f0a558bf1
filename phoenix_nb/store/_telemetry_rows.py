"""Frames as rows of the telemetry tables and back; numbers of values stay those of the writer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from phoenix_nb.otlp import Dictionaries, Frames, PointKind, SidePoint
from phoenix_nb.otlp.wire import parse_side, side_wire

__all__ = ["Rows", "frames_from", "rows_of"]

Array = npt.NDArray[Any]
Translate = Callable[[str, Array], Array]

_VALUES: Final = {
    "rm_resource": "resource",
    "rm_schema": "schema",
    "sm_scope": "scope",
    "sm_schema": "schema",
    "m_header": "header",
}
"""Columns of blocks that hold numbers of values, and which kind."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What one append adds; the stream and the book come first in every table and are not in here."""

    payloads: pa.Table
    points: pa.Table
    sides: pa.Table
    """Without the book."""


def rows_of(frames: Frames, first_payload: int, first_point: int) -> Rows:
    """The rows of payloads that follow ``first_payload`` others with ``first_point`` points."""
    count, points = frames.n_payloads, frames.n_points
    payload = frames.p_payload
    of_points = np.bincount(payload, minlength=count)
    numbers = np.arange(first_point, first_point + points)
    of_rm, of_sm, of_m = (
        np.bincount(rows, minlength=count)
        for rows in (frames.rm_payload, frames.sm_payload, frames.m_payload)
    )
    before = np.cumsum(of_points) - of_points
    odd = _indistinct(frames)
    of_odd = np.bincount(payload[odd], minlength=count)
    return Rows(
        pa.table(
            {
                "payload": np.arange(first_payload, first_payload + count),
                "arrival": frames.arrival,
                "first_point": first_point + before,
                "points": of_points.astype(np.int32),
                "rm_resource": _lists(of_rm, frames.rm_resource),
                "rm_schema": _lists(of_rm, frames.rm_schema),
                "rm_scopes": _lists(of_rm, _children(frames.sm_rm, frames.n_rows("rm"))),
                "sm_scope": _lists(of_sm, frames.sm_scope),
                "sm_schema": _lists(of_sm, frames.sm_schema),
                "sm_metrics": _lists(of_sm, _children(frames.m_sm, frames.n_rows("sm"))),
                "m_header": _lists(of_m, frames.m_header),
                "m_points": _lists(of_m, _children(frames.p_metric, frames.n_rows("m"))),
                "exact_at": _lists(of_odd, (odd - before[payload[odd]]).astype(np.int32)),
                "exact_bits": _lists(of_odd, frames.p_double[odd].view(np.uint64)),
            }
        ),
        pa.table(
            {
                "point": numbers,
                "payload": payload + np.int64(first_payload),
                "series": frames.p_series,
                "time": frames.p_time,
                "start_time": frames.p_start,
                "kind": frames.p_kind,
                # Nulls, so that an aggregate in SQL never counts a value that is not there.
                "int_value": _values(frames.p_int, frames.p_kind == PointKind.INT),
                "double_value": _values(frames.p_double, frames.p_kind == PointKind.DOUBLE),
                "flags": frames.p_flags,
            }
        ),
        _sides(frames, numbers),
    )


def _children(parents: Array, rows: int) -> Array:
    return np.bincount(parents, minlength=rows).astype(np.int32)


def _lists(counts: Array, values: Array) -> pa.ListArray:
    offsets = np.zeros(len(counts) + 1, dtype=np.int32)
    np.cumsum(counts, out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values, from_pandas=False))


def _values(values: Array, there: npt.NDArray[np.bool_]) -> pa.Array:
    return pa.array(values, mask=~there, from_pandas=False)


def _indistinct(frames: Frames) -> Array:
    """Points whose double DuckDB takes for equal to one with other bits: negative zeros and every NaN."""
    double = frames.p_double
    return np.flatnonzero(((double == 0) & np.signbit(double)) | np.isnan(double))


def _sides(frames: Frames, numbers: Array) -> pa.Table:
    rows = np.flatnonzero(frames.p_side >= 0) if len(frames.side) else np.zeros(0, dtype=np.intp)
    wires = [
        side_wire(PointKind(kind), frames.side[at])
        for kind, at in zip(frames.p_kind[rows].tolist(), frames.p_side[rows].tolist(), strict=True)
    ]
    return pa.table({"point": numbers[rows], "wire": pa.array(wires, type=pa.binary())})


def frames_from(rows: Rows, known: Dictionaries, translate: Translate) -> Frames:
    """The frames of consecutive payloads of one book.

    Args:
        rows: everything of these payloads, in order; columns that are not needed may be missing.
        known: the dictionaries of the result.
        translate: numbers of values in ``known`` for stored ones, by kind; for ``series`` the numbers of the attribute
            sets of the points.
    """
    payloads, points = rows.payloads, rows.points
    lists = {
        field.name: payloads.column(field.name).combine_chunks()
        for field in payloads.schema
        if pa.types.is_list(field.type)
    }
    flat = {name: np.array(column.flatten().to_numpy()) for name, column in lists.items()}
    blocks = {name: translate(kind, flat[name]) for name, kind in _VALUES.items()}
    kind = _numbers(points, "kind")
    double = _numbers(points, "double_value")
    first = np.array(payloads.column("first_point").to_numpy())
    # Where the points of each payload begin in these columns.
    begins = first - first[0]
    odd = _parents(lists["exact_at"].value_lengths())
    double[begins[odd] + flat["exact_at"]] = flat["exact_bits"].view(np.float64)
    side, p_side = _side(rows.sides, kind, int(first[0]))
    return Frames(
        known,
        np.array(payloads.column("arrival").to_numpy()),
        {
            **blocks,
            "rm_payload": _parents(lists["rm_resource"].value_lengths()),
            "sm_rm": _parents(flat["rm_scopes"]),
            "m_sm": _parents(flat["sm_metrics"]),
            "p_metric": _parents(flat["m_points"]),
            "p_attributes": translate("series", _numbers(points, "series")),
            "p_start": _numbers(points, "start_time"),
            "p_time": _numbers(points, "time"),
            "p_kind": kind,
            "p_int": _numbers(points, "int_value"),
            "p_double": double,
            "p_flags": _numbers(points, "flags"),
            "p_side": p_side,
        },
        side,
    )


def _parents(counts: Any) -> Array:
    """Per child the row of its parent, from how many children each parent has."""
    sizes = np.asarray(counts)
    return np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)


def _numbers(points: pa.Table, name: str) -> Array:
    return np.array(points.column(name).fill_null(0).to_numpy())


def _side(sides: pa.Table, kind: Array, first: int) -> tuple[list[SidePoint], Array]:
    p_side = np.full(len(kind), -1, dtype=np.int32)
    at = sides.column("point").to_numpy() - first
    p_side[at] = np.arange(len(at), dtype=np.int32)
    wires = sides.column("wire").to_pylist()
    return [parse_side(PointKind(k), raw) for k, raw in zip(kind[at].tolist(), wires, strict=True)], p_side
