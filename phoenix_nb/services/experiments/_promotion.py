"""What a promotion deploys, and how it is taken back."""

from __future__ import annotations

from phoenix_nb.errors import TransitionError
from phoenix_nb.interfaces import (
    Context,
    Experiment,
    ExperimentPromoted,
    ExperimentRolledBack,
    PipelineDeployment,
    PipelineOperator,
    PipelineService,
)
from phoenix_nb.services._pipelines import Deployer
from phoenix_nb.services.experiments._records import ExperimentRecords

__all__ = ["Promotions"]


class Promotions:
    """Deploys candidates on their target nodes and puts back what was there.

    Args:
        records: stored experiments.
        pipelines: configurations.
        operator: keeps what is deployed.
        deployer: changes it.
    """

    def __init__(
        self,
        records: ExperimentRecords,
        pipelines: PipelineService,
        operator: PipelineOperator,
        deployer: Deployer,
    ) -> None:
        self._records = records
        self._pipelines = pipelines
        self._operator = operator
        self._deployer = deployer

    async def current(self, ctx: Context, experiment: Experiment) -> list[PipelineDeployment]:
        """The deployments of this experiment that are current now."""
        found = []
        for target in experiment.target_nodes:
            deployed = await self._operator.current_deployment(ctx, target)
            if deployed is not None and deployed.experiment_id == experiment.id:
                found.append(deployed)
        return found

    async def promote(
        self, ctx: Context, experiment: Experiment, reason: str, *, overridden: bool
    ) -> Experiment:
        """Deploy the candidate on every target node; doing it twice changes nothing."""
        done = {one.target for one in await self.current(ctx, experiment)}
        candidate = await self._pipelines.get_pipeline(ctx, experiment.candidate_pipeline)
        for target in experiment.target_nodes:
            if target not in done:
                await self._deployer.deploy(
                    ctx,
                    candidate.id,
                    candidate.config.yaml,
                    target,
                    experiment_id=experiment.id,
                    reason=reason,
                )
        if experiment.promoted and len(done) == len(experiment.target_nodes):
            return experiment
        told = ExperimentPromoted(
            experiment_id=experiment.id,
            pipeline_id=candidate.id,
            targets=experiment.target_nodes,
            overridden=overridden,
            reason=reason if overridden else "",
        )
        return await self._records.change(ctx, experiment.id, told, promoted=True)

    async def roll_back(self, ctx: Context, experiment: Experiment, reason: str) -> Experiment:
        """Deploy again what was deployed before, on every target where the candidate is current.

        Raises:
            TransitionError: it is current nowhere.
        """
        current = await self.current(ctx, experiment)
        if not current:
            raise TransitionError(
                f"the candidate of {experiment.id} is not what is deployed now",
                hint="only a promotion that is in force can be rolled back",
                details={"action": "roll back", "state": experiment.state.value},
            )
        for deployed in current:
            if deployed.previous_id:
                before = await self._operator.get_pipeline_deployment(ctx, deployed.previous_id)
                await self._deployer.deploy(
                    ctx,
                    before.pipeline_id,
                    before.yaml,
                    deployed.target,
                    reason=f"rollback of {experiment.id}: {reason}",
                )
            else:
                await self._deployer.remove(ctx, deployed.id)
        told = ExperimentRolledBack(
            experiment_id=experiment.id, targets=tuple(one.target for one in current), reason=reason
        )
        return await self._records.change(ctx, experiment.id, told, promoted=False)
