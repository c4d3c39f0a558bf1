"""The event bus of one process: journal first, then every subscription."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from contextvars import ContextVar

from phoenix_nb.bus._replay import Replay
from phoenix_nb.bus._subscription import Subscription
from phoenix_nb.errors import (
    CallCancelledError,
    ClosedError,
    DeadlineExceededError,
    InternalError,
    NotFoundError,
    PhoenixError,
)
from phoenix_nb.interfaces import (
    BusStatistics,
    Context,
    Event,
    EventFilter,
    EventStream,
    IdFactory,
    Journal,
    SubscriptionOptions,
)
from phoenix_nb.runtime import SystemClock, UlidFactory, get_logger

__all__ = ["AsyncioEventBus", "Handler"]

Handler = Callable[[Event], Awaitable[None]]
"""What :meth:`AsyncioEventBus.attach` calls with every event, one at a time."""

_VIEWER = SubscriptionOptions()
_STOPPED = (CallCancelledError, DeadlineExceededError)
_PAGE = 500
_CLOSED = "the event bus is closed"
_ITSELF = Context.background(principal="bus")
_HANDLING: ContextVar[bool] = ContextVar("phoenix_bus_handling", default=False)


class AsyncioEventBus:
    """Carries events between the tasks of one event loop; the journal is written before anything is delivered.

    Delivery follows the positions of the journal: when a publisher was cancelled in the middle of its write, what did
    get written reaches the subscriptions before the next event does. Subscriptions are found by event type, so those
    that want other types cost nothing.

    A failed recorder stops its publishers: who waits for it gets its error, otherwise who publishes the next event
    that it wanted. A failed viewer is logged with its name. Events that a recorder's own reader publishes do not wait
    for room, as nobody else could make any.

    Args:
        journal: where events are kept.
        ids: makes the ids of subscriptions.
        debug_callbacks: treat failed viewers like failed recorders.
        patience: seconds that :meth:`aclose` waits for attached handlers to finish what is buffered.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        ids: IdFactory | None = None,
        debug_callbacks: bool = False,
        patience: float = 10.0,
    ) -> None:
        self._journal = journal
        self._ids = ids or UlidFactory(SystemClock())
        self._debug = debug_callbacks
        self._patience = patience
        self._accepting = asyncio.Lock()
        self._last: int | None = None
        self._published = 0
        self._subscriptions: dict[str, Subscription] = {}
        # Readers that failed and whose next publisher has not heard of it yet.
        self._failed: list[Subscription] = []
        self._routes: dict[str, tuple[Subscription, ...]] = {}
        self._handlers: set[asyncio.Task[None]] = set()
        self._unsure = False
        self._closed = False

    async def publish(self, ctx: Context, event: Event) -> Event:
        return (await self._accept(ctx, (event,)))[0]

    async def publish_batch(self, ctx: Context, events: Sequence[Event]) -> Sequence[Event]:
        if not events:
            self._check(ctx)
            return ()
        return await self._accept(ctx, events)

    async def _accept(self, ctx: Context, events: Sequence[Event]) -> Sequence[Event]:
        self._check(ctx)
        async with self._accepting:
            if self._closed:
                raise ClosedError(_CLOSED)
            last = await self._position() if self._last is None else self._last
            try:
                accepted = await self._journal.append(ctx, events)
            except asyncio.CancelledError:
                self._unsure = True  # it may have been written all the same
                raise
            first = accepted[0].sequence or 0
            if first > last + 1:
                await self._catch_up(first - 1)
            slow = self._deliver(accepted)
        if slow:
            await self._wait_for(slow)
        return accepted

    async def subscribe(
        self,
        ctx: Context,
        filter: EventFilter,  # noqa: A002 - named by the contract
        options: SubscriptionOptions | None = None,
    ) -> EventStream:
        return await self._subscribe(ctx, filter, options or _VIEWER)

    async def attach(
        self,
        ctx: Context,
        filter: EventFilter,  # noqa: A002 - named like that of subscribe
        handler: Handler,
        options: SubscriptionOptions | None = None,
    ) -> str:
        """Call a handler with every matching event, in order, in a task of its own; returns the subscription's id.

        What the handler raises is the failure of its subscription: a recorder ends and its publishers get the error, a
        viewer is logged and goes on with the next event.
        """
        stream = await self._subscribe(ctx, filter, options or _VIEWER)
        task = asyncio.create_task(self._run(stream, handler), name=f"phoenix-bus {stream.options.name}")
        self._handlers.add(task)
        task.add_done_callback(self._handlers.discard)
        return stream.subscription_id

    async def unsubscribe(self, ctx: Context, subscription_id: str) -> None:
        self._check(ctx)
        stream = self._subscriptions.get(subscription_id)
        if stream is None:
            raise NotFoundError(
                f"there is no subscription {subscription_id}", details={"subscription_id": subscription_id}
            )
        self._leave(stream, None)

    async def read(self, ctx: Context, filter: EventFilter, *, limit: int = 1000) -> Sequence[Event]:  # noqa: A002 - named by the contract
        self._check(ctx)
        return await self._journal.read(ctx, filter, limit=limit)

    async def statistics(self, ctx: Context) -> BusStatistics:
        ctx.check()
        last = self._last
        if last is None and not self._closed:
            last = await self._journal.last_sequence(ctx)
        return BusStatistics(
            published=self._published,
            last_sequence=last or 0,
            subscriptions=tuple(stream.statistics() for stream in self._subscriptions.values()),
        )

    async def aclose(self) -> None:
        self._closed = True
        # Publishers that wait for room hold nothing; one that writes is waited for.
        async with self._accepting:
            if self._unsure:
                self._unsure = False
                with suppress(PhoenixError):  # a journal that is gone cannot be asked
                    await self._catch_up(await self._journal.last_sequence(_ITSELF))
            for stream in [*self._subscriptions.values()]:
                self._leave(stream, None)
        for stream in self._failed:
            get_logger("bus").error("a failed reader was never noticed", reader=stream.options.name)
        self._failed.clear()
        handlers = self._handlers - {asyncio.current_task()}
        if handlers:
            _, stuck = await asyncio.wait(handlers, timeout=self._patience)
            for task in stuck:
                get_logger("bus").error("a handler did not finish and was cancelled", task=task.get_name())
                task.cancel()
            await asyncio.gather(*stuck, return_exceptions=True)

    def _check(self, ctx: Context) -> None:
        ctx.check()
        if self._closed:
            raise ClosedError(_CLOSED)

    async def _position(self) -> int:
        """Position up to which events were delivered, or were there before the bus; asked under the lock."""
        if self._last is None:
            self._last = await self._journal.last_sequence(_ITSELF)
        return self._last

    async def _subscribe(
        self, ctx: Context, wanted: EventFilter, options: SubscriptionOptions
    ) -> Subscription:
        self._check(ctx)
        if self._last is None:
            async with self._accepting:
                await self._position()
            self._check(ctx)
        # No await from here on: the seam between past and live must not move.
        seam = self._last or 0
        replay = None
        if wanted.after_sequence is not None or wanted.start_time is not None:
            replay = Replay(ctx.detached(), self._journal, wanted, seam)
        stream = Subscription(self._ids.new("sub"), wanted, options, replay, self._leave)
        self._subscriptions[stream.subscription_id] = stream
        self._routes.clear()
        loop = asyncio.get_running_loop()

        def cancelled() -> None:
            with suppress(RuntimeError):  # the loop has ended, and the subscription with it
                loop.call_soon_threadsafe(self._leave, stream, None)

        stream.release = ctx.token.on_cancel(cancelled)
        return stream

    def _deliver(self, events: Sequence[Event]) -> list[Subscription]:
        """Put events into the buffers of whoever wants them; returns whom their publisher has to wait for."""
        slow: list[Subscription] = []
        for event in events:
            readers = self._routes.get(event.type)
            if readers is None:
                readers = self._route(event.type)
            for reader in readers:
                if reader.offer(event) and reader not in slow:
                    slow.append(reader)
        self._last = events[-1].sequence
        self._published += len(events)
        return slow

    def _route(self, kind: str) -> tuple[Subscription, ...]:
        everybody = [*self._subscriptions.values(), *self._failed]
        readers = tuple(one for one in everybody if not one.wanted.types or kind in one.wanted.types)
        self._routes[kind] = readers
        return readers

    async def _catch_up(self, until: int) -> None:
        """Deliver what the journal holds up to a position: writes whose publisher was cancelled."""
        while (last := self._last or 0) < until:
            wanted = EventFilter(after_sequence=last)
            found = await self._journal.read(_ITSELF, wanted, limit=min(_PAGE, until - last))
            if not found:
                break
            self._deliver(found)

    async def _wait_for(self, slow: Sequence[Subscription]) -> None:
        me = asyncio.current_task()
        inside = _HANDLING.get() or any(one.reader is me for one in self._subscriptions.values())
        for reader in slow:
            try:
                await reader.room(wait=not inside)
            except PhoenixError:
                if reader in self._failed:
                    self._failed.remove(reader)
                    self._routes.clear()
                raise

    def _leave(self, stream: Subscription, error: BaseException | None) -> None:
        """End a subscription because its reader wants no more or has failed."""
        known = self._subscriptions.pop(stream.subscription_id, None) is not None
        self._routes.clear()
        # Being told to stop is no failure.
        if isinstance(error, Exception) and not isinstance(error, _STOPPED):
            if known:
                self._blame(stream, error)
                return
            _warn(stream, error)  # it had ended; nobody publishes for it any more
        stream.end()

    def _blame(self, stream: Subscription, error: Exception) -> None:
        """A reader failed: its publishers' failure, or only a log line."""
        name = stream.options.name
        if not stream.lossless:
            _warn(stream, error)
        if not stream.lossless and not self._debug:
            stream.end()
            return
        told: PhoenixError
        if isinstance(error, PhoenixError):
            told = error
        else:
            told = InternalError(
                f"the reader {name!r} failed: {type(error).__name__}: {error}", details={"reader": name}
            )
            told.__cause__ = error
        if not stream.fail(told):
            self._failed.append(stream)
            self._routes.clear()

    async def _run(self, stream: Subscription, handler: Handler) -> None:
        """Feed a handler until its subscription ends."""
        if stream.lossless:
            _HANDLING.set(True)  # also seen by tasks that the handler starts
        failure: Exception | None = None
        try:
            async for event in stream:
                try:
                    await handler(event)
                except Exception as error:
                    if stream.lossless or self._debug:
                        raise
                    _warn(stream, error)
        except Exception as error:  # noqa: BLE001 - nobody awaits this task; the bus tells who has to know
            failure = error
        finally:
            self._leave(stream, failure)


def _warn(stream: Subscription, error: Exception) -> None:
    get_logger("bus").warning("a reader failed", reader=stream.options.name, exc_info=error)
