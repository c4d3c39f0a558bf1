"""Moving experiments through their life cycle: the one place that checks the transition table."""

from __future__ import annotations

from typing import Any

from phoenix_nb.errors import ConflictError, TransitionError
from phoenix_nb.interfaces import (
    TERMINAL_STATES,
    TRANSITIONS,
    Clock,
    Context,
    EventData,
    Experiment,
    ExperimentState,
    ExperimentStateChanged,
    ExperimentStore,
)
from phoenix_nb.services._publisher import Publisher

__all__ = ["ExperimentRecords"]

_TRIES = 20


class ExperimentRecords:
    """Stored experiments and the events about them; every change is durable before it is told.

    Args:
        store: keeps experiments.
        publisher: tells.
        clock: times.
    """

    def __init__(self, store: ExperimentStore, publisher: Publisher, clock: Clock) -> None:
        self._store = store
        self._publisher = publisher
        self._clock = clock

    async def get(self, ctx: Context, experiment_id: str) -> Experiment:
        """The experiment as it is stored now."""
        return await self._store.get_experiment(ctx, experiment_id)

    async def change(self, ctx: Context, experiment_id: str, *events: EventData, **fields: Any) -> Experiment:
        """Change fields, then tell; a change by somebody else in between is kept.

        Raises:
            NotFoundError: no such experiment.
        """
        ctx = ctx.detached()
        changed = await self._swap(ctx, await self.get(ctx, experiment_id), fields)
        if events:
            await self._publisher.publish(ctx, experiment_id, *events)
        return changed

    async def move(
        self,
        ctx: Context,
        experiment_id: str,
        to: ExperimentState,
        reason: str,
        *events: EventData,
        **fields: Any,
    ) -> Experiment:
        """Move to a state, then tell.

        Args:
            ctx: on whose behalf.
            experiment_id: which experiment.
            to: the state.
            reason: why.
            *events: what to tell beside the move.
            **fields: further fields to change in the same write.

        Raises:
            NotFoundError: no such experiment.
            TransitionError: the table does not allow the move.
        """
        ctx = ctx.detached()
        for _ in range(_TRIES):
            before = await self.get(ctx, experiment_id)
            require_move(before, to)
            now = self._clock.now()
            values: dict[str, Any] = {**fields, "state": to, "state_reason": reason}
            if to is ExperimentState.DEPLOYING:
                values["started_at"] = now
            if to in TERMINAL_STATES:
                values["completed_at"] = now
            try:
                changed = await self._write(ctx, before, values)
            except ConflictError as exc:
                if isinstance(exc, TransitionError):
                    raise
                continue
            told = ExperimentStateChanged(
                experiment_id=experiment_id, from_state=before.state, to_state=to, reason=reason
            )
            await self._publisher.publish(ctx, experiment_id, told, *events)
            return changed
        raise ConflictError(f"the experiment {experiment_id} changes too often", hint="try again")

    async def _swap(self, ctx: Context, before: Experiment, fields: dict[str, Any]) -> Experiment:
        for _ in range(_TRIES):
            try:
                return await self._write(ctx, before, fields)
            except ConflictError:
                before = await self.get(ctx, before.id)
        raise ConflictError(f"the experiment {before.id} changes too often", hint="try again")

    async def _write(self, ctx: Context, before: Experiment, fields: dict[str, Any]) -> Experiment:
        changed = before.model_copy(update={**fields, "updated_at": self._clock.now()})
        return await self._store.update_experiment(ctx, changed)


def require_move(experiment: Experiment, to: ExperimentState) -> None:
    """Refuse a move that the table does not have."""
    allowed = TRANSITIONS[experiment.state]
    if to not in allowed:
        names = sorted(state.value for state in allowed)
        raise TransitionError(
            f"the experiment {experiment.id} is {experiment.state.value} and cannot become {to.value}",
            hint=f"from here it can become {', '.join(names)}" if names else "it has ended",
            details={"state": experiment.state.value, "wanted": to.value, "allowed": [*names]},
        )


def refuse(experiment: Experiment, action: str, hint: str) -> TransitionError:
    """The refusal of an action that the present state does not allow."""
    return TransitionError(
        f"the experiment {experiment.id} is {experiment.state.value}: it cannot be {action}",
        hint=hint,
        details={"action": action, "state": experiment.state.value},
    )
