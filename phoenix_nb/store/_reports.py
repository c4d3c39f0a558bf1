"""Which reports were written, in DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from phoenix_nb.interfaces import Context, Report
from phoenix_nb.store._database import Database
from phoenix_nb.store._documents import Documents, just

__all__ = ["DuckDbReportStore"]

_REPORTS: Final = Documents(
    Report,
    "report",
    "report",
    {
        "experiment_id": lambda one: one.experiment_id,
        "notebook_name": lambda one: one.notebook_name,
        "created_at": lambda one: one.created_at,
    },
)


class DuckDbReportStore:
    """Remembers reports in a table (``ReportStore``).

    Args:
        database: where.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put_report(self, ctx: Context, report: Report) -> Report:
        ctx.check()
        await self._database.write(lambda cursor: _REPORTS.put(cursor, report))
        return report

    async def get_report(self, ctx: Context, report_id: str) -> Report:
        ctx.check()
        return await self._database.read(lambda cursor: _REPORTS.get(cursor, report_id))

    async def list_reports(self, ctx: Context, *, experiment_id: str = "") -> Sequence[Report]:
        ctx.check()
        matching = {"experiment_id": just(experiment_id or None)}
        return await self._database.read(
            lambda cursor: _REPORTS.select(cursor, matching, "created_at DESC, id DESC")
        )
