"""The stored registry keeps its contract over DuckDB, in memory and in a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from phoenix_nb.interfaces import ServiceRegistry
from phoenix_nb.registry import StoredServiceRegistry
from phoenix_nb.runtime import CallMetrics, VirtualClock, instrument
from phoenix_nb.store import Database, DuckDbServiceInstanceStore
from phoenix_nb.testing.contracts import ServiceRegistryContract


class TestStoredServiceRegistry(ServiceRegistryContract):
    @pytest.fixture
    def clock(self) -> VirtualClock:
        return VirtualClock(auto=False)

    @pytest.fixture
    def advance(self, clock: VirtualClock) -> Callable[[float], None]:
        return clock.advance

    @pytest.fixture(params=["memory", "file"])
    async def subject(
        self, request: pytest.FixtureRequest, tmp_path: Path, clock: VirtualClock, no_stray_tasks: None
    ) -> AsyncIterator[StoredServiceRegistry]:
        database = await Database.open(tmp_path / "store.duckdb" if request.param == "file" else None)
        registry = StoredServiceRegistry(DuckDbServiceInstanceStore(database), clock)
        yield registry
        await registry.aclose()
        await database.aclose()


class TestInstrumentedRegistry(ServiceRegistryContract):
    """The wrapper keeps the contract, its stream included."""

    @pytest.fixture
    def clock(self) -> VirtualClock:
        return VirtualClock(auto=False)

    @pytest.fixture
    def advance(self, clock: VirtualClock) -> Callable[[float], None]:
        return clock.advance

    @pytest.fixture
    async def subject(self, clock: VirtualClock, no_stray_tasks: None) -> AsyncIterator[ServiceRegistry]:
        database = await Database.open(None)
        registry = StoredServiceRegistry(DuckDbServiceInstanceStore(database), clock)
        yield instrument(ServiceRegistry, registry, CallMetrics())
        await registry.aclose()
        await database.aclose()
