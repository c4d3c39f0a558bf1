"""Every catalogue pipeline over a simulated host: what it promises to keep is kept, and sums stay sums."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime

import numpy as np
import pytest

from phoenix_nb.analysis import Billing, PairedRun, combined_output
from phoenix_nb.collector import catalog, compile_config, parse_config, validate_config
from phoenix_nb.interfaces import Plan, StaticSafety
from phoenix_nb.otlp import Dictionaries, Frames
from phoenix_nb.otlp.contracts import PipelineEngine
from phoenix_nb.runtime import load_prices
from phoenix_nb.simulation import simulate

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GROUPED = ("process-aggregated-v1", "process-hybrid-v1")


def engine(name: str, known: Dictionaries) -> PipelineEngine:
    return compile_config(parse_config(catalog.load(name).yaml), known)


@pytest.mark.parametrize("name", catalog.names())
def test_a_pipeline_keeps_critical_services_visible(name: str) -> None:
    assert not validate_config(catalog.load(name).yaml)
    known = Dictionaries()
    plan = Plan(critical=("postgres*", "nginx*"))
    run = PairedRun(
        plan,
        known,
        lambda own: engine("process-baseline-v1", own),
        lambda own: engine(name, own),
        Billing(load_prices()),
    )
    for frames in simulate("realistic", seed=1, scrapes=8, every=30.0, dictionaries=known):
        run.observe(frames)
    run.finish()
    found = run.results(NOW)
    assert found.coverage.critical_units > 0
    assert found.coverage.covered == found.coverage.critical_units
    assert {one.safety for one in found.coverage.static} == {StaticSafety.SAFE}
    saving = found.window.series.reduction
    assert saving is not None
    assert saving > 0 if name != "process-baseline-v1" else saving == 0


def sums(frames: Frames, known: Dictionaries, metric: str) -> dict[tuple[int, str], float]:
    """Per half minute and point attributes the sum of a metric's values."""
    total: dict[tuple[int, str], float] = defaultdict(float)
    for at in range(frames.n_points):
        if known.headers[int(frames.p_header[at])].name == metric:
            value = frames.p_int[at] if int(frames.p_kind[at]) == 1 else frames.p_double[at]
            attributes = known.attribute_sets[int(frames.p_attributes[at])]
            total[int(frames.p_time[at]) // 30_000_000_000, str(attributes.to_dict())] += float(value)
    return dict(total)


@pytest.mark.parametrize("name", GROUPED)
def test_groups_keep_the_totals_of_the_host(name: str) -> None:
    known = Dictionaries()
    raw = Frames.concat(list(simulate("realistic", seed=1, scrapes=6, every=30.0, dictionaries=known)))
    made = combined_output(engine(name, known).process(raw))
    assert made is not None
    before, after = sums(raw, known, "process.memory.usage"), sums(made, known, "process.memory.usage")
    assert before.keys() == after.keys()
    for key, value in before.items():
        assert after[key] == pytest.approx(value)
    groups = {
        str(known.resources[int(number)].attributes.get("process.category"))
        for number in np.unique(made.p_resource)
    }
    assert len(groups - {"None"}) >= 1
    assert len(np.unique(made.p_series_key)) < len(np.unique(raw.p_series_key))
