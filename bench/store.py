"""Points per second into the telemetry store against a raw DuckDB insert of the same rows from Arrow.

The payloads are those of a simulated host, 60 per append as in a replay or one as in a live run. The peer inserts the
very rows that ours inserts (points, shapes of payloads, names and series), found beforehand, from finished Arrow tables
into the same tables, and commits as often. The last rows compare with the point rows alone, without what names them.
All write a file on disk. Wall time.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from bench._measure import Row, compare
from phoenix_nb.interfaces import Context
from phoenix_nb.otlp import Dictionaries, Frames
from phoenix_nb.runtime import VirtualClock
from phoenix_nb.simulation import compile_world, load_profile
from phoenix_nb.sources import SimulationSource
from phoenix_nb.store import Database, DuckDbTelemetryStore

T = TypeVar("T")
CTX = Context.background()
Insert = tuple[str, list[Any], Any]
"""A statement, its parameters, and the Arrow table that it calls ``fresh``."""


async def _payloads(scrapes: int, *, singly: bool) -> list[Frames]:
    spec = compile_world(load_profile("realistic"))
    # Paced by a clock, a source gives payloads one by one.
    clock = VirtualClock() if singly else None
    source = SimulationSource(Dictionaries(), spec, seed=7, scrapes=scrapes, clock=clock)
    await source.open(CTX)
    found = [frames async for frames in source.payloads(CTX)]
    await source.aclose()
    return found


async def _store(payloads: Sequence[Frames]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        database = await Database.open(Path(folder) / "store.duckdb")
        store = DuckDbTelemetryStore(database)
        begin = time.perf_counter()
        for frames in payloads:
            await store.append(CTX, "exp_1", "raw", frames)
        seconds = time.perf_counter() - begin
        await database.aclose()
    return seconds


class _Recorder:
    """A database, and a cursor of it, that remembers what is inserted from Arrow: one list per write."""

    def __init__(self, database: Database) -> None:
        self.writes: list[list[Insert]] = []
        self._database = database
        self._cursor: Any = None
        self._fresh: Any = None

    async def write(self, work: Callable[[Any], T]) -> T:
        def recorded(cursor: Any) -> T:
            self._cursor = cursor
            self.writes.append([])
            return work(self)

        return await self._database.write(recorded)

    def register(self, name: str, table: Any) -> None:
        self._fresh = table
        self._cursor.register(name, table)

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Any:
        if statement.endswith("FROM fresh"):
            self.writes[-1].append((statement, [*parameters], self._fresh))
        return self._cursor.execute(statement, [*parameters])


async def _inserts(payloads: Sequence[Frames]) -> list[list[Insert]]:
    with tempfile.TemporaryDirectory() as folder:
        database = await Database.open(Path(folder) / "store.duckdb")
        recorder = _Recorder(database)
        store = DuckDbTelemetryStore(cast("Database", recorder))
        for frames in payloads:
            await store.append(CTX, "exp_1", "raw", frames)
        await database.aclose()
    return recorder.writes


def _raw(writes: Sequence[Sequence[Insert]]) -> float:
    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.duckdb"
        asyncio.run(_make_tables(path))
        with closing(duckdb.connect(path, config={"threads": 1})) as connection:
            begin = time.perf_counter()
            for inserts in writes:
                with closing(connection.cursor()) as cursor:
                    cursor.execute("BEGIN")
                    for statement, parameters, table in inserts:
                        cursor.register("fresh", table)
                        cursor.execute(statement, parameters)
                    cursor.execute("COMMIT")
            return time.perf_counter() - begin


async def _make_tables(path: Path) -> None:
    await (await Database.open(path)).aclose()


def run(repeats: int) -> list[Row]:
    """The rows."""
    whole, points = [], []
    for what, scrapes, singly in (("60 payloads", 720, False), ("one payload", 120, True)):
        payloads = asyncio.run(_payloads(scrapes, singly=singly))
        writes = asyncio.run(_inserts(payloads))
        only_points = [[one for one in inserts if "telemetry_point" in one[0]] for inserts in writes]
        count = sum(frames.n_points for frames in payloads)
        row = partial(
            compare,
            f"{what} per append, {count / len(payloads):,.0f} points",
            partial(_rate_of_store, payloads, count),
            unit="points/s",
            repeats=repeats,
        )
        whole.append(row(partial(_rate_of_raw, writes, count), peer_name="the same rows", least=0.8))
        points.append(row(partial(_rate_of_raw, only_points, count), peer_name="the point rows alone"))
    return whole + points


def _rate_of_store(payloads: Sequence[Frames], count: int) -> float:
    return count / asyncio.run(_store(payloads))


def _rate_of_raw(writes: Sequence[Sequence[Insert]], count: int) -> float:
    return count / _raw(writes)
