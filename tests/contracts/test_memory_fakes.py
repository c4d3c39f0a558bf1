"""The in-memory fakes keep the contracts of what they stand for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from phoenix_nb.runtime import VirtualClock
from phoenix_nb.testing import (
    MemoryAlertStore,
    MemoryExperimentStore,
    MemoryPipelineStore,
    MemoryRegistry,
    MemoryReportStore,
    MemorySimulationStore,
)
from phoenix_nb.testing.contracts import (
    AlertStoreContract,
    ExperimentStoreContract,
    PipelineStoreContract,
    ReportStoreContract,
    ServiceRegistryContract,
    SimulationStoreContract,
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
