"""Pipelines: stored configurations, the catalogue's, and what is deployed where."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from phoenix_nb.collector import catalog
from phoenix_nb.errors import ConflictError, InvalidRequestError, NotFoundError
from phoenix_nb.interfaces import (
    Clock,
    ConfigDeployed,
    ConfigGenerator,
    Context,
    CreatePipelineRequest,
    DeploymentChanged,
    DeploymentPhase,
    DeploymentStatus,
    IdFactory,
    NodeStatus,
    Pipeline,
    PipelineConfig,
    PipelineCreated,
    PipelineDeleted,
    PipelineDeployment,
    PipelineFilter,
    PipelineList,
    PipelineOperator,
    PipelineStatusChanged,
    PipelineStore,
    PipelineTemplate,
    PipelineValidated,
    TemplateCatalog,
    ValidationResult,
)
from phoenix_nb.services._configs import ConfigCompiler
from phoenix_nb.services._publisher import Publisher
from phoenix_nb.services._templates import config_error

__all__ = ["Deployer", "StoredPipelineService"]

_SHIPPED = datetime(2026, 11, 24, tzinfo=UTC)
"""When the catalogue of this version was made."""
_PHASES = (
    DeploymentPhase.FAILED,
    DeploymentPhase.REMOVED,
    DeploymentPhase.PENDING,
    DeploymentPhase.DEPLOYED,
)
"""Least advanced first."""


class Deployer:
    """Puts a configuration on targets and tells what changed.

    Args:
        operator: keeps what is deployed.
        publisher: tells.
        clock: times of deployments.
        ids: their ids.
    """

    def __init__(
        self, operator: PipelineOperator, publisher: Publisher, clock: Clock, ids: IdFactory
    ) -> None:
        self._operator = operator
        self._publisher = publisher
        self._clock = clock
        self._ids = ids

    async def deploy(
        self,
        ctx: Context,
        pipeline_id: str,
        yaml: str,
        target: str,
        *,
        experiment_id: str = "",
        reason: str = "",
    ) -> PipelineDeployment:
        """Make a configuration the current one of a target."""
        before = await self._operator.current_deployment(ctx, target)
        now = self._clock.now()
        made = await self._operator.deploy_pipeline(
            ctx,
            PipelineDeployment(
                id=self._ids.new("dep"),
                pipeline_id=pipeline_id,
                target=target,
                phase=DeploymentPhase.PENDING,
                yaml=yaml,
                experiment_id=experiment_id,
                reason=reason,
                deployed_by=ctx.principal,
                created_at=now,
                updated_at=now,
            ),
        )
        same = before is not None and before.pipeline_id == pipeline_id
        await self._tell(ctx, made, before.phase.value if same and before is not None else "")
        return made

    async def remove(self, ctx: Context, deployment_id: str) -> PipelineDeployment:
        """Leave a target without any configuration."""
        before = await self._operator.get_pipeline_deployment(ctx, deployment_id)
        removed = await self._operator.delete_pipeline(ctx, deployment_id)
        await self._tell(ctx, removed, before.phase.value)
        return removed

    async def _tell(self, ctx: Context, made: PipelineDeployment, phase_before: str) -> None:
        digest = hashlib.sha256(made.yaml.encode()).hexdigest()
        await self._publisher.publish(
            ctx,
            made.pipeline_id,
            DeploymentChanged(
                deployment_id=made.id,
                pipeline_id=made.pipeline_id,
                target=made.target,
                phase=made.phase.value,
                experiment_id=made.experiment_id,
                reason=made.reason,
            ),
            ConfigDeployed(deployment_id=made.id, target=made.target, sha256=digest),
            PipelineStatusChanged(
                pipeline_id=made.pipeline_id, from_phase=phase_before, to_phase=made.phase.value
            ),
        )


class StoredPipelineService:
    """Pipelines in a store, with the catalogue beside them (``PipelineService``).

    Args:
        store: keeps pipelines.
        operator: keeps what is deployed.
        templates: the catalogue.
        generator: makes configurations.
        compiler: checks them.
        deployer: puts them on targets.
        publisher: tells what happened.
        clock: times.
        ids: ids of pipelines.
    """

    def __init__(
        self,
        store: PipelineStore,
        operator: PipelineOperator,
        templates: TemplateCatalog,
        generator: ConfigGenerator,
        compiler: ConfigCompiler,
        deployer: Deployer,
        publisher: Publisher,
        clock: Clock,
        ids: IdFactory,
    ) -> None:
        self._store = store
        self._operator = operator
        self._templates = templates
        self._generator = generator
        self._compiler = compiler
        self._deployer = deployer
        self._publisher = publisher
        self._clock = clock
        self._ids = ids

    async def create_pipeline(self, ctx: Context, request: CreatePipelineRequest) -> Pipeline:
        config = await self._config(ctx, request)
        found = await self._compiler.validate(config)
        if not found.valid:
            raise config_error(found.problems)
        if request.name in catalog.names():
            raise ConflictError(
                f"{request.name!r} is the name of a catalogue entry",
                hint="choose another name",
                details={"name": request.name},
            )
        now = self._clock.now()
        made = await self._store.create_pipeline(
            ctx,
            Pipeline(
                id=self._ids.new("pip"),
                name=request.name,
                description=request.description,
                type=request.type,
                config=config,
                template=request.template,
                variables=request.variables,
                created_at=now,
                updated_at=now,
                created_by=ctx.principal,
            ),
        )
        await self._publisher.publish(
            ctx,
            made.id,
            PipelineCreated(pipeline_id=made.id, name=made.name),
            PipelineValidated(pipeline_id=made.id, valid=True),
        )
        return made

    async def _config(self, ctx: Context, request: CreatePipelineRequest) -> PipelineConfig:
        if (request.config is None) == (not request.template):
            raise InvalidRequestError(
                "a pipeline needs either a template or a configuration",
                hint="give the one or the other, not both",
            )
        if request.config is not None:
            if request.variables:
                raise InvalidRequestError("variables need a template", hint="leave them out")
            return request.config
        return await self._generator.apply_template(ctx, request.template, request.variables)

    async def get_pipeline(self, ctx: Context, pipeline_id: str) -> Pipeline:
        if pipeline_id in catalog.names():
            return _entry(await self._templates.get_template(ctx, pipeline_id))
        try:
            return await self._store.get_pipeline(ctx, pipeline_id)
        except NotFoundError as exc:
            raise NotFoundError(
                f"there is no pipeline {pipeline_id!r}",
                hint=f"the catalogue has {', '.join(catalog.names())}; `phoenix pipeline list` shows all",
                details={"pipeline": pipeline_id},
            ) from exc

    async def list_pipelines(self, ctx: Context, filter: PipelineFilter) -> PipelineList:  # noqa: A002
        return await self._store.list_pipelines(ctx, filter)

    async def validate_pipeline(self, ctx: Context, config: PipelineConfig) -> ValidationResult:
        ctx.check()
        found = await self._compiler.validate(config)
        await self._publisher.publish(ctx, "", PipelineValidated(pipeline_id="", valid=found.valid))
        return found

    async def deploy_pipeline(
        self, ctx: Context, pipeline_id: str, targets: Sequence[str]
    ) -> DeploymentStatus:
        if not targets or not all(target.strip() for target in targets):
            raise InvalidRequestError("no target was named", hint="name at least one node, for example local")
        pipeline = await self.get_pipeline(ctx, pipeline_id)
        made = await self._generator.generate_config(ctx, pipeline)
        for target in dict.fromkeys(targets):
            await self._deployer.deploy(ctx, pipeline.id, made.yaml, target)
        return await self.get_pipeline_status(ctx, pipeline.id)

    async def get_pipeline_status(self, ctx: Context, pipeline_id: str) -> DeploymentStatus:
        pipeline = await self.get_pipeline(ctx, pipeline_id)
        current = await self._operator.list_pipeline_deployments(
            ctx, pipeline_id=pipeline.id, current_only=True
        )
        if not current:
            raise NotFoundError(
                f"the pipeline {pipeline.name} is deployed nowhere",
                hint="deploy it first",
                details={"pipeline": pipeline.id},
            )
        nodes = sorted(
            (
                NodeStatus(
                    target=one.target,
                    deployment_id=one.id,
                    phase=one.phase,
                    message=one.message,
                    updated_at=one.updated_at,
                )
                for one in current
            ),
            key=lambda node: node.target,
        )
        least = min((node.phase for node in nodes), key=_PHASES.index)
        return DeploymentStatus(pipeline_id=pipeline.id, phase=least, nodes=tuple(nodes))

    async def delete_pipeline(self, ctx: Context, pipeline_id: str) -> None:
        if pipeline_id in catalog.names():
            raise ConflictError(
                f"{pipeline_id} belongs to the catalogue", hint="catalogue entries cannot be deleted"
            )
        pipeline = await self.get_pipeline(ctx, pipeline_id)
        deployed = await self._operator.list_pipeline_deployments(
            ctx, pipeline_id=pipeline.id, current_only=True
        )
        if deployed:
            where = ", ".join(sorted(one.target for one in deployed))
            raise ConflictError(
                f"the pipeline {pipeline.name} is deployed on {where}",
                hint="deploy another one there first",
                details={"pipeline": pipeline.id},
            )
        await self._store.delete_pipeline(ctx, pipeline.id)
        await self._publisher.publish(ctx, pipeline.id, PipelineDeleted(pipeline_id=pipeline.id))


def _entry(template: PipelineTemplate) -> Pipeline:
    return Pipeline(
        id=template.name,
        name=template.name,
        description=template.title,
        type=template.type,
        config=PipelineConfig(yaml=template.yaml),
        template=template.name,
        created_at=_SHIPPED,
        updated_at=_SHIPPED,
        created_by="phoenix",
    )
