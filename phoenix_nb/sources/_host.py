"""The live source: this machine's processes."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import AsyncIterator, Mapping

from phoenix_nb.errors import ClosedError, InvalidRequestError, SourceError
from phoenix_nb.interfaces import Clock, Context
from phoenix_nb.otlp import Dictionaries, Frames
from phoenix_nb.otlp.contracts import SourceInfo
from phoenix_nb.sources._host_scraper import HostScraper, HostScraperSettings
from phoenix_nb.sources._wait import Waiter

__all__ = ["HostSource"]


class HostSource:
    """Scrapes all processes of this machine at a fixed period; one payload per scrape.

    The schedule is set by the first scrape and never drifts. A scrape that is late by a whole period or more leaves
    a gap: nothing is caught up and no payload is given twice. Scrapes run in a thread, one at a time.

    Args:
        dictionaries: shared by all frames of the run.
        clock: tells the time and waits.
        every: seconds between two scrapes.
        settings: what is emitted; the scraper's defaults when omitted.
        scrapes: how many payloads to give; ``None`` means until it is closed or cancelled.
        initial_delay: seconds before the first scrape.
    """

    def __init__(
        self,
        dictionaries: Dictionaries,
        clock: Clock,
        *,
        every: float = 1.0,
        settings: HostScraperSettings | None = None,
        scrapes: int | None = None,
        initial_delay: float = 0.0,
    ) -> None:
        if not 0 < every < float("inf"):
            raise InvalidRequestError(
                f"the scrape period must be greater than zero, not {every}", hint="for example 1s"
            )
        if scrapes is not None and scrapes < 1:
            raise InvalidRequestError(f"the number of scrapes must be at least 1, not {scrapes}")
        if not 0 <= initial_delay < float("inf"):
            raise InvalidRequestError(f"the initial delay must not be negative, not {initial_delay}")
        self._initial_delay = initial_delay
        self._dictionaries = dictionaries
        self._clock = clock
        self._every = every
        self._settings = settings or HostScraperSettings()
        self._scrapes = scrapes
        self._scraper: HostScraper | None = None
        self._waiter = Waiter()
        self.gaps = 0
        """Scrapes that were left out because the one before took too long."""
        self.problems: tuple[str, ...] = ()
        """What the last scrape could not read, as the collector would log it."""
        self.denied: Mapping[str, int] = {}
        """Per kind of information how many processes refused it in the last scrape, muted or not."""

    @property
    def dictionaries(self) -> Dictionaries:
        """The dictionaries of every frames object of this source."""
        return self._dictionaries

    async def open(self, ctx: Context) -> SourceInfo:
        """Read the machine's boot time and make sure that processes can be listed.

        Raises:
            SourceError: they cannot.
        """
        ctx.check()
        if self._scraper is None:
            self._scraper = await asyncio.to_thread(
                HostScraper, self._dictionaries, self._settings, self._clock.unix_nano
            )
        name = platform.node() or "localhost"
        return SourceInfo(
            kind="host", name=name, period_seconds=self._every, host=name, live=True, payloads=self._scrapes
        )

    async def payloads(self, ctx: Context) -> AsyncIterator[Frames]:
        """Payloads at the period, the first at once, until the number is reached or the source is closed.

        Raises:
            CallCancelledError: the context was cancelled.
            SourceError: the processes cannot be listed, or the source was not opened.
        """
        scraper = self._scraper
        if scraper is None:
            raise SourceError("the host source is not open", hint="call open() before payloads()")
        first = self._clock.monotonic() + self._initial_delay
        tick = given = 0
        while self._scrapes is None or given < self._scrapes:
            if not await self._waiter.until(ctx, self._clock, first + tick * self._every):
                return
            try:
                frames = await asyncio.to_thread(scraper.scrape)
            except ClosedError:
                return
            self.problems = scraper.problems
            self.denied = scraper.denied
            given += 1
            yield frames
            late = int((self._clock.monotonic() - first) / self._every)
            self.gaps += max(late - tick - 1, 0)
            tick = max(tick + 1, late)

    async def aclose(self) -> None:
        """Stop waiting and release everything; may be called at any time and twice."""
        self._waiter.close()
        scraper, self._scraper = self._scraper, None
        if scraper is not None:
            await asyncio.to_thread(scraper.close)
