"""Workspaces of earlier forms open with everything that is in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from phoenix_nb.interfaces import Context
from phoenix_nb.otlp import (
    Attributes,
    Dictionaries,
    Frames,
    FramesBuilder,
    MetricHeader,
    Resource,
    encode_protobuf,
)
from phoenix_nb.store import Database, DuckDbTelemetryStore, _migrations
from phoenix_nb.store._shapes import SHAPE_LISTS, unpack_shape
from phoenix_nb.testing.contracts import sample_frames

CTX = Context.background()


async def stored(database: Database, stream: str) -> list[bytes]:
    store = DuckDbTelemetryStore(database)
    return [
        raw
        async for frames in store.read(CTX, "exp_1", stream, Dictionaries())
        for raw in encode_protobuf(frames)
    ]


def odd_frames(known: Dictionaries) -> Frames:
    build = FramesBuilder(known)
    for number in range(3):
        build.begin_payload(number).begin_resource(Resource(Attributes.of({"odd": number}))).begin_scope()
        build.begin_metric(MetricHeader("odd"))
        for value in (0.0, -0.0, float("nan"), np.uint64(0x7FF0000000000002).view(np.float64)):
            build.number_point(Attributes.EMPTY, 0, 1, value)
    return build.finish()


def rows_of(cursor: Any, table: str) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = cursor.execute(f"SELECT * FROM {table} ORDER BY rowid").fetchall()
    return rows


async def test_telemetry_of_form_2_is_brought_forward(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Dictionaries()
    streams = {"raw": sample_frames(known, 70), "baseline": odd_frames(known)}
    newer = await Database.open(None)
    for name, frames in streams.items():
        await DuckDbTelemetryStore(newer).append(CTX, "exp_1", name, frames)

    path = tmp_path / "store.duckdb"
    scripts = _migrations._scripts()
    with monkeypatch.context() as patch:
        patch.setattr(_migrations, "_scripts", lambda: scripts[:2])
        await (await Database.open(path)).aclose()

    def write_down(cursor: duckdb.DuckDBPyConnection) -> None:
        """What form 2 had for the same: lists in the payloads, and counts."""
        values = rows_of(cursor, "telemetry_value")
        shapes = {
            (book, number): unpack_shape(wire) for book, kind, number, wire, *_ in values if kind == "shape"
        }
        with duckdb.connect(path) as older:
            for table in ("telemetry_series", "telemetry_point", "telemetry_side"):
                older.register("fresh", cursor.execute(f"SELECT * FROM {table}").to_arrow_table())
                older.execute(f"INSERT INTO {table} SELECT * FROM fresh")
            for row in values:
                if row[1] != "shape":
                    older.execute("INSERT INTO telemetry_value VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            for row in rows_of(cursor, "telemetry_stream"):
                older.execute("INSERT INTO telemetry_stream VALUES (?, ?, ?, 4711, 4711)", row)
            for row in rows_of(cursor, "telemetry_book"):
                older.execute("INSERT INTO telemetry_book VALUES (?, ?, 4711)", row)
            for stream, book, *rest, number in rows_of(cursor, "telemetry_payload"):
                shape = shapes[book, number]
                lists = [shape[name].tolist() for name in SHAPE_LISTS]
                marks = ", ".join("?" * 16)
                older.execute(
                    f"INSERT INTO telemetry_payload VALUES ({marks})", [stream, book, *rest, *lists]
                )
            older.execute("SELECT nextval('telemetry_numbers') FROM range(100)")

    await newer.read(write_down)
    await newer.aclose()

    database = await Database.open(path)
    for name, frames in streams.items():
        assert await stored(database, name) == encode_protobuf(frames)
    more = sample_frames(known, 5, first=70)
    await DuckDbTelemetryStore(database).append(CTX, "exp_1", "raw", more)
    assert await stored(database, "raw") == encode_protobuf(streams["raw"]) + encode_protobuf(more)
    await database.aclose()
    # And the file is whole: it opens again as the newest form.
    database = await Database.open(path)
    assert await stored(database, "baseline") == encode_protobuf(streams["baseline"])
    await database.aclose()
