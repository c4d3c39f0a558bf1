"""The experiment service: create, run, steer, judge, promote."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from phoenix_nb.errors import ClosedError, InvalidRequestError, NotFoundError
from phoenix_nb.evidence.coverage import parse_selectors
from phoenix_nb.interfaces import (
    Arm,
    Clock,
    Context,
    CreateExperimentRequest,
    EventBus,
    Experiment,
    ExperimentCancelled,
    ExperimentConfig,
    ExperimentCreated,
    ExperimentDeleted,
    ExperimentFailed,
    ExperimentFilter,
    ExperimentList,
    ExperimentResults,
    ExperimentState,
    ExperimentStore,
    ExperimentUpdate,
    IdFactory,
    Pipeline,
    PipelineConfig,
    PipelineService,
    UpdateExperimentRequest,
    VerdictState,
)
from phoenix_nb.services._configs import ConfigCompiler
from phoenix_nb.services._publisher import Publisher
from phoenix_nb.services.experiments._calibrated import require_calibrated_source
from phoenix_nb.services.experiments._promotion import Promotions
from phoenix_nb.services.experiments._records import ExperimentRecords, refuse
from phoenix_nb.services.experiments._run import Ending, ExperimentRun, RunParts
from phoenix_nb.services.experiments._watch import watch_experiment
from phoenix_nb.sources import SourceKind, tap_settings

__all__ = ["LocalExperimentService"]

_S = ExperimentState
_UNDER_WAY = (_S.DEPLOYING, _S.RUNNING, _S.PAUSED, _S.ANALYZING)


class LocalExperimentService:
    """Runs experiments in this process (``ExperimentService`` and ``ExperimentControl``).

    Args:
        store: keeps experiments.
        records: changes them and tells.
        pipelines: configurations.
        compiler: checks them.
        promotions: deploys candidates.
        parts: what every run needs.
        bus: carries the events that watchers wait for.
        publisher: tells what happened.
        clock: times.
        ids: ids of experiments.
    """

    def __init__(
        self,
        store: ExperimentStore,
        records: ExperimentRecords,
        pipelines: PipelineService,
        compiler: ConfigCompiler,
        promotions: Promotions,
        parts: RunParts,
        bus: EventBus,
        publisher: Publisher,
        clock: Clock,
        ids: IdFactory,
    ) -> None:
        self._store = store
        self._records = records
        self._pipelines = pipelines
        self._compiler = compiler
        self._promotions = promotions
        self._parts = parts
        self._bus = bus
        self._publisher = publisher
        self._clock = clock
        self._ids = ids
        self._runs: dict[str, tuple[ExperimentRun, asyncio.Task[None]]] = {}
        self._closed = False

    # -- ExperimentService -----------------------------------------------------------------------------------

    async def create_experiment(self, ctx: Context, request: CreateExperimentRequest) -> Experiment:
        baseline = await self._pipelines.get_pipeline(ctx, request.baseline_pipeline)
        candidate = await self._pipelines.get_pipeline(ctx, request.candidate_pipeline)
        parse_selectors(request.config.plan.critical)
        for pipeline in (baseline, candidate):
            await self._compiler.engine_factory(pipeline.config, request.config.engine)
        await self._require_receivers(baseline, candidate, request.config)
        now = self._clock.now()
        made = Experiment(
            id=self._ids.new("exp"),
            name=request.name,
            description=request.description,
            state=_S.PENDING,
            baseline_pipeline=baseline.id,
            candidate_pipeline=candidate.id,
            target_nodes=request.target_nodes,
            config=request.config,
            created_at=now,
            updated_at=now,
            created_by=ctx.principal,
        )
        stored = await self._store.create_experiment(ctx, made, idempotency_key=request.idempotency_key)
        if stored.id == made.id:
            told = ExperimentCreated(experiment_id=made.id, name=made.name, created_by=made.created_by)
            await self._publisher.publish(ctx, made.id, told)
        return stored

    async def get_experiment(self, ctx: Context, experiment_id: str) -> Experiment:
        return await self._store.get_experiment(ctx, experiment_id)

    async def update_experiment(
        self, ctx: Context, experiment_id: str, request: UpdateExperimentRequest
    ) -> Experiment:
        experiment = await self._store.get_experiment(ctx, experiment_id)
        if experiment.state is not _S.PENDING:
            raise refuse(experiment, "changed", "create another experiment; a plan is fixed before the run")
        if request.config is not None:
            parse_selectors(request.config.plan.critical)
        fields = {
            name: value
            for name in type(request).model_fields
            if (value := getattr(request, name)) is not None
        }
        changed = experiment.model_copy(update={**fields, "updated_at": self._clock.now()})
        return await self._store.update_experiment(ctx, changed)

    async def delete_experiment(self, ctx: Context, experiment_id: str) -> None:
        experiment = await self._store.get_experiment(ctx, experiment_id)
        if experiment.state in _UNDER_WAY:
            raise refuse(experiment, "deleted", "stop or abort it first")
        if await self._promotions.current(ctx, experiment):
            raise refuse(experiment, "deleted", "its candidate is deployed: roll it back first")
        await self._parts.telemetry.delete(ctx, experiment_id)
        await self._store.delete_experiment(ctx, experiment_id)
        await self._publisher.publish(ctx, experiment_id, ExperimentDeleted(experiment_id=experiment_id))

    async def list_experiments(self, ctx: Context, filter: ExperimentFilter) -> ExperimentList:  # noqa: A002
        return await self._store.list_experiments(ctx, filter)

    async def start_experiment(self, ctx: Context, experiment_id: str) -> Experiment:
        if self._closed:
            raise ClosedError("the experiment service is closed", hint="connect again")
        experiment = await self._store.get_experiment(ctx, experiment_id)
        if experiment.state in _UNDER_WAY:
            return experiment
        if experiment.terminal:
            raise refuse(experiment, "started", "create another experiment")
        await require_calibrated_source(ctx, self._store, experiment)
        moved = await self._records.move(ctx, experiment_id, _S.DEPLOYING, "started")
        run = ExperimentRun(self._parts, moved, ctx)
        task = asyncio.get_running_loop().create_task(run.execute(), name=f"run {experiment_id}")
        self._runs[experiment_id] = run, task
        task.add_done_callback(lambda _: self._runs.pop(experiment_id, None))
        return moved

    async def stop_experiment(self, ctx: Context, experiment_id: str) -> Experiment:
        experiment = await self._store.get_experiment(ctx, experiment_id)
        if experiment.state is _S.PENDING:
            raise refuse(experiment, "stopped", "it was never started; abort or delete it")
        return await self._end(ctx, experiment_id, Ending.STOPPED, f"stopped by {ctx.principal}")

    async def get_experiment_results(self, ctx: Context, experiment_id: str) -> ExperimentResults:
        experiment = await self._store.get_experiment(ctx, experiment_id)
        if experiment.results is None:
            raise NotFoundError(
                f"the experiment {experiment_id} has not measured anything yet",
                hint="wait for its first interval, or look at why it failed",
                details={"experiment_id": experiment_id, "state": experiment.state.value},
            )
        return experiment.results

    async def promote_experiment(self, ctx: Context, experiment_id: str) -> Experiment:
        experiment = await self._completed(ctx, experiment_id)
        verdict = experiment.results.verdict if experiment.results is not None else None
        if verdict is None or verdict.state is not VerdictState.PROMOTE:
            state = verdict.state.value if verdict is not None else "none"
            raise refuse(
                experiment,
                "promoted",
                f"its verdict is {state}; a person may override it with a reason",
            )
        return await self._promotions.promote(ctx, experiment, verdict.reason, overridden=False)

    async def watch_experiment(self, ctx: Context, experiment_id: str) -> AsyncIterator[ExperimentUpdate]:
        return await watch_experiment(ctx, self._bus, self._store, experiment_id)

    # -- ExperimentControl -----------------------------------------------------------------------------------

    async def pause_experiment(self, ctx: Context, experiment_id: str) -> Experiment:
        experiment = await self._store.get_experiment(ctx, experiment_id)
        if experiment.state is _S.PAUSED:
            return experiment
        moved = await self._records.move(ctx, experiment_id, _S.PAUSED, f"paused by {ctx.principal}")
        if (found := self._runs.get(experiment_id)) is not None:
            found[0].pause()
        return moved

    async def resume_experiment(self, ctx: Context, experiment_id: str) -> Experiment:
        experiment = await self._store.get_experiment(ctx, experiment_id)
        if experiment.state is _S.RUNNING:
            return experiment
        if experiment.state is not _S.PAUSED:
            raise refuse(experiment, "resumed", "only a paused experiment can go on")
        moved = await self._records.move(ctx, experiment_id, _S.RUNNING, f"resumed by {ctx.principal}")
        if (found := self._runs.get(experiment_id)) is not None:
            found[0].resume()
        return moved

    async def abort_experiment(self, ctx: Context, experiment_id: str, reason: str) -> Experiment:
        experiment = await self._store.get_experiment(ctx, experiment_id)
        text = f"aborted by {ctx.principal}: {reason.strip() or 'no reason was given'}"
        if experiment.state is _S.PENDING:
            told = ExperimentCancelled(experiment_id=experiment_id, reason=text)
            return await self._records.move(ctx, experiment_id, _S.CANCELLED, text, told)
        return await self._end(ctx, experiment_id, Ending.ABORTED, text)

    async def override_promote(self, ctx: Context, experiment_id: str, reason: str) -> Experiment:
        experiment = await self._completed(ctx, experiment_id)
        if not reason.strip():
            raise InvalidRequestError("a promotion against the verdict needs a reason", hint="say why")
        return await self._promotions.promote(ctx, experiment, reason.strip(), overridden=True)

    async def rollback_experiment(self, ctx: Context, experiment_id: str, reason: str) -> Experiment:
        experiment = await self._store.get_experiment(ctx, experiment_id)
        return await self._promotions.roll_back(ctx, experiment, reason.strip() or "no reason was given")

    # -- life ------------------------------------------------------------------------------------------------

    async def reconcile(self, ctx: Context) -> None:
        """Mark runs as failed whose process is gone; called once, before anything is started."""
        for state in _UNDER_WAY:
            for experiment in await self._store.get_experiments_by_state(ctx, state):
                if experiment.id not in self._runs:
                    reason = "the process that ran it ended before the run did"
                    told = ExperimentFailed(experiment_id=experiment.id, reason=reason)
                    await self._records.move(ctx, experiment.id, _S.FAILED, reason, told)

    async def aclose(self) -> None:
        """End every run, each with its reason. May be called twice."""
        self._closed = True
        running = [*self._runs.values()]
        for run, _ in running:
            run.end(Ending.ABORTED, "aborted: the laboratory was closed")
        if running:
            await asyncio.wait([task for _, task in running])

    async def _require_receivers(
        self, baseline: Pipeline, candidate: Pipeline, config: ExperimentConfig
    ) -> None:
        """Refuse receiver settings that the run could not honour."""
        configs: dict[str, PipelineConfig] = {Arm.BASELINE: baseline.config, Arm.CANDIDATE: candidate.config}
        receivers = await self._compiler.receivers(configs, config.engine)
        if config.source.strip() == SourceKind.HOST:
            tap_settings(receivers, collector_version=candidate.config.collector_version)

    async def _completed(self, ctx: Context, experiment_id: str) -> Experiment:
        experiment = await self._store.get_experiment(ctx, experiment_id)
        if experiment.state is not _S.COMPLETED:
            raise refuse(experiment, "promoted", "only a completed experiment can be promoted")
        return experiment

    async def _end(self, ctx: Context, experiment_id: str, ending: Ending, reason: str) -> Experiment:
        found = self._runs.get(experiment_id)
        if found is not None:
            run, task = found
            run.end(ending, reason)
            await asyncio.wait([task])
        return await self._store.get_experiment(ctx, experiment_id)
