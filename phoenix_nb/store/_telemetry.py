"""Payloads and intervals in DuckDB: columns of points, the shape of each payload, values once per run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Final

import duckdb

from phoenix_nb.errors import ClosedError, NotFoundError
from phoenix_nb.interfaces import Context, Interval
from phoenix_nb.otlp import Dictionaries, Frames
from phoenix_nb.store._database import Database
from phoenix_nb.store._telemetry_books import BookReader, Books
from phoenix_nb.store._telemetry_intervals import read_intervals, write_intervals
from phoenix_nb.store._telemetry_rows import Rows, frames_from, rows_of

__all__ = ["DuckDbTelemetryStore"]

Cursor = duckdb.DuckDBPyConnection

_CHUNK: Final = 60


class DuckDbTelemetryStore:
    """Keeps payloads and intervals in tables (``TelemetryStore``).

    The view ``telemetry`` shows number points by name in SQL. Frames of one run should share their ``Dictionaries``:
    each ``Dictionaries`` object writes its values once.

    Args:
        database: where; it stays open when the store is closed.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._books = Books()
        self._closed = False

    async def append(self, ctx: Context, experiment_id: str, stream: str, frames: Frames) -> int:
        self._check(ctx)
        if not frames.n_payloads:
            return 0
        return await self._database.write(partial(self._append, experiment_id, stream, frames))

    def _append(self, experiment_id: str, name: str, frames: Frames, cursor: Cursor) -> int:
        book = self._books.add(cursor, experiment_id, frames)
        stream, payloads, points = _stream(cursor, experiment_id, name) or _new_stream(
            cursor, experiment_id, name
        )
        rows = rows_of(frames, payloads, points)
        for table, fresh, key in (
            ("telemetry_payload", rows.payloads, [stream, book]),
            ("telemetry_point", rows.points, [stream, book]),
            ("telemetry_side", rows.sides, [stream]),
        ):
            if len(fresh):
                cursor.register("fresh", fresh)
                places = ", ".join("?" * len(key))
                cursor.execute(f"INSERT INTO {table} SELECT {places}, * FROM fresh", key)  # noqa: S608 - our names
        cursor.execute(
            "UPDATE telemetry_stream SET payloads = payloads + ?, points = points + ? WHERE stream = ?",
            [frames.n_payloads, frames.n_points, stream],
        )
        return frames.n_points

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
            await self._database.write(lambda cursor: write_intervals(cursor, experiment_id, intervals))

    async def read_intervals(
        self, ctx: Context, experiment_id: str, *, after: int = -1
    ) -> Sequence[Interval]:
        self._check(ctx)
        return await self._database.read(lambda cursor: read_intervals(cursor, experiment_id, after))

    async def delete(self, ctx: Context, experiment_id: str) -> None:
        self._check(ctx)
        await self._database.write(partial(self._delete, experiment_id))

    def _delete(self, experiment_id: str, cursor: Cursor) -> None:
        self._books.forget(experiment_id)
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


def _stream(cursor: Cursor, experiment_id: str, name: str) -> tuple[int, int, int] | None:
    """The number of a stream and what it holds: payloads, points."""
    return cursor.execute(
        "SELECT stream, payloads, points FROM telemetry_stream WHERE experiment_id = ? AND name = ?",
        [experiment_id, name],
    ).fetchone()


def _new_stream(cursor: Cursor, experiment_id: str, name: str) -> tuple[int, int, int]:
    (row,) = cursor.execute(
        "INSERT INTO telemetry_stream VALUES (nextval('telemetry_numbers'), ?, ?, 0, 0)"
        " RETURNING stream, payloads, points",
        [experiment_id, name],
    ).fetchall()
    return row


def _chunk(
    reader: BookReader, known: Dictionaries, stream: int, start: int, stop: int, cursor: Cursor
) -> Frames | None:
    """Payloads from ``start`` on, at most until ``stop`` or the end of a book; ``None`` when they are gone."""
    payloads = cursor.execute(
        "SELECT * FROM telemetry_payload WHERE stream = ? AND payload >= ? AND payload < ? ORDER BY payload",
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
