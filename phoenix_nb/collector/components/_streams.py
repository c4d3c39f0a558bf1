"""Streams: which earlier point a point continues, for components that remember."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector.components._grouping import dense, distinct, first_places
from phoenix_nb.otlp import (
    Decoder,
    Dictionaries,
    Frames,
    Growing,
    MetricHeader,
    PairIndex,
    Scope,
    SidePoint,
    encode_protobuf,
)

__all__ = ["Streams", "load_points", "rounds", "save_points"]

Array = npt.NDArray[Any]
Ids = npt.NDArray[np.int32]
_TURNS: Final = 4


class Streams:
    """Numbers for streams, given in order of first appearance and never taken back.

    Args:
        dictionaries: the dictionaries of the run.
        scope: what of a scope tells streams apart.
        header: what of a metric tells streams apart.
        by_start: whether a point with another start time belongs to another stream.
        by_kind: whether an int and a double point belong to different streams.
    """

    def __init__(
        self,
        dictionaries: Dictionaries,
        *,
        scope: Callable[[Scope], Hashable],
        header: Callable[[MetricHeader], Hashable],
        by_start: bool = False,
        by_kind: bool = False,
    ) -> None:
        self._dictionaries = dictionaries
        self._scope, self._header = scope, header
        self._by_start, self._by_kind = by_start, by_kind
        self._scopes: dict[Hashable, int] = {}
        self._headers: dict[Hashable, int] = {}
        self._owners, self._shapes, self._bases = PairIndex(), PairIndex(), PairIndex()
        self._base: Growing[np.int32] = Growing(np.int32)
        self._known: dict[tuple[int, int, int], int] = {}
        # By what a series is, the stream that it had last.
        self._last_stream = np.zeros(0, dtype=np.int32)
        self._last_kind = np.zeros(0, dtype=np.uint8)
        self._last_start = np.zeros(0, dtype=np.uint64)
        self._stream_base: Growing[np.int32] = Growing(np.int32)
        self._kinds: Growing[np.uint8] = Growing(np.uint8)
        self._starts: Growing[np.uint64] = Growing(np.uint64)
        self.series: Growing[np.int32] = Growing(np.int32)
        """Per stream the first series id that belonged to it."""

    def __len__(self) -> int:
        return len(self.series)

    def numbers(self, series: Ids, kind: Array, start: Array) -> Ids:
        """The streams of points, given their series ids, kinds and start times."""
        self._extend()
        missing = len(self._bases) - len(self._last_stream)
        if missing > 0:
            # A copy of everything costs as much as everything there is, so there is room for as much again.
            more = missing + len(self._bases)
            self._last_stream = np.append(self._last_stream, np.full(more, -1, dtype=np.int32))
            self._last_kind = np.append(self._last_kind, np.zeros(more, dtype=np.uint8))
            self._last_start = np.append(self._last_start, np.zeros(more, dtype=np.uint64))
        if not len(series):
            return np.zeros(0, dtype=np.int32)
        base = self._base.view().take(series)
        if int(self._last_stream.take(base).min()) < 0:
            new = np.flatnonzero(self._last_stream.take(base) < 0)
            wanted = base.take(new)
            table, _ = first_places(wanted, len(self._last_stream))
            self._begin(new.take(np.sort(table.take(distinct(wanted)))), base, series, kind, start)
        # Most points continue the stream that their series had last; of the others each series is looked up once.
        found, fits = self._guess(base, kind, start)
        rows = np.flatnonzero(~fits)
        for _ in range(_TURNS):
            if not len(rows):
                return found
            first = rows[dense(base[rows]).first]
            self._search(first, base, series, kind, start, found)
            found[rows], fits = self._guess(base[rows], kind[rows], start[rows])
            rows = rows[~fits]
        self._search(rows, base, series, kind, start, found)
        return found

    def _guess(self, base: Ids, kind: Array, start: Array) -> tuple[Ids, Array]:
        """The streams that the series had last, and where they are the right ones."""
        found = self._last_stream.take(base)
        fits = np.ones(len(base), dtype=np.bool_)
        if self._by_start:
            fits = self._last_start.take(base) == start
        if self._by_kind:
            fits &= self._last_kind.take(base) == kind
        return found, fits

    def _begin(self, rows: Array, base: Ids, series: Ids, kind: Array, start: Array) -> None:
        """Streams for series that never had one."""
        at = base[rows]
        self._last_stream[at] = np.arange(len(self.series), len(self.series) + len(rows), dtype=np.int32)
        self._last_kind[at], self._last_start[at] = kind[rows], start[rows]
        self._stream_base.extend(at)
        self.series.extend(series[rows])
        self._kinds.extend(kind[rows].astype(np.uint8))
        self._starts.extend(start[rows].astype(np.uint64))

    def _search(self, rows: Array, base: Ids, series: Ids, kind: Array, start: Array, found: Ids) -> None:
        """Find streams one by one, among all that there are."""
        for stream in range(len(self._known), len(self.series)):
            key = self._key(
                int(self._stream_base.view()[stream]),
                int(self._kinds.view()[stream]),
                int(self._starts.view()[stream]),
            )
            self._known[key] = stream
        columns = (base[rows].tolist(), kind[rows].tolist(), start[rows].tolist(), series[rows].tolist())
        for at, number, one_kind, one_start, one_series in zip(rows.tolist(), *columns, strict=True):
            key = self._key(number, one_kind, one_start)
            stream = self._known.setdefault(key, len(self.series))
            if stream == len(self.series):
                self._stream_base.append(number)
                self.series.append(one_series)
                self._kinds.append(one_kind)
                self._starts.append(one_start)
            found[at] = self._last_stream[number] = stream
            self._last_kind[number], self._last_start[number] = one_kind, one_start

    def _key(self, base: int, kind: int, start: int) -> tuple[int, int, int]:
        return base, kind if self._by_kind else 0, start if self._by_start else 0

    def keys(self, streams: Array) -> tuple[Array, Array]:
        """Per stream the start time and the kind that its first point had."""
        return self._starts.view()[streams], self._kinds.view()[streams]

    def _extend(self) -> None:
        """Find what the new series of the run are."""
        known, index = self._dictionaries, self._dictionaries.series
        fresh = np.arange(len(self._base), len(index), dtype=np.int32)
        if not len(fresh):
            return
        scopes = [self._scopes.setdefault(self._scope(one), len(self._scopes)) for one in known.scopes]
        scopes.append(self._scopes.setdefault(self._scope(Scope()), len(self._scopes)))
        headers = [self._headers.setdefault(self._header(one), len(self._headers)) for one in known.headers]
        parts = index.parts(fresh)
        resource = known.resources.canonical[np.maximum(parts.resource, 0)]
        owner = self._owners.intern(resource, np.array(scopes, dtype=np.int32)[parts.scope])
        attributes = known.attribute_sets.canonical[parts.attributes]
        shape = self._shapes.intern(np.array(headers, dtype=np.int32)[parts.header], attributes)
        self._base.extend(self._bases.intern(owner, shape))

    def frames(self, streams: Array, points: dict[str, Array], side: Sequence[SidePoint] = ()) -> Frames:
        """One payload with a point per stream, as state that can be saved.

        Args:
            streams: the streams.
            points: point columns, as far as they are not empty.
            side: what ``p_side`` points into.
        """
        count = len(streams)
        index, series = self._dictionaries.series, self.series.view()[streams]
        rows = np.arange(count, dtype=np.int32)
        zeros = np.zeros(count, dtype=np.int32)
        columns = {
            "rm_payload": zeros,
            "rm_resource": index.resource[series],
            "rm_schema": zeros,
            "sm_rm": rows,
            "sm_scope": index.scope[series],
            "sm_schema": zeros,
            "m_sm": rows,
            "m_header": index.header[series],
            "p_metric": rows,
            "p_attributes": index.attributes[series],
            "p_start": zeros,
            "p_time": zeros,
            "p_kind": zeros,
            "p_int": zeros,
            "p_double": zeros,
            "p_flags": zeros,
            "p_side": np.full(count, -1, dtype=np.int32),
        }
        return Frames(self._dictionaries, [0], {**columns, **points}, side)


def save_points(frames: Frames) -> str:
    """Payloads as text that a state may hold."""
    parts = encode_protobuf(frames)
    packed = b"".join(len(part).to_bytes(4, "little") + part for part in parts)
    return base64.b64encode(zlib.compress(packed, 1)).decode()


def load_points(text: str, dictionaries: Dictionaries) -> Frames:
    """The inverse of :func:`save_points`, with the ids of these dictionaries."""
    packed = zlib.decompress(base64.b64decode(text))
    parts = []
    at = 0
    while at < len(packed):
        size = int.from_bytes(packed[at : at + 4], "little")
        parts.append(packed[at + 4 : at + 4 + size])
        at += 4 + size
    return Decoder(dictionaries).protobuf(parts)


def rounds(streams: Ids, payload: Array, payloads: int, total: int) -> Iterator[slice | Array]:
    """Runs of points in which no stream occurs twice, in an order that keeps each stream's own.

    Args:
        streams: per point its stream.
        payload: per point its payload; must not decrease.
        payloads: how many payloads there are.
        total: how many streams there are.
    """
    bounds = np.searchsorted(payload, np.arange(payloads + 1))
    seen = np.empty(total, dtype=np.int32)
    for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        if start == stop:
            continue
        part = streams[start:stop]
        places = np.arange(stop - start, dtype=np.int32)
        seen[part] = places
        if (seen[part] == places).all():
            yield slice(start, stop)
            continue
        order = np.argsort(part, kind="stable")
        found = dense(part[order])
        rank = np.arange(len(part)) - found.first[np.cumsum(found.is_first) - 1]
        place = np.empty(len(part), dtype=np.int64)
        place[order] = rank
        for turn in range(int(place.max()) + 1):
            yield start + np.flatnonzero(place == turn)
