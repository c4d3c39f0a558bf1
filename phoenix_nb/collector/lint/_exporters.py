"""Traps behind exporters: what a backend cannot tell apart."""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_nb.collector._config import CollectorConfig, Pipeline
from phoenix_nb.collector.components import ComponentKind
from phoenix_nb.collector.components._host_metrics import HostMetricsSettings
from phoenix_nb.collector.components._passive import PassiveSettings
from phoenix_nb.collector.components._prometheus_view import PROMETHEUS_EXPORTERS, resource_labels
from phoenix_nb.collector.components._transform_settings import TransformSettings
from phoenix_nb.collector.lint._finding import LintFinding

__all__ = ["merged_processes"]


def merged_processes(config: CollectorConfig) -> Iterator[LintFinding]:
    """Prometheus exporters that get every process and drop what tells processes apart."""
    for pipeline in config.metrics_pipelines:
        if not _scrapes_processes(config, pipeline) or _transforms(config, pipeline):
            continue
        for ident in pipeline.exporters:
            component = config.components[ComponentKind.EXPORTER].get(ident)
            if component is None or component.type is None or component.type.name not in PROMETHEUS_EXPORTERS:
                continue
            settings = component.settings
            if not isinstance(settings, PassiveSettings) or not resource_labels(settings.values):
                yield LintFinding(
                    path=f"exporters::{ident}::resource_to_telemetry_conversion",
                    message=f"all processes become one series of each metric behind {ident}",
                    code="PROMETHEUS_MERGES_PROCESSES",
                    why="it makes labels of point attributes alone, and the name and pid of a process are attributes "
                    "of its resource",
                    suggestion="resource_to_telemetry_conversion: {enabled: true}",
                )


def _scrapes_processes(config: CollectorConfig, pipeline: Pipeline) -> bool:
    receivers = config.components.get(ComponentKind.RECEIVER, {})
    found = (receivers[ident].settings for ident in pipeline.receivers if ident in receivers)
    return any(isinstance(one, HostMetricsSettings) and "process" in one.scrapers for one in found)


def _transforms(config: CollectorConfig, pipeline: Pipeline) -> bool:
    """Whether a statement may copy attributes of the resource to points."""
    processors = config.components.get(ComponentKind.PROCESSOR, {})
    return any(isinstance(processors[ident].settings, TransformSettings) for ident in pipeline.processors)
