"""The store file: one owner, durable when acknowledged, and clear refusals of everything else."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from phoenix_nb.errors import ClosedError, StorageError, StoreBusyError
from phoenix_nb.interfaces import Context, EventFilter, ExperimentFilter
from phoenix_nb.otlp import Dictionaries, encode_protobuf
from phoenix_nb.store import (
    Database,
    DuckDbExperimentStore,
    DuckDbJournal,
    DuckDbTelemetryStore,
    _migrations,
)
from phoenix_nb.testing.contracts import sample_frames
from phoenix_nb.testing.samples import sample_event, sample_experiment

CTX = Context.background()

_WRITER = """
import asyncio, sys
from pathlib import Path
from phoenix_nb.interfaces import Context
from phoenix_nb.store import Database, DuckDbExperimentStore, DuckDbJournal
from phoenix_nb.testing.samples import sample_event, sample_experiment

async def main():
    database = await Database.open(Path(sys.argv[1]))
    journal, store = DuckDbJournal(database), DuckDbExperimentStore(database)
    number = 0
    while True:
        number += 1
        await journal.append(Context.background(), [sample_event(2 * number), sample_event(2 * number + 1)])
        await store.create_experiment(Context.background(), sample_experiment(number), idempotency_key=str(number))
        print(number, flush=True)

asyncio.run(main())
"""

_TOGETHER = """
import asyncio, sys
from pathlib import Path
from phoenix_nb.interfaces import Context
from phoenix_nb.otlp import Dictionaries
from phoenix_nb.store import Database, DuckDbJournal, DuckDbTelemetryStore
from phoenix_nb.testing.contracts import sample_frames
from phoenix_nb.testing.samples import sample_event

CTX = Context.background()

async def main():
    database = await Database.open(Path(sys.argv[1]))
    journal, store, known = DuckDbJournal(database), DuckDbTelemetryStore(database), Dictionaries()

    async def events(mine):
        for number in range(mine, 10**6, 3):
            (kept,) = await journal.append(CTX, [sample_event(number)])
            print("event", kept.sequence, kept.id, flush=True)

    async def payloads(stream):
        for number in range(10**6):
            await store.append(CTX, "exp_1", stream, sample_frames(known, 1, first=number))
            print(stream, number + 1, "-", flush=True)

    await asyncio.gather(*map(events, range(3)), payloads("raw"), payloads("baseline"))

asyncio.run(main())
"""

_HOLDER = """
import sys, time
import duckdb

connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
time.sleep(60)
"""

_FULL = """
import asyncio, json, resource, sys
from pathlib import Path
from phoenix_nb.errors import StorageError
from phoenix_nb.interfaces import Context
from phoenix_nb.store import Database, DuckDbJournal
from phoenix_nb.testing.samples import sample_event

CTX = Context.background()

async def main():
    path = Path(sys.argv[1])
    database = await Database.open(path)
    journal = DuckDbJournal(database)
    await journal.append(CTX, [sample_event(1)])
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    size = max(one.stat().st_size for one in (path, path.with_name(path.name + ".wal")) if one.exists())
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20_000, hard))
    refused = None
    try:
        await journal.append(CTX, [sample_event(number, metadata={"pad": "x" * 200}) for number in range(2, 500)])
    except StorageError as error:
        refused = {"message": error.message, "hint": error.hint}
    seen = await journal.last_sequence(CTX)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    (after,) = await journal.append(CTX, [sample_event(900)])
    print(json.dumps({"refused": refused, "seen": seen, "after": after.sequence}), flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def child(code: str, path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def put(path: Path, content: bytes) -> bytes:
    path.write_bytes(content)
    return content


def content(path: Path) -> bytes:
    return path.read_bytes()


def spoil(path: Path) -> None:
    """Change some bytes of every block after the headers."""
    damaged = bytearray(path.read_bytes())
    for at in range(3 * 4096, len(damaged), 1000):
        damaged[at] ^= 0xFF
    path.write_bytes(damaged)


def kill(process: subprocess.Popen[str]) -> str:
    """Kill at once; gives what it had said until then."""
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate(timeout=30)
    return rest


@pytest.fixture
def path(tmp_path: Path, no_stray_tasks: None, no_stray_threads: None) -> Path:
    return tmp_path / "store.duckdb"


async def test_what_was_written_is_there_after_reopening(path: Path) -> None:
    database = await Database.open(path)
    one = await DuckDbExperimentStore(database).create_experiment(CTX, sample_experiment())
    kept = await DuckDbJournal(database).append(CTX, [sample_event(1), sample_event(2)])
    await database.aclose()
    database = await Database.open(path)
    assert await DuckDbExperimentStore(database).get_experiment(CTX, one.id) == one
    assert list(await DuckDbJournal(database).read(CTX, EventFilter())) == list(kept)
    (more,) = await DuckDbJournal(database).append(CTX, [sample_event(3)])
    assert more.sequence == 3
    await database.aclose()


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
async def test_nothing_acknowledged_is_lost_when_the_owner_is_killed(path: Path) -> None:
    acknowledged = 0
    writer = child(_WRITER, path)
    while acknowledged < 15:
        acknowledged = int(line(writer))
    said = kill(writer).split()
    acknowledged = max(acknowledged, *(int(number) for number in said)) if said else acknowledged
    database = await Database.open(path)
    events = await DuckDbJournal(database).read(CTX, EventFilter())
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    # A batch is there whole; at most one more than was acknowledged.
    assert len(events) in {2 * acknowledged, 2 * acknowledged + 2}
    store = DuckDbExperimentStore(database)
    found = (await store.list_experiments(CTX, ExperimentFilter(page_size=1000))).experiments
    assert {sample_experiment(number) for number in range(1, acknowledged + 1)} <= {*found}
    again = await store.create_experiment(CTX, sample_experiment(999), idempotency_key="1")
    assert again == sample_experiment(1)
    await database.aclose()


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
async def test_nothing_acknowledged_is_lost_when_appends_share_their_commits(path: Path) -> None:
    writer = child(_TOGETHER, path)
    said = [line(writer) for _ in range(60)]
    said += kill(writer).splitlines(keepends=True)
    told = [one.split() for one in said if one.endswith("\n")]
    database = await Database.open(path)
    events = await DuckDbJournal(database).read(CTX, EventFilter(), limit=10**6)
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    kept = {(str(event.sequence), event.id) for event in events}
    assert {(sequence, key) for what, sequence, key in told if what == "event"} <= kept
    store = DuckDbTelemetryStore(database)
    for stream in ("raw", "baseline"):
        acknowledged = max(int(count) for what, count, _ in told if what == stream)
        parts = [frames async for frames in store.read(CTX, "exp_1", stream, Dictionaries())]
        found = [raw for frames in parts for raw in encode_protobuf(frames)]
        # At most one more than was acknowledged, and all of it.
        assert acknowledged <= len(found) <= acknowledged + 1
        assert found == encode_protobuf(sample_frames(Dictionaries(), len(found)))
    await database.aclose()


@pytest.mark.skipif(sys.platform == "win32", reason="needs flock")
async def test_a_second_process_is_told_who_owns_the_file(path: Path) -> None:
    owner = child(_WRITER, path)
    assert line(owner)
    with pytest.raises(StoreBusyError, match=str(owner.pid)) as caught:
        await Database.open(path)
    assert caught.value.details["pid"] == owner.pid
    assert "memory" in caught.value.hint
    kill(owner)
    database = await Database.open(path)
    with pytest.raises(StoreBusyError, match=str(os.getpid())):
        await Database.open(path)
    await database.aclose()
    await (await Database.open(path)).aclose()


async def test_duckdbs_own_lock_is_told_as_well(path: Path) -> None:
    holder = child(_HOLDER, path)
    assert line(holder)
    with pytest.raises(StoreBusyError) as caught:
        await Database.open(path)
    assert caught.value.details["pid"] == holder.pid
    kill(holder)


async def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path) -> None:
    before = put(path, b"hello, this is a text\n" * 100)
    with pytest.raises(StorageError, match="cannot be opened"):
        await Database.open(path)
    assert content(path) == before


async def test_a_database_of_somebody_else_is_refused_and_left_alone(path: Path) -> None:
    with duckdb.connect(path) as other:
        other.execute("CREATE TABLE mine (i INTEGER)")
    with pytest.raises(StorageError, match="not a store of Phoenix"):
        await Database.open(path)
    with duckdb.connect(path) as other:
        assert other.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("mine",)]


async def test_a_damaged_file_is_not_mistaken_for_a_busy_one(path: Path) -> None:
    database = await Database.open(path)
    await DuckDbJournal(database).append(CTX, [sample_event(number) for number in range(1000)])
    await database.aclose()
    spoil(path)
    # The message of DuckDB is about a block, which has the word lock in it.
    with pytest.raises(StorageError, match="block"):
        await Database.open(path)


async def test_a_newer_form_is_refused_and_left_alone(path: Path) -> None:
    await (await Database.open(path)).aclose()
    with duckdb.connect(path) as newer:
        newer.execute("INSERT INTO schema_version VALUES (4711)")
    with pytest.raises(StorageError, match="newer Phoenix") as caught:
        await Database.open(path)
    assert caught.value.details["version"] == 4711
    assert "upgrade" in caught.value.hint
    with duckdb.connect(path) as newer:
        newer.execute("DELETE FROM schema_version WHERE version = 4711")
    await (await Database.open(path)).aclose()


async def test_an_older_form_is_brought_forward_with_its_content(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = _migrations._scripts()
    monkeypatch.setattr(_migrations, "_scripts", lambda: scripts[:1])
    database = await Database.open(path)
    kept = await DuckDbJournal(database).append(CTX, [sample_event(1)])
    await database.aclose()
    broken = [*scripts, (scripts[-1][0] + 1, "CREATE TABLE halfway (i INTEGER); SELECT no_such_function();")]
    monkeypatch.setattr(_migrations, "_scripts", lambda: broken)
    with pytest.raises(StorageError, match="no_such_function"):
        await Database.open(path)
    monkeypatch.setattr(_migrations, "_scripts", lambda: scripts)
    database = await Database.open(path)
    assert list(await DuckDbJournal(database).read(CTX, EventFilter())) == list(kept)
    asked = "SELECT version FROM schema_version ORDER BY version"
    done = await database.read(lambda cursor: cursor.execute(asked).fetchall())
    assert done == [(number,) for number, _ in scripts]
    asked = "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'halfway'"
    assert await database.read(lambda cursor: cursor.execute(asked).fetchone()) == (0,)
    await database.aclose()


async def test_a_folder_that_cannot_be_made_is_refused(path: Path) -> None:
    put(path, b"")
    with pytest.raises(StorageError, match="cannot be made") as caught:
        await Database.open(path / "below" / "store.duckdb")
    assert "folder that you may write" in caught.value.hint


async def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be opened"):
        await Database.open(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is a folder that nobody can write, root included")
async def test_a_read_only_folder_is_refused() -> None:
    with pytest.raises(StorageError, match="cannot be opened") as caught:
        await Database.open(Path("/proc/self/store.duckdb"))
    assert "folder that you may write" in caught.value.hint


@pytest.mark.skipif(sys.platform == "win32", reason="needs file size limits")
async def test_a_full_disk_loses_nothing_and_can_be_gone_on_from(path: Path) -> None:
    writer = child(_FULL, path)
    told = json.loads(line(writer))
    assert "refused" in told["refused"]["message"]
    assert "full" in told["refused"]["hint"]
    assert (told["seen"], told["after"]) == (1, 2)
    kill(writer)
    database = await Database.open(path)
    events = await DuckDbJournal(database).read(CTX, EventFilter())
    assert [event.id for event in events] == [sample_event(1).id, sample_event(900).id]
    await database.aclose()


async def test_a_closed_store_says_so(path: Path) -> None:
    database = await Database.open(path)
    store = DuckDbExperimentStore(database)
    await database.aclose()
    await database.aclose()
    with pytest.raises(ClosedError, match=r"store\.duckdb"):
        await store.get_experiment(CTX, "exp_1")
    with pytest.raises(ClosedError):
        await store.create_experiment(CTX, sample_experiment())


async def test_closing_waits_for_what_runs() -> None:
    database = await Database.open(None)
    journal = DuckDbJournal(database)
    running = [asyncio.create_task(journal.append(CTX, [sample_event(number)])) for number in range(5)]
    await asyncio.sleep(0)
    await database.aclose()
    kept = await asyncio.gather(*running)
    assert sorted(one.sequence or 0 for batch in kept for one in batch) == [1, 2, 3, 4, 5]


async def test_a_failed_write_leaves_nothing() -> None:
    database = await Database.open(None)

    def half(cursor: duckdb.DuckDBPyConnection) -> None:
        cursor.execute("INSERT INTO experiment_key VALUES ('k', 'exp_1')")
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(half)
    count = "SELECT count(*) FROM experiment_key"
    assert await database.read(lambda cursor: cursor.execute(count).fetchone()) == (0,)
    await database.aclose()


async def test_a_read_sees_one_moment_and_cannot_write() -> None:
    database = await Database.open(None)
    loop = asyncio.get_running_loop()
    count = "SELECT count(*) FROM experiment"

    def read(cursor: duckdb.DuckDBPyConnection) -> tuple[object, object]:
        before = cursor.execute(count).fetchone()
        made = DuckDbExperimentStore(database).create_experiment(CTX, sample_experiment())
        asyncio.run_coroutine_threadsafe(made, loop).result(10)
        return before, cursor.execute(count).fetchone()

    assert await database.read(read) == ((0,), (0,))
    assert await database.read(lambda cursor: cursor.execute(count).fetchone()) == (1,)
    with pytest.raises(StorageError, match="read-only"):
        await database.read(lambda cursor: cursor.execute("DELETE FROM experiment"))
    await database.aclose()


async def test_no_call_blocks_the_loop(path: Path, no_blocking_calls: None) -> None:
    database = await Database.open(path)
    await DuckDbExperimentStore(database).create_experiment(CTX, sample_experiment())
    await DuckDbJournal(database).append(CTX, [sample_event()])
    assert await DuckDbJournal(database).last_sequence(CTX) == 1
    await database.aclose()
