"""routing: statements that change what they take, requests, equal routes; outcomes are the real connector's."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from phoenix_nb.collector import compile_config, parse_config, validate_config
from phoenix_nb.otlp import Decoder, Dictionaries, encode_json
from tests.unit.collector.running import TIME, key_values


def _config(*table: dict[str, Any]) -> str:
    pipelines = {
        f"metrics/{name}": {"receivers": ["routing"], "exporters": [f"nop/{name}"]} for name in "abr"
    }
    tree = {
        "receivers": {"nop": None},
        "exporters": {f"nop/{name}": None for name in "abr"},
        "connectors": {"routing": {"default_pipelines": ["metrics/r"], "table": list(table)}},
        "service": {
            "pipelines": {"metrics/in": {"receivers": ["nop"], "exporters": ["routing"]}, **pipelines}
        },
    }
    return orjson.dumps(tree).decode()


def _resource(**attributes: str) -> dict[str, Any]:
    points = [
        {"timeUnixNano": str(TIME), "asInt": str(at), "attributes": key_values({"k": key, "j": "x"})}
        for at, key in enumerate("ab")
    ]
    return {
        "resource": {"attributes": key_values(attributes)},
        "scopeMetrics": [{"metrics": [{"name": "m", "gauge": {"dataPoints": points}}]}],
    }


def _routed(*table: dict[str, Any]) -> dict[str, list[Any]]:
    """Per exporter the resources that it gets."""
    dictionaries = Dictionaries()
    engine = compile_config(parse_config(_config(*table)), dictionaries)
    payload = {"resourceMetrics": [_resource(a="1", b="x"), _resource(a="2"), _resource(b="y", a="1")]}
    output = engine.process(Decoder(dictionaries).json([orjson.dumps(payload)]))
    return {
        name.partition("/")[2]: [
            one for line in encode_json(frames) for one in orjson.loads(line).get("resourceMetrics", [])
        ]
        for name, frames in output.by_exporter.items()
    }


def _attributes(resources: list[Any]) -> list[dict[str, str]]:
    return [
        {pair["key"]: pair["value"]["stringValue"] for pair in one["resource"]["attributes"]}
        for one in resources
    ]


def _points(resources: list[Any]) -> list[str]:
    return [
        "".join(pair["key"] + pair["value"]["stringValue"] for pair in point["attributes"])
        for one in resources
        for point in one["scopeMetrics"][0]["metrics"][0]["gauge"]["dataPoints"]
    ]


def test_a_statement_changes_what_it_takes() -> None:
    sent = _routed(
        {"statement": 'delete_key(attributes, "b") where attributes["a"] == "1"', "pipelines": ["metrics/a"]}
    )
    assert _attributes(sent["a"]) == [{"a": "1"}, {"a": "1"}]
    assert _attributes(sent["r"]) == [{"a": "2"}]


def test_a_copy_and_what_it_was_made_of_are_both_changed() -> None:
    sent = _routed(
        {"statement": 'delete_matching_keys(attributes, "b")', "action": "copy", "pipelines": ["metrics/a"]},
        {"condition": 'attributes["b"] == nil', "pipelines": ["metrics/b"]},
    )
    assert _attributes(sent["a"]) == _attributes(sent["b"]) == [{"a": "1"}, {"a": "2"}, {"a": "1"}]
    assert sent["r"] == []


def test_points_are_changed_one_by_one() -> None:
    statement = 'delete_key(attributes, "k") where attributes["k"] == "a"'
    sent = _routed({"context": "datapoint", "statement": statement, "pipelines": ["metrics/a"]})
    assert _points(sent["a"]) == ["jx"] * 3
    assert _points(sent["r"]) == ["kbjx"] * 3


def test_what_cannot_be_changed_is_not_taken() -> None:
    sent = _routed({"statement": 'delete_key(attributes["a"], "x")', "pipelines": ["metrics/a"]})
    assert sent["a"] == []
    assert len(sent["r"]) == 3


def test_payloads_without_a_request_fit_no_request() -> None:
    sent = _routed(
        *(
            {"context": "request", "condition": f'request["tenant"] {op} "acme"', "pipelines": ["metrics/a"]}
            for op in ("==", "!=")
        )
    )
    assert sent["a"] == []
    assert len(sent["r"]) == 3


def test_of_equal_routes_the_first_one_counts() -> None:
    sent = _routed(
        {"condition": 'attributes["a"] == "1"', "pipelines": ["metrics/a"]},
        {"statement": 'route() where attributes["a"] == "1"', "pipelines": ["metrics/b"]},
    )
    assert len(sent["a"]) == 2
    assert sent["b"] == []


@pytest.mark.parametrize(
    ("route", "message"),
    [
        ({"statement": 'set(attributes["a"], "x")'}, 'undefined function "set"'),
        (
            {"context": "metric", "statement": 'delete_key(resource.attributes, "a")'},
            "it changes what several rows share",
        ),
        (
            {"context": "request", "condition": 'request["t"]'},
            "condition does not contain a valid comparator",
        ),
        (
            {"context": "request", "condition": 'request["t"] == "a" == "b"'},
            "condition contains multiple comparators",
        ),
        (
            {"context": "request", "condition": 'tenant == "a"'},
            "condition must have format 'request[\"<name>\"] <comparator> <value>'",
        ),
        (
            {"context": "request", "condition": 'request["t"] == a'},
            'condition must have format \'request["<name>"] <comparator> "<value>"\'',
        ),
    ],
)
def test_what_is_no_route_is_refused(route: dict[str, Any], message: str) -> None:
    found = validate_config(_config({**route, "pipelines": ["metrics/a"]}))
    assert [message in problem.message for problem in found] == [True]
