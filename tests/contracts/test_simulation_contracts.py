"""The load generators, the process simulator and the sources keep their contracts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from phoenix_nb.interfaces import Context
from phoenix_nb.otlp import Dictionaries
from phoenix_nb.runtime import SystemClock
from phoenix_nb.simulation import (
    RealProcessLoad,
    VirtualLoadGenerator,
    VirtualProcessSimulator,
    compile_world,
    load_profile,
)
from phoenix_nb.sources import HostSource, SimulationSource
from phoenix_nb.testing.contracts import LoadGeneratorContract, ProcessSimulatorContract, SourceContract


class TestVirtualLoadGenerator(LoadGeneratorContract):
    @pytest.fixture
    def subject(self) -> VirtualLoadGenerator:
        return VirtualLoadGenerator(SystemClock(), pace=100.0)


class TestRealProcessLoad(LoadGeneratorContract):
    processes = 4

    @pytest.fixture
    async def subject(self) -> AsyncIterator[RealProcessLoad]:
        load = RealProcessLoad(SystemClock(), max_processes=10)
        yield load
        await load.stop_load(Context.background())
        await load.aclose()


class TestVirtualProcessSimulator(ProcessSimulatorContract):
    @pytest.fixture
    def subject(self) -> VirtualProcessSimulator:
        return VirtualProcessSimulator()


class TestSimulationSource(SourceContract):
    @pytest.fixture
    async def subject(self) -> AsyncIterator[SimulationSource]:
        spec = compile_world(load_profile("realistic"))
        source = SimulationSource(Dictionaries(), spec, every=0.02, clock=SystemClock())
        yield source
        await source.aclose()


class TestHostSource(SourceContract):
    @pytest.fixture
    async def subject(self) -> AsyncIterator[HostSource]:
        source = HostSource(Dictionaries(), clock=SystemClock(), every=0.2)
        yield source
        await source.aclose()
