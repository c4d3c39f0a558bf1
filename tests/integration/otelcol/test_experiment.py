"""Experiments on two real collectors: the same points as the embedded engine, and real costs beside them."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

import pytest

import phoenix_nb
from phoenix_nb.analysis import Billing, PairedRun
from phoenix_nb.errors import ConfigError
from phoenix_nb.interfaces import EngineKind, ExperimentResults, PipelineConfig, Plan, VerdictState
from phoenix_nb.lab import Lab
from phoenix_nb.otelcol import CollectorBinary, CollectorEngines, OtelcolEngine
from phoenix_nb.otlp import Dictionaries
from phoenix_nb.runtime import SystemClock, default_prices
from phoenix_nb.testing.contracts import sample_frames
from tests.integration.otelcol.test_supervision import ENVIRONMENT, PASS


@pytest.fixture
def lab(collector: CollectorBinary, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    monkeypatch.setenv("PHOENIX_COLLECTOR_BINARY", str(collector.path))
    with phoenix_nb.connect(":memory:") as made:
        yield made


def compare(lab: Lab, engine: str) -> ExperimentResults:
    run = lab.compare(
        "process-baseline-v1",
        "process-minimal-v1",
        source="sim:realistic",
        every="10s",
        duration="5m",
        seed=7,
        critical=["postgres*"],
        engine=engine,
    )
    run.wait(timeout=100)
    return run.results


def test_both_engines_measure_the_same_and_only_the_real_one_costs(lab: Lab) -> None:
    real, embedded = compare(lab, "otelcol"), compare(lab, "embedded")
    assert real.window.points == embedded.window.points
    assert real.window.series == embedded.window.series
    assert real.coverage.covered == embedded.coverage.covered
    assert real.coverage.static == embedded.coverage.static
    for usage in (real.baseline_usage, real.candidate_usage):
        assert usage is not None
        assert usage.cpu_seconds is not None
        assert usage.cpu_seconds > 0
        assert usage.rss_bytes is not None
        assert usage.rss_bytes > 1_000_000
    assert embedded.baseline_usage is not None
    assert embedded.baseline_usage.cpu_seconds is None
    guardrails = {one.id for one in real.verdict.conditions} - {one.id for one in embedded.verdict.conditions}
    assert guardrails == {"guardrail:latency_p99", "guardrail:cpu_seconds"}


async def test_a_collector_that_dies_makes_the_run_unhealthy(collector: CollectorBinary) -> None:
    engines = CollectorEngines(lambda: collector, ENVIRONMENT)
    factory = await engines.engine_factory(PipelineConfig(yaml=PASS, engine=EngineKind.OTELCOL))
    made: list[OtelcolEngine] = []

    def remember(dictionaries: Dictionaries) -> OtelcolEngine:
        made.append(factory(dictionaries))
        return made[-1]

    dictionaries = Dictionaries()
    run = PairedRun(Plan(), dictionaries, remember, remember, Billing(default_prices()), period_seconds=10.0)
    frames = sample_frames(dictionaries, 12)
    try:
        for number in range(12):
            if number == 6:
                os.kill(made[1].pid, signal.SIGKILL)
            run.observe(frames.slice(number, number + 1))
        run.finish()
        results = run.results(SystemClock().now())
    finally:
        run.close()
    assert results.verdict.state is VerdictState.UNHEALTHY
    assert results.window.points.candidate is None
    assert results.window.points.baseline == frames.n_points
    assert any("The candidate failed" in text and "SIGKILL" in text for text in results.warnings)


async def test_another_release_than_the_configuration_is_for_is_told_once(collector: CollectorBinary) -> None:
    config = PipelineConfig(yaml=PASS, engine=EngineKind.OTELCOL, collector_version="0.1.2")
    factory = await CollectorEngines(lambda: collector, ENVIRONMENT).engine_factory(config)
    dictionaries = Dictionaries()
    with contextlib.closing(factory(dictionaries)) as engine:
        said = [engine.process(sample_frames(dictionaries, 1)).warnings for _ in range(2)]
    assert [sum("0.1.2" in text for text in texts) for texts in said] == [1, 0]


async def test_what_the_collector_refuses_never_becomes_an_engine(collector: CollectorBinary) -> None:
    config = PipelineConfig(yaml=PASS.replace("exporters: [debug]", "processors: [none], exporters: [debug]"))
    with pytest.raises(ConfigError, match='references processor "none" which is not configured'):
        await CollectorEngines(lambda: collector, ENVIRONMENT).engine_factory(config)
