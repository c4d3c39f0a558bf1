"""A simulated host as a source: at full speed, or paced like a real one."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator

from phoenix_nb.errors import CallCancelledError, InvalidRequestError, SourceError
from phoenix_nb.interfaces import Clock, Context
from phoenix_nb.otlp import Dictionaries, Frames
from phoenix_nb.otlp.contracts import SourceInfo
from phoenix_nb.simulation import DEFAULT_START, World, WorldScraper, WorldSpec
from phoenix_nb.sources._wait import Waiter

__all__ = ["SimulationSource"]

_BATCH = 60


class SimulationSource:
    """Payloads of a simulated host. Same arguments, same bytes, whatever the machine and the pace.

    Args:
        dictionaries: shared by all frames of the run.
        spec: what is simulated, from ``compile_world``.
        seed: any whole number of at least 0.
        every: virtual seconds between two scrapes.
        scrapes: how many; ``None`` means until the profile's duration, or without end.
        start: virtual begin, Unix nanoseconds.
        clock: gives the payloads in real time, one by one; ``None`` means at full speed, up to 60 at once.
    """

    def __init__(
        self,
        dictionaries: Dictionaries,
        spec: WorldSpec,
        *,
        seed: int = 0,
        every: float = 10.0,
        scrapes: int | None = None,
        start: int = DEFAULT_START,
        clock: Clock | None = None,
    ) -> None:
        if not 0 < every < math.inf:
            raise InvalidRequestError(
                f"the scrape period must be greater than zero, not {every}", hint="for example 10s"
            )
        if scrapes is not None and scrapes < 1:
            raise InvalidRequestError(f"the number of scrapes must be at least 1, not {scrapes}")
        self._dictionaries = dictionaries
        self._spec = spec
        self._seed = seed
        self._every = every
        limit = None if spec.duration == math.inf else math.floor(spec.duration / every) + 1
        self._scrapes = limit if scrapes is None else scrapes if limit is None else min(scrapes, limit)
        self._start = start
        self._clock = clock
        self._world: World | None = None
        self._waiter = Waiter()

    @property
    def dictionaries(self) -> Dictionaries:
        """The dictionaries of every frames object of this source."""
        return self._dictionaries

    @property
    def world(self) -> World | None:
        """The host behind the payloads, for statistics; ``None`` before ``open``."""
        return self._world

    async def open(self, ctx: Context) -> SourceInfo:
        """Let the host boot."""
        ctx.check()
        if self._world is None:
            self._world = await asyncio.to_thread(World, self._spec, self._seed, start=self._start)
        return SourceInfo(
            kind="simulation",
            name=self._spec.name,
            period_seconds=self._every,
            host=self._spec.host.name,
            live=self._clock is not None,
            seed=self._seed,
            payloads=self._scrapes,
        )

    async def payloads(self, ctx: Context) -> AsyncIterator[Frames]:
        """The payloads in order.

        Raises:
            CallCancelledError: the context was cancelled.
            SourceError: the source was not opened.
        """
        world = self._world
        if world is None:
            raise SourceError("the simulation is not open", hint="call open() before payloads()")
        scraper = WorldScraper(world, self._dictionaries)
        batch = _BATCH if self._clock is None else 1
        begin = self._clock.monotonic() if self._clock is not None else 0.0
        done = 0
        while self._scrapes is None or done < self._scrapes:
            if self._clock is not None and not await self._waiter.until(
                ctx, self._clock, begin + done * self._every
            ):
                return
            if ctx.token.cancelled:
                raise CallCancelledError(f"the call was cancelled: {ctx.token.reason}")
            if self._waiter.closed:
                return
            last = done + batch if self._scrapes is None else min(done + batch, self._scrapes)
            times = [self._start + round(number * self._every * 1e9) for number in range(done, last)]
            frames = await asyncio.to_thread(scraper.scrape, times)
            done = last
            # A payload that the simulated network lost is a gap, not an empty payload.
            if frames.n_payloads:
                yield frames

    async def aclose(self) -> None:
        """Stop; may be called at any time and twice."""
        self._waiter.close()
