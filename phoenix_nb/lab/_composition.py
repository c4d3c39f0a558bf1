"""The composition root: the only place that builds real objects and knows how they fit together."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from phoenix_nb import __version__
from phoenix_nb.analysis import Billing
from phoenix_nb.bus import AsyncioEventBus
from phoenix_nb.interfaces import (
    AlertService,
    Arm,
    Clock,
    ConfigGenerator,
    Context,
    CostAnalyzer,
    EventBus,
    Experiment,
    ExperimentControl,
    ExperimentService,
    IdFactory,
    MetricsCollector,
    MetricsProvider,
    MonitoringService,
    PipelineConfig,
    PipelineOperator,
    PipelineService,
    PriceBook,
    ReportService,
    ServiceRegistry,
    SimulationService,
    TemplateCatalog,
)
from phoenix_nb.lab._advertising import Advertising
from phoenix_nb.lab._services import Services
from phoenix_nb.lab._sources import open_source
from phoenix_nb.lab._workspace import Workspace
from phoenix_nb.otelcol import CollectorBinary, CollectorEngines, find_collector
from phoenix_nb.otlp.contracts import TelemetryStore
from phoenix_nb.registry import StoredServiceRegistry
from phoenix_nb.reporting import LocalReportService, PapermillReportRunner, StoredComparisons
from phoenix_nb.runtime import CallMetrics, Settings, instrument, load_prices
from phoenix_nb.services import (
    Arms,
    CatalogTemplates,
    ConfigCompiler,
    Deployer,
    ExperimentRecords,
    LocalExperimentService,
    LocalMetricsCollector,
    LocalSimulationService,
    PriceBookCostAnalyzer,
    Promotions,
    Publisher,
    RecordingOptimizer,
    RunParts,
    StoredAlertService,
    StoredMetrics,
    StoredMonitoringService,
    StoredPipelineService,
    TemplateConfigGenerator,
)
from phoenix_nb.store import (
    Database,
    DuckDbAlertStore,
    DuckDbExperimentStore,
    DuckDbJournal,
    DuckDbPipelineOperator,
    DuckDbPipelineStore,
    DuckDbReportStore,
    DuckDbServiceInstanceStore,
    DuckDbSimulationStore,
    DuckDbTelemetryStore,
)

__all__ = ["System"]

_SHOWN_VERSIONS = ("duckdb", "polars", "numpy")


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the services share."""

    database: Database
    bus: EventBus
    clock: Clock
    ids: IdFactory
    metrics: CallMetrics
    compiler: ConfigCompiler
    prices: PriceBook

    def publisher(self, source: str) -> Publisher:
        return Publisher(self.bus, self.clock, self.ids, source)


@dataclass(frozen=True, slots=True)
class System:
    """Every object of one open workspace."""

    services: Services
    """The contracts, instrumented."""
    telemetry: TelemetryStore
    """Kept payloads and intervals."""
    metrics: CallMetrics
    """Calls and latencies of every contract."""
    closing: AsyncExitStack
    """Takes everything down, last built first."""

    @classmethod
    async def open(
        cls,
        workspace: Workspace,
        settings: Settings,
        clock: Clock,
        ids: IdFactory,
        *,
        environment: Mapping[str, str] | None = None,
    ) -> Self:
        """Open the store and build everything on it.

        Args:
            workspace: where things are kept.
            settings: everything that can be set.
            clock: tells the time to everybody.
            ids: makes ids for everybody.
            environment: variables that ``${env:…}`` in configurations may use; the process's own when ``None``.

        Raises:
            StoreBusyError: another process owns the store.
            StorageError: it cannot be opened.
            SettingsError: the price file cannot be used.
        """
        async with AsyncExitStack() as stack:
            file = None if workspace.in_memory else Path(workspace.prepare().store)
            database = await Database.open(file, threads=settings.database_threads)
            stack.push_async_callback(database.aclose)
            bus = AsyncioEventBus(DuckDbJournal(database), debug_callbacks=settings.debug_callbacks)
            stack.push_async_callback(bus.aclose)
            telemetry = DuckDbTelemetryStore(database)
            stack.push_async_callback(telemetry.aclose)
            metrics = CallMetrics()
            parts = _Parts(
                database=database,
                bus=instrument(EventBus, bus, metrics),
                clock=clock,
                ids=ids,
                metrics=metrics,
                compiler=_compiler(workspace, settings, os.environ if environment is None else environment),
                prices=load_prices(settings.prices),
            )
            services = await _build(parts, telemetry, settings, stack)
            return cls(services, telemetry, metrics, stack.pop_all())

    async def aclose(self) -> None:
        """End every run and close everything, in the reverse order of building. May be called twice."""
        await self.closing.aclose()


async def _build(
    parts: _Parts, telemetry: TelemetryStore, settings: Settings, stack: AsyncExitStack
) -> Services:
    registry = StoredServiceRegistry(DuckDbServiceInstanceStore(parts.database), parts.clock)
    stack.push_async_callback(registry.aclose)
    pipelines, deployer, operator, templates, configs = _pipelines(parts)
    store = DuckDbExperimentStore(parts.database)
    alerts = StoredAlertService(
        DuckDbAlertStore(parts.database), store, parts.publisher("alerts"), parts.clock, parts.ids
    )
    records = ExperimentRecords(store, parts.publisher("experiments"), parts.clock)

    async def compile_arms(experiment: Experiment) -> Arms:
        ctx = Context.background(principal=experiment.created_by)
        names = {Arm.BASELINE: experiment.baseline_pipeline, Arm.CANDIDATE: experiment.candidate_pipeline}
        configs: dict[str, PipelineConfig] = {
            arm: (await pipelines.get_pipeline(ctx, name)).config for arm, name in names.items()
        }
        engine = experiment.config.engine
        made = {arm: await parts.compiler.engine_factory(config, engine) for arm, config in configs.items()}
        return Arms(
            made[Arm.BASELINE],
            made[Arm.CANDIDATE],
            await parts.compiler.probe_factory(configs[Arm.CANDIDATE]),
            await parts.compiler.receivers(configs, engine),
        )

    experiments = LocalExperimentService(
        store,
        records,
        pipelines,
        parts.compiler,
        Promotions(records, pipelines, operator, deployer),
        RunParts(
            records=records,
            telemetry=telemetry,
            clock=parts.clock,
            compile=compile_arms,
            open_source=lambda experiment, known, receivers: open_source(
                experiment, known, parts.clock, receivers, collector_version=settings.collector_version
            ),
            billing=lambda experiment: Billing(
                parts.prices,
                every=experiment.config.cost_every_seconds,
                hosts=experiment.config.hosts,
                basis=experiment.config.cost_basis,
            ),
            observers=(alerts,),
        ),
        parts.bus,
        parts.publisher("experiments"),
        parts.clock,
        parts.ids,
    )
    stack.push_async_callback(experiments.aclose)
    simulations = LocalSimulationService(
        DuckDbSimulationStore(parts.database), parts.publisher("simulations"), parts.clock, parts.ids
    )
    stack.push_async_callback(simulations.aclose)
    collector = LocalMetricsCollector(experiments, parts.clock)
    stack.push_async_callback(collector.aclose)
    metrics = StoredMetrics(telemetry)
    reports = LocalReportService(
        StoredComparisons(experiments, pipelines, telemetry, parts.clock, versions=_versions()),
        DuckDbReportStore(parts.database),
        PapermillReportRunner(),
        parts.publisher("reports"),
        parts.clock,
        parts.ids,
    )
    monitoring = StoredMonitoringService(experiments, metrics, telemetry, parts.clock)
    start = Context.background()
    await experiments.reconcile(start)
    await simulations.reconcile(start)
    calls = parts.metrics
    services = Services(
        experiments=instrument(ExperimentService, experiments, calls),
        control=instrument(ExperimentControl, experiments, calls),
        pipelines=instrument(PipelineService, pipelines, calls),
        templates=instrument(TemplateCatalog, templates, calls),
        configs=instrument(ConfigGenerator, configs, calls),
        operator=instrument(PipelineOperator, operator, calls),
        monitoring=instrument(MonitoringService, monitoring, calls),
        metrics=instrument(MetricsProvider, metrics, calls),
        collector=instrument(MetricsCollector, collector, calls),
        alerts=instrument(AlertService, alerts, calls),
        simulations=instrument(SimulationService, simulations, calls),
        reports=instrument(ReportService, reports, calls),
        costs=instrument(CostAnalyzer, PriceBookCostAnalyzer(parts.prices), calls),
        bus=parts.bus,
        registry=instrument(ServiceRegistry, registry, calls),
    )
    advertising = Advertising(registry, parts.publisher("lab"), parts.clock, parts.ids, __version__)
    stack.push_async_callback(advertising.aclose)
    await advertising.start()
    return services


def _compiler(workspace: Workspace, settings: Settings, environment: Mapping[str, str]) -> ConfigCompiler:
    def find() -> CollectorBinary:
        return find_collector(settings.collector_binary, workspace=workspace.home, environment=environment)

    return ConfigCompiler(environment, CollectorEngines(find, environment))


def _pipelines(
    parts: _Parts,
) -> tuple[StoredPipelineService, Deployer, PipelineOperator, CatalogTemplates, TemplateConfigGenerator]:
    operator = DuckDbPipelineOperator(parts.database, parts.clock)
    publisher = parts.publisher("pipelines")
    templates = CatalogTemplates()
    optimizer = RecordingOptimizer(parts.compiler, parts.prices, parts.clock)
    configs = TemplateConfigGenerator(templates, parts.compiler, publisher, optimizer)
    deployer = Deployer(operator, publisher, parts.clock, parts.ids)
    service = StoredPipelineService(
        DuckDbPipelineStore(parts.database),
        operator,
        templates,
        configs,
        parts.compiler,
        deployer,
        publisher,
        parts.clock,
        parts.ids,
    )
    return service, deployer, operator, templates, configs


def _versions() -> dict[str, str]:
    """What made a run, for its report."""
    found = {name: importlib.metadata.version(name) for name in _SHOWN_VERSIONS}
    return {"phoenix-nb": __version__, "python": platform.python_version(), **found}
