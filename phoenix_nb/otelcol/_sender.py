"""Sends payloads to a collector over OTLP/HTTP, and says what it answered."""

from __future__ import annotations

import http.client
from dataclasses import dataclass

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsPartialSuccess,
    ExportMetricsServiceResponse,
)

__all__ = ["Answer", "Sender"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the collector said to one payload."""

    status: int
    """HTTP status."""
    message: str
    """Why it was refused, wholly or in part; empty when everything was accepted."""


class Sender:
    """One kept connection.

    Args:
        port: TCP port on the loopback interface.
        timeout: seconds after which a silent collector counts as failed.
    """

    def __init__(self, port: int, timeout: float) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def send(self, payload: bytes) -> Answer:
        """Send one encoded ``ExportMetricsServiceRequest`` and wait for the answer.

        Raises:
            OSError: the collector does not answer.
            http.client.HTTPException: its answer is cut off.
        """
        self._connection.request(
            "POST",
            "/v1/metrics",
            payload,
            {"Content-Type": "application/x-protobuf", "Accept-Encoding": "identity"},
        )
        response = self._connection.getresponse()
        body = response.read()
        if response.status == http.client.OK:
            return Answer(response.status, _partial(body))
        return Answer(response.status, _message(body) or f"HTTP status {response.status} {response.reason}")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _partial(body: bytes) -> str:
    try:
        partial = ExportMetricsServiceResponse.FromString(body).partial_success
    except DecodeError:
        return ""
    if not partial.rejected_data_points:
        return ""
    return f"{partial.rejected_data_points} data points were rejected: {partial.error_message or 'no reason given'}"


def _message(body: bytes) -> str:
    try:
        # google.rpc.Status has its text under the same number and type as this message.
        return ExportMetricsPartialSuccess.FromString(body).error_message
    except DecodeError:
        return body.decode("utf-8", "replace").strip()
