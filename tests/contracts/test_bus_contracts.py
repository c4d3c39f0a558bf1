"""The event bus keeps its contract over the journal in DuckDB, in memory, in a file and behind the wrapper."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from phoenix_nb.bus import AsyncioEventBus
from phoenix_nb.interfaces import EventBus
from phoenix_nb.runtime import CallMetrics, instrument
from phoenix_nb.store import Database, DuckDbJournal
from phoenix_nb.testing.contracts import EventBusContract


class TestAsyncioEventBus(EventBusContract):
    @pytest.fixture
    async def subject(self, tmp_path: Path, no_stray_tasks: None) -> AsyncIterator[AsyncioEventBus]:
        database = await Database.open(tmp_path / "store.duckdb")
        bus = AsyncioEventBus(DuckDbJournal(database))
        yield bus
        await bus.aclose()
        await database.aclose()


class TestInstrumentedEventBus(EventBusContract):
    @pytest.fixture
    async def subject(self, no_stray_tasks: None) -> AsyncIterator[EventBus]:
        database = await Database.open(None)
        bus = AsyncioEventBus(DuckDbJournal(database))
        yield instrument(EventBus, bus, CallMetrics())
        await bus.aclose()
        await database.aclose()
