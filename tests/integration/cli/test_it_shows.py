"""What ``compare`` says must be true: no saving where there is none, no silence about what is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Phoenix = Callable[..., Any]

PIPELINE = """
receivers:
  hostmetrics:
    scrapers: {{process: {{}}}}
processors:
  filter:
    metrics:
      resource:
        - '{condition}'
exporters:
  otlp: {{endpoint: "localhost:4317"}}
service:
  pipelines:
    metrics: {{receivers: [hostmetrics], processors: [filter], exporters: [otlp]}}
"""


def compared(phoenix: Phoenix, *words: str | Path) -> dict[str, Any]:
    outcome = phoenix("--workspace", ":memory:", "compare", *words, "--json", "--no-keep-payloads")
    assert outcome.code == 0, outcome.err
    told: dict[str, Any] = json.loads(outcome.out)
    return told


def test_identical_arms_are_never_a_saving(phoenix: Phoenix) -> None:
    told = compared(
        phoenix,
        "process-baseline-v1",
        "process-baseline-v1",
        *("--source", "sim:realistic", "--duration", "20m", "--critical", "postgres*,nginx*"),
    )
    assert told["verdict"]["state"] == "INCONCLUSIVE"
    assert told["verdict"]["decided_by"] == "identical_arms"
    assert told["window"]["points"]["reduction"] == 0
    for row in told["cost"]:
        assert row["saving_per_month"] in (0, None)
        assert row["saving_per_month"] is not None or row["reason"]


def test_dropping_everything_is_no_saving(phoenix: Phoenix, tmp_path: Path) -> None:
    (tmp_path / "nothing.yaml").write_text(PIPELINE.format(condition="true"))
    told = compared(
        phoenix,
        *("process-baseline-v1", "nothing.yaml", "--source", "sim:realistic", "--duration", "5m"),
        *("--critical", "postgres*"),
    )
    assert told["verdict"]["state"] in {"REJECT", "UNHEALTHY"}
    assert told["window"]["points"]["reduction"] is None
    assert told["projection"] is None
    assert told["projection_reason"]
    assert {row["saving_per_month"] for row in told["cost"]} == {None}
    assert all(row["reason"] for row in told["cost"])


def test_a_lost_critical_process_is_named(phoenix: Phoenix, tmp_path: Path) -> None:
    condition = 'attributes["process.executable.name"] == "nginx"'
    (tmp_path / "blind.yaml").write_text(PIPELINE.format(condition=condition))
    words = (
        *("process-baseline-v1", "blind.yaml", "--source", "sim:realistic", "--duration", "5m"),
        *("--critical", "postgres*,nginx"),
    )
    told = compared(phoenix, *words)
    assert told["verdict"]["state"] == "REJECT"
    assert "nginx" in told["verdict"]["reason"]
    assert [miss["name"] for miss in told["coverage"]["missed"]] == ["nginx"]
    assert told["coverage"]["miss_rate_upper"] is None
    shown = phoenix("--workspace", ":memory:", "compare", *words).out
    assert "✕ REJECT" in shown
    assert "lost nginx (pid " in shown


@pytest.mark.recordings
def test_the_recording_of_a_real_host(phoenix: Phoenix, shared_dir: Path) -> None:
    recording = shared_dir / "recordings" / "shop_host.jsonl.zst"
    told = compared(
        phoenix,
        *("process-baseline-v1", "process-priority-v1", "--source", recording),
        *("--critical", "postgres*,redis*,nginx*"),
    )
    assert told["intervals"] == 650
    assert told["window"]["points"]["baseline"] == 453_726
    assert told["window"]["series"]["baseline"] == 23_842
    assert 0 < told["window"]["points"]["reduction"] < 1
    assert told["coverage"]["critical_units"] > 0
    assert told["verdict"]["state"] != "UNHEALTHY"
