"""Contract-test classes: subclass, give a fixture ``subject``, inherit the suite. They need the ``test`` extra."""

from phoenix_nb.testing.contracts._base import (
    Contract,
)
from phoenix_nb.testing.contracts._events import (
    EventBusContract,
)
from phoenix_nb.testing.contracts._experiments import (
    ExperimentControlContract,
    ExperimentServiceContract,
    RunsExperiments,
)
from phoenix_nb.testing.contracts._frames import (
    PipelineEngineContract,
    SavableEngineContract,
    SourceContract,
    TelemetryStoreContract,
    sample_frames,
)
from phoenix_nb.testing.contracts._journals import (
    JournalContract,
    ServiceInstanceStoreContract,
)
from phoenix_nb.testing.contracts._monitoring import (
    AlertServiceContract,
    CostAnalyzerContract,
    MetricsCollectorContract,
    MetricsProviderContract,
    MonitoringServiceContract,
)
from phoenix_nb.testing.contracts._pipelines import (
    ConfigGeneratorContract,
    PipelineOperatorContract,
    PipelineServiceContract,
    TemplateCatalogContract,
)
from phoenix_nb.testing.contracts._registry import (
    ServiceRegistryContract,
)
from phoenix_nb.testing.contracts._reports import (
    ReportServiceContract,
)
from phoenix_nb.testing.contracts._simulations import (
    LoadGeneratorContract,
    ProcessSimulatorContract,
    SimulationServiceContract,
)
from phoenix_nb.testing.contracts._stores import (
    AlertStoreContract,
    ExperimentStoreContract,
    PipelineStoreContract,
    ReportStoreContract,
    SimulationStoreContract,
)

__all__ = [
    "AlertServiceContract",
    "AlertStoreContract",
    "ConfigGeneratorContract",
    "Contract",
    "CostAnalyzerContract",
    "EventBusContract",
    "ExperimentControlContract",
    "ExperimentServiceContract",
    "ExperimentStoreContract",
    "JournalContract",
    "LoadGeneratorContract",
    "MetricsCollectorContract",
    "MetricsProviderContract",
    "MonitoringServiceContract",
    "PipelineEngineContract",
    "PipelineOperatorContract",
    "PipelineServiceContract",
    "PipelineStoreContract",
    "ProcessSimulatorContract",
    "ReportServiceContract",
    "ReportStoreContract",
    "RunsExperiments",
    "SavableEngineContract",
    "ServiceInstanceStoreContract",
    "ServiceRegistryContract",
    "SimulationServiceContract",
    "SimulationStoreContract",
    "SourceContract",
    "TelemetryStoreContract",
    "TemplateCatalogContract",
    "sample_frames",
]
