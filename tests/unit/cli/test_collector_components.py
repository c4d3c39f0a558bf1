"""``phoenix collector components``, ``install`` and ``diff``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phoenix_nb.lab import component_support, function_support
from phoenix_nb.otelcol import CollectorBinary

Phoenix = Callable[..., Any]

_CONFIG = """
receivers: {{otlp: {{protocols: {{http: }}}}}}
processors: {{filter: {{metrics: {{datapoint: ['attributes["k"] == "{drop}"']}}}}}}
exporters: {{otlp_http: {{endpoint: http://localhost:4318}}}}
service: {{pipelines: {{metrics: {{receivers: [otlp], processors: [filter], exporters: [otlp_http]}}}}}}
"""


def test_support_is_told_from_the_code() -> None:
    rows = {(row.kind, row.name): row for row in component_support()}
    assert (rows["processor", "filter"].embedded, rows["processor", "filter"].otelcol) == ("runs", "runs")
    assert rows["receiver", "otlp"].embedded == "checked"
    # The project's build leaves the sum connector out.
    assert (rows["connector", "sum"].embedded, rows["connector", "sum"].otelcol) == ("runs", "absent")
    assert rows["processor", "metricstarttime"].otelcol == "runs"
    functions = {row.name: row for row in function_support()}
    assert functions["Now"].embedded == "runs"
    assert functions["UUIDv7"].embedded == "refused"
    assert "clock" in functions["UUIDv7"].reason
    assert functions["HasAttrOnDatapoint"].where.startswith("filter")
    assert functions["set"].kind == "editor"
    assert "aggregate_on_attributes" in functions


def test_a_distribution_is_asked_what_it_has() -> None:
    binary = CollectorBinary(Path("otelcol"), "mine", "0.159.0", {"connectors": ("sum",)})
    rows = {(row.kind, row.name): row for row in component_support(binary)}
    assert rows["connector", "sum"].otelcol == "runs"
    assert rows["processor", "filter"].otelcol == "absent"


def test_components_in_both_forms(phoenix: Phoenix, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    shown = phoenix("collector", "components")
    assert shown.code == 0
    assert "groupbyattrs" in shown.out
    assert "no real collector is installed" in shown.err
    found = json.loads(phoenix("collector", "components", "--json").out)
    assert found["collector"] is None
    assert {"processor", "connector"} <= {row["kind"] for row in found["components"]}


def test_install_without_go_says_what_to_do(
    phoenix: Phoenix, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    done = phoenix("collector", "install")
    assert done.code == 1
    assert "no Go on the PATH" in done.err
    assert "hint:" in done.err
    assert not (tmp_path / "cache").exists()


def _recording(folder: Path) -> Path:
    path = folder / "in.jsonl"
    points = [
        {
            "timeUnixNano": "1000000000",
            "asDouble": 1.5,
            "attributes": [{"key": "k", "value": {"stringValue": key}}],
        }
        for key in "abc"
    ]
    metric = {"name": "m", "gauge": {"dataPoints": points}}
    path.write_text(json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}) + "\n")
    return path


def test_diff_names_what_only_one_side_sends(phoenix: Phoenix, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.yaml").write_text(_CONFIG.format(drop=name))
    words = ("collector", "diff", "a.yaml", "b.yaml", "--input", _recording(tmp_path))
    found = json.loads(phoenix(*words, "--json").out)
    assert found["first"] == found["second"]
    assert found["first"]["points"] == 2
    assert found["common_series"] == 1
    assert found["only_first"] == ["m{k=b}"]
    assert found["only_second"] == ["m{k=a}"]
    assert not found["equal_points"]
    shown = phoenix(*words)
    assert shown.code == 0
    assert "1 series only in A:\n  m{k=b}" in shown.out
    same = phoenix("collector", "diff", "a.yaml", "a.yaml", "--input", tmp_path / "in.jsonl")
    assert "both send the same points" in same.out
