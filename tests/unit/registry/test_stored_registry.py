"""What the stored registry does beyond its contract: restarts, expiry while watched, events on the bus."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from phoenix_nb.errors import ClosedError
from phoenix_nb.interfaces import (
    Event,
    EventFilter,
    HealthCheckSpec,
    HealthStatus,
    ServiceHealthChanged,
    ServiceHealthCheckFailed,
)
from phoenix_nb.registry import StoredServiceRegistry
from phoenix_nb.runtime import UlidFactory, VirtualClock
from phoenix_nb.store import Database, DuckDbServiceInstanceStore
from phoenix_nb.testing import MemoryBus
from phoenix_nb.testing.contracts._base import CTX, drain, take
from phoenix_nb.testing.samples import sample_instance

QUICK = HealthCheckSpec(interval_seconds=10, retries=3)
SLOW = HealthCheckSpec(interval_seconds=100, retries=3)


async def test_a_restart_forgets_nobody_who_reported_in_time(tmp_path: Path) -> None:
    clock = VirtualClock(auto=False)
    async with _Opened(tmp_path, clock) as registry:
        quick = await registry.register(CTX, sample_instance(1, health_check=QUICK))
        slow = await registry.register(CTX, sample_instance(2, health_check=SLOW))
    clock.advance(30)
    async with _Opened(tmp_path, clock) as registry:
        assert {one.id for one in await registry.discover(CTX, quick.name)} == {quick.id, slow.id}
    clock.advance(1)
    async with _Opened(tmp_path, clock) as registry:
        assert await registry.discover(CTX, quick.name) == (slow,)


async def test_a_watcher_is_told_of_an_expiry_that_nobody_asked_about(no_stray_tasks: None) -> None:
    async with _Opened(None, clock := VirtualClock(auto=False)) as registry:
        slow = await registry.register(CTX, sample_instance(1, health_check=SLOW))
        stream = await registry.watch(CTX, slow.name)
        # It is due before the one that the registry is waiting for.
        quick = await registry.register(CTX, sample_instance(2, health_check=QUICK))
        assert (await take(stream, 1))[0].type == "registered"
        for seconds, gone in ((31, quick), (270, slow)):
            await asyncio.sleep(0.05)
            clock.advance(seconds)
            event = (await take(stream, 1))[0]
            assert (event.type, event.service) == ("expired", gone)
        assert await registry.discover(CTX, slow.name) == ()


async def test_reports_put_the_expiry_off(no_stray_tasks: None) -> None:
    async with _Opened(None, clock := VirtualClock(auto=False)) as registry:
        stream = await registry.watch(CTX, sample_instance(1).name)
        one = await registry.register(CTX, sample_instance(1, health_check=QUICK))
        for _ in range(4):
            await asyncio.sleep(0.02)
            clock.advance(20)
            await registry.health_check(CTX, one.id, one.status)
        await registry.deregister(CTX, one.id)
        seen = [event.type for event in await take(stream, 2)]
        assert seen == ["registered", "deregistered"]


async def test_a_watched_registry_lets_virtual_time_come_to_rest(no_stray_tasks: None) -> None:
    """The expiry task must not drive a clock that moves whenever somebody sleeps."""
    async with _Opened(None, clock := VirtualClock()) as registry:
        stream = await registry.watch(CTX, sample_instance(1).name)
        await registry.register(CTX, sample_instance(1, health_check=QUICK))
        assert [event.type for event in await take(stream, 2)] == ["registered", "expired"]
        rested = clock.monotonic()
        await asyncio.sleep(0.05)
        assert clock.monotonic() == rested


async def test_every_change_is_told_to_the_bus() -> None:
    clock = VirtualClock(auto=False)
    ids = UlidFactory(clock, seed=1)
    bus = MemoryBus(ids)
    database = await Database.open(None)
    registry = StoredServiceRegistry(DuckDbServiceInstanceStore(database), clock, bus=bus, ids=ids)
    try:
        first = await registry.register(CTX, sample_instance(1, health_check=QUICK))
        await registry.register(CTX, sample_instance(1, health_check=QUICK))
        await registry.health_check(CTX, first.id, HealthStatus.UNHEALTHY)
        await registry.health_check(CTX, first.id, HealthStatus.UNHEALTHY)
        second = await registry.register(CTX, sample_instance(2, health_check=QUICK))
        await registry.deregister(CTX, second.id)
        clock.advance(40)
        assert await registry.discover(CTX, first.name) == ()
        told = await bus.read(CTX, EventFilter(sources=("registry",)))
        assert [_gist(event) for event in told] == [
            ("registered", first.id),
            ("health_changed", first.id),
            ("it reported that it is unhealthy", first.id),
            ("registered", second.id),
            ("deregistered", second.id),
            ("expired", first.id),
            ("no report since 2026-01-01T00:00:00+00:00", first.id),
        ]
    finally:
        await registry.aclose()
        await bus.aclose()
        await database.aclose()


async def test_a_closed_registry_ends_its_streams_and_takes_nothing(no_stray_tasks: None) -> None:
    async with _Opened(None, VirtualClock(auto=False)) as registry:
        await registry.register(CTX, sample_instance(1))
        stream = await registry.watch(CTX, sample_instance(1).name)
        await registry.aclose()
        await registry.aclose()
        assert await drain(stream) == []
        for call in (
            registry.discover(CTX, "experiments"),
            registry.watch(CTX, "experiments"),
            registry.register(CTX, sample_instance(1)),
            registry.deregister(CTX, "svc_1"),
            registry.health_check(CTX, "svc_1", HealthStatus.HEALTHY),
        ):
            with pytest.raises(ClosedError):
                await call


def _gist(event: Event) -> tuple[str, str]:
    data = event.data
    if isinstance(data, ServiceHealthChanged):
        return data.change, event.subject
    assert isinstance(data, ServiceHealthCheckFailed)
    return data.reason, event.subject


class _Opened:
    """A registry over a store that is opened and closed around it."""

    def __init__(self, folder: Path | None, clock: VirtualClock) -> None:
        self._path = None if folder is None else folder / "store.duckdb"
        self._clock = clock

    async def __aenter__(self) -> StoredServiceRegistry:
        self._database = await Database.open(self._path)
        self._registry = StoredServiceRegistry(DuckDbServiceInstanceStore(self._database), self._clock)
        return self._registry

    async def __aexit__(self, *exc_info: object) -> None:
        await self._registry.aclose()
        await self._database.aclose()
