"""Publishing what a service did."""

from __future__ import annotations

from phoenix_nb.interfaces import Clock, Context, Event, EventBus, EventData, IdFactory

__all__ = ["Publisher"]


class Publisher:
    """Wraps data into events of one service.

    Args:
        bus: carries them.
        clock: their time.
        ids: their ids.
        source: name of the service.
    """

    def __init__(self, bus: EventBus, clock: Clock, ids: IdFactory, source: str) -> None:
        self._bus = bus
        self._clock = clock
        self._ids = ids
        self._source = source

    async def publish(self, ctx: Context, subject: str, *data: EventData) -> None:
        """Publish one event per datum, all or none.

        Args:
            ctx: on whose behalf; what has happened is told even when the caller has gone.
            subject: id of what they are about.
            *data: what happened, in order.
        """
        events = [
            Event(
                id=self._ids.new("evt"),
                source=self._source,
                time=self._clock.now(),
                subject=subject,
                data=one,
                metadata={"principal": ctx.principal},
            )
            for one in data
        ]
        await self._bus.publish_batch(ctx.detached(), events)
