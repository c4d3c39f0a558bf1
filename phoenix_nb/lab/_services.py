"""The services of an open laboratory, by name."""

from __future__ import annotations

from dataclasses import dataclass

from phoenix_nb.interfaces import (
    AlertService,
    ConfigGenerator,
    CostAnalyzer,
    EventBus,
    ExperimentControl,
    ExperimentService,
    MetricsCollector,
    MetricsProvider,
    MonitoringService,
    PipelineOperator,
    PipelineService,
    ReportService,
    ServiceRegistry,
    SimulationService,
    TemplateCatalog,
)

__all__ = ["Services"]


@dataclass(frozen=True, slots=True)
class Services:
    """Every contract of this process behind its instrumentation; all of them run on the control loop."""

    experiments: ExperimentService
    """Create, start, stop, judge, promote, watch."""
    control: ExperimentControl
    """Pause, resume, abort, override, roll back."""
    pipelines: PipelineService
    """Stored configurations and what is deployed."""
    templates: TemplateCatalog
    """The catalogue."""
    configs: ConfigGenerator
    """Configurations made from templates."""
    operator: PipelineOperator
    """What is deployed where."""
    monitoring: MonitoringService
    """Queries, comparisons, live figures."""
    metrics: MetricsProvider
    """Intervals."""
    collector: MetricsCollector
    """Readings of this machine."""
    alerts: AlertService
    """Alert rules and what fired."""
    simulations: SimulationService
    """Simulated hosts."""
    reports: ReportService
    """Rendered reports."""
    costs: CostAnalyzer
    """Prices of usage."""
    bus: EventBus
    """Events."""
    registry: ServiceRegistry
    """Which services answer where."""
