"""One component over payloads: what comes out of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from phoenix_nb.collector import DEFAULT_VERSION, compile_config, parse_config
from phoenix_nb.otlp import Decoder, Dictionaries, encode_json

__all__ = ["TIME", "any_value", "key_values", "payload_of", "run_processor"]

TIME = 1_700_000_000_000_000_000
"""When the points of tests were measured, in nanoseconds."""


def run_processor(
    name: str,
    settings: Any,
    payloads: list[Any],
    *,
    version: str = DEFAULT_VERSION,
    gates: Mapping[str, bool] | None = None,
) -> list[Any]:
    """The payload that each payload becomes; dollars are doubled, and what is dropped is an empty map."""
    tree = {
        "receivers": {"nop": None},
        "exporters": {"nop": None},
        "processors": {name: settings},
        "service": {
            "pipelines": {"metrics": {"receivers": ["nop"], "processors": [name], "exporters": ["nop"]}}
        },
    }
    dictionaries = Dictionaries()
    text = orjson.dumps(tree).decode().replace("$", "$$")
    engine = compile_config(parse_config(text, collector_version=version, feature_gates=gates), dictionaries)
    decoder = Decoder(dictionaries)
    made: list[Any] = []
    for payload in payloads:
        frames = engine.process(decoder.json([orjson.dumps(payload)])).by_exporter["nop"]
        lines = encode_json(frames)
        made.append(orjson.loads(lines[0]) if lines else {})
    return made


def any_value(value: object) -> dict[str, Any]:
    """A value as OTLP JSON has it."""
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case str():
            return {"stringValue": value}
        case list():
            return {"arrayValue": {"values": [any_value(one) for one in value]}}
        case dict():
            return {"kvlistValue": {"values": key_values(value)}}
    return {}


def key_values(values: Mapping[str, object]) -> list[dict[str, Any]]:
    """Attributes as OTLP JSON has them."""
    return [{"key": key, "value": any_value(value)} for key, value in values.items()]


def payload_of(*metrics: Any, resource: Mapping[str, object] | None = None) -> dict[str, Any]:
    """A payload with one resource and one scope."""
    return {
        "resourceMetrics": [
            {
                "resource": {"attributes": key_values(resource or {})},
                "scopeMetrics": [{"metrics": list(metrics)}],
            }
        ]
    }
