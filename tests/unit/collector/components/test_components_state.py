"""Every processor and connector: chunks, saved states and selections never change what comes out."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phoenix_nb.collector import Clock, compile_config, parse_config
from phoenix_nb.otlp import (
    Attributes,
    Buckets,
    Decoder,
    Dictionaries,
    ExponentialHistogramValue,
    Frames,
    FramesBuilder,
    HistogramValue,
    MetricHeader,
    MetricType,
    Resource,
    Scope,
    SummaryValue,
    Temporality,
    encode_json,
    encode_protobuf,
)

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND

CHAINS: dict[str, list[tuple[str, Any]]] = {
    "groupbyattrs": [("groupbyattrs", {"keys": ["state"]})],
    "combine": [
        (
            "metricstransform",
            {
                "transforms": [
                    {
                        "include": "^cpu(.*)$",
                        "match_type": "regexp",
                        "action": "combine",
                        "new_name": "all",
                        "aggregation_type": "mean",
                    },
                    {
                        "include": "mem",
                        "action": "insert",
                        "new_name": "copy",
                        "operations": [{"action": "aggregate_labels", "aggregation_type": "max"}],
                    },
                    {"include": "hist", "action": "group", "group_resource_labels": {"g": "1"}},
                ]
            },
        )
    ],
    "cumulativetodelta": [("cumulativetodelta", {"initial_value": "auto", "max_staleness": "25s"})],
    "to delta and back": [
        ("cumulativetodelta", {"initial_value": "keep"}),
        ("deltatocumulative", {"max_stale": "90s", "max_streams": 9}),
    ],
    "rate": [
        ("cumulativetodelta", {"initial_value": "keep"}),
        ("deltatorate", {"metrics": ["cpu", "cpu.b"]}),
    ],
    "interval": [("interval", {"interval": "35s"})],
    "two intervals": [
        ("interval/a", {"interval": "20s", "pass_through": {"gauge": True}}),
        ("interval/b", {"interval": "30s"}),
    ],
    "metricsgeneration": [
        (
            "metricsgeneration",
            {
                "rules": [
                    {
                        "name": "r",
                        "type": "calculate",
                        "metric1": "cpu",
                        "metric2": "mem",
                        "operation": "divide",
                    }
                ]
            },
        )
    ],
    "reset points": [("metricstarttime", {"strategy": "true_reset_point", "gc_interval": "20s"})],
    "initial points": [("metricstarttime", {"strategy": "subtract_initial_point"})],
    "redaction": [("redaction", {"allow_all_keys": True, "blocked_values": ["us.r"], "summary": "debug"})],
}
CONNECTORS: dict[str, Any] = {
    "count": {"datapoints": {"n": {"attributes": [{"key": "state", "default_value": "?"}]}}},
    "sum": {"datapoints": {"s": {"source_attribute": "weight", "attributes": [{"key": "state"}]}}},
    "routing": {
        "default_pipelines": ["metrics/out"],
        "table": [
            {
                "context": "datapoint",
                "condition": 'attributes["state"] == "user"',
                "pipelines": ["metrics/out"],
            }
        ],
    },
    "signaltometrics": {
        "datapoints": [
            {
                "name": "t",
                "attributes": [{"key": "state"}],
                "sum": {"value": "Double(value_int) + value_double"},
            },
            {"name": "h", "exponential_histogram": {"value": "value_double", "max_size": 4}},
        ]
    },
}


def _chain(steps: list[tuple[str, Any]]) -> str:
    names = [name for name, _ in steps]
    return yaml.safe_dump(
        {
            "receivers": {"nop": None},
            "processors": dict(steps),
            "exporters": {"nop": None},
            "service": {
                "pipelines": {"metrics": {"receivers": ["nop"], "processors": names, "exporters": ["nop"]}}
            },
        },
        sort_keys=False,
    )


def _connector(name: str, made: Any) -> str:
    return yaml.safe_dump(
        {
            "receivers": {"nop": None},
            "connectors": {name: made},
            "exporters": {"nop": None},
            "service": {
                "telemetry": {"resource": {"service.instance.id": "one"}},
                "pipelines": {
                    "metrics": {"receivers": ["nop"], "exporters": [name]},
                    "metrics/out": {"receivers": [name], "exporters": ["nop"]},
                },
            },
        },
        sort_keys=False,
    )


CONFIGS = {name: _chain(steps) for name, steps in CHAINS.items()} | {
    name: _connector(name, made) for name, made in CONNECTORS.items()
}


def _cumulative(name: str, kind: MetricType = MetricType.SUM) -> MetricHeader:
    return MetricHeader(
        name, unit="1", type=kind, temporality=Temporality.CUMULATIVE, monotonic=kind is MetricType.SUM
    )


@st.composite
def payloads(draw: st.DrawFn) -> list[bytes]:
    """Scrapes ten seconds apart in which processes come and go, counters reset and histograms grow."""
    built = FramesBuilder(Dictionaries())
    totals: dict[tuple[int, str], int] = {}
    for number in range(draw(st.integers(1, 5))):
        now = START + (number + draw(st.integers(0, 2)) * number) * 10 * SECOND
        built.begin_payload(now)
        for process in draw(st.lists(st.integers(0, 3), min_size=1, max_size=4)):
            built.begin_resource(
                Resource(Attributes.of({"pid": process, "name": f"p{process % 2}"})), "schema"
            )
            built.begin_scope(Scope("s", "1"))
            start = draw(st.sampled_from((0, START - SECOND, START + 10 * SECOND)))
            for name in draw(st.lists(st.sampled_from(("cpu", "cpu.b")), max_size=2)):
                built.begin_metric(_cumulative(name))
                for state in draw(st.lists(st.sampled_from(("user", "system")), max_size=2)):
                    value = draw(st.integers(0, 5)) + totals.get((process, state), 0) * draw(
                        st.integers(0, 1)
                    )
                    totals[process, state] = value
                    attributes = Attributes.of({"state": state, "weight": value})
                    made = draw(st.sampled_from((value, float(value))))
                    built.number_point(attributes, start, now, made, flags=draw(st.integers(0, 9)) // 9)
            built.begin_metric(MetricHeader("mem"))
            built.number_point(Attributes.EMPTY, 0, now, float(draw(st.integers(0, 3))))
            if draw(st.booleans()):
                count = number + draw(st.integers(0, 2))
                built.begin_metric(_cumulative("hist", MetricType.HISTOGRAM))
                histogram = HistogramValue(2 * count, float(count), (count, count), (1.0,), 0.5, 2.0)
                built.value_point(Attributes.EMPTY, start, now, histogram)
                built.begin_metric(_cumulative("expo", MetricType.EXPONENTIAL_HISTOGRAM))
                built.value_point(
                    Attributes.EMPTY,
                    start,
                    now,
                    ExponentialHistogramValue(count, float(count), 1, 0, Buckets(1, (count,)), None),
                )
                built.begin_metric(MetricHeader("summary", type=MetricType.SUMMARY))
                built.value_point(Attributes.EMPTY, start, now, SummaryValue(count, float(count), ()))
    return encode_protobuf(built.finish())


def _frames(raw: list[bytes], dictionaries: Dictionaries) -> Frames:
    return Decoder(dictionaries).protobuf(raw)


def _texts(frames: Frames) -> list[Any]:
    return [json.loads(line) for line in encode_json(frames)]


def _run(text: str, raw: list[bytes], *, chunk: int, save: bool, clock: Clock) -> tuple[list[Any], list[Any]]:
    """Everything an exporter gets; with ``save`` every chunk is seen by an engine of its own."""
    config = parse_config(text)
    dictionaries = Dictionaries()
    engine = compile_config(config, dictionaries, clock=clock)
    sent: list[Any] = []
    for at in range(0, len(raw), chunk):
        output = engine.process(_frames(raw[at : at + chunk], dictionaries))
        sent.extend(_texts(output.by_exporter["nop"]))
        if save:
            state = engine.snapshot()
            dictionaries = Dictionaries()
            # Ids that mean something else than before must not matter.
            dictionaries.resources.intern(Resource(Attributes.of({"other": at})))
            engine = compile_config(config, dictionaries, clock=clock)
            engine.restore(state)
            assert json.loads(engine.snapshot())["seen"] == json.loads(state)["seen"]
    return sent, _texts(engine.flush().by_exporter["nop"])


@pytest.mark.parametrize("name", CONFIGS)
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(raw=payloads(), clock=st.sampled_from(Clock))
def test_chunks_and_saved_states_change_nothing(name: str, raw: list[bytes], clock: Clock) -> None:
    whole = _run(CONFIGS[name], raw, chunk=len(raw), save=False, clock=clock)
    assert _run(CONFIGS[name], raw, chunk=1, save=False, clock=clock) == whole
    assert _run(CONFIGS[name], raw, chunk=2, save=True, clock=clock) == whole


@pytest.mark.parametrize("name", CONFIGS)
@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(raw=payloads())
def test_a_selection_is_as_good_as_a_copy(name: str, raw: list[bytes]) -> None:
    results = []
    for lazy in (False, True):
        dictionaries = Dictionaries()
        engine = compile_config(parse_config(CONFIGS[name]), dictionaries, clock=Clock.MANUAL)
        frames = _frames(raw, dictionaries)
        chosen = frames.where(points=frames.p_kind != 1, keep_empty=True)
        output = engine.process(chosen if lazy else chosen.compact())
        results.append(_texts(output.by_exporter["nop"]))
    assert results[0] == results[1]


def test_a_tick_empties_what_is_held() -> None:
    dictionaries = Dictionaries()
    engine = compile_config(parse_config(CONFIGS["interval"]), dictionaries, clock=Clock.MANUAL)
    built = FramesBuilder(dictionaries).begin_payload(START).begin_resource().begin_scope()
    built.begin_metric(MetricHeader("g")).number_point(Attributes.EMPTY, 0, START, 1)
    assert engine.process(built.finish()).by_exporter["nop"].n_points == 0
    assert engine.advance(34 * SECOND).by_exporter["nop"].n_points == 0
    assert engine.advance(1 * SECOND).by_exporter["nop"].n_points == 1
    assert engine.tick().by_exporter["nop"].n_points == 0
