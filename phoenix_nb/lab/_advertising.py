"""Telling the registry and the bus which services this process offers, for as long as it does."""

from __future__ import annotations

import asyncio
import contextlib

from phoenix_nb.errors import NotFoundError
from phoenix_nb.interfaces import (
    Clock,
    Context,
    HealthCheckSpec,
    HealthStatus,
    IdFactory,
    ServiceInstance,
    ServiceRegistry,
    ServiceStarted,
    ServiceStopped,
)
from phoenix_nb.services import Publisher

__all__ = ["Advertising"]

_OFFERED = ("experiments", "pipelines", "monitoring", "simulations", "reports")
_HEALTH = HealthCheckSpec(interval_seconds=10.0, retries=3)


class Advertising:
    """Registers the services of one laboratory and reports their health until it is closed.

    Args:
        registry: where they are found.
        publisher: tells that they start and stop.
        clock: their times, and the waiting between two reports.
        ids: their ids.
        version: version of the software.
    """

    def __init__(
        self, registry: ServiceRegistry, publisher: Publisher, clock: Clock, ids: IdFactory, version: str
    ) -> None:
        self._registry = registry
        self._publisher = publisher
        self._clock = clock
        self._ids = ids
        self._version = version
        self._offered: list[ServiceInstance] = []
        self._beat: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Register everything."""
        ctx, now = Context.background(), self._clock.now()
        for name in _OFFERED:
            instance = ServiceInstance(
                id=self._ids.new("svc"),
                name=name,
                version=self._version,
                address="in-process",
                health_check=_HEALTH,
                status=HealthStatus.HEALTHY,
                registered_at=now,
                updated_at=now,
            )
            self._offered.append(await self._registry.register(ctx, instance))
        await self._publisher.publish(
            ctx, "", *(ServiceStarted(service_id=one.id, name=one.name) for one in self._offered)
        )
        self._beat = asyncio.get_running_loop().create_task(self._report(ctx), name="service heartbeats")

    async def _report(self, ctx: Context) -> None:
        while True:
            await self._clock.sleep(_HEALTH.interval_seconds)
            for instance in self._offered:
                try:
                    await self._registry.health_check(ctx, instance.id, HealthStatus.HEALTHY)
                except NotFoundError:  # the machine slept longer than the registry waits
                    await self._registry.register(ctx, instance)

    async def aclose(self) -> None:
        """Deregister everything. May be called twice."""
        if self._beat is not None:
            self._beat.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._beat
            self._beat = None
        ctx, offered = Context.background(), self._offered
        self._offered = []
        for instance in offered:
            await self._registry.deregister(ctx, instance.id)
        if offered:
            await self._publisher.publish(
                ctx, "", *(ServiceStopped(service_id=one.id, name=one.name) for one in offered)
            )
