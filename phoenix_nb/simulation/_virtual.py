"""The simulation contracts on a host in virtual time."""

from __future__ import annotations

from collections.abc import Sequence

from phoenix_nb.errors import ConflictError
from phoenix_nb.interfaces import Clock, Context
from phoenix_nb.interfaces.simulation import (
    LoadAdjustment,
    LoadProfile,
    LoadStatus,
    ProcessSimulationConfig,
    ProcessSpec,
    SimulatedProcess,
)
from phoenix_nb.simulation._compile import compile_processes, compile_world, template_of
from phoenix_nb.simulation._spec import FOREVER
from phoenix_nb.simulation._views import load_metrics, process_list, time_of
from phoenix_nb.simulation._world import DEFAULT_START, World

__all__ = ["VirtualLoadGenerator", "VirtualProcessSimulator"]

_NANO = 1_000_000_000


class VirtualTime:
    """Where virtual time stands: it follows a clock, or only moves by hand.

    Args:
        clock: the clock to follow; ``None`` means by hand only.
        pace: virtual seconds per second of the clock.
    """

    def __init__(self, clock: Clock | None, pace: float) -> None:
        self._clock = clock
        self._pace = pace
        self._begin = 0.0
        self._extra = 0.0

    def restart(self) -> None:
        """Begin again at 0."""
        self._begin = self._clock.monotonic() if self._clock is not None else 0.0
        self._extra = 0.0

    def move(self, seconds: float) -> None:
        """Move on by hand."""
        self._extra += max(seconds, 0.0)

    @property
    def seconds(self) -> float:
        """Virtual seconds since the beginning."""
        passed = (self._clock.monotonic() - self._begin) * self._pace if self._clock is not None else 0.0
        return passed + self._extra


class VirtualProcessSimulator:
    """A simulated host process by process (``ProcessSimulator``). Use it from one event loop.

    Args:
        clock: the clock that virtual time follows; ``None`` means that only :meth:`advance` moves it.
        pace: virtual seconds per second of the clock.
        start: virtual begin, Unix nanoseconds.
    """

    def __init__(self, clock: Clock | None = None, *, pace: float = 1.0, start: int = DEFAULT_START) -> None:
        self._time = VirtualTime(clock, pace)
        self._start = start
        self._world = World(compile_processes(ProcessSimulationConfig()), 0, start=start)

    @property
    def world(self) -> World:
        """The host, for payloads and statistics."""
        return self._world

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` of virtual time pass."""
        self._time.move(seconds)
        self._catch_up()

    async def simulate_processes(
        self, ctx: Context, config: ProcessSimulationConfig
    ) -> Sequence[SimulatedProcess]:
        ctx.check()
        self._world = World(compile_processes(config), config.seed, start=self._start)
        self._time.restart()
        return process_list(self._world)

    async def get_process_list(self, ctx: Context) -> Sequence[SimulatedProcess]:
        ctx.check()
        self._catch_up()
        return process_list(self._world)

    async def kill_process(self, ctx: Context, pid: int) -> None:
        ctx.check()
        self._catch_up()
        self._world.kill(pid)

    async def spawn_process(self, ctx: Context, spec: ProcessSpec) -> SimulatedProcess:
        ctx.check()
        self._catch_up()
        pid = self._world.spawn(template_of(spec))
        return next(one for one in process_list(self._world) if one.pid == pid)

    def _catch_up(self) -> None:
        self._world.advance(max(self._world.now, self._start + int(self._time.seconds * _NANO)))


class VirtualLoadGenerator:
    """Load in virtual time (``LoadGenerator``): nothing runs, a host is computed. Use it from one event loop.

    Args:
        clock: the clock that virtual time follows; ``None`` means that only :meth:`advance` moves it.
        seed: any whole number of at least 0.
        pace: virtual seconds per second of the clock.
        start: virtual begin, Unix nanoseconds.
    """

    def __init__(
        self, clock: Clock | None = None, *, seed: int = 0, pace: float = 1.0, start: int = DEFAULT_START
    ) -> None:
        self._time = VirtualTime(clock, pace)
        self._seed = seed
        self._start = start
        self._world: World | None = None
        self._active = False
        self._undo: list[tuple[float, LoadAdjustment]] = []

    @property
    def world(self) -> World | None:
        """The host, for payloads and statistics; ``None`` before the first load."""
        return self._world

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` of virtual time pass."""
        self._time.move(seconds)
        self._catch_up()

    async def generate_load(self, ctx: Context, profile: LoadProfile) -> LoadStatus:
        ctx.check()
        self._catch_up()
        if self._active:
            raise ConflictError("a load is active already", hint="stop it first")
        self._world = World(compile_world(profile), self._seed, start=self._start)
        self._undo = []
        self._time.restart()
        self._active = True
        return self._status()

    async def stop_load(self, ctx: Context) -> LoadStatus:
        ctx.check()
        self._catch_up()
        self._active = False
        return self._status()

    async def get_status(self, ctx: Context) -> LoadStatus:
        ctx.check()
        self._catch_up()
        return self._status()

    async def adjust_load(self, ctx: Context, adjustment: LoadAdjustment) -> LoadStatus:
        ctx.check()
        self._catch_up()
        if not self._active or self._world is None:
            raise ConflictError("no load is active", hint="start one first")
        apply_adjustment(self._world, adjustment)
        if adjustment.duration_seconds is not None:
            self._undo.append((self._world.seconds + adjustment.duration_seconds, reverse(adjustment)))
            self._undo.sort(key=lambda one: one[0])
        return self._status()

    def _catch_up(self) -> None:
        world = self._world
        if world is None or not self._active:
            return
        until = min(self._time.seconds, world.spec.duration)
        while self._undo and self._undo[0][0] <= until:
            moment, back = self._undo.pop(0)
            world.advance(max(world.now, self._start + int(moment * _NANO)))
            apply_adjustment(world, back)
        world.advance(max(world.now, self._start + int(until * _NANO)))
        if world.spec.duration != FOREVER and until >= world.spec.duration:
            self._active = False

    def _status(self) -> LoadStatus:
        world = self._world
        if world is None:
            return LoadStatus(active=False)
        return LoadStatus(
            active=self._active,
            current_load=load_metrics(world),
            started_at=time_of(world.start),
            elapsed_seconds=world.seconds,
        )


def apply_adjustment(world: World, adjustment: LoadAdjustment) -> None:
    """Change a running host; it takes effect with its next second."""
    world.nursery.population_shift += adjustment.process_count_delta or 0
    world.usage.cpu_factor *= adjustment.cpu_factor or 1.0
    world.usage.memory_factor *= adjustment.memory_factor or 1.0


def reverse(adjustment: LoadAdjustment) -> LoadAdjustment:
    """The adjustment that takes another one back."""
    return LoadAdjustment(
        process_count_delta=-adjustment.process_count_delta if adjustment.process_count_delta else None,
        cpu_factor=1 / adjustment.cpu_factor if adjustment.cpu_factor else None,
        memory_factor=1 / adjustment.memory_factor if adjustment.memory_factor else None,
    )
