"""Rewriting replaces where payloads come from and go to, and nothing else."""

from __future__ import annotations

import json

import pytest
import yaml

from phoenix_nb.collector import catalog
from phoenix_nb.errors import ConfigError
from phoenix_nb.otelcol import rewrite
from phoenix_nb.otelcol._cut import cut_sections
from phoenix_nb.otelcol._rewrite import RECEIVER

TEXT = """\
# A comment that stays.
receivers:
  hostmetrics: {scrapers: {process: {}}}
  otlp: {protocols: {grpc: {}}}
processors:
  filter/a:   # so does this one
    metrics: {datapoint: ['attributes["x"] == "$$1"']}
  batch: {timeout: 500ms}
connectors:
  forward:
exporters:
  otlp/backend: {endpoint: "${env:ENDPOINT}"}
  debug:
  nop:
extensions:
  health_check: {endpoint: 0.0.0.0:13133}
service:
  extensions: [health_check]
  telemetry:
    metrics: {level: none}
    resource: {service.instance.id: mine}
  pipelines:
    traces: {receivers: [otlp], exporters: [nop]}
    metrics/in:
      receivers: [otlp, hostmetrics]
      processors: [filter/a, batch]
      exporters: [forward, otlp/backend]
    metrics/out:
      receivers: [forward]
      exporters: [debug, otlp/backend]
"""


def test_processors_stay_byte_for_byte() -> None:
    made = rewrite(TEXT, {})
    for line in TEXT.splitlines():
        kept = line in made.text.splitlines()
        assert (
            kept
            or line in TEXT[TEXT.index("receivers:") : TEXT.index("processors:")]
            or (line in TEXT[TEXT.index("exporters:") :])
        )
    tree = yaml.safe_load(made.text)
    assert set(tree) == {"processors", "connectors", "service"}
    assert "telemetry" not in tree["service"]
    assert tree["processors"] == yaml.safe_load(TEXT)["processors"]
    assert tree["service"]["pipelines"] == yaml.safe_load(TEXT)["service"]["pipelines"]


def test_the_overlay_puts_our_ends_on_every_pipeline() -> None:
    made = rewrite(TEXT, {})
    assert made.exporters == ("otlp/backend", "debug")
    overlay = json.loads(made.overlay(1001, 1002, 1003))
    assert overlay["receivers"][RECEIVER]["protocols"]["http"]["endpoint"] == "127.0.0.1:1001"
    exporters = overlay["exporters"]
    assert [exporters[f"otlp_http/{n}"]["metrics_endpoint"] for n in (0, 1)] == [
        "http://127.0.0.1:1002/0",
        "http://127.0.0.1:1002/1",
    ]
    assert all(one["sending_queue"] == {"enabled": False} for one in exporters.values())
    service = overlay["service"]
    assert service["extensions"] == []
    assert service["pipelines"] == {
        "traces": {"receivers": [RECEIVER], "processors": [], "exporters": ["otlp_http/2"]},
        "metrics/in": {
            "receivers": [RECEIVER],
            "processors": ["filter/a", "batch"],
            "exporters": ["forward", "otlp_http/0"],
        },
        "metrics/out": {
            "receivers": ["forward"],
            "processors": [],
            "exporters": ["otlp_http/1", "otlp_http/0"],
        },
    }
    telemetry = service["telemetry"]
    assert telemetry["resource"] == {"service.instance.id": "mine"}
    assert telemetry["metrics"]["readers"][0]["pull"]["exporter"]["prometheus"]["port"] == 1003


def test_batches_are_known_with_what_feeds_them() -> None:
    (batch,) = rewrite(TEXT, {}).batches
    assert (batch.id, batch.before, batch.timeout) == ("batch", ("filter/a",), 0.5)
    shared = TEXT.replace(
        "receivers: [forward]\n", "receivers: [forward]\n      processors: [filter/a, batch]\n"
    )
    (batch,) = rewrite(shared, {}).batches
    assert batch.before == (None, None)
    first = TEXT.replace("[filter/a, batch]", "[batch]")
    assert rewrite(first, {}).batches[0].before == (RECEIVER,)


def test_what_sends_later_is_known() -> None:
    assert rewrite(TEXT, {}).regroups
    assert not rewrite(TEXT.replace("[filter/a, batch]", "[filter/a]"), {}).regroups
    assert rewrite(TEXT.replace("[filter/a, batch]", "[vendor/own]"), {}).regroups


def test_an_extension_that_a_processor_names_stays() -> None:
    text = TEXT.replace(
        "batch: {timeout: 500ms}", "batch: {timeout: 500ms}\n  vendor: {storage: health_check}"
    )
    made = rewrite(text, {})
    assert made.extensions == ("health_check",)
    assert "extensions" in yaml.safe_load(made.text)


def test_pipelines_may_come_from_the_environment() -> None:
    text = TEXT.replace("exporters: [debug, otlp/backend]", "exporters: ${env:WHERE}")
    assert rewrite(text, {"WHERE": "[debug]"}).exporters == ("otlp/backend", "debug")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "not YAML"),
        ("- 1", "not a map"),
        ("service: 3", "service: a map"),
        ("service: {pipelines: {metrics: {receivers: {a: 1}}}}", "metrics::receivers"),
        ("service: {pipelines: {traces: {}}}", "no metrics pipeline"),
        ("service: {pipelines: {metrics: {receivers: ['${what:x}']}}}", "cannot be expanded"),
    ],
)
def test_what_cannot_be_understood_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        rewrite(text, {})


@pytest.mark.parametrize(
    "text",
    [
        "{receivers: {otlp: 1}, processors: {batch: 2}}",
        "receivers: &shared\n  otlp: 1\nprocessors: *shared\n",
    ],
)
def test_text_that_cannot_be_cut_safely_stays(text: str) -> None:
    assert cut_sections(text, [("receivers",)]) == text


@pytest.mark.parametrize("name", catalog.names())
def test_every_catalogue_pipeline_can_be_rewritten(name: str) -> None:
    text = catalog.load(name).yaml
    made = rewrite(text, {})
    assert made.exporters
    assert "receivers:" not in made.text.split("service:")[0]
    before, after = yaml.safe_load(text), yaml.safe_load(made.text)
    assert after["processors"] == before["processors"]
