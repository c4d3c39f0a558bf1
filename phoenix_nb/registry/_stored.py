"""Service discovery whose memory is a store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Literal

from phoenix_nb.errors import ClosedError, NotFoundError, PhoenixError
from phoenix_nb.interfaces import (
    Clock,
    Context,
    Event,
    EventBus,
    EventData,
    HealthStatus,
    IdFactory,
    ServiceEvent,
    ServiceHealthChanged,
    ServiceHealthCheckFailed,
    ServiceInstance,
    ServiceInstanceStore,
)
from phoenix_nb.registry._watching import Watchers
from phoenix_nb.runtime import UlidFactory, get_logger

__all__ = ["StoredServiceRegistry"]

_ITSELF = Context.background(principal="registry")
# So that an instance counts as expired when the clock that was slept on says so, rounding or not.
_MOMENT = timedelta(milliseconds=1)

Change = Literal["registered", "deregistered", "health_changed", "expired"]


class StoredServiceRegistry:
    """A registry that survives restarts with its store.

    Expiry is judged by wall time at every call, so it also holds for what stopped reporting while no registry ran.
    While somebody watches, a task sleeps until the next instance is due and removes it then; otherwise what has
    expired is removed by the next ``register`` or ``discover``. Watchers see changes made through this object.

    Args:
        store: remembers the instances.
        clock: what heartbeats are measured with.
        bus: gets ``service.health_changed`` for every change and ``service.health_check_failed`` for unhealthy reports
            and expiries; ``None`` publishes nothing.
        ids: makes the ids of those events.
    """

    def __init__(
        self,
        store: ServiceInstanceStore,
        clock: Clock,
        *,
        bus: EventBus | None = None,
        ids: IdFactory | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._bus = bus
        self._ids = ids or UlidFactory(clock)
        self._changing = asyncio.Lock()
        self._watchers = Watchers()
        self._sweeper: asyncio.Task[None] | None = None
        self._asleep = False
        self._due: datetime | None = None
        self._closed = False

    async def register(self, ctx: Context, service: ServiceInstance) -> ServiceInstance:
        self._check(ctx)
        async with self._changing:
            happened = await self._expire(ctx)
            known = await self._find(ctx, service.id)
            now = self._clock.now()
            times = {"updated_at": now, "registered_at": known.registered_at if known else now}
            kept = await self._store.put_instance(ctx, service.model_copy(update=times))
            if known is None:
                happened.append(self._tell("registered", kept))
            elif known.status is not kept.status:
                happened.append(self._tell("health_changed", kept))
            self._plan(kept)
        await self._publish(ctx, happened)
        return kept

    async def deregister(self, ctx: Context, service_id: str) -> None:
        self._check(ctx)
        happened = []
        async with self._changing:
            known = await self._find(ctx, service_id)
            if known is not None:
                await self._store.delete_instance(ctx, service_id)
                happened.append(self._tell("deregistered", known))
        await self._publish(ctx, happened)

    async def discover(self, ctx: Context, name: str) -> Sequence[ServiceInstance]:
        self._check(ctx)
        found = await self._store.list_instances(ctx, name=name)
        now = self._clock.now()
        alive = [one for one in found if now <= _end(one)]
        if len(alive) < len(found):
            async with self._changing:
                happened = await self._expire(ctx)
            await self._publish(ctx, happened)
        return tuple(
            sorted(alive, key=lambda one: (one.status is not HealthStatus.HEALTHY, one.registered_at, one.id))
        )

    async def health_check(self, ctx: Context, service_id: str, status: HealthStatus) -> ServiceInstance:
        self._check(ctx)
        happened = []
        kept: ServiceInstance | None = None
        async with self._changing:
            known = await self._find(ctx, service_id)
            now = self._clock.now()
            if known is not None and now <= _end(known):
                changes = {"status": status, "updated_at": now}
                kept = await self._store.put_instance(ctx, known.model_copy(update=changes))
                if known.status is not status:
                    happened.append(self._tell("health_changed", kept))
            elif known is not None:
                happened = await self._expire(ctx)
        await self._publish(ctx, happened)
        if kept is None:
            raise NotFoundError(
                f"there is no service instance {service_id!r}, or it has expired",
                hint="register it again",
                details={"id": service_id},
            )
        return kept

    async def watch(self, ctx: Context, name: str) -> AsyncIterator[ServiceEvent]:
        self._check(ctx)
        watcher = self._watchers.add(ctx, name)
        try:
            for instance in await self._store.list_instances(ctx):
                self._plan(instance)
        except BaseException:
            watcher.end()
            raise
        return watcher

    async def aclose(self) -> None:
        """End every stream and take no more calls; the store keeps what is registered. May be called twice."""
        self._closed = True
        self._watchers.end()
        sweeper, self._sweeper = self._sweeper, None
        if sweeper is not None:
            sweeper.cancel()
            await asyncio.gather(sweeper, return_exceptions=True)

    def _check(self, ctx: Context) -> None:
        ctx.check()
        if self._closed:
            raise ClosedError("the service registry is closed")

    async def _find(self, ctx: Context, service_id: str) -> ServiceInstance | None:
        try:
            return await self._store.get_instance(ctx, service_id)
        except NotFoundError:
            return None

    async def _expire(self, ctx: Context) -> list[ServiceEvent]:
        """Remove what has missed its reports; under the lock."""
        now = self._clock.now()
        happened = []
        for instance in await self._store.list_instances(ctx):
            if now > _end(instance):
                await self._store.delete_instance(ctx, instance.id)
                happened.append(self._tell("expired", instance))
        return happened

    def _tell(self, change: Change, instance: ServiceInstance) -> ServiceEvent:
        event = ServiceEvent(type=change, service=instance, at=self._clock.now())
        self._watchers.tell(event)
        return event

    async def _publish(self, ctx: Context, happened: Sequence[ServiceEvent]) -> None:
        """Tell the bus, without the lock: a reader may call the registry before there is room again."""
        if self._bus is not None and happened:
            events = [self._event(one, data) for one in happened for data in _data(one)]
            # What has happened is told even when the caller has gone.
            await self._bus.publish_batch(ctx.detached(), events)

    def _event(self, happened: ServiceEvent, data: EventData) -> Event:
        return Event(
            id=self._ids.new("evt"),
            source="registry",
            time=happened.at,
            subject=happened.service.id,
            data=data,
        )

    def _plan(self, instance: ServiceInstance) -> None:
        """See to it that somebody looks when this instance is due."""
        if not self._watchers or self._closed:
            return
        if not self._look_at(_end(instance) + _MOMENT):
            return
        # A sweep that has begun is not torn apart: it looks at what is due next when it is done.
        if self._sweeper is None or self._sweeper.done() or self._asleep:
            if self._sweeper is not None:
                self._sweeper.cancel()
            self._sweeper = asyncio.get_running_loop().create_task(self._sweep(), name="service expiry")

    async def _sweep(self) -> None:
        """Sleep until the next instance is due and remove it, for as long as somebody watches."""
        while self._watchers and self._due is not None:
            self._asleep = True
            await self._clock.sleep((self._due - self._clock.now()).total_seconds())
            self._asleep = False
            self._due = None
            try:
                async with self._changing:
                    happened = await self._expire(_ITSELF)
                await self._publish(_ITSELF, happened)
                left = await self._store.list_instances(_ITSELF)
            except PhoenixError as error:
                get_logger("registry").warning("looking for expired services failed", exc_info=error)
                return
            for instance in left:
                self._look_at(_end(instance) + _MOMENT)
        self._due = None

    def _look_at(self, due: datetime) -> bool:
        """Whether this is earlier than what was planned; it is planned now."""
        if self._due is not None and self._due <= due:
            return False
        self._due = due
        return True


def _end(instance: ServiceInstance) -> datetime:
    """Until when the last report of an instance counts."""
    check = instance.health_check
    return instance.updated_at + timedelta(seconds=check.interval_seconds * check.retries)


def _data(happened: ServiceEvent) -> list[EventData]:
    one = happened.service
    changed = ServiceHealthChanged(
        service_id=one.id, name=one.name, change=happened.type, status=one.status.value
    )
    if happened.type == "expired":
        reason = f"no report since {one.updated_at.isoformat()}"
    elif happened.type == "health_changed" and one.status is HealthStatus.UNHEALTHY:
        reason = "it reported that it is unhealthy"
    else:
        return [changed]
    return [changed, ServiceHealthCheckFailed(service_id=one.id, name=one.name, reason=reason)]
