"""Every service of an open laboratory keeps its contract, behind the instrumentation that users call it through."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from phoenix_nb.interfaces import (
    AlertService,
    ConfigGenerator,
    Context,
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
    SimulationService,
    TemplateCatalog,
)
from phoenix_nb.lab import System, Workspace
from phoenix_nb.runtime import Settings, SystemClock, UlidFactory
from phoenix_nb.testing.contracts import (
    AlertServiceContract,
    ConfigGeneratorContract,
    CostAnalyzerContract,
    ExperimentControlContract,
    ExperimentServiceContract,
    MetricsCollectorContract,
    MetricsProviderContract,
    MonitoringServiceContract,
    PipelineOperatorContract,
    PipelineServiceContract,
    ReportServiceContract,
    SimulationServiceContract,
    TemplateCatalogContract,
)

CTX = Context.background()
pytestmark = pytest.mark.usefixtures("no_stray_tasks")


@pytest.fixture
async def system() -> AsyncIterator[System]:
    clock = SystemClock()
    opened = await System.open(Workspace(None), Settings(), clock, UlidFactory(clock), environment={})
    yield opened
    await opened.aclose()


@pytest.fixture
def service(system: System) -> ExperimentService:
    return system.services.experiments


class TestExperiments(ExperimentServiceContract):
    @pytest.fixture
    def subject(self, service: ExperimentService) -> ExperimentService:
        return service


class TestControl(ExperimentControlContract):
    @pytest.fixture
    def subject(self, system: System) -> ExperimentControl:
        return system.services.control


class TestPipelines(PipelineServiceContract):
    @pytest.fixture
    def subject(self, system: System) -> PipelineService:
        return system.services.pipelines


class TestTemplates(TemplateCatalogContract):
    @pytest.fixture
    def subject(self, system: System) -> TemplateCatalog:
        return system.services.templates


class TestConfigs(ConfigGeneratorContract):
    @pytest.fixture
    def subject(self, system: System) -> ConfigGenerator:
        return system.services.configs


class TestOperator(PipelineOperatorContract):
    @pytest.fixture
    def subject(self, system: System) -> PipelineOperator:
        return system.services.operator


class TestMonitoring(MonitoringServiceContract):
    @pytest.fixture
    def subject(self, system: System) -> MonitoringService:
        return system.services.monitoring


class TestAlerts(AlertServiceContract):
    @pytest.fixture
    def subject(self, system: System) -> AlertService:
        return system.services.alerts


class TestMetrics(MetricsProviderContract):
    @pytest.fixture
    def subject(self, system: System) -> MetricsProvider:
        return system.services.metrics


class TestCollector(MetricsCollectorContract):
    @pytest.fixture
    def subject(self, system: System) -> MetricsCollector:
        return system.services.collector


class TestSimulations(SimulationServiceContract):
    @pytest.fixture
    def subject(self, system: System) -> SimulationService:
        return system.services.simulations


class TestReports(ReportServiceContract):
    @pytest.fixture
    def subject(self, system: System) -> ReportService:
        return system.services.reports


class TestCosts(CostAnalyzerContract):
    @pytest.fixture
    def subject(self, system: System) -> CostAnalyzer:
        return system.services.costs


async def test_every_call_is_counted(system: System) -> None:
    bus: EventBus = system.services.bus
    await bus.statistics(CTX)
    await system.services.templates.list_templates(CTX)
    labels = {"interface": "TemplateCatalog", "method": "list_templates", "status": "ok"}
    assert system.metrics.registry.get_sample_value("phoenix_interface_calls_total", labels) == 1


async def test_a_laboratory_offers_its_services_while_it_is_open(system: System) -> None:
    found = await system.services.registry.discover(CTX, "experiments")
    assert [one.address for one in found] == ["in-process"]
