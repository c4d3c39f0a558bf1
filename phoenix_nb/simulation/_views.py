"""What a simulated host looks like through the contract's values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from phoenix_nb.interfaces.simulation import LoadMetrics, ProcessState, SimulatedProcess
from phoenix_nb.simulation._naming import identify
from phoenix_nb.simulation._table import F, I
from phoenix_nb.simulation._world import World

__all__ = ["load_metrics", "process_list", "time_of"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BUSY = 0.2
"""Cores from which on a process counts as running rather than sleeping at the moment of looking."""


def time_of(unix_nano: int) -> datetime:
    """A point of simulated time with microseconds."""
    return _EPOCH + timedelta(microseconds=unix_nano // 1000)


def process_list(world: World) -> tuple[SimulatedProcess, ...]:
    """All living processes by pid."""
    table = world.table
    found = []
    for row in world.alive().tolist():
        template = world.templates[int(table.i(I.TEMPLATE)[row])]
        who = identify(
            template,
            slot=int(table.i(I.SLOT)[row]),
            serial=int(table.i(I.SERIAL)[row]),
            seed=world.seed,
            title=int(table.i(I.TITLE)[row]),
        )
        cores = float(table.f(F.USER_RATE)[row] + table.f(F.SYSTEM_RATE)[row])
        found.append(
            SimulatedProcess(
                pid=int(table.i(I.PID)[row]),
                parent_pid=int(table.i(I.PPID)[row]),
                name=who.name,
                command=who.command_line,
                user=who.owner,
                state=ProcessState.RUNNING if cores >= _BUSY else ProcessState.SLEEPING,
                start_time=time_of(int(table.i(I.START)[row])),
                cpu_cores=cores,
                memory_bytes=int(table.f(F.RSS)[row]),
                thread_count=template.threads,
                open_files=template.open_files,
                labels=dict(template.labels),
            )
        )
    return tuple(found)


def load_metrics(world: World) -> LoadMetrics:
    """The load of the host now."""
    rows = world.alive()
    table, totals = world.table, world.totals
    spawned, ended = world.recent_rates()
    return LoadMetrics(
        process_count=len(rows),
        cpu_cores=float((table.f(F.USER_RATE)[rows] + table.f(F.SYSTEM_RATE)[rows]).sum()),
        memory_bytes=int(table.f(F.RSS)[rows].sum()),
        spawn_rate=spawned,
        kill_rate=ended,
        mean_lifetime_seconds=totals.life_seconds / totals.ended if totals.ended else None,
    )
