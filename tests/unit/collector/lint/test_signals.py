"""A component in a pipeline of a signal that it does not work on is refused, in the collector's words."""

from __future__ import annotations

import pytest

from phoenix_nb.collector import validate_config

_CONFIG = """
receivers: {{otlp: {{protocols: {{grpc: }}}}, hostmetrics: {{scrapers: {{cpu: }}}}}}
processors: {{interval/x: {{}}}}
exporters: {{debug: , prometheus: {{endpoint: localhost:9999}}}}
service: {{pipelines: {{{pipeline}}}}}
"""


@pytest.mark.parametrize(
    ("pipeline", "text"),
    [
        (
            "traces: {receivers: [otlp], processors: [interval/x], exporters: [debug]}",
            'failed to create "interval/x" processor, in pipeline "traces": telemetry type is not supported',
        ),
        (
            "logs/a: {receivers: [otlp], exporters: [prometheus]}",
            'failed to create "prometheus" exporter for data type "logs": telemetry type is not supported',
        ),
        (
            "traces: {receivers: [hostmetrics], exporters: [debug]}",
            'failed to create "hostmetrics" receiver for data type "traces": telemetry type is not supported',
        ),
        ("logs: {receivers: [hostmetrics], exporters: [debug]}", ""),
        ("metrics: {receivers: [hostmetrics], processors: [interval/x], exporters: [prometheus]}", ""),
    ],
)
def test_signals(pipeline: str, text: str) -> None:
    found = [one.collector_text for one in validate_config(_CONFIG.format(pipeline=pipeline))]
    assert found == ([f"failed to build pipelines: {text}"] if text else [])
