"""Payloads and intervals in DuckDB: columns of points, the shape of each payload, values once per run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa

from phoenix_nb.errors import ClosedError, NotFoundError
from phoenix_nb.interfaces import Context, Interval
from phoenix_nb.otlp import Dictionaries, Frames, PointKind
from phoenix_nb.store._arrays import ArrayInlet, PreparedArrays
from phoenix_nb.store._columns import Inlet
from phoenix_nb.store._database import Database
from phoenix_nb.store._telemetry_books import BookReader, Books
from phoenix_nb.store._telemetry_intervals import read_intervals, write_intervals
from phoenix_nb.store._telemetry_rows import (
    Rows,
    frames_from,
    payload_columns,
    point_columns,
    shapes_of,
    side_columns,
)

__all__ = ["DuckDbTelemetryStore"]

Cursor = duckdb.DuckDBPyConnection

_CHUNK: Final = 60
_PAYLOADS: Final = ArrayInlet(
    "payloads",
    {
        "stream": np.int32,
        "book": np.int32,
        "payload": np.int64,
        "arrival": np.uint64,
        "first_point": np.int64,
        "points": np.int32,
        "shape": np.int32,
    },
    "INSERT INTO telemetry_payload SELECT * EXCLUDE (there) FROM {fresh} WHERE there",
)
_POINTS: Final = ArrayInlet(
    "points",
    {
        "stream": np.int32,
        "book": np.int32,
        "point": np.int64,
        "payload": np.int64,
        "series": np.int32,
        "time": np.uint64,
        "start_time": np.uint64,
        "kind": np.uint8,
        "int_value": np.int64,
        "double_value": np.float64,
        "flags": np.uint32,
    },
    # Nulls, so that an aggregate never counts a value that is not there. A NaN is there; which one is in the shape.
    f"""
    INSERT INTO telemetry_point
    SELECT
        * EXCLUDE (there) REPLACE (
            CASE kind WHEN {PointKind.INT:d} THEN int_value END AS int_value,
            CASE kind WHEN {PointKind.DOUBLE:d} THEN coalesce(double_value, 'nan') END AS double_value
        )
    FROM {{fresh}}
    WHERE there
    """,  # noqa: S608 - our numbers
)
_SIDES: Final = Inlet(
    {"point": ("BIGINT", pa.int64()), "wire": ("BLOB", pa.binary())},
    "INSERT INTO telemetry_side SELECT ?, * FROM {fresh}",
)

_Stream = tuple[int, int, int]
"""The number of a stream and what it holds: payloads, points."""


class _Known:
    """What the one owner of the store knows to be in it."""

    def __init__(self) -> None:
        self.books = Books()
        self.prepared: PreparedArrays = {}
        self.streams: dict[tuple[str, str], _Stream] = {}

    def forget(self, experiment_id: str) -> None:
        """Know nothing of an experiment."""
        self.books.forget(experiment_id)
        self.streams = {key: stream for key, stream in self.streams.items() if key[0] != experiment_id}


class DuckDbTelemetryStore:
    """Keeps payloads and intervals in tables (``TelemetryStore``).

    The view ``telemetry`` shows number points by name in SQL. Frames of one run should share their ``Dictionaries``:
    each ``Dictionaries`` object writes its values once.

    Args:
        database: where; it stays open when the store is closed.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._closed = False

    async def append(self, ctx: Context, experiment_id: str, stream: str, frames: Frames) -> int:
        self._check(ctx)
        if not frames.n_payloads:
            return 0
        return await self._database.write(partial(self._append, experiment_id, stream, frames), together=True)

    def _append(self, experiment_id: str, name: str, frames: Frames, cursor: Cursor) -> int:
        known = self._known()
        book, shapes = known.books.add(cursor, known.prepared, experiment_id, frames, shapes_of(frames))
        stream = known.streams.get((experiment_id, name))
        if stream is None:
            stream = _stream(cursor, experiment_id, name) or _new_stream(cursor, experiment_id, name)
        number, payloads, points = stream
        key = {"stream": number, "book": book}
        fresh = {**key, **payload_columns(frames, payloads, points), "shape": shapes}
        _PAYLOADS.insert(cursor, known.prepared, fresh, frames.n_payloads)
        fresh = {**key, **point_columns(frames, payloads, points)}
        _POINTS.insert(cursor, known.prepared, fresh, frames.n_points)
        sides = side_columns(frames, points)
        if sides[0]:
            _SIDES.insert(cursor, sides, [number])
        known.streams[experiment_id, name] = (number, payloads + frames.n_payloads, points + frames.n_points)
        return frames.n_points

    def _known(self) -> _Known:
        known: _Known = self._database.remembered.setdefault("telemetry", _Known())
        return known

    async def read(
        self,
        ctx: Context,
        experiment_id: str,
        stream: str,
        dictionaries: Dictionaries,
        *,
        start: int = 0,
        stop: int | None = None,
    ) -> AsyncIterator[Frames]:
        self._check(ctx)
        found = await self._database.read(lambda cursor: _stream(cursor, experiment_id, stream))
        if found is None:
            return
        number, payloads, _ = found
        at, end = max(0, start), payloads if stop is None else min(stop, payloads)
        reader = BookReader(dictionaries)
        while at < end:
            self._check(ctx)
            work = partial(_chunk, reader, dictionaries, number, at, min(at + _CHUNK, end))
            frames = await self._database.read(work)
            if frames is None:
                raise NotFoundError(
                    f"the payloads of experiment {experiment_id} were deleted while they were read",
                    details={"experiment_id": experiment_id, "stream": stream, "payload": at},
                )
            at += frames.n_payloads
            yield frames

    async def append_intervals(self, ctx: Context, experiment_id: str, intervals: Sequence[Interval]) -> None:
        self._check(ctx)
        if intervals:
            await self._database.write(
                lambda cursor: write_intervals(cursor, experiment_id, intervals), together=True
            )

    async def read_intervals(
        self, ctx: Context, experiment_id: str, *, after: int = -1
    ) -> Sequence[Interval]:
        self._check(ctx)
        return await self._database.read(lambda cursor: read_intervals(cursor, experiment_id, after))

    async def delete(self, ctx: Context, experiment_id: str) -> None:
        self._check(ctx)
        await self._database.write(partial(self._delete, experiment_id))

    def _delete(self, experiment_id: str, cursor: Cursor) -> None:
        self._known().forget(experiment_id)
        for owner, number, tables in (
            ("telemetry_stream", "stream", ("payload", "point", "side")),
            ("telemetry_book", "book", ("value", "series")),
        ):
            for table in tables:
                cursor.execute(
                    f"DELETE FROM telemetry_{table} WHERE {number} IN "  # noqa: S608 - our names
                    f"(SELECT {number} FROM {owner} WHERE experiment_id = ?)",
                    [experiment_id],
                )
        for table in ("stream", "book", "interval"):
            cursor.execute(f"DELETE FROM telemetry_{table} WHERE experiment_id = ?", [experiment_id])  # noqa: S608

    async def aclose(self) -> None:
        self._closed = True

    def _check(self, ctx: Context) -> None:
        ctx.check()
        if self._closed:
            raise ClosedError("the telemetry store is closed", hint="open it again")


def _stream(cursor: Cursor, experiment_id: str, name: str) -> _Stream | None:
    found = cursor.execute(
        "SELECT stream FROM telemetry_stream WHERE experiment_id = ? AND name = ?", [experiment_id, name]
    ).fetchone()
    if found is None:
        return None
    (row,) = cursor.execute(
        "SELECT coalesce(max(payload) + 1, 0), coalesce(max(first_point + points), 0) FROM telemetry_payload "
        "WHERE stream = ?",
        [found[0]],
    ).fetchall()
    return found[0], *row


def _new_stream(cursor: Cursor, experiment_id: str, name: str) -> _Stream:
    ((number,),) = cursor.execute(
        "INSERT INTO telemetry_stream VALUES (nextval('telemetry_numbers'), ?, ?) RETURNING stream",
        [experiment_id, name],
    ).fetchall()
    return number, 0, 0


def _chunk(
    reader: BookReader, known: Dictionaries, stream: int, start: int, stop: int, cursor: Cursor
) -> Frames | None:
    """Payloads from ``start`` on, at most until ``stop`` or the end of a book; ``None`` when they are gone."""
    payloads = cursor.execute(
        "SELECT p.book, arrival, first_point, points, wire AS shape FROM telemetry_payload p "
        "LEFT JOIN telemetry_value v ON v.book = p.book AND v.kind = 'shape' AND v.id = p.shape "
        "WHERE stream = ? AND payload >= ? AND payload < ? ORDER BY payload",
        [stream, start, stop],
    ).to_arrow_table()
    if not len(payloads):
        return None
    books = payloads.column("book").to_pylist()
    book = books[0]
    payloads = payloads.slice(0, next((at for at, other in enumerate(books) if other != book), len(books)))
    first = payloads.column("first_point")[0].as_py()
    after = payloads.column("first_point")[-1].as_py() + payloads.column("points")[-1].as_py()
    where = "WHERE stream = ? AND point >= ? AND point < ? ORDER BY point"
    points, sides = (
        cursor.execute(f"SELECT {columns} FROM {table} {where}", [stream, first, after]).to_arrow_table()  # noqa: S608
        for columns, table in (
            ("series, time, start_time, kind, int_value, double_value, flags", "telemetry_point"),
            ("point, wire", "telemetry_side"),
        )
    )
    return frames_from(Rows(payloads, points, sides), known, partial(reader.translate, cursor, book))
