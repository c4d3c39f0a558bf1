"""Looks at a simulated host as the hostmetrics process scraper would."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from phoenix_nb.otlp import Dictionaries, Frames, ScrapeTemplate
from phoenix_nb.simulation._naming import identify
from phoenix_nb.simulation._process_metrics import SCHEMA_URL, process_points, process_resource, process_scope
from phoenix_nb.simulation._table import F, I
from phoenix_nb.simulation._world import World

__all__ = ["WorldScraper"]

_NANO = 1_000_000_000
_JIFFY = 10_000_000
"""Linux counts process times in hundredths of a second."""
_PAGE = 4096
_BYTES_PER_PROCESS = 1250
"""Rough encoded size of one process, for the delay of a narrow network."""


class WorldScraper:
    """Turns moments of a world into payloads.

    Args:
        world: the host; it moves forward to the times asked for.
        dictionaries: shared by all frames of the run.
    """

    def __init__(self, world: World, dictionaries: Dictionaries) -> None:
        self.world = world
        self.dictionaries = dictionaries
        self._template = ScrapeTemplate(
            dictionaries, process_points(), scope=process_scope(), schema_url=SCHEMA_URL
        )
        # Per serial number of a process: id of its resource, and the version of its attributes that it stands for.
        self._known = np.zeros((2, 1024), dtype=np.int64)

    def scrape(self, times: Iterable[int]) -> Frames:
        """One payload per time (unix nanoseconds, increasing); payloads the simulated network loses are left out."""
        arrivals: list[int] = []
        parts: list[tuple[NDArray[np.int64], ...]] = []
        values: list[NDArray[np.float64]] = []
        for time in times:
            self.world.advance(time)
            rows = self.world.alive()
            # A generator per scrape: what was looked at before never changes what is seen now.
            rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.world.seed, time])))
            stamps = self._stamps(rng, len(rows), time)
            arrival = self._arrival(rng, stamps, time)
            if arrival is None:
                continue
            payload = np.full(len(rows), len(arrivals), dtype=np.int64)
            arrivals.append(arrival)
            starts = self.world.table.i(I.START)[rows]
            starts = self.world.boot + (starts - self.world.boot) // _JIFFY * _JIFFY
            parts.append((payload, self._resources(rows), starts, stamps))
            values.append(self._values(rows))
        if not arrivals:
            empty = np.zeros(0, dtype=np.int64)
            parts, values = [(empty, empty, empty, empty)], [np.zeros((0, 7))]
        payloads, resources, begins, seen = (np.concatenate(column) for column in zip(*parts, strict=True))
        return self._template.build(
            arrival=np.array(arrivals, dtype=np.uint64),
            rm_payload=payloads,
            resource=resources,
            start=begins.astype(np.uint64),
            time=seen.astype(np.uint64),
            values=np.concatenate(values),
        )

    def _stamps(self, rng: np.random.Generator, count: int, time: int) -> NDArray[np.int64]:
        """Timestamps of the processes: metadata of all first, then one after the other."""
        cost = self.world.spec.host.scrape_cost
        steps = rng.gamma(4.0, cost / 4, count)
        return time + ((count * cost * 0.8 + np.cumsum(steps)) * _NANO).astype(np.int64)

    def _arrival(self, rng: np.random.Generator, stamps: NDArray[np.int64], time: int) -> int | None:
        chaos = self.world.spec.chaos
        lost, shake = float(rng.uniform()), float(rng.standard_normal())
        if lost < chaos.packet_loss:
            return None
        delay = 0.001 + chaos.latency + abs(shake) * chaos.jitter
        if chaos.bandwidth > 0:
            delay += len(stamps) * _BYTES_PER_PROCESS / chaos.bandwidth
        return int(stamps[-1] if len(stamps) else time) + int(delay * _NANO)

    def _values(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        table = self.world.table
        values = np.empty((len(rows), 7))
        counters = self.world.counters(rows)
        # The small term keeps 0.29 from becoming 0.28 when it is stored a hair below.
        values[:, 0:3] = np.floor(counters[0:3].T * 100 + 1e-6) / 100
        values[:, 3:5] = np.floor(counters[3:5].T)
        resident = np.floor(table.f(F.RSS)[rows] / _PAGE) * _PAGE
        values[:, 5] = resident
        values[:, 6] = resident + np.floor(table.f(F.VIRTUAL)[rows] / _PAGE) * _PAGE
        return values

    def _resources(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        table, world = self.world.table, self.world
        serials, versions = table.i(I.SERIAL)[rows], table.i(I.VERSION)[rows]
        if len(rows) and serials.max() >= self._known.shape[1]:
            room = max(2 * self._known.shape[1], int(serials.max()) + 1)
            self._known = np.pad(self._known, ((0, 0), (0, room - self._known.shape[1])))
        for row in rows[self._known[1, serials] != versions].tolist():
            template = world.templates[int(table.i(I.TEMPLATE)[row])]
            serial = int(table.i(I.SERIAL)[row])
            who = identify(
                template,
                slot=int(table.i(I.SLOT)[row]),
                serial=serial,
                seed=world.seed,
                title=int(table.i(I.TITLE)[row]),
            )
            pid, parent = int(table.i(I.PID)[row]), int(table.i(I.PPID)[row])
            resource = process_resource(
                pid, parent, who.name, who.path, who.command, who.command_line, who.owner
            )
            self._known[:, serial] = self.dictionaries.resources.intern(resource), table.i(I.VERSION)[row]
        return np.asarray(self._known[0, serials])
