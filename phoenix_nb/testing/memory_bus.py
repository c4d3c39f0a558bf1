"""The event bus over a journal that is a list."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from phoenix_nb.bus import AsyncioEventBus, matches
from phoenix_nb.errors import ConflictError
from phoenix_nb.interfaces import Context, Event, EventFilter, IdFactory

__all__ = ["MemoryBus", "MemoryJournal"]


class MemoryJournal:
    """Keeps events in a list."""

    def __init__(self) -> None:
        self._kept: list[Event] = []
        self._known: set[str] = set()

    async def append(self, ctx: Context, events: Sequence[Event]) -> Sequence[Event]:
        ctx.check()
        names = [event.id for event in events]
        if not self._known.isdisjoint(names) or len(set(names)) < len(names):
            raise ConflictError(
                "an event with this id was accepted before", details={"ids": [*sorted(names)]}
            )
        placed = tuple([event.at(position) for position, event in enumerate(events, len(self._kept) + 1)])
        self._kept += placed
        self._known.update(names)
        return placed

    async def read(self, ctx: Context, filter: EventFilter, *, limit: int = 1000) -> Sequence[Event]:  # noqa: A002 - named by the contract
        ctx.check()
        kept = islice(self._kept, filter.after_sequence or 0, None)
        return tuple(islice((event for event in kept if matches(filter, event)), limit))

    async def last_sequence(self, ctx: Context) -> int:
        ctx.check()
        return len(self._kept)


class MemoryBus(AsyncioEventBus):
    """An event bus that forgets everything with this process.

    Args:
        ids: makes the ids of subscriptions.
    """

    def __init__(self, ids: IdFactory) -> None:
        super().__init__(MemoryJournal(), ids=ids)
