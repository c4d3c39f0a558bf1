"""The journal of events in DuckDB."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

import duckdb
import pyarrow as pa

from phoenix_nb.errors import ConflictError
from phoenix_nb.interfaces import Context, Event, EventFilter
from phoenix_nb.store._columns import Inlet
from phoenix_nb.store._database import Database
from phoenix_nb.store._documents import Cursor, stored_value

__all__ = ["DuckDbJournal"]

_EVENTS: Final = Inlet(
    {
        "sequence": ("BIGINT", pa.int64()),
        "id": ("VARCHAR", pa.string()),
        "time": ("TIMESTAMPTZ", pa.timestamp("us", tz="UTC")),
        "type": ("VARCHAR", pa.string()),
        "source": ("VARCHAR", pa.string()),
        "subject": ("VARCHAR", pa.string()),
        "keys": ("VARCHAR[]", pa.list_(pa.string())),
        "texts": ("VARCHAR[]", pa.list_(pa.string())),
        "json": ("VARCHAR", pa.string()),
    },
    """
    INSERT INTO event
    SELECT sequence, id, time, type, source, subject, map(keys, texts), json FROM {fresh}
    """,
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
        ids = [event.id for event in events]
        if len({*ids}) < len(ids):
            raise _refusal(one for one in ids if ids.count(one) > 1)
        try:
            return await self._database.write(partial(self._append, events), together=True)
        except _TakenError as error:
            raise _refusal(await self._database.read(partial(_known, ids))) from error

    async def read(self, ctx: Context, filter: EventFilter, *, limit: int = 1000) -> Sequence[Event]:  # noqa: A002 - as declared
        ctx.check()
        return await self._database.read(partial(_read, filter, limit))

    async def last_sequence(self, ctx: Context) -> int:
        ctx.check()
        return await self._database.read(_last)

    def _append(self, events: Sequence[Event], cursor: Cursor) -> tuple[Event, ...]:
        known = self._database.remembered
        last: int = known["sequence"] if "sequence" in known else _last(cursor)
        columns = [
            [*range(last + 1, last + 1 + len(events))],
            [event.id for event in events],
            [event.time for event in events],
            [event.type for event in events],
            [event.source for event in events],
            [event.subject for event in events],
            [[*event.metadata.keys()] for event in events],
            [[*event.metadata.values()] for event in events],
            # The position is a column only.
            [event.model_copy(update={"sequence": None}).model_dump_json() for event in events],
        ]
        try:
            _EVENTS.insert(cursor, columns)
        except duckdb.ConstraintException as error:
            raise _TakenError from error
        known["sequence"] = last + len(events)
        return tuple(event.model_copy(update={"sequence": at}) for at, event in enumerate(events, last + 1))


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
