"""The real collector as a supervised child process, and how to get one."""

from __future__ import annotations

from phoenix_nb.otelcol._binary import (
    BUILT_VERSION,
    CollectorBinary,
    cache_folder,
    find_collector,
    probe_collector,
)
from phoenix_nb.otelcol._build import build_collector
from phoenix_nb.otelcol._engine import OtelcolEngine
from phoenix_nb.otelcol._factory import CollectorEngines
from phoenix_nb.otelcol._rewrite import Rewritten, rewrite
from phoenix_nb.otelcol._run import CollectorRun, CollectorState, Patience
from phoenix_nb.otelcol._telemetry import CollectorTelemetry
from phoenix_nb.otelcol._validate import ValidateAnswer, validate_with_collector

__all__ = [
    "BUILT_VERSION",
    "CollectorBinary",
    "CollectorEngines",
    "CollectorRun",
    "CollectorState",
    "CollectorTelemetry",
    "OtelcolEngine",
    "Patience",
    "Rewritten",
    "ValidateAnswer",
    "build_collector",
    "cache_folder",
    "find_collector",
    "probe_collector",
    "rewrite",
    "validate_with_collector",
]
