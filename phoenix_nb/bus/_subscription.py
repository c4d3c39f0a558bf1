"""One reader of the bus and its buffer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Self

from phoenix_nb.bus._matching import beyond_type
from phoenix_nb.bus._replay import Replay
from phoenix_nb.errors import OverflowDroppedError, PhoenixError
from phoenix_nb.interfaces import (
    Event,
    EventFilter,
    OverflowPolicy,
    SubscriptionMode,
    SubscriptionOptions,
    SubscriptionStatistics,
)

__all__ = ["Subscription"]

_NO_ROOM = -1


class Subscription:
    """A bounded buffer between the bus and one reader; satisfies ``EventStream``.

    A recorder's buffer takes everything and tells the publisher to wait; a viewer's drops by its policy. Only the
    thread of the event loop touches it.

    Args:
        subscription_id: its name for the bus.
        wanted: which events.
        options: how it behaves.
        replay: what it reads before it joins the live stream; ``None`` when it begins with now.
        leave: tells the bus that the reader has gone, with its error when it failed.
    """

    def __init__(
        self,
        subscription_id: str,
        wanted: EventFilter,
        options: SubscriptionOptions,
        replay: Replay | None,
        leave: Callable[[Subscription, BaseException | None], None],
    ) -> None:
        self.subscription_id = subscription_id
        self.wanted, self.options = wanted, options
        self.lossless = options.mode is SubscriptionMode.RECORDER
        self.reader: asyncio.Task[object] | None = None
        self.release: Callable[[], None] = lambda: None
        self._accepts = beyond_type(wanted)
        self._replay = replay
        self._leave = leave
        self._limit = options.buffer
        self._buffer: deque[Event] = deque()
        self._waiting: list[asyncio.Future[None]] = []
        self._held: list[asyncio.Future[None]] = []
        self._ended = self._overflowed = False
        self._failure: PhoenixError | None = None
        self._delivered = self._dropped = 0

    # What the bus does with it.

    def offer(self, event: Event) -> bool:
        """Take an event of a wanted type that was just accepted; returns whether its publisher has to wait."""
        if self._accepts is not None and not self._accepts(event):
            return False
        if len(self._buffer) >= self._limit:
            return self._offer_full(event)
        self._buffer.append(event)
        self._delivered += 1
        if self._waiting:
            _wake(self._waiting)
        return False

    def _offer_full(self, event: Event) -> bool:
        if self._limit == _NO_ROOM:
            self._dropped += 1
            return self._failure is not None
        if not self.lossless and self.options.overflow is not OverflowPolicy.DROP_OLDEST:
            self._dropped += 1
            if self.options.overflow is OverflowPolicy.ERROR:
                self._overflowed = True
                self._limit = _NO_ROOM
            return False
        self._buffer.append(event)
        self._delivered += 1
        if not self.lossless:
            self._buffer.popleft()
            self._dropped += 1
        _wake(self._waiting)
        return self.lossless

    async def room(self, *, wait: bool) -> None:
        """Return when the recorder has room or has ended.

        Args:
            wait: ``False`` only looks whether the reader has failed.

        Raises:
            PhoenixError: the reader failed; this is told to the publishers that wait, or to the next one.
        """
        while wait and not self._ended and len(self._buffer) > self._limit:
            future = asyncio.get_running_loop().create_future()
            self._held.append(future)
            await future
        if self._failure is not None:
            raise self._failure

    def end(self) -> None:
        """Take no more; the reader gets what is buffered. A replay that is cut short ends where it was cut."""
        if self._ended:
            return
        self._ended = True
        self._limit = _NO_ROOM
        self.release()
        if self._replay is not None and self._replay.stop():
            self._dropped += len(self._buffer)
            self._buffer.clear()
        _wake(self._waiting)
        _wake(self._held)

    def fail(self, error: PhoenixError) -> bool:
        """End because the reader failed; returns whether a publisher waits, who hears of it."""
        heard = bool(self._held)
        self._failure = error
        self._buffer.clear()
        self.end()
        return heard

    def statistics(self) -> SubscriptionStatistics:
        replayed = self._replay.buffered if self._replay is not None else 0
        return SubscriptionStatistics(
            subscription_id=self.subscription_id,
            name=self.options.name,
            mode=self.options.mode,
            delivered=self._delivered,
            dropped=self._dropped,
            buffered=len(self._buffer) + replayed,
        )

    # What the reader does with it.

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        if self.lossless:
            self.reader = asyncio.current_task()
        if self._replay is not None:
            event = await self._replay.next()
            if event is not None:
                self._delivered += 1
                return event
            self._replay = None
        while not self._buffer:
            if self._overflowed:
                raise OverflowDroppedError(
                    f"the reader {self.options.name!r} fell behind", hint="read faster or use a larger buffer"
                )
            if self._ended:
                raise StopAsyncIteration
            future = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            await future
        event = self._buffer.popleft()
        if self._held and len(self._buffer) <= self._limit:
            _wake(self._held)
        return event

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        error = exc_info[1] if len(exc_info) > 1 else None
        self._leave(self, error if isinstance(error, BaseException) else None)


def _wake(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)
    futures.clear()
