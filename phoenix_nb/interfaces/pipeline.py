"""Pipelines: collector configurations, their templates, and what is deployed where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Literal, Protocol, runtime_checkable

from pydantic import Field

from phoenix_nb.interfaces._context import Context
from phoenix_nb.interfaces._value import Pairs, Timestamp, Value
from phoenix_nb.interfaces.experiment import Description, EngineKind, Name
from phoenix_nb.interfaces.optimization import OptimizationRequest, OptimizedConfig

__all__ = [
    "ConfigGenerator",
    "ConfigSections",
    "CreatePipelineRequest",
    "DeploymentPhase",
    "DeploymentStatus",
    "GeneratedConfig",
    "NodeStatus",
    "Pipeline",
    "PipelineConfig",
    "PipelineDeployment",
    "PipelineFilter",
    "PipelineList",
    "PipelineOperator",
    "PipelineService",
    "PipelineTemplate",
    "PipelineType",
    "Problem",
    "ServicePipeline",
    "Severity",
    "TemplateCatalog",
    "TemplateVariable",
    "ValidationResult",
]


class PipelineType(StrEnum):
    """What a pipeline works on."""

    PROCESS = "process"
    CUSTOM = "custom"


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    """The collector refuses the configuration."""
    WARNING = "warning"
    """It runs, but probably not as meant."""


class Problem(Value):
    """One finding in a configuration."""

    path: str
    """Where, as ``path::to::key``; empty for the whole text."""
    message: str
    """What is wrong, in the collector's words where it has some."""
    code: str
    """Kind of finding, for programs."""
    severity: Severity = Severity.ERROR
    """How bad it is."""
    hint: str = ""
    """What to do about it; may be empty."""

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        return f"{where}{self.message} [{self.code}]"


class ServicePipeline(Value):
    """One pipeline of a configuration's ``service`` section, by component ids."""

    id: str
    """For example ``metrics`` or ``metrics/critical``."""
    receivers: tuple[str, ...]
    """Where payloads come from, connectors included."""
    processors: tuple[str, ...] = ()
    """What happens to them, in order."""
    exporters: tuple[str, ...]
    """Where they go, connectors included."""


class ConfigSections(Value):
    """What is in a configuration, by component ids in the order of the text."""

    receivers: tuple[str, ...] = ()
    """Configured receivers."""
    processors: tuple[str, ...] = ()
    """Configured processors."""
    exporters: tuple[str, ...] = ()
    """Configured exporters."""
    connectors: tuple[str, ...] = ()
    """Configured connectors."""
    extensions: tuple[str, ...] = ()
    """Configured extensions."""
    pipelines: tuple[ServicePipeline, ...] = ()
    """The service's pipelines."""


class ValidationResult(Value):
    """What a check of a configuration found."""

    valid: bool
    """Whether the collector would take it."""
    problems: tuple[Problem, ...] = ()
    """Every finding, errors first."""
    sections: ConfigSections | None = None
    """What the parser understood; ``None`` when the text is not valid."""


class PipelineConfig(Value):
    """A collector configuration as text; the text is the truth, nothing is re-written."""

    yaml: str = Field(min_length=1)
    """The whole collector configuration."""
    collector_version: str = Field(default="0.159.0", pattern=r"^\d+\.\d+\.\d+$")
    """Collector release whose defaults and rules apply."""
    engine: EngineKind = EngineKind.EMBEDDED
    """What runs it."""


class Pipeline(Value):
    """A stored configuration."""

    id: str
    """``pip_`` and a ULID, or the name of a catalogue entry."""
    name: Name
    """A name people choose; unique among stored pipelines."""
    description: Description = ""
    """Free text."""
    type: PipelineType = PipelineType.PROCESS
    """What it works on."""
    config: PipelineConfig
    """The configuration."""
    template: str = ""
    """Name of the template it was made from; empty when none."""
    variables: Pairs = Field(default_factory=dict)
    """Values that the template was filled with."""
    created_at: Timestamp
    """When it was stored."""
    updated_at: Timestamp
    """When it last changed."""
    created_by: str
    """Principal that stored it."""
    version: int = Field(default=1, ge=1)
    """Grows by one at every change."""


class TemplateVariable(Value):
    """One thing to fill in."""

    name: str
    """Its name."""
    description: str
    """What it means, with its unit."""
    type: Literal["string", "number", "boolean"] = "string"
    """How its text is read."""
    default: str | None = None
    """What it is when nothing is given; ``None`` means that it must be given."""
    valid_values: tuple[str, ...] = ()
    """The only values it may have; empty means any."""


class PipelineTemplate(Value):
    """An entry of the catalogue."""

    name: str
    """What commands take, for example ``process-priority-v1``."""
    title: str
    """One line."""
    description: str
    """What is kept and what is dropped."""
    type: PipelineType = PipelineType.PROCESS
    """What it works on."""
    variables: tuple[TemplateVariable, ...] = ()
    """What can be filled in."""
    yaml: str
    """The configuration with every default filled in; valid for a stock collector."""


class GeneratedConfig(Value):
    """A configuration made for a pipeline."""

    yaml: str
    """The configuration."""
    sha256: str
    """SHA-256 of its UTF-8 bytes, hexadecimal."""
    problems: tuple[Problem, ...] = ()
    """Warnings of the check; errors raise instead."""


class CreatePipelineRequest(Value):
    """What it takes to store a pipeline: a template or a configuration."""

    name: Name
    """A name people choose."""
    description: Description = ""
    """Free text."""
    type: PipelineType = PipelineType.PROCESS
    """What it works on."""
    template: str = ""
    """Catalogue entry to start from; empty when ``config`` is given."""
    variables: Pairs = Field(default_factory=dict)
    """Values for the template."""
    config: PipelineConfig | None = None
    """A configuration of one's own."""


class PipelineFilter(Value):
    """Which pipelines to list: OR inside a field, AND between fields."""

    types: tuple[PipelineType, ...] = ()
    """Any of these; empty means all."""
    template: str = ""
    """Only those made from it."""
    created_by: str | None = None
    """Only those of this principal."""
    page_size: int = Field(default=50, ge=1, le=1000)
    """Most items of one answer."""
    page_token: str = ""
    """Where the last answer ended; empty begins."""


class PipelineList(Value):
    """One page of pipelines, newest first."""

    pipelines: tuple[Pipeline, ...]
    """The items."""
    next_page_token: str = ""
    """Continues the list; empty at its end."""
    total_count: int = Field(ge=0)
    """Items in all pages."""


class DeploymentPhase(StrEnum):
    """How far a deployment is."""

    PENDING = "pending"
    DEPLOYED = "deployed"
    FAILED = "failed"
    REMOVED = "removed"


class PipelineDeployment(Value):
    """One pipeline on one target."""

    id: str
    """``dep_`` and a ULID."""
    pipeline_id: str
    """What is deployed."""
    target: str
    """Where."""
    phase: DeploymentPhase
    """How far it is."""
    message: str = ""
    """Why, when it failed."""
    yaml: str
    """The exact text that was deployed."""
    previous_id: str = ""
    """The deployment it replaced on this target; empty when there was none."""
    experiment_id: str = ""
    """The experiment that asked for it; empty when a person did."""
    reason: str = ""
    """Why it was deployed."""
    deployed_by: str
    """Principal."""
    created_at: Timestamp
    """When it was asked for."""
    updated_at: Timestamp
    """When its phase last changed."""


class NodeStatus(Value):
    """How a deployment stands on one target."""

    target: str
    """Where."""
    deployment_id: str
    """Which deployment."""
    phase: DeploymentPhase
    """How far it is."""
    message: str = ""
    """Why, when it failed."""
    updated_at: Timestamp
    """When its phase last changed."""


class DeploymentStatus(Value):
    """How a pipeline stands on all its targets."""

    pipeline_id: str
    """Which pipeline."""
    phase: DeploymentPhase
    """The least advanced phase of its targets."""
    nodes: tuple[NodeStatus, ...]
    """One entry per target."""


@runtime_checkable
class PipelineService(Protocol):
    """Pipeline configuration and deployment.

    Promised: only valid configurations are stored; catalogue entries are pipelines whose id is their name, always there
    and never deletable. Not promised: that a deployment has reached a collector that this process does not run: a
    target is a name with a recorded current and previous configuration.
    """

    async def create_pipeline(self, ctx: Context, request: CreatePipelineRequest) -> Pipeline:
        """Check and store a pipeline.

        Raises:
            ConfigError: the configuration is not valid.
            ConflictError: the name is taken.
            NotFoundError: the template is unknown.
        """
        ...

    async def get_pipeline(self, ctx: Context, pipeline_id: str) -> Pipeline:
        """A pipeline by id or by name.

        Raises:
            NotFoundError: no such pipeline.
        """
        ...

    async def list_pipelines(self, ctx: Context, filter: PipelineFilter) -> PipelineList:  # noqa: A002
        """One page of stored pipelines, newest first; the catalogue is :class:`TemplateCatalog`'s."""
        ...

    async def validate_pipeline(self, ctx: Context, config: PipelineConfig) -> ValidationResult:
        """Check a configuration; problems are an answer, not an error."""
        ...

    async def deploy_pipeline(
        self, ctx: Context, pipeline_id: str, targets: Sequence[str]
    ) -> DeploymentStatus:
        """Make a pipeline the current one on targets; what was current is kept as the previous one.

        Raises:
            NotFoundError: no such pipeline.
            InvalidRequestError: no target was named.
        """
        ...

    async def get_pipeline_status(self, ctx: Context, pipeline_id: str) -> DeploymentStatus:
        """How a pipeline stands on the targets where it is the current one.

        Raises:
            NotFoundError: no such pipeline, or it is deployed nowhere.
        """
        ...

    async def delete_pipeline(self, ctx: Context, pipeline_id: str) -> None:
        """Forget a stored pipeline.

        Raises:
            NotFoundError: no such pipeline.
            ConflictError: it is deployed somewhere, or it belongs to the catalogue.
        """
        ...


@runtime_checkable
class TemplateCatalog(Protocol):
    """Ready-made pipelines."""

    async def list_templates(self, ctx: Context) -> Sequence[PipelineTemplate]:
        """All entries, sorted by name."""
        ...

    async def get_template(self, ctx: Context, name: str) -> PipelineTemplate:
        """One entry.

        Raises:
            NotFoundError: no such entry.
        """
        ...


@runtime_checkable
class ConfigGenerator(Protocol):
    """Makes collector configurations."""

    async def generate_config(self, ctx: Context, pipeline: Pipeline) -> GeneratedConfig:
        """The text to deploy for a pipeline.

        Raises:
            ConfigError: it is not valid.
        """
        ...

    async def apply_template(self, ctx: Context, name: str, variables: Mapping[str, str]) -> PipelineConfig:
        """A catalogue entry with values filled in.

        The value ``recording:PATH`` of a variable that ranks or measures processes (``PHOENIX_TOP_PROCESSES``,
        ``PHOENIX_MIN_MEMORY_BYTES``, ``PHOENIX_MIN_CPU_SECONDS``) is learned from that recording.

        Raises:
            NotFoundError: no such entry.
            InvalidRequestError: a variable is unknown, missing or not one of its valid values.
            SourceError: the recording cannot be read.
        """
        ...

    async def optimize_config(self, ctx: Context, request: OptimizationRequest) -> OptimizedConfig:
        """The configuration that saves what is asked and loses least, learned from a recording.

        Promised: it was run on the recording, saves at least the target there and in the half it was not learned from,
        and covers every critical process; the same request gives the same text. Not promised: that no better one
        exists, or that another host saves as much.

        Raises:
            SourceError: the recording cannot be read.
            InvalidRequestError: the request contradicts itself, or the recording is too short.
            ConflictError: the target cannot be reached; ``details["best"]`` is the best found.
            ConfigError: the base configuration cannot be used.
        """
        ...


@runtime_checkable
class PipelineOperator(Protocol):
    """Keeps what is deployed on targets.

    Promised: per target there is at most one current deployment, and every former one can be found. Not promised: any
    check of the configuration.
    """

    async def deploy_pipeline(self, ctx: Context, deployment: PipelineDeployment) -> PipelineDeployment:
        """Make it the current deployment of its target; returns it as it then stands."""
        ...

    async def get_pipeline_deployment(self, ctx: Context, deployment_id: str) -> PipelineDeployment:
        """One deployment, current or former.

        Raises:
            NotFoundError: no such deployment.
        """
        ...

    async def current_deployment(self, ctx: Context, target: str) -> PipelineDeployment | None:
        """What is deployed on a target now; ``None`` when nothing is."""
        ...

    async def list_pipeline_deployments(
        self, ctx: Context, *, pipeline_id: str = "", target: str = "", current_only: bool = False
    ) -> Sequence[PipelineDeployment]:
        """Deployments, newest first; empty text means any."""
        ...

    async def delete_pipeline(self, ctx: Context, deployment_id: str) -> PipelineDeployment:
        """Remove a deployment from its target, which then has none; the record is kept.

        Raises:
            NotFoundError: no such deployment.
        """
        ...
