"""Pipelines in DuckDB."""

from __future__ import annotations

from functools import partial
from typing import Final

from phoenix_nb.interfaces import Context, Pipeline, PipelineFilter, PipelineList
from phoenix_nb.store._database import Database
from phoenix_nb.store._documents import Cursor, Documents, just

__all__ = ["DuckDbPipelineStore"]

_PIPELINES: Final = Documents(
    Pipeline,
    "pipeline",
    "pipeline",
    {
        "name": lambda one: one.name,
        "type": lambda one: one.type.value,
        "template": lambda one: one.template,
        "created_by": lambda one: one.created_by,
    },
)


class DuckDbPipelineStore:
    """Keeps pipelines in a table (``PipelineStore``).

    Args:
        database: where.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create_pipeline(self, ctx: Context, pipeline: Pipeline) -> Pipeline:
        ctx.check()
        await self._database.write(lambda cursor: _PIPELINES.add(cursor, pipeline))
        return pipeline

    async def get_pipeline(self, ctx: Context, pipeline_id: str) -> Pipeline:
        ctx.check()
        return await self._database.read(partial(_get, pipeline_id))

    async def list_pipelines(self, ctx: Context, filter: PipelineFilter) -> PipelineList:  # noqa: A002 - as declared
        ctx.check()
        matching = {
            "type": filter.types,
            "template": just(filter.template or None),
            "created_by": just(filter.created_by),
        }
        page, token, total = await self._database.read(
            lambda cursor: _PIPELINES.page(cursor, matching, filter.page_token, filter.page_size)
        )
        return PipelineList(pipelines=page, next_page_token=token, total_count=total)

    async def delete_pipeline(self, ctx: Context, pipeline_id: str) -> None:
        ctx.check()
        await self._database.write(partial(_delete, pipeline_id))


def _get(key: str, cursor: Cursor) -> Pipeline:
    found = _PIPELINES.find(cursor, key)
    if found is not None:
        return found
    named = _PIPELINES.select(cursor, {"name": (key,)}, "id")
    if not named:
        raise _PIPELINES.missing(key)
    return named[0]


def _delete(pipeline_id: str, cursor: Cursor) -> None:
    if not _PIPELINES.remove(cursor, pipeline_id):
        raise _PIPELINES.missing(pipeline_id)
