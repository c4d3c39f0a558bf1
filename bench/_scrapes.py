"""Synthetic process scrapes of any size: seven points a process, one process in a hundred replaced at every scrape."""

from __future__ import annotations

import random
from collections.abc import Iterator

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric, ResourceMetrics

__all__ = ["scrapes"]

_NAMES = ("postgres", "nginx", "python3", "java", "node", "bash", "sleep", "redis-server", "systemd", "app")
_SECOND = 1_000_000_000
_BEGIN = 1_760_000_000 * _SECOND
_PERIOD = 10 * _SECOND


class _Process:
    """One simulated process: what does not change, and what grows."""

    def __init__(self, number: int, began: int, chance: random.Random) -> None:
        name = _NAMES[number % len(_NAMES)]
        self.began = began
        self.memory = chance.randrange(1 << 20, 1 << 29)
        self.cpu = [0.0, 0.0, 0.0]
        self.disk = [0, 0]
        self.attributes: dict[str, int | str] = {
            "process.pid": 1000 + number,
            "process.parent_pid": 1,
            "process.executable.name": name,
            "process.executable.path": f"/usr/bin/{name}",
            "process.command": f"/usr/bin/{name}",
            "process.command_line": f"/usr/bin/{name} --worker {number} --config /etc/{name}.conf",
            "process.owner": "root" if number % 3 else "app",
        }

    def live(self, chance: random.Random) -> None:
        """Grow by one period."""
        self.cpu = [value + chance.random() for value in self.cpu]
        self.disk = [value + chance.randrange(1 << 16) for value in self.disk]
        self.memory += chance.randrange(-4096, 4096)


def _number_points(
    metric: Metric, key: str, values: dict[str, float | int], began: int, now: int, *, cumulative: bool = True
) -> None:
    metric.sum.aggregation_temporality = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    metric.sum.is_monotonic = cumulative
    for label, value in values.items():
        point = metric.sum.data_points.add(start_time_unix_nano=began, time_unix_nano=now)
        if key:
            attribute = point.attributes.add(key=key)
            attribute.value.string_value = label
        if isinstance(value, int):
            point.as_int = value
        else:
            point.as_double = value


def _fill(block: ResourceMetrics, process: _Process, now: int) -> None:
    for key, value in process.attributes.items():
        attribute = block.resource.attributes.add(key=key)
        if isinstance(value, int):
            attribute.value.int_value = value
        else:
            attribute.value.string_value = value
    scope = block.scope_metrics.add()
    scope.scope.name = (
        "github.com/open-telemetry/opentelemetry-collector-contrib/receiver/hostmetricsreceiver"
    )
    began = process.began
    cpu = dict(zip(("user", "system", "wait"), process.cpu, strict=True))
    disk = dict(zip(("read", "write"), process.disk, strict=True))
    for name, unit, key, values in (
        ("process.cpu.time", "s", "state", cpu),
        ("process.disk.io", "By", "direction", disk),
        ("process.memory.usage", "By", "", {"": process.memory}),
        ("process.memory.virtual", "By", "", {"": 4 * process.memory}),
    ):
        metric = scope.metrics.add(name=name, unit=unit)
        _number_points(metric, key, dict(values), began, now, cumulative=bool(key))


def scrapes(processes: int, count: int, *, seed: int = 1) -> Iterator[bytes]:
    """OTLP requests, protobuf; the same arguments give the same bytes."""
    chance = random.Random(seed)
    living = [_Process(number, _BEGIN, chance) for number in range(processes)]
    born = processes
    for scrape in range(count):
        now = _BEGIN + scrape * _PERIOD
        if scrape:
            for place in chance.sample(range(processes), max(1, processes // 100)):
                living[place] = _Process(born, now, chance)
                born += 1
        request = ExportMetricsServiceRequest()
        for place, process in enumerate(living):
            process.live(chance)
            # The scraper reads one process after the other: each has a time of its own.
            _fill(request.resource_metrics.add(), process, now + place * 20_000)
        yield request.SerializeToString()
