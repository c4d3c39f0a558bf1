"""``service::telemetry``: checked for its keys, without effect on payloads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from phoenix_nb.collector.config._schema import ANY, BOOL, TEXT, Settings, Struct, setting

__all__ = ["TelemetrySettings"]


@dataclass(frozen=True)
class _Logs(Settings):
    go_type: ClassVar[str] = "service.telemetry.logs"
    level: object = setting(None, ANY)
    """Least severity."""
    development: bool = setting(False, BOOL)
    """Whether logs are for developers."""
    encoding: str = setting("console", TEXT)
    """``console`` or ``json``."""
    disable_caller: bool = setting(False, BOOL)
    """Whether the place in the code is left out."""
    disable_stacktrace: bool = setting(False, BOOL)
    """Whether stack traces are left out."""
    disable_zap_resource: bool = setting(False, BOOL)
    """Whether the resource is left out."""
    sampling: object = setting(None, ANY)
    """How logs are thinned."""
    output_paths: object = setting(None, ANY)
    """Where logs go."""
    error_output_paths: object = setting(None, ANY)
    """Where errors of logging go."""
    initial_fields: object = setting(None, ANY)
    """Added to every entry."""
    processors: object = setting(None, ANY)
    """Exporters of logs."""


@dataclass(frozen=True)
class _Metrics(Settings):
    go_type: ClassVar[str] = "service.telemetry.metrics"
    level: object = setting(None, ANY)
    """How much is measured."""
    address: str = setting("", TEXT)
    """Where a Prometheus endpoint listens, in older releases."""
    readers: object = setting(None, ANY)
    """Exporters of metrics."""
    views: object = setting(None, ANY)
    """Views over instruments."""


@dataclass(frozen=True)
class _Traces(Settings):
    go_type: ClassVar[str] = "service.telemetry.traces"
    level: object = setting(None, ANY)
    """How much is traced."""
    propagators: object = setting(None, ANY)
    """How contexts cross processes."""
    processors: object = setting(None, ANY)
    """Exporters of spans."""
    sampler: object = setting(None, ANY)
    """How traces are thinned."""


@dataclass(frozen=True)
class TelemetrySettings(Settings):
    """Settings of the collector's own telemetry."""

    go_type: ClassVar[str] = "service.telemetry"
    logs: _Logs = setting(_Logs(), Struct(_Logs))
    """Logs."""
    metrics: _Metrics = setting(_Metrics(), Struct(_Metrics))
    """Metrics."""
    traces: _Traces = setting(_Traces(), Struct(_Traces))
    """Traces."""
    resource: dict[str, object] = setting({}, ANY)
    """Attributes of the collector itself."""
