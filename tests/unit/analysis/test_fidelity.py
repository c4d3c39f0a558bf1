"""Values of kept series: equal, off by a little, or without any counterpart."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from phoenix_nb.analysis import Billing, PairedRun
from phoenix_nb.analysis._fidelity import FidelityCounter
from phoenix_nb.collector import compile_config, parse_config
from phoenix_nb.evidence import decide
from phoenix_nb.interfaces import CoverageReport, Fidelity, Plan
from phoenix_nb.otlp import Dictionaries
from phoenix_nb.otlp.contracts import PipelineEngine
from phoenix_nb.runtime import load_prices
from tests.unit.analysis.meter_world import CPU, MEMORY, SECOND, Process, scrape
from tests.unit.evidence.evidence_world import SAFE, run

YAML = """
receivers: {{nop: {{}}}}
processors: {{{processors}}}
exporters: {{nop: {{}}}}
service: {{pipelines: {{metrics: {{receivers: [nop], processors: [{names}], exporters: [nop]}}}}}}
"""
SCALE = (
    "metricstransform/scale: {transforms: [{include: process.memory.usage, action: update,"
    " operations: [{action: experimental_scale_value, experimental_scale: 2}]}]}"
)
PROCESSES = [Process("postgres", 1), Process("nginx", 2)]


def test_equal_values_are_equal() -> None:
    known = Dictionaries()
    raw = scrape(known, [(0, PROCESSES), (10 * SECOND, PROCESSES)])
    counter = FidelityCounter(known)
    counter.add(raw, raw)
    counter.add(raw, raw.slice(0, 1))
    found = counter.report()
    assert found.compared == raw.n_points + raw.slice(0, 1).n_points
    assert (found.differing, found.not_comparable, found.max_relative_error) == (0, 0, 0.0)
    assert found.p99_relative_error == 0.0


def test_differences_are_measured_against_the_source() -> None:
    known = Dictionaries()
    raw = scrape(known, [(0, PROCESSES)], metrics=(CPU, MEMORY), value=10)
    off = scrape(known, [(0, PROCESSES)], metrics=(CPU, MEMORY), value=11)
    counter = FidelityCounter(known)
    counter.add(raw, off)
    found = counter.report()
    # User time and memory are 10 % off, system time is always the same.
    assert (found.compared, found.differing) == (6, 4)
    assert found.max_relative_error == pytest.approx(0.1)
    assert 0.1 <= found.p99_relative_error <= 0.106
    assert {row.metric: (row.compared, row.differing) for row in found.by_metric} == {
        CPU.name: (4, 2),
        MEMORY.name: (2, 2),
    }


def test_something_where_there_was_nothing_is_wrong_without_limit() -> None:
    known = Dictionaries()
    raw = scrape(known, [(0, PROCESSES)], metrics=(MEMORY,), value=0)
    off = scrape(known, [(0, PROCESSES)], metrics=(MEMORY,), value=1)
    counter = FidelityCounter(known)
    counter.add(raw, off)
    assert counter.report().max_relative_error == math.inf
    assert Fidelity.model_validate_json(counter.report().model_dump_json()) == counter.report()


def test_other_times_and_other_series_are_not_compared() -> None:
    known = Dictionaries()
    raw = scrape(known, [(0, PROCESSES)])
    counter = FidelityCounter(known)
    counter.add(raw, scrape(known, [(SECOND, PROCESSES)]))
    counter.add(raw, scrape(known, [(0, [Process("java", 3)])]))
    found = counter.report()
    assert found.compared == 0
    assert found.not_comparable == 8 + 4


def coverage_of(processors: str, names: str, plan: Plan) -> tuple[CoverageReport, list[str]]:
    known = Dictionaries()

    def engine(text: str) -> PipelineEngine:
        return compile_config(parse_config(text), known)

    config = YAML.format(processors=processors, names=names)
    paired = PairedRun(
        plan,
        known,
        lambda own: compile_config(parse_config(YAML.format(processors="", names="")), own),
        lambda own: compile_config(parse_config(config), own),
        Billing(load_prices()),
    )
    paired.observe(scrape(known, [(at * 10 * SECOND, PROCESSES) for at in range(15)]))
    paired.finish()
    results = paired.results(datetime(2026, 3, 1, tzinfo=UTC))
    unmet = [row.id for row in results.verdict.conditions if not row.met and row.id == "coverage:values"]
    return results.coverage, unmet


def test_a_run_compares_what_is_kept() -> None:
    plan = Plan(critical=("postgres",), value_tolerance=0.0)
    same, unmet = coverage_of("", "", plan)
    assert same.fidelity is not None
    assert same.fidelity.compared == 15 * 8
    assert not unmet
    scaled, unmet = coverage_of(SCALE, "metricstransform/scale", plan)
    assert scaled.fidelity is not None
    assert scaled.fidelity.differing == 15 * 2
    assert scaled.fidelity.max_relative_error == pytest.approx(1.0)
    assert unmet == ["coverage:values"]


@pytest.mark.parametrize(
    ("error", "state"), [(None, "KEEP_RUNNING"), (0.2, "KEEP_RUNNING"), (0.05, "PROMOTE"), (0.0, "PROMOTE")]
)
def test_the_tolerance_blocks_a_promotion(error: float | None, state: str) -> None:
    plan = Plan(critical=("postgres",), value_tolerance=0.1, planned_intervals=1000)
    fidelity = None
    if error is not None:
        fidelity = Fidelity(
            compared=10,
            differing=int(error > 0),
            not_comparable=0,
            max_relative_error=error,
            p99_relative_error=error,
        )
    a = [1000 + at % 7 for at in range(400)]
    b = [at // 2 for at in a]
    found = decide(run(a, b), plan, coverage=SAFE.model_copy(update={"fidelity": fidelity}))
    assert found.state.value == state


def test_bytes_that_are_billed_get_an_interval_of_their_own() -> None:
    known = Dictionaries()
    plan = Plan(critical=("postgres",), warmup_intervals=0)

    def arm(text: str) -> PipelineEngine:
        return compile_config(parse_config(text), known)

    half = 'filter/half: {metrics: {resource: [\'attributes["process.executable.name"] == "nginx"\']}}'
    paired = PairedRun(
        plan,
        known,
        lambda _: arm(YAML.format(processors="", names="")),
        lambda _: arm(YAML.format(processors=half, names="filter/half")),
        Billing(load_prices()),
        planned_intervals=240,
        probe=lambda own: compile_config(
            parse_config(YAML.format(processors=half, names="filter/half")), own
        ),
    )
    for at in range(240):
        # Another process now and then, so that the saving varies.
        extra = [Process("java", 9)] if at % 3 == 0 else []
        paired.observe(scrape(known, [(at * 10 * SECOND, [*PROCESSES, *extra])]))
    paired.finish()
    results = paired.results(datetime(2026, 3, 1, tzinfo=UTC))
    row = next(one for one in results.cost if one.price_model == "new_relic")
    assert row.low is not None
    assert row.high is not None
    assert row.saving_per_month is not None
    assert row.low <= row.saving_per_month <= row.high
    assert 0 < row.high - row.low < row.saving_per_month


def test_a_process_that_is_told_with_fewer_attributes_is_still_compared() -> None:
    known = Dictionaries()
    raw = scrape(known, [(0, PROCESSES), (10 * SECOND, PROCESSES)])
    numbers = [
        known.resources.intern(
            replace(
                known.resources[at],
                attributes=known.resources[at].attributes.without("process.command_line"),
            )
        )
        for at in raw.rm_resource.tolist()
    ]
    fewer = raw.replace(rm_resource=np.array(numbers, dtype=np.int32))
    counter = FidelityCounter(known)
    counter.add(raw, fewer)
    found = counter.report()
    assert (found.compared, found.differing, found.not_comparable) == (raw.n_points, 0, 0)
    # Two processes that share a pid and a time cannot be told apart.
    twins = scrape(known, [(0, [Process("a", 1), Process("b", 1)])], spread=0)
    counter = FidelityCounter(known)
    counter.add(twins, fewer.slice(0, 1))
    assert counter.report().not_comparable == fewer.slice(0, 1).n_points
