"""The past of a subscription, page by page from the journal."""

from __future__ import annotations

import asyncio
from collections import deque

from phoenix_nb.interfaces import Context, Event, EventFilter, Journal

__all__ = ["Replay"]

_PAGE = 500


class Replay:
    """Reads what a filter wants up to and including one position, the seam; what comes after it is delivered live.

    Args:
        ctx: on whose behalf the journal is read.
        journal: where the events are.
        wanted: which of them.
        seam: the last position that belongs to the past.
    """

    def __init__(self, ctx: Context, journal: Journal, wanted: EventFilter, seam: int) -> None:
        self._ctx = ctx
        self._journal = journal
        self._wanted = wanted
        self._seam = seam
        self._after = wanted.after_sequence or 0
        self._page: deque[Event] = deque()
        self._reading = asyncio.Lock()
        self._over = self._after >= seam

    @property
    def buffered(self) -> int:
        """Events that were read and not yet taken."""
        return len(self._page)

    async def next(self) -> Event | None:
        """The next event; ``None`` when the past is over."""
        async with self._reading:
            while not self._page and not self._over:
                wanted = self._wanted.model_copy(update={"after_sequence": self._after})
                found = await self._journal.read(self._ctx, wanted, limit=_PAGE)
                past = [event for event in found if (event.sequence or 0) <= self._seam]
                if len(past) < _PAGE:
                    self._over = True
                self._page.extend(past)
                if past:
                    self._after = past[-1].sequence or 0
            return self._page.popleft() if self._page else None

    def stop(self) -> bool:
        """Read no more pages; returns whether some of the past will be missing."""
        cut = not self._over
        self._over = True
        return cut
