"""Simulations in DuckDB."""

from __future__ import annotations

from typing import Final

from phoenix_nb.interfaces import Context, Simulation, SimulationFilter, SimulationList
from phoenix_nb.store._database import Database
from phoenix_nb.store._documents import VersionedDocuments, just

__all__ = ["DuckDbSimulationStore"]

_SIMULATIONS: Final = VersionedDocuments(
    Simulation,
    "simulation",
    "simulation",
    {
        "version": lambda one: one.version,
        "name": lambda one: one.name,
        "state": lambda one: one.state.value,
        "created_by": lambda one: one.created_by,
    },
)


class DuckDbSimulationStore:
    """Keeps simulations in a table (``SimulationStore``).

    Args:
        database: where.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create_simulation(self, ctx: Context, simulation: Simulation) -> Simulation:
        ctx.check()
        await self._database.write(lambda cursor: _SIMULATIONS.add(cursor, simulation))
        return simulation

    async def get_simulation(self, ctx: Context, simulation_id: str) -> Simulation:
        ctx.check()
        return await self._database.read(lambda cursor: _SIMULATIONS.get(cursor, simulation_id))

    async def update_simulation(self, ctx: Context, simulation: Simulation) -> Simulation:
        ctx.check()
        return await self._database.write(lambda cursor: _SIMULATIONS.swap(cursor, simulation))

    async def list_simulations(self, ctx: Context, filter: SimulationFilter) -> SimulationList:  # noqa: A002 - as declared
        ctx.check()
        matching = {"state": filter.states, "created_by": just(filter.created_by)}
        page, token, total = await self._database.read(
            lambda cursor: _SIMULATIONS.page(cursor, matching, filter.page_token, filter.page_size)
        )
        return SimulationList(simulations=page, next_page_token=token, total_count=total)
