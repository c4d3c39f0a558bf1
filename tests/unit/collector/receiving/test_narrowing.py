"""What a receiver leaves out of payloads, checked against a plain re-statement of its rules over OTLP JSON."""

from __future__ import annotations

import copy
import functools
import re
from fractions import Fraction
from typing import Any

import numpy as np
import orjson
import pytest

from phoenix_nb.collector import parse_config
from phoenix_nb.collector.components import BuildError, ProcessMatch
from phoenix_nb.collector.receiving import (
    DEFAULT_PROCESS_METRICS,
    PROCESS_ATTRIBUTES,
    Narrower,
    Narrowing,
    ReceiverGroup,
    SourceHoldings,
    Thinner,
    receiver_asks,
    receivers_only,
)
from phoenix_nb.errors import ConfigError, InvalidRequestError
from phoenix_nb.otlp import Decoder, Dictionaries, Frames, encode_json
from phoenix_nb.simulation import DEFAULT_PROCESS_METRICS as EMITTED_BY_DEFAULT
from phoenix_nb.simulation import process_resource, simulate

SECOND = 1_000_000_000
TEXT = """
receivers:
  hostmetrics:
    collection_interval: {every}
    scrapers:
      process: {process}
exporters: {{nop: }}
service: {{pipelines: {{metrics: {{receivers: [hostmetrics], exporters: [nop]}}}}}}
"""


def asks_of(process: str = "{}", every: str = "10s") -> Any:
    return receiver_asks(parse_config(TEXT.format(process=process, every=every)))


def narrowing(process: str, other: str = "{}") -> Narrowing:
    return ReceiverGroup({"own": asks_of(process), "other": asks_of(other)}).narrowing("own")


@functools.cache
def world() -> list[Frames]:
    """Two minutes of a simulated host, in three chunks."""
    return list(simulate("realistic", seed=3, scrapes=12, every=10.0, batch=4))


def lines(parts: list[Frames]) -> list[dict[str, Any]]:
    return [orjson.loads(text) for part in parts for text in encode_json(part)]


def attributes(block: dict[str, Any]) -> dict[str, Any]:
    return {one["key"]: next(iter(one["value"].values())) for one in block["resource"]["attributes"]}


def expected(payload: dict[str, Any], rules: Narrowing) -> dict[str, Any]:
    """The payload as the receiver would have collected it."""
    made = copy.deepcopy(payload)
    kept = []
    for block in made.get("resourceMetrics", []):
        name = attributes(block)["process.executable.name"]
        if rules.include.names and not matches(rules.include, name):
            continue
        if rules.exclude.names and matches(rules.exclude, name):
            continue
        for scope in block["scopeMetrics"]:
            scope["metrics"] = [one for one in scope["metrics"] if one["name"] not in rules.metrics]
        block["scopeMetrics"] = [scope for scope in block["scopeMetrics"] if scope["metrics"]]
        if not block["scopeMetrics"] or young(block, rules.delay):
            continue
        resource = block["resource"]
        resource["attributes"] = [one for one in resource["attributes"] if one["key"] not in rules.attributes]
        kept.append(block)
    return {"resourceMetrics": kept} if kept else {}


def matches(match: ProcessMatch, name: str) -> bool:
    if match.match_type == "strict":
        return name in match.names
    return any(re.search(pattern, name) for pattern in match.names)


def young(block: dict[str, Any], delay: int) -> bool:
    metric = block["scopeMetrics"][0]["metrics"][0]
    point = (metric.get("sum") or metric.get("gauge"))["dataPoints"][0]
    lived = int(point["timeUnixNano"]) // 10**6 - int(point["startTimeUnixNano"]) // 10**6
    return lived < delay // 10**6


RULES = [
    "{exclude: {names: [postgres], match_type: strict}}",
    "{include: {names: ['^(post|ngin)', java], match_type: regexp}}",
    "{include: {names: ['.'], match_type: regexp}, exclude: {names: [postgres, nginx], match_type: strict}}",
    "{metrics: {process.disk.io: {enabled: false}}}",
    "{metrics: {process.cpu.time: {enabled: false}, process.memory.usage: {enabled: false}}}",
    "{resource_attributes: {process.command_line: {enabled: false}, process.executable.name: {enabled: false}}}",
    "{scrape_process_delay: 45s}",
    """{scrape_process_delay: 25s, exclude: {names: [postgres], match_type: strict},
        metrics: {process.memory.virtual: {enabled: false}},
        resource_attributes: {process.pid: {enabled: false}}}""",
    "{include: {names: [nobody], match_type: strict}}",
]


@pytest.mark.parametrize("process", RULES)
def test_what_is_left_is_what_the_receiver_would_have_collected(process: str) -> None:
    rules = narrowing(process)
    parts = world()
    narrower = Narrower(rules, parts[0].dictionaries)
    made = lines([narrower.apply(part)[0] for part in parts])
    assert made == [expected(payload, rules) for payload in lines(parts)]
    assert made != lines(parts)


@pytest.mark.parametrize("process", RULES)
def test_chunks_change_nothing(process: str) -> None:
    rules = narrowing(process)
    parts = world()
    whole = [Narrower(rules, parts[0].dictionaries).apply(part)[0] for part in parts]
    narrower = Narrower(rules, parts[0].dictionaries)
    singles = [narrower.apply(one)[0] for part in parts for one in part.payloads()]
    assert lines(singles) == lines(whole)


def test_what_nobody_names_stays_as_it_is() -> None:
    parts = world()
    rules = narrowing("{mute_process_all_errors: true}")
    assert rules.keeps_all
    assert Narrower(rules, parts[0].dictionaries).apply(parts[0]) == (parts[0], frozenset())


def test_what_one_configuration_names_counts_for_both() -> None:
    group = ReceiverGroup(
        {
            "quiet": asks_of(),
            "curious": asks_of(
                "{metrics: {process.threads: {enabled: true}}, "
                "resource_attributes: {process.cgroup: {enabled: true}}}"
            ),
        }
    )
    assert group.narrowing("quiet").metrics == {"process.threads"}
    assert group.narrowing("quiet").attributes == {"process.cgroup"}
    assert group.narrowing("curious").keeps_all


def test_defaults_are_those_of_the_scraper() -> None:
    assert DEFAULT_PROCESS_METRICS == EMITTED_BY_DEFAULT
    by_default = {name for name, on in PROCESS_ATTRIBUTES.items() if on}
    resource = process_resource(1, 0, "init", "/sbin/init", "init", "init", "root", None)
    assert set(resource.attributes) == by_default


# -- what cannot be decided ----------------------------------------------------------------------------------


def payload(
    resource: dict[str, str], *, start: int | None, scope: str = "", metric: str = "process.cpu.time"
) -> Any:
    point: dict[str, Any] = {"timeUnixNano": str(100 * SECOND), "asInt": "1"}
    if start is not None:
        point["startTimeUnixNano"] = str(start)
    return {
        "resourceMetrics": [
            {
                "resource": {
                    "attributes": [
                        {"key": key, "value": {"stringValue": value}} for key, value in resource.items()
                    ]
                },
                "scopeMetrics": [
                    {
                        "scope": {"name": scope},
                        "metrics": [{"name": metric, "gauge": {"dataPoints": [point]}}],
                    }
                ],
            }
        ]
    }


def frames_of(*payloads: Any) -> Frames:
    return Decoder(Dictionaries()).json([orjson.dumps(one) for one in payloads])


def test_what_cannot_be_decided_is_kept_and_told() -> None:
    frames = frames_of(
        payload({"process.pid": "7"}, start=99 * SECOND),
        payload({"process.executable.name": "a"}, start=None),
        payload({"host.name": "h"}, start=99 * SECOND, metric="system.cpu.time"),
    )
    group = ReceiverGroup(
        {"": asks_of("{scrape_process_delay: 5s, include: {names: [a], match_type: strict}}")}
    )
    made, _ = Narrower(group.narrowing(""), frames.dictionaries).apply(frames)
    # The first is a process and young, whatever its name; the others do not tell, or are no processes.
    assert np.diff(made.bounds("p")).tolist() == [0, 1, 1]
    holdings = SourceHoldings(frames.dictionaries)
    holdings.add(frames)
    told = group.warnings(holdings)
    assert any("no executable name" in text for text in told)
    assert any("no start time" in text for text in told)


def test_a_metric_that_the_source_lacks_is_named() -> None:
    frames = frames_of(payload({"process.executable.name": "a"}, start=1))
    holdings = SourceHoldings(frames.dictionaries)
    holdings.add(frames)
    asks = {
        "baseline": asks_of("{metrics: {process.disk.io: {enabled: true}}}"),
        "candidate": asks_of(
            "{metrics: {process.threads: {enabled: true}, process.disk.io: {enabled: false}}}"
        ),
    }
    told = " ".join(ReceiverGroup(asks).warnings(holdings))
    assert "no process.threads, which the candidate asks for" in told
    assert "no process.disk.io, which the baseline asks for" in told
    assert "process.memory" not in told


def test_metrics_of_a_scraper_that_only_the_other_has_are_left_out() -> None:
    scope = "github.com/open-telemetry/x/hostmetricsreceiver/internal/scraper/cpuscraper"
    frames = frames_of(payload({}, start=1, scope=scope, metric="system.cpu.time"))
    config = TEXT.format(process="{}", every="10s").replace("scrapers:", "scrapers:\n      cpu:")
    group = ReceiverGroup({"both": receiver_asks(parse_config(config)), "one": asks_of(), "none": None})
    counts = {
        name: Narrower(group.narrowing(name), frames.dictionaries).apply(frames)[0].n_points
        for name in group.asks
    }
    assert counts == {"both": 1, "one": 0, "none": 1}


def test_frames_of_other_dictionaries_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match="other dictionaries"):
        Narrower(Narrowing(), Dictionaries()).apply(Frames.empty(Dictionaries()))


# -- fewer scrapes -------------------------------------------------------------------------------------------


def taken(times: list[float], ratio: Fraction, period: float = 10.0) -> list[float]:
    references = np.array([round((1000 + one) * SECOND) for one in times], dtype=np.int64)
    mask = Thinner(round(period * SECOND), ratio).take(references)
    return [one for one, kept in zip(times, mask.tolist(), strict=True) if kept]


def test_a_slower_receiver_takes_every_nth_scrape() -> None:
    every = [10.0 * number for number in range(12)]
    assert taken(every, Fraction(2)) == every[::2]
    assert taken(every, Fraction(3)) == every[::3]
    assert taken(every, Fraction(3, 2)) == [0, 10, 30, 40, 60, 70, 90, 100]


def test_jitter_and_a_period_that_is_slightly_off_do_not_bring_it_out_of_step() -> None:
    drifting = [10.02 * number + (0.4 if number % 3 else -0.4) for number in range(2000)]
    assert taken(drifting, Fraction(2)) == drifting[::2]


def test_after_a_gap_or_a_jump_back_it_goes_on() -> None:
    # The first scrape after a gap stands for the one that was missed.
    assert taken([0, 10, 20, 70, 80, 90], Fraction(2)) == [0, 20, 70, 80]
    assert taken([500, 510, 0, 10, 20], Fraction(2)) == [500, 0, 20]


def test_payloads_that_are_not_scraped_stay_as_empty_ones_and_are_named() -> None:
    parts = world()
    rules = Narrowing(ratio=Fraction(2))
    narrower = Narrower(rules, parts[0].dictionaries, period_seconds=10.0)
    made, skipped = narrower.apply(parts[0])
    assert made.n_payloads == parts[0].n_payloads
    assert skipped == frozenset(range(1, made.n_payloads, 2))
    counts = np.diff(made.bounds("p"))
    assert counts[::2].all()
    assert not counts[1::2].any()


def test_a_restored_receiver_keeps_its_beat() -> None:
    frames = Frames.concat(world())
    rules = Narrowing(ratio=Fraction(3))
    one, two = (Narrower(rules, frames.dictionaries, period_seconds=10.0) for _ in range(2))
    one.apply(frames.slice(0, 5))
    two.restore(one.snapshot())
    rest = frames.slice(5, 12)
    gone_on = one.apply(rest)[1]
    assert two.apply(rest)[1] == gone_on
    # One that starts anew begins with the first payload it sees.
    assert 0 in gone_on
    assert 0 not in Narrower(rules, frames.dictionaries, period_seconds=10.0).apply(rest)[1]


@pytest.mark.parametrize(
    ("intervals", "span"),
    [(["10s", "10s"], 1), (["10s", "20s"], 2), (["60s", "10s"], 6), (["10s", "15s"], 3), (["60s", "61s"], 2)],
)
def test_an_interval_of_analysis_spans_the_slower_receivers_period(intervals: list[str], span: int) -> None:
    group = ReceiverGroup({str(at): asks_of(every=one) for at, one in enumerate(intervals)})
    assert group.span == span


# -- what is refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("process", "path"),
    [
        (
            "{metrics: {process.cpu.time: {attributes: []}}}",
            "receivers::hostmetrics::scrapers::process::metrics::process.cpu.time::attributes",
        ),
        (
            "{metrics: {process.disk.io: {aggregation_strategy: sum}}}",
            "receivers::hostmetrics::scrapers::process::metrics::process.disk.io::aggregation_strategy",
        ),
        (
            "{resource_attributes: {process.owner: {metrics_include: [{strict: root}]}}}",
            "receivers::hostmetrics::scrapers::process::resource_attributes::process.owner::metrics_include",
        ),
    ],
)
def test_settings_that_cannot_be_honoured_are_refused_with_their_path(process: str, path: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(path)) as caught:
        asks_of(process)
    assert caught.value.details["path"] == path
    assert caught.value.hint


@pytest.mark.parametrize(
    "rule", ["{names: [a]}", "{names: [a], match_type: glob}", "{names: ['('], match_type: regexp}"]
)
def test_rules_for_names_that_the_collector_refuses_are_refused_in_its_words(rule: str) -> None:
    with pytest.raises(ConfigError, match="error creating process exclude filters") as caught:
        ReceiverGroup({"": asks_of(f"{{exclude: {rule}}}")})
    assert caught.value.details["path"] == "receivers::hostmetrics::scrapers::process::exclude"
    with pytest.raises(BuildError):
        Narrower(Narrowing(exclude=asks_of(f"{{exclude: {rule}}}").exclude), Dictionaries())


TWO = """
receivers:
  hostmetrics/a: {scrapers: {process: {exclude: {names: [a], match_type: strict}}}}
  hostmetrics/b: {scrapers: {process: {exclude: {names: [b], match_type: strict}}, load: }}
exporters: {nop: }
service: {pipelines: {metrics: {receivers: [USED], exporters: [nop]}}}
"""


def test_two_process_scrapers_that_differ_are_refused() -> None:
    with pytest.raises(ConfigError, match="receivers::hostmetrics/b::scrapers::process"):
        receiver_asks(parse_config(TWO.replace("USED", "hostmetrics/a, hostmetrics/b")))
    alone = receiver_asks(parse_config(TWO.replace("USED", "hostmetrics/b")))
    assert alone is not None
    assert alone.receiver == "hostmetrics/b"
    assert alone.scrapers == frozenset({"process", "load"})


def test_a_configuration_without_the_receiver_asks_for_nothing() -> None:
    text = TEXT.format(process="{}", every="1s").replace("receivers: [hostmetrics]", "receivers: [otlp]")
    text = text.replace("receivers:\n", "receivers:\n  otlp: {protocols: {http: }}\n", 1)
    assert receiver_asks(parse_config(text)) is None
    assert ReceiverGroup({"a": None, "b": asks_of("{scrape_process_delay: 5s}")}).narrowing("a").keeps_all


FOREIGN = (
    TEXT.format(process="{exclude: {names: ['a$$'], match_type: regexp}}", every="${env:EVERY:-30s}").replace(
        "receivers: [hostmetrics],", "receivers: [hostmetrics], processors: [own_thing],"
    )
    + "processors: {own_thing: {level: 3}}\n"
)


def test_receivers_are_found_in_what_only_another_distribution_runs() -> None:
    with pytest.raises(ConfigError):
        parse_config(FOREIGN)
    found = receiver_asks(parse_config(receivers_only(FOREIGN, {"EVERY": "20s"})))
    assert found is not None
    assert (found.interval, found.exclude.names) == (20 * SECOND, ("a$",))


def test_only_what_the_candidate_alone_asks_for_in_vain_overstates_its_saving() -> None:
    frames = frames_of(payload({"process.executable.name": "a"}, start=1))
    holdings = SourceHoldings(frames.dictionaries)
    holdings.add(frames)
    more = asks_of("{metrics: {process.threads: {enabled: true}, process.cpu.time: {enabled: true}}}")
    group = ReceiverGroup({"baseline": asks_of(), "candidate": more})
    assert group.overstated(holdings, "baseline", "candidate") == ("process.threads",)
    assert group.overstated(holdings, "candidate", "baseline") == ()
    assert ReceiverGroup({"a": more, "b": more}).overstated(holdings, "a", "b") == ()
