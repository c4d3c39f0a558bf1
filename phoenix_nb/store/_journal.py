"""The journal of events in DuckDB."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

import duckdb
import pyarrow as pa

from phoenix_nb.errors import ConflictError
from phoenix_nb.interfaces import Context, Event, EventFilter
from phoenix_nb.store._database import Database
from phoenix_nb.store._documents import Cursor, stored_value

__all__ = ["DuckDbJournal"]

_FRESH: Final = {
    "position": ("BIGINT", pa.int64()),
    "id": ("VARCHAR", pa.string()),
    "time": ("TIMESTAMPTZ", pa.timestamp("us", tz="UTC")),
    "type": ("VARCHAR", pa.string()),
    "source": ("VARCHAR", pa.string()),
    "subject": ("VARCHAR", pa.string()),
    "keys": ("VARCHAR[]", pa.list_(pa.string())),
    "texts": ("VARCHAR[]", pa.list_(pa.string())),
    "json": ("VARCHAR", pa.string()),
}
"""Columns of events on their way in, with their types: for DuckDB, for Arrow. ``position`` counts from 1."""
_SCHEMA: Final = pa.schema([(name, kind) for name, (_, kind) in _FRESH.items()])
_LISTS: Final = ", ".join(f"unnest(?::{kind}[]) AS {name}" for name, (kind, _) in _FRESH.items())
_INSERT: Final = """
    INSERT INTO event
    SELECT
        (SELECT coalesce(max(sequence), 0) FROM event) + position,
        id, time, type, source, subject, map(keys, texts), json
    FROM {fresh}
    RETURNING sequence
"""
_SMALL: Final = 64
"""Events up to which lists go in faster than an Arrow table, which costs some milliseconds to announce."""


class DuckDbJournal:
    """Keeps events in a table (``Journal``); the view ``events`` shows them in SQL.

    Args:
        database: where.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, ctx: Context, events: Sequence[Event]) -> Sequence[Event]:
        ctx.check()
        if not events:
            return ()
        ids = [event.id for event in events]
        if len({*ids}) < len(ids):
            raise _refusal(one for one in ids if ids.count(one) > 1)
        try:
            return await self._database.write(partial(_append, events))
        except _TakenError as error:
            raise _refusal(await self._database.read(partial(_known, ids))) from error

    async def read(self, ctx: Context, filter: EventFilter, *, limit: int = 1000) -> Sequence[Event]:  # noqa: A002 - as declared
        ctx.check()
        return await self._database.read(partial(_read, filter, limit))

    async def last_sequence(self, ctx: Context) -> int:
        ctx.check()
        return await self._database.read(_last)


class _TakenError(Exception):
    """An id is in the journal; which one is found out after the transaction."""


def _refusal(ids: Iterable[str]) -> ConflictError:
    refused = sorted({*ids})
    return ConflictError(
        f"events with these ids are in the journal or twice in the batch: {', '.join(refused)}",
        hint="nothing of the batch was kept; give every event an id of its own",
        details={"ids": [*refused]},
    )


def _known(ids: list[str], cursor: Cursor) -> list[str]:
    return [key for (key,) in cursor.execute("SELECT id FROM event WHERE id IN ?", [ids]).fetchall()]


def _last(cursor: Cursor) -> int:
    row = cursor.execute("SELECT coalesce(max(sequence), 0) FROM event").fetchone()
    return 0 if row is None else int(row[0])


def _append(events: Sequence[Event], cursor: Cursor) -> tuple[Event, ...]:
    columns = [
        [*range(1, len(events) + 1)],
        [event.id for event in events],
        [event.time for event in events],
        [event.type for event in events],
        [event.source for event in events],
        [event.subject for event in events],
        [[*event.metadata.keys()] for event in events],
        [[*event.metadata.values()] for event in events],
        # The position is a column only: it is known when the row is there.
        [event.at(None).model_dump_json() for event in events],
    ]
    try:
        if len(events) <= _SMALL:
            cursor.execute(_INSERT.format(fresh=f"(SELECT {_LISTS})"), columns)
        else:
            arrays = [
                pa.array(column, type=kind) for column, kind in zip(columns, _SCHEMA.types, strict=True)
            ]
            cursor.register("fresh", pa.Table.from_arrays(arrays, schema=_SCHEMA))
            cursor.execute(_INSERT.format(fresh="fresh"))
    except duckdb.ConstraintException as error:
        raise _TakenError from error
    begin = min(sequence for (sequence,) in cursor.fetchall())
    return tuple(event.at(at) for at, event in enumerate(events, begin))


def _read(wanted: EventFilter, limit: int, cursor: Cursor) -> tuple[Event, ...]:
    conditions: list[tuple[str, object]] = [
        (f"{column} IN ?", [*values])
        for column, values in (
            ("type", wanted.types),
            ("source", wanted.sources),
            ("subject", wanted.subjects),
        )
        if values
    ]
    for condition, value in (
        ("time >= ?", wanted.start_time),
        ("time < ?", wanted.end_time),
        ("sequence > ?", wanted.after_sequence),
    ):
        if value is not None:
            conditions.append((condition, value))
    parameters = [value for _, value in conditions]
    where = [condition for condition, _ in conditions]
    for key, text in wanted.metadata.items():
        where.append("metadata[?] = ?")
        parameters += [key, text]
    rows = cursor.execute(
        f"SELECT json, sequence FROM event WHERE {' AND '.join(where) or 'TRUE'} ORDER BY sequence LIMIT ?",  # noqa: S608 - our words
        [*parameters, max(limit, 0)],
    ).fetchall()
    return tuple(stored_value(Event, text, "event").at(sequence) for text, sequence in rows)
