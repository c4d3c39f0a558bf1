"""The static check against engines whose rules are known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from phoenix_nb.analysis import (
    CriticalSeries,
    ExperimentMeter,
    combined_output,
    static_check,
    uncounted_exporters,
)
from phoenix_nb.errors import InvalidRequestError, UnsupportedComponentError
from phoenix_nb.interfaces.evidence import StaticSafety
from phoenix_nb.interfaces.plan import Plan
from phoenix_nb.otlp import Dictionaries, Frames
from phoenix_nb.otlp.contracts import EngineOutput
from tests.unit.analysis.meter_world import SECOND, Process, scrape

Rule = Callable[[Frames], npt.NDArray[np.bool_]]
HOST = [Process("postgres", 10), Process("postgres", 2000), Process("nginx", 11), Process("bash", 12)]
PLAN = Plan(critical=("postgres", "nginx"))


class RuleEngine:
    """Keeps the points that a rule keeps."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule

    def process(self, frames: Frames) -> EngineOutput:
        return EngineOutput({"otlp": frames.where(points=self._rule(frames))})

    def flush(self) -> EngineOutput:
        return EngineOutput({})

    def close(self) -> None:
        """Nothing is kept."""


class DeltaEngine(RuleEngine):
    """Forgets the first payload, as cumulativetodelta does."""

    def __init__(self) -> None:
        super().__init__(lambda frames: frames.p_payload > 0)


def observed() -> CriticalSeries:
    raw = scrape(Dictionaries(), [(k * 10 * SECOND, HOST) for k in range(3)])
    meter = ExperimentMeter(PLAN, raw.dictionaries, period_seconds=10)
    meter.observe(raw, raw, raw)
    series = meter.critical_series()
    assert len(series.series) == 3 * 4
    assert len(CriticalSeries.of(raw).series) == 4 * 4
    return series


def names(frames: Frames) -> npt.NDArray[np.str_]:
    values = [str(r.attributes.get("process.executable.name")) for r in frames.dictionaries.resources]
    return np.array(values)[frames.p_resource]


def pids(frames: Frames) -> npt.NDArray[np.int64]:
    values = [r.attributes.get("process.pid") or 0 for r in frames.dictionaries.resources]
    return np.array(values, dtype=np.int64)[frames.p_resource]


def number(frames: Frames) -> npt.NDArray[np.float64]:
    return frames.p_int + frames.p_double


def check(rule: Rule) -> dict[str, tuple[StaticSafety, str]]:
    found = static_check(lambda _: RuleEngine(rule), observed(), PLAN)
    return {finding.name: (finding.safety, finding.why) for finding in found}


def test_a_rule_on_names_is_safe() -> None:
    found = check(lambda frames: names(frames) != "bash")
    assert found == {"postgres": (StaticSafety.SAFE, ""), "nginx": (StaticSafety.SAFE, "")}


def test_dropping_a_critical_name_is_unsafe() -> None:
    found = check(lambda frames: names(frames) != "nginx")
    assert found["postgres"][0] is StaticSafety.SAFE
    assert found["nginx"] == (
        StaticSafety.UNSAFE,
        "process.cpu.time, process.memory.usage of 1 of 1 lifetimes is lost when all values are zero",
    )


def test_thresholds_are_found_from_both_sides() -> None:
    low = check(lambda frames: number(frames) >= 5)
    assert low["postgres"][0] is StaticSafety.UNSAFE
    assert low["postgres"][1].endswith("when all values are zero")
    high = check(lambda frames: number(frames) < 1e12)
    assert high["nginx"][0] is StaticSafety.UNSAFE
    assert high["nginx"][1].endswith("when values are large")


def test_dependence_on_the_pid_is_unknown() -> None:
    found = check(lambda frames: pids(frames) < 3000)
    assert found["postgres"][0] is StaticSafety.UNKNOWN
    assert "depend on the pid" in found["postgres"][1]
    some = check(lambda frames: pids(frames) != 2000)
    assert some["postgres"][0] is StaticSafety.UNSAFE
    assert "1 of 2 lifetimes" in some["postgres"][1]


def test_a_component_that_must_warm_up_is_safe_and_a_fickle_one_unknown() -> None:
    found = static_check(lambda _: DeltaEngine(), observed(), PLAN)
    assert {f.safety for f in found} == {StaticSafety.SAFE}
    fickle = check(lambda frames: frames.p_payload % 2 == 0)
    assert fickle["postgres"][0] is StaticSafety.UNKNOWN
    assert "2 of 4 scrapes" in fickle["postgres"][1]


def test_what_cannot_be_run_is_unknown() -> None:
    def refuse(_: Dictionaries) -> RuleEngine:
        raise UnsupportedComponentError("the component lookup/x is not supported")

    found = static_check(refuse, observed(), PLAN)
    assert [(f.name, f.safety) for f in found] == [
        ("postgres", StaticSafety.UNKNOWN),
        ("nginx", StaticSafety.UNKNOWN),
    ]


def test_nothing_critical_needs_no_check() -> None:
    assert static_check(lambda _: DeltaEngine(), observed(), Plan()) == ()


def test_what_nobody_is_billed_for_is_named_where_no_other_exporter_gets_it() -> None:
    raw = scrape(Dictionaries(), [(0, HOST)])
    half = raw.where(np.arange(raw.n_points) % 2 == 0)
    assert uncounted_exporters(EngineOutput({"otlp": half, "debug/all": raw, "nop": raw})) == ("debug/all",)
    assert uncounted_exporters(EngineOutput({"otlp": raw, "debug": raw.compact()})) == ()
    assert uncounted_exporters(EngineOutput({"debug": raw, "debug/2": half})) == ()


def test_the_run_keeps_no_trace_of_the_probes() -> None:
    series = observed()
    before = len(series.dictionaries.resources), len(series.dictionaries.series)
    static_check(lambda _: DeltaEngine(), series, PLAN)
    assert (len(series.dictionaries.resources), len(series.dictionaries.series)) == before


def test_exporters_are_put_together() -> None:
    raw = scrape(Dictionaries(), [(0, HOST)])
    assert combined_output(EngineOutput({"otlp": raw, "debug": raw})) is raw
    assert combined_output(EngineOutput({"debug": raw, "debug/2": raw})) is raw
    assert combined_output(EngineOutput({})) is None
    both = combined_output(EngineOutput({"otlp": raw, "otlphttp/b": raw}))
    assert both is not None
    assert both.n_points == 2 * raw.n_points
    half = raw.where(np.arange(raw.n_points) % 2 == 0)
    rest = raw.where(np.arange(raw.n_points) % 2 == 1)
    routed = combined_output(EngineOutput({"debug/a": half, "debug/b": rest, "debug/c": half.compact()}))
    assert routed is not None
    assert routed.n_points == raw.n_points
    assert combined_output(EngineOutput({"otlp": raw, "otlp/b": raw}), "otlp/b") is raw
    with pytest.raises(InvalidRequestError, match="no exporter 'x'"):
        combined_output(EngineOutput({"otlp": raw}), "x")
