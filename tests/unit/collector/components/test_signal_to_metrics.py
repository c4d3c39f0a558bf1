"""signaltometrics: keys that points tell themselves; outcomes are the real connector's."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from phoenix_nb.collector import compile_config, parse_config
from phoenix_nb.otlp import Decoder, Dictionaries, encode_json
from tests.unit.collector.running import TIME, key_values, payload_of


def _made(**definition: Any) -> list[str] | str:
    """The series as texts, or why the payload is refused."""
    tree = {
        "receivers": {"nop": None},
        "exporters": {"nop": None},
        "connectors": {
            "signal_to_metrics": {"datapoints": [{"name": "n", "sum": {"value": "1"}, **definition}]}
        },
        "service": {
            "pipelines": {
                "metrics/in": {"receivers": ["nop"], "exporters": ["signal_to_metrics"]},
                "metrics/out": {"receivers": ["signal_to_metrics"], "exporters": ["nop"]},
            }
        },
    }
    points = [
        {"timeUnixNano": str(TIME), "asInt": "1", "attributes": key_values(values)}
        for values in (
            {"k": "a", "j": "b", "l": ["k"]},
            {"k": "b", "j": "c", "l": ["k", "j", "z"]},
            {"j": "d"},
        )
    ]
    payload = payload_of({"name": "m", "gauge": {"dataPoints": points}}, resource={"a": "1", "b": "x"})
    dictionaries = Dictionaries()
    engine = compile_config(parse_config(orjson.dumps(tree).decode()), dictionaries)
    output = engine.process(Decoder(dictionaries).json([orjson.dumps(payload)]))
    if output.refused:
        return output.refused[0]
    (resource,) = orjson.loads(encode_json(output.by_exporter["nop"])[0])["resourceMetrics"]
    series = resource["scopeMetrics"][0]["metrics"][0]["sum"]["dataPoints"]
    owner = _text(resource["resource"].get("attributes", []))
    return sorted(f"{owner}|{_text(point.get('attributes', []))}={point['asInt']}" for point in series)


def _text(pairs: list[Any]) -> str:
    return ",".join(sorted(f"{pair['key']}:{pair['value'].get('stringValue', '')}" for pair in pairs))


@pytest.mark.parametrize(
    ("definition", "series"),
    [
        (
            {"attributes": [{"keys_expression": 'attributes["l"]'}]},
            ["a:1,b:x|=1", "a:1,b:x|j:c,k:b=1", "a:1,b:x|k:a=1"],
        ),
        (
            {"attributes": [{"keys_expression": 'attributes["l"]', "default_value": "d"}]},
            ["a:1,b:x|=1", "a:1,b:x|j:c,k:b,z:d=1", "a:1,b:x|k:a=1"],
        ),
        (
            {"attributes": [{"key": "k"}, {"keys_expression": 'attributes["l"]'}]},
            ["a:1,b:x|j:c,k:b=1", "a:1,b:x|k:a=1"],
        ),
        (
            {"include_resource_attributes": [{"keys_expression": 'Split("b,c", ",")'}]},
            ["b:x|=3"],
        ),
        (
            {"include_resource_attributes": [{"keys_expression": 'attributes["l"]'}, {"key": "b"}]},
            ["b:x|=3"],
        ),
        (
            {"attributes": [{"keys_expression": "nil"}]},
            ["a:1,b:x|=3"],
        ),
    ],
)
def test_keys_come_from_points(definition: dict[str, Any], series: list[str]) -> None:
    assert _made(**definition) == series


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (
            '["k"]',
            "failed to resolve attributes: keys_expression must return a list of strings: unsupported type",
        ),
        ('attributes["j"]', "failed to resolve attributes: keys_expression must return a list of strings"),
        ('Split(attributes["k"], ",")', "failed to resolve attributes: failed to evaluate keys_expression"),
    ],
)
def test_what_is_no_list_of_keys_refuses_the_payload(expression: str, message: str) -> None:
    assert message in _made(attributes=[{"keys_expression": expression}])
