"""What the bus promises where it is hard: slow readers, failures, re-entrancy, cancellation, closing, restarts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from phoenix_nb.bus import AsyncioEventBus
from phoenix_nb.errors import ClosedError, ConflictError, InternalError, OverflowDroppedError, StorageError
from phoenix_nb.interfaces import (
    Context,
    Event,
    EventFilter,
    EventStream,
    ExperimentDeleted,
    ExperimentStarted,
    OverflowPolicy,
    SubscriptionMode,
    SubscriptionOptions,
)
from phoenix_nb.store import Database, DuckDbJournal
from phoenix_nb.testing import MemoryJournal
from phoenix_nb.testing.contracts._base import CTX, PATIENCE, drain, take
from phoenix_nb.testing.samples import sample_event

ALL = EventFilter()
DELETED = EventFilter(types=("experiment.deleted",))


def recorder(name: str = "recorder", buffer: int = 2) -> SubscriptionOptions:
    return SubscriptionOptions(name=name, mode=SubscriptionMode.RECORDER, buffer=buffer)


def viewer(name: str = "viewer", buffer: int = 1000) -> SubscriptionOptions:
    return SubscriptionOptions(name=name, buffer=buffer)


def ids(events: Sequence[Event]) -> list[str]:
    return [event.id for event in events]


def numbers(*wanted: int) -> list[str]:
    return [sample_event(number).id for number in wanted]


@pytest.fixture
async def bus(no_stray_tasks: None) -> AsyncIterator[AsyncioEventBus]:
    bus = AsyncioEventBus(MemoryJournal())
    yield bus
    await bus.aclose()


async def publish(bus: AsyncioEventBus, first: int, last: int) -> None:
    for number in range(first, last + 1):
        await bus.publish(CTX, sample_event(number))


class GatedJournal(MemoryJournal):
    """Its writes have their effect at once and return when the gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.gate.set()

    async def append(self, ctx: Context, events: Sequence[Event]) -> Sequence[Event]:
        accepted = await super().append(ctx, events)
        await self.gate.wait()
        return accepted


class FullJournal(MemoryJournal):
    """Refuses to write, like a full disk."""

    async def append(self, ctx: Context, events: Sequence[Event]) -> Sequence[Event]:
        raise StorageError("the disk is full")


# Order and losses.


async def test_a_slow_recorder_loses_nothing_and_every_stream_keeps_the_order(bus: AsyncioEventBus) -> None:
    slow, fast = await bus.subscribe(CTX, ALL, recorder("slow")), await bus.subscribe(CTX, ALL, viewer())

    async def read_slowly(stream: EventStream) -> list[int]:
        seen = []
        async for event in stream:
            assert event.sequence is not None
            seen.append(event.sequence)
            await asyncio.sleep(0.0005 if len(seen) % 3 else 0)
        return seen

    reading = asyncio.create_task(read_slowly(slow))
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(publish(bus, 100 * part + 1, 100 * part + 30) for part in range(1, 6)))
    await bus.aclose()
    assert await reading == list(range(1, 151))
    assert [event.sequence for event in await drain(fast)] == list(range(1, 151))


async def test_a_batch_larger_than_a_recorders_buffer_is_taken(bus: AsyncioEventBus) -> None:
    stream = await bus.subscribe(CTX, ALL, recorder(buffer=2))
    publishing = asyncio.create_task(bus.publish_batch(CTX, [sample_event(one) for one in range(1, 11)]))
    assert ids(await take(stream, 7)) == numbers(*range(1, 8))
    assert not publishing.done()
    assert ids(await take(stream, 3)) == numbers(8, 9, 10)
    async with asyncio.timeout(PATIENCE):
        await publishing


async def test_a_full_recorder_holds_nobody_whose_events_it_does_not_want(bus: AsyncioEventBus) -> None:
    stream = await bus.subscribe(CTX, DELETED, recorder(buffer=1))
    held = asyncio.create_task(
        bus.publish_batch(
            CTX, [sample_event(one, ExperimentDeleted(experiment_id="exp_1")) for one in (1, 2)]
        )
    )
    started = ExperimentStarted(experiment_id="exp_1", source="host")
    async with asyncio.timeout(PATIENCE):
        await bus.publish(CTX, sample_event(3, started))
    assert not held.done()
    await take(stream, 2)
    await held


async def test_overflow_goes_on_being_an_error_after_the_buffer_was_read(bus: AsyncioEventBus) -> None:
    options = SubscriptionOptions(buffer=2, overflow=OverflowPolicy.ERROR)
    stream = await bus.subscribe(CTX, ALL, options)
    await publish(bus, 1, 3)
    assert ids(await take(stream, 2)) == numbers(1, 2)
    await publish(bus, 4, 5)
    with pytest.raises(OverflowDroppedError):
        await take(stream, 1)
    assert (await bus.statistics(CTX)).subscriptions[0].dropped == 3


async def test_a_replay_of_many_pages_joins_what_is_published_meanwhile(bus: AsyncioEventBus) -> None:
    await bus.publish_batch(CTX, [sample_event(number) for number in range(1, 1201)])
    stream = await bus.subscribe(CTX, EventFilter(after_sequence=10), recorder(buffer=5))
    first = await take(stream, 3)
    publishing = asyncio.create_task(publish(bus, 1201, 1230))
    rest = await take(stream, 1217)
    assert [event.sequence for event in first + rest] == list(range(11, 1231))
    await publishing


async def test_a_replay_that_is_cut_ends_without_a_gap(bus: AsyncioEventBus) -> None:
    await bus.publish_batch(CTX, [sample_event(number) for number in range(1, 1201)])
    stream = await bus.subscribe(CTX, EventFilter(after_sequence=0), viewer())
    await publish(bus, 1201, 1203)
    await take(stream, 1)
    await bus.unsubscribe(CTX, stream.subscription_id)
    rest = await drain(stream)
    assert [event.sequence for event in rest] == list(range(2, len(rest) + 2))
    assert len(rest) < 1199


# Failures.


async def test_a_refused_write_reaches_nobody() -> None:
    bus = AsyncioEventBus(FullJournal())
    stream = await bus.subscribe(CTX, ALL)
    with pytest.raises(StorageError):
        await bus.publish(CTX, sample_event(1))
    await bus.aclose()
    assert await drain(stream) == []


async def test_a_failing_recorder_stops_its_next_publisher_once(bus: AsyncioEventBus) -> None:
    async def refuse(event: Event) -> None:
        raise StorageError(f"no room for {event.id}")

    await bus.attach(CTX, DELETED, refuse, recorder("ledger"))
    other = await bus.subscribe(CTX, ALL)
    started = ExperimentStarted(experiment_id="exp_1", source="host")
    await bus.publish(CTX, sample_event(1, ExperimentDeleted(experiment_id="exp_1")))
    await asyncio.sleep(0.01)
    await bus.publish(CTX, sample_event(2, started))
    with pytest.raises(StorageError, match="no room"):
        await bus.publish(CTX, sample_event(3, ExperimentDeleted(experiment_id="exp_1")))
    await bus.publish(CTX, sample_event(4, ExperimentDeleted(experiment_id="exp_1")))
    assert ids(await take(other, 4)) == numbers(1, 2, 3, 4)
    assert [one.name for one in (await bus.statistics(CTX)).subscriptions] == ["anonymous"]


async def test_a_failing_recorder_stops_the_publishers_that_wait_for_it(bus: AsyncioEventBus) -> None:
    released = asyncio.Event()

    async def refuse(event: Event) -> None:
        await released.wait()
        raise ValueError("broken")

    await bus.attach(CTX, ALL, refuse, recorder("ledger", buffer=1))
    waiting = [asyncio.create_task(bus.publish(CTX, sample_event(number))) for number in range(1, 5)]
    await asyncio.sleep(0.01)
    released.set()
    async with asyncio.timeout(PATIENCE):
        told = await asyncio.gather(*waiting, return_exceptions=True)
    errors = [one for one in told if isinstance(one, BaseException)]
    assert errors
    assert all(isinstance(one, InternalError) and "ledger" in str(one) for one in errors)
    await bus.publish(CTX, sample_event(9))


async def test_a_recorder_that_fails_in_its_block_is_the_publishers_failure(bus: AsyncioEventBus) -> None:
    async def read() -> None:
        async with await bus.subscribe(CTX, ALL, recorder("block")) as stream:
            async for _ in stream:
                raise StorageError("it could not be kept")

    reading = asyncio.create_task(read())
    await asyncio.sleep(0.01)
    await bus.publish(CTX, sample_event(1))
    with pytest.raises(StorageError):
        await reading
    with pytest.raises(StorageError):
        await bus.publish(CTX, sample_event(2))


async def test_a_failing_viewer_is_logged_with_its_name_and_goes_on(
    bus: AsyncioEventBus, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []

    async def draw(event: Event) -> None:
        seen.append(event.id)
        if len(seen) == 1:
            raise ValueError("no such axis")

    await bus.attach(CTX, ALL, draw, viewer("cost panel"))
    with caplog.at_level(logging.WARNING, "phoenix_nb"):
        await publish(bus, 1, 3)
        await bus.aclose()
    assert seen == numbers(1, 2, 3)
    assert [record.__dict__["reader"] for record in caplog.records] == ["cost panel"]
    assert caplog.records[0].exc_info is not None


async def test_with_debug_callbacks_a_failing_viewer_stops_its_publisher(no_stray_tasks: None) -> None:
    bus = AsyncioEventBus(MemoryJournal(), debug_callbacks=True)

    async def draw(event: Event) -> None:
        raise ValueError("no such axis")

    await bus.attach(CTX, ALL, draw, viewer("cost panel"))
    await bus.publish(CTX, sample_event(1))
    await asyncio.sleep(0.01)
    with pytest.raises(InternalError, match="cost panel") as raised:
        await bus.publish(CTX, sample_event(2))
    assert isinstance(raised.value.__cause__, ValueError)
    await bus.aclose()


# Publishing from inside, cancellation.


async def test_a_recorder_may_publish_into_its_own_full_buffer(bus: AsyncioEventBus) -> None:
    heard: list[str] = []
    enough = asyncio.Event()

    async def echo(event: Event) -> None:
        heard.append(event.id)
        if len(heard) <= 5:  # two echoes each, published by tasks that the handler starts
            fresh = [sample_event(10 * len(heard) + one) for one in (1, 2)]
            await asyncio.gather(*(bus.publish(CTX, one) for one in fresh))
        if len(heard) == 11:
            enough.set()

    await bus.attach(CTX, ALL, echo, recorder(buffer=1))
    async with asyncio.timeout(PATIENCE):
        await bus.publish(CTX, sample_event(1))
        await enough.wait()
    assert heard == numbers(1, 11, 12, 21, 22, 31, 32, 41, 42, 51, 52)


async def test_two_recorders_may_publish_to_each_other(bus: AsyncioEventBus) -> None:
    async def answer(event: Event) -> None:
        await bus.publish(CTX, sample_event(100 + int(event.sequence or 0), source="answers"))

    heard: list[str] = []
    all_heard = asyncio.Event()

    async def listen(event: Event) -> None:
        heard.append(event.id)
        await bus.publish(CTX, sample_event(1000 + len(heard), source="echoes"))
        if len(heard) == 20:
            all_heard.set()

    await bus.attach(CTX, EventFilter(sources=("experiments",)), answer, recorder("one", buffer=1))
    await bus.attach(CTX, EventFilter(sources=("answers",)), listen, recorder("two", buffer=1))
    async with asyncio.timeout(PATIENCE):
        await bus.publish_batch(CTX, [sample_event(one, source="experiments") for one in range(1, 21)])
        await all_heard.wait()
    assert len(await bus.read(CTX, EventFilter(sources=("echoes", "answers")))) == 40


async def test_a_reader_of_a_stream_may_publish_too(bus: AsyncioEventBus) -> None:
    stream = await bus.subscribe(CTX, ALL, recorder(buffer=1))
    async with asyncio.timeout(PATIENCE):
        await bus.publish(CTX, sample_event(1))
        await take(stream, 1)
        await publish(bus, 2, 10)  # this task is the one that reads
        assert ids(await take(stream, 9)) == numbers(*range(2, 11))


async def test_one_cancelled_reader_leaves_the_others(bus: AsyncioEventBus) -> None:
    ctx, token = CTX.with_cancel()
    seen: list[str] = []

    async def keep(event: Event) -> None:
        seen.append(event.id)

    async def wait(stream: EventStream) -> None:
        async with stream:
            async for _ in stream:
                pass

    await bus.attach(ctx, ALL, keep, recorder("leaves"))
    reading = asyncio.create_task(wait(await bus.subscribe(CTX, ALL, recorder("is cancelled"))))
    stays = await bus.subscribe(CTX, ALL, recorder("stays", buffer=100))
    await publish(bus, 1, 5)
    token.cancel()
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    await asyncio.sleep(0)
    await publish(bus, 6, 10)
    assert ids(await take(stays, 10)) == numbers(*range(1, 11))
    assert seen == numbers(*range(1, 6))
    assert [one.name for one in (await bus.statistics(CTX)).subscriptions] == ["stays"]


async def test_a_publisher_that_waits_for_room_may_be_cancelled(bus: AsyncioEventBus) -> None:
    stream = await bus.subscribe(CTX, ALL, recorder(buffer=1))
    await bus.publish(CTX, sample_event(1))
    waiting = asyncio.create_task(bus.publish(CTX, sample_event(2)))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ids(await take(stream, 2)) == numbers(1, 2)
    await bus.publish(CTX, sample_event(3))
    assert ids(await take(stream, 1)) == numbers(3)


@pytest.mark.parametrize("then", ["publish", "close"])
async def test_what_a_cancelled_publisher_wrote_is_delivered_in_its_place(then: str) -> None:
    journal = GatedJournal()
    bus = AsyncioEventBus(journal)
    stream = await bus.subscribe(CTX, ALL, recorder(buffer=10))
    await bus.publish(CTX, sample_event(1))
    journal.gate.clear()
    writing = asyncio.create_task(bus.publish(CTX, sample_event(2)))
    await asyncio.sleep(0.01)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    journal.gate.set()
    expected = numbers(1, 2)
    if then == "publish":
        with pytest.raises(ConflictError):
            await bus.publish(CTX, sample_event(2))
        await bus.publish(CTX, sample_event(3))
        expected = numbers(1, 2, 3)
    await bus.aclose()
    assert ids(await drain(stream)) == expected


# Closing and restarts.


async def test_closing_waits_for_the_publisher_that_writes_and_refuses_the_next() -> None:
    journal = GatedJournal()
    bus = AsyncioEventBus(journal)
    stream = await bus.subscribe(CTX, ALL, recorder(buffer=1))
    journal.gate.clear()
    writing = asyncio.create_task(bus.publish(CTX, sample_event(1)))
    queued = asyncio.create_task(bus.publish(CTX, sample_event(2)))
    await asyncio.sleep(0.01)
    closing = asyncio.create_task(bus.aclose())
    await asyncio.sleep(0.01)
    assert not closing.done()
    journal.gate.set()
    async with asyncio.timeout(PATIENCE):
        await closing
        assert (await writing).id == sample_event(1).id
        with pytest.raises(ClosedError):
            await queued
    assert ids(await drain(stream)) == numbers(1)


async def test_closing_lets_go_of_publishers_that_wait_for_room(bus: AsyncioEventBus) -> None:
    stream = await bus.subscribe(CTX, ALL, recorder(buffer=1))
    waiting = asyncio.create_task(publish(bus, 1, 5))
    await asyncio.sleep(0.01)
    async with asyncio.timeout(PATIENCE):
        await bus.aclose()
        with pytest.raises(ClosedError):
            await waiting
    assert ids(await drain(stream)) == numbers(1, 2)


async def test_closing_lets_handlers_finish_and_cancels_those_that_do_not(no_stray_tasks: None) -> None:
    bus = AsyncioEventBus(MemoryJournal(), patience=0.2)
    seen: list[str] = []

    async def keep(event: Event) -> None:
        await asyncio.sleep(0.001)
        seen.append(event.id)

    async def hang(event: Event) -> None:
        await asyncio.Event().wait()

    await bus.attach(CTX, ALL, keep, recorder("keeps", buffer=100))
    await bus.attach(CTX, ALL, hang, viewer("hangs"))
    await publish(bus, 1, 20)
    async with asyncio.timeout(PATIENCE):
        await bus.aclose()
    assert seen == numbers(*range(1, 21))


async def test_nothing_acknowledged_is_lost_when_the_journal_is_opened_again(
    tmp_path: Path, no_stray_tasks: None, no_blocking_calls: None
) -> None:
    kept: list[Event] = []
    for first in (1, 21, 41):
        database = await Database.open(tmp_path / "store.duckdb")
        bus = AsyncioEventBus(DuckDbJournal(database))
        stream = await bus.subscribe(CTX, EventFilter(after_sequence=0), recorder(buffer=100))
        assert await take(stream, len(kept)) == kept
        publishing = [asyncio.create_task(bus.publish(CTX, sample_event(first + one))) for one in range(10)]
        await asyncio.wait(publishing, return_when=asyncio.FIRST_COMPLETED)
        for task in publishing[5:]:
            task.cancel()
        answers = await asyncio.gather(*publishing, return_exceptions=True)
        acknowledged = kept + [one for one in answers if isinstance(one, Event)]
        assert len(acknowledged) >= len(kept) + 5
        await bus.aclose()
        await database.aclose()
        database = await Database.open(tmp_path / "store.duckdb")
        kept = list(await DuckDbJournal(database).read(CTX, ALL))
        await database.aclose()
        # A cancelled publisher may still have written; what was acknowledged must be there, where it was said to be.
        assert [event.sequence for event in kept] == list(range(1, len(kept) + 1))
        assert [kept[(event.sequence or 0) - 1] for event in acknowledged] == acknowledged
