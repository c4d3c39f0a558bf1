"""Realistic comparison files made by code from a seed, for the tests and benches of reports and panels."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta

import numpy as np

from phoenix_nb.interfaces.cost import BilledUnit, CostBasis, CostKind, CostRow
from phoenix_nb.interfaces.evidence import (
    ArmInterval,
    Condition,
    ConditionRole,
    CoverageName,
    CoverageReport,
    Forecast,
    Interval,
    MissedUnit,
    PairTotals,
    Projection,
    StaticFinding,
    StaticSafety,
    Verdict,
    VerdictState,
    WindowTotals,
)
from phoenix_nb.interfaces.monitoring import LostSeries
from phoenix_nb.interfaces.plan import Plan
from phoenix_nb.reporting import ComparisonData, Pipelines, comparison_data

__all__ = ["sample_comparison"]

_START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_CRITICAL = ("postgres", "nginx", "sshd")
_OTHERS = (
    "python3",
    "node",
    "chrome",
    "bash",
    "kworker/0:1",
    "containerd-shim",
    "java",
    "dbus-daemon",
    "cron",
)
_METRICS = ("process.cpu.time", "process.memory.usage", "process.memory.virtual", "process.disk.io")

_BASELINE = """receivers:
  otlp:
    protocols:
      grpc: {}
processors:
  batch:
    timeout: 1s
exporters:
  otlp:
    endpoint: backend:4317
service:
  pipelines:
    metrics:
      receivers: [otlp]
      processors: [batch]
      exporters: [otlp]
"""
_CANDIDATE = _BASELINE.replace(
    "processors:\n  batch:\n",
    """processors:
  filter/noise:
    error_mode: propagate
    metrics:
      datapoint:
        - metric.name == "process.memory.virtual"
        - not IsMatch(resource.attributes["process.executable.name"], "^(postgres|nginx|sshd)$") and
        value_double < 1
  batch:
""",
).replace("processors: [batch]", "processors: [filter/noise, batch]")


_PRICES = (
    ("newrelic", "New Relic, original data", BilledUnit.GIGABYTES, 1005e-9, 0.40, date(2026, 8, 1)),
    ("datadog", "Datadog, series", BilledUnit.SERIES, 2.3e-5, 0.05, date(2026, 10, 3)),
    ("amp", "Amazon Managed Prometheus", BilledUnit.SAMPLES, 1.0, 9e-8, date(2026, 2, 1)),
)


def _cost_row(
    name: str,
    title: str,
    unit: BilledUnit,
    baseline: float,
    candidate: float,
    price: float,
    as_of: date,
    interval: bool,
) -> CostRow:
    saving = (baseline - candidate) * price
    return CostRow(
        price_model=name,
        title=title,
        basis=CostBasis.MARGINAL,
        kind=CostKind.PROJECTED,
        every=60,
        hosts=1,
        unit=unit,
        baseline_usage=baseline,
        candidate_usage=candidate,
        baseline_per_month=baseline * price,
        candidate_per_month=candidate * price,
        gross_per_month=saving,
        overhead_per_month=None,
        saving_per_month=saving,
        low=0.93 * saving if interval else None,
        high=1.06 * saving if interval else None,
        interval_reason=None if interval else "the run is too short for a projection",
        currency="USD",
        as_of=as_of,
        source="https://example.test/pricing, vendor document",
        assumptions=("Scaled from this window to 730 hours.", "One scrape every 60 s instead of every 10 s."),
    )


def _unknown_cost() -> CostRow:
    return CostRow(
        price_model="grafana",
        title="Grafana Cloud Pro",
        basis=CostBasis.MARGINAL,
        kind=CostKind.PROJECTED,
        every=60,
        hosts=1,
        unit=BilledUnit.SERIES,
        baseline_usage=None,
        candidate_usage=None,
        baseline_per_month=None,
        candidate_per_month=None,
        gross_per_month=None,
        overhead_per_month=None,
        saving_per_month=None,
        interval_reason="there is no amount",
        currency="USD",
        as_of=date(2026, 10, 3),
        source="vendor rule, third-party price",
        reason="a series counts for 20 min after its last point, and this window is shorter than that",
    )


_REASONS = {
    VerdictState.PROMOTE: "The candidate sends at least 40 % fewer data points, and kept every critical process.",
    VerdictState.REJECT: "The candidate lost sight of postgres (pid 2214), which the plan declares critical.",
    VerdictState.KEEP_RUNNING: "The saving may still be below the target of 40 %.",
    VerdictState.INCONCLUSIVE: "The planned time is over and the saving may lie on either side of 40 %.",
    VerdictState.UNHEALTHY: "The candidate fell silent while the source was alive.",
    VerdictState.TOO_SHORT: "The run ended before the pilot did; only its own figures can be stated.",
    VerdictState.DRIFT: "The saving changed during the run, so what it showed before does not hold any more.",
}
_DECIDED_BY = {
    VerdictState.PROMOTE: "saving:data_points",
    VerdictState.REJECT: "coverage:missed",
    VerdictState.UNHEALTHY: "gate:candidate_alive",
    VerdictState.TOO_SHORT: "duration:t_min",
}


def _pair(baseline: int, candidate: int, *, healthy: bool) -> PairTotals:
    return PairTotals(
        baseline=baseline,
        candidate=candidate if healthy else None,
        reduction=1 - candidate / baseline if healthy and baseline else None,
    )


def _intervals(rng: np.random.Generator, count: int, share: float, *, healthy: bool) -> list[Interval]:
    t = np.arange(count)
    base = np.round(1400 + 160 * np.sin(t / max(count / 9, 1)) + rng.normal(0, 30, count)).astype(int)
    cand = np.round(base * share + rng.normal(0, 9, count)).astype(int)
    found = []
    for i in range(count):
        b, c = int(base[i]), int(cand[i])
        silent = not healthy and i >= count // 2
        found.append(
            Interval(
                index=i,
                start=_START + timedelta(seconds=10 * i),
                end=_START + timedelta(seconds=10 * (i + 1)),
                warmup=i < 3,
                source_points=b,
                baseline=ArmInterval(points_in=b, points=b, bytes=168 * b, series=b),
                candidate=None if silent else ArmInterval(points_in=b, points=c, bytes=131 * c, series=c),
                critical_units=6,
            )
        )
    return found


def _conditions(
    state: VerdictState, projection: Projection | None, intervals: int, missed: int
) -> tuple[Condition, ...]:
    reached = state is VerdictState.PROMOTE
    low, high = (None, None) if projection is None else (projection.low, projection.high)
    return (
        Condition(
            id="gate:candidate_alive",
            role=ConditionRole.GATE,
            text="The candidate answers in every interval in which the source is alive.",
            met=state is not VerdictState.UNHEALTHY,
            first_met=None if state is VerdictState.UNHEALTHY else 0,
            blocks=state is VerdictState.UNHEALTHY,
        ),
        Condition(
            id="coverage:missed",
            role=ConditionRole.COVERAGE,
            text=f"No critical process is missed: {missed} of them were.",
            met=missed == 0,
            first_met=None if missed else 0,
            blocks=missed > 0,
        ),
        Condition(
            id="saving:data_points",
            role=ConditionRole.SUCCESS,
            text="The projected saving in data points is at least 40 %.",
            estimate=None if projection is None else projection.estimate,
            low=low,
            high=high,
            bound=0.4,
            met=reached,
            first_met=210 if reached else None,
            blocks=not reached,
        ),
        Condition(
            id="duration:t_min",
            role=ConditionRole.DURATION,
            text=f"The run has 90 intervals or more: it has {intervals}.",
            estimate=intervals,
            bound=90,
            met=intervals >= 90,
            first_met=89 if intervals >= 90 else None,
            blocks=intervals < 90,
        ),
    )


def sample_comparison(
    state: VerdictState | str = VerdictState.PROMOTE, *, seed: int = 7, intervals: int = 720
) -> ComparisonData:
    """A comparison as a run would leave it; the figures belong together and depend on the arguments alone.

    Args:
        state: the verdict it ends in; a rejected one names a miss, an unhealthy one has no reduction.
        seed: seed of every random figure.
        intervals: number of finalised intervals.
    """
    state = VerdictState(state)
    rng = np.random.default_rng(seed)
    share = 0.60 if state is VerdictState.INCONCLUSIVE else 0.52
    healthy = state is not VerdictState.UNHEALTHY
    course = _intervals(rng, intervals, share, healthy=healthy)
    projecting = state not in {VerdictState.UNHEALTHY, VerdictState.TOO_SHORT} and intervals >= 120
    radii = [0.16 / math.sqrt((i - 80) / 5) if projecting and i >= 90 else None for i in range(intervals)]
    bounds = [None if r is None else (1 - share - r, 1 - share + r) for r in radii]
    last = bounds[-1] if bounds else None
    projection = (
        None
        if last is None
        else Projection(metric="data_points", estimate=1 - share, low=last[0], high=last[1], alpha=0.05)
    )
    points = (
        sum(i.baseline.points for i in course if i.baseline),
        sum(i.candidate.points for i in course if i.candidate),
    )
    lost = MissedUnit(
        name="postgres", pid=2214, start=_START - timedelta(days=3), last_seen=_START + timedelta(minutes=71)
    )
    missed = (lost,) if state is VerdictState.REJECT else ()
    units = {name: int(n) for name, n in zip(_CRITICAL, rng.integers(1, 9, len(_CRITICAL)), strict=True)}
    total = sum(units.values())
    month = 730 * 60 / max(intervals, 1)
    losses = [
        LostSeries(
            process=name,
            metric=metric,
            baseline_points=(n := int(rng.integers(200, 9000))),
            candidate_points=0 if metric == "process.memory.virtual" else n // 5,
            last_value=float(rng.integers(1_000_000, 900_000_000)),
            unit="By",
            critical=False,
        )
        for name in _OTHERS
        for metric in _METRICS[1:]
    ]
    return comparison_data(
        experiment_id="exp_01JNB6Q0X0SAMPLE0000000000",
        name="Filter quiet processes on web-01",
        created=_START + timedelta(seconds=10 * intervals + 4),
        source="the simulated host “realistic”",
        pipelines=Pipelines(
            baseline_name="process-baseline-v1",
            candidate_name="process-priority-v1",
            baseline_yaml=_BASELINE,
            candidate_yaml=_CANDIDATE,
        ),
        plan=Plan(critical=_CRITICAL, planned_intervals=max(intervals, 1)),
        intervals=course,
        verdict=Verdict(
            state=state,
            decided_by=_DECIDED_BY.get(state, "saving:data_points"),
            reason=_REASONS[state],
            conditions=_conditions(state, projection, intervals, len(missed)),
            projection=projection,
            projection_reason=""
            if projection
            else "The run is shorter than the pilot of 60 intervals and the 6 blocks that an interval needs.",
            forecast=Forecast(intervals_50=210, intervals_80=380)
            if state is VerdictState.KEEP_RUNNING
            else None,
            intervals=intervals,
            decided_at=210 if state is VerdictState.PROMOTE else None,
        ),
        window=WindowTotals(
            points=_pair(*points, healthy=healthy),
            series=_pair(3890, 1779, healthy=healthy),
            bytes=_pair(168 * points[0], 131 * points[1], healthy=healthy),
        ),
        coverage=CoverageReport(
            selectors=_CRITICAL,
            critical_units=total,
            covered=total - len(missed),
            missed=missed,
            by_name=tuple(
                CoverageName(
                    name=name,
                    units=n,
                    covered=n - sum(miss.name == name for miss in missed),
                    missed=sum(miss.name == name for miss in missed),
                )
                for name, n in units.items()
            ),
            miss_rate_upper=None if missed else 1 - 0.05 ** (1 / total),
            static=tuple(StaticFinding(name=name, safety=StaticSafety.SAFE) for name in _CRITICAL),
        ),
        cost=[
            *(
                _cost_row(
                    name,
                    title,
                    unit,
                    points[0] * month * factor,
                    points[1] * month * factor,
                    price,
                    as_of,
                    projecting,
                )
                for name, title, unit, factor, price, as_of in _PRICES
            ),
            _unknown_cost(),
        ],
        losses=sorted(losses, key=lambda row: row.candidate_points - row.baseline_points),
        bounds=bounds,
        hosts=1,
        processes=214,
        processes_started=61,
        processes_ended=57,
        seed=seed,
        not_checked=(
            "alert rules and dashboards that use a metric which is gone",
            "queries that people type by hand",
        ),
        notes=("The first 3 intervals are warm-up: they count in the window and not in the projection.",),
        versions={"phoenix-nb": "0.1.0", "collector semantics": "0.159.0"},
    )
