"""What a collector tells about itself is understood however its metrics are spelled."""

from __future__ import annotations

import pytest

from phoenix_nb.otelcol._log import CollectorLog
from phoenix_nb.otelcol._telemetry import CollectorTelemetry, parse_telemetry

PLAIN = """\
# TYPE otelcol_process_cpu_seconds counter
otelcol_process_cpu_seconds 0.25
# TYPE otelcol_process_memory_rss gauge
otelcol_process_memory_rss 4.5e+07
# TYPE otelcol_receiver_accepted_metric_points counter
otelcol_receiver_accepted_metric_points{receiver="otlp/phoenix",transport="http"} 360
# TYPE otelcol_receiver_refused_metric_points counter
otelcol_receiver_refused_metric_points{receiver="otlp/phoenix",transport="http"} 7
# TYPE otelcol_processor_filter_datapoints_filtered counter
otelcol_processor_filter_datapoints_filtered{filter="filter/a"} 150
# TYPE otelcol_processor_incoming_items counter
otelcol_processor_incoming_items{otel_signal="metrics",processor="filter/a"} 360
# TYPE otelcol_processor_outgoing_items counter
otelcol_processor_outgoing_items{otel_signal="metrics",processor="filter/a"} 210
# TYPE otelcol_processor_batch_batch_send_size histogram
otelcol_processor_batch_batch_send_size_bucket{processor="batch",le="+Inf"} 1
otelcol_processor_batch_batch_send_size_sum{processor="batch"} 210
otelcol_processor_batch_batch_send_size_count{processor="batch"} 1
# TYPE otelcol_exporter_sent_metric_points counter
otelcol_exporter_sent_metric_points{exporter="otlp_http/0"} 210
# TYPE otelcol_exporter_queue_size gauge
otelcol_exporter_queue_size{exporter="otlp_http/0"} 3
# TYPE go_goroutines gauge
go_goroutines 9
"""


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.replace("metric_points{", "metric_points__datapoints__total{")
        .replace("_items{", "_items__items__total{")
        .replace("cpu_seconds 0", "cpu_seconds_total 0")
        .replace("memory_rss 4", "memory_rss_bytes 4"),
    ],
    ids=["plain", "suffixed"],
)
def test_counters_are_found(text: str) -> None:
    assert parse_telemetry(text) == CollectorTelemetry(
        accepted_points=360,
        refused_points=7,
        filtered_points={"filter/a": 150},
        incoming_points={"filter/a": 360},
        outgoing_points={"filter/a": 210},
        batched_points={"batch": 210},
        sent_points={"otlp_http/0": 210},
        queue_size=3,
        cpu_seconds=0.25,
        rss_bytes=45_000_000,
    )


def test_what_is_not_told_is_unknown_and_not_zero() -> None:
    told = parse_telemetry("")
    assert told.accepted_points is None
    assert told.cpu_seconds is None
    assert told.queue_size is None


def test_warnings_are_taken_once_and_lines_of_other_levels_are_not() -> None:
    log = CollectorLog()
    log.add("2026-01-01T00:00:00Z\tinfo\tservice.go:1\tEverything is ready. Begin running\t{}")
    assert log.ready.is_set()
    line = '2026-01-01T00:00:00Z\twarn\tx.go:1\tfailed\t{"otelcol.component.id": "filter/a", "error": "no"}'
    log.add(line)
    log.add(line)
    log.add("2026-01-01T00:00:00Z\terror\tx.go:1\tbroken\tnot json")
    log.add("goroutine 1 [running]:")
    assert log.take_warnings() == ("filter/a: failed: no", "broken")
    assert log.take_warnings() == ()
