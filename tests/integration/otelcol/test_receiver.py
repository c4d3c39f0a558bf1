"""The receiver comes before either engine: the real collector's receivers are replaced, what they leave out is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from phoenix_nb.otelcol import CollectorBinary
from phoenix_nb.simulation import simulate
from phoenix_nb.sources import write_recording
from tests.command_line import Phoenix, phoenix

__all__ = ["phoenix"]

TEXT = """
receivers:
  hostmetrics:
    collection_interval: {every}
    scrapers: {{process: {process}}}
processors:
  resource: {{attributes: [{{key: seen, value: "yes", action: insert}}]}}
exporters:
  otlp_http: {{endpoint: "http://localhost:4318"}}
service:
  pipelines:
    metrics: {{receivers: [hostmetrics], processors: [resource], exporters: [otlp_http]}}
"""


def test_both_engines_get_the_same_payloads(
    phoenix: Phoenix, collector: CollectorBinary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOENIX_COLLECTOR_BINARY", str(collector.path))
    write_recording(tmp_path / "host.jsonl", simulate("realistic", seed=4, scrapes=24, every=10.0))
    (tmp_path / "all.yaml").write_text(TEXT.format(every="10s", process="{}"))
    narrow = """{exclude: {names: ['^nginx'], match_type: regexp}, metrics: {process.disk.io: {enabled: false}},
      resource_attributes: {process.command_line: {enabled: false}}, scrape_process_delay: 20s}"""
    (tmp_path / "less.yaml").write_text(TEXT.format(every="20s", process=narrow))
    told: dict[str, Any] = {}
    for engine in ("embedded", "otelcol"):
        outcome = phoenix(
            *("--workspace", ":memory:", "compare", "all.yaml", "less.yaml", "--source", "host.jsonl"),
            *("--engine", engine, "--critical", "nginx,postgres", "--json", "--no-keep-payloads"),
        )
        assert outcome.code == 0, outcome.err
        told[engine] = json.loads(outcome.out)
    for key in ("window", "coverage", "intervals", "applied"):
        assert told["otelcol"][key] == told["embedded"][key]
    assert told["otelcol"]["window"]["points"]["reduction"] > 0.5
    assert {one["name"] for one in told["otelcol"]["coverage"]["missed"]} >= {"nginx"}
