"""The optimiser: what it returns does what it says, spares what is critical, and refuses what cannot be had."""

from __future__ import annotations

import fnmatch
import itertools
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import numpy as np
import pytest
import re2
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from phoenix_nb.analysis import Billing, combined_output
from phoenix_nb.analysis.optimize import (
    RANKED_VARIABLES,
    names_by_use,
    observe,
    optimize,
    ranked_value,
    steady_top_k,
)
from phoenix_nb.analysis.optimize._arguments import arguments_pattern
from phoenix_nb.analysis.optimize._lower import lower
from phoenix_nb.analysis.optimize._ottl import quoted
from phoenix_nb.analysis.optimize._patterns import glob_pattern, literal, name_pattern
from phoenix_nb.analysis.optimize._rules import candidates, critical_rows, grouped_names
from phoenix_nb.analysis.optimize._source_rules import attribute_rules
from phoenix_nb.analysis.optimize._trial import Trials
from phoenix_nb.collector import catalog, compile_config, parse_config
from phoenix_nb.collector.receiving import ReceiverAsks, receiver_asks
from phoenix_nb.errors import ConfigError, ConflictError, InvalidRequestError
from phoenix_nb.evidence.coverage import parse_selector, parse_selectors
from phoenix_nb.interfaces import OptimizationRequest, OptimizationStrategy, OptimizedConfig, RuleKind
from phoenix_nb.otlp import (
    Attributes,
    Dictionaries,
    Frames,
    FramesBuilder,
    MetricHeader,
    MetricType,
    Resource,
    Scope,
    Temporality,
)
from phoenix_nb.otlp.contracts import PipelineEngine
from phoenix_nb.runtime import load_prices
from phoenix_nb.simulation import simulate

BASE = catalog.load("process-baseline-v1").yaml
NOW = datetime(2026, 3, 1, tzinfo=UTC)
CRITICAL = ("postgres*", "path:*nginx*", "re:^redis-server$")


@cache
def recorded() -> tuple[tuple[Frames, ...], Dictionaries]:
    frames = tuple(simulate("realistic", seed=5, scrapes=20, every=10.0))
    return frames, frames[0].dictionaries


def engine(text: str) -> Callable[[Dictionaries], PipelineEngine]:
    parsed = parse_config(text)
    return lambda dictionaries: compile_config(parsed, dictionaries)


def receiver(text: str) -> ReceiverAsks | None:
    return receiver_asks(parse_config(text))


def asked(**changes: object) -> OptimizationRequest:
    values: dict[str, object] = {"recording": "memory", "critical": CRITICAL, "target": 0.6}
    return OptimizationRequest.model_validate(values | changes)


def found(**changes: object) -> OptimizedConfig:
    frames, known = recorded()
    return optimize(
        frames, known, asked(**changes), BASE, engine, Billing(load_prices()), now=NOW, asks=receiver
    )


def distinct(text: str) -> int:
    """Series that a configuration sends of the recording, behind its receiver."""
    frames, known = recorded()
    made = Trials(engine, receiver, frames).arms(BASE, text).candidate(known)
    parts = [combined_output(made.process(one)) for one in frames]
    return len(np.unique(np.concatenate([one.p_series_key for one in parts if one is not None])))


@cache
def balanced() -> OptimizedConfig:
    return found()


def test_what_is_returned_saves_what_it_says_and_keeps_what_is_critical() -> None:
    made = balanced()
    assert made.saving == pytest.approx(1 - distinct(made.yaml) / distinct(BASE), abs=1e-12)
    assert made.saving >= 0.6
    assert made.unseen_saving >= 0.6
    assert made.coverage.critical_units > 0
    assert made.coverage.covered == made.coverage.critical_units
    assert not made.coverage.missed
    assert all(one.safety.value == "safe" for one in made.coverage.static)


def test_the_rules_add_up_to_what_running_them_saves() -> None:
    made = balanced()
    assert sum(one.saves_series for one in made.rules) == distinct(BASE) - distinct(made.yaml)
    assert 1 - sum(one.loses for one in made.rules) == pytest.approx(made.fidelity, abs=1e-9)
    assert all(one.saves_series > 0 for one in made.rules)


def test_the_front_trades_saving_for_fidelity() -> None:
    points = balanced().pareto
    assert len(points) > 2
    for before, after in itertools.pairwise(points):
        assert after.saving > before.saving
        assert after.fidelity < before.fidelity
        assert before.unaltered is not None
        assert after.unaltered is not None
        assert after.unaltered <= min(before.unaltered, after.fidelity)


def test_the_same_request_gives_the_same_text() -> None:
    assert found().yaml == balanced().yaml


def test_a_higher_target_saves_more_and_loses_more() -> None:
    more = found(target=0.85)
    assert more.saving >= 0.85
    assert more.fidelity <= balanced().fidelity


def test_strategies_go_as_far_as_they_say() -> None:
    far = found(strategy=OptimizationStrategy.AGGRESSIVE)
    assert far.saving > balanced().saving
    assert far.fidelity >= 0.8
    least = found(strategy=OptimizationStrategy.MINIMAL)
    assert least.saving >= far.saving
    assert least.coverage.covered == least.coverage.critical_units
    custom = found(strategy=OptimizationStrategy.CUSTOM, rules=(RuleKind.DELAY,), target=0.2)
    assert {one.kind for one in custom.rules} == {RuleKind.DELAY}


def test_an_unreachable_target_is_refused_with_the_best_found() -> None:
    with pytest.raises(ConflictError) as refused:
        found(critical=("*",), target=0.9)
    best = refused.value.details["best"]
    assert isinstance(best, dict)
    assert isinstance(best["saving"], float)
    assert 0.0 < best["saving"] < 0.9
    assert isinstance(best["yaml"], str)
    assert 1 - distinct(best["yaml"]) / distinct(BASE) == pytest.approx(best["saving"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rules": (RuleKind.DELAY,)}, "strategy custom"),
        ({"strategy": OptimizationStrategy.CUSTOM}, "strategy custom"),
        ({"strategy": OptimizationStrategy.MINIMAL, "critical": ()}, "none was named"),
    ],
)
def test_contradictions_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        found(**changes)


def test_too_few_payloads_are_refused() -> None:
    frames, known = recorded()
    with pytest.raises(InvalidRequestError, match="too few"):
        optimize([frames[0].slice(0, 1)], known, asked(), BASE, engine, Billing(load_prices()), now=NOW)


def test_without_a_critical_list_there_is_a_warning() -> None:
    assert "No process was named critical" in found(critical=()).warnings[0]


@pytest.mark.parametrize("base", ["[]", "receivers: {}\n", "a: [\n", "service: {pipelines: {logs: {}}}"])
def test_a_base_without_metrics_is_refused(base: str) -> None:
    with pytest.raises(ConfigError):
        lower([], (), base)


def test_every_rule_removes_exactly_what_its_condition_drops() -> None:
    frames, known = recorded()
    seen = observe(frames, known)
    selectors = parse_selectors(CRITICAL)
    critical = critical_rows(seen, selectors)
    names = sorted(set(seen.names))
    rules = candidates(
        seen,
        critical,
        ("process.cpu.time", "process.memory.usage"),
        [names, names],
        selectors=selectors,
        scrapes=True,
    )
    assert {one.kind for one in rules} == set(RuleKind)
    # One of each kind and metric is enough: the rest differ in names only.
    chosen = {(one.kind, one.metric, one.everyone, one.factor, one.keys): one for one in rules}
    for rule in chosen.values():
        kept = len(seen) - int(rule.mask(seen, critical).sum())
        assert distinct(lower([rule], selectors, BASE, asks=receiver(BASE))) == kept, rule.text


def total_memory(text: str) -> float:
    frames, known = recorded()
    made, total = engine(text)(known), 0.0
    for one in frames:
        sent = combined_output(made.process(one))
        assert sent is not None
        memory = [known.headers[n].name == "process.memory.usage" for n in range(len(known.headers))]
        total += float(sent.p_int[np.array(memory)[sent.p_header]].sum())
    return total


def test_dropped_processes_can_be_kept_as_one_group() -> None:
    kinds = (RuleKind.DROP_PROCESSES, RuleKind.TOP_K)
    custom: dict[str, object] = {"strategy": OptimizationStrategy.CUSTOM, "rules": kinds, "target": 0.5}
    apart, together = found(**custom), found(**custom, group_rest=True)
    assert together.coverage.covered == together.coverage.critical_units
    # A group has at most one series per metric and attribute set.
    assert 0 <= distinct(together.yaml) - distinct(apart.yaml) <= 10
    assert total_memory(apart.yaml) < total_memory(BASE)
    assert total_memory(together.yaml) == pytest.approx(total_memory(BASE))


def test_adding_up_states_loses_nothing_of_the_totals() -> None:
    made = found(strategy=OptimizationStrategy.CUSTOM, rules=(RuleKind.ADD_UP,), target=0.2)
    assert made.fidelity == 1.0
    assert made.saving >= 0.2
    assert made.coverage.covered == made.coverage.critical_units


def test_critical_processes_are_touched_only_when_the_others_are_not_enough() -> None:
    words = "critical ones too"
    assert not any(words in one.text for one in balanced().rules)
    every = found(critical=("*",), target=0.6)
    assert any(words in one.text for one in every.rules)
    assert every.saving >= 0.6
    assert every.coverage.covered == every.coverage.critical_units > 0


def test_points_are_dropped_or_added_up_but_not_both() -> None:
    for one in (balanced(), found(target=0.8), found(strategy=OptimizationStrategy.AGGRESSIVE)):
        added = {rule.text.split(" ")[0] for rule in one.rules if rule.kind is RuleKind.ADD_UP}
        dropped = {rule.text.split(" ")[0] for rule in one.rules if rule.kind is RuleKind.DROP_POINTS}
        assert not added & dropped


def test_weights_are_shares_of_every_metric() -> None:
    seen = observe(*recorded())
    assert seen.weight.sum() == pytest.approx(1.0)
    assert seen.metric_weight("process.cpu.time") == pytest.approx(1 / len(seen.metrics))
    assert len(observe([], Dictionaries())) == 0


# -- rules about the scrape itself --------------------------------------------------------------------------------


def test_a_longer_collection_interval_is_the_receivers_and_saves_what_is_never_scraped() -> None:
    frames, _ = recorded()
    made = found(strategy=OptimizationStrategy.CUSTOM, rules=(RuleKind.SCRAPE_LESS,), target=0.1)
    config = yaml.safe_load(made.yaml)
    factor = int(config["receivers"]["hostmetrics"]["collection_interval"].removesuffix("m0s"))
    assert factor in {2, 3, 6}
    assert "filter/optimized" not in config["processors"]
    kept = [one.slice(at, at + 1) for one in frames for at in range(one.n_payloads)][::factor]
    assert made.window.series.candidate == len(np.unique(np.concatenate([one.p_series_key for one in kept])))
    assert made.coverage.covered == made.coverage.critical_units
    assert made.unaltered == 1.0


def test_the_search_scrapes_less_only_when_gentler_rules_are_not_enough() -> None:
    assert RuleKind.SCRAPE_LESS not in {one.kind for one in balanced().rules}


def test_without_a_receiver_the_scrape_stays_as_it_is() -> None:
    frames, known = recorded()
    base = BASE.replace("  hostmetrics:\n", "  otlp:\n    protocols: {grpc: }\n  unused:\n")
    base = re.sub(r"  unused:\n(    .*\n)+", "", base).replace("[hostmetrics]", "[otlp]")
    request = asked(strategy=OptimizationStrategy.CUSTOM, rules=(RuleKind.SCRAPE_LESS,), target=0.1)
    with pytest.raises(ConflictError):
        optimize(frames, known, request, base, engine, Billing(load_prices()), now=NOW, asks=receiver)


def test_a_delay_without_critical_processes_is_the_receivers_own() -> None:
    made = found(critical=(), strategy=OptimizationStrategy.CUSTOM, rules=(RuleKind.DELAY,), target=0.2)
    config = yaml.safe_load(made.yaml)
    assert config["receivers"]["hostmetrics"]["scrapers"]["process"]["scrape_process_delay"].endswith("s")
    assert "filter/optimized" not in config["processors"]
    assert made.saving == pytest.approx(1 - distinct(made.yaml) / distinct(BASE), abs=1e-12)


def titled(scrapes: int = 12, *, pids: bool = True) -> tuple[list[Frames], Dictionaries]:
    """Processes that change their title at every scrape, as databases do."""
    known = Dictionaries()
    builder = FramesBuilder(known)
    for at in range(scrapes):
        builder.begin_payload((1_000 + 10 * at) * 10**9)
        for pid, name in ((7, "postgres"), (8, "worker"), (9, "worker")):
            values = {
                "process.executable.name": name,
                "process.command_line": f"{name} {pid}: step {at}",
                "process.owner": "root",
            } | ({"process.pid": pid} if pids else {})
            builder.begin_resource(Resource(Attributes.of(values))).begin_scope(Scope("s", "1"))
            for metric in ("process.cpu.time", "process.memory.usage"):
                header = MetricHeader(metric, "", "1", MetricType.SUM, Temporality.CUMULATIVE)
                builder.begin_metric(header)
                time = (1_000 + 10 * at) * 10**9
                builder.number_point(Attributes.EMPTY, 10**9, time, float(pid * (at + 1)))
    return [builder.finish()], known


@pytest.mark.parametrize(
    ("critical", "everyone"), [(("command_line:*postgres*",), False), (("postgres",), True)]
)
def test_attributes_go_where_processes_stay_apart_and_no_selector_needs_them(
    critical: tuple[str, ...], *, everyone: bool
) -> None:
    frames, known = titled()
    request = asked(
        critical=critical,
        strategy=OptimizationStrategy.CUSTOM,
        rules=(RuleKind.DROP_ATTRIBUTES,),
        target=0.8 if everyone else 0.5,
    )
    made = optimize(frames, known, request, BASE, engine, Billing(load_prices()), now=NOW, asks=receiver)
    assert [one.kind for one in made.rules] == [RuleKind.DROP_ATTRIBUTES]
    assert ("critical ones too" in made.rules[0].text) is everyone
    # Two workers and, where its title may go, the database: two metrics each, whatever their titles were.
    assert made.window.series.candidate == (6 if everyone else 4 + 2 * 12)
    assert made.coverage.covered == made.coverage.critical_units == 1
    assert (made.fidelity, made.unaltered) == (1.0, 1.0)


def test_attributes_that_tell_processes_apart_stay() -> None:
    for pids in (True, False):
        frames, known = titled(pids=pids)
        rules = attribute_rules(observe(frames, known), ())
        # Without pids the two workers differ in their titles only, so the titles stay.
        assert any("process.command_line" in one.keys for one in rules) is pids


# -- patterns ------------------------------------------------------------------------------------------------

_GLOB_SIGNS = st.text("ab*?[]!^-.\\$(", max_size=8)


@given(_GLOB_SIGNS, st.text("ab-.]![^$\n", max_size=6))
def test_a_glob_as_a_regular_expression_matches_the_same(glob: str, text: str) -> None:
    # Ranges that run backwards match nothing as a glob and are an error in RE2.
    pattern = glob_pattern(glob)
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error:
        assert "-" in glob
        return
    assert (compiled.search(text) is not None) == fnmatch.fnmatchcase(text, glob)


@given(_GLOB_SIGNS, st.lists(st.text('ab-."\\<é\n ', max_size=3), max_size=3))
@example("*a ?b*", ["x", "a", "", 'b"'])
def test_arguments_are_found_wherever_their_joined_line_is(glob: str, words: list[str]) -> None:
    selector = parse_selector(f"command_line:{glob or '*'}")
    pattern = arguments_pattern(selector)
    assert pattern is not None
    if selector.matches(Attributes.of({"process.command_args": tuple(words)})):
        assert re2.search(pattern, json.dumps(words, ensure_ascii=False, separators=(",", ":")))


def test_arguments_are_told_apart_by_what_they_say() -> None:
    pattern = arguments_pattern(parse_selector("command_line:*java -jar shop*"))
    assert pattern is not None
    assert re2.search(pattern, '["/usr/bin/java","-jar","shop-1.jar"]')
    assert not re2.search(pattern, '["/usr/bin/java","-jar","other.jar"]')
    assert arguments_pattern(parse_selector("command_line:re:shop.*jar")) == "shop.*jar"
    # What anchors and classes mean in the joined line cannot be said of its JSON.
    assert arguments_pattern(parse_selector("command_line:re:^java [^ ]+$")) is None


def _with_arguments(frames: Sequence[Frames], known: Dictionaries) -> list[Frames]:
    """The same payloads as a source gives them that tells arguments and no command line."""
    changed: dict[int, int] = {}
    for number in range(len(known.resources)):
        one = known.resources[number]
        line = one.attributes.get("process.command_line")
        if isinstance(line, str):
            values = dict(one.attributes.without("process.command_line").items())
            args = Attributes.of(values | {"process.command_args": tuple(line.split(" "))})
            changed[number] = known.resources.intern(replace(one, attributes=args))
    table = np.array([changed.get(at, at) for at in range(len(known.resources))], dtype=np.int32)
    return [one.replace(rm_resource=table[one.rm_resource]) for one in frames]


@pytest.mark.parametrize(
    "selector", ["command_line:*nginx*", "command_line:re:nginx", "command_line:re:ngin[x]"]
)
def test_command_lines_are_spared_where_only_arguments_are_recorded(selector: str) -> None:
    known = Dictionaries()
    frames = list(simulate("realistic", seed=5, scrapes=12, every=10.0, dictionaries=known))
    given = _with_arguments(frames, known)
    request = asked(critical=(selector,), target=0.3)
    made = optimize(given, known, request, BASE, engine, Billing(load_prices()), now=NOW)
    assert made.coverage.critical_units > 0
    assert made.coverage.covered == made.coverage.critical_units


@given(st.text(max_size=12))
def test_a_literal_matches_itself_only(text: str) -> None:
    assert re2.search(f"^(?:{literal(text)})$", text) is not None
    assert re2.search(f"^(?:{literal(text)})$", text + "x") is None


def test_names_that_differ_in_digits_share_a_pattern() -> None:
    assert name_pattern("job-17") == "job-[0-9]+"
    assert grouped_names(["job-17", "job-8", "python3"]) == {"job-[0-9]+": [0, 1], "python3": [2]}


def test_texts_are_quoted_for_the_collector() -> None:
    assert quoted('a"b\\.$') == '"a\\"b\\\\.$$"'


# -- ranking -------------------------------------------------------------------------------------------------


def test_a_ranking_does_not_flap() -> None:
    looks = [["a", "b", "c", "d"], ["a", "c", "b", "d"], ["a", "b", "c", "d"], ["a", "c", "b", "d"]]
    kept = [steady_top_k(looks[: count + 1], 2) for count in range(4)]
    # b and c take turns around place 2; once in, both stay.
    assert [set(one) for one in kept] == [{"a", "b"}, {"a", "b", "c"}, {"a", "b", "c"}, {"a", "b", "c"}]


def test_what_falls_far_leaves() -> None:
    assert steady_top_k([["a", "b"], ["c", "d", "e", "a"]], 2) == ("c", "d")
    assert steady_top_k([["a"], []], 1) == ()
    assert steady_top_k([["a", "b"]], 0) == ()
    with pytest.raises(InvalidRequestError):
        steady_top_k([], -1)


@given(st.lists(st.permutations("abcdef"), max_size=6), st.integers(0, 6))
def test_a_ranking_keeps_the_first_and_not_too_many(looks: list[list[str]], k: int) -> None:
    kept = steady_top_k(looks, k)
    assert len(kept) <= round(1.5 * k)
    if looks:
        assert set(looks[-1][:k]) <= set(kept)


# -- templates that follow a recording -----------------------------------------------------------------------


def test_names_of_a_template_are_those_that_use_most() -> None:
    frames, known = recorded()
    value = ranked_value("PHOENIX_TOP_PROCESSES", frames, known, "postgres|redis")
    names = value.split("|")
    assert 1 <= len(names) <= 30
    assert not any(name.startswith(("postgres", "redis")) for name in names)
    seen = observe(frames, known)
    critical = np.array([seen.names[at].startswith(("postgres", "redis")) for at in seen.name.tolist()])
    best = names_by_use(seen, critical)[0]
    assert re2.search(f"^({value})", best)


@pytest.mark.parametrize(
    ("variable", "metric"),
    [("PHOENIX_MIN_MEMORY_BYTES", "process.memory.usage"), ("PHOENIX_MIN_CPU_SECONDS", "process.cpu.time")],
)
def test_a_floor_of_a_template_leaves_nine_tenths(variable: str, metric: str) -> None:
    frames, known = recorded()
    floor = float(ranked_value(variable, frames, known, "postgres"))
    seen = observe(frames, known)
    others = np.array([not seen.names[at].startswith("postgres") for at in seen.name.tolist()])
    held = seen.last[(seen.metric == seen.metrics.index(metric)) & others]
    assert held[held >= floor].sum() >= 0.9 * held.sum()
    # The next larger floor would not: what is above it alone is too little.
    above = held[held > floor * 1.001 + 0.001]
    assert above.sum() < 0.9 * held.sum()


def test_what_a_recording_cannot_tell_is_refused() -> None:
    frames, known = recorded()
    with pytest.raises(InvalidRequestError, match="cannot be had"):
        ranked_value("PHOENIX_OTLP_ENDPOINT", frames, known, "postgres")
    for variable in RANKED_VARIABLES:
        with pytest.raises(InvalidRequestError, match="no process"):
            ranked_value(variable, frames, known, ".*")
