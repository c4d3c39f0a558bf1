"""Contracts of experiments."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any, ClassVar

import pytest

from phoenix_nb.errors import InvalidRequestError, NotFoundError, TransitionError
from phoenix_nb.interfaces import (
    CreateExperimentRequest,
    Experiment,
    ExperimentConfig,
    ExperimentControl,
    ExperimentFilter,
    ExperimentService,
    ExperimentState,
    UpdateExperimentRequest,
)
from phoenix_nb.testing.contracts._base import CTX, Contract, eventually

__all__ = ["ExperimentControlContract", "ExperimentServiceContract", "RunsExperiments"]

_LONGEST = 60.0
"""Seconds that a quick run may take on a busy machine."""


class RunsExperiments(Contract):
    """What the contracts of everything around experiments share: requests for a quick and for a slow run."""

    baseline: ClassVar[str] = "process-baseline-v1"
    """Id of the baseline pipeline."""
    candidate: ClassVar[str] = "process-minimal-v1"
    """Id of the candidate pipeline."""

    def quick(self, **changes: Any) -> CreateExperimentRequest:
        """A run over simulated processes that ends by itself within seconds."""
        config = ExperimentConfig(source="sim:realistic", every_seconds=10.0, duration_seconds=300.0, seed=7)
        return self._request(config, changes)

    def slow(self, **changes: Any) -> CreateExperimentRequest:
        """A run that goes on until somebody ends it."""
        config = ExperimentConfig(source="host", every_seconds=0.25, duration_seconds=600.0)
        return self._request(config, changes)

    def _request(self, config: ExperimentConfig, changes: dict[str, Any]) -> CreateExperimentRequest:
        values: dict[str, Any] = {
            "name": "contract",
            "baseline_pipeline": self.baseline,
            "candidate_pipeline": self.candidate,
            "config": config,
        }
        return CreateExperimentRequest(**{**values, **changes})

    async def finished(self, service: ExperimentService, **changes: Any) -> Experiment:
        """A quick experiment that was run to its end."""
        made = await service.create_experiment(CTX, self.quick(**changes))
        return await self.run_to_end(service, made.id)

    async def run_to_end(self, service: ExperimentService, experiment_id: str) -> Experiment:
        """Start an experiment and wait for its terminal state."""
        await service.start_experiment(CTX, experiment_id)
        last = None
        async with asyncio.timeout(_LONGEST):
            async for update in await service.watch_experiment(CTX, experiment_id):
                last = update.experiment
        assert last is not None
        assert last.terminal, f"the watch ended although the experiment is {last.state}"
        return last


class ExperimentServiceContract(RunsExperiments):
    """Fixtures: ``subject``, a service without experiments that knows the pipelines ``baseline`` and ``candidate``."""

    interface = ExperimentService

    async def test_a_created_experiment_is_pending(self, subject: ExperimentService) -> None:
        made = await subject.create_experiment(CTX, self.quick(description="why"))
        assert made.id.startswith("exp_")
        assert made.state is ExperimentState.PENDING
        assert (made.description, made.created_by, made.results) == ("why", CTX.principal, None)
        assert await subject.get_experiment(CTX, made.id) == made

    async def test_the_same_key_never_creates_twice(self, subject: ExperimentService) -> None:
        made = await subject.create_experiment(CTX, self.quick(idempotency_key="k"))
        assert await subject.create_experiment(CTX, self.quick(idempotency_key="k")) == made
        assert (await subject.list_experiments(CTX, ExperimentFilter())).total_count == 1

    async def test_unknown_things_are_not_found(self, subject: ExperimentService) -> None:
        with pytest.raises(NotFoundError):
            await subject.create_experiment(CTX, self.quick(candidate_pipeline="no-such-pipeline"))
        for call in (
            subject.get_experiment,
            subject.delete_experiment,
            subject.start_experiment,
            subject.stop_experiment,
            subject.get_experiment_results,
            subject.promote_experiment,
            subject.watch_experiment,
        ):
            with pytest.raises(NotFoundError):
                await call(CTX, "exp_missing")
        with pytest.raises(NotFoundError):
            await subject.update_experiment(CTX, "exp_missing", UpdateExperimentRequest(name="new name"))
        assert (await subject.list_experiments(CTX, ExperimentFilter())).total_count == 0

    async def test_it_changes_until_it_is_started(self, subject: ExperimentService) -> None:
        made = await subject.create_experiment(CTX, self.quick())
        with pytest.raises(NotFoundError):
            await subject.get_experiment_results(CTX, made.id)
        with pytest.raises(TransitionError):
            await subject.promote_experiment(CTX, made.id)
        with pytest.raises(TransitionError):
            await subject.stop_experiment(CTX, made.id)
        changed = await subject.update_experiment(CTX, made.id, UpdateExperimentRequest(name="new name"))
        assert (changed.name, changed.config, changed.version) == ("new name", made.config, made.version + 1)
        await self.run_to_end(subject, made.id)
        with pytest.raises(TransitionError):
            await subject.update_experiment(CTX, made.id, UpdateExperimentRequest(name="too late"))

    async def test_a_run_ends_with_results_and_a_reason(self, subject: ExperimentService) -> None:
        made = await subject.create_experiment(CTX, self.quick())
        started = await subject.start_experiment(CTX, made.id)
        assert started.state is not ExperimentState.PENDING
        ended = await self.run_to_end(subject, made.id) if not started.terminal else started
        assert ended.state is ExperimentState.COMPLETED, ended.state_reason
        assert ended.state_reason
        assert ended.completed_at is not None
        assert ended.started_at is not None
        results = await subject.get_experiment_results(CTX, made.id)
        assert results == ended.results
        assert results.intervals > 0
        assert results.verdict.reason
        points = results.window.points
        assert points.baseline is not None
        assert points.candidate is not None
        assert points.reduction == pytest.approx(1 - points.candidate / points.baseline)
        with pytest.raises(TransitionError):
            await subject.start_experiment(CTX, made.id)
        assert await subject.stop_experiment(CTX, made.id) == await subject.get_experiment(CTX, made.id)

    async def test_a_watcher_misses_no_interval(self, subject: ExperimentService) -> None:
        made = await subject.create_experiment(CTX, self.quick())
        stream = await subject.watch_experiment(CTX, made.id)
        await subject.start_experiment(CTX, made.id)
        updates = []
        async with asyncio.timeout(_LONGEST):
            async for update in stream:
                updates.append(update)
                await asyncio.sleep(0.01)
        assert updates[0].from_interval == 0
        for before, after in itertools.pairwise(updates):
            assert after.from_interval == before.to_interval
        last = updates[-1]
        assert last.experiment.terminal
        assert last.to_interval == (await subject.get_experiment_results(CTX, made.id)).intervals
        assert last.experiment == await subject.get_experiment(CTX, made.id)

    async def test_the_same_seed_gives_the_same_figures(self, subject: ExperimentService) -> None:
        one = (await self.finished(subject)).results
        two = (await self.finished(subject)).results
        assert one is not None
        assert two is not None
        assert (one.window, one.verdict, one.coverage) == (two.window, two.verdict, two.coverage)

    async def test_a_run_stopped_early_is_judged(self, subject: ExperimentService) -> None:
        made = await subject.create_experiment(CTX, self.slow())
        await subject.start_experiment(CTX, made.id)
        await eventually(
            lambda: subject.get_experiment(CTX, made.id), lambda now: now.state is ExperimentState.RUNNING
        )
        running = await subject.get_experiment(CTX, made.id)
        assert (await subject.start_experiment(CTX, made.id)).started_at == running.started_at
        with pytest.raises(TransitionError):
            await subject.delete_experiment(CTX, made.id)
        await asyncio.sleep(1.5)
        ended = await subject.stop_experiment(CTX, made.id)
        assert ended.state is ExperimentState.COMPLETED, ended.state_reason
        assert ended.results is not None
        assert ended.state_reason

    async def test_only_the_verdict_promotes(self, subject: ExperimentService) -> None:
        # Thirty scrapes are too few for any claim, so this one may not be promoted.
        ended = await self.finished(subject)
        with pytest.raises(TransitionError):
            await subject.promote_experiment(CTX, ended.id)

    async def test_lists_are_filtered_and_newest_first(self, subject: ExperimentService) -> None:
        ended = await self.finished(subject, name="first")
        for name in ("second", "third"):
            await subject.create_experiment(CTX, self.quick(name=name))
        pending = await subject.list_experiments(CTX, ExperimentFilter(states=(ExperimentState.PENDING,)))
        assert [one.name for one in pending.experiments] == ["third", "second"]
        first = await subject.list_experiments(CTX, ExperimentFilter(page_size=2))
        rest = await subject.list_experiments(
            CTX, ExperimentFilter(page_size=2, page_token=first.next_page_token)
        )
        assert [one.name for one in (*first.experiments, *rest.experiments)] == ["third", "second", "first"]
        assert rest.experiments[0].id == ended.id

    async def test_a_deleted_experiment_is_gone(self, subject: ExperimentService) -> None:
        ended = await self.finished(subject)
        await subject.delete_experiment(CTX, ended.id)
        with pytest.raises(NotFoundError):
            await subject.get_experiment(CTX, ended.id)
        with pytest.raises(NotFoundError):
            await subject.delete_experiment(CTX, ended.id)


class ExperimentControlContract(RunsExperiments):
    """Fixtures: ``subject``; ``service``, the experiment service of the same experiments."""

    interface = ExperimentControl

    async def _running(self, service: ExperimentService) -> Experiment:
        made = await service.create_experiment(CTX, self.slow())
        await service.start_experiment(CTX, made.id)
        return await eventually(
            lambda: service.get_experiment(CTX, made.id), lambda now: now.state is ExperimentState.RUNNING
        )

    async def test_a_run_pauses_and_goes_on(
        self, subject: ExperimentControl, service: ExperimentService
    ) -> None:
        running = await self._running(service)
        paused = await subject.pause_experiment(CTX, running.id)
        assert paused.state is ExperimentState.PAUSED
        assert (await subject.pause_experiment(CTX, running.id)).state is ExperimentState.PAUSED
        resumed = await subject.resume_experiment(CTX, running.id)
        assert resumed.state is ExperimentState.RUNNING
        assert (await subject.resume_experiment(CTX, running.id)).state is ExperimentState.RUNNING
        await subject.abort_experiment(CTX, running.id, "end of test")

    async def test_an_aborted_run_is_cancelled_with_its_reason(
        self, subject: ExperimentControl, service: ExperimentService
    ) -> None:
        running = await self._running(service)
        await subject.pause_experiment(CTX, running.id)
        aborted = await subject.abort_experiment(CTX, running.id, "wrong pipeline")
        assert aborted.state is ExperimentState.CANCELLED
        assert "wrong pipeline" in aborted.state_reason
        again = await subject.abort_experiment(CTX, running.id, "another reason")
        assert again.state_reason == aborted.state_reason
        with pytest.raises(TransitionError):
            await subject.resume_experiment(CTX, running.id)

    async def test_a_pending_experiment_can_only_be_aborted(
        self, subject: ExperimentControl, service: ExperimentService
    ) -> None:
        made = await service.create_experiment(CTX, self.quick())
        with pytest.raises(TransitionError):
            await subject.pause_experiment(CTX, made.id)
        with pytest.raises(TransitionError):
            await subject.resume_experiment(CTX, made.id)
        with pytest.raises(TransitionError):
            await subject.override_promote(CTX, made.id, "I know better")
        with pytest.raises(TransitionError):
            await subject.rollback_experiment(CTX, made.id, "never promoted")
        aborted = await subject.abort_experiment(CTX, made.id, "changed my mind")
        assert aborted.state is ExperimentState.CANCELLED

    async def test_a_person_may_promote_and_roll_back(
        self, subject: ExperimentControl, service: ExperimentService
    ) -> None:
        ended = await self.finished(service)
        with pytest.raises(InvalidRequestError):
            await subject.override_promote(CTX, ended.id, "")
        promoted = await subject.override_promote(CTX, ended.id, "agreed with the owners")
        assert promoted.promoted
        with pytest.raises(TransitionError):
            await service.delete_experiment(CTX, ended.id)
        back = await subject.rollback_experiment(CTX, ended.id, "pager went off")
        assert not back.promoted
        with pytest.raises(TransitionError):
            await subject.rollback_experiment(CTX, ended.id, "twice")

    async def test_unknown_experiments_are_not_found(
        self, subject: ExperimentControl, service: ExperimentService
    ) -> None:
        assert service is not None
        with pytest.raises(NotFoundError):
            await subject.pause_experiment(CTX, "exp_missing")
        with pytest.raises(NotFoundError):
            await subject.resume_experiment(CTX, "exp_missing")
        with pytest.raises(NotFoundError):
            await subject.abort_experiment(CTX, "exp_missing", "why")
        with pytest.raises(NotFoundError):
            await subject.override_promote(CTX, "exp_missing", "why")
        with pytest.raises(NotFoundError):
            await subject.rollback_experiment(CTX, "exp_missing", "why")
