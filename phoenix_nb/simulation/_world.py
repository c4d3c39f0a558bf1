"""A simulated host in virtual time: processes are born, work and die, tick by tick."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from phoenix_nb.errors import InvalidRequestError, NotFoundError, UnavailableError
from phoenix_nb.simulation._births import Birth, Nursery, mean_lifetime
from phoenix_nb.simulation._failures import NEVER, Cause, Reaper
from phoenix_nb.simulation._naming import plain_name
from phoenix_nb.simulation._pids import PidAllocator
from phoenix_nb.simulation._shapes import CommonLoad
from phoenix_nb.simulation._spec import FOREVER, EffectSpec, Role, Template, WorldSpec
from phoenix_nb.simulation._table import I, ProcessTable
from phoenix_nb.simulation._usage import UsageModel, template_columns

__all__ = ["DEFAULT_START", "World", "WorldTotals"]

DEFAULT_START = 1_767_225_600_000_000_000
"""2026-01-01 00:00:00 UTC in unix nanoseconds: where virtual time begins unless told otherwise."""
_NANO = 1_000_000_000
_TICK = 1.0


@dataclass(slots=True)
class WorldTotals:
    """What happened since the start of the simulation."""

    created: int = 0
    """Processes born after the start."""
    initial: int = 0
    """Processes that ran when the simulation began."""
    exited: int = 0
    """Ended by themselves."""
    killed: int = 0
    """Killed by the churn settings or by hand."""
    crashed: int = 0
    """Ended by chaos."""
    retired: int = 0
    """Ended because the population target went down."""
    suppressed: int = 0
    """Births that the upper limit or a lack of pids prevented."""
    life_seconds: float = 0.0
    """Sum of the lives of all that ended."""

    @property
    def ended(self) -> int:
        """All that ended."""
        return self.exited + self.killed + self.crashed + self.retired


class World:
    """The host. Same spec and seed, same history, whatever the times it is looked at.

    Everything random is drawn once per tick of one second; between ticks, counters are straight lines. Looking
    (:meth:`advance`) therefore never changes what happens.

    Args:
        spec: what the host is made of.
        seed: any whole number of at least 0.
        start: virtual begin, unix nanoseconds.
    """

    def __init__(self, spec: WorldSpec, seed: int, *, start: int = DEFAULT_START) -> None:
        if seed < 0:
            raise InvalidRequestError(f"a seed must be 0 or more, not {seed}")
        events, usage, load, titles, deaths = (
            np.random.Generator(np.random.PCG64(child)) for child in np.random.SeedSequence(seed).spawn(5)
        )
        self.spec = spec
        self.seed = seed
        self.start = start
        self.now = start
        """What :meth:`advance` moved to, unix nanoseconds."""
        self.boot = start - int(spec.host.uptime * _NANO)
        """Boot time of the host, unix nanoseconds."""
        self.totals = WorldTotals()
        self.table = ProcessTable()
        self.pids = PidAllocator(spec.host.pid_max)
        self.nursery = Nursery(spec, events)
        self.usage = UsageModel(spec, usage)
        self._events = events
        self._titles = titles
        self._reaper = Reaper(spec, deaths)
        self._load = CommonLoad(spec.load, load)
        self._level = 1.0
        self._columns = template_columns(spec.templates)
        self._serial = 0
        self._slots = [0] * len(spec.templates)
        self._fixed = np.array([t.critical or t.role is Role.KERNEL for t in spec.templates], dtype=np.bool_)
        self._elastic = np.array([t.role is Role.ELASTIC for t in spec.templates], dtype=np.bool_)
        self._jobs = np.array([t.role is Role.JOB for t in spec.templates], dtype=np.bool_)
        self._expected_jobs = spec.churn.spawn_rate * mean_lifetime(spec) if self._jobs.any() else 0.0
        self._tick_start = start
        self._history: deque[tuple[int, int]] = deque(maxlen=60)
        self._began = False
        self._open(first=True)
        self._began = True

    # -- looking -------------------------------------------------------------------------------------------------

    @property
    def templates(self) -> list[Template]:
        """The kinds of processes; rows point into it."""
        return self.nursery.templates

    @property
    def load(self) -> float:
        """The common load of the present tick, about 1."""
        return self._level

    @property
    def seconds(self) -> float:
        """Virtual seconds since the start."""
        return (self.now - self.start) / _NANO

    def advance(self, time: int) -> None:
        """Move to ``time`` (unix nanoseconds).

        Raises:
            InvalidRequestError: ``time`` is in the past of this world.
        """
        if time < self.now:
            raise InvalidRequestError(
                "virtual time never goes back", hint="start a new simulation with the same seed"
            )
        width = int(_TICK * _NANO)
        while time >= self._tick_start + width:
            self._close(self._tick_start + width)
            self._history.append((self.totals.created, self.totals.ended))
            self._tick_start += width
            self._open(first=False)
        self.now = time

    def recent_rates(self) -> tuple[float, float]:
        """Processes started and ended per second over the last minute, or since the start when that is less."""
        if not self._history:
            return 0.0, 0.0
        # The oldest entry is the end of the first tick: what happened in it counts as well while history is short.
        full = len(self._history) == self._history.maxlen
        created, ended = self._history[0] if full else (0, 0)
        ticks = len(self._history) - 1 if full else len(self._history)
        return (self._history[-1][0] - created) / ticks, (self._history[-1][1] - ended) / ticks

    def alive(self) -> NDArray[np.int64]:
        """Rows of the processes that live now, by pid."""
        starts, ends = self.table.i(I.START), self.table.i(I.END)
        rows = np.flatnonzero((starts <= self.now) & (ends > self.now))
        return rows[np.argsort(self.table.i(I.PID)[rows], kind="stable")]

    def counters(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """User, system and wait seconds, bytes read and written of these rows until now; shape (5, rows)."""
        begin = np.maximum(self.table.i(I.START)[rows], self._tick_start)
        passed = np.maximum(self.now - begin, 0) / _NANO
        return np.asarray(self.table.counters()[:, rows] + self.table.rates()[:, rows] * passed)

    # -- hands on ------------------------------------------------------------------------------------------------

    def kill(self, pid: int) -> None:
        """End the living process ``pid`` now; critical ones too, since somebody asked for it.

        Raises:
            NotFoundError: nobody has this pid now.
            InvalidRequestError: a kernel thread or pid 1, which cannot be killed.
        """
        row = self.row_of(pid)
        if pid == 1 or self.templates[int(self.table.i(I.TEMPLATE)[row])].role is Role.KERNEL:
            raise InvalidRequestError(
                f"pid {pid} cannot be killed", hint="kernel threads and pid 1 ignore signals"
            )
        self._reaper.end(self.table, np.array([row]), np.array([self.now]), Cause.KILLED)

    def spawn(self, template: Template, lifetime: float = FOREVER) -> int:
        """Start one process of a kind now; returns its pid.

        Raises:
            UnavailableError: no pid is free.
        """
        if template in self.templates:
            kind = self.templates.index(template)
        else:
            kind = len(self.templates)
            self.templates.append(template)
            self._columns = np.concatenate([self._columns, template_columns((template,))], axis=1)
            self._slots.append(0)
            self._fixed = np.append(self._fixed, template.critical or template.role is Role.KERNEL)
            # By hand means neither retired nor counted for the population target.
            self._elastic = np.append(self._elastic, np.False_)
            self._jobs = np.append(self._jobs, np.False_)
        rows = self._add([Birth(self.now, kind, -1, FOREVER if template.critical else lifetime)])
        if rows.start == rows.stop:
            raise UnavailableError("no pid is free", hint="raise the host's pid_max or kill processes")
        self.usage.start(self.table, rows, self.now, self.seconds, self._level)
        return int(self.table.i(I.PID)[rows.start])

    def row_of(self, pid: int) -> int:
        """The row of a living process.

        Raises:
            NotFoundError: nobody has this pid now.
        """
        rows = self.alive()
        found = rows[self.table.i(I.PID)[rows] == pid]
        if len(found) == 0:
            raise NotFoundError(f"no process with pid {pid}", details={"pid": pid})
        return int(found[0])

    # -- ticks ---------------------------------------------------------------------------------------------------

    def _close(self, end: int) -> None:
        """Add up the tick that ends now and forget the dead."""
        table = self.table
        starts, ends = table.i(I.START), table.i(I.END)
        passed = np.maximum(np.minimum(ends, end) - np.maximum(starts, self._tick_start), 0) / _NANO
        table.counters()[:] += table.rates() * passed
        dead = ends <= end
        if not dead.any():
            return
        pids, causes = table.i(I.PID)[dead], table.i(I.CAUSE)[dead]
        for field, cause in (("exited", 0), ("killed", 1), ("crashed", 2), ("retired", 3)):
            setattr(self.totals, field, getattr(self.totals, field) + int(np.count_nonzero(causes == cause)))
        self.totals.life_seconds += float((ends[dead] - starts[dead]).sum()) / _NANO
        for pid, kind, slot, died in zip(
            pids.tolist(),
            table.i(I.TEMPLATE)[dead].tolist(),
            table.i(I.SLOT)[dead].tolist(),
            ends[dead].tolist(),
            strict=True,
        ):
            self.pids.free(pid)
            if kind < len(self.spec.templates) and self.templates[kind].role is Role.SERVICE:
                self.nursery.restart(died, kind, slot)
        table.keep(~dead)
        orphans = np.isin(table.i(I.PPID), pids)
        table.i(I.PPID)[orphans] = 1
        table.i(I.VERSION)[orphans] += 1

    def _open(self, *, first: bool) -> None:
        """Draw what happens in the tick that begins now."""
        start, table = self._tick_start, self.table
        seconds = (start - self.start) / _NANO
        self._level = self._load.step(seconds, _TICK)
        if first:
            self._populate()
        self._shrink(seconds, start)
        births = self.nursery.due(start + int(_TICK * _NANO)) + self._grow(seconds, start)
        refill = self._refill(start) if self._ramp(seconds) >= 1.0 else []
        # Who is missing now comes first; who replaces a death of this tick takes no room.
        room = max(self.spec.count.high - table.size - sum(one.time == start for one in refill), 0)
        if len(births) > room:
            self.totals.suppressed += len(births) - room
            births = births[:room]
        self._add(sorted(births + refill))
        self._retitle()
        self.usage.step(table, start, seconds, _TICK, self._level, self._in_force(seconds))

    def _ramp(self, seconds: float) -> float:
        return 1.0 if self.spec.ramp_up <= 0 else min(1.0, seconds / self.spec.ramp_up)

    def _grow(self, seconds: float, start: int) -> list[Birth]:
        """Jobs of the churn rate, and elastic processes up to the population target."""
        spec, table, ramp = self.spec, self.table, self._ramp(seconds)
        pull = 1.0 + spec.load.spawn * (self._level - 1.0)
        births = self.nursery.jobs(start, _TICK, self.nursery.job_rate * ramp * pull)
        for effect, matches in self._in_force(seconds, "spawn"):
            kinds = np.flatnonzero(matches & ~self._fixed)
            births += self.nursery.of_kinds(start, _TICK, effect.value, kinds)
        kinds = table.i(I.TEMPLATE)
        lasting = table.i(I.END) >= start + int(_TICK * _NANO)
        if self.nursery.has_elastic:
            others = int(np.count_nonzero(lasting & ~self._elastic[kinds] & ~self._jobs[kinds]))
            wanted = max(self.nursery.goal(seconds, _TICK) - others - self._expected_jobs, 0.0) * ramp
            missing = wanted - int(np.count_nonzero(lasting & self._elastic[kinds]))
            # A random rounding keeps slow growth and decline smooth.
            births += self.nursery.elastic(start, _TICK, int(missing + self._events.uniform()))
            if missing < -1:
                self._retire(int(-missing), start)
        return births

    def _refill(self, start: int) -> list[Birth]:
        """Who keeps the lower limit: at once where there are too few, then one for each death too many."""
        low, size = self.spec.count.low, self.table.size
        ends = np.sort(self.table.i(I.END)[self.table.i(I.END) < start + int(_TICK * _NANO)])
        missing = max(low - size, 0)
        times = [start] * missing + ends[max(size - low, 0) :].tolist()
        births = self.nursery.elastic(start, 0.0, len(times))
        return [replace(birth, time=time) for birth, time in zip(births, times, strict=False)]

    def _retire(self, count: int, start: int) -> None:
        rows = self._mortal()
        rows = rows[self._elastic[self.table.i(I.TEMPLATE)[rows]]]
        self._reaper.take(self.table, rows, count, start, _TICK, Cause.RETIRED)

    def _mortal(self) -> NDArray[np.int64]:
        """Rows that may be killed: not critical, no kernel thread, and alive over the whole tick."""
        table = self.table
        return np.flatnonzero(
            ~self._fixed[table.i(I.TEMPLATE)] & (table.i(I.END) > self._tick_start + int(_TICK * _NANO))
        )

    def _shrink(self, seconds: float, start: int) -> None:
        kills = self._reaper.kills(_TICK)
        self._reaper.take(self.table, self._mortal(), kills, start, _TICK, Cause.KILLED)
        self._reaper.chaos(self.table, self._mortal(), start, seconds, _TICK)
        for effect, matches in self._in_force(seconds, "kill"):
            if effect.start < seconds + _TICK and effect.start >= seconds:
                hit = self._mortal()
                hit = hit[matches[self.table.i(I.TEMPLATE)[hit]]]
                self._reaper.take(self.table, hit, round(effect.value * len(hit)), start, _TICK, Cause.KILLED)

    def _in_force(self, seconds: float, kind: str = "") -> list[tuple[EffectSpec, NDArray[np.bool_]]]:
        found = []
        for effect in self.spec.effects:
            lasts = _TICK if effect.kind == "kill" else effect.duration
            if (
                effect.start < seconds + _TICK
                and seconds < effect.start + lasts
                and (not kind or effect.kind == kind)
            ):
                names = [fnmatchcase(plain_name(t), effect.match) for t in self.templates]
                found.append((effect, np.array(names, dtype=np.bool_)))
        return found

    def _retitle(self) -> None:
        kinds = self.table.i(I.TEMPLATE)
        for kind, template in enumerate(self.templates):
            if template.titles and template.title_rate > 0:
                rows = np.flatnonzero(kinds == kind)
                rows = rows[self._titles.uniform(size=len(rows)) < template.title_rate * _TICK]
                self.table.i(I.TITLE)[rows] = self._titles.integers(len(template.titles), size=len(rows))
                self.table.i(I.VERSION)[rows] += 1

    # -- birth ---------------------------------------------------------------------------------------------------

    def _populate(self) -> None:
        """What runs when the simulation begins: the fixed kinds since boot, the others at random ages."""
        spec, rng = self.spec, self._events
        fixed = [kind for kind, t in enumerate(spec.templates) if t.role in (Role.KERNEL, Role.SERVICE)]
        # Parents before children, as a host boots.
        ready: list[int] = []
        while len(ready) < len(fixed):
            names = {spec.templates[kind].name for kind in ready}
            step = [k for k in fixed if k not in ready and self._parent_ready(spec.templates[k], names)]
            ready += step or [k for k in fixed if k not in ready]
        at = self.boot
        for kind in ready:
            births = []
            for _ in range(spec.templates[kind].count):
                # Linux stamps processes in hundredths of a second after boot.
                at += int(rng.exponential(0.05) * _NANO)
                births.append(Birth(min(at, self.start - _NANO), kind, -1, FOREVER))
            self._add(births)
        if spec.ramp_up <= 0:
            room = max(spec.count.high - self.table.size, 0)
            jobs = self.nursery.jobs(self.start, 1.0, self._expected_jobs)[:room]
            aged = [
                Birth(self.start - int(min(b.lifetime, 86400.0) * u * _NANO), b.template, -1, b.lifetime)
                for b, u in zip(jobs, rng.uniform(size=len(jobs)).tolist(), strict=True)
            ]
            elastic = self.nursery.elastic(self.start, 0.0, spec.count.initial - self.table.size - len(aged))
            ages = rng.exponential(min(3600.0, spec.host.uptime / 3), size=len(elastic))
            for birth, age in zip(elastic, ages.tolist(), strict=True):
                # Somebody who ends by itself is met somewhere in the middle of its life.
                past = min(age, spec.host.uptime * 0.9)
                past = past if birth.lifetime == FOREVER else birth.lifetime * float(rng.uniform())
                aged.append(Birth(self.start - int(past * _NANO), birth.template, -1, birth.lifetime))
            self._add(sorted(aged))
        self.usage.step(self.table, self.start, 0.0, _TICK, 1.0, [])
        lived = (self.start - self.table.i(I.START)) / _NANO
        self.table.counters()[:] = self.table.rates() * lived
        self.totals.initial, self.totals.created = self.totals.created, 0

    def _parent_ready(self, template: Template, ready: set[str]) -> bool:
        return not template.parent or template.parent in ready

    def _add(self, births: list[Birth]) -> slice:
        table = self.table
        if not births:
            return slice(table.size, table.size)
        pids = []
        skips = np.minimum(self._events.geometric(0.5, size=len(births)) - 1, 8).tolist()
        for birth, skip in zip(births, skips, strict=True):
            wanted = (
                self.templates[birth.template].pid
                if birth.slot < 0 and self._slots[birth.template] == 0
                else 0
            )
            if wanted and wanted not in self.pids:
                self.pids.reserve(wanted)
                pids.append(wanted)
            else:
                pids.append(self.pids.take(skip if self._began else 0))
            if birth.slot < 0 and pids[-1]:
                self._slots[birth.template] += 1
        kept = [(b, p) for b, p in zip(births, pids, strict=True) if p]
        self.totals.suppressed += len(births) - len(kept)
        self.totals.created += len(kept)
        if not kept:
            return slice(table.size, table.size)
        births, pids = [b for b, _ in kept], [p for _, p in kept]
        kinds = np.array([b.template for b in births], dtype=np.int64)
        ints = np.zeros((len(I), len(births)), dtype=np.int64)
        ints[I.PID] = pids
        ints[I.PPID] = self._parents(kinds)
        ints[I.TEMPLATE] = kinds
        ints[I.SLOT] = self._slot_numbers(births)
        ints[I.SERIAL] = np.arange(self._serial, self._serial + len(births))
        ints[I.START] = [b.time for b in births]
        ints[I.END] = [
            NEVER if b.lifetime == FOREVER else b.time + max(int(b.lifetime * _NANO), 1) for b in births
        ]
        ints[I.VERSION] = 1
        self._serial += len(births)
        floats = self._columns[:, kinds].copy()
        self.usage.settle(floats)
        return table.append(floats, ints)

    def _slot_numbers(self, births: list[Birth]) -> list[int]:
        """New instances get the numbers counted up before; the last newborn of a kind has the highest."""
        left = {b.template: self._slots[b.template] for b in births}
        numbers = []
        for birth in reversed(births):
            if birth.slot >= 0:
                numbers.append(birth.slot)
            else:
                left[birth.template] -= 1
                numbers.append(left[birth.template])
        return numbers[::-1]

    def _parents(self, kinds: NDArray[np.int64]) -> NDArray[np.int64]:
        parents = np.ones(len(kinds), dtype=np.int64)
        for kind in np.unique(kinds):
            template = self.templates[kind]
            if template.parent_pid >= 0:
                parents[kinds == kind] = template.parent_pid
                continue
            if template.pid in (1, 2):
                parents[kinds == kind] = 0
                continue
            if not template.parent:
                continue
            names = [k for k, t in enumerate(self.templates) if t.name == template.parent]
            rows = np.flatnonzero(
                np.isin(self.table.i(I.TEMPLATE), names) & (self.table.i(I.END) > self._tick_start)
            )
            if len(rows):
                parents[kinds == kind] = self.table.i(I.PID)[rows[0]]
        return parents
