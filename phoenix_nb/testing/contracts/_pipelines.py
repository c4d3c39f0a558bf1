"""Contracts of pipelines, templates, generated configurations and deployments."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import ClassVar

import pytest

from phoenix_nb.errors import ConfigError, ConflictError, InvalidRequestError, NotFoundError, SourceError
from phoenix_nb.interfaces import (
    ConfigGenerator,
    CreatePipelineRequest,
    DeploymentPhase,
    OptimizationRequest,
    PipelineConfig,
    PipelineDeployment,
    PipelineFilter,
    PipelineOperator,
    PipelineService,
    Severity,
    TemplateCatalog,
)
from phoenix_nb.simulation import simulate
from phoenix_nb.sources import write_recording
from phoenix_nb.testing.contracts._base import CTX, Contract
from phoenix_nb.testing.samples import PIPELINE_YAML, T0, sample_pipeline

__all__ = [
    "ConfigGeneratorContract",
    "PipelineOperatorContract",
    "PipelineServiceContract",
    "TemplateCatalogContract",
]

_BROKEN = "receivers:\n  nonsense:\nservice:\n  pipelines: {}\n"


class PipelineServiceContract(Contract):
    """Fixtures: ``subject``, a service whose only pipelines are the catalogue's."""

    interface = PipelineService
    yaml: ClassVar[str] = PIPELINE_YAML
    """A valid configuration."""
    template: ClassVar[str] = "process-priority-v1"
    """Name of a catalogue entry."""

    def _request(self, name: str = "my pipeline") -> CreatePipelineRequest:
        return CreatePipelineRequest(name=name, config=PipelineConfig(yaml=self.yaml))

    async def test_a_created_pipeline_is_found_by_id_and_by_name(self, subject: PipelineService) -> None:
        made = await subject.create_pipeline(CTX, self._request())
        assert made.id.startswith("pip_")
        assert made.config.yaml == self.yaml
        assert made.created_by == CTX.principal
        assert await subject.get_pipeline(CTX, made.id) == made
        assert await subject.get_pipeline(CTX, "my pipeline") == made

    async def test_a_template_makes_a_pipeline(self, subject: PipelineService) -> None:
        made = await subject.create_pipeline(
            CTX, CreatePipelineRequest(name="from template", template=self.template)
        )
        assert made.template == self.template
        assert (await subject.validate_pipeline(CTX, made.config)).valid

    async def test_what_cannot_be_a_pipeline_is_refused_and_not_stored(
        self, subject: PipelineService
    ) -> None:
        await subject.create_pipeline(CTX, self._request("taken"))
        with pytest.raises(ConflictError):
            await subject.create_pipeline(CTX, self._request("taken"))
        broken = CreatePipelineRequest(name="broken", config=PipelineConfig(yaml=_BROKEN))
        with pytest.raises(ConfigError):
            await subject.create_pipeline(CTX, broken)
        with pytest.raises(NotFoundError):
            await subject.create_pipeline(
                CTX, CreatePipelineRequest(name="lost", template="no-such-template")
            )
        with pytest.raises(InvalidRequestError):
            await subject.create_pipeline(CTX, CreatePipelineRequest(name="empty"))
        listed = await subject.list_pipelines(CTX, PipelineFilter())
        assert [one.name for one in listed.pipelines] == ["taken"]

    async def test_lists_are_newest_first_in_pages(self, subject: PipelineService) -> None:
        for name in ("one", "two", "three"):
            await subject.create_pipeline(CTX, self._request(name))
        first = await subject.list_pipelines(CTX, PipelineFilter(page_size=2))
        rest = await subject.list_pipelines(
            CTX, PipelineFilter(page_size=2, page_token=first.next_page_token)
        )
        assert [one.name for one in (*first.pipelines, *rest.pipelines)] == ["three", "two", "one"]
        assert (first.total_count, rest.next_page_token) == (3, "")

    async def test_problems_are_an_answer(self, subject: PipelineService) -> None:
        good = await subject.validate_pipeline(CTX, PipelineConfig(yaml=self.yaml))
        assert good.valid
        assert all(problem.severity is Severity.WARNING for problem in good.problems)
        for text in (_BROKEN, "a: [", "- just\n- a list\n", "service: {}\n"):
            bad = await subject.validate_pipeline(CTX, PipelineConfig(yaml=text))
            assert not bad.valid
            assert bad.problems[0].severity is Severity.ERROR
            assert all(problem.message and problem.code for problem in bad.problems)

    async def test_catalogue_entries_are_pipelines_that_stay(self, subject: PipelineService) -> None:
        entry = await subject.get_pipeline(CTX, self.template)
        assert entry.id == self.template
        with pytest.raises(ConflictError):
            await subject.delete_pipeline(CTX, self.template)

    async def test_a_deployment_is_current_on_every_target(self, subject: PipelineService) -> None:
        made = await subject.create_pipeline(CTX, self._request())
        status = await subject.deploy_pipeline(CTX, made.id, ["node-a", "node-b"])
        assert status.pipeline_id == made.id
        assert status.phase is DeploymentPhase.DEPLOYED
        assert {node.target for node in status.nodes} == {"node-a", "node-b"}
        assert await subject.get_pipeline_status(CTX, made.id) == status
        await subject.deploy_pipeline(CTX, self.template, ["node-a"])
        left = await subject.get_pipeline_status(CTX, made.id)
        assert [node.target for node in left.nodes] == ["node-b"]
        with pytest.raises(ConflictError):
            await subject.delete_pipeline(CTX, made.id)

    async def test_what_cannot_be_deployed_is_refused(self, subject: PipelineService) -> None:
        made = await subject.create_pipeline(CTX, self._request())
        with pytest.raises(InvalidRequestError):
            await subject.deploy_pipeline(CTX, made.id, [])
        with pytest.raises(NotFoundError):
            await subject.deploy_pipeline(CTX, "pip_missing", ["node-a"])
        with pytest.raises(NotFoundError):
            await subject.get_pipeline_status(CTX, made.id)

    async def test_a_deleted_pipeline_is_gone(self, subject: PipelineService) -> None:
        made = await subject.create_pipeline(CTX, self._request())
        await subject.delete_pipeline(CTX, made.id)
        with pytest.raises(NotFoundError):
            await subject.get_pipeline(CTX, made.id)
        with pytest.raises(NotFoundError):
            await subject.delete_pipeline(CTX, made.id)


class TemplateCatalogContract(Contract):
    """Fixtures: ``subject``."""

    interface = TemplateCatalog

    async def test_entries_are_sorted_and_found_by_name(self, subject: TemplateCatalog) -> None:
        entries = await subject.list_templates(CTX)
        names = [entry.name for entry in entries]
        assert names == sorted(set(names))
        assert {"process-baseline-v1", "process-minimal-v1", "process-priority-v1"} <= set(names)
        for entry in entries:
            assert await subject.get_template(CTX, entry.name) == entry
            assert entry.title
            assert entry.description
            assert entry.yaml
        with pytest.raises(NotFoundError):
            await subject.get_template(CTX, "no-such-template")


class ConfigGeneratorContract(Contract):
    """Fixtures: ``subject``."""

    interface = ConfigGenerator
    yaml: ClassVar[str] = PIPELINE_YAML
    """A valid configuration."""
    template: ClassVar[str] = "process-priority-v1"
    """Name of a catalogue entry."""

    async def test_a_generated_text_carries_its_digest(self, subject: ConfigGenerator) -> None:
        pipeline = sample_pipeline(config=PipelineConfig(yaml=self.yaml))
        made = await subject.generate_config(CTX, pipeline)
        assert made.sha256 == hashlib.sha256(made.yaml.encode()).hexdigest()
        assert all(problem.severity is Severity.WARNING for problem in made.problems)
        assert await subject.generate_config(CTX, pipeline) == made

    async def test_an_invalid_pipeline_is_refused(self, subject: ConfigGenerator) -> None:
        with pytest.raises(ConfigError):
            await subject.generate_config(CTX, sample_pipeline(config=PipelineConfig(yaml=_BROKEN)))

    async def test_a_template_is_filled_in(self, subject: ConfigGenerator) -> None:
        config = await subject.apply_template(CTX, self.template, {})
        made = await subject.generate_config(CTX, sample_pipeline(config=config))
        assert made.yaml
        with pytest.raises(NotFoundError):
            await subject.apply_template(CTX, "no-such-template", {})
        with pytest.raises(InvalidRequestError):
            await subject.apply_template(CTX, self.template, {"no_such_variable": "1"})

    async def test_a_template_ranks_the_processes_of_a_recording(
        self, subject: ConfigGenerator, tmp_path: Path
    ) -> None:
        file = tmp_path / "host.jsonl"
        write_recording(file, simulate("realistic", seed=3, scrapes=12, every=10.0))
        learned = f"recording:{file}"
        listed = await subject.apply_template(CTX, "process-topk-v1", {})
        ranked = await subject.apply_template(CTX, "process-topk-v1", {"PHOENIX_TOP_PROCESSES": learned})
        assert ranked.yaml != listed.yaml
        assert learned not in ranked.yaml
        await subject.generate_config(CTX, sample_pipeline(config=ranked))
        for variable, value in (
            ("PHOENIX_MEMORY_LIMIT_MIB", learned),
            ("PHOENIX_TOP_PROCESSES", "recording:/no/such"),
        ):
            with pytest.raises((InvalidRequestError, NotFoundError, SourceError)):
                await subject.apply_template(CTX, "process-topk-v1", {variable: value})

    async def test_an_optimised_configuration_keeps_its_promise(
        self, subject: ConfigGenerator, tmp_path: Path
    ) -> None:
        file = tmp_path / "host.jsonl"
        write_recording(file, simulate("realistic", seed=3, scrapes=12, every=10.0))
        request = OptimizationRequest(recording=str(file), critical=("postgres*",), target=0.3)
        made = await subject.optimize_config(CTX, request)
        assert min(made.saving, made.unseen_saving) >= 0.3
        assert made.coverage.critical_units > 0
        assert made.coverage.covered == made.coverage.critical_units
        generated = await subject.generate_config(CTX, sample_pipeline(config=PipelineConfig(yaml=made.yaml)))
        assert generated.yaml
        with pytest.raises(ConflictError) as refused:
            await subject.optimize_config(
                CTX, request.model_copy(update={"critical": ("*",), "target": 0.99})
            )
        assert "best" in refused.value.details
        with pytest.raises(SourceError):
            await subject.optimize_config(
                CTX, request.model_copy(update={"recording": str(tmp_path / "missing.jsonl")})
            )


class PipelineOperatorContract(Contract):
    """Fixtures: ``subject``, an operator with nothing deployed."""

    interface = PipelineOperator

    @staticmethod
    def _deployment(number: int, target: str = "node-a", pipeline: int = 1) -> PipelineDeployment:
        return PipelineDeployment(
            id=f"dep_{number:026d}",
            pipeline_id=sample_pipeline(pipeline).id,
            target=target,
            phase=DeploymentPhase.PENDING,
            yaml=PIPELINE_YAML,
            deployed_by="contract",
            created_at=T0,
            updated_at=T0,
        )

    async def test_there_is_one_current_deployment_per_target(self, subject: PipelineOperator) -> None:
        assert await subject.current_deployment(CTX, "node-a") is None
        first = await subject.deploy_pipeline(CTX, self._deployment(1))
        assert first.phase is DeploymentPhase.DEPLOYED
        assert await subject.current_deployment(CTX, "node-a") == first
        second = await subject.deploy_pipeline(CTX, self._deployment(2, pipeline=2))
        assert second.previous_id == first.id
        assert await subject.current_deployment(CTX, "node-a") == second
        current = await subject.list_pipeline_deployments(CTX, target="node-a", current_only=True)
        assert [one.id for one in current] == [second.id]

    async def test_former_deployments_are_found(self, subject: PipelineOperator) -> None:
        first = await subject.deploy_pipeline(CTX, self._deployment(1))
        await subject.deploy_pipeline(CTX, self._deployment(2))
        assert (await subject.get_pipeline_deployment(CTX, first.id)).yaml == PIPELINE_YAML
        listed = await subject.list_pipeline_deployments(CTX, target="node-a")
        assert {one.id for one in listed} == {self._deployment(number).id for number in (1, 2)}
        with pytest.raises(NotFoundError):
            await subject.get_pipeline_deployment(CTX, "dep_missing")

    async def test_lists_are_by_pipeline_and_target(self, subject: PipelineOperator) -> None:
        await subject.deploy_pipeline(CTX, self._deployment(1))
        await subject.deploy_pipeline(CTX, self._deployment(2, target="node-b", pipeline=2))
        by_pipeline = await subject.list_pipeline_deployments(CTX, pipeline_id=sample_pipeline(2).id)
        assert [one.target for one in by_pipeline] == ["node-b"]
        assert len(await subject.list_pipeline_deployments(CTX)) == 2
        assert not await subject.list_pipeline_deployments(CTX, target="node-c")

    async def test_a_removed_deployment_leaves_its_record(self, subject: PipelineOperator) -> None:
        first = await subject.deploy_pipeline(CTX, self._deployment(1))
        removed = await subject.delete_pipeline(CTX, first.id)
        assert removed.phase is DeploymentPhase.REMOVED
        assert await subject.current_deployment(CTX, "node-a") is None
        assert (await subject.get_pipeline_deployment(CTX, first.id)).phase is DeploymentPhase.REMOVED
        with pytest.raises(NotFoundError):
            await subject.delete_pipeline(CTX, "dep_missing")
