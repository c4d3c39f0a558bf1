"""Points per second into the telemetry store against a raw DuckDB insert of the same rows from Arrow.

The payloads are those of a simulated host, 60 per append as in a replay or one as in a live run. The peer ends with the
very rows in the very tables that ours ends with (points, payloads with their shapes, new names and series), which are
read back beforehand. Per append it makes one transaction with one Arrow table and one ``INSERT … SELECT`` for every
table that gets rows; its Arrow tables are finished before the clock starts. The last rows compare with the point rows
alone, without what names them. All write a file on disk and are as durable after every append. Wall and CPU time.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from bench._measure import Row, compare
from phoenix_nb.interfaces import Context
from phoenix_nb.otlp import Dictionaries, Frames
from phoenix_nb.runtime import VirtualClock
from phoenix_nb.simulation import compile_world, load_profile
from phoenix_nb.sources import SimulationSource
from phoenix_nb.store import Database, DuckDbTelemetryStore

CTX = Context.background()
TABLES = [f"telemetry_{name}" for name in ("stream", "book", "value", "series", "payload", "point", "side")]
Insert = tuple[str, Any]
"""A table and the Arrow table of rows for it."""
Clock = Callable[[], float]


async def _payloads(scrapes: int, *, singly: bool) -> list[Frames]:
    spec = compile_world(load_profile("realistic"))
    # Paced by a clock, a source gives payloads one by one.
    clock = VirtualClock() if singly else None
    source = SimulationSource(Dictionaries(), spec, seed=7, scrapes=scrapes, clock=clock)
    await source.open(CTX)
    found = [frames async for frames in source.payloads(CTX)]
    await source.aclose()
    return found


async def _append(store: DuckDbTelemetryStore, payloads: Sequence[Frames]) -> None:
    for frames in payloads:
        await store.append(CTX, "exp_1", "raw", frames)


async def _store(payloads: Sequence[Frames], clock: Clock) -> float:
    with tempfile.TemporaryDirectory() as folder:
        database = await Database.open(Path(folder) / "store.duckdb")
        begin = clock()
        await _append(DuckDbTelemetryStore(database), payloads)
        seconds = clock() - begin
        await database.aclose()
    return seconds


async def _inserts(payloads: Sequence[Frames]) -> list[list[Insert]]:
    """The rows that each append leaves, by table."""
    database = await Database.open(None)
    store = DuckDbTelemetryStore(database)
    before = dict.fromkeys(TABLES, 0)
    found = []
    for frames in payloads:
        await _append(store, [frames])
        fresh = await database.read(partial(_rows_after, before))
        for table, rows in fresh:
            before[table] += len(rows)
        found.append(fresh)
    await database.aclose()
    return found


def _rows_after(before: Mapping[str, int], cursor: Any) -> list[Insert]:
    found = [
        (table, cursor.execute(f"SELECT * FROM {table} WHERE rowid >= ?", [count]).to_arrow_table())
        for table, count in before.items()
    ]
    return [(table, rows) for table, rows in found if len(rows)]


def _raw(writes: Sequence[Sequence[Insert]], clock: Clock) -> float:
    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.duckdb"
        asyncio.run(_make_tables(path))
        with closing(duckdb.connect(path, config={"threads": 1})) as connection:
            begin = clock()
            for inserts in writes:
                connection.execute("BEGIN")
                for table, rows in inserts:
                    connection.register("fresh", rows)
                    connection.execute(f"INSERT INTO {table} SELECT * FROM fresh")
                connection.execute("COMMIT")
            return clock() - begin


async def _make_tables(path: Path) -> None:
    await (await Database.open(path)).aclose()


def run(repeats: int) -> list[Row]:
    """The rows."""
    whole, points = [], []
    for what, scrapes, singly in (("60 payloads", 720, False), ("one payload", 120, True)):
        payloads = asyncio.run(_payloads(scrapes, singly=singly))
        writes = asyncio.run(_inserts(payloads))
        only_points = [[one for one in inserts if one[0] == "telemetry_point"] for inserts in writes]
        count = sum(frames.n_points for frames in payloads)
        for time_of, clock in (("wall", time.perf_counter), ("CPU", time.process_time)):
            row = partial(
                compare,
                f"{what} per append, {count / len(payloads):,.0f} points, {time_of} time",
                partial(_rate_of_store, payloads, count, clock),
                unit="points/s",
                repeats=repeats,
            )
            least = 0.8 if clock is time.perf_counter else None
            whole.append(
                row(partial(_rate_of_raw, writes, count, clock), peer_name="the same rows", least=least)
            )
            points.append(
                row(partial(_rate_of_raw, only_points, count, clock), peer_name="the point rows alone")
            )
    return whole + points


def _rate_of_store(payloads: Sequence[Frames], count: int, clock: Clock) -> float:
    return count / asyncio.run(_store(payloads, clock))


def _rate_of_raw(writes: Sequence[Sequence[Insert]], count: int, clock: Clock) -> float:
    return count / _raw(writes, clock)
