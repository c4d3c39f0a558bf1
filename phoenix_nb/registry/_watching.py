"""Streams of what happens to the instances of a service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from phoenix_nb.interfaces import Context, ServiceEvent

__all__ = ["Watcher", "Watchers"]


class Watcher:
    """One stream; it has begun when it is made. Nothing is dropped: instances change seldom.

    Args:
        name: the service it follows.
        forget: called once when the stream ends.
    """

    def __init__(self, name: str, forget: Callable[[Watcher], None]) -> None:
        self.name = name
        self.release: Callable[[], None] = lambda: None
        self._forget = forget
        self._queue: asyncio.Queue[ServiceEvent | None] = asyncio.Queue()
        self._ended = False

    def put(self, event: ServiceEvent) -> None:
        self._queue.put_nowait(event)

    def end(self) -> None:
        """Take no more; the reader gets what is waiting. May be called twice."""
        if not self._ended:
            self._ended = True
            self.release()
            self._forget(self)
            self._queue.put_nowait(None)

    def __aiter__(self) -> AsyncIterator[ServiceEvent]:
        return self

    async def __anext__(self) -> ServiceEvent:
        if self._ended and self._queue.empty():
            raise StopAsyncIteration
        event = await self._queue.get()
        if event is None:
            raise StopAsyncIteration
        return event

    async def aclose(self) -> None:
        """End the stream."""
        self.end()


class Watchers:
    """The open streams of one registry."""

    def __init__(self) -> None:
        self._open: list[Watcher] = []

    def __bool__(self) -> bool:
        return bool(self._open)

    def add(self, ctx: Context, name: str) -> Watcher:
        """A stream that ends with the context."""
        watcher = Watcher(name, self._open.remove)
        self._open.append(watcher)
        loop = asyncio.get_running_loop()

        def cancelled() -> None:
            with suppress(RuntimeError):  # the loop has ended, and the stream with it
                loop.call_soon_threadsafe(watcher.end)

        watcher.release = ctx.token.on_cancel(cancelled)
        return watcher

    def tell(self, event: ServiceEvent) -> None:
        for watcher in self._open:
            if watcher.name == event.service.name:
                watcher.put(event)

    def end(self) -> None:
        """End every stream."""
        for watcher in [*self._open]:
            watcher.end()
