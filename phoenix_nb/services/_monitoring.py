"""Monitoring: queries, live figures, comparisons and what was found out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from phoenix_nb.analysis import QueryRun, StreamSummary, anomalies, compare_figure, lost_series
from phoenix_nb.errors import InvalidRequestError, NotFoundError
from phoenix_nb.evidence.coverage import parse_selectors
from phoenix_nb.interfaces import (
    AnalysisReport,
    Arm,
    Clock,
    CompareMetricsRequest,
    Context,
    Experiment,
    ExperimentResults,
    ExperimentService,
    ExperimentUpdate,
    Interval,
    LostSeries,
    MetricsComparison,
    MetricsProvider,
    MetricsQuery,
    MetricsResult,
    MetricUpdate,
)
from phoenix_nb.otlp import Dictionaries
from phoenix_nb.otlp.contracts import TelemetryStore
from phoenix_nb.services._findings import NOT_CHECKED, recommendations

__all__ = ["StoredMetrics", "StoredMonitoringService"]


class StoredMetrics:
    """Intervals from the telemetry store (``MetricsProvider``).

    Args:
        telemetry: keeps intervals.
    """

    def __init__(self, telemetry: TelemetryStore) -> None:
        self._telemetry = telemetry

    async def get_intervals(self, ctx: Context, experiment_id: str, *, after: int = -1) -> Sequence[Interval]:
        return await self._telemetry.read_intervals(ctx, experiment_id, after=after)


class StoredMonitoringService:
    """Answers from what is stored (``MonitoringService``).

    Args:
        experiments: experiments and their results.
        metrics: intervals.
        telemetry: what the arms sent.
        clock: time of a report.
    """

    def __init__(
        self,
        experiments: ExperimentService,
        metrics: MetricsProvider,
        telemetry: TelemetryStore,
        clock: Clock,
    ) -> None:
        self._experiments = experiments
        self._metrics = metrics
        self._telemetry = telemetry
        self._clock = clock

    async def query_metrics(self, ctx: Context, query: MetricsQuery) -> MetricsResult:
        start, end = query.start_time, query.end_time
        if start is not None and end is not None and start >= end:
            raise InvalidRequestError(
                "the query ends before it starts", hint="end_time must be later than start_time"
            )
        experiment = await self._experiments.get_experiment(ctx, query.experiment_id)
        if not experiment.config.keep_payloads:
            raise NotFoundError(
                f"the payloads of {experiment.id} were not kept",
                hint="run it with keep_payloads to query what the arms sent",
                details={"experiment_id": experiment.id},
            )
        dictionaries = Dictionaries()
        run = QueryRun(query, dictionaries)
        async for frames in self._telemetry.read(ctx, experiment.id, query.arm.value, dictionaries):
            ctx.check()
            await asyncio.to_thread(run.add, frames)
        return await asyncio.to_thread(run.result)

    async def get_realtime_metrics(self, ctx: Context, experiment_id: str) -> AsyncIterator[MetricUpdate]:
        updates = await self._experiments.watch_experiment(ctx, experiment_id)
        return self._live(ctx, experiment_id, updates)

    async def _live(
        self, ctx: Context, experiment_id: str, updates: AsyncIterator[ExperimentUpdate]
    ) -> AsyncIterator[MetricUpdate]:
        last = -1
        async for _ in updates:
            for interval in await self._metrics.get_intervals(ctx, experiment_id, after=last):
                last = interval.index
                yield MetricUpdate(experiment_id=experiment_id, interval=interval)

    async def compare_metrics(self, ctx: Context, request: CompareMetricsRequest) -> MetricsComparison:
        await self._experiments.get_experiment(ctx, request.experiment_id)
        chosen = [
            interval
            for interval in await self._metrics.get_intervals(ctx, request.experiment_id)
            if (request.start_time is None or interval.start >= request.start_time)
            and (request.end_time is None or interval.end <= request.end_time)
        ]
        return MetricsComparison(
            experiment_id=request.experiment_id,
            intervals=len(chosen),
            metrics=tuple(compare_figure(chosen, metric) for metric in request.metrics),
        )

    async def generate_report(self, ctx: Context, experiment_id: str) -> AnalysisReport:
        experiment, results = await self._measured(ctx, experiment_id)
        intervals = await self._metrics.get_intervals(ctx, experiment_id)
        return AnalysisReport(
            experiment_id=experiment_id,
            generated_at=self._clock.now(),
            plan_hash=results.plan_hash,
            verdict=results.verdict,
            window=results.window,
            coverage=results.coverage,
            cost=results.cost,
            lost=await self._lost(ctx, experiment),
            anomalies=await asyncio.to_thread(anomalies, intervals),
            recommendations=recommendations(experiment, results),
            not_checked=NOT_CHECKED,
        )

    async def _measured(self, ctx: Context, experiment_id: str) -> tuple[Experiment, ExperimentResults]:
        experiment = await self._experiments.get_experiment(ctx, experiment_id)
        results = await self._experiments.get_experiment_results(ctx, experiment_id)
        return experiment, results

    async def _lost(self, ctx: Context, experiment: Experiment) -> tuple[LostSeries, ...]:
        if not experiment.config.keep_payloads:
            return ()
        dictionaries = Dictionaries()
        selectors = parse_selectors(experiment.config.plan.critical)
        sides = []
        for arm in (Arm.BASELINE, Arm.CANDIDATE):
            summary = StreamSummary(dictionaries, selectors)
            async for frames in self._telemetry.read(ctx, experiment.id, arm.value, dictionaries):
                await asyncio.to_thread(summary.add, frames)
            sides.append(summary)
        return lost_series(sides[0], sides[1])
