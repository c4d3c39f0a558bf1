"""Feature gates: what is heeded, and what is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix_nb.collector import validate_config
from tests.unit.collector.running import TIME, key_values, payload_of, run_processor
from tests.unit.collector.test_config_text import config

_FILTER = {"metrics": {"datapoint": ['Int(attributes["a"]) > 0']}}
_TEXT = "filter: {metrics: {metric: ['name == \"a\"']}}"


def _dropped(**more: Any) -> bool:
    point = {"timeUnixNano": str(TIME), "asInt": "1", "attributes": key_values({"a": [1]})}
    payload = payload_of({"name": "m", "gauge": {"dataPoints": [point]}})
    return run_processor("filter", _FILTER, [payload], **more) == [{}]


def test_a_gate_switches_the_default_error_mode() -> None:
    assert not _dropped(version="0.152.0", gates={"processor.filter.defaultErrorModeIgnore": True})
    assert _dropped(version="0.152.0")
    assert _dropped(version="0.153.0", gates={"processor.filter.defaultErrorModeIgnore": False})
    assert not _dropped(version="0.153.0")


@pytest.mark.parametrize(
    ("gates", "message"),
    [
        (
            {"processor.transform.defaultErrorModeIgnore": False},
            'feature gate "processor.transform.defaultErrorModeIgnore" is stable, can not be disabled',
        ),
        ({"ottl.set.allowNil": True}, 'the feature gate "ottl.set.allowNil" is not supported'),
        ({"ottl.functions.enableLambda": True}, "it changes what becomes of metrics"),
    ],
)
def test_gates_that_cannot_be_switched_are_refused(gates: dict[str, bool], message: str) -> None:
    (problem,) = validate_config(config(_TEXT), feature_gates=gates)
    assert message in problem.message


@pytest.mark.parametrize(
    "gates",
    [{"ottl.set.allowNil": False}, {"metricsgeneration.MatchAttributes": True}, {"telemetry.x": True}],
)
def test_other_gates_are_no_problem(gates: dict[str, bool]) -> None:
    assert validate_config(config(_TEXT), feature_gates=gates) == []
