"""A configuration that was understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from phoenix_nb.collector._problem import ConfigProblem
from phoenix_nb.collector.components import ComponentKind, ComponentType
from phoenix_nb.collector.config import ComponentId, Settings
from phoenix_nb.interfaces.pipeline import ConfigSections, ServicePipeline

__all__ = ["CollectorConfig", "Component", "Pipeline"]


@dataclass(frozen=True, slots=True)
class Component:
    """One configured component."""

    id: ComponentId
    """Its id."""
    kind: ComponentKind
    """Its section."""
    type: ComponentType | None
    """What it is; ``None`` when the real collector has it and this engine does not."""
    settings: Settings | None
    """Its settings; ``None`` when the type is not supported."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One pipeline of the service."""

    id: ComponentId
    """Its id; the type is the signal."""
    receivers: tuple[ComponentId, ...]
    """Where payloads come from, connectors included."""
    processors: tuple[ComponentId, ...]
    """What happens to them, in order."""
    exporters: tuple[ComponentId, ...]
    """Where they go, connectors included."""


@dataclass(frozen=True, slots=True)
class CollectorConfig:
    """A valid configuration."""

    text: str
    """As written."""
    collector_version: str
    """Release whose rules were applied."""
    components: Mapping[ComponentKind, Mapping[ComponentId, Component]]
    """Every configured component by section."""
    pipelines: tuple[Pipeline, ...]
    """The service's pipelines in the order of the text."""
    feature_gates: Mapping[str, bool] = field(default_factory=dict)
    """Feature gates that were switched, by name."""
    resource: Mapping[str, str] = field(default_factory=dict)
    """Attributes of the collector itself (``service::telemetry::resource``)."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """The variables that it was expanded with."""
    warnings: tuple[ConfigProblem, ...] = ()
    """Findings that do not make it invalid."""

    @property
    def sections(self) -> ConfigSections:
        """The ids of everything in it."""

        def ids(kind: ComponentKind) -> tuple[str, ...]:
            return tuple(str(key) for key in self.components.get(kind, {}))

        return ConfigSections(
            receivers=ids(ComponentKind.RECEIVER),
            processors=ids(ComponentKind.PROCESSOR),
            exporters=ids(ComponentKind.EXPORTER),
            connectors=ids(ComponentKind.CONNECTOR),
            extensions=ids(ComponentKind.EXTENSION),
            pipelines=tuple(
                ServicePipeline(
                    id=str(pipeline.id),
                    receivers=tuple(map(str, pipeline.receivers)),
                    processors=tuple(map(str, pipeline.processors)),
                    exporters=tuple(map(str, pipeline.exporters)),
                )
                for pipeline in self.pipelines
            ),
        )

    @property
    def metrics_pipelines(self) -> tuple[Pipeline, ...]:
        """The pipelines that this engine runs."""
        return tuple(pipeline for pipeline in self.pipelines if pipeline.id.type == "metrics")
