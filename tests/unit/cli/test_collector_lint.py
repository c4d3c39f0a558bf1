"""``phoenix collector lint`` and ``validate``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Phoenix = Callable[..., Any]

_CONFIG = """
receivers: {otlp: {protocols: {http: }}}
processors: {filter: {metrics: {datapoint: ['attributes["process.pid"] == 1']}}}
exporters: {debug: }
service: {pipelines: {metrics: {receivers: [otlp], processors: [filter], exporters: [debug]}}}
"""


def test_findings_with_reason_and_suggestion(phoenix: Phoenix, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(_CONFIG)
    shown = phoenix("collector", "lint", "c.yaml")
    assert shown.code == 1
    assert "processors::filter::metrics::datapoint::0: " in shown.out
    assert "[RESOURCE_ATTRIBUTE_ON_POINT, possible]" in shown.out
    assert 'try: resource.attributes["process.pid"]' in shown.out
    found = json.loads(phoenix("collector", "lint", "c.yaml", "--json").out)["findings"]
    assert {one["code"] for one in found} == {"RESOURCE_ATTRIBUTE_ON_POINT", "MEMORY_LIMITER_MISSING"}
    assert set(found[0]) == {"path", "message", "code", "why", "suggestion", "certain"}


def test_payloads_decide(phoenix: Phoenix, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(_CONFIG)
    attribute = {"key": "process.pid", "value": {"intValue": "1"}}
    point = {"timeUnixNano": "1", "asInt": "1", "attributes": [attribute]}
    metric = {"name": "m", "gauge": {"dataPoints": [point, {"timeUnixNano": "1", "asInt": "2"}]}}
    payload = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}
    (tmp_path / "in.jsonl").write_text(json.dumps(payload))
    found = json.loads(phoenix("collector", "lint", "c.yaml", "--input", "in.jsonl", "--json").out)[
        "findings"
    ]
    assert [one["code"] for one in found] == ["MEMORY_LIMITER_MISSING"]


def test_sound_and_refused_configurations(phoenix: Phoenix, tmp_path: Path) -> None:
    sound = phoenix("collector", "lint", "process-priority-v1")
    assert (sound.code, sound.out) == (0, "")
    (tmp_path / "bad.yaml").write_text("receivers: 5")
    bad = phoenix("collector", "lint", "bad.yaml")
    assert bad.code == 1
    assert "receivers" in bad.err
    assert "Traceback" not in bad.err


def test_both_nouns_validate_alike(phoenix: Phoenix, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(_CONFIG.replace("processors: [filter]", "processors: [nope]"))
    ours, theirs = phoenix("collector", "validate", "bad.yaml"), phoenix("pipeline", "validate", "bad.yaml")
    assert ours.code == theirs.code == 1
    assert ours.out == theirs.out != ""
