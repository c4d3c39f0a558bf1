"""Simulated hosts: processes in virtual time, reproducible from a seed, and the same load as real child processes."""

from __future__ import annotations

from phoenix_nb.simulation._process_metrics import (
    ALL_PROCESS_METRICS,
    DEFAULT_PROCESS_METRICS,
    PROCESS_METRICS,
    SCHEMA_URL,
    ProcessMetric,
    process_points,
    process_resource,
    process_scope,
)

__all__ = [
    "ALL_PROCESS_METRICS",
    "DEFAULT_PROCESS_METRICS",
    "PROCESS_METRICS",
    "SCHEMA_URL",
    "ProcessMetric",
    "process_points",
    "process_resource",
    "process_scope",
]
