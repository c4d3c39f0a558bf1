"""Monitoring: queries, live streams, comparisons, analysis reports, alerts, and the collectors behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from enum import StrEnum
from typing import Literal, Protocol, runtime_checkable

from pydantic import Field

from phoenix_nb.interfaces._context import Context
from phoenix_nb.interfaces._value import Pairs, Timestamp, Value
from phoenix_nb.interfaces.cost import CostComparison, CostEstimate, CostRow, SavingsProjection, Usage
from phoenix_nb.interfaces.evidence import Arm, CoverageReport, Interval, Verdict, WindowTotals

__all__ = [
    "Aggregation",
    "Alert",
    "AlertComparison",
    "AlertRule",
    "AlertService",
    "AlertSeverity",
    "AlertState",
    "AnalysisReport",
    "Anomaly",
    "CollectionConfig",
    "CompareMetricsRequest",
    "CostAnalyzer",
    "DataPoint",
    "IntervalMetric",
    "LostSeries",
    "MetricComparison",
    "MetricSeries",
    "MetricUpdate",
    "MetricsCollector",
    "MetricsComparison",
    "MetricsProvider",
    "MetricsQuery",
    "MetricsResult",
    "MonitoringService",
    "NodeMetrics",
    "PipelineMetrics",
    "Recommendation",
]


class Aggregation(StrEnum):
    """How several values become one."""

    AVG = "avg"
    SUM = "sum"
    MIN = "min"
    MAX = "max"
    COUNT = "count"
    P50 = "p50"
    P95 = "p95"
    P99 = "p99"


class MetricsQuery(Value):
    """Which values of an arm's output to read."""

    experiment_id: str
    """Which experiment."""
    arm: Arm
    """Whose output."""
    metric_names: tuple[str, ...] = ()
    """Metric names; empty means all."""
    start_time: Timestamp | None = None
    """Points at or after it; ``None`` means from the first."""
    end_time: Timestamp | None = None
    """Points before it; ``None`` means to the last."""
    step_seconds: float | None = Field(default=None, gt=0)
    """Length of one time bin, seconds; ``None`` means one value per payload."""
    aggregation: Aggregation = Aggregation.SUM
    """How the points of one group and time bin become one value."""
    group_by: tuple[str, ...] = ()
    """Attributes whose values make the groups, of resource or point; empty means one group per metric."""
    filters: Pairs = Field(default_factory=dict)
    """Attributes and the text they must have."""
    limit: int = Field(default=10_000, ge=1, le=1_000_000)
    """Most values of one answer; more is an error, never a silent cut."""


class DataPoint(Value):
    """One value."""

    time: Timestamp
    """Start of its time bin."""
    value: float
    """In the unit of its series."""


class MetricSeries(Value):
    """The values of one group."""

    name: str
    """Metric name."""
    unit: str
    """Unit of the values; ``1`` for a count."""
    labels: Pairs
    """The group."""
    points: tuple[DataPoint, ...]
    """In time order."""


class MetricsResult(Value):
    """The answer to a query."""

    series: tuple[MetricSeries, ...]
    """One per metric and group, sorted."""
    points_read: int = Field(ge=0)
    """Data points that the answer was made from."""


class MetricUpdate(Value):
    """One new interval of a run."""

    experiment_id: str
    """Which experiment."""
    interval: Interval
    """What was measured."""


class IntervalMetric(StrEnum):
    """A per-interval figure that can be compared or watched."""

    POINTS = "points"
    SERIES = "series"
    BYTES = "bytes"
    CRITICAL_COVERED = "critical_covered"
    REFUSED = "refused"
    FAILED = "failed"
    LATENCY_P99 = "latency_p99_seconds"
    CPU = "cpu_seconds"
    MEMORY = "rss_bytes"


class CompareMetricsRequest(Value):
    """What to compare."""

    experiment_id: str
    """Which experiment."""
    metrics: tuple[IntervalMetric, ...] = (IntervalMetric.POINTS, IntervalMetric.SERIES, IntervalMetric.BYTES)
    """Which figures."""
    start_time: Timestamp | None = None
    """Intervals that start at or after it; ``None`` means from the first."""
    end_time: Timestamp | None = None
    """Intervals that end at or before it; ``None`` means to the last."""


class MetricComparison(Value):
    """One figure of both arms over the chosen intervals; exact."""

    metric: IntervalMetric
    """Which figure."""
    unit: str
    """Its unit."""
    baseline_mean: float | None
    """Mean over intervals; ``None`` when it was not measured."""
    candidate_mean: float | None
    """Likewise."""
    relative_difference: float | None
    """candidate / baseline − 1; ``None`` when either is missing or the baseline is 0."""


class MetricsComparison(Value):
    """Both arms side by side. Measured, not projected."""

    experiment_id: str
    """Which experiment."""
    intervals: int = Field(ge=0)
    """Intervals compared."""
    metrics: tuple[MetricComparison, ...]
    """One per figure asked for."""


class LostSeries(Value):
    """What the candidate no longer shows of one process name and metric."""

    process: str
    """``process.executable.name``; empty for what has none."""
    metric: str
    """Metric name."""
    unit: str
    """Unit of the last value."""
    baseline_points: int = Field(ge=0)
    """Points in the baseline's output over the window."""
    candidate_points: int = Field(ge=0)
    """Points left in the candidate's output."""
    last_value: float | None
    """The last value that the baseline showed; ``None`` when it is not a number point."""
    critical: bool
    """Whether a critical selector matches the process."""


class Anomaly(Value):
    """A figure far from what it was before."""

    interval: int = Field(ge=0)
    """Interval index."""
    metric: IntervalMetric
    """Which figure."""
    arm: Arm
    """Whose."""
    value: float
    """What was seen."""
    expected: float
    """Median of the intervals before."""
    score: float
    """Distance in robust standard deviations (median absolute deviation × 1.4826)."""


class Recommendation(Value):
    """What to do next."""

    priority: Literal["high", "medium", "low"]
    """How urgent."""
    title: str
    """One line."""
    action: str
    """What to do, one or two sentences."""


class AnalysisReport(Value):
    """Everything that was found out about an experiment; rendering it is the report service's work."""

    experiment_id: str
    """Which experiment."""
    generated_at: Timestamp
    """When."""
    plan_hash: str
    """What was fixed before the run."""
    verdict: Verdict
    """The answer."""
    window: WindowTotals
    """Exact figures of the window."""
    coverage: CoverageReport
    """What became of critical processes."""
    cost: tuple[CostRow, ...]
    """By price model."""
    lost: tuple[LostSeries, ...]
    """What one would lose, by name, largest first."""
    anomalies: tuple[Anomaly, ...] = ()
    """What stood out."""
    recommendations: tuple[Recommendation, ...] = ()
    """What to do next, most urgent first."""
    not_checked: tuple[str, ...] = ()
    """What nobody looked at."""


class AlertSeverity(StrEnum):
    """How loud an alert is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class AlertComparison(StrEnum):
    """When a rule's condition holds."""

    ABOVE = "above"
    BELOW = "below"


class AlertRule(Value):
    """A watch on one figure, with hysteresis so that it tells once."""

    id: str = ""
    """``alr_`` and a ULID; empty lets the service choose."""
    experiment_id: str
    """Which experiment."""
    name: str = Field(min_length=1, max_length=100)
    """What people call it."""
    metric: IntervalMetric
    """Which figure."""
    arm: Arm = Arm.CANDIDATE
    """Whose."""
    comparison: AlertComparison
    """When the condition holds."""
    threshold: float
    """In the unit of the figure."""
    clear_threshold: float | None = None
    """The condition ends only beyond this value; ``None`` means at the threshold."""
    for_intervals: int = Field(default=1, ge=1)
    """Intervals in a row that the condition must hold before the alert fires, and must not hold before it resolves."""
    severity: AlertSeverity = AlertSeverity.WARNING
    """How loud."""
    enabled: bool = True
    """Whether it is evaluated."""


class AlertState(StrEnum):
    """Where an alert stands."""

    FIRING = "firing"
    RESOLVED = "resolved"


class Alert(Value):
    """One time that a rule fired."""

    id: str
    """``alr_`` and a ULID."""
    rule_id: str
    """Its rule."""
    experiment_id: str
    """Which experiment."""
    severity: AlertSeverity
    """How loud."""
    state: AlertState
    """Where it stands."""
    message: str
    """One sentence with the value and the threshold."""
    value: float
    """What was seen when it fired."""
    interval: int = Field(ge=0)
    """Interval index at which it fired."""
    triggered_at: Timestamp
    """When it fired."""
    resolved_at: Timestamp | None = None
    """When it ended; ``None`` while it fires."""


class PipelineMetrics(Value):
    """What a pipeline did over an experiment; exact."""

    experiment_id: str
    """Which experiment."""
    arm: Arm
    """Whose."""
    points: int | None
    """Data points sent; ``None`` when the arm was silent somewhere."""
    series: int | None
    """Distinct series; likewise."""
    bytes: int | None
    """OTLP protobuf bytes; likewise."""
    usage: Usage | None
    """What price models bill by; ``None`` before the first interval."""


class NodeMetrics(Value):
    """This machine now."""

    node_id: str
    """Its name."""
    time: Timestamp
    """When it was read."""
    cpu_fraction: float = Field(ge=0)
    """CPU in use since the last reading, fraction of all CPUs."""
    memory_bytes: int = Field(ge=0)
    """Memory in use, bytes."""
    processes: int = Field(ge=0)
    """Processes."""
    own_cpu_seconds: float = Field(ge=0)
    """CPU time of this process, seconds since it began."""
    own_rss_bytes: int = Field(ge=0)
    """Resident memory of this process, bytes."""


class CollectionConfig(Value):
    """A regular reading of a node."""

    collection_id: str
    """What people call it."""
    node_id: str
    """Which node."""
    interval_seconds: float = Field(default=10.0, gt=0)
    """Seconds between two readings."""
    keep: int = Field(default=360, ge=1, le=100_000)
    """Readings that are kept; older ones go."""


@runtime_checkable
class MonitoringService(Protocol):
    """Metrics collection and analysis.

    Promised: answers come from what is stored, of running experiments too; nothing missing is shown as zero. Not
    promised: that outputs can be queried of an experiment that was run without keeping payloads.
    """

    async def query_metrics(self, ctx: Context, query: MetricsQuery) -> MetricsResult:
        """Values of an arm's output.

        Raises:
            NotFoundError: no such experiment, or its payloads were not kept.
            InvalidRequestError: the answer would be larger than its limit.
        """
        ...

    async def get_realtime_metrics(self, ctx: Context, experiment_id: str) -> AsyncIterator[MetricUpdate]:
        """An already subscribed stream of every interval from the first; ends when the run has ended.

        Raises:
            NotFoundError: no such experiment.
        """
        ...

    async def compare_metrics(self, ctx: Context, request: CompareMetricsRequest) -> MetricsComparison:
        """Both arms side by side over some intervals.

        Raises:
            NotFoundError: no such experiment.
        """
        ...

    async def generate_report(self, ctx: Context, experiment_id: str) -> AnalysisReport:
        """Everything that was found out.

        Raises:
            NotFoundError: no such experiment, or nothing was measured yet.
        """
        ...


@runtime_checkable
class AlertService(Protocol):
    """Alert rules and what fired.

    Promised: a rule is evaluated on every interval in every state of its experiment, and tells once when it fires and
    once when it resolves.
    """

    async def set_alert(self, ctx: Context, rule: AlertRule) -> AlertRule:
        """Store a rule, or replace the one with the same id; returns it with its id.

        Raises:
            NotFoundError: no such experiment.
            InvalidRequestError: the clear threshold is on the wrong side.
        """
        ...

    async def list_rules(self, ctx: Context, experiment_id: str) -> Sequence[AlertRule]:
        """The rules of an experiment."""
        ...

    async def delete_alert(self, ctx: Context, rule_id: str) -> None:
        """Forget a rule; what fired is kept.

        Raises:
            NotFoundError: no such rule.
        """
        ...

    async def get_alerts(self, ctx: Context, experiment_id: str) -> Sequence[Alert]:
        """What fired, newest first."""
        ...


@runtime_checkable
class MetricsProvider(Protocol):
    """Gives the intervals of an experiment, wherever they are kept."""

    async def get_intervals(self, ctx: Context, experiment_id: str, *, after: int = -1) -> Sequence[Interval]:
        """Intervals whose index is greater than ``after``, in order."""
        ...


@runtime_checkable
class MetricsCollector(Protocol):
    """Reads nodes and sums up pipelines."""

    async def collect_node_metrics(self, ctx: Context, node_id: str) -> NodeMetrics:
        """One reading now.

        Raises:
            NotFoundError: this process cannot read that node.
        """
        ...

    async def collect_pipeline_metrics(self, ctx: Context, experiment_id: str, arm: Arm) -> PipelineMetrics:
        """What an arm did over an experiment.

        Raises:
            NotFoundError: no such experiment.
        """
        ...

    async def start_collection(self, ctx: Context, config: CollectionConfig) -> None:
        """Read a node regularly until stopped.

        Raises:
            ConflictError: a collection with this id runs.
            NotFoundError: this process cannot read that node.
        """
        ...

    async def stop_collection(self, ctx: Context, collection_id: str) -> Sequence[NodeMetrics]:
        """End it; returns what was kept, oldest first.

        Raises:
            NotFoundError: no such collection runs.
        """
        ...


@runtime_checkable
class CostAnalyzer(Protocol):
    """Prices usage."""

    async def estimate_cost(self, ctx: Context, usage: Usage) -> Sequence[CostEstimate]:
        """What a usage costs per month, one entry per price model."""
        ...

    async def compare_costs(self, ctx: Context, baseline: Usage, candidate: Usage) -> CostComparison:
        """Both arms side by side, one row per price model."""
        ...

    async def project_savings(self, ctx: Context, comparison: CostComparison) -> Sequence[SavingsProjection]:
        """What the difference is over 1, 3, 6 and 12 months; projected, never measured."""
        ...
