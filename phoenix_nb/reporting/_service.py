"""The report service: gather, run the notebook, put the files in place, remember."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from phoenix_nb.errors import InvalidRequestError, NotFoundError, ReportError
from phoenix_nb.interfaces import Clock, Context, IdFactory, ReportGenerated, ReportStore
from phoenix_nb.interfaces.reporting import Report, ReportRequest
from phoenix_nb.reporting._assets import report_notebook_path
from phoenix_nb.reporting._files import ensure_folder, install_file, translated
from phoenix_nb.reporting._gather import ComparisonProvider
from phoenix_nb.reporting._parameters import ComparisonParameters
from phoenix_nb.reporting._runner import NotebookRun, PapermillReportRunner, RenderedReport
from phoenix_nb.services import Publisher

__all__ = ["LocalReportService", "run_report"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_PARAMETERS = {"comparison": ComparisonParameters}


class LocalReportService:
    """Writes reports into folders of this machine.

    Args:
        provider: gives the input of a report.
        store: remembers the reports.
        runner: runs notebooks.
        publisher: tells that a report was written.
        clock: time of a report.
        ids: makes report ids.
    """

    def __init__(
        self,
        provider: ComparisonProvider,
        store: ReportStore,
        runner: PapermillReportRunner,
        publisher: Publisher,
        clock: Clock,
        ids: IdFactory,
    ) -> None:
        self._provider = provider
        self._store = store
        self._runner = runner
        self._publisher = publisher
        self._clock = clock
        self._ids = ids

    async def generate(self, ctx: Context, request: ReportRequest) -> Report:
        ctx.check()
        notebook = await asyncio.to_thread(_notebook, request.notebook)
        data = await self._provider.comparison(ctx, request.experiment_id)
        report_id = self._ids.new("rep")
        folder = await asyncio.to_thread(ensure_folder, request.folder)
        stem = request.notebook
        # The same file system as the target: what was finished is then put in its place by renaming.
        staging = await asyncio.to_thread(ensure_folder, folder / f".{report_id}")
        try:
            await asyncio.to_thread(data.write, staging / f"{stem}.json")
            run = NotebookRun(
                notebook=notebook,
                folder=staging,
                title=request.title or data.name,
                parameters=ComparisonParameters(data_path=f"{stem}.json", title=request.title).model_dump(),
                stem=stem,
            )
            rendered = await self._render(ctx, run, folder)
            await asyncio.to_thread(
                _move, staging, folder, (f"{stem}.json", rendered.notebook.name, rendered.html.name)
            )
        finally:
            await asyncio.to_thread(shutil.rmtree, staging, ignore_errors=True)
        report = Report(
            id=report_id,
            experiment_id=request.experiment_id,
            notebook_name=request.notebook,
            html=folder / rendered.html.name,
            notebook=folder / rendered.notebook.name,
            data=folder / f"{stem}.json",
            created_at=self._clock.now(),
        )
        await self._store.put_report(ctx.detached(), report)
        told = ReportGenerated(report_id=report.id, experiment_id=report.experiment_id)
        await self._publisher.publish(ctx, report.id, told)
        return report

    async def get_report(self, ctx: Context, report_id: str) -> Report:
        return await self._store.get_report(ctx, report_id)

    async def list_reports(self, ctx: Context, *, experiment_id: str = "") -> Sequence[Report]:
        return await self._store.list_reports(ctx, experiment_id=experiment_id)

    async def _render(self, ctx: Context, run: NotebookRun, folder: Path) -> RenderedReport:
        try:
            return await self._runner.run(ctx, run)
        except ReportError as exc:
            failed = run.folder / f"{run.stem}.failed.ipynb"
            if failed.exists():
                kept = await asyncio.to_thread(install_file, failed, folder / failed.name)
                exc.details["failed_notebook"] = str(kept)
            raise


def _notebook(name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise NotFoundError(
            f"there is no report notebook {name!r}",
            hint="a report is called by the name of its notebook, for example comparison",
            details={"notebook": name},
        )
    return report_notebook_path(name)


def _move(staging: Path, folder: Path, names: Sequence[str]) -> None:
    """Put finished files in their place; the page comes last, so that who sees it sees the rest."""
    for name in names:
        with translated(folder / name, "write"):
            (staging / name).replace(folder / name)


async def run_report(
    ctx: Context,
    name: str,
    folder: Path,
    *,
    parameters: Mapping[str, str] | None = None,
    title: str = "",
    runner: PapermillReportRunner | None = None,
) -> RenderedReport:
    """Run one report notebook by name, as a schedule does: any cron can call it through the command line.

    Args:
        ctx: the caller.
        name: name of the notebook in ``reports/``.
        folder: where the outputs go, and where relative paths in the parameters start.
        parameters: values as text, as a command line gives them; they are checked before anything is started.
        title: title of the page; empty takes the notebook's name.
        runner: runs the notebook; ``None`` makes one with the default limits.

    Raises:
        NotFoundError: no such notebook.
        InvalidRequestError: a parameter that the notebook does not have, or a value that does not fit.
        ReportError: the notebook failed.
    """
    notebook = await asyncio.to_thread(_notebook, name)
    values: dict[str, object] = dict(parameters or {})
    if (model := _PARAMETERS.get(name)) is not None:
        try:
            values = model.model_validate_strings(values).model_dump(mode="json")
        except ValidationError as exc:
            first = exc.errors(include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            raise InvalidRequestError(
                f"the report {name} does not take {field}: {first['msg']}",
                hint="it takes " + ", ".join(model.model_fields),
                details={"report": name, "parameter": field},
            ) from exc
    run = NotebookRun(notebook=notebook, folder=folder, title=title or name, parameters=values, stem=name)  # type: ignore[arg-type]
    return await (runner or PapermillReportRunner()).run(ctx, run)
