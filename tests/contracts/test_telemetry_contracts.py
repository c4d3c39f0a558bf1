"""The DuckDB telemetry store keeps its contract, in memory and in a file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from phoenix_nb.otlp.contracts import TelemetryStore
from phoenix_nb.runtime import CallMetrics, instrument
from phoenix_nb.store._database import Database
from phoenix_nb.store._telemetry import DuckDbTelemetryStore
from phoenix_nb.testing.contracts import TelemetryStoreContract


class TestTelemetryStoreInMemory(TelemetryStoreContract):
    @pytest.fixture
    async def subject(self, no_stray_tasks: None) -> AsyncIterator[DuckDbTelemetryStore]:
        database = await Database.open(None)
        store = DuckDbTelemetryStore(database)
        yield store
        await store.aclose()
        await database.aclose()


class TestTelemetryStoreInFile(TelemetryStoreContract):
    @pytest.fixture
    async def subject(self, tmp_path: Path, no_blocking_calls: None) -> AsyncIterator[TelemetryStore]:
        database = await Database.open(tmp_path / "store.duckdb")
        store = instrument(TelemetryStore, DuckDbTelemetryStore(database), CallMetrics())
        yield store
        await store.aclose()
        await database.aclose()
