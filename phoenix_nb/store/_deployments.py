"""What is deployed on targets, in DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final

from phoenix_nb.interfaces import Clock, Context, DeploymentPhase, PipelineDeployment
from phoenix_nb.store._database import Database
from phoenix_nb.store._documents import Cursor, Documents, just, storable

__all__ = ["DuckDbPipelineOperator"]

_DEPLOYMENTS: Final = Documents(
    PipelineDeployment,
    "deployment",
    "deployment",
    {
        "pipeline_id": lambda one: one.pipeline_id,
        "target": lambda one: one.target,
        "phase": lambda one: one.phase.value,
    },
)


class DuckDbPipelineOperator:
    """Keeps what is deployed on targets in two tables (``PipelineOperator``).

    The view ``deployments`` shows them in SQL. Deploying a deployment again that is current changes only its record:
    what it replaced stays what it was.

    Args:
        database: where.
        clock: when a deployment's phase changed.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def deploy_pipeline(self, ctx: Context, deployment: PipelineDeployment) -> PipelineDeployment:
        ctx.check()
        return await self._database.write(partial(_deploy, deployment, self._clock.now()))

    async def get_pipeline_deployment(self, ctx: Context, deployment_id: str) -> PipelineDeployment:
        ctx.check()
        return await self._database.read(lambda cursor: _DEPLOYMENTS.get(cursor, deployment_id))

    async def current_deployment(self, ctx: Context, target: str) -> PipelineDeployment | None:
        ctx.check()
        return await self._database.read(partial(_current, target))

    async def list_pipeline_deployments(
        self, ctx: Context, *, pipeline_id: str = "", target: str = "", current_only: bool = False
    ) -> Sequence[PipelineDeployment]:
        ctx.check()
        matching = {"pipeline_id": just(pipeline_id or None), "target": just(target or None)}
        return await self._database.read(partial(_list, matching, current_only))

    async def delete_pipeline(self, ctx: Context, deployment_id: str) -> PipelineDeployment:
        ctx.check()
        return await self._database.write(partial(_remove, deployment_id, self._clock.now()))


def _current(target: str, cursor: Cursor) -> PipelineDeployment | None:
    row = cursor.execute(
        "SELECT deployment_id FROM deployment_current WHERE target = ?", [storable(target)]
    ).fetchone()
    return None if row is None else _DEPLOYMENTS.get(cursor, row[0])


def _deploy(deployment: PipelineDeployment, now: datetime, cursor: Cursor) -> PipelineDeployment:
    before = _current(deployment.target, cursor)
    again = before is not None and before.id == deployment.id
    previous = "" if before is None else before.previous_id if again else before.id
    changes = {"phase": DeploymentPhase.DEPLOYED, "previous_id": previous, "updated_at": now}
    made = deployment.model_copy(update=changes)
    _DEPLOYMENTS.put(cursor, made)
    cursor.execute(
        "INSERT INTO deployment_current VALUES (?, ?)"
        " ON CONFLICT (target) DO UPDATE SET deployment_id = excluded.deployment_id",
        [made.target, made.id],
    )
    return made


def _list(
    matching: dict[str, tuple[str, ...]], current_only: bool, cursor: Cursor
) -> list[PipelineDeployment]:
    found = _DEPLOYMENTS.select(cursor, matching, "id DESC")
    if not current_only:
        return found
    current = {key for (key,) in cursor.execute("SELECT deployment_id FROM deployment_current").fetchall()}
    return [one for one in found if one.id in current]


def _remove(deployment_id: str, now: datetime, cursor: Cursor) -> PipelineDeployment:
    stored = _DEPLOYMENTS.get(cursor, deployment_id)
    cursor.execute("DELETE FROM deployment_current WHERE deployment_id = ?", [stored.id])
    removed = stored.model_copy(update={"phase": DeploymentPhase.REMOVED, "updated_at": now})
    _DEPLOYMENTS.put(cursor, removed)
    return removed
