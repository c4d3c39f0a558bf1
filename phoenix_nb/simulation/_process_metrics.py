"""What the hostmetrics process scraper emits: metrics, attributes, scope and resource of one process.

The names, units, descriptions and orders are those of the real collector's payloads (contrib v0.159.0). They are
here, below ``sources``, because the simulator and the host source must emit the same thing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.otlp import Attributes, MetricHeader, MetricType, PointKind, Resource, Scope, Temporality

__all__ = [
    "ALL_PROCESS_METRICS",
    "DEFAULT_PROCESS_METRICS",
    "PROCESS_METRICS",
    "SCHEMA_URL",
    "ProcessMetric",
    "process_points",
    "process_resource",
    "process_scope",
]

SCHEMA_URL = "https://opentelemetry.io/schemas/1.9.0"
"""Schema URL of every resource block."""
_SCOPE = (
    "github.com/open-telemetry/opentelemetry-collector-contrib/receiver/hostmetricsreceiver/internal/scraper/"
    "processscraper"
)


@dataclass(frozen=True, slots=True)
class ProcessMetric:
    """One metric of the scraper."""

    name: str
    """Metric name."""
    description: str
    """As the collector sends it."""
    unit: str
    """UCUM unit."""
    kind: PointKind
    """``INT`` or ``DOUBLE``."""
    type: MetricType = MetricType.SUM
    """Sums are cumulative."""
    monotonic: bool = False
    """Whether it only grows within a lifetime."""
    attribute: str = ""
    """Key of the point attribute; empty when points have none."""
    values: tuple[str, ...] = ("",)
    """Values of that attribute, in the order of the points."""
    default: bool = False
    """Whether it is on unless the configuration says otherwise."""

    @property
    def header(self) -> MetricHeader:
        """The metric without its points."""
        temporality = Temporality.CUMULATIVE if self.type is MetricType.SUM else Temporality.UNSPECIFIED
        return MetricHeader(self.name, self.description, self.unit, self.type, temporality, self.monotonic)

    @property
    def attribute_sets(self) -> tuple[Attributes, ...]:
        """The attributes of each point."""
        return tuple(Attributes.of({self.attribute: v} if self.attribute else {}) for v in self.values)


_INT, _DOUBLE = PointKind.INT, PointKind.DOUBLE
_STATES = ("user", "system", "wait")
_DIRECTIONS = ("read", "write")

PROCESS_METRICS: tuple[ProcessMetric, ...] = (
    ProcessMetric(
        "process.context_switches",
        "Number of times the process has been context switched.",
        "{count}",
        _INT,
        monotonic=True,
        attribute="type",
        values=("involuntary", "voluntary"),
    ),
    ProcessMetric(
        "process.cpu.time",
        "Total CPU seconds broken down by different states.",
        "s",
        _DOUBLE,
        monotonic=True,
        attribute="state",
        values=_STATES,
        default=True,
    ),
    ProcessMetric(
        "process.cpu.utilization",
        "Percentage of total CPU time used by the process since last scrape, expressed as a value between 0 and 1. "
        "On the first scrape, no data point is emitted for this metric.",
        "1",
        _DOUBLE,
        MetricType.GAUGE,
        attribute="state",
        values=_STATES,
    ),
    ProcessMetric(
        "process.disk.io",
        "Disk bytes transferred.",
        "By",
        _INT,
        monotonic=True,
        attribute="direction",
        values=_DIRECTIONS,
        default=True,
    ),
    ProcessMetric(
        "process.disk.operations",
        "Number of disk operations performed by the process.",
        "{operations}",
        _INT,
        monotonic=True,
        attribute="direction",
        values=_DIRECTIONS,
    ),
    ProcessMetric("process.memory.usage", "The amount of physical memory in use.", "By", _INT, default=True),
    ProcessMetric(
        "process.memory.utilization",
        "Percentage of total physical memory that is used by the process.",
        "1",
        _DOUBLE,
        MetricType.GAUGE,
    ),
    ProcessMetric("process.memory.virtual", "Virtual memory size.", "By", _INT, default=True),
    ProcessMetric(
        "process.open_file_descriptors", "Number of file descriptors in use by the process.", "{count}", _INT
    ),
    ProcessMetric(
        "process.paging.faults",
        "Number of page faults the process has made.",
        "{faults}",
        _INT,
        monotonic=True,
        attribute="type",
        values=("major", "minor"),
    ),
    ProcessMetric("process.signals_pending", "Number of pending signals for the process.", "{signals}", _INT),
    ProcessMetric("process.threads", "Process threads count.", "{threads}", _INT),
    ProcessMetric("process.uptime", "The time the process has been running.", "s", _DOUBLE, MetricType.GAUGE),
)
"""Every metric of the scraper on Linux, in the order it emits them: by name."""

ALL_PROCESS_METRICS: frozenset[str] = frozenset(one.name for one in PROCESS_METRICS)
"""Names of all metrics: 21 series per process on Linux."""
DEFAULT_PROCESS_METRICS: frozenset[str] = frozenset(one.name for one in PROCESS_METRICS if one.default)
"""Names of the metrics that are on by default: 7 series per process on Linux."""


def process_points(
    metrics: Collection[str] = DEFAULT_PROCESS_METRICS,
) -> list[tuple[MetricHeader, Attributes, PointKind]]:
    """The points one process emits, in order, for ``otlp.ScrapeTemplate``.

    Raises:
        InvalidRequestError: a name the scraper does not know.
    """
    unknown = sorted(set(metrics) - ALL_PROCESS_METRICS)
    if unknown:
        raise InvalidRequestError(
            f"the process scraper has no metric {unknown[0]!r}",
            hint=f"one of {', '.join(sorted(ALL_PROCESS_METRICS))}",
            details={"metric": unknown[0]},
        )
    return [
        (one.header, attributes, one.kind)
        for one in PROCESS_METRICS
        if one.name in metrics
        for attributes in one.attribute_sets
    ]


def process_scope(version: str = "0.159.0") -> Scope:
    """The scope of every block; the version is the collector's."""
    return Scope(_SCOPE, version)


def process_resource(
    pid: int,
    parent_pid: int,
    name: str,
    path: str,
    command: str,
    command_line: str,
    owner: str | None,
    cgroup: str | None = None,
) -> Resource:
    """The resource of one process with its attributes in the scraper's order.

    Args:
        pid: process id, an integer attribute.
        parent_pid: parent's process id.
        name: executable name.
        path: executable path; empty for kernel threads.
        command: argument 0; empty for kernel threads.
        command_line: all arguments joined by spaces; empty for kernel threads.
        owner: user name; ``None`` leaves the attribute out, as the scraper does when it cannot find it.
        cgroup: control group; ``None`` leaves the attribute out, which is the default.
    """
    items: list[tuple[str, str | int]] = [
        ("process.pid", pid),
        ("process.parent_pid", parent_pid),
        ("process.executable.name", name),
        ("process.executable.path", path),
    ]
    if cgroup is not None:
        items.append(("process.cgroup", cgroup))
    items += [("process.command", command), ("process.command_line", command_line)]
    if owner is not None:
        items.append(("process.owner", owner))
    return Resource(Attributes(items))
