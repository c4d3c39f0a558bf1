"""The DuckDB stores keep their contracts, in memory and in a file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from phoenix_nb.interfaces import (
    AlertStore,
    ExperimentStore,
    Journal,
    PipelineOperator,
    PipelineStore,
    ReportStore,
    ServiceInstanceStore,
    SimulationStore,
)
from phoenix_nb.runtime import CallMetrics, VirtualClock, instrument
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
)
from phoenix_nb.testing.contracts import (
    AlertStoreContract,
    ExperimentStoreContract,
    JournalContract,
    PipelineOperatorContract,
    PipelineStoreContract,
    ReportStoreContract,
    ServiceInstanceStoreContract,
    SimulationStoreContract,
)


@pytest.fixture(params=["memory", "file"])
async def database(
    request: pytest.FixtureRequest, tmp_path: Path, no_stray_tasks: None
) -> AsyncIterator[Database]:
    made = await Database.open(None if request.param == "memory" else tmp_path / "store.duckdb")
    yield made
    await made.aclose()


class TestDuckDbExperimentStore(ExperimentStoreContract):
    @pytest.fixture
    def subject(self, database: Database) -> DuckDbExperimentStore:
        return DuckDbExperimentStore(database)


class TestInstrumentedExperimentStore(ExperimentStoreContract):
    """As it is used: behind the wrapper that checks and measures calls."""

    @pytest.fixture
    def subject(self, database: Database) -> ExperimentStore:
        return instrument(ExperimentStore, DuckDbExperimentStore(database), CallMetrics())


class TestDuckDbPipelineStore(PipelineStoreContract):
    @pytest.fixture
    def subject(self, database: Database) -> PipelineStore:
        return DuckDbPipelineStore(database)


class TestDuckDbPipelineOperator(PipelineOperatorContract):
    @pytest.fixture
    def subject(self, database: Database) -> PipelineOperator:
        return DuckDbPipelineOperator(database, VirtualClock())


class TestDuckDbSimulationStore(SimulationStoreContract):
    @pytest.fixture
    def subject(self, database: Database) -> SimulationStore:
        return DuckDbSimulationStore(database)


class TestDuckDbAlertStore(AlertStoreContract):
    @pytest.fixture
    def subject(self, database: Database) -> AlertStore:
        return DuckDbAlertStore(database)


class TestDuckDbReportStore(ReportStoreContract):
    @pytest.fixture
    def subject(self, database: Database) -> ReportStore:
        return DuckDbReportStore(database)


class TestDuckDbJournal(JournalContract):
    @pytest.fixture
    def subject(self, database: Database) -> Journal:
        return DuckDbJournal(database)


class TestDuckDbServiceInstanceStore(ServiceInstanceStoreContract):
    @pytest.fixture
    def subject(self, database: Database) -> ServiceInstanceStore:
        return DuckDbServiceInstanceStore(database)
