"""An event bus whose journal is a list.

A recorder is a position in the journal, so it can neither lose nor repeat an event; a viewer is a bounded buffer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Self

from phoenix_nb.errors import ClosedError, ConflictError, NotFoundError, OverflowDroppedError
from phoenix_nb.interfaces import (
    BusStatistics,
    Context,
    Event,
    EventFilter,
    EventStream,
    IdFactory,
    OverflowPolicy,
    SubscriptionMode,
    SubscriptionOptions,
    SubscriptionStatistics,
)

__all__ = ["MemoryBus"]


def _matches(wanted: EventFilter, event: Event) -> bool:
    return (
        (not wanted.types or event.type in wanted.types)
        and (not wanted.sources or event.source in wanted.sources)
        and (not wanted.subjects or event.subject in wanted.subjects)
        and (wanted.start_time is None or event.time >= wanted.start_time)
        and (wanted.end_time is None or event.time < wanted.end_time)
        and (wanted.after_sequence is None or (event.sequence or 0) > wanted.after_sequence)
        and all(event.metadata.get(key) == text for key, text in wanted.metadata.items())
    )


class _Subscription:
    """One reader; satisfies ``EventStream``."""

    def __init__(
        self,
        bus: MemoryBus,
        subscription_id: str,
        wanted: EventFilter,
        options: SubscriptionOptions,
        begin: int,
    ) -> None:
        self.subscription_id = subscription_id
        self.wanted, self.options = wanted, options
        self._bus = bus
        self._journal = bus._journal  # noqa: SLF001 - two halves of one thing
        self._next = begin
        self._end: int | None = None
        self._buffer: deque[Event] = deque()
        self._changed = asyncio.Condition()
        self._overflowed = False
        self.delivered = self.dropped = 0
        self.release: Callable[[], None] = lambda: None

    @property
    def lossless(self) -> bool:
        return self.options.mode is SubscriptionMode.RECORDER

    @property
    def ended(self) -> bool:
        return self._end is not None or self._overflowed

    def statistics(self) -> SubscriptionStatistics:
        return SubscriptionStatistics(
            subscription_id=self.subscription_id,
            name=self.options.name,
            mode=self.options.mode,
            delivered=self.delivered,
            dropped=self.dropped,
            buffered=self._backlog() if self.lossless else len(self._buffer),
        )

    def _backlog(self) -> int:
        return sum(_matches(self.wanted, event) for event in self._journal[self._next : self._end])

    def preload(self, events: Sequence[Event]) -> None:
        """A viewer's replay: what is in the journal already, whatever its size."""
        self._buffer.extend(events)
        self.delivered += len(events)

    def offer(self, event: Event) -> None:
        """Take an event that was just accepted."""
        if self.ended or not _matches(self.wanted, event):
            return
        if self.lossless:
            self.delivered += 1
        elif len(self._buffer) < self.options.buffer:
            self._buffer.append(event)
            self.delivered += 1
        elif self.options.overflow is OverflowPolicy.DROP_OLDEST:
            self._buffer.popleft()
            self._buffer.append(event)
            self.delivered += 1
            self.dropped += 1
        else:
            self.dropped += 1
            self._overflowed = self.options.overflow is OverflowPolicy.ERROR

    async def wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def room(self) -> None:
        """Return when a recorder has room, or does not read any more."""
        if self.lossless:
            async with self._changed:
                await self._changed.wait_for(lambda: self.ended or self._backlog() <= self.options.buffer)

    async def end(self) -> None:
        if self._end is None:
            self._end = len(self._journal)
            self.release()
        await self.wake()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        async with self._changed:
            while (event := self._take()) is None:
                if self._overflowed:
                    raise OverflowDroppedError(
                        f"the reader {self.options.name!r} fell behind",
                        hint="read faster or use a larger buffer",
                    )
                if self._end is not None:
                    raise StopAsyncIteration
                await self._changed.wait()
            self._changed.notify_all()
            return event

    def _take(self) -> Event | None:
        if not self.lossless:
            return self._buffer.popleft() if self._buffer else None
        limit = len(self._journal) if self._end is None else self._end
        while self._next < limit:
            event = self._journal[self._next]
            self._next += 1
            if _matches(self.wanted, event):
                return event
        return None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._bus._forget(self)  # noqa: SLF001


class MemoryBus:
    """An event bus in this process that forgets everything with it.

    Args:
        ids: makes the ids of subscriptions.
    """

    def __init__(self, ids: IdFactory) -> None:
        self._ids = ids
        self._journal: list[Event] = []
        self._known: set[str] = set()
        self._subscriptions: dict[str, _Subscription] = {}
        self._closed = False
        self._ending: set[asyncio.Task[None]] = set()

    async def publish(self, ctx: Context, event: Event) -> Event:
        return (await self.publish_batch(ctx, [event]))[0]

    async def publish_batch(self, ctx: Context, events: Sequence[Event]) -> Sequence[Event]:
        self._check(ctx)
        names = [event.id for event in events]
        if len(set(names)) < len(names) or self._known & set(names):
            raise ConflictError("an event with this id was accepted before", details={"ids": [*names]})
        # No await from here to the end of the loop: a batch is accepted whole.
        accepted = []
        readers = [*self._subscriptions.values()]
        for event in events:
            placed = event.model_copy(update={"sequence": len(self._journal) + 1})
            self._journal.append(placed)
            self._known.add(placed.id)
            accepted.append(placed)
            for reader in readers:
                reader.offer(placed)
        for reader in readers:
            await reader.wake()
        for reader in readers:
            await reader.room()
        return tuple(accepted)

    async def subscribe(
        self,
        ctx: Context,
        filter: EventFilter,  # noqa: A002
        options: SubscriptionOptions | None = None,
    ) -> EventStream:
        self._check(ctx)
        replays = filter.after_sequence is not None or filter.start_time is not None
        begin = 0 if replays else len(self._journal)
        stream = _Subscription(self, self._ids.new("sub"), filter, options or SubscriptionOptions(), begin)
        if replays and not stream.lossless:
            stream.preload([event for event in self._journal if _matches(filter, event)])
        self._subscriptions[stream.subscription_id] = stream
        loop = asyncio.get_running_loop()

        def cancelled() -> None:
            loop.call_soon_threadsafe(self._cancelled, stream)

        stream.release = ctx.token.on_cancel(cancelled)
        return stream

    async def unsubscribe(self, ctx: Context, subscription_id: str) -> None:
        self._check(ctx)
        stream = self._subscriptions.get(subscription_id)
        if stream is None:
            raise NotFoundError(f"there is no subscription {subscription_id}")
        await self._forget(stream)

    async def read(self, ctx: Context, filter: EventFilter, *, limit: int = 1000) -> Sequence[Event]:  # noqa: A002
        self._check(ctx)
        return tuple(event for event in self._journal if _matches(filter, event))[:limit]

    async def statistics(self, ctx: Context) -> BusStatistics:
        ctx.check()
        return BusStatistics(
            published=len(self._journal),
            last_sequence=len(self._journal),
            subscriptions=tuple(stream.statistics() for stream in self._subscriptions.values()),
        )

    async def aclose(self) -> None:
        self._closed = True
        for stream in [*self._subscriptions.values()]:
            await self._forget(stream)
        await asyncio.gather(*self._ending)

    def _check(self, ctx: Context) -> None:
        ctx.check()
        if self._closed:
            raise ClosedError("the event bus is closed")

    def _cancelled(self, stream: _Subscription) -> None:
        task = asyncio.get_running_loop().create_task(self._forget(stream))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _forget(self, stream: _Subscription) -> None:
        self._subscriptions.pop(stream.subscription_id, None)
        await stream.end()
