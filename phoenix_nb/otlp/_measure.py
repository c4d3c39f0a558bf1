"""What payloads cost: points, distinct series and exact bytes, by arithmetic, nothing materialised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.otlp._frames import Frames
from phoenix_nb.otlp._model import PointKind
from phoenix_nb.otlp._sidepoint import value_size
from phoenix_nb.otlp._wire import varint_sizes

__all__ = ["Measures", "measure", "point_bytes", "series_keys", "series_per_payload"]

Longs = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_BITMAP_CELLS: Final = 1 << 26


@dataclass(frozen=True, slots=True)
class Measures:
    """Per payload what it holds; each array has one int64 per payload."""

    points: Longs
    """Data points."""
    series: Longs
    """Distinct series: (resource attributes, metric name, point attributes) in any order."""
    bytes: Longs
    """Uncompressed OTLP protobuf bytes, equal to the length of the encoded payload."""


def measure(frames: Frames) -> Measures:
    """Points, distinct series and encoded bytes of each payload.

    Lazy frames are measured through their masks. Sizes of points are computed once per base, so that many
    selections of the same payloads cost little more than a sum each.
    """
    base, kept_rm, kept_sm, kept_m, kept_p = frames.selection
    masks = (kept_rm, kept_sm, kept_m, kept_p)
    payload = base.p_payload if kept_p is None else base.p_payload[kept_p]
    points = np.bincount(payload, minlength=frames.n_payloads).astype(np.int64)
    return Measures(points, series_per_payload(frames), _payload_bytes(base, *masks))


def point_bytes(frames: Frames) -> Longs:
    """Per point its encoded bytes, tag and length included, without what points share (metric, scope, resource)."""
    base, _, _, _, kept = frames.selection
    sizes: Longs = _remembered(base, "point_sizes", lambda: _point_sizes(base))
    return sizes if kept is None else sizes[kept]


def series_per_payload(frames: Frames) -> Longs:
    """How many distinct series each payload holds."""
    base, _, _, _, kept = frames.selection
    keys, payload = base.p_series_key, base.p_payload
    if kept is not None:
        keys, payload = keys[kept], payload[kept]
    count = np.zeros(frames.n_payloads, dtype=np.int64)
    if not len(keys):
        return count
    width = int(keys.max()) + 1
    if width > _BITMAP_CELLS or len(keys) * 64 < width:
        pairs = np.unique(payload.astype(np.int64) * width + keys)
        return np.bincount(pairs // width, minlength=frames.n_payloads).astype(np.int64)
    step = max(1, _BITMAP_CELLS // width)
    edges = np.searchsorted(payload, np.arange(0, frames.n_payloads + step, step)).tolist()
    for block, first in enumerate(range(0, frames.n_payloads, step)):
        rows = min(step, frames.n_payloads - first)
        low, high = edges[block], edges[block + 1]
        seen = np.zeros((rows, width), dtype=np.bool_)
        seen[payload[low:high] - first, keys[low:high]] = True
        count[first : first + rows] = np.count_nonzero(seen, axis=1)
    return count


def series_keys(frames: Frames) -> npt.NDArray[np.int32]:
    """The distinct series keys of all payloads together, increasing."""
    keys = frames.p_series_key
    if not len(keys):
        return np.zeros(0, dtype=np.int32)
    seen = np.zeros(int(keys.max()) + 1, dtype=np.bool_)
    seen[keys] = True
    return np.flatnonzero(seen).astype(np.int32)


def _framed(body: Longs) -> Longs:
    """Bytes of length-delimited fields with a one-byte tag."""
    return 1 + varint_sizes(body) + body


def _by_parent(sizes: Longs, edges: Longs, kept: Mask | None) -> Longs:
    """Sums of child sizes per parent row; ``edges`` say where the children of each start."""
    total = np.zeros(len(sizes) + 1, dtype=np.int64)
    np.cumsum(sizes if kept is None else sizes * kept, out=total[1:])
    reached = total.take(edges)
    return reached[1:] - reached[:-1]


def _point_sizes(base: Frames) -> Longs:
    """Per point its bytes inside the metric's data, tag and length included."""
    body = base.dictionaries.attribute_sets.sizes[base.p_attributes].copy()
    body += np.int64(9) * (base.p_start != 0)
    body += np.int64(9) * (base.p_time != 0)
    kind = base.p_kind
    body += np.int64(9) * ((kind == PointKind.INT) | (kind == PointKind.DOUBLE))
    flags = base.p_flags
    if flags.any():
        body += np.where(flags != 0, 1 + varint_sizes(flags.astype(np.int64)), 0)
    if len(base.side):
        used = base.p_side >= 0
        sizes = {row: value_size(base.side[row]) for row in set(base.p_side[used].tolist())}
        body[used] += np.array([sizes[row] for row in base.p_side[used].tolist()], dtype=np.int64)
    return _framed(body)


def _header_columns(base: Frames) -> tuple[Longs, npt.NDArray[np.bool_], Longs]:
    """Per metric: bytes around its data, whether it has data, bytes inside its data before the points."""
    known, header = base.dictionaries, base.m_header
    return known.headers.sizes.take(header), ~known.typeless().take(header), known.data_sizes().take(header)


def _sized(sizes: Longs, ids: npt.NDArray[np.int32]) -> Longs:
    """Bytes of an optional message field by id; -1 is absent."""
    return np.append(_framed(sizes), np.int64(0))[ids]


def _payload_bytes(
    base: Frames, kept_rm: Mask | None, kept_sm: Mask | None, kept_m: Mask | None, kept_p: Mask | None
) -> Longs:
    known = base.dictionaries
    point_sizes = _remembered(base, "point_sizes", lambda: _point_sizes(base))
    fixed, typed, inner = _remembered(base, "metric_sizes", lambda: _header_columns(base))
    data = inner + _by_parent(point_sizes, base.child_edges("p"), kept_p)
    metric = _framed(fixed + np.where(typed, _framed(data), 0))
    sm_own = _sized(known.scopes.sizes, base.sm_scope) + known.schema_urls.sizes[base.sm_schema]
    scope_block = _framed(sm_own + _by_parent(metric, base.child_edges("m"), kept_m))
    rm_own = _sized(known.resources.sizes, base.rm_resource) + known.schema_urls.sizes[base.rm_schema]
    block = _framed(rm_own + _by_parent(scope_block, base.child_edges("sm"), kept_sm))
    return _by_parent(block, base.bounds("rm"), kept_rm)


def _remembered(base: Frames, key: str, make: Any) -> Any:
    found = base.remembered.get(key)
    if found is None:
        found = base.remembered[key] = make()
    return found
