"""Small made-up hosts for the tests of the meter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from phoenix_nb.otlp import (
    Attributes,
    Dictionaries,
    Frames,
    FramesBuilder,
    MetricHeader,
    MetricType,
    Resource,
    Scope,
    Temporality,
)

SECOND = 1_000_000_000
T0 = 1_700_000_000 * SECOND
CPU = MetricHeader("process.cpu.time", "", "s", MetricType.SUM, Temporality.CUMULATIVE, monotonic=True)
MEMORY = MetricHeader("process.memory.usage", "", "By", MetricType.SUM, Temporality.CUMULATIVE)
DISK = MetricHeader("process.disk.io", "", "By", MetricType.SUM, Temporality.CUMULATIVE, monotonic=True)
USER, SYSTEM = Attributes.of({"state": "user"}), Attributes.of({"state": "system"})
SCOPE = Scope("scraper", "1")


@dataclass(frozen=True)
class Process:
    """A process of the made-up host."""

    name: str
    pid: int
    start: int = 0
    host: str = ""
    owner: str = "root"
    command_line: str = ""

    def resource(self, **changes: object) -> Resource:
        values: dict[str, object] = {
            "process.pid": self.pid,
            "process.executable.name": self.name,
            "process.executable.path": f"/usr/bin/{self.name}",
            "process.command_line": self.command_line or f"/usr/bin/{self.name} --run",
            "process.owner": self.owner,
        }
        if self.host:
            values["host.name"] = self.host
        values.update(changes)
        return Resource(Attributes.of({key: value for key, value in values.items() if value is not None}))


def scrape(
    dictionaries: Dictionaries,
    scrapes: Iterable[tuple[int, Sequence[Process]]],
    *,
    spread: int = 1_000_000,
    value: int = 10,
    metrics: Sequence[MetricHeader] = (CPU, MEMORY, DISK),
) -> Frames:
    """Payloads: per scrape its time in nanoseconds after T0 and the processes alive."""
    builder = FramesBuilder(dictionaries)
    for offset, processes in scrapes:
        builder.begin_payload(T0 + offset)
        for at, process in enumerate(processes):
            start = T0 - SECOND * 1000 + process.start
            time = T0 + offset + at * spread
            builder.begin_resource(process.resource()).begin_scope(SCOPE)
            for header in metrics:
                builder.begin_metric(header)
                if header is CPU:
                    builder.number_point(USER, start, time, float(value))
                    builder.number_point(SYSTEM, start, time, 0.5)
                else:
                    builder.number_point(Attributes.EMPTY, start, time, value * 100)
    return builder.finish()


def frames_of_series(
    dictionaries: Dictionaries, rows: Iterable[tuple[dict[str, object], dict[str, object]]]
) -> Frames:
    """One payload with a point of CPU time per pair of resource and point attributes."""
    builder = FramesBuilder(dictionaries)
    builder.begin_payload(T0)
    for resource, point in rows:
        builder.begin_resource(Resource(Attributes.of(resource))).begin_scope(SCOPE).begin_metric(CPU)
        builder.number_point(Attributes.of(point), T0, T0 + SECOND, 1.0)
    return builder.finish()
