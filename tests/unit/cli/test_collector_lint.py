"""``phoenix collector lint`` and ``validate``."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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


def test_valid_with_a_warning(phoenix: Phoenix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_SET_ANYWHERE", raising=False)
    (tmp_path / "c.yaml").write_text(_CONFIG.replace("== 1", '== "${env:NOT_SET_ANYWHERE}"'))
    done = phoenix("collector", "validate", "c.yaml")
    assert (done.code, done.out) == (0, "")
    told, hint = done.err.splitlines()
    assert told.startswith("warning: environment variable NOT_SET_ANYWHERE is not set and counts as empty [")
    assert hint.startswith("  hint: set it")


def test_every_finding_has_its_hint(phoenix: Phoenix, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(
        _CONFIG.replace("datapoint:", "datapointt:").replace("debug: }", "debug: {nope: 1}}")
    )
    done = phoenix("collector", "validate", "bad.yaml")
    assert done.code == 1
    lines = done.out.splitlines()
    assert [line.startswith("  hint: ") for line in lines] == [False, True, False, True]
    # Other commands tell the first, and how to see the rest.
    other = phoenix("collector", "lint", "bad.yaml")
    assert "(and 1 more)" in other.err
    assert "`phoenix collector validate` shows every finding" in other.err
    (tmp_path / "bad.yaml").write_text(_CONFIG.replace("datapoint:", "datapointt:"))
    assert "shows every finding" not in phoenix("collector", "lint", "bad.yaml").err


def test_message_of_several_lines_becomes_one(phoenix: Phoenix, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(_CONFIG + "receivers: {}\n")
    done = phoenix("collector", "validate", "bad.yaml")
    assert done.code == 1
    assert 'yaml: unmarshal errors: line 6: mapping key "receivers" already defined' in done.out


def test_catalogue_and_standard_input_validate(
    phoenix: Phoenix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert phoenix("collector", "validate", "process-baseline-v1").code == 0
    assert "there is no pipeline 'nope'" in phoenix("collector", "validate", "nope").err
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"receivers: 5")))
    assert phoenix("collector", "validate", "-").code == 1


def test_both_nouns_validate_alike(phoenix: Phoenix, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(_CONFIG.replace("processors: [filter]", "processors: [nope]"))
    ours, theirs = phoenix("collector", "validate", "bad.yaml"), phoenix("pipeline", "validate", "bad.yaml")
    assert ours.code == theirs.code == 1
    assert ours.out == theirs.out != ""
