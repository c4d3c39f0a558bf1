"""Experiments in DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final

from phoenix_nb.errors import InvalidRequestError, TransitionError
from phoenix_nb.interfaces import (
    TRANSITIONS,
    Context,
    Experiment,
    ExperimentFilter,
    ExperimentList,
    ExperimentState,
)
from phoenix_nb.store._database import Database
from phoenix_nb.store._documents import Cursor, VersionedDocuments, just, storable

__all__ = ["DuckDbExperimentStore"]

_EXPERIMENTS: Final = VersionedDocuments(
    Experiment,
    "experiment",
    "experiment",
    {
        "version": lambda one: one.version,
        "name": lambda one: one.name,
        "state": lambda one: one.state.value,
        "created_by": lambda one: one.created_by,
    },
)


class DuckDbExperimentStore:
    """Keeps experiments in a table (``ExperimentStore``); the view ``experiments`` shows them in SQL.

    Args:
        database: where.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create_experiment(
        self, ctx: Context, experiment: Experiment, *, idempotency_key: str = ""
    ) -> Experiment:
        ctx.check()
        return await self._database.write(partial(_create, experiment, storable(idempotency_key)))

    async def get_experiment(self, ctx: Context, experiment_id: str) -> Experiment:
        ctx.check()
        return await self._database.read(lambda cursor: _EXPERIMENTS.get(cursor, experiment_id))

    async def update_experiment(self, ctx: Context, experiment: Experiment) -> Experiment:
        ctx.check()
        return await self._database.write(lambda cursor: _EXPERIMENTS.swap(cursor, experiment))

    async def delete_experiment(self, ctx: Context, experiment_id: str) -> None:
        ctx.check()
        await self._database.write(partial(_delete, experiment_id))

    async def list_experiments(self, ctx: Context, filter: ExperimentFilter) -> ExperimentList:  # noqa: A002 - as declared
        ctx.check()
        matching = {"state": filter.states, "created_by": just(filter.created_by)}
        page, token, total = await self._database.read(
            lambda cursor: _EXPERIMENTS.page(cursor, matching, filter.page_token, filter.page_size)
        )
        return ExperimentList(experiments=page, next_page_token=token, total_count=total)

    async def update_experiment_state(
        self, ctx: Context, experiment_id: str, state: ExperimentState, *, reason: str, at: datetime
    ) -> Experiment:
        ctx.check()
        if at.tzinfo is None:
            # The copy below is not validated, and what has no zone could not be read again.
            raise InvalidRequestError(
                "a time needs its zone", hint="for example 2026-01-31T12:00:00+00:00", details={"at": str(at)}
            )
        return await self._database.write(partial(_move, experiment_id, state, reason, at))

    async def get_experiments_by_state(self, ctx: Context, state: ExperimentState) -> Sequence[Experiment]:
        ctx.check()
        return await self._database.read(
            lambda cursor: _EXPERIMENTS.select(cursor, {"state": (state,)}, "id")
        )


def _create(experiment: Experiment, key: str, cursor: Cursor) -> Experiment:
    if key:
        known = cursor.execute("SELECT experiment_id FROM experiment_key WHERE key = ?", [key]).fetchone()
        if known is not None:
            return _EXPERIMENTS.get(cursor, known[0])
    _EXPERIMENTS.add(cursor, experiment)
    if key:
        cursor.execute("INSERT INTO experiment_key VALUES (?, ?)", [key, experiment.id])
    return experiment


def _delete(experiment_id: str, cursor: Cursor) -> None:
    if not _EXPERIMENTS.remove(cursor, experiment_id):
        raise _EXPERIMENTS.missing(experiment_id)
    cursor.execute("DELETE FROM experiment_key WHERE experiment_id = ?", [experiment_id])


def _move(
    experiment_id: str, state: ExperimentState, reason: str, at: datetime, cursor: Cursor
) -> Experiment:
    stored = _EXPERIMENTS.get(cursor, experiment_id)
    allowed = sorted(TRANSITIONS[stored.state])
    if state not in allowed:
        raise TransitionError(
            f"experiment {experiment_id} is {stored.state} and cannot become {state}",
            hint=f"from here it can become {', '.join(allowed)}"
            if allowed
            else "it has ended; start a new one",
            details={"id": experiment_id, "action": state, "state": stored.state, "allowed": [*allowed]},
        )
    changes = {"state": state, "state_reason": reason, "updated_at": at}
    return _EXPERIMENTS.swap(cursor, stored.model_copy(update=changes))
