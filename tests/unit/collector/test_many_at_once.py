"""What is decided for many dictionary entries at once is what each entry gives by itself."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from phoenix_nb.collector import compile_config, parse_config
from phoenix_nb.collector._regexp import compile_regexp
from phoenix_nb.otlp import Attributes, Decoder, Dictionaries, encode_json

_TEXT = """
receivers: {{nop: }}
exporters: {{nop: }}
processors: {processors}
service: {{pipelines: {{metrics: {{receivers: [nop], processors: [{name}], exporters: [nop]}}}}}}
"""


def _run(name: str, settings: Any, payloads: list[Any]) -> list[Any]:
    text = _TEXT.format(processors=orjson.dumps({name: settings}).decode(), name=name)
    dictionaries = Dictionaries()
    engine = compile_config(parse_config(text), dictionaries)
    made: list[Any] = []
    decoder = Decoder(dictionaries)
    for payload in payloads:
        frames = engine.process(decoder.json([orjson.dumps(payload)])).by_exporter["nop"]
        made.extend(orjson.loads(line) for line in encode_json(frames))
    return made


def _value(value: object) -> dict[str, Any]:
    match value:
        case None:
            return {}
        case str():
            return {"stringValue": value}
        case bool():
            return {"boolValue": value}
    return {"intValue": value}


def _resource(attributes: dict[str, object]) -> dict[str, Any]:
    point = {"asInt": "1", "timeUnixNano": "1700000000000000000"}
    return {
        "resource": {
            "attributes": [{"key": key, "value": _value(value)} for key, value in attributes.items()]
        },
        "scopeMetrics": [{"metrics": [{"name": "m", "gauge": {"dataPoints": [point]}}]}],
    }


def _keys(payload: Any) -> list[str]:
    return [item["key"] for item in payload["resourceMetrics"][0]["resource"]["attributes"]]


_RESOURCES: list[dict[str, object]] = [
    {"n": number, **extra}
    for number in range(40)
    for extra in ({"k": f"sh {number}"}, {"k": number}, {"k": True}, {"k": None}, {}, {"k": f"bäsh {number}"})
]


@pytest.mark.parametrize(
    "condition",
    [
        'IsMatch(attributes["k"], "^(sh|b)")',
        'IsMatch(attributes["k"], "[0-9]$")',
        'attributes["k"] == "sh 3"',
        '"sh 3" != attributes["k"]',
        'attributes["k"] == true',
        'attributes["k"] != nil',
    ],
)
def test_many_resources_are_filtered_like_single_ones(condition: str) -> None:
    settings = {"metric_conditions": [{"context": "resource", "conditions": [condition]}]}
    together = _run("filter", settings, [{"resourceMetrics": [_resource(one) for one in _RESOURCES]}])
    single = _run("filter", settings, [{"resourceMetrics": [_resource(one)]} for one in _RESOURCES])
    left = [one for payload in single for one in payload.get("resourceMetrics", [])]
    assert together[0]["resourceMetrics"] == left
    assert 0 < len(left) < len(_RESOURCES)


def test_many_texts_are_searched_like_single_ones() -> None:
    texts: list[object] = [*(f"straße {number}" for number in range(200)), None, "", 7]
    pattern = compile_regexp(r"(?i)STRASSE|ße \d*3$")
    wanted = [isinstance(text, str) and pattern.search(text) for text in texts]
    assert pattern.search_all(texts) == wanted
    assert 0 < sum(wanted) < 200


def test_deletions_leave_the_collectors_order() -> None:
    payload = {"resourceMetrics": [_resource({"a": "1", "b": "2", "c": "3", "d": "4"})]}
    by_key = _run("resource", {"attributes": [{"key": "a", "action": "delete"}]}, [payload])
    by_pattern = _run("resource", {"attributes": [{"pattern": "^a$", "action": "delete"}]}, [payload])
    statement = {
        "context": "resource",
        "statements": ['delete_key(attributes, "a")', "limit(attributes, 1, [])"],
    }
    limited = _run("transform", {"metric_statements": [statement]}, [payload])
    assert _keys(by_key[0]) == ["d", "b", "c"]
    assert _keys(by_pattern[0]) == ["b", "c", "d"]
    assert _keys(limited[0]) == ["d"]


def test_removing_equal_keys_removes_the_first_one() -> None:
    made = Attributes([("a", 1), ("b", 2), ("a", 3)]).removed("a", "absent")
    assert made.items() == (("a", 3), ("b", 2))


def test_a_summary_after_a_number_has_no_start_yet() -> None:
    time = {"timeUnixNano": "1700000000000000000"}
    number = {"name": "m", "sum": {"dataPoints": [{"asInt": "0", **time}], "aggregationTemporality": 2}}
    summary = {"name": "m", "summary": {"dataPoints": [{"count": "1", "sum": 1.0, **time}]}}
    payloads = [{"resourceMetrics": [{"scopeMetrics": [{"metrics": [one]}]}]} for one in (number, summary)]
    first, second = _run("metricstarttime", {"strategy": "true_reset_point"}, payloads)
    metric = first["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]
    assert metric["sum"]["dataPoints"][0]["startTimeUnixNano"] == "1700000000000000000"
    metric = second["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]
    assert "startTimeUnixNano" not in metric["summary"]["dataPoints"][0]
