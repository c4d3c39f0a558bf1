"""What a collector tells about itself, read from its Prometheus endpoint."""

from __future__ import annotations

import http.client
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from phoenix_nb.errors import UnavailableError

__all__ = ["CollectorTelemetry", "read_telemetry"]

_UNITS: Final = re.compile(r"(_total|_bytes|_seconds|__\w+_)$")


@dataclass(frozen=True, slots=True)
class CollectorTelemetry:
    """Counters since the collector's start. What it does not tell is ``None``, never zero."""

    accepted_points: int | None = None
    """Data points that the receiver took."""
    refused_points: int | None = None
    """Data points that a component refused, as the receiver counts them."""
    filtered_points: Mapping[str, int] = field(default_factory=dict)
    """Data points dropped, by filter processor."""
    incoming_points: Mapping[str, int] = field(default_factory=dict)
    """Data points that went into each processor that counts them."""
    outgoing_points: Mapping[str, int] = field(default_factory=dict)
    """Data points that came out of each processor that counts them."""
    batched_points: Mapping[str, int] = field(default_factory=dict)
    """Data points that each batch processor has sent on."""
    sent_points: Mapping[str, int] = field(default_factory=dict)
    """Data points sent, by exporter."""
    failed_points: Mapping[str, int] = field(default_factory=dict)
    """Data points that could not be sent, by exporter."""
    queue_size: int | None = None
    """Requests in the queues of exporters; ``None`` when no exporter has a queue."""
    cpu_seconds: float | None = None
    """CPU time, seconds."""
    rss_bytes: int | None = None
    """Resident memory, bytes."""
    uptime_seconds: float | None = None
    """Time since the start, seconds."""


def read_telemetry(port: int, timeout: float = 5.0) -> CollectorTelemetry:
    """Read the endpoint once.

    Args:
        port: TCP port on the loopback interface.
        timeout: seconds to wait for the answer.

    Raises:
        UnavailableError: the collector does not answer.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", "/metrics")
        response = connection.getresponse()
        status, text = response.status, response.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise UnavailableError(f"the collector's telemetry does not answer: {error}") from error
    finally:
        connection.close()
    if status != http.client.OK:
        raise UnavailableError(f"the collector's telemetry answers with HTTP status {status}")
    return parse_telemetry(text)


def parse_telemetry(text: str) -> CollectorTelemetry:
    """Understand the text of the endpoint; names with and without the suffixes of types and units."""
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if not sample.name.startswith("otelcol_"):
                continue
            labels = sample.labels
            who = labels.get("processor") or labels.get("exporter") or labels.get("filter") or ""
            values = found.setdefault(_plain_name(sample.name), {})
            values[who] = values.get(who, 0.0) + sample.value

    def total(name: str) -> float | None:
        values = found.get(name)
        return sum(values.values()) if values else None

    def points(name: str) -> int | None:
        value = total(name)
        return None if value is None else int(value)

    def each(name: str) -> dict[str, int]:
        return {who: int(value) for who, value in found.get(name, {}).items()}

    return CollectorTelemetry(
        accepted_points=points("receiver_accepted_metric_points"),
        refused_points=points("receiver_refused_metric_points"),
        filtered_points=each("processor_filter_datapoints_filtered"),
        incoming_points=each("processor_incoming_items"),
        outgoing_points=each("processor_outgoing_items"),
        batched_points=each("processor_batch_batch_send_size_sum"),
        sent_points=each("exporter_sent_metric_points"),
        failed_points=each("exporter_send_failed_metric_points"),
        queue_size=points("exporter_queue_size"),
        cpu_seconds=total("process_cpu"),
        rss_bytes=points("process_memory_rss"),
        uptime_seconds=total("process_uptime"),
    )


def _plain_name(name: str) -> str:
    """The name without ``otelcol_`` and without suffixes that depend on the exporter's settings."""
    plain = name.removeprefix("otelcol_")
    before = ""
    while before != plain:
        before, plain = plain, _UNITS.sub("", plain)
    return plain
