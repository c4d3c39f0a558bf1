"""What an experiment measured and what follows from it: intervals, window totals, coverage, verdict."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from phoenix_nb.interfaces._value import Timestamp, Value

__all__ = [
    "Arm",
    "ArmInterval",
    "Condition",
    "ConditionRole",
    "CoverageName",
    "CoverageReport",
    "Fidelity",
    "Forecast",
    "Interval",
    "MetricFidelity",
    "MissedUnit",
    "PairTotals",
    "Projection",
    "StaticFinding",
    "StaticSafety",
    "Verdict",
    "VerdictState",
    "WindowTotals",
]


class Arm(StrEnum):
    """The two sides of an experiment."""

    BASELINE = "baseline"
    CANDIDATE = "candidate"


class ArmInterval(Value):
    """What one arm made of the payloads of one interval."""

    points_in: int = Field(ge=0)
    """Data points the arm received."""
    points: int = Field(ge=0)
    """Data points the arm sent; 0 is an acknowledged empty output."""
    bytes: int = Field(ge=0)
    """Uncompressed OTLP protobuf the arm sent, bytes."""
    series: int = Field(ge=0)
    """Distinct series in the interval: distinct (resource, metric name, point attributes)."""
    critical_covered: int = Field(default=0, ge=0)
    """Critical units seen with all required metrics and their own pid."""
    critical_in_aggregate: int = Field(default=0, ge=0)
    """Critical units seen only in series that no longer carry their pid."""
    refused: int = Field(default=0, ge=0)
    """Data points that the arm refused."""
    failed: int = Field(default=0, ge=0)
    """Data points that the arm failed to send."""
    latency_p99_seconds: float | None = None
    """99th percentile of processing latency, seconds; ``None`` unless a real collector measured it."""
    latency_above: float | None = Field(default=None, ge=0, le=1)
    """Share of payloads that took longer than the plan's threshold; ``None`` unless measured and asked for."""
    cpu_seconds: float | None = None
    """CPU time the collector used, seconds; ``None`` unless a real collector measured it."""
    rss_bytes: int | None = None
    """Resident memory of the collector, bytes; ``None`` unless a real collector measured it."""


class Interval(Value):
    """One finalised time bin; append-only, never revised."""

    index: int = Field(ge=0)
    """Position among the finalised intervals, from 0 without holes."""
    start: Timestamp
    """Begin of the time bin, by data-point time."""
    end: Timestamp
    """End of the time bin, exclusive."""
    warmup: bool = False
    """Whether it belongs to the warm-up; then it counts in the window but not in gates and projection."""
    source_points: int = Field(ge=0)
    """Data points in the raw payloads."""
    baseline: ArmInterval | None
    """``None`` means that the arm was silent although the source was alive: it failed."""
    candidate: ArmInterval | None
    """Likewise."""
    critical_units: int = Field(default=0, ge=0)
    """Critical process lifetimes in the raw payloads."""
    missed: tuple[str, ...] = ()
    """Keys of the units whose miss was verified in this interval."""
    late_points: int = Field(default=0, ge=0)
    """Points that came after their interval was closed; they are counted here and nowhere else."""
    duplicate_points: int = Field(default=0, ge=0)
    """Points with the same series and time as another one of the raw payloads."""
    skipped_before: int = Field(default=0, ge=0)
    """Time bins without any payload between the interval before and this one."""


class PairTotals(Value):
    """One quantity of both arms over the whole window; exact."""

    baseline: int | None
    """What the baseline sent; ``None`` when the arm was silent somewhere, never a stand-in for zero."""
    candidate: int | None
    """What the candidate sent; likewise."""
    reduction: float | None
    """1 − candidate / baseline, a fraction; ``None`` when a side is missing, the baseline is 0 or the run unhealthy."""


class WindowTotals(Value):
    """What was measured in this window. Exact; carries no interval. Covers every payload, the warm-up too."""

    points: PairTotals
    """Data points."""
    series: PairTotals
    """Distinct series: distinct (resource, metric name, point attributes) over the window."""
    bytes: PairTotals
    """Uncompressed OTLP protobuf, bytes."""


class MissedUnit(Value):
    """A critical process lifetime that the candidate verifiably did not show."""

    name: str
    """``process.executable.name``."""
    pid: int | None
    """Process id; ``None`` when the raw payload has none."""
    start: Timestamp
    """When the process started."""
    last_seen: Timestamp
    """When the raw payloads showed it last."""


class StaticSafety(StrEnum):
    """What a dry run of the candidate's rules says about one critical unit."""

    SAFE = "safe"
    UNSAFE = "unsafe"
    UNKNOWN = "unknown"


class StaticFinding(Value):
    """The static check of one critical process name."""

    name: str
    """``process.executable.name``."""
    safety: StaticSafety
    """Whether the rules keep it whatever its values are."""
    why: str = ""
    """What was lost or could not be decided; empty when safe."""


class CoverageName(Value):
    """Coverage of the critical processes of one name, in lifetimes; each counts once, by its worst interval."""

    name: str
    """``process.executable.name``."""
    units: int = Field(ge=0)
    """Lifetimes in the raw payloads."""
    covered: int = Field(ge=0)
    """Of these, shown one by one in every interval."""
    covered_in_aggregate: int = Field(default=0, ge=0)
    """Of these, only part of an aggregate at some time, and never missed."""
    missed: int = Field(ge=0)
    """Of these, verifiably missed at some time."""


class MetricFidelity(Value):
    """Values of one metric in series that the candidate keeps."""

    metric: str
    """Its name."""
    compared: int = Field(ge=0)
    """Points that were compared with the source."""
    differing: int = Field(ge=0)
    """Of these, not exactly equal."""
    max_relative_error: float = Field(ge=0)
    """Largest difference, a fraction of the source's value; infinite where that is 0."""


class Fidelity(Value):
    """Whether the series that the candidate keeps still hold the source's values, point by point."""

    compared: int = Field(ge=0)
    """Points of the candidate with the series and the time of a point of the source."""
    differing: int = Field(ge=0)
    """Of these, not exactly equal."""
    not_comparable: int = Field(ge=0)
    """Points of series or times that the source does not have, such as aggregates; their sums are checked elsewhere."""
    max_relative_error: float = Field(ge=0)
    """Largest difference, a fraction of the source's value; infinite where that is 0."""
    p99_relative_error: float = Field(ge=0)
    """Upper bound, at most 6 % above, of the 99th percentile of the differences of all compared points."""
    by_metric: tuple[MetricFidelity, ...] = ()
    """The same by metric, most differing points first."""


class CoverageReport(Value):
    """What became of the critical processes."""

    selectors: tuple[str, ...] = ()
    """What counts as critical, as the plan says it."""
    unmatched_selectors: tuple[str, ...] = ()
    """Selectors that matched no process."""
    critical_units: int = Field(default=0, ge=0)
    """Critical process lifetimes in the raw payloads."""
    covered: int = Field(default=0, ge=0)
    """Of these, shown by the candidate one by one."""
    covered_in_aggregate: int = Field(default=0, ge=0)
    """Of these, only part of an aggregate in the candidate's output."""
    missed: tuple[MissedUnit, ...] = ()
    """Verified misses."""
    by_name: tuple[CoverageName, ...] = ()
    """The same by process name, most misses first."""
    miss_rate_upper: float | None = None
    """One-sided upper bound of the miss rate; ``None`` when there is no unit or any miss. Source: statistics §2.7."""
    unequal_aggregates: tuple[str, ...] = ()
    """Aggregates that differ from the sum of their critical parts, a sentence each; any blocks PROMOTE."""
    static: tuple[StaticFinding, ...] = ()
    """The static check by name; empty when it was not run."""
    fidelity: Fidelity | None = None
    """Values of the series that are kept; ``None`` when they were not compared."""


class VerdictState(StrEnum):
    """The answers an experiment can give."""

    PROMOTE = "PROMOTE"
    REJECT = "REJECT"
    KEEP_RUNNING = "KEEP_RUNNING"
    INCONCLUSIVE = "INCONCLUSIVE"
    UNHEALTHY = "UNHEALTHY"
    TOO_SHORT = "TOO_SHORT"
    DRIFT = "DRIFT"


class ConditionRole(StrEnum):
    """What a condition is for."""

    GATE = "gate"
    COVERAGE = "coverage"
    SUCCESS = "success"
    GUARDRAIL = "guardrail"
    DURATION = "duration"


class Condition(Value):
    """One row of the verdict table and how it stands."""

    id: str
    """For programs, for example ``saving:data_points`` or ``coverage:no_units``."""
    role: ConditionRole
    """What it is for."""
    text: str
    """What is asked and how it stands, one plain sentence with figures and units."""
    estimate: float | None = None
    """Point estimate; ``None`` when not estimable or not a number."""
    low: float | None = None
    """Running lower bound."""
    high: float | None = None
    """Running upper bound."""
    bound: float | None = None
    """Target or margin it is held against."""
    met: bool
    """Whether it holds now."""
    first_met: int | None = None
    """Interval index at which it held first; ``None`` when it never did."""
    blocks: bool
    """Whether it keeps the candidate from being promoted."""


class Forecast(Value):
    """How many more intervals a decision needs at today's noise."""

    intervals_50: int | None
    """With chance 50 %; ``None`` when it cannot be told."""
    intervals_80: int | None
    """With chance 80 %; ``None`` when it cannot be told."""


class Projection(Value):
    """The saving in typical operation with a time-uniform interval; never mixed with window figures."""

    metric: str
    """``data_points``, ``series`` or ``bytes``."""
    estimate: float
    """1 − ratio of totals, a fraction."""
    low: float
    """Lower end, a fraction."""
    high: float
    """Upper end, a fraction."""
    alpha: float = Field(gt=0, lt=1)
    """The interval misses the truth at any time of the run with at most this probability."""


class Verdict(Value):
    """The answer, with everything it rests on."""

    state: VerdictState
    """The answer."""
    decided_by: str
    """Id of the condition that decided; for KEEP_RUNNING and INCONCLUSIVE the one that blocks."""
    reason: str
    """One plain sentence."""
    conditions: tuple[Condition, ...] = ()
    """Every condition of the plan."""
    projection: Projection | None = None
    """The projected saving; ``None`` with a reason when no claim is made."""
    projection_reason: str = ""
    """Why there is no projection; empty when there is one."""
    forecast: Forecast | None = None
    """Time to decision; ``None`` when decided or not estimable."""
    intervals: int = Field(ge=0)
    """Finalised intervals seen, the warm-up included."""
    decided_at: int | None = None
    """Interval index at which PROMOTE or REJECT was first reached; ``None`` while undecided."""

    def __str__(self) -> str:
        return f"{self.state.value}: {self.reason}"
