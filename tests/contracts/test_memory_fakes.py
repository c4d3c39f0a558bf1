"""The in-memory fakes keep the contracts of what they stand for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from phoenix_nb.interfaces import EventBus, ExperimentStore
from phoenix_nb.otlp.contracts import TelemetryStore
from phoenix_nb.runtime import CallMetrics, UlidFactory, VirtualClock, instrument
from phoenix_nb.testing import (
    MemoryAlertStore,
    MemoryBus,
    MemoryExperimentStore,
    MemoryOperator,
    MemoryPipelineStore,
    MemoryRegistry,
    MemoryReportStore,
    MemorySimulationStore,
    MemoryTelemetryStore,
)
from phoenix_nb.testing.contracts import (
    AlertStoreContract,
    EventBusContract,
    ExperimentStoreContract,
    PipelineOperatorContract,
    PipelineStoreContract,
    ReportStoreContract,
    ServiceRegistryContract,
    SimulationStoreContract,
    TelemetryStoreContract,
)


class TestMemoryExperimentStore(ExperimentStoreContract):
    @pytest.fixture
    def subject(self) -> MemoryExperimentStore:
        return MemoryExperimentStore()


class TestMemoryPipelineStore(PipelineStoreContract):
    @pytest.fixture
    def subject(self) -> MemoryPipelineStore:
        return MemoryPipelineStore()


class TestMemorySimulationStore(SimulationStoreContract):
    @pytest.fixture
    def subject(self) -> MemorySimulationStore:
        return MemorySimulationStore()


class TestMemoryAlertStore(AlertStoreContract):
    @pytest.fixture
    def subject(self) -> MemoryAlertStore:
        return MemoryAlertStore()


class TestMemoryReportStore(ReportStoreContract):
    @pytest.fixture
    def subject(self) -> MemoryReportStore:
        return MemoryReportStore()


class TestMemoryRegistry(ServiceRegistryContract):
    @pytest.fixture
    def clock(self) -> VirtualClock:
        return VirtualClock(auto=False)

    @pytest.fixture
    def advance(self, clock: VirtualClock) -> Callable[[float], None]:
        return clock.advance

    @pytest.fixture
    def subject(self, clock: VirtualClock) -> MemoryRegistry:
        return MemoryRegistry(clock)


class TestMemoryBus(EventBusContract):
    @pytest.fixture
    async def subject(self, no_stray_tasks: None) -> AsyncIterator[MemoryBus]:
        bus = MemoryBus(UlidFactory(VirtualClock(), seed=1))
        yield bus
        await bus.aclose()


class TestInstrumentedMemoryBus(EventBusContract):
    """The wrapper around implementations keeps the contract."""

    @pytest.fixture
    async def subject(self, no_stray_tasks: None) -> AsyncIterator[EventBus]:
        bus = MemoryBus(UlidFactory(VirtualClock(), seed=1))
        yield instrument(EventBus, bus, CallMetrics())
        await bus.aclose()


class TestMemoryOperator(PipelineOperatorContract):
    @pytest.fixture
    def subject(self) -> MemoryOperator:
        return MemoryOperator(VirtualClock())


class TestMemoryTelemetryStore(TelemetryStoreContract):
    @pytest.fixture
    def subject(self) -> MemoryTelemetryStore:
        return MemoryTelemetryStore()


class TestInstrumentedTelemetryStore(TelemetryStoreContract):
    """The wrapper keeps the contract, streams that are methods included."""

    @pytest.fixture
    def subject(self) -> TelemetryStore:
        return instrument(TelemetryStore, MemoryTelemetryStore(), CallMetrics())


class TestInstrumentedExperimentStore(ExperimentStoreContract):
    """The wrapper keeps the contract, property by property."""

    @pytest.fixture
    def subject(self) -> ExperimentStore:
        return instrument(ExperimentStore, MemoryExperimentStore(), CallMetrics())
