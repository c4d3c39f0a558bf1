"""The thread that writes: order, shared transactions, and what a failure leaves."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import duckdb
import pytest

from phoenix_nb.errors import ConflictError, StorageError
from phoenix_nb.interfaces import Context, EventFilter
from phoenix_nb.otlp import Dictionaries, encode_protobuf
from phoenix_nb.store import Database, DuckDbJournal, DuckDbTelemetryStore
from phoenix_nb.testing.contracts import sample_frames
from phoenix_nb.testing.samples import sample_event, sample_interval

CTX = Context.background()
Work = Callable[[duckdb.DuckDBPyConnection], Any]


@pytest.fixture
async def database(no_stray_tasks: None, no_stray_threads: None) -> AsyncIterator[Database]:
    made = await Database.open(None)
    yield made
    await made.aclose()


async def waiting(database: Database, *calls: Any) -> list[Any]:
    """What calls give, or raise, that all wait for the writer before the first of them runs."""
    free = threading.Event()
    first = asyncio.create_task(database.write(lambda _: free.wait(30)))
    tasks = []
    for call in calls:
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(call))
    await asyncio.sleep(0)
    free.set()
    assert await first
    return await asyncio.gather(*tasks, return_exceptions=True)


def transaction(cursor: duckdb.DuckDBPyConnection) -> int:
    """Which transaction it is."""
    ((number,),) = cursor.execute("SELECT txid_current()").fetchall()
    return int(number)


async def test_writes_that_wait_share_a_transaction_when_they_may_and_keep_their_order(
    database: Database,
) -> None:
    ran: list[int] = []

    def work(number: int) -> Work:
        def run(cursor: duckdb.DuckDBPyConnection) -> int:
            ran.append(number)
            return transaction(cursor)

        return run

    togethers = (True, True, True, False, True, False, False, True, True)
    numbers = await waiting(
        database,
        *(database.write(work(at), together=together) for at, together in enumerate(togethers)),
    )
    assert ran == [*range(len(togethers))]
    first, alone, other, third, fourth, last = dict.fromkeys(numbers)
    assert numbers == [first, first, first, alone, other, third, fourth, last, last]


async def test_one_that_fails_takes_nobody_along(database: Database) -> None:
    journal = DuckDbJournal(database)
    (taken,) = await journal.append(CTX, [sample_event(1)])
    two, conflict, three = await waiting(
        database,
        journal.append(CTX, [sample_event(2), sample_event(3)]),
        journal.append(CTX, [sample_event(4), taken]),
        journal.append(CTX, [sample_event(5)]),
    )
    assert isinstance(conflict, ConflictError)
    assert conflict.details["ids"] == [taken.id]
    kept = await journal.read(CTX, EventFilter())
    assert list(kept) == [taken, *two, *three]
    assert [event.sequence for event in kept] == [1, 2, 3, 4]


async def test_telemetry_that_shares_with_a_failure_is_there_once(database: Database) -> None:
    store = DuckDbTelemetryStore(database)
    shared = Dictionaries()
    before = sample_frames(shared, 2)
    parts = [sample_frames(shared, 3, first=2 + 3 * number) for number in range(2)]
    await store.append(CTX, "exp_1", "raw", before)
    await store.append_intervals(CTX, "exp_1", [sample_interval()])
    first, conflict, second = await waiting(
        database,
        store.append(CTX, "exp_1", "raw", parts[0]),
        store.append_intervals(CTX, "exp_1", [sample_interval()]),
        store.append(CTX, "exp_1", "raw", parts[1]),
    )
    assert (first, second) == tuple(part.n_points for part in parts)
    assert isinstance(conflict, ConflictError)
    found = [frames async for frames in store.read(CTX, "exp_1", "raw", Dictionaries())]
    stored = [raw for frames in found for raw in encode_protobuf(frames)]
    assert stored == [raw for frames in (before, *parts) for raw in encode_protobuf(frames)]


async def test_errors_of_duckdb_are_told_to_the_one_they_belong_to(database: Database) -> None:
    def broken(cursor: duckdb.DuckDBPyConnection) -> None:
        cursor.execute("INSERT INTO nowhere VALUES (1)")

    good, bad = await waiting(
        database, database.write(transaction, together=True), database.write(broken, together=True)
    )
    assert isinstance(good, int)
    assert isinstance(bad, StorageError)
    assert isinstance(bad.__cause__, duckdb.CatalogException)


async def test_a_write_that_is_cancelled_while_it_waits_never_runs(database: Database) -> None:
    ran: list[str] = []
    free = threading.Event()
    first = asyncio.create_task(database.write(lambda _: free.wait(30)))
    await asyncio.sleep(0)
    second = asyncio.create_task(database.write(lambda _: ran.append("cancelled"), together=True))
    third = asyncio.create_task(database.write(lambda _: ran.append("kept"), together=True))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.sleep(0)
    free.set()
    await asyncio.gather(first, third)
    assert second.cancelled()
    assert ran == ["kept"]


async def test_what_was_remembered_is_forgotten_when_a_write_fails(database: Database) -> None:
    def remember(_: duckdb.DuckDBPyConnection) -> None:
        database.remembered["of the test"] = 1

    def fail(_: duckdb.DuckDBPyConnection) -> None:
        raise LookupError

    await database.write(remember)
    assert database.remembered == {"of the test": 1}
    with pytest.raises(LookupError):
        await database.write(fail)
    assert database.remembered == {}
