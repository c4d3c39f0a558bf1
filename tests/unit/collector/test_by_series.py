"""Conditions decided per series give what deciding point by point gives, failures included."""

from __future__ import annotations

import itertools

import pytest

from phoenix_nb.collector import compile_config, parse_config
from phoenix_nb.collector.ottl import CONTEXTS, Condition, Rows, any_by_series, compile_condition
from phoenix_nb.otlp import (
    Attributes,
    Dictionaries,
    Frames,
    FramesBuilder,
    MetricHeader,
    MetricType,
    Resource,
)

_CONDITIONS = [
    'resource.attributes["name"] == "b"',
    'metric.name == "m1" and attributes["state"] == "s0"',
    'IsMatch(resource.attributes["name"], resource.attributes["pattern"])',
    'IsMatch(resource.attributes["name"], resource.attributes["pattern"]) or metric.name == "m0"',
    'metric.name == "m0" or IsMatch(resource.attributes["name"], resource.attributes["pattern"])',
    'metric.name == "m1" and value_int < 5 and attributes["state"] != nil',
    'not (value_int > 3 or resource.attributes["name"] == "a")',
    'not IsMatch(resource.attributes["name"], resource.attributes["pattern"])',
    'IsMatch(metric.name, attributes["state"]) and IsMatch(metric.name, resource.attributes["pattern"])',
]


def _frames(dictionaries: Dictionaries, payloads: int) -> Frames:
    """Payloads of the same series; one resource has no pattern and one a pattern that is none."""
    builder = FramesBuilder(dictionaries)
    for number in range(payloads):
        builder.begin_payload()
        for name, pattern in (("a", "a"), ("b", "("), ("c", "x"), ("d", None)):
            known = {"name": name} if pattern is None else {"name": name, "pattern": pattern}
            builder.begin_resource(Resource(Attributes.of(known)))
            builder.begin_scope()
            for metric in ("m0", "m1"):
                builder.begin_metric(MetricHeader(metric, type=MetricType.GAUGE))
                for state in range(2):
                    attributes = Attributes.of({"state": f"s{state}"})
                    builder.number_point(attributes, 0, 1, number + 2 * state)
    return builder.finish()


def _decided(condition: Condition, frames: Frames) -> tuple[list[bool], list[str | None]]:
    found = condition.over(Rows(frames, "p"))
    if found.error is None:
        return found.true.tolist(), [None] * frames.n_points
    return found.true.tolist(), [None if at < 0 else found.errors[at] for at in found.error.tolist()]


@pytest.mark.parametrize("text", _CONDITIONS)
def test_series_decide_what_points_decide(text: str) -> None:
    dictionaries = Dictionaries()
    plain = _frames(dictionaries, 3)
    numbered = plain.replace()
    numbered.number_series()
    assert not plain.series_numbered
    assert numbered.series_numbered
    assert _decided(compile_condition(text, CONTEXTS["datapoint"]), numbered) == _decided(
        compile_condition(text, CONTEXTS["datapoint"]), plain
    )


@pytest.mark.parametrize("text", _CONDITIONS)
def test_a_condition_remembers_series_and_meets_new_ones(text: str) -> None:
    dictionaries = Dictionaries()
    whole = _frames(dictionaries, 3)
    whole.number_series()
    condition = compile_condition(text, CONTEXTS["datapoint"])
    few = whole.where(whole.p_resource == whole.rm_resource[0])
    assert few.n_points < whole.n_points
    _decided(condition, few)
    assert _decided(condition, whole) == _decided(compile_condition(text, CONTEXTS["datapoint"]), whole)
    assert _decided(condition, whole.slice(1, 2)) == _decided(
        compile_condition(text, CONTEXTS["datapoint"]), whole.slice(1, 2)
    )


def test_changed_attributes_are_no_longer_those_of_the_series() -> None:
    frames = _frames(Dictionaries(), 1)
    frames.number_series()
    rows = Rows(frames, "p")
    assert rows.series is not None
    rows.set_column("p_int", frames.p_int)
    assert rows.series is not None
    rows.set_column("p_attributes", frames.p_attributes)
    assert rows.series is None


def test_several_conditions_are_one_only_when_each_asks_for_nothing_but_the_series() -> None:
    compiled = [compile_condition(text, CONTEXTS["datapoint"]) for text in _CONDITIONS]
    assert any_by_series(compiled[:5]) is not None
    assert any_by_series(compiled[:1]) is None
    assert any_by_series(compiled[:6]) is None


@pytest.mark.parametrize("mode", ["propagate", "ignore", "silent"])
@pytest.mark.parametrize("texts", [*itertools.permutations(_CONDITIONS[:3])])
def test_a_filter_drops_the_same_with_and_without_series(texts: tuple[str, ...], mode: str) -> None:
    config = parse_config(
        f"""
receivers: {{otlp: {{protocols: {{http: {{}}}}}}}}
exporters: {{file: {{path: out.jsonl}}}}
processors:
  filter:
    error_mode: {mode}
    metrics: {{datapoint: {list(texts)}}}
service: {{pipelines: {{metrics: {{receivers: [otlp], processors: [filter], exporters: [file]}}}}}}
"""
    )
    told = []
    for numbered in (False, True):
        dictionaries = Dictionaries()
        frames = _frames(dictionaries, 2).replace()
        if numbered:
            frames.number_series()
        found = compile_config(config, dictionaries).process(frames)
        sent = found.by_exporter["file"]
        names = [sent.dictionaries.headers[header].name for header in sent.p_header.tolist()]
        told.append((sent.p_int.tolist(), names, sent.p_resource.tolist(), found.warnings, found.refused))
    assert told[0] == told[1]
