"""A saving that leaves out what the candidate would send in addition is no reason to promote it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import Phoenix, phoenix

__all__ = ["phoenix"]

TEXT = """
receivers: {{hostmetrics: {{collection_interval: 10s, scrapers: {{process: {{metrics: {metrics}}}}}}}}}
exporters: {{otlp: {{endpoint: "localhost:4317"}}}}
service: {{pipelines: {{metrics: {{receivers: [hostmetrics], exporters: [otlp]}}}}}}
"""
OFF = "process.cpu.time: {enabled: false}"


@pytest.mark.parametrize(
    ("metrics", "state"),
    [(f"{{{OFF}}}", "PROMOTE"), (f"{{{OFF}, process.threads: {{enabled: true}}}}", "INCONCLUSIVE")],
)
def test_only_what_was_measured_is_promoted(
    phoenix: Phoenix, tmp_path: Path, metrics: str, state: str
) -> None:
    (tmp_path / "all.yaml").write_text(TEXT.format(metrics="{}"))
    (tmp_path / "less.yaml").write_text(TEXT.format(metrics=metrics))
    (tmp_path / "plan.yaml").write_text(
        "critical: [postgres]\nrequired_metrics: [process.memory.usage]\nsuccess: {target: 0.3}\n"
    )
    outcome = phoenix(
        *("--workspace", ":memory:", "compare", "all.yaml", "less.yaml", "--source", "sim:realistic"),
        *("--duration", "1h", "--plan", "plan.yaml", "--json", "--no-keep-payloads"),
    )
    assert outcome.code == 0, outcome.err
    told: dict[str, Any] = json.loads(outcome.out)
    assert told["verdict"]["state"] == state, told["verdict"]
    assert (told["projection"] is None) == (state != "PROMOTE")
    if state != "PROMOTE":
        assert "process.threads" in told["verdict"]["reason"]
        assert told["verdict"]["decided_by"] == "source:metrics"
