"""What the optimiser predicts with the embedded engine is what the real collector does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import yaml

from phoenix_nb.analysis import Billing, combined_output
from phoenix_nb.analysis.optimize import observe, optimize
from phoenix_nb.analysis.optimize._lower import lower
from phoenix_nb.analysis.optimize._ottl import critical_condition
from phoenix_nb.analysis.optimize._source_rules import attribute_rules
from phoenix_nb.analysis.optimize._trial import Trials
from phoenix_nb.collector import catalog, compile_config, parse_config
from phoenix_nb.collector.receiving import ReceiverAsks, receiver_asks
from phoenix_nb.evidence.coverage import parse_selectors
from phoenix_nb.interfaces import OptimizationRequest, OptimizationStrategy, RuleKind
from phoenix_nb.otelcol import OtelcolEngine
from phoenix_nb.otlp import (
    Attributes,
    Dictionaries,
    Frames,
    FramesBuilder,
    MetricHeader,
    MetricType,
    Resource,
    Scope,
)
from phoenix_nb.otlp.contracts import PipelineEngine
from phoenix_nb.runtime import load_prices
from phoenix_nb.simulation import simulate
from phoenix_nb.sources import read_recording

BASE = catalog.load("process-baseline-v1").yaml
# Attributes save no series where titles stay as they are; they have a test of their own.
ALONE = [kind for kind in RuleKind if kind is not RuleKind.DROP_ATTRIBUTES]
KINDS = [(), *((kind,) for kind in ALONE), (RuleKind.DROP_PROCESSES, RuleKind.TOP_K)]
CRITICAL = ("postgres*", "path:*nginx*")


def embedded(text: str) -> Callable[[Dictionaries], PipelineEngine]:
    parsed = parse_config(text)
    return lambda dictionaries: compile_config(parsed, dictionaries)


def receiver(text: str) -> ReceiverAsks | None:
    return receiver_asks(parse_config(text))


@pytest.mark.parametrize("kinds", KINDS, ids=lambda kinds: "+".join(kinds) or "all")
def test_the_real_collector_confirms_the_prediction(
    start: Callable[..., OtelcolEngine], kinds: tuple[RuleKind, ...]
) -> None:
    known = Dictionaries()
    frames = list(simulate("realistic", seed=4, scrapes=8, every=10.0, dictionaries=known))
    request = OptimizationRequest(
        recording="memory",
        critical=CRITICAL,
        target=0.02 if kinds else 0.6,
        strategy=OptimizationStrategy.CUSTOM if kinds else OptimizationStrategy.BALANCED,
        rules=kinds,
        group_rest=len(kinds) > 1,
    )
    now = datetime(2026, 3, 1, tzinfo=UTC)
    made = optimize(frames, known, request, BASE, embedded, Billing(load_prices()), now=now, asks=receiver)
    trials = Trials(lambda text: lambda dictionaries: start(text, dictionaries), receiver, frames)
    real = trials.arms(BASE, made.yaml).candidate(known)
    sent = [combined_output(real.process(one)) for one in frames]
    series = np.unique(np.concatenate([one.p_series_key for one in sent if one is not None and one.n_points]))
    assert len(series) == made.window.series.candidate
    points = sum(one.n_points for one in sent if one is not None)
    assert points == made.window.points.candidate


def test_the_real_collector_confirms_the_prediction_on_a_recorded_host(
    start: Callable[..., OtelcolEngine], shared_dir: Path
) -> None:
    known = Dictionaries()
    frames: list[Frames] = []
    for one in read_recording(shared_dir / "recordings" / "shop_host.jsonl.zst", known):
        frames.append(one)
        if sum(part.n_payloads for part in frames) >= 120:
            break
    request = OptimizationRequest(recording="memory", critical=("postgres*", "nginx*"), target=0.6)
    now = datetime(2026, 3, 1, tzinfo=UTC)
    made = optimize(frames, known, request, BASE, embedded, Billing(load_prices()), now=now, asks=receiver)
    assert made.saving >= 0.6
    assert made.coverage.covered == made.coverage.critical_units > 0
    trials = Trials(lambda text: lambda dictionaries: start(text, dictionaries), receiver, frames)
    saved = []
    for text in (BASE, made.yaml):
        real = trials.arms(BASE, text).candidate(known)
        sent = [combined_output(real.process(one)) for one in frames]
        saved.append(np.concatenate([one.p_series_key for one in sent if one is not None and one.n_points]))
    before, after = (len(np.unique(one)) for one in saved)
    # Percentage points; the embedded engine is to predict it exactly.
    assert 1 - after / before == pytest.approx(made.saving, abs=0.01)
    assert (before, after) == (made.window.series.baseline, made.window.series.candidate)


def test_the_real_collector_drops_the_same_attributes(start: Callable[..., OtelcolEngine]) -> None:
    known = Dictionaries()
    frames = list(simulate("realistic", seed=4, scrapes=3, every=10.0, dictionaries=known))
    selectors = parse_selectors(CRITICAL)
    for rule in attribute_rules(observe(frames, known), selectors):
        text = lower([rule], selectors, BASE)
        real, ours = start(text, known), embedded(text)(known)
        for one in frames:
            sent, expected = combined_output(real.process(one)), combined_output(ours.process(one))
            assert sent is not None
            assert expected is not None
            assert sorted(sent.p_series_key.tolist()) == sorted(expected.p_series_key.tolist())
            assert set(sent.p_series_key.tolist()) != set(one.p_series_key.tolist())


def test_the_real_collector_reads_arguments_as_the_rules_expect(start: Callable[..., OtelcolEngine]) -> None:
    known = Dictionaries()
    builder = FramesBuilder(known)
    lines = [
        ("java", "-jar", "shop & <co>.jar"),
        ("java", "-jar", 'a"b\\c.jar'),
        ("java", "other.jar"),
        ("sh",),
    ]
    builder.begin_payload(10**9)
    for pid, words in enumerate(lines):
        values = {"process.pid": pid, "process.executable.name": words[0], "process.command_args": words}
        builder.begin_resource(Resource(Attributes.of(values))).begin_scope(Scope("s", "1"))
        builder.begin_metric(MetricHeader("process.memory.usage", "", "By", MetricType.GAUGE))
        builder.number_point(Attributes.EMPTY, 0, 10**9, 1)
    frames = builder.finish()
    for critical, kept in (
        ("*-jar shop & <co>*", {0}),
        ('*a"b\\c*', {1}),
        ("java ?ther.jar", {2}),
        ("s?", {3}),
    ):
        condition = critical_condition(parse_selectors([f"command_line:{critical}"]), "")
        text = yaml.safe_dump(
            {
                "receivers": {"otlp": {"protocols": {"grpc": None}}},
                "processors": {"filter": {"metrics": {"resource": [f"not {condition}"]}}},
                "exporters": {"debug": None},
                "service": {
                    "pipelines": {
                        "metrics": {"receivers": ["otlp"], "processors": ["filter"], "exporters": ["debug"]}
                    }
                },
            }
        )
        sent = combined_output(start(text, known).process(frames))
        assert sent is not None
        found = {known.resources[at].attributes["process.pid"] for at in np.unique(sent.p_resource).tolist()}
        assert found == kept, critical
