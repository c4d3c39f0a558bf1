"""The embedded engine keeps its contract with every catalogue pipeline; the cost functions fit theirs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import pytest

from phoenix_nb.collector import EmbeddedEngine, catalog, compile_config, parse_config
from phoenix_nb.collector.receiving import Narrower, Narrowing, receiving
from phoenix_nb.evidence import cost
from phoenix_nb.interfaces import Context, CostComparison, CostEstimate, SavingsProjection, Usage
from phoenix_nb.otlp import Dictionaries
from phoenix_nb.otlp.contracts import PipelineEngine
from phoenix_nb.runtime import default_prices
from phoenix_nb.testing.contracts import CostAnalyzerContract, SavableEngineContract


class TestEmbeddedEngine(SavableEngineContract):
    @pytest.fixture(params=catalog.names())
    def make(self, request: pytest.FixtureRequest) -> Callable[[Dictionaries], EmbeddedEngine]:
        config = parse_config(catalog.load(request.param).yaml)
        return lambda dictionaries: compile_config(config, dictionaries)

    @pytest.fixture
    def subject(self, make: Callable[[Dictionaries], EmbeddedEngine]) -> EmbeddedEngine:
        return make(Dictionaries())


class TestEngineBehindAReceiver(SavableEngineContract):
    @pytest.fixture(
        params=[
            Narrowing(ratio=Fraction(3, 2)),
            Narrowing(ratio=Fraction(2), delay=1, attributes=frozenset({"process.pid"})),
        ]
    )
    def make(self, request: pytest.FixtureRequest) -> Callable[[Dictionaries], PipelineEngine]:
        config = parse_config(catalog.load("process-aggregated-v1").yaml)
        return lambda known: receiving(
            compile_config(config, known), Narrower(request.param, known, period_seconds=1.0)
        )

    @pytest.fixture
    def subject(self, make: Callable[[Dictionaries], PipelineEngine]) -> PipelineEngine:
        return make(Dictionaries())


class _Prices:
    """The pure cost functions behind the interface."""

    async def estimate_cost(self, ctx: Context, usage: Usage) -> Sequence[CostEstimate]:
        return cost.estimate_costs(default_prices(), usage)

    async def compare_costs(self, ctx: Context, baseline: Usage, candidate: Usage) -> CostComparison:
        return cost.compare_costs(default_prices(), baseline, candidate)

    async def project_savings(self, ctx: Context, comparison: CostComparison) -> Sequence[SavingsProjection]:
        return tuple(cost.project_savings(row) for row in comparison.rows)


class TestPrices(CostAnalyzerContract):
    @pytest.fixture
    def subject(self) -> _Prices:
        return _Prices()
