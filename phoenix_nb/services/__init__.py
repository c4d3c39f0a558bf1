"""The implementations of the domain interfaces: they orchestrate, they do not compute."""

from phoenix_nb.services._alerts import StoredAlertService
from phoenix_nb.services._configs import ConfigCompiler, EngineCompiler
from phoenix_nb.services._costs import PriceBookCostAnalyzer
from phoenix_nb.services._findings import NOT_CHECKED
from phoenix_nb.services._monitoring import StoredMetrics, StoredMonitoringService
from phoenix_nb.services._node_metrics import LocalMetricsCollector
from phoenix_nb.services._optimizing import RecordingOptimizer
from phoenix_nb.services._pipelines import Deployer, StoredPipelineService
from phoenix_nb.services._publisher import Publisher
from phoenix_nb.services._templates import CatalogTemplates, TemplateConfigGenerator
from phoenix_nb.services.experiments import (
    Arms,
    ExperimentRecords,
    IntervalObserver,
    LocalExperimentService,
    Promotions,
    RunParts,
)
from phoenix_nb.services.simulations import LocalSimulationService

__all__ = [
    "NOT_CHECKED",
    "Arms",
    "CatalogTemplates",
    "ConfigCompiler",
    "Deployer",
    "EngineCompiler",
    "ExperimentRecords",
    "IntervalObserver",
    "LocalExperimentService",
    "LocalMetricsCollector",
    "LocalSimulationService",
    "PriceBookCostAnalyzer",
    "Promotions",
    "Publisher",
    "RecordingOptimizer",
    "RunParts",
    "StoredAlertService",
    "StoredMetrics",
    "StoredMonitoringService",
    "StoredPipelineService",
    "TemplateConfigGenerator",
]
