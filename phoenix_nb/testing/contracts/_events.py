"""Contract of the event bus."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from phoenix_nb.errors import ClosedError, ConflictError, NotFoundError, OverflowDroppedError
from phoenix_nb.interfaces import (
    Event,
    EventBus,
    EventFilter,
    EventStream,
    ExperimentDeleted,
    ExperimentStarted,
    OverflowPolicy,
    SubscriptionMode,
    SubscriptionOptions,
    SubscriptionStatistics,
)
from phoenix_nb.testing.contracts._base import CTX, PATIENCE, Contract, drain, eventually, take
from phoenix_nb.testing.samples import T0, sample_event
from phoenix_nb.testing.strategies import examples

__all__ = ["EventBusContract"]

_ALL = EventFilter()


def _ids(events: object) -> list[str]:
    assert isinstance(events, list | tuple)
    return [event.id for event in events]


def _numbers(*numbers: int) -> list[str]:
    return [sample_event(number).id for number in numbers]


class EventBusContract(Contract):
    """Fixtures: ``subject``, a bus with an empty journal, closed by the fixture after the test."""

    interface = EventBus

    async def test_positions_count_up(self, subject: EventBus) -> None:
        first = await subject.publish(CTX, sample_event(1))
        second = await subject.publish(CTX, sample_event(2))
        assert first.sequence is not None
        assert second.sequence == first.sequence + 1
        assert first == sample_event(1, sequence=first.sequence)

    async def test_any_event_comes_back_from_the_journal_as_it_was(self, subject: EventBus) -> None:
        accepted = [
            await subject.publish(CTX, drawn.model_copy(update={"id": f"evt_{number}", "sequence": None}))
            for number, drawn in enumerate(examples(Event, 40))
        ]
        assert list(await subject.read(CTX, _ALL)) == accepted

    async def test_an_event_is_accepted_once(self, subject: EventBus) -> None:
        await subject.publish(CTX, sample_event(1))
        with pytest.raises(ConflictError):
            await subject.publish(CTX, sample_event(1))
        assert _ids(list(await subject.read(CTX, _ALL))) == _numbers(1)

    async def test_a_batch_is_accepted_whole_with_consecutive_positions(self, subject: EventBus) -> None:
        batch = await subject.publish_batch(CTX, [sample_event(number) for number in range(1, 6)])
        positions = [event.sequence for event in batch]
        assert positions[0] is not None
        assert positions == list(range(positions[0], positions[0] + 5))
        assert list(await subject.publish_batch(CTX, [])) == []

    async def test_a_batch_with_one_refused_event_leaves_nothing(self, subject: EventBus) -> None:
        stream = await subject.subscribe(CTX, _ALL)
        await subject.publish(CTX, sample_event(3))
        with pytest.raises(ConflictError):
            await subject.publish_batch(CTX, [sample_event(1), sample_event(2), sample_event(3)])
        with pytest.raises(ConflictError):
            await subject.publish_batch(CTX, [sample_event(8), sample_event(8)])
        assert _ids(list(await subject.read(CTX, _ALL))) == _numbers(3)
        await subject.publish(CTX, sample_event(4))
        assert _ids(await take(stream, 2)) == _numbers(3, 4)

    async def test_concurrent_batches_do_not_mix(self, subject: EventBus) -> None:
        batches = [[sample_event(10 * row + column) for column in range(5)] for row in range(1, 9)]
        await asyncio.gather(*(subject.publish_batch(CTX, batch) for batch in batches))
        journal = _ids(list(await subject.read(CTX, _ALL)))
        rows = [journal[at : at + 5] for at in range(0, 40, 5)]
        assert sorted(rows) == sorted(_ids(batch) for batch in batches)

    async def test_a_subscription_has_begun_when_the_call_returns(self, subject: EventBus) -> None:
        await subject.publish(CTX, sample_event(1))
        stream = await subject.subscribe(CTX, _ALL)
        assert isinstance(stream, EventStream)
        await subject.publish(CTX, sample_event(2))
        assert _ids(await take(stream, 1)) == _numbers(2)

    async def test_filters_are_or_inside_a_field_and_and_between(self, subject: EventBus) -> None:
        started = ExperimentStarted(experiment_id="exp_1", source="host")
        deleted = ExperimentDeleted(experiment_id="exp_1")
        events = [
            sample_event(1, started, source="a", subject="x", metadata={"k": "1", "l": "2"}),
            sample_event(2, deleted, source="a", subject="y", metadata={"k": "1"}),
            sample_event(3, started, source="b", subject="x", metadata={"k": "2"}),
            sample_event(4, deleted, source="c", subject="z"),
        ]
        expected = {
            EventFilter(types=("experiment.started",)): (1, 3),
            EventFilter(types=("experiment.started", "experiment.deleted")): (1, 2, 3, 4),
            EventFilter(sources=("a", "b")): (1, 2, 3),
            EventFilter(sources=("a", "b"), types=("experiment.started",)): (1, 3),
            EventFilter(subjects=("x",), sources=("b",)): (3,),
            EventFilter(metadata={"k": "1"}): (1, 2),
            EventFilter(metadata={"k": "1", "l": "2"}): (1,),
            EventFilter(types=("experiment",)): (),
        }
        streams = {wanted: await subject.subscribe(CTX, wanted) for wanted in expected}
        await subject.publish_batch(CTX, events)
        for wanted, numbers in expected.items():
            assert _ids(list(await subject.read(CTX, wanted))) == _numbers(*numbers)
            assert _ids(await take(streams[wanted], len(numbers))) == _numbers(*numbers)
            await subject.unsubscribe(CTX, streams[wanted].subscription_id)
            assert await drain(streams[wanted]) == []

    async def test_the_journal_is_read_by_time_and_position_in_pages(self, subject: EventBus) -> None:
        accepted = await subject.publish_batch(CTX, [sample_event(number) for number in range(1, 8)])
        within = EventFilter(start_time=T0 + timedelta(seconds=3), end_time=T0 + timedelta(seconds=6))
        assert _ids(list(await subject.read(CTX, within))) == _numbers(3, 4, 5)
        after, seen = 0, []
        while True:
            page = await subject.read(CTX, EventFilter(after_sequence=after), limit=3)
            assert len(page) <= 3
            if not page:
                break
            seen += _ids(list(page))
            after = page[-1].sequence or 0
        assert seen == _ids(list(accepted))

    @pytest.mark.parametrize("by", ["sequence", "time"])
    async def test_a_replay_joins_the_live_stream_without_gap_or_duplicate(
        self, subject: EventBus, by: str
    ) -> None:
        accepted = await subject.publish_batch(CTX, [sample_event(number) for number in range(1, 31)])
        wanted = (
            EventFilter(after_sequence=accepted[9].sequence)
            if by == "sequence"
            else EventFilter(start_time=T0 + timedelta(seconds=11))
        )

        async def publish() -> None:
            for number in range(31, 61):
                await subject.publish(CTX, sample_event(number))
                await asyncio.sleep(0)

        publishing = asyncio.create_task(publish())
        options = SubscriptionOptions(mode=SubscriptionMode.RECORDER, buffer=5)
        stream = await subject.subscribe(CTX, wanted, options)
        assert _ids(await take(stream, 50)) == _numbers(*range(11, 61))
        await publishing

    async def test_a_recorder_sees_everything_and_slows_publishers_down(self, subject: EventBus) -> None:
        options = SubscriptionOptions(name="slow", mode=SubscriptionMode.RECORDER, buffer=2)
        stream = await subject.subscribe(CTX, _ALL, options)

        async def publish() -> None:
            for number in range(1, 41):
                await subject.publish(CTX, sample_event(number))

        publishing = asyncio.create_task(publish())
        await asyncio.sleep(0.1)
        assert not publishing.done()
        assert _ids(await take(stream, 40)) == _numbers(*range(1, 41))
        async with asyncio.timeout(PATIENCE):
            await publishing
        assert (await self._statistics(subject, stream)).dropped == 0

    async def test_an_ended_recorder_holds_nobody(self, subject: EventBus) -> None:
        options = SubscriptionOptions(mode=SubscriptionMode.RECORDER, buffer=1)
        stream = await subject.subscribe(CTX, _ALL, options)

        async def publish() -> None:
            for number in range(1, 11):
                await subject.publish(CTX, sample_event(number))

        publishing = asyncio.create_task(publish())
        await asyncio.sleep(0.05)
        await subject.unsubscribe(CTX, stream.subscription_id)
        async with asyncio.timeout(PATIENCE):
            await publishing
        await drain(stream)

    @pytest.mark.parametrize(
        ("policy", "kept"),
        [(OverflowPolicy.DROP_OLDEST, (8, 9, 10)), (OverflowPolicy.DROP_NEWEST, (1, 2, 3))],
    )
    async def test_a_viewer_never_holds_a_publisher(
        self, subject: EventBus, policy: OverflowPolicy, kept: tuple[int, ...]
    ) -> None:
        stream = await subject.subscribe(CTX, _ALL, SubscriptionOptions(buffer=3, overflow=policy))
        async with asyncio.timeout(PATIENCE):
            for number in range(1, 11):
                await subject.publish(CTX, sample_event(number))
        seen = await eventually(lambda: self._statistics(subject, stream), lambda found: found.dropped == 7)
        assert seen.buffered == 3
        assert _ids(await take(stream, 3)) == _numbers(*kept)

    async def test_a_viewer_may_ask_for_an_error_instead(self, subject: EventBus) -> None:
        options = SubscriptionOptions(buffer=3, overflow=OverflowPolicy.ERROR)
        stream = await subject.subscribe(CTX, _ALL, options)
        for number in range(1, 11):
            await subject.publish(CTX, sample_event(number))
        assert _ids(await take(stream, 3)) == _numbers(1, 2, 3)
        with pytest.raises(OverflowDroppedError):
            await take(stream, 1)

    async def test_after_unsubscribing_comes_what_was_buffered_and_the_end(self, subject: EventBus) -> None:
        stream = await subject.subscribe(CTX, _ALL)
        await subject.publish_batch(CTX, [sample_event(1), sample_event(2)])
        await subject.unsubscribe(CTX, stream.subscription_id)
        await subject.publish(CTX, sample_event(3))
        assert _ids(await drain(stream)) == _numbers(1, 2)
        with pytest.raises(NotFoundError):
            await subject.unsubscribe(CTX, stream.subscription_id)

    async def test_leaving_the_block_unsubscribes(self, subject: EventBus) -> None:
        async with await subject.subscribe(CTX, _ALL) as stream:
            assert len((await subject.statistics(CTX)).subscriptions) == 1
        assert (await subject.statistics(CTX)).subscriptions == ()
        assert await drain(stream) == []

    async def test_a_subscription_ends_with_its_context(self, subject: EventBus) -> None:
        ctx, token = CTX.with_cancel()
        stream = await subject.subscribe(ctx, _ALL)
        asyncio.get_running_loop().call_later(0.02, token.cancel)
        assert await drain(stream) == []
        await eventually(lambda: subject.statistics(CTX), lambda found: found.subscriptions == ())

    async def test_statistics_tell_what_happened(self, subject: EventBus) -> None:
        stream = await subject.subscribe(CTX, _ALL, SubscriptionOptions(name="panel"))
        await subject.publish_batch(CTX, [sample_event(1), sample_event(2)])
        await take(stream, 1)
        found = await self._statistics(subject, stream)
        assert (found.name, found.mode) == ("panel", SubscriptionMode.VIEWER)
        assert (found.delivered, found.dropped, found.buffered) == (2, 0, 1)
        whole = await subject.statistics(CTX)
        assert whole.published == 2
        assert whole.last_sequence == (await subject.read(CTX, _ALL))[-1].sequence

    async def test_a_closed_bus_ends_its_streams_and_takes_nothing(self, subject: EventBus) -> None:
        stream = await subject.subscribe(CTX, _ALL)
        await subject.publish(CTX, sample_event(1))
        await subject.aclose()
        await subject.aclose()
        assert _ids(await drain(stream)) == _numbers(1)
        with pytest.raises(ClosedError):
            await subject.publish(CTX, sample_event(2))
        with pytest.raises(ClosedError):
            await subject.subscribe(CTX, _ALL)

    async def _statistics(self, subject: EventBus, stream: EventStream) -> SubscriptionStatistics:
        found = (await subject.statistics(CTX)).subscriptions
        return next(one for one in found if one.subscription_id == stream.subscription_id)
