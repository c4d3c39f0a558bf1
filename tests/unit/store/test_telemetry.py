"""The telemetry store: exact content, durability, atomic appends, several streams and runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from phoenix_nb.errors import CallCancelledError, ClosedError, ConflictError, NotFoundError, StorageError
from phoenix_nb.interfaces import Context
from phoenix_nb.otlp import (
    Attributes,
    Dictionaries,
    Frames,
    FramesBuilder,
    MetricHeader,
    PointKind,
    Resource,
    encode_protobuf,
    redact_frames,
)
from phoenix_nb.store._database import Database
from phoenix_nb.store._telemetry import DuckDbTelemetryStore
from phoenix_nb.testing.contracts import sample_frames
from phoenix_nb.testing.samples import sample_interval

CTX = Context.background()


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    made = await Database.open(None)
    yield made
    await made.aclose()


async def payloads(
    store: DuckDbTelemetryStore, stream: str = "raw", experiment: str = "exp_1"
) -> list[bytes]:
    return [
        raw
        async for frames in store.read(CTX, experiment, stream, Dictionaries())
        for raw in encode_protobuf(frames)
    ]


async def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    return await database.read(lambda cursor: cursor.execute(query).fetchall())


async def counts(database: Database) -> dict[str, int]:
    tables = [name for (name,) in await rows(database, "SELECT table_name FROM duckdb_tables()")]
    return {
        name: (await rows(database, f"SELECT count(*) FROM {name}"))[0][0]
        for name in tables
        if name.startswith("telemetry_")
    }


async def test_appends_are_there_after_the_process_died(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    frames = sample_frames(Dictionaries(), 70)
    database = await Database.open(path)
    store = DuckDbTelemetryStore(database)
    await store.append(CTX, "exp_1", "raw", frames)
    await store.append_intervals(CTX, "exp_1", [sample_interval()])
    # What a crash leaves behind is what is on the disk now, without the checkpoint of an orderly close.
    crashed = tmp_path / "crashed.duckdb"
    crashed.write_bytes(path.read_bytes())
    log = path.with_name("store.duckdb.wal")
    crashed.with_name("crashed.duckdb.wal").write_bytes(log.read_bytes())
    await database.aclose()
    for survivor in (crashed, path):
        database = await Database.open(survivor)
        store = DuckDbTelemetryStore(database)
        assert await payloads(store) == encode_protobuf(frames)
        assert list(await store.read_intervals(CTX, "exp_1")) == [sample_interval()]
        await database.aclose()


async def test_a_run_goes_on_after_reopening_with_other_dictionaries(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    expected: list[bytes] = []
    for part in range(3):
        database = await Database.open(path)
        store = DuckDbTelemetryStore(database)
        frames = sample_frames(Dictionaries(), 4, first=4 * part)
        # Values in another order get other numbers.
        frames.dictionaries.headers.intern(MetricHeader(f"unused {part}"))
        await store.append(CTX, "exp_1", "raw", frames)
        expected += encode_protobuf(frames)
        assert await payloads(store) == expected
        await database.aclose()


async def test_frames_come_in_chunks_and_keep_their_arrival(database: Database) -> None:
    store = DuckDbTelemetryStore(database)
    frames = sample_frames(Dictionaries(), 130)
    await store.append(CTX, "exp_1", "raw", frames)
    known = Dictionaries()
    found = [part async for part in store.read(CTX, "exp_1", "raw", known, start=5)]
    assert [part.n_payloads for part in found] == [60, 60, 5]
    assert all(part.dictionaries is known for part in found)
    whole = Frames.concat(found)
    assert whole.arrival.tolist() == frames.arrival.tolist()[5:]
    assert encode_protobuf(whole) == encode_protobuf(frames)[5:]


async def test_reading_into_the_dictionaries_of_the_writer_gives_the_same_numbers(database: Database) -> None:
    store = DuckDbTelemetryStore(database)
    frames = sample_frames(Dictionaries(), 3)
    await store.append(CTX, "exp_1", "raw", frames)
    sizes = [len(frames.dictionaries.resources), len(frames.dictionaries.headers)]
    found = [part async for part in store.read(CTX, "exp_1", "raw", frames.dictionaries)]
    assert found[0].p_series.tolist() == frames.p_series.tolist()
    assert [len(frames.dictionaries.resources), len(frames.dictionaries.headers)] == sizes


async def test_a_lazy_selection_is_stored_as_it_stands(database: Database) -> None:
    store = DuckDbTelemetryStore(database)
    frames = sample_frames(Dictionaries(), 5)
    kept = frames.where(points=np.arange(frames.n_points) % 4 == 1)
    assert await store.append(CTX, "exp_1", "candidate", kept) == kept.n_points < frames.n_points
    assert await payloads(store, "candidate") == encode_protobuf(kept)


async def test_streams_that_append_at_the_same_time_stay_apart(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "store.duckdb")
    store = DuckDbTelemetryStore(database)
    shared = Dictionaries()
    streams = ("raw", "baseline", "candidate")
    parts = [sample_frames(shared, 2, first=2 * number) for number in range(8)]

    async def run(stream: str) -> None:
        for part in parts:
            await store.append(CTX, "exp_1", stream, part)

    await asyncio.gather(*(run(stream) for stream in streams))
    expected = [raw for part in parts for raw in encode_protobuf(part)]
    for stream in streams:
        assert await payloads(store, stream) == expected
    # Every value once, whatever stream came first.
    assert await rows(database, "SELECT count(*) FROM telemetry_book") == [(1,)]
    assert await rows(database, "SELECT kind, id FROM telemetry_value GROUP BY ALL HAVING count(*) > 1") == []
    await database.aclose()


async def test_a_failed_append_leaves_nothing_and_the_next_one_works(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    import phoenix_nb.store._telemetry as module

    store = DuckDbTelemetryStore(database)
    shared = Dictionaries()
    first, second = sample_frames(shared, 2), sample_frames(shared, 2, first=2)
    second.dictionaries.resources.intern(Resource(Attributes.of({"new": 1})))
    await store.append(CTX, "exp_1", "raw", first)
    before = await counts(database)

    def fail(*_: object) -> None:
        raise duckdb.IOException("IO Error: No space left on device")

    late = (
        FramesBuilder(shared).begin_payload(9).begin_resource(Resource(Attributes.of({"late": 1}))).finish()
    )
    with monkeypatch.context() as patch:
        patch.setattr(module, "payload_columns", fail)
        with pytest.raises(StorageError, match="No space left") as caught:
            await store.append(CTX, "exp_1", "raw", late)
        with pytest.raises(StorageError):
            await store.append(CTX, "exp_2", "raw", late)
    assert "free some space" in caught.value.hint
    assert await counts(database) == before
    await store.append(CTX, "exp_1", "raw", late)
    await store.append(CTX, "exp_1", "raw", second)
    assert await payloads(store) == encode_protobuf(first) + encode_protobuf(late) + encode_protobuf(second)


async def test_a_commit_that_fails_leaves_nothing_and_the_next_append_works(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = DuckDbTelemetryStore(database)
    frames = sample_frames(Dictionaries(), 2)
    before = await counts(database)
    write = database.write

    async def fail_at_commit(work: Any, *, together: bool = False) -> Any:
        def worked(cursor: duckdb.DuckDBPyConnection) -> None:
            work(cursor)
            raise duckdb.IOException("IO Error: no commit")

        return await write(worked, together=together)

    with monkeypatch.context() as patch:
        patch.setattr(database, "write", fail_at_commit)
        with pytest.raises(StorageError):
            await store.append(CTX, "exp_1", "raw", frames)
    assert await counts(database) == before
    await store.append(CTX, "exp_1", "raw", frames)
    assert await payloads(store) == encode_protobuf(frames)


async def test_only_values_that_payloads_use_are_stored(database: Database) -> None:
    store = DuckDbTelemetryStore(database)
    build = FramesBuilder(Dictionaries()).begin_payload()
    build.begin_resource(Resource(Attributes.of({"process.command_line": "login --password=hunter2"})))
    build.begin_scope().begin_metric(MetricHeader("m")).number_point(Attributes.EMPTY, 0, 1, 1)
    await store.append(CTX, "exp_1", "raw", redact_frames(build.finish()))
    wires = [wire for (wire,) in await rows(database, "SELECT wire FROM telemetry_value")]
    assert wires
    assert not any(b"hunter2" in wire for wire in wires)


async def test_deleting_an_experiment_leaves_no_row_and_it_can_begin_again(database: Database) -> None:
    store = DuckDbTelemetryStore(database)
    frames = sample_frames(Dictionaries(), 2)
    for stream in ("raw", "baseline"):
        await store.append(CTX, "exp_1", stream, frames)
    await store.append_intervals(CTX, "exp_1", [sample_interval()])
    await store.delete(CTX, "exp_1")
    assert set((await counts(database)).values()) == {0}
    await store.append(CTX, "exp_1", "raw", frames)
    await store.append_intervals(CTX, "exp_1", [sample_interval()])
    assert await payloads(store) == encode_protobuf(frames)
    assert await payloads(store, "baseline") == []


async def test_a_reader_learns_that_its_payloads_were_deleted(database: Database) -> None:
    store = DuckDbTelemetryStore(database)
    frames = sample_frames(Dictionaries(), 100)
    await store.append(CTX, "exp_1", "raw", frames)
    reading = store.read(CTX, "exp_1", "raw", Dictionaries())
    assert (await anext(reading)).n_payloads == 60
    await store.delete(CTX, "exp_1")
    await store.append(CTX, "exp_1", "raw", frames)
    with pytest.raises(NotFoundError, match="deleted while"):
        await anext(reading)


async def test_a_missing_value_is_told_not_guessed(database: Database) -> None:
    store = DuckDbTelemetryStore(database)
    await store.append(CTX, "exp_1", "raw", sample_frames(Dictionaries(), 1))
    await database.write(lambda cursor: cursor.execute("DELETE FROM telemetry_value WHERE kind = 'header'"))
    with pytest.raises(StorageError, match="lacks values"):
        await payloads(store)


async def test_a_missing_or_damaged_shape_is_told_not_guessed(database: Database) -> None:
    store = DuckDbTelemetryStore(database)
    await store.append(CTX, "exp_1", "raw", sample_frames(Dictionaries(), 1))
    for damage in (
        "UPDATE telemetry_value SET wire = 'odd'::BLOB WHERE kind = 'shape'",
        "DELETE FROM telemetry_value WHERE kind = 'shape'",
    ):
        await database.write(lambda cursor, damage=damage: cursor.execute(damage))  # type: ignore[misc]  # its type
        with pytest.raises(StorageError, match="shape of a payload"):
            await payloads(store)


async def test_a_shape_that_repeats_is_stored_once(database: Database) -> None:
    store = DuckDbTelemetryStore(database)
    shared = Dictionaries()

    def frames(metrics: int) -> Frames:
        build = FramesBuilder(shared).begin_payload(metrics)
        build.begin_resource(Resource(Attributes.of({"a": 1}))).begin_scope()
        for number in range(metrics):
            build.begin_metric(MetricHeader(f"m{number % 3}")).number_point(Attributes.EMPTY, 0, 1, number)
        return build.finish()

    # More shapes than are remembered: those that were pushed out are written again, under another number.
    parts = [frames(metrics) for metrics in (1, 2, 1, 2, *range(3, 103), 1, 102, 1)]
    for part in parts:
        await store.append(CTX, "exp_1", "raw", part)
    assert await payloads(store) == [raw for part in parts for raw in encode_protobuf(part)]
    asked = "SELECT count(*) FROM telemetry_value WHERE kind = 'shape'"
    assert await rows(database, asked) == [(103,)]


async def test_appends_of_any_size_keep_to_themselves(database: Database) -> None:
    # Points go through arrays that are used again, or through a table: no row of another append may show.
    store = DuckDbTelemetryStore(database)
    shared = Dictionaries()
    parts = []
    for number, points in enumerate((5000, 3, 64, 65, 8192, 8193, 4097, 0, 1)):
        build = FramesBuilder(shared).begin_payload(number).begin_resource().begin_scope()
        build.begin_metric(MetricHeader("m"))
        for point in range(points):
            odd = (point, -0.5 * point, float("nan"), -0.0, float("-inf"))[(point + number) % 5]
            build.number_point(Attributes.EMPTY, 0, number, odd)
        parts.append(build.finish())
    for part in parts:
        assert await store.append(CTX, "exp_1", "raw", part) == part.n_points
    assert await payloads(store) == [raw for part in parts for raw in encode_protobuf(part)]
    asked = (
        "SELECT payload, count(*), count(int_value), count(double_value), "
        "count(*) FILTER (isnan(double_value)) FROM telemetry_point GROUP BY payload ORDER BY payload"
    )
    assert await rows(database, asked) == [
        (at, part.n_points, ints, part.n_points - ints, nans)
        for at, part in enumerate(parts)
        if part.n_points
        for ints in [int((part.p_kind == PointKind.INT).sum())]
        for nans in [int(np.isnan(part.p_double).sum())]
    ]


@pytest.mark.parametrize(
    ("first", "second", "equal"),
    [(0.0, -0.0, True), (float("nan"), np.uint64(0x7FF0000000000002).view(np.float64), False)],
    ids=["zeros", "stale markers"],
)
async def test_equal_doubles_keep_their_bits_through_compression(
    tmp_path: Path, first: float, second: float, equal: bool
) -> None:
    # DuckDB stores a block of equal doubles as one constant, and to it zeros are equal; NaNs it may tell apart.
    build = FramesBuilder(Dictionaries())
    for payload in range(3):
        build.begin_payload(payload).begin_resource().begin_scope().begin_metric(MetricHeader("m"))
        for point in range(500):
            build.number_point(Attributes.EMPTY, 0, 1, second if (point + payload) % 7 == 3 else first)
    frames = build.finish()
    path = tmp_path / "store.duckdb"
    database = await Database.open(path)
    await DuckDbTelemetryStore(database).append(CTX, "exp_1", "raw", frames)
    await database.aclose()
    database = await Database.open(path)
    plain = await rows(database, "SELECT double_value FROM telemetry_point ORDER BY point")
    found = np.array([value for (value,) in plain]).view(np.uint64)
    if equal:
        assert found.tolist() != frames.p_double.view(np.uint64).tolist()
    assert await payloads(DuckDbTelemetryStore(database)) == encode_protobuf(frames)
    await database.aclose()


async def test_points_can_be_queried_by_name(database: Database) -> None:
    store = DuckDbTelemetryStore(database)
    await store.append(CTX, "exp_1", "raw", sample_frames(Dictionaries(), 2))
    found = await rows(
        database,
        "SELECT metric, unit, resource['process.executable.name'], attributes['state'], payload, value, "
        "epoch_ns(time) FROM telemetry WHERE experiment_id = 'exp_1' AND stream = 'raw' "
        "AND resource['process.pid'] = '40' ORDER BY payload, metric, 4",
    )
    begin = 1_767_225_600_000_000_000
    assert found == [
        ("process.cpu.time", "s", "nginx", "system", 0, 5.0, begin),
        ("process.cpu.time", "s", "nginx", "user", 0, 5.0, begin),
        ("process.memory.usage", "By", "nginx", None, 0, 4096.0 * 40, begin),
        ("process.cpu.time", "s", "nginx", "system", 1, 6.0, begin + 10**10),
        ("process.cpu.time", "s", "nginx", "user", 1, 6.0, begin + 10**10),
        ("process.memory.usage", "By", "nginx", None, 1, 4096.0 * 41, begin + 10**10),
    ]


async def test_an_interval_is_never_revised(database: Database) -> None:
    store = DuckDbTelemetryStore(database)
    await store.append_intervals(CTX, "exp_1", [sample_interval(0), sample_interval(1)])
    with pytest.raises(ConflictError, match="never revised"):
        await store.append_intervals(CTX, "exp_1", [sample_interval(2), sample_interval(1, source_points=1)])
    assert list(await store.read_intervals(CTX, "exp_1")) == [sample_interval(0), sample_interval(1)]
    start = sample_interval(1).start.astimezone(UTC)
    found = await rows(database, "SELECT start_time, warmup FROM telemetry_interval WHERE index = 1")
    assert found == [(start, sample_interval(1).warmup)]


async def test_a_closed_store_says_so_and_leaves_the_database_open(database: Database) -> None:
    store = DuckDbTelemetryStore(database)
    await store.aclose()
    with pytest.raises(ClosedError):
        await store.append(CTX, "exp_1", "raw", sample_frames(Dictionaries(), 1))
    with pytest.raises(ClosedError):
        await payloads(store)
    assert await rows(database, "SELECT 1") == [(1,)]


async def test_a_cancelled_caller_gets_no_more_payloads(database: Database) -> None:
    store = DuckDbTelemetryStore(database)
    await store.append(CTX, "exp_1", "raw", sample_frames(Dictionaries(), 100))
    ctx, token = CTX.with_cancel()
    reading = store.read(ctx, "exp_1", "raw", Dictionaries())
    await anext(reading)
    token.cancel()
    with pytest.raises(CallCancelledError):
        await anext(reading)
