"""Following an experiment: what is stored, again after every event about it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from phoenix_nb.interfaces import (
    Context,
    EventBus,
    EventFilter,
    EventStream,
    Experiment,
    ExperimentStore,
    ExperimentUpdate,
    OverflowPolicy,
    SubscriptionOptions,
)

__all__ = ["watch_experiment"]


async def watch_experiment(
    ctx: Context, bus: EventBus, store: ExperimentStore, experiment_id: str
) -> AsyncIterator[ExperimentUpdate]:
    """An already subscribed stream of the experiment's states; no interval is left out.

    Raises:
        NotFoundError: no such experiment.
    """
    first = await store.get_experiment(ctx, experiment_id)
    # One waiting event is enough: it only says that there is something new to read.
    options = SubscriptionOptions(
        name=f"watch {experiment_id}", buffer=1, overflow=OverflowPolicy.DROP_OLDEST
    )
    stream = await bus.subscribe(ctx, EventFilter(subjects=(experiment_id,)), options)
    return _updates(ctx, store, first, stream)


async def _updates(
    ctx: Context, store: ExperimentStore, first: Experiment, stream: EventStream
) -> AsyncIterator[ExperimentUpdate]:
    async with stream:
        # What happened between the first look and the subscription would otherwise be missed.
        update = _update(await store.get_experiment(ctx, first.id), 0)
        yield update
        if update.experiment.terminal:
            return
        async for _ in stream:
            now = await store.get_experiment(ctx, first.id)
            if now.version == update.experiment.version:
                continue
            update = _update(now, update.to_interval)
            yield update
            if now.terminal:
                return


def _update(experiment: Experiment, seen: int) -> ExperimentUpdate:
    count = experiment.results.intervals if experiment.results is not None else 0
    return ExperimentUpdate(experiment=experiment, from_interval=seen, to_interval=max(seen, count))
