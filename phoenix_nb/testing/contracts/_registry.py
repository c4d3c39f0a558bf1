"""Contract of the service registry."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from phoenix_nb.errors import NotFoundError
from phoenix_nb.interfaces import HealthCheckSpec, HealthStatus, ServiceInstance, ServiceRegistry
from phoenix_nb.testing.contracts._base import CTX, Contract, drain, take
from phoenix_nb.testing.samples import sample_instance
from phoenix_nb.testing.strategies import examples

__all__ = ["ServiceRegistryContract"]

_QUICK = HealthCheckSpec(interval_seconds=10, retries=3)


class ServiceRegistryContract(Contract):
    """Fixtures: ``subject``, an empty registry; ``advance(seconds)``, which moves the clock that it measures with."""

    interface = ServiceRegistry

    async def test_what_is_registered_is_found(self, subject: ServiceRegistry) -> None:
        one = await subject.register(CTX, sample_instance(1))
        await subject.register(CTX, sample_instance(2, name="pipelines"))
        assert list(await subject.discover(CTX, "experiments")) == [one]
        assert list(await subject.discover(CTX, "unknown")) == []

    async def test_any_instance_comes_back_as_it_was(self, subject: ServiceRegistry) -> None:
        for number, drawn in enumerate(examples(ServiceInstance, 15)):
            one = await subject.register(
                CTX, drawn.model_copy(update={"id": f"svc_{number}", "name": f"s{number}"})
            )
            times = {"registered_at": one.registered_at, "updated_at": one.updated_at}
            assert one == drawn.model_copy(update={"id": one.id, "name": one.name, **times})
            assert list(await subject.discover(CTX, one.name)) == [one]

    async def test_registering_again_refreshes(self, subject: ServiceRegistry) -> None:
        await subject.register(CTX, sample_instance(1))
        await subject.register(CTX, sample_instance(1, version="0.2.0"))
        found = await subject.discover(CTX, "experiments")
        assert [one.version for one in found] == ["0.2.0"]

    async def test_deregistering_removes_and_ignores_unknown_ids(self, subject: ServiceRegistry) -> None:
        one = await subject.register(CTX, sample_instance(1))
        await subject.deregister(CTX, one.id)
        await subject.deregister(CTX, one.id)
        assert not await subject.discover(CTX, "experiments")

    async def test_healthy_instances_come_first(
        self, subject: ServiceRegistry, advance: Callable[[float], None]
    ) -> None:
        for number in (1, 2, 3):
            await subject.register(CTX, sample_instance(number))
            advance(1)
        sick = await subject.health_check(CTX, sample_instance(1).id, HealthStatus.UNHEALTHY)
        assert sick.status is HealthStatus.UNHEALTHY
        await subject.health_check(CTX, sample_instance(3).id, HealthStatus.HEALTHY)
        found = await subject.discover(CTX, "experiments")
        assert [one.id for one in found] == [sample_instance(number).id for number in (3, 1, 2)]

    async def test_an_instance_without_heartbeats_expires(
        self, subject: ServiceRegistry, advance: Callable[[float], None]
    ) -> None:
        await subject.register(CTX, sample_instance(1, health_check=_QUICK))
        await subject.register(CTX, sample_instance(2, health_check=_QUICK))
        for _ in range(3):
            advance(20)
            await subject.health_check(CTX, sample_instance(2).id, HealthStatus.HEALTHY)
        assert [one.id for one in await subject.discover(CTX, "experiments")] == [sample_instance(2).id]
        with pytest.raises(NotFoundError):
            await subject.health_check(CTX, sample_instance(1).id, HealthStatus.HEALTHY)

    async def test_unknown_instances_are_not_found(self, subject: ServiceRegistry) -> None:
        with pytest.raises(NotFoundError):
            await subject.health_check(CTX, "svc_missing", HealthStatus.HEALTHY)

    async def test_a_watcher_sees_what_happens_to_its_service(
        self, subject: ServiceRegistry, advance: Callable[[float], None]
    ) -> None:
        ctx, token = CTX.with_cancel()
        stream = await subject.watch(ctx, "experiments")
        await subject.register(CTX, sample_instance(9, name="pipelines"))
        await subject.register(CTX, sample_instance(1))
        await subject.health_check(CTX, sample_instance(1).id, HealthStatus.HEALTHY)
        await subject.deregister(CTX, sample_instance(1).id)
        await subject.register(CTX, sample_instance(2, health_check=_QUICK))
        advance(100)
        await subject.discover(CTX, "experiments")
        seen = await take(stream, 5)
        assert [(event.type, event.service.id) for event in seen] == [
            ("registered", sample_instance(1).id),
            ("health_changed", sample_instance(1).id),
            ("deregistered", sample_instance(1).id),
            ("registered", sample_instance(2).id),
            ("expired", sample_instance(2).id),
        ]
        asyncio.get_running_loop().call_soon(token.cancel)
        assert await drain(stream) == []
