"""One simulation while it runs: a virtual host that is scraped, or real child processes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from phoenix_nb.interfaces import Clock, Context, Simulation, SimulationMetrics, TargetType
from phoenix_nb.otlp import Dictionaries, Frames
from phoenix_nb.simulation import RealProcessLoad, World, compile_world, load_metrics
from phoenix_nb.sources import SimulationSource

__all__ = ["SimulationRun"]


class _PacedClock:
    """Another clock at another speed: virtual seconds per real second."""

    def __init__(self, clock: Clock, pace: float) -> None:
        self._clock = clock
        self._pace = pace

    def now(self) -> datetime:
        return self._clock.now()

    def unix_nano(self) -> int:
        return self._clock.unix_nano()

    def monotonic(self) -> float:
        return self._clock.monotonic() * self._pace

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds / self._pace)


@dataclass(slots=True)
class _Tally:
    """What was seen so far."""

    scrapes: int = 0
    points: int = 0
    series: set[int] = field(default_factory=set)
    processes: int = 0
    process_sum: int = 0
    process_peak: int = 0
    cpu_sum: float = 0.0
    cpu_peak: float = 0.0
    memory_sum: int = 0
    memory_peak: int = 0
    created: int = 0
    ended: int = 0
    elapsed: float = 0.0
    errors: int = 0


class SimulationRun:
    """Runs one simulation until it ends by itself or is told to.

    Args:
        simulation: what to simulate.
        clock: tells the time and waits.
    """

    def __init__(self, simulation: Simulation, clock: Clock) -> None:
        self._simulation = simulation
        self._clock = clock
        self._ctx, self._token = Context.background(principal=simulation.created_by).with_cancel()
        self._tally = _Tally()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End it soon."""
        self._token.cancel("stopped")
        self._stopping.set()

    @property
    def metrics(self) -> SimulationMetrics:
        """What it did so far."""
        seen = self._tally
        none = not seen.scrapes
        return SimulationMetrics(
            simulation_id=self._simulation.id,
            elapsed_seconds=seen.elapsed,
            scrapes=seen.scrapes,
            points=seen.points,
            series=len(seen.series),
            processes_created=seen.created,
            processes_ended=seen.ended,
            process_count=seen.processes,
            process_count_mean=None if none else seen.process_sum / seen.scrapes,
            process_count_peak=None if none else seen.process_peak,
            cpu_cores_mean=None if none else seen.cpu_sum / seen.scrapes,
            cpu_cores_peak=None if none else seen.cpu_peak,
            memory_bytes_mean=None if none else seen.memory_sum / seen.scrapes,
            memory_bytes_peak=None if none else seen.memory_peak,
            errors=seen.errors,
        )

    async def execute(self) -> str:
        """Run to the end; returns why it ended."""
        if self._simulation.target.type is TargetType.LOCAL:
            return await self._real()
        return await self._virtual()

    def _end_reason(self) -> str:
        return "stopped" if self._token.cancelled else "its time is over"

    async def _virtual(self) -> str:
        simulation = self._simulation
        clock = None if simulation.pace is None else _PacedClock(self._clock, simulation.pace)
        source = SimulationSource(
            Dictionaries(),
            await asyncio.to_thread(compile_world, simulation.profile),
            seed=simulation.seed,
            every=simulation.every_seconds,
            clock=clock,
        )
        try:
            await source.open(self._ctx)
            world = source.world
            assert world is not None  # noqa: S101 - it was opened
            payloads = source.payloads(self._ctx)
            while not self._token.cancelled:
                frames = await anext(payloads, None)
                if frames is None:
                    break
                await asyncio.to_thread(self._count, world, frames)
        except Exception:
            if not self._token.cancelled:
                raise
        finally:
            await source.aclose()
        return self._end_reason()

    def _count(self, world: World, frames: Frames) -> None:
        seen = self._tally
        seen.points += frames.n_points
        seen.series.update(set(frames.p_series_key.tolist()))
        seen.elapsed = world.seconds
        self._levels(world, frames.n_payloads)

    def _levels(self, world: World, scrapes: int) -> None:
        seen, load, totals = self._tally, load_metrics(world), world.totals
        seen.created = totals.initial + totals.created
        seen.ended = totals.ended
        seen.processes = load.process_count
        seen.process_peak = max(seen.process_peak, load.process_count)
        seen.cpu_peak = max(seen.cpu_peak, load.cpu_cores)
        seen.memory_peak = max(seen.memory_peak, load.memory_bytes)
        seen.process_sum += scrapes * load.process_count
        seen.cpu_sum += scrapes * load.cpu_cores
        seen.memory_sum += scrapes * load.memory_bytes
        seen.scrapes += scrapes

    async def _real(self) -> str:
        simulation = self._simulation
        load = RealProcessLoad(
            self._clock, seed=simulation.seed, max_processes=simulation.target.max_processes
        )
        every = simulation.every_seconds
        limit = simulation.profile.duration_seconds
        try:
            await load.generate_load(self._ctx, simulation.profile)
            while not self._token.cancelled:
                status = await load.get_status(Context.background())
                self._follow(load, status.elapsed_seconds, len(status.errors))
                if limit is not None and status.elapsed_seconds >= limit:
                    break
                await self._wait(every if limit is None else min(every, limit - status.elapsed_seconds))
        finally:
            await load.stop_load(Context.background())
        return self._end_reason()

    def _follow(self, load: RealProcessLoad, elapsed: float, errors: int) -> None:
        seen, alive = self._tally, len(load.pids)
        seen.scrapes += 1
        seen.elapsed = elapsed
        seen.errors = errors
        seen.created = load.started
        seen.processes = alive
        seen.ended = max(0, load.started - alive)
        seen.process_sum += alive
        seen.process_peak = max(seen.process_peak, alive)

    async def _wait(self, seconds: float) -> None:
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({sleeping, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            stopping.cancel()
