"""Mistakes that mypy must find: each marked line is wrong for the reason in its mark; it is never run."""

from __future__ import annotations

from phoenix_nb.interfaces import (
    Context,
    EventBus,
    EventFilter,
    ExperimentConfig,
    ExperimentService,
    ExperimentStore,
    Pipeline,
    ServiceRegistry,
)
from phoenix_nb.runtime import CallMetrics, ControlLoop, instrument
from phoenix_nb.testing import MemoryExperimentStore, TypedMock


async def calls(service: ExperimentService, bus: EventBus, ctx: Context) -> None:
    await service.get_experiment("exp_1")  # E: arg-type call-arg
    await service.get_experiment(ctx, 5)  # E: arg-type
    await service.get_experiment(ctx, "exp_1", force=True)  # E: call-arg
    await service.create_experiment(ctx, {"name": "mine"})  # E: arg-type
    found = await service.get_experiment(ctx, "exp_1")
    found.state = "running"  # E: misc assignment
    print(found.confidence)  # E: attr-defined
    async for event in await bus.subscribe(ctx, EventFilter()):
        print(event.data.experiment_id)  # E: union-attr


def values(pipeline: Pipeline) -> None:
    ExperimentConfig()  # E: call-arg
    ExperimentConfig(source="host", duration="10m")  # E: call-arg
    pipeline.variables["k"] = "20"  # E: index


class Lazy:
    """Not a registry: methods are missing and one is synchronous."""

    def register(self, ctx: Context, service: object) -> None: ...


def implementations(loop: ControlLoop) -> None:
    registry: ServiceRegistry = Lazy()  # E: assignment
    store: ServiceRegistry = MemoryExperimentStore()  # E: assignment
    wrapped: ExperimentStore = instrument(ServiceRegistry, registry, CallMetrics())  # E: assignment arg-type
    mock = TypedMock(ExperimentStore)
    service: ExperimentService = mock.object  # E: assignment
    loop.submit(service.get_experiment)  # E: arg-type
    print(store, wrapped)
