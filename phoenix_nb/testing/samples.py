"""Plain, valid values to start a test from; change what matters with keyword arguments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from phoenix_nb.interfaces import (
    Alert,
    AlertComparison,
    AlertRule,
    AlertSeverity,
    AlertState,
    ArmInterval,
    Event,
    EventData,
    Experiment,
    ExperimentConfig,
    ExperimentState,
    ExperimentStateChanged,
    Interval,
    IntervalMetric,
    LoadProfile,
    LoadProfileType,
    Pipeline,
    PipelineConfig,
    ServiceInstance,
    Simulation,
    SimulationState,
)

__all__ = [
    "PIPELINE_YAML",
    "T0",
    "sample_alert",
    "sample_alert_rule",
    "sample_event",
    "sample_experiment",
    "sample_instance",
    "sample_interval",
    "sample_pipeline",
    "sample_simulation",
]

T0 = datetime(2026, 1, 1, tzinfo=UTC)
"""When everything in a sample happened."""

PIPELINE_YAML = """\
receivers:
  hostmetrics:
    collection_interval: 10s
    scrapers:
      process:
processors:
  batch:
exporters:
  otlp:
    endpoint: localhost:4317
service:
  pipelines:
    metrics:
      receivers: [hostmetrics]
      processors: [batch]
      exporters: [otlp]
"""
"""A small configuration that a stock collector takes."""


def _id(prefix: str, number: int) -> str:
    # ULIDs that sort by number: 26 characters of Crockford's base 32, which digits are part of.
    return f"{prefix}_{number:026d}"


def sample_experiment(number: int = 1, **changes: Any) -> Experiment:
    """A pending experiment, created ``number`` seconds after :data:`T0`."""
    at = T0 + timedelta(seconds=number)
    values: dict[str, Any] = {
        "id": _id("exp", number),
        "name": f"experiment {number}",
        "state": ExperimentState.PENDING,
        "baseline_pipeline": "process-baseline-v1",
        "candidate_pipeline": "process-priority-v1",
        "target_nodes": ("local",),
        "config": ExperimentConfig(source="sim:realistic", every_seconds=10.0, duration_seconds=600.0),
        "created_at": at,
        "updated_at": at,
        "created_by": "local",
    }
    return Experiment(**{**values, **changes})


def sample_pipeline(number: int = 1, **changes: Any) -> Pipeline:
    """A stored pipeline."""
    at = T0 + timedelta(seconds=number)
    values: dict[str, Any] = {
        "id": _id("pip", number),
        "name": f"pipeline {number}",
        "config": PipelineConfig(yaml=PIPELINE_YAML),
        "created_at": at,
        "updated_at": at,
        "created_by": "local",
    }
    return Pipeline(**{**values, **changes})


def sample_simulation(number: int = 1, **changes: Any) -> Simulation:
    """A pending simulation."""
    values: dict[str, Any] = {
        "id": _id("sim", number),
        "name": f"simulation {number}",
        "profile": LoadProfile(name="realistic", type=LoadProfileType.REALISTIC),
        "state": SimulationState.PENDING,
        "created_at": T0 + timedelta(seconds=number),
        "created_by": "local",
    }
    return Simulation(**{**values, **changes})


def sample_event(number: int = 1, data: EventData | None = None, **changes: Any) -> Event:
    """An event that no bus has accepted yet, ``number`` seconds after :data:`T0`."""
    values: dict[str, Any] = {
        "id": _id("evt", number),
        "source": "experiments",
        "time": T0 + timedelta(seconds=number),
        "subject": _id("exp", 1),
        "data": data
        or ExperimentStateChanged(
            experiment_id=_id("exp", 1),
            from_state=ExperimentState.PENDING,
            to_state=ExperimentState.DEPLOYING,
        ),
    }
    return Event(**{**values, **changes})


def sample_instance(number: int = 1, **changes: Any) -> ServiceInstance:
    """An instance of the service ``experiments``."""
    at = T0 + timedelta(seconds=number)
    values: dict[str, Any] = {
        "id": _id("svc", number),
        "name": "experiments",
        "version": "0.1.0",
        "address": "in-process",
        "registered_at": at,
        "updated_at": at,
    }
    return ServiceInstance(**{**values, **changes})


def sample_interval(index: int = 0, **changes: Any) -> Interval:
    """An interval of ten seconds in which the candidate keeps 40 of 100 points."""
    start = T0 + timedelta(seconds=10 * index)
    values: dict[str, Any] = {
        "index": index,
        "start": start,
        "end": start + timedelta(seconds=10),
        "source_points": 100,
        "baseline": ArmInterval(points_in=100, points=100, bytes=9000, series=100),
        "candidate": ArmInterval(points_in=100, points=40, bytes=3600, series=40),
    }
    return Interval(**{**values, **changes})


def sample_alert_rule(number: int = 1, **changes: Any) -> AlertRule:
    """A rule that holds as long as the candidate sends anything."""
    values: dict[str, Any] = {
        "id": _id("alr", number),
        "experiment_id": _id("exp", 1),
        "name": f"rule {number}",
        "metric": IntervalMetric.POINTS,
        "comparison": AlertComparison.ABOVE,
        "threshold": 0.0,
    }
    return AlertRule(**{**values, **changes})


def sample_alert(number: int = 1, **changes: Any) -> Alert:
    """An alert that fires."""
    values: dict[str, Any] = {
        "id": _id("alr", 1000 + number),
        "rule_id": _id("alr", 1),
        "experiment_id": _id("exp", 1),
        "severity": AlertSeverity.WARNING,
        "state": AlertState.FIRING,
        "message": "candidate points are 40, above 0",
        "value": 40.0,
        "interval": number,
        "triggered_at": T0 + timedelta(seconds=number),
    }
    return Alert(**{**values, **changes})
