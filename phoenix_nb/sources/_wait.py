"""Waiting that a cancelled context and a closed source can end."""

from __future__ import annotations

import asyncio

from phoenix_nb.errors import CallCancelledError
from phoenix_nb.interfaces import Clock, Context

__all__ = ["Waiter"]


class Waiter:
    """Waits for points of a clock until somebody closes it."""

    def __init__(self) -> None:
        self._closed = asyncio.Event()

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed.is_set()

    def close(self) -> None:
        """End the present wait and all later ones."""
        self._closed.set()

    async def until(self, ctx: Context, clock: Clock, moment: float) -> bool:
        """Sleep until ``moment`` of the monotonic clock; ``False`` when it was closed meanwhile.

        The deadline of the context is not looked at: for a stream it covers the set-up only.

        Raises:
            CallCancelledError: the context was cancelled.
        """
        loop = asyncio.get_running_loop()
        cancelled = asyncio.Event()

        def wake() -> None:
            # The token may be thrown in another thread.
            loop.call_soon_threadsafe(cancelled.set)

        undo = ctx.token.on_cancel(wake)
        waits = [
            loop.create_task(clock.sleep(moment - clock.monotonic())),
            loop.create_task(cancelled.wait()),
            loop.create_task(self._closed.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            undo()
            for task in waits:
                task.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        if ctx.token.cancelled:
            raise CallCancelledError(f"the call was cancelled: {ctx.token.reason}")
        return not self.closed
