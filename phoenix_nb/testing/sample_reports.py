"""Realistic comparison files made by code from a seed, for the tests and benches of reports."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import numpy as np

from phoenix_nb.interfaces.cost import BilledUnit, CostBasis, CostKind, CostRow
from phoenix_nb.reporting import (
    ArmPair,
    ComparisonData,
    ConditionLine,
    CoverageName,
    CoverageSummary,
    IntervalFrame,
    LossLine,
    MissedProcess,
    Pipelines,
    PlanText,
    Projection,
    RunFacts,
    VerdictText,
    WindowFigures,
)

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


def _pair(baseline: float, candidate: float) -> ArmPair:
    return ArmPair(
        baseline=baseline, candidate=candidate, reduction=1 - candidate / baseline if baseline else None
    )


def sample_comparison(
    state: Literal[
        "PROMOTE", "REJECT", "KEEP_RUNNING", "INCONCLUSIVE", "UNHEALTHY", "TOO_SHORT", "DRIFT"
    ] = "PROMOTE",
    *,
    seed: int = 7,
    intervals: int = 720,
) -> ComparisonData:
    """A comparison as a run would leave it; the figures belong together and depend on ``seed`` alone.

    Args:
        state: the verdict it ends in; a rejected one names a missed process, an unhealthy one has no
            reduction.
        seed: seed of every random figure.
        intervals: number of finalised intervals.
    """
    rng = np.random.default_rng(seed)
    t = np.arange(intervals)
    share = 0.52 if state != "INCONCLUSIVE" else 0.60
    base = np.round(1400 + 160 * np.sin(t / max(intervals / 9, 1)) + rng.normal(0, 30, intervals)).astype(int)
    cand = np.round(base * share + rng.normal(0, 9, intervals)).astype(int)
    healthy = state != "UNHEALTHY"
    candidate_points: list[float | None] = [float(v) for v in cand]
    if not healthy:
        for i in range(intervals // 2, intervals):
            candidate_points[i] = None
    projecting = state not in {"UNHEALTHY", "TOO_SHORT"} and intervals >= 120
    low: list[float | None] = [None] * intervals
    high: list[float | None] = [None] * intervals
    saving = 1 - share
    if projecting:
        for i in range(90, intervals):
            radius = 0.16 / math.sqrt((i - 80) / 5)
            low[i], high[i] = saving - radius, saving + radius
    total_b, total_c = float(base.sum()), float(sum(v for v in candidate_points if v is not None))
    window = WindowFigures(
        points=_pair(total_b, total_c),
        series=_pair(float(base.max()) * 2.4, float(cand.max()) * 2.1),
        bytes=_pair(total_b * 168, total_c * 131),
    )
    if not healthy:
        window = WindowFigures(
            **{
                name: ArmPair(baseline=pair.baseline, candidate=pair.candidate, reduction=None)
                for name, pair in (
                    ("points", window.points),
                    ("series", window.series),
                    ("bytes", window.bytes),
                )
            }
        )
    missed = (
        (
            MissedProcess(
                name="postgres",
                pid=2214,
                start=_START - timedelta(days=3),
                last_seen=_START + timedelta(minutes=71),
            ),
        )
        if state == "REJECT"
        else ()
    )
    last_low, last_high = low[-1], high[-1]
    projection = (
        Projection(metric="data points", estimate=saving, low=last_low, high=last_high, alpha=0.05)
        if last_low is not None and last_high is not None
        else None
    )
    reasons = {
        "PROMOTE": "The candidate sends at least 40 % fewer data points and kept every critical process in sight.",
        "REJECT": "The candidate lost sight of postgres (pid 2214), which the plan declares critical.",
        "KEEP_RUNNING": "The saving may still be below the target of 40 %; about 35 min more at the present noise.",
        "INCONCLUSIVE": "The planned time is over and the saving may lie on either side of the target of 40 %.",
        "UNHEALTHY": "The candidate fell silent while the source was alive, from interval 360 on.",
        "TOO_SHORT": "The run ended before the pilot did; only what was measured in this window can be stated.",
        "DRIFT": "The saving changed during the run: what held before interval 400 does not hold after it.",
    }
    conditions = (
        ConditionLine(
            name="Saving in data points is at least the target",
            status="met" if state == "PROMOTE" else "unknown" if projection is None else "not_met",
            value="" if projection is None else f"{100 * projection.low:.1f} % or more",
            bound="40.0 %",
            margin="" if projection is None else f"{100 * (projection.low - 0.4):+.1f} points",
            first_met="interval 210" if state == "PROMOTE" else "",
            blocks=state not in {"PROMOTE", "REJECT"},
        ),
        ConditionLine(
            name="No critical process is missed",
            status="violated" if missed else "met",
            value=f"{len(missed)}",
            bound="0",
            margin="",
            first_met="" if missed else "interval 0",
            blocks=bool(missed),
        ),
        ConditionLine(
            name="The candidate's rules are safe for critical processes",
            status="met",
            first_met="before the run",
        ),
        ConditionLine(
            name="The run is healthy",
            status="met" if healthy else "violated",
            blocks=not healthy,
            note="" if healthy else "candidate: no heartbeat since interval 360",
        ),
        ConditionLine(
            name="The run is long enough",
            status="not_met" if state == "TOO_SHORT" else "met",
            value=f"{intervals:,} intervals",
            bound="90 intervals",
            blocks=state == "TOO_SHORT",
        ),
    )
    month = 730 * 60 / intervals
    cost = tuple(
        _cost_row(
            name, title, unit, total_b * month * factor, total_c * month * factor, price, as_of, projecting
        )
        for name, title, unit, factor, price, as_of in _PRICES
    ) + (_unknown_cost(),)
    units = rng.integers(1, 9, len(_CRITICAL))
    by_name = tuple(
        CoverageName(
            name=name,
            units=int(n),
            covered=int(n) - (1 if missed and name == "postgres" else 0),
            missed=1 if missed and name == "postgres" else 0,
        )
        for name, n in zip(_CRITICAL, units, strict=True)
    )
    losses = tuple(
        LossLine(
            process=name,
            metric=metric,
            baseline_points=int(points),
            candidate_points=0 if metric == "process.memory.virtual" else int(points * 0.2),
            last_value=float(rng.integers(1_000_000, 900_000_000))
            if "memory" in metric
            else float(rng.random() * 40),
            unit="By" if "memory" in metric or "io" in metric else "s",
        )
        for name in _OTHERS
        for metric in _METRICS[1:]
        for points in [rng.integers(200, 9000)]
    )
    total_units = int(units.sum())
    end = _START + timedelta(seconds=10 * intervals)
    return ComparisonData(
        experiment_id="exp_01JNB6Q0X0SAMPLE0000000000",
        name="Filter quiet processes on web-01",
        created=end + timedelta(seconds=4),
        run=RunFacts(
            source="the simulated host “realistic”",
            started=_START,
            ended=end,
            interval_seconds=10,
            hosts=1,
            processes=214,
            day_share=min(1.0, intervals * 10 / 86400),
            load_low=float(base.min()),
            load_high=float(base.max()),
            processes_started=61,
            processes_ended=57,
            seed=seed,
        ),
        pipelines=Pipelines(
            baseline_name="process-baseline-v1",
            candidate_name="process-priority-v1",
            baseline_yaml=_BASELINE,
            candidate_yaml=_CANDIDATE,
        ),
        plan=PlanText(
            yaml="success:\n  metric: points\n  target: 0.4\nalpha: 0.05\nwarm_up_intervals: 3\ncritical:\n"
            + "".join(f"- {name}\n" for name in _CRITICAL),
            hash="sha256:5f0c9a1e",
            target=0.4,
            metric="data points",
            alpha=0.05,
        ),
        verdict=VerdictText(
            state=state,
            reason=reasons[state],
            decided_by={
                "PROMOTE": "all_conditions",
                "REJECT": "coverage:miss",
                "UNHEALTHY": "health:candidate",
            }.get(state, ""),
            decided_text={
                "PROMOTE": "every condition met, the last one (saving) at interval 210 with a margin of 6.6 points",
                "REJECT": "1 verified miss of postgres; 0 are allowed",
                "UNHEALTHY": "candidate silent for 360 intervals; at most 2 are allowed",
            }.get(state, ""),
            blocking_text=""
            if state in {"PROMOTE", "REJECT", "UNHEALTHY"}
            else "saving: the lower end must reach 40.0 %",
        ),
        conditions=conditions,
        window=window,
        projection=projection,
        projection_reason=""
        if projection
        else "The run is shorter than the pilot of 60 intervals and 6 blocks that an interval needs.",
        coverage=CoverageSummary(
            selectors=_CRITICAL,
            units=total_units,
            by_name=by_name,
            missed=missed,
            miss_rate_upper=None if missed else 1 - 0.05 ** (1 / total_units),
            static_check="The candidate’s rules keep the required metrics of every critical process seen, whatever their values.",
            static_safe=True,
        ),
        cost=cost,
        losses=tuple(sorted(losses, key=lambda row: row.candidate_points - row.baseline_points)),
        frame=IntervalFrame(
            index=tuple(range(intervals)),
            elapsed_seconds=tuple(10.0 * (i + 1) for i in range(intervals)),
            baseline_points=tuple(float(v) for v in base),
            candidate_points=tuple(candidate_points),
            baseline_bytes=tuple(float(v) * 168 for v in base),
            candidate_bytes=tuple(None if v is None else v * 131 for v in candidate_points),
            baseline_series=tuple(float(v) for v in base),
            candidate_series=tuple(candidate_points),
            low=tuple(low),
            high=tuple(high),
        ),
        not_checked=(
            "alert rules and dashboards that use a metric which is gone",
            "queries that people type by hand",
        ),
        notes=("The first 3 intervals are warm-up: they count in the window and not in the projection.",),
        versions={"phoenix-nb": "0.1.0", "collector semantics": "0.159.0"},
    )
