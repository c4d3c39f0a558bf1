"""Deliveries of the event bus against a bare ``asyncio.Queue`` per reader, blinker and bubus.

Every reader gets every event. As publishers do, all of them make, and so validate, each event just before they publish
it, unless the row says that the events were there already. Ours asks its journal first. So that the bus is what is
measured, and as a journal on disk holds nothing in this process, that journal numbers events and keeps none; rows of
their own measure one that keeps them in memory and the one in DuckDB. CPU time, but for the last, which wait for the
disk.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from bench._measure import CpuTimer, Row, compare
from phoenix_nb.bus import AsyncioEventBus
from phoenix_nb.interfaces import (
    Context,
    Event,
    EventFilter,
    EventStream,
    ExperimentStateChanged,
    Journal,
    SubscriptionMode,
    SubscriptionOptions,
)
from phoenix_nb.store import Database, DuckDbJournal
from phoenix_nb.testing import MemoryJournal
from phoenix_nb.testing.samples import T0

CTX = Context.background()
_BUFFER = 1000


class _Numbers:
    """A journal that only numbers events."""

    def __init__(self) -> None:
        self._last = 0

    async def append(self, ctx: Context, events: Sequence[Event]) -> Sequence[Event]:
        ctx.check()
        first = self._last + 1
        self._last += len(events)
        return tuple([event.at(position) for position, event in enumerate(events, first)])

    async def read(self, ctx: Context, filter: EventFilter, *, limit: int = 1000) -> Sequence[Event]:  # noqa: A002, ARG002 - named by the contract
        ctx.check()
        return ()

    async def last_sequence(self, ctx: Context) -> int:
        ctx.check()
        return self._last


Through = Callable[[Iterable[Event], int, int], Coroutine[Any, Any, float]]
"""Delivers events, how many there are, to so many readers; CPU seconds from the first until the last arrived."""


def _make(count: int) -> Iterable[Event]:
    for number in range(count):
        yield Event(
            id=f"evt_{number}",
            source="experiments",
            time=T0,
            subject="exp_1",
            data=ExperimentStateChanged(experiment_id="exp_1", from_state="pending", to_state="deploying"),
        )


async def _bus(
    events: Iterable[Event],
    count: int,
    readers: int,
    *,
    journal: Callable[[], Journal] = _Numbers,
    idle: int = 0,
    batch: int = 1,
) -> float:
    bus = AsyncioEventBus(journal())
    options = SubscriptionOptions(mode=SubscriptionMode.RECORDER, buffer=_BUFFER)

    async def read(stream: EventStream) -> None:
        for _ in range(count):
            await anext(stream)

    streams = [await bus.subscribe(CTX, EventFilter(), options) for _ in range(readers)]
    for _ in range(idle):
        await bus.subscribe(CTX, EventFilter(types=("report.generated",)), options)
    reading = [asyncio.create_task(read(stream)) for stream in streams]
    await asyncio.sleep(0)
    with CpuTimer() as timer:
        if batch == 1:
            for event in events:
                await bus.publish(CTX, event)
        else:
            left = iter(events)
            while group := [*islice(left, batch)]:
                await bus.publish_batch(CTX, group)
        await asyncio.gather(*reading)
    await bus.aclose()
    return timer.seconds


async def _queues(events: Iterable[Event], count: int, readers: int) -> float:
    queues: list[asyncio.Queue[Event]] = [asyncio.Queue(_BUFFER) for _ in range(readers)]

    async def read(queue: asyncio.Queue[Event]) -> None:
        for _ in range(count):
            await queue.get()

    reading = [asyncio.create_task(read(queue)) for queue in queues]
    await asyncio.sleep(0)
    with CpuTimer() as timer:
        for event in events:
            for queue in queues:
                await queue.put(event)
        await asyncio.gather(*reading)
    return timer.seconds


class _Counters:
    """Callbacks that count what they get."""

    def __init__(self, readers: int) -> None:
        self.seen = [0] * readers

    def receiver(self, at: int) -> Callable[[Any], Awaitable[None]]:
        async def receive(_event: Any) -> None:
            self.seen[at] += 1

        receive.__name__ = f"receive_{at}"
        return receive


async def _blinker(events: Iterable[Event], count: int, readers: int) -> float:
    from blinker import Signal

    signal, counters = Signal(), _Counters(readers)
    receivers = [counters.receiver(at) for at in range(readers)]  # blinker keeps weak references
    for one in receivers:
        signal.connect(one)
    with CpuTimer() as timer:
        for event in events:
            await signal.send_async(event)
    assert counters.seen == [count] * readers
    return timer.seconds


async def _bubus(events: Iterable[Event], count: int, readers: int) -> float:
    from bubus import BaseEvent, EventBus

    logging.getLogger("bubus").setLevel(logging.CRITICAL)

    class Carried(BaseEvent[None]):  # type: ignore[misc]  # bubus is untyped here
        event: Event

    bus, counters = EventBus(name="Peer"), _Counters(readers)
    for at in range(readers):
        bus.on(Carried, counters.receiver(at))
    with CpuTimer() as timer:
        for event in events:
            await bus.dispatch(Carried(event=event))
    assert counters.seen == [count] * readers
    await bus.stop(timeout=1, clear=True)
    return timer.seconds


def _rate(through: Through, readers: int, deliveries: int = 40_000, *, made: bool = False) -> float:
    """Deliveries per CPU second."""
    count = deliveries // readers
    events = [*_make(count)] if made else _make(count)
    return count * readers / asyncio.run(through(events, count, readers))


def _durable_rate(readers: int, count: int, batch: int) -> float:
    """Deliveries per second of wall time with a journal on disk."""

    async def run() -> float:
        with tempfile.TemporaryDirectory() as folder:
            database = await Database.open(Path(folder) / "store.duckdb")
            begin = time.perf_counter()
            await _bus(_make(count), count, readers, journal=lambda: DuckDbJournal(database), batch=batch)
            seconds = time.perf_counter() - begin
            await database.aclose()
        return count * readers / seconds

    return asyncio.run(run())


def run(repeats: int) -> list[Row]:
    """The rows."""
    row = partial(compare, unit="deliveries/s", repeats=repeats)
    queue = partial(row, peer_name="asyncio.Queue")
    batches = partial(_bus, batch=100)
    few = min(repeats, 3)
    return [
        queue("1 reader", partial(_rate, _bus, 1), partial(_rate, _queues, 1), least=0.5),
        queue("10 readers", partial(_rate, _bus, 10), partial(_rate, _queues, 10), least=0.5),
        queue("100 readers", partial(_rate, _bus, 100), partial(_rate, _queues, 100), least=0.5),
        *(
            queue(
                f"{readers} reader{'s' * (readers > 1)}, journal in memory",
                partial(_rate, partial(_bus, journal=MemoryJournal), readers),
                partial(_rate, _queues, readers),
            )
            for readers in (1, 10)
        ),
        *(
            queue(
                f"{readers} reader{'s' * (readers > 1)}, events there already",
                partial(_rate, _bus, readers, made=True),
                partial(_rate, _queues, readers, made=True),
            )
            for readers in (1, 10)
        ),
        queue(
            "10 readers, events there already, batches of 100",
            partial(_rate, batches, 10, made=True),
            partial(_rate, _queues, 10, made=True),
        ),
        row(
            "10 readers, 1000 more that want other types",
            partial(_rate, partial(_bus, idle=1000), 10),
            partial(_rate, _bus, 10),
            peer_name="ours without them",
        ),
        row(
            "10 readers",
            partial(_rate, _bus, 10),
            partial(_rate, _blinker, 10),
            peer_name="blinker send_async",
        ),
        row(
            "10 readers",
            partial(_rate, _bus, 10),
            partial(_rate, _bubus, 10, 200),
            peer_name="bubus",
            repeats=few,
        ),
        row(
            "10 readers, journal in DuckDB, a commit per event",
            partial(_durable_rate, 10, 50, 1),
            repeats=few,
        ),
        row(
            "10 readers, journal in DuckDB, a commit per 100 events",
            partial(_durable_rate, 10, 1000, 100),
            repeats=few,
        ),
    ]
