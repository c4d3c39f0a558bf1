"""What the optimiser predicts with the embedded engine is what the real collector does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest

from phoenix_nb.analysis import Billing, combined_output
from phoenix_nb.analysis.optimize import optimize
from phoenix_nb.collector import catalog, compile_config, parse_config
from phoenix_nb.interfaces import OptimizationRequest, OptimizationStrategy, RuleKind
from phoenix_nb.otelcol import OtelcolEngine
from phoenix_nb.otlp import Dictionaries
from phoenix_nb.otlp.contracts import PipelineEngine
from phoenix_nb.runtime import load_prices
from phoenix_nb.simulation import simulate

BASE = catalog.load("process-baseline-v1").yaml
KINDS = [(), *((kind,) for kind in RuleKind), (RuleKind.DROP_PROCESSES, RuleKind.TOP_K)]


def embedded(text: str) -> Callable[[Dictionaries], PipelineEngine]:
    parsed = parse_config(text)
    return lambda dictionaries: compile_config(parsed, dictionaries)


@pytest.mark.parametrize("kinds", KINDS, ids=lambda kinds: "+".join(kinds) or "all")
def test_the_real_collector_confirms_the_prediction(
    start: Callable[..., OtelcolEngine], kinds: tuple[RuleKind, ...]
) -> None:
    known = Dictionaries()
    frames = list(simulate("realistic", seed=4, scrapes=8, every=10.0, dictionaries=known))
    request = OptimizationRequest(
        recording="memory",
        critical=("postgres*", "path:*nginx*"),
        target=0.02 if kinds else 0.6,
        strategy=OptimizationStrategy.CUSTOM if kinds else OptimizationStrategy.BALANCED,
        rules=kinds,
        group_rest=len(kinds) > 1,
    )
    now = datetime(2026, 3, 1, tzinfo=UTC)
    made = optimize(frames, known, request, BASE, embedded, Billing(load_prices()), now=now)
    real = start(made.yaml, known)
    sent = [combined_output(real.process(one)) for one in frames]
    series = np.unique(np.concatenate([one.p_series_key for one in sent if one is not None and one.n_points]))
    assert len(series) == made.window.series.candidate
    points = sum(one.n_points for one in sent if one is not None)
    assert points == made.window.points.candidate
