"""Frames as rows of the telemetry tables and back; numbers of values stay those of the writer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from phoenix_nb.otlp import Dictionaries, Frames, PointKind, SidePoint
from phoenix_nb.otlp.wire import parse_side, side_wire
from phoenix_nb.store._shapes import SHAPE_LISTS, pack_shape, unpack_shape

__all__ = ["Rows", "frames_from", "payload_columns", "point_columns", "shapes_of", "side_columns"]

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
    """The stored rows of consecutive payloads, in order."""

    payloads: pa.Table
    points: pa.Table
    sides: pa.Table


def payload_columns(frames: Frames, first_payload: int, first_point: int) -> dict[str, Array]:
    """Columns of payloads that follow ``first_payload`` others with ``first_point`` points."""
    of_points = _of_payloads(frames)
    return {
        "payload": np.arange(first_payload, first_payload + frames.n_payloads),
        "arrival": frames.arrival,
        "first_point": first_point + np.cumsum(of_points) - of_points,
        "points": of_points,
    }


def point_columns(frames: Frames, first_payload: int, first_point: int) -> dict[str, Array]:
    """Columns of the points of these payloads."""
    return {
        "point": np.arange(first_point, first_point + frames.n_points),
        "payload": frames.p_payload + np.int64(first_payload),
        "series": frames.p_series,
        "time": frames.p_time,
        "start_time": frames.p_start,
        "kind": frames.p_kind,
        "int_value": frames.p_int,
        "double_value": frames.p_double,
        "flags": frames.p_flags,
    }


def _of_payloads(frames: Frames) -> Array:
    """How many points each payload has."""
    return np.bincount(frames.p_payload, minlength=frames.n_payloads)


def side_columns(frames: Frames, first_point: int) -> list[list[Any]]:
    """Columns of what points have beyond numbers."""
    rows = np.flatnonzero(frames.p_side >= 0) if len(frames.side) else np.zeros(0, dtype=np.intp)
    wires = [
        side_wire(PointKind(kind), frames.side[at])
        for kind, at in zip(frames.p_kind[rows].tolist(), frames.p_side[rows].tolist(), strict=True)
    ]
    return [(rows + first_point).tolist(), wires]


def shapes_of(frames: Frames) -> list[bytes]:
    """Per payload its shape."""
    of_points = _of_payloads(frames)
    before = np.cumsum(of_points) - of_points
    odd = _indistinct(frames)
    of_odd = frames.p_payload[odd]
    parts = {
        "rm_resource": (frames.rm_payload, frames.rm_resource),
        "rm_schema": (frames.rm_payload, frames.rm_schema),
        "rm_scopes": (frames.rm_payload, _children(frames.sm_rm, frames.n_rows("rm"))),
        "sm_scope": (frames.sm_payload, frames.sm_scope),
        "sm_schema": (frames.sm_payload, frames.sm_schema),
        "sm_metrics": (frames.sm_payload, _children(frames.m_sm, frames.n_rows("sm"))),
        "m_header": (frames.m_payload, frames.m_header),
        "m_points": (frames.m_payload, _children(frames.p_metric, frames.n_rows("m"))),
        "exact_at": (of_odd, odd - before[of_odd]),
        "exact_bits": (of_odd, frames.p_double[odd].view(np.uint64)),
    }
    payloads = np.arange(frames.n_payloads + 1)
    edges = {name: np.searchsorted(owners, payloads).tolist() for name, (owners, _) in parts.items()}
    return [
        pack_shape(
            {name: values[edges[name][at] : edges[name][at + 1]] for name, (_, values) in parts.items()}
        )
        for at in range(frames.n_payloads)
    ]


def _children(parents: Array, rows: int) -> Array:
    return np.bincount(parents, minlength=rows).astype(np.int32)


def _indistinct(frames: Frames) -> Array:
    """Points whose double DuckDB takes for equal to one with other bits: negative zeros and every NaN."""
    double = frames.p_double
    return np.flatnonzero(((double == 0) & np.signbit(double)) | np.isnan(double))


def frames_from(rows: Rows, known: Dictionaries, translate: Translate) -> Frames:
    """The frames of consecutive payloads of one book.

    Args:
        rows: everything of these payloads, in order; columns that are not needed may be missing.
        known: the dictionaries of the result.
        translate: numbers of values in ``known`` for stored ones, by kind; for ``series`` the numbers of the attribute
            sets of the points.
    """
    payloads, points = rows.payloads, rows.points
    shapes = [unpack_shape(packed) for packed in payloads.column("shape").to_pylist()]
    flat = {name: np.concatenate([shape[name] for shape in shapes]) for name in SHAPE_LISTS}
    blocks = {name: translate(kind, flat[name]) for name, kind in _VALUES.items()}
    kind = _numbers(points, "kind")
    double = _numbers(points, "double_value")
    first = np.array(payloads.column("first_point").to_numpy())
    # Where the points of each payload begin in these columns.
    begins = first - first[0]
    odd = _owners(shapes, "exact_at")
    double[begins[odd] + flat["exact_at"]] = flat["exact_bits"].view(np.float64)
    side, p_side = _side(rows.sides, kind, int(first[0]))
    return Frames(
        known,
        np.array(payloads.column("arrival").to_numpy()),
        {
            **blocks,
            "rm_payload": _owners(shapes, "rm_resource"),
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


def _parents(counts: npt.ArrayLike) -> Array:
    """Per child the row of its parent, from how many children each parent has."""
    sizes = np.asarray(counts)
    return np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)


def _owners(shapes: Sequence[Mapping[str, Array]], name: str) -> Array:
    """Per item of a list its payload."""
    return _parents([len(shape[name]) for shape in shapes])


def _numbers(points: pa.Table, name: str) -> Array:
    return np.array(points.column(name).fill_null(0).to_numpy())


def _side(sides: pa.Table, kind: Array, first: int) -> tuple[list[SidePoint], Array]:
    p_side = np.full(len(kind), -1, dtype=np.int32)
    at = sides.column("point").to_numpy() - first
    p_side[at] = np.arange(len(at), dtype=np.int32)
    wires = sides.column("wire").to_pylist()
    return [parse_side(PointKind(k), raw) for k, raw in zip(kind[at].tolist(), wires, strict=True)], p_side
