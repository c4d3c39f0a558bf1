"""``phoenix collector explain``: exact at every step."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

Phoenix = Callable[..., Any]

_CONFIG = """
receivers: {otlp: {protocols: {http: }}}
processors:
  filter: {metrics: {resource: ['attributes["process.executable.name"] == "${env:DROPPED:-sh}"']}}
  cumulativetodelta: {}
  resource: {attributes: [{key: process.pid, action: delete}]}
  groupbyattrs: {}
  transform:
    metric_statements:
      - context: metric
        statements: ['aggregate_on_attributes("sum", [])']
  interval: {interval: 60s}
exporters: {otlp_http: {endpoint: http://localhost:4318}}
service:
  pipelines:
    metrics:
      receivers: [otlp]
      processors: [filter, cumulativetodelta, resource, groupbyattrs, transform, interval]
      exporters: [otlp_http]
"""
_PROCESSES = (("postgres", 1), ("postgres", 2), ("sh", 3), ("nginx", 4))


def _resource(name: str, pid: int, time: int) -> dict[str, Any]:
    attributes = [
        {"key": "process.executable.name", "value": {"stringValue": name}},
        {"key": "process.pid", "value": {"intValue": str(pid)}},
        {"key": "process.command_line", "value": {"stringValue": f"{name} --password=hunter2"}},
    ]
    points = [
        {
            "timeUnixNano": str(time * 10**9),
            "startTimeUnixNano": "1",
            "asDouble": float(time + pid),
            "attributes": [{"key": "state", "value": {"stringValue": state}}],
        }
        for state in ("user", "system")
    ]
    memory = {"dataPoints": [{"timeUnixNano": str(time * 10**9), "asInt": str(pid)}]}
    metrics = [
        {
            "name": "process.cpu.time",
            "sum": {"dataPoints": points, "aggregationTemporality": 2, "isMonotonic": True},
        },
        {"name": "process.memory.usage", "gauge": memory},
    ]
    return {"resource": {"attributes": attributes}, "scopeMetrics": [{"metrics": metrics}]}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "c.yaml").write_text(_CONFIG)
    lines = [
        json.dumps({"resourceMetrics": [_resource(name, pid, time) for name, pid in _PROCESSES]})
        for time in (10, 20, 30)
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    return tmp_path


def _explain(phoenix: Phoenix, *words: str) -> dict[str, Any]:
    done = phoenix("collector", "explain", "c.yaml", "--input", "in.jsonl", "--json", *words)
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def test_every_step_is_what_the_pipeline_up_to_there_sends(phoenix: Phoenix, files: Path) -> None:
    steps = _explain(phoenix)["steps"]
    tree = yaml.safe_load(_CONFIG)
    names = tree["service"]["pipelines"]["metrics"]["processors"]
    assert [step["component"] for step in steps] == names
    for count, step in enumerate(steps, start=1):
        tree["service"]["pipelines"]["metrics"]["processors"] = names[:count]
        (files / "prefix.yaml").write_text(yaml.safe_dump(tree))
        done = phoenix("collector", "diff", "prefix.yaml", "prefix.yaml", "--input", "in.jsonl", "--json")
        sent = json.loads(done.out)["first"]
        for what in ("points", "series", "bytes"):
            assert step[f"{what}_after"] == sent[what], (step["component"], what)


def test_removed_by_metric_process_and_label(phoenix: Phoenix, files: Path) -> None:
    found = _explain(phoenix)
    assert (found["received"]["points"], found["received"]["series"]) == (36, 12)
    dropped = found["steps"][0]
    (process,) = dropped["by_process"]
    assert (process["name"], process["points_before"], process["points_after"]) == ("sh", 9, 0)
    assert process["bytes_after"] == 0 < process["bytes_before"]
    metrics = {one["name"]: (one["series_before"], one["series_after"]) for one in dropped["by_metric"]}
    assert metrics == {"process.cpu.time": (8, 6), "process.memory.usage": (4, 3)}
    labels = {one["name"]: one for one in dropped["by_label"]}
    assert labels["state"]["series_before"] - labels["state"]["series_after"] == 2
    (pid,) = (one for one in found["steps"][2]["by_label"] if one["name"] == "process.pid")
    assert pid["points_after"] == 0
    assert sum(one["bytes_before"] for one in dropped["by_metric"]) < dropped["bytes_before"]


def test_fate_of_one_process(phoenix: Phoenix, files: Path) -> None:
    fate = _explain(phoenix, "--process", "postgres")["process"]
    assert fate["names"] == ["postgres"]
    assert fate["steps"][0]["points_after"] == 18
    (texts,) = fate["series"].values()
    assert len(texts) == 2
    assert "hunter2" not in "".join(texts)
    gone = _explain(phoenix, "--process", "s?")["process"]
    assert gone["steps"][0]["points_after"] == 0
    assert gone["series"] == {"otlp_http": []}


def test_text_form_and_resolved_configuration(
    phoenix: Phoenix, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DROPPED", "nginx")
    done = phoenix(
        "collector", "explain", "c.yaml", "--input", "in.jsonl", "--process", "nginx", "--resolved"
    )
    assert done.code == 0
    assert "metrics: filter by process" in done.out
    assert "nothing of it reaches otlp_http" in done.out
    assert 'attributes["process.executable.name"] == "nginx"' in done.out


def test_unknown_process_is_refused(phoenix: Phoenix, files: Path) -> None:
    done = phoenix("collector", "explain", "c.yaml", "--input", "in.jsonl", "--process", "redis")
    assert done.code == 1
    assert "holds no process 'redis'" in done.err
    assert "nginx, postgres, sh" in done.err


def test_what_prometheus_tells_apart(phoenix: Phoenix, files: Path) -> None:
    tree = yaml.safe_load(_CONFIG)
    tree["exporters"] = {
        "prometheus": {"endpoint": "localhost:8889"},
        "prometheusremotewrite": {
            "endpoint": "http://localhost/api",
            "resource_to_telemetry_conversion": {"enabled": True},
        },
        "otlp_http": {"endpoint": "http://localhost:4318"},
    }
    tree["service"]["pipelines"]["metrics"] |= {"processors": [], "exporters": list(tree["exporters"])}
    (files / "c.yaml").write_text(yaml.safe_dump(tree))
    plain, converted = _explain(phoenix)["backends"]
    assert (plain["exporter"], plain["sent"], plain["kept"]) == ("prometheus", 12, 3)
    assert [(one["metric"], one["sent"], one["kept"]) for one in plain["merged"]] == [
        ("process_cpu_time_total", 8, 2),
        ("process_memory_usage", 4, 1),
    ]
    assert "hunter2" not in json.dumps(plain)
    assert (converted["sent"], converted["kept"], converted["merged"]) == (12, 12, [])
    shown = phoenix("collector", "explain", "c.yaml", "--input", "in.jsonl")
    assert "Of 12 series that prometheus gets, Prometheus tells 3 apart." in shown.out
    assert "resource_to_telemetry_conversion: {enabled: true}" in shown.err
