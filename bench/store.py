"""Rows per second into the telemetry store against a raw DuckDB insert of the same points from Arrow.

The payloads are those of a simulated host. Ours turns them into rows, keeps what names them and the shape of each
payload, and commits; the peer gets the point rows as finished Arrow tables with the same columns and commits as often.
Both write a file on disk. Wall time.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

from bench._measure import Row, compare
from phoenix_nb.interfaces import Context
from phoenix_nb.otlp import Dictionaries, Frames
from phoenix_nb.runtime import VirtualClock
from phoenix_nb.simulation import compile_world, load_profile
from phoenix_nb.sources import SimulationSource
from phoenix_nb.store import Database, DuckDbTelemetryStore
from phoenix_nb.store._telemetry_rows import rows_of

CTX = Context.background()


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


def _raw(tables: Sequence[Any]) -> float:
    import duckdb

    with (
        tempfile.TemporaryDirectory() as folder,
        duckdb.connect(Path(folder) / "raw.duckdb", config={"threads": 1}) as connection,
    ):
        connection.register("shape", tables[0].slice(0, 0))
        connection.execute(
            "CREATE TABLE point AS SELECT 1::INTEGER AS stream, 1::INTEGER AS book, * FROM shape"
        )
        begin = time.perf_counter()
        for table in tables:
            cursor = connection.cursor()
            cursor.execute("BEGIN")
            cursor.register("fresh", table)
            cursor.execute("INSERT INTO point SELECT ?, ?, * FROM fresh", [1, 1])
            cursor.execute("COMMIT")
            cursor.close()
        return time.perf_counter() - begin


def run(repeats: int) -> list[Row]:
    """The rows."""
    rows = []
    for what, payloads in (
        ("60 payloads per append", asyncio.run(_payloads(720, singly=False))),
        ("one payload per append", asyncio.run(_payloads(120, singly=True))),
    ):
        count = sum(frames.n_points for frames in payloads)
        begins = accumulate((frames.n_points for frames in payloads), initial=0)
        tables = [rows_of(frames, 0, begin).points for frames, begin in zip(payloads, begins, strict=False)]
        rows.append(
            compare(
                f"{what}, {count / len(payloads):,.0f} points",
                partial(_rate_of_store, payloads, count),
                partial(_rate_of_raw, tables, count),
                peer_name="raw insert",
                unit="points/s",
                repeats=repeats,
                least=0.8,
            )
        )
    return rows


def _rate_of_store(payloads: Sequence[Frames], count: int) -> float:
    return count / asyncio.run(_store(payloads))


def _rate_of_raw(tables: Sequence[Any], count: int) -> float:
    return count / _raw(tables)
