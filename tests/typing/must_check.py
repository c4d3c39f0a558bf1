"""Code that users write and that must type check; it is read by mypy, never run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import assert_type

from phoenix_nb.errors import NotFoundError
from phoenix_nb.interfaces import (
    Clock,
    Context,
    CreateExperimentRequest,
    Event,
    EventBus,
    EventFilter,
    Experiment,
    ExperimentConfig,
    ExperimentDeleted,
    ExperimentService,
    ExperimentStore,
    ExperimentUpdate,
    HealthStatus,
    IdFactory,
    ServiceEvent,
    ServiceInstance,
    ServiceRegistry,
)
from phoenix_nb.runtime import CallMetrics, ControlLoop, SystemClock, UlidFactory, VirtualClock, instrument
from phoenix_nb.testing import MemoryExperimentStore, MemoryRegistry, TypedMock


async def use_a_service(service: ExperimentService, ctx: Context) -> Experiment:
    made = await service.create_experiment(
        ctx,
        CreateExperimentRequest(
            name="mine",
            baseline_pipeline="process-baseline-v1",
            candidate_pipeline="process-minimal-v1",
            config=ExperimentConfig(source="host"),
        ),
    )
    async for update in await service.watch_experiment(ctx, made.id):
        assert_type(update, ExperimentUpdate)
    return made


async def use_a_bus(bus: EventBus, ctx: Context) -> None:
    async with await bus.subscribe(ctx, EventFilter(types=("experiment.deleted",))) as stream:
        async for event in stream:
            assert_type(event, Event)
            if event.data.type == "experiment.deleted":
                # The type tells the payload.
                assert_type(event.data, ExperimentDeleted)


def implementations_satisfy_their_contracts() -> None:
    clock: Clock = VirtualClock()
    ids: IdFactory = UlidFactory(SystemClock())
    store: ExperimentStore = MemoryExperimentStore()
    registry: ServiceRegistry = MemoryRegistry(clock)
    wrapped = instrument(ServiceRegistry, registry, CallMetrics())
    assert_type(wrapped, ServiceRegistry)
    also: ServiceRegistry = instrument(ServiceRegistry, MemoryRegistry(clock), CallMetrics())
    mock = TypedMock(ExperimentService)
    assert_type(mock.object, ExperimentService)
    print(ids.new("exp"), store, also)


def futures_keep_their_type(loop: ControlLoop, service: ExperimentService) -> None:
    ctx = Context.background().with_timeout(5)
    future = loop.submit(service.get_experiment(ctx, "exp_1"))
    assert_type(future.result(), Experiment)
    assert_type(loop.run(service.get_experiment(ctx, "exp_1"), timeout=5), Experiment)


class OwnRegistry:
    """An implementation needs no base class."""

    async def register(self, ctx: Context, service: ServiceInstance) -> ServiceInstance:
        return service

    async def deregister(self, ctx: Context, service_id: str) -> None:
        raise NotFoundError(service_id)

    async def discover(self, ctx: Context, name: str) -> Sequence[ServiceInstance]:
        return ()

    async def health_check(self, ctx: Context, service_id: str, status: HealthStatus) -> ServiceInstance:
        raise NotFoundError(service_id)

    async def watch(self, ctx: Context, name: str) -> AsyncIterator[ServiceEvent]:
        async def nothing() -> AsyncIterator[ServiceEvent]:
            happened: tuple[ServiceEvent, ...] = ()
            for one in happened:
                yield one

        return nothing()


own: ServiceRegistry = OwnRegistry()
now = datetime(2026, 1, 1, tzinfo=UTC)
event = Event(id="evt_1", source="me", time=now, data=ExperimentDeleted(experiment_id="exp_1"))
