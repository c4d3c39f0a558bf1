"""Contracts of the journal and of what remembers service instances."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from phoenix_nb.errors import CallCancelledError, ConflictError, NotFoundError
from phoenix_nb.interfaces import (
    Event,
    EventFilter,
    ExperimentDeleted,
    ExperimentStarted,
    HealthStatus,
    Journal,
    ServiceInstance,
    ServiceInstanceStore,
)
from phoenix_nb.testing.contracts._base import CTX, Contract
from phoenix_nb.testing.samples import T0, sample_event, sample_instance
from phoenix_nb.testing.strategies import examples

__all__ = ["JournalContract", "ServiceInstanceStoreContract"]

_ALL = EventFilter()


class JournalContract(Contract):
    """Fixtures: ``subject``, an empty journal."""

    interface = Journal

    async def test_any_event_comes_back_as_it_was(self, subject: Journal) -> None:
        drawn = [
            event.model_copy(update={"id": f"evt_{number}"})
            for number, event in enumerate(examples(Event, 40))
        ]
        kept = await subject.append(CTX, drawn)
        assert [event.sequence for event in kept] == list(range(1, 41))
        assert list(kept) == [
            event.model_copy(update={"sequence": at}) for at, event in enumerate(drawn, start=1)
        ]
        assert list(await subject.read(CTX, _ALL)) == list(kept)

    async def test_positions_begin_at_one_and_have_no_holes(self, subject: Journal) -> None:
        assert await subject.last_sequence(CTX) == 0
        assert list(await subject.append(CTX, [])) == []
        for begin, size in ((1, 1), (2, 3), (5, 200), (205, 2)):
            kept = await subject.append(CTX, [sample_event(number) for number in range(begin, begin + size)])
            assert [event.sequence for event in kept] == list(range(begin, begin + size))
            assert await subject.last_sequence(CTX) == begin + size - 1

    async def test_a_batch_with_a_known_id_leaves_nothing_and_no_hole(self, subject: Journal) -> None:
        await subject.append(CTX, [sample_event(3)])
        for batch in ([1, 2, 3], [8, 8], [3], [*range(300)]):
            with pytest.raises(ConflictError):
                await subject.append(CTX, [sample_event(number) for number in batch])
        assert await subject.last_sequence(CTX) == 1
        (kept,) = await subject.append(CTX, [sample_event(1)])
        assert kept.sequence == 2
        assert [event.id for event in await subject.read(CTX, _ALL)] == [
            sample_event(number).id for number in (3, 1)
        ]

    async def test_concurrent_batches_stay_together(self, subject: Journal) -> None:
        batches = [[sample_event(10 * row + column) for column in range(4)] for row in range(1, 7)]
        kept = await asyncio.gather(*(subject.append(CTX, batch) for batch in batches))
        everything = list(await subject.read(CTX, _ALL))
        assert [event.sequence for event in everything] == list(range(1, 25))
        for batch in kept:
            begin = (batch[0].sequence or 0) - 1
            assert everything[begin : begin + 4] == list(batch)

    async def test_filters_are_or_inside_a_field_and_and_between(self, subject: Journal) -> None:
        started = ExperimentStarted(experiment_id="exp_1", source="host")
        deleted = ExperimentDeleted(experiment_id="exp_1")
        await subject.append(
            CTX,
            [
                sample_event(1, started, source="a", subject="x", metadata={"k": "1", "l": "2"}),
                sample_event(2, deleted, source="a", subject="y", metadata={"k": "1"}),
                sample_event(3, started, source="b", subject="x", metadata={"k": "2"}),
                sample_event(4, deleted, source="c", subject="z"),
            ],
        )
        expected = {
            EventFilter(types=("experiment.started",)): [1, 3],
            EventFilter(types=("experiment.started", "experiment.deleted")): [1, 2, 3, 4],
            EventFilter(types=("experiment",)): [],
            EventFilter(sources=("a", "b"), types=("experiment.started",)): [1, 3],
            EventFilter(subjects=("x",), sources=("b",)): [3],
            EventFilter(metadata={"k": "1"}): [1, 2],
            EventFilter(metadata={"k": "1", "l": "2"}): [1],
            EventFilter(metadata={"k": ""}): [],
            EventFilter(start_time=T0 + timedelta(seconds=2), end_time=T0 + timedelta(seconds=4)): [2, 3],
            EventFilter(after_sequence=2): [3, 4],
            EventFilter(after_sequence=2, sources=("a",)): [],
        }
        for wanted, numbers in expected.items():
            assert [event.sequence for event in await subject.read(CTX, wanted)] == numbers, wanted

    async def test_it_is_read_in_pages(self, subject: Journal) -> None:
        await subject.append(CTX, [sample_event(number) for number in range(1, 8)])
        first = await subject.read(CTX, _ALL, limit=3)
        assert [event.sequence for event in first] == [1, 2, 3]
        rest = await subject.read(CTX, EventFilter(after_sequence=3), limit=10)
        assert [event.sequence for event in rest] == [4, 5, 6, 7]
        assert list(await subject.read(CTX, _ALL, limit=0)) == []

    async def test_a_cancelled_caller_appends_nothing(self, subject: Journal) -> None:
        ctx, token = CTX.with_cancel()
        token.cancel()
        with pytest.raises(CallCancelledError):
            await subject.append(ctx, [sample_event(1)])
        assert await subject.last_sequence(CTX) == 0


class ServiceInstanceStoreContract(Contract):
    """Fixtures: ``subject``, an empty store."""

    interface = ServiceInstanceStore

    async def test_any_instance_comes_back_as_it_was(self, subject: ServiceInstanceStore) -> None:
        for number, drawn in enumerate(examples(ServiceInstance, 15)):
            instance = drawn.model_copy(update={"id": f"svc_{number}"})
            assert await subject.put_instance(CTX, instance) == instance
            assert await subject.get_instance(CTX, instance.id) == instance

    async def test_an_instance_is_replaced_and_deleted(self, subject: ServiceInstanceStore) -> None:
        one = await subject.put_instance(CTX, sample_instance(1))
        sick = await subject.put_instance(CTX, one.model_copy(update={"status": HealthStatus.UNHEALTHY}))
        assert await subject.get_instance(CTX, one.id) == sick
        assert list(await subject.list_instances(CTX)) == [sick]
        await subject.delete_instance(CTX, one.id)
        await subject.delete_instance(CTX, one.id)
        assert not await subject.list_instances(CTX)
        with pytest.raises(NotFoundError):
            await subject.get_instance(CTX, one.id)

    async def test_lists_are_by_name_and_oldest_registration_first(
        self, subject: ServiceInstanceStore
    ) -> None:
        for number in (3, 1, 2):
            await subject.put_instance(CTX, sample_instance(number))
        await subject.put_instance(CTX, sample_instance(0, name="pipelines"))
        found = await subject.list_instances(CTX, name="experiments")
        assert list(found) == [sample_instance(number) for number in (1, 2, 3)]
        assert [one.id for one in await subject.list_instances(CTX)] == [
            sample_instance(number).id for number in (0, 1, 2, 3)
        ]
        assert not await subject.list_instances(CTX, name="nobody")
