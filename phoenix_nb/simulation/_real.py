"""The same load as real child processes of this machine (``target: local``)."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from datetime import datetime

import psutil

from phoenix_nb.errors import ConflictError, InvalidRequestError, PhoenixError
from phoenix_nb.interfaces import Clock, Context
from phoenix_nb.interfaces.simulation import LoadAdjustment, LoadMetrics, LoadProfile, LoadStatus
from phoenix_nb.simulation._children import IdleChildren
from phoenix_nb.simulation._compile import compile_world
from phoenix_nb.simulation._naming import identify
from phoenix_nb.simulation._spec import Role
from phoenix_nb.simulation._table import I
from phoenix_nb.simulation._virtual import apply_adjustment, reverse
from phoenix_nb.simulation._world import World

__all__ = ["RealProcessLoad"]

_NANO = 1_000_000_000
_FOREVER = 6 * 3600.0
_MINUTE = 60.0
_ERRORS_KEPT = 20


class RealProcessLoad:
    """Real processes that come and go as the simulated host says (``LoadGenerator``).

    A simulated host runs in real time, and every one of its processes that is no kernel thread and not pid 1 gets an
    idle child with the same executable name: counts, births, deaths, crashes and critical processes are those of the
    profile. Children only sleep: CPU, memory and disk levels of the profile are *not* made. A life shorter than
    ``step`` may be missed. Pids are the system's. Use it from one event loop.

    Args:
        clock: tells the time and waits.
        seed: any whole number of at least 0.
        max_processes: most children at a time, 1 to 500; further ones are left out and reported.
        step: seconds between two looks at the simulated host.
    """

    def __init__(self, clock: Clock, *, seed: int = 0, max_processes: int = 500, step: float = 0.1) -> None:
        if not 1 <= max_processes <= 500:
            raise InvalidRequestError(f"max_processes must be between 1 and 500, not {max_processes}")
        self._clock = clock
        self._seed = seed
        self._most = max_processes
        self._step = step
        self._world: World | None = None
        self._children: IdleChildren | None = None
        self._task: asyncio.Task[None] | None = None
        self._pids: dict[int, int] = {}
        self._begin = 0.0
        self._elapsed = 0.0
        self._started_at: datetime | None = None
        self._errors: deque[str] = deque(maxlen=_ERRORS_KEPT)
        self._history: deque[tuple[float, int, int]] = deque()
        self._undo: list[tuple[float, LoadAdjustment]] = []
        self.started = 0
        """Children started since the load began."""

    @property
    def world(self) -> World | None:
        """The simulated host that the children follow; ``None`` before the first load."""
        return self._world

    @property
    def pids(self) -> tuple[int, ...]:
        """Pids of the living children."""
        return tuple(sorted(self._children.alive)) if self._children is not None else ()

    async def generate_load(self, ctx: Context, profile: LoadProfile) -> LoadStatus:
        """Begin; the first children appear within a moment.

        Raises:
            ConflictError: it is active already.
            UnavailableError: this machine has no program to make children of.
        """
        ctx.check()
        if self._active:
            raise ConflictError("a load is active already", hint="stop it first")
        await self.aclose()
        world = World(compile_world(profile), self._seed, start=self._clock.unix_nano())
        children = IdleChildren()
        try:
            await children.start()
        except BaseException:
            await children.close()
            raise
        self._world, self._children = world, children
        self._pids, self._undo = {}, []
        self._errors.clear()
        self._history.clear()
        self.started = 0
        self._begin, self._elapsed = self._clock.monotonic(), 0.0
        self._started_at = self._clock.now()
        self._task = asyncio.get_running_loop().create_task(
            self._run(world, children), name="phoenix-local-load"
        )
        return await self._status()

    async def stop_load(self, ctx: Context) -> LoadStatus:
        """End; every child is gone when this returns. Idempotent, and done even if the context is over."""
        del ctx
        await self.aclose()
        return await self._status()

    async def get_status(self, ctx: Context) -> LoadStatus:
        ctx.check()
        return await self._status()

    async def adjust_load(self, ctx: Context, adjustment: LoadAdjustment) -> LoadStatus:
        ctx.check()
        if not self._active or self._world is None:
            raise ConflictError("no load is active", hint="start one first")
        apply_adjustment(self._world, adjustment)
        if adjustment.duration_seconds is not None:
            self._undo.append((self._now() + adjustment.duration_seconds, reverse(adjustment)))
            self._undo.sort(key=lambda one: one[0])
        return await self._status()

    async def aclose(self) -> None:
        """Stop everything; may be called at any time and twice."""
        task, self._task = self._task, None
        if task is not None:
            self._elapsed = self._now() if not task.done() else self._elapsed
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self._children is not None:
            await self._children.close()
        self._pids = {}

    # -- the loop ------------------------------------------------------------------------------------------------

    @property
    def _active(self) -> bool:
        return self._task is not None and not self._task.done()

    def _now(self) -> float:
        return self._clock.monotonic() - self._begin

    async def _run(self, world: World, children: IdleChildren) -> None:
        try:
            while self._now() <= world.spec.duration:
                while self._undo and self._undo[0][0] <= self._now():
                    apply_adjustment(world, self._undo.pop(0)[1])
                world.advance(max(world.now, world.start + int(self._now() * _NANO)))
                await self._follow(world, children)
                self._remember(children)
                await self._clock.sleep(self._step)
        except PhoenixError as exc:
            self._errors.append(str(exc))
        finally:
            self._elapsed = self._now()
            await children.close()

    async def _follow(self, world: World, children: IdleChildren) -> None:
        """Make the children those of the simulated host."""
        table = world.table
        wanted: dict[int, int] = {}
        for row in world.alive().tolist():
            template = world.templates[int(table.i(I.TEMPLATE)[row])]
            if template.role is not Role.KERNEL and int(table.i(I.PID)[row]) != 1:
                wanted[int(table.i(I.SERIAL)[row])] = row
        self._pids = {serial: pid for serial, pid in self._pids.items() if pid in children.alive}
        for serial in self._pids.keys() - wanted.keys():
            children.kill(self._pids.pop(serial))
        # The oldest first: they were there before the limit was reached, and critical ones are among them.
        missing = sorted(wanted.keys() - self._pids.keys())
        room = max(self._most - len(self._pids), 0)
        if len(missing) > room:
            note = f"the profile wants more than {self._most} processes; further ones are left out"
            if note not in self._errors:
                self._errors.append(note)
        for serial in missing[:room]:
            row = wanted[serial]
            who = identify(
                world.templates[int(table.i(I.TEMPLATE)[row])],
                slot=int(table.i(I.SLOT)[row]),
                serial=serial,
                seed=world.seed,
            )
            left = (int(table.i(I.END)[row]) - world.now) / _NANO
            # A little longer than needed: the host says when it ends, its own sleep only makes sure.
            child = await children.spawn(who.name, min(left + 1.0, _FOREVER), serial)
            self._pids[serial] = child.pid
            self.started += 1

    def _remember(self, children: IdleChildren) -> None:
        now = self._now()
        self._history.append((now, self.started, children.ended))
        while len(self._history) > 1 and now - self._history[0][0] > _MINUTE:
            self._history.popleft()

    async def _status(self) -> LoadStatus:
        children = self._children
        if children is None or self._started_at is None:
            return LoadStatus(active=False)
        elapsed = self._now() if self._active else self._elapsed
        return LoadStatus(
            active=self._active,
            current_load=await self._load(children, elapsed),
            started_at=self._started_at,
            elapsed_seconds=elapsed,
            errors=tuple(self._errors),
        )

    async def _load(self, children: IdleChildren, elapsed: float) -> LoadMetrics:
        """Measured on the children, not taken from the simulated host."""
        cpu, memory = await asyncio.to_thread(_measure, tuple(children.alive))
        first, last = (self._history[0], self._history[-1]) if self._history else ((0.0, 0, 0), (0.0, 0, 0))
        span = last[0] - first[0]
        totals = self._world.totals if self._world is not None else None
        return LoadMetrics(
            process_count=len(children.alive),
            cpu_cores=cpu / elapsed if elapsed > 0 else 0.0,
            memory_bytes=memory,
            spawn_rate=(last[1] - first[1]) / span if span > 0 else 0.0,
            kill_rate=max(last[2] - first[2], 0) / span if span > 0 else 0.0,
            mean_lifetime_seconds=totals.life_seconds / totals.ended
            if totals is not None and totals.ended
            else None,
        )


def _measure(pids: tuple[int, ...]) -> tuple[float, int]:
    """CPU seconds and resident bytes of living processes."""
    cpu, memory = 0.0, 0
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            with process.oneshot():
                times = process.cpu_times()
                cpu += times.user + times.system
                memory += process.memory_info().rss
    return cpu, memory
