"""Contracts of monitoring, alerts, providers, collectors and cost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import ClassVar

import pytest

from phoenix_nb.errors import ConflictError, InvalidRequestError, NotFoundError
from phoenix_nb.interfaces import (
    Aggregation,
    AlertComparison,
    AlertRule,
    AlertService,
    AlertState,
    Arm,
    CollectionConfig,
    CompareMetricsRequest,
    CostAnalyzer,
    ExperimentService,
    IntervalMetric,
    MetricsCollector,
    MetricsProvider,
    MetricsQuery,
    MetricUpdate,
    MonitoringService,
    SeriesActivity,
    Usage,
)
from phoenix_nb.testing.contracts._base import CTX, PATIENCE, Contract, drain
from phoenix_nb.testing.contracts._experiments import RunsExperiments

__all__ = [
    "AlertServiceContract",
    "CostAnalyzerContract",
    "MetricsCollectorContract",
    "MetricsProviderContract",
    "MonitoringServiceContract",
]


class MonitoringServiceContract(RunsExperiments):
    """Fixtures: ``subject``; ``service``, the experiment service of the same experiments."""

    interface = MonitoringService

    async def test_queries_read_what_an_arm_sent(
        self, subject: MonitoringService, service: ExperimentService
    ) -> None:
        ended = await self.finished(service)
        assert ended.results is not None
        for arm, expected in (
            (Arm.BASELINE, ended.results.window.points.baseline),
            (Arm.CANDIDATE, ended.results.window.points.candidate),
        ):
            counted = await subject.query_metrics(
                CTX, MetricsQuery(experiment_id=ended.id, arm=arm, aggregation=Aggregation.COUNT)
            )
            assert sum(point.value for series in counted.series for point in series.points) == expected
            assert counted.points_read == expected

    async def test_a_query_is_grouped_and_filtered(
        self, subject: MonitoringService, service: ExperimentService
    ) -> None:
        ended = await self.finished(service)
        query = MetricsQuery(
            experiment_id=ended.id,
            arm=Arm.BASELINE,
            metric_names=("process.memory.usage",),
            group_by=("process.executable.name",),
            aggregation=Aggregation.MAX,
            step_seconds=60.0,
        )
        grouped = await subject.query_metrics(CTX, query)
        assert grouped.series
        assert {series.name for series in grouped.series} == {"process.memory.usage"}
        names = [series.labels["process.executable.name"] for series in grouped.series]
        assert names == sorted(set(names))
        for series in grouped.series:
            times = [point.time for point in series.points]
            assert times == sorted(set(times))
        one = await subject.query_metrics(
            CTX, query.model_copy(update={"filters": {"process.executable.name": names[0]}})
        )
        assert [series.labels["process.executable.name"] for series in one.series] == [names[0]]
        assert one.series[0] == grouped.series[0]

    async def test_an_answer_that_is_too_large_is_refused(
        self, subject: MonitoringService, service: ExperimentService
    ) -> None:
        ended = await self.finished(service)
        with pytest.raises(InvalidRequestError):
            await subject.query_metrics(CTX, MetricsQuery(experiment_id=ended.id, arm=Arm.BASELINE, limit=1))

    async def test_a_live_stream_shows_every_interval_from_the_first(
        self, subject: MonitoringService, service: ExperimentService
    ) -> None:
        made = await service.create_experiment(CTX, self.quick())
        stream = await subject.get_realtime_metrics(CTX, made.id)
        reading = asyncio.create_task(_all(stream))
        ended = await self.run_to_end(service, made.id)
        async with asyncio.timeout(PATIENCE):
            updates = await reading
        assert ended.results is not None
        assert [update.interval.index for update in updates] == list(range(ended.results.intervals))
        late = await drain(await subject.get_realtime_metrics(CTX, made.id))
        assert [update.interval for update in late] == [update.interval for update in updates]

    async def test_both_arms_are_compared(
        self, subject: MonitoringService, service: ExperimentService
    ) -> None:
        ended = await self.finished(service)
        assert ended.results is not None
        compared = await subject.compare_metrics(
            CTX,
            CompareMetricsRequest(
                experiment_id=ended.id, metrics=(IntervalMetric.POINTS, IntervalMetric.LATENCY_P99)
            ),
        )
        points, latency = compared.metrics
        window = ended.results.window.points
        assert compared.intervals == ended.results.intervals
        assert points.baseline_mean is not None
        assert points.candidate_mean is not None
        assert window.baseline == pytest.approx(points.baseline_mean * compared.intervals)
        assert points.relative_difference == pytest.approx(points.candidate_mean / points.baseline_mean - 1)
        # The embedded engine is never measured as a collector: absent, not zero.
        assert (latency.baseline_mean, latency.candidate_mean, latency.relative_difference) == (None,) * 3

    async def test_a_report_agrees_with_the_results(
        self, subject: MonitoringService, service: ExperimentService
    ) -> None:
        ended = await self.finished(service)
        assert ended.results is not None
        report = await subject.generate_report(CTX, ended.id)
        assert report.experiment_id == ended.id
        assert report.plan_hash == ended.results.plan_hash
        assert (report.verdict, report.window) == (ended.results.verdict, ended.results.window)
        assert report.coverage == ended.results.coverage
        lost = [one.baseline_points - one.candidate_points for one in report.lost]
        assert all(count >= 0 for count in lost)

    async def test_unknown_experiments_are_not_found(
        self, subject: MonitoringService, service: ExperimentService
    ) -> None:
        made = await service.create_experiment(CTX, self.quick())
        with pytest.raises(NotFoundError):
            await subject.generate_report(CTX, made.id)
        with pytest.raises(NotFoundError):
            await subject.generate_report(CTX, "exp_missing")
        with pytest.raises(NotFoundError):
            await subject.query_metrics(CTX, MetricsQuery(experiment_id="exp_missing", arm=Arm.BASELINE))
        with pytest.raises(NotFoundError):
            await subject.compare_metrics(CTX, CompareMetricsRequest(experiment_id="exp_missing"))
        with pytest.raises(NotFoundError):
            await subject.get_realtime_metrics(CTX, "exp_missing")


async def _all(stream: AsyncIterator[MetricUpdate]) -> list[MetricUpdate]:
    return [item async for item in stream]


class AlertServiceContract(RunsExperiments):
    """Fixtures: ``subject``; ``service``, the experiment service of the same experiments."""

    interface = AlertService

    def _rule(self, experiment_id: str, **changes: object) -> AlertRule:
        rule = AlertRule(
            experiment_id=experiment_id,
            name="candidate sends points",
            metric=IntervalMetric.POINTS,
            comparison=AlertComparison.ABOVE,
            threshold=0.0,
        )
        return rule.model_copy(update=changes)

    async def test_a_rule_gets_an_id_and_is_replaced_by_it(
        self, subject: AlertService, service: ExperimentService
    ) -> None:
        made = await service.create_experiment(CTX, self.quick())
        rule = await subject.set_alert(CTX, self._rule(made.id))
        assert rule.id.startswith("alr_")
        louder = await subject.set_alert(CTX, rule.model_copy(update={"threshold": 5.0}))
        assert louder.id == rule.id
        assert list(await subject.list_rules(CTX, made.id)) == [louder]
        await subject.delete_alert(CTX, rule.id)
        assert not await subject.list_rules(CTX, made.id)
        with pytest.raises(NotFoundError):
            await subject.delete_alert(CTX, rule.id)

    async def test_a_rule_that_cannot_be_is_refused(
        self, subject: AlertService, service: ExperimentService
    ) -> None:
        made = await service.create_experiment(CTX, self.quick())
        with pytest.raises(NotFoundError):
            await subject.set_alert(CTX, self._rule("exp_missing"))
        with pytest.raises(InvalidRequestError):
            await subject.set_alert(CTX, self._rule(made.id, threshold=5.0, clear_threshold=6.0))
        assert not await subject.list_rules(CTX, made.id)

    async def test_a_rule_tells_once_however_long_it_holds(
        self, subject: AlertService, service: ExperimentService
    ) -> None:
        made = await service.create_experiment(CTX, self.quick())
        holds = await subject.set_alert(CTX, self._rule(made.id, for_intervals=3))
        await subject.set_alert(CTX, self._rule(made.id, name="never", threshold=1e12))
        await subject.set_alert(CTX, self._rule(made.id, name="off", enabled=False))
        await self.run_to_end(service, made.id)
        fired = await subject.get_alerts(CTX, made.id)
        assert [alert.rule_id for alert in fired] == [holds.id]
        assert fired[0].state is AlertState.FIRING
        assert fired[0].interval == 2
        assert fired[0].value > 0
        await subject.delete_alert(CTX, holds.id)
        assert len(await subject.get_alerts(CTX, made.id)) == 1


class MetricsProviderContract(RunsExperiments):
    """Fixtures: ``subject``; ``service``, the experiment service of the same experiments."""

    interface = MetricsProvider

    async def test_intervals_come_in_order_after_any_index(
        self, subject: MetricsProvider, service: ExperimentService
    ) -> None:
        ended = await self.finished(service)
        assert ended.results is not None
        whole = list(await subject.get_intervals(CTX, ended.id))
        assert [one.index for one in whole] == list(range(ended.results.intervals))
        assert list(await subject.get_intervals(CTX, ended.id, after=4)) == whole[5:]
        assert list(await subject.get_intervals(CTX, ended.id, after=10_000)) == []


class MetricsCollectorContract(RunsExperiments):
    """Fixtures: ``subject``; ``service``, the experiment service of the same experiments."""

    interface = MetricsCollector
    node: ClassVar[str] = "local"
    """Name of this machine."""

    async def test_this_machine_can_be_read(
        self, subject: MetricsCollector, service: ExperimentService
    ) -> None:
        assert service is not None
        now = await subject.collect_node_metrics(CTX, self.node)
        assert now.memory_bytes > 0
        assert now.processes > 0
        assert now.own_rss_bytes > 0
        with pytest.raises(NotFoundError):
            await subject.collect_node_metrics(CTX, "no-such-node")

    async def test_an_arm_is_summed_up(self, subject: MetricsCollector, service: ExperimentService) -> None:
        ended = await self.finished(service)
        assert ended.results is not None
        window = ended.results.window
        found = await subject.collect_pipeline_metrics(CTX, ended.id, Arm.CANDIDATE)
        assert (found.points, found.series, found.bytes) == (
            window.points.candidate,
            window.series.candidate,
            window.bytes.candidate,
        )
        with pytest.raises(NotFoundError):
            await subject.collect_pipeline_metrics(CTX, "exp_missing", Arm.BASELINE)

    async def test_a_collection_keeps_the_newest_readings(self, subject: MetricsCollector) -> None:
        config = CollectionConfig(collection_id="c", node_id=self.node, interval_seconds=0.02, keep=3)
        await subject.start_collection(CTX, config)
        with pytest.raises(ConflictError):
            await subject.start_collection(CTX, config)
        await asyncio.sleep(0.3)
        kept = await subject.stop_collection(CTX, "c")
        assert 1 <= len(kept) <= 3
        assert [one.time for one in kept] == sorted(one.time for one in kept)
        with pytest.raises(NotFoundError):
            await subject.stop_collection(CTX, "c")


class CostAnalyzerContract(Contract):
    """Fixtures: ``subject``."""

    interface = CostAnalyzer

    @staticmethod
    def _usage(share: float) -> Usage:
        def scaled(amount: int) -> int:
            return round(amount * share)

        return Usage(
            window_seconds=86_400 * 40,
            period_seconds=60,
            interval_seconds=60,
            intervals=57_600,
            points=scaled(57_600_000),
            otlp_bytes=scaled(5_760_000_000),
            json_bytes=scaled(28_800_000_000),
            series=scaled(10_000),
            activity=tuple(
                SeriesActivity(
                    window_seconds=seconds,
                    sliding=False,
                    samples=40,
                    mean=1000.0 * share,
                    p95=1000.0 * share,
                    maximum=scaled(1000),
                )
                for seconds in (1200, 3600, 7200, 86_400)
            ),
            p95_points_per_minute=1000.0 * share,
        )

    async def test_less_usage_never_costs_more(self, subject: CostAnalyzer) -> None:
        much = {one.price_model: one for one in await subject.estimate_cost(CTX, self._usage(1.0))}
        little = {one.price_model: one for one in await subject.estimate_cost(CTX, self._usage(0.4))}
        assert much
        assert much.keys() == little.keys()
        for name, one in little.items():
            more = much[name].per_month
            if one.per_month is None or more is None:
                assert one.reason or much[name].reason
            else:
                assert one.per_month <= more

    async def test_a_comparison_has_a_row_per_price_model(self, subject: CostAnalyzer) -> None:
        compared = await subject.compare_costs(CTX, self._usage(1.0), self._usage(0.4))
        assert compared.rows
        for row in compared.rows:
            if row.saving_per_month is None:
                assert row.reason
            else:
                assert row.baseline_per_month is not None
                assert row.candidate_per_month is not None
                assert row.saving_per_month == pytest.approx(row.baseline_per_month - row.candidate_per_month)
        same = await subject.compare_costs(CTX, self._usage(1.0), self._usage(1.0))
        assert all(row.saving_per_month in {None, 0} for row in same.rows)

    async def test_savings_are_projected_over_months(self, subject: CostAnalyzer) -> None:
        compared = await subject.compare_costs(CTX, self._usage(1.0), self._usage(0.4))
        projected = await subject.project_savings(CTX, compared)
        assert len(projected) == len(compared.rows)
