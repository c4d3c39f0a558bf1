"""The journal of events in DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pyarrow as pa

from phoenix_nb.errors import ConflictError
from phoenix_nb.interfaces import Context, Event, EventFilter
from phoenix_nb.store._database import Database
from phoenix_nb.store._documents import Cursor, stored_value

__all__ = ["DuckDbJournal"]

_SCHEMA = pa.schema(
    [
        ("sequence", pa.int64()),
        ("id", pa.string()),
        ("time", pa.timestamp("us", tz="UTC")),
        ("type", pa.string()),
        ("source", pa.string()),
        ("subject", pa.string()),
        ("metadata", pa.map_(pa.string(), pa.string())),
        ("json", pa.string()),
    ]
)


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
        return await self._database.write(partial(_append, events))

    async def read(self, ctx: Context, filter: EventFilter, *, limit: int = 1000) -> Sequence[Event]:  # noqa: A002 - as declared
        ctx.check()
        return await self._database.read(partial(_read, filter, limit))

    async def last_sequence(self, ctx: Context) -> int:
        ctx.check()
        return await self._database.read(_last)


def _last(cursor: Cursor) -> int:
    row = cursor.execute("SELECT coalesce(max(sequence), 0) FROM event").fetchone()
    return 0 if row is None else int(row[0])


def _append(events: Sequence[Event], cursor: Cursor) -> tuple[Event, ...]:
    ids = [event.id for event in events]
    known = cursor.execute("SELECT id FROM event WHERE id IN ?", [ids]).fetchall()
    twice = {one for one in ids if ids.count(one) > 1} if len({*ids}) < len(ids) else set()
    if known or twice:
        refused = sorted(twice.union(key for (key,) in known))
        raise ConflictError(
            f"events with these ids are in the journal or in the batch already: {', '.join(refused)}",
            hint="nothing of the batch was kept; give every event an id of its own",
            details={"ids": [*refused]},
        )
    begin = _last(cursor) + 1
    placed = tuple(event.model_copy(update={"sequence": at}) for at, event in enumerate(events, begin))
    rows = [
        {
            "sequence": event.sequence,
            "id": event.id,
            "time": event.time,
            "type": event.type,
            "source": event.source,
            "subject": event.subject,
            "metadata": [*event.metadata.items()],
            "json": event.model_dump_json(),
        }
        for event in placed
    ]
    cursor.register("fresh", pa.Table.from_pylist(rows, schema=_SCHEMA))
    cursor.execute("INSERT INTO event SELECT * FROM fresh")
    return placed


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
        f"SELECT json FROM event WHERE {' AND '.join(where) or 'TRUE'} ORDER BY sequence LIMIT ?",  # noqa: S608 - our words
        [*parameters, max(limit, 0)],
    ).fetchall()
    return tuple(stored_value(Event, text, "event") for (text,) in rows)
