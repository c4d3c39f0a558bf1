"""Registered service instances in DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from phoenix_nb.interfaces import Context, ServiceInstance
from phoenix_nb.store._database import Database
from phoenix_nb.store._documents import Documents, just

__all__ = ["DuckDbServiceInstanceStore"]

_INSTANCES: Final = Documents(
    ServiceInstance,
    "service_instance",
    "service instance",
    {
        "name": lambda one: one.name,
        "status": lambda one: one.status.value,
        "registered_at": lambda one: one.registered_at,
    },
)


class DuckDbServiceInstanceStore:
    """Remembers service instances in a table (``ServiceInstanceStore``).

    Args:
        database: where.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put_instance(self, ctx: Context, instance: ServiceInstance) -> ServiceInstance:
        ctx.check()
        await self._database.write(lambda cursor: _INSTANCES.put(cursor, instance))
        return instance

    async def get_instance(self, ctx: Context, service_id: str) -> ServiceInstance:
        ctx.check()
        return await self._database.read(lambda cursor: _INSTANCES.get(cursor, service_id))

    async def delete_instance(self, ctx: Context, service_id: str) -> None:
        ctx.check()
        await self._database.write(lambda cursor: _INSTANCES.remove(cursor, service_id))

    async def list_instances(self, ctx: Context, *, name: str = "") -> Sequence[ServiceInstance]:
        ctx.check()
        matching = {"name": just(name or None)}
        return await self._database.read(
            lambda cursor: _INSTANCES.select(cursor, matching, "registered_at, id")
        )
