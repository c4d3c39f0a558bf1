"""Splitting the same payloads into other calls never changes what comes out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from phoenix_nb.collector import compile_config, parse_config
from phoenix_nb.otlp import Decoder, Dictionaries, Frames, encode_json
from tests.conformance.generate.payloads import payloads
from tests.unit.collector.running import payload_of
from tests.unit.collector.test_config_text import config

_CHAINS = {
    "filter": """
filter:
  metrics:
    metric: ['name == "x" and description != ""']
    datapoint: ['attributes["a"] == 1 or value_int / 2 > 5', 'IsMatch(resource.attributes["state"], "^us")']
""",
    "filter, old": """
filter:
  metrics:
    exclude: {match_type: regexp, metric_names: ['^proc.*usage$$']}
""",
    "attributes": """
attributes:
  actions: [{key: a, action: delete}, {key: b, action: hash}, {key: n, value: 1, action: insert}]
""",
    "resource": """
resource:
  attributes: [{key: pid, action: convert, converted_type: string}, {key: x, from_attribute: a, action: upsert}]
""",
    "transform": """
transform:
  metric_statements:
    - 'set(datapoint.attributes["unit"], metric.unit) where datapoint.value_double > 1.0'
    - 'set(datapoint.time, TruncateTime(datapoint.time, Duration("1m")))'
    - 'set(resource.attributes["seen"], resource.attributes["a"])'
""",
    "transform, whole metrics": """
transform:
  metric_statements:
    - context: metric
      statements:
        - 'copy_metric(name="c") where name == "x"'
        - 'aggregate_on_attributes("sum", ["a"])'
""",
    "transform, order decides": """
transform:
  metric_statements:
    - context: datapoint
      statements:
        - 'append(resource.attributes["list"], attributes["a"])'
""",
}


def _run(text: str, payload_list: list[dict[str, Any]], sizes: list[int]) -> list[bytes]:
    dictionaries = Dictionaries()
    engine = compile_config(parse_config(text), dictionaries)
    frames = Decoder(dictionaries).json([json.dumps(tree).encode() for tree in payload_list])
    made: list[bytes] = []
    at = 0
    for size in [*sizes, frames.n_payloads]:
        part: Frames = frames.slice(at, at + size)
        at += size
        if part.n_payloads:
            made.extend(encode_json(engine.process(part).by_exporter["nop"]))
    return made


@pytest.mark.parametrize("name", _CHAINS)
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.generate,))
@given(inputs=payloads(4), sizes=st.lists(st.integers(1, 3), max_size=4))
def test_chunks_do_not_matter(name: str, inputs: list[dict[str, Any]], sizes: list[int]) -> None:
    text = config(_CHAINS[name].strip())
    whole = _run(text, inputs, [])
    assert _run(text, inputs, sizes) == whole
    assert _run(text, inputs, [1] * len(inputs)) == whole


@pytest.mark.parametrize("keys", ["[]", "[state]"])
def test_each_payload_keeps_its_own_order_of_equal_resource_attributes(keys: str) -> None:
    point = {"timeUnixNano": "1", "asInt": "1"}
    gauge = {"name": "m", "gauge": {"dataPoints": [point]}}
    one = payload_of(gauge, resource={"a": 1, "b": 2})
    other = payload_of(gauge, resource={"b": 2, "a": 1})
    both = {"resourceMetrics": [*other["resourceMetrics"], *one["resourceMetrics"]]}
    text = config(f"groupbyattrs:\n  keys: {keys}")
    whole = _run(text, [one, other, both], [])
    assert whole == _run(text, [one, other, both], [1, 1, 1])
    resources = [json.loads(line)["resourceMetrics"] for line in whole]
    orders = [
        [[pair["key"] for pair in block["resource"]["attributes"]] for block in blocks]
        for blocks in resources
    ]
    assert orders == [[["a", "b"]], [["b", "a"]], [["b", "a"]]]
