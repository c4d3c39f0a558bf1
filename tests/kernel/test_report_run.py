from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import psutil
import pytest

from phoenix_nb.errors import (
    CallCancelledError,
    DeadlineExceededError,
    InvalidRequestError,
    NotFoundError,
    ReportError,
)
from phoenix_nb.interfaces import Context
from phoenix_nb.interfaces.reporting import ReportRequest
from phoenix_nb.reporting import (
    ComparisonData,
    LocalReportService,
    NotebookRun,
    PapermillReportRunner,
    read_published,
    report_notebook_path,
    run_report,
)
from phoenix_nb.runtime import SystemClock, UlidFactory
from phoenix_nb.services import Publisher
from phoenix_nb.testing import MemoryBus, MemoryReportStore
from phoenix_nb.testing.sample_reports import sample_comparison

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(240)]


def _service(store: MemoryReportStore) -> LocalReportService:
    clock = SystemClock()
    ids = UlidFactory(clock)
    publisher = Publisher(MemoryBus(ids), clock, ids, "reports")
    return LocalReportService(_Sample(), store, PapermillReportRunner(), publisher, clock, ids)


class _Sample:
    """Gives the same comparison for every experiment but one."""

    async def comparison(self, ctx: Context, experiment_id: str) -> ComparisonData:
        if experiment_id == "exp_none":
            raise NotFoundError("there is no experiment exp_none")
        return sample_comparison("PROMOTE", intervals=150).model_copy(update={"experiment_id": experiment_id})


def _notebook(path: Path, *cells: str) -> Path:
    import nbformat

    v4: Any = nbformat.v4
    made = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells])
    made.cells[0].metadata["tags"] = ["parameters"]
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path.write_text(v4.writes(made))
    return path


def _children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


async def test_a_report_is_one_offline_page_with_a_result(tmp_path: Path) -> None:
    store = MemoryReportStore()
    service = _service(store)
    ctx = Context.background()
    folder = tmp_path / "out {1}"
    report = await service.generate(ctx, ReportRequest(experiment_id="exp_1", folder=folder))
    assert sorted(path.name for path in folder.iterdir()) == [
        "comparison.html",
        "comparison.ipynb",
        "comparison.json",
    ]
    page = report.html.read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert '<html lang="en">' in page
    assert "Content-Security-Policy" in page
    assert not re.search(r"https?://|<script|@import|url\(|class=.jp-|In&nbsp;\[", page)
    assert report.html.stat().st_size < 2_000_000
    # The verdict comes before everything else that is measured.
    assert page.index('id="verdict"') < page.index('id="saving"')
    for part in (
        "coverage",
        "cost",
        "course",
        "losses",
        "configuration",
        "conditions",
        "plan",
        "window",
        "method",
    ):
        assert f'id="{part}"' in page
    result = read_published(report.notebook)
    assert result["state"] == "PROMOTE"
    assert 0 < result["points_reduction"] < 1
    notebook = json.loads(report.notebook.read_text())
    assert "widgets" not in notebook["metadata"]
    assert "phx-" not in json.dumps(notebook["metadata"])
    assert all(
        output["output_type"] != "error" for cell in notebook["cells"] for output in cell.get("outputs", ())
    )
    assert not any(
        output.get("name") == "stderr" for cell in notebook["cells"] for output in cell.get("outputs", ())
    )

    assert await service.get_report(ctx, report.id) == report
    again = _service(store)
    assert list(await again.list_reports(ctx)) == [report]
    assert list(await again.list_reports(ctx, experiment_id="exp_2")) == []
    with pytest.raises(NotFoundError):
        await again.get_report(ctx, "rep_none")


async def test_what_is_not_there_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    service = _service(MemoryReportStore())
    folder = tmp_path / "out"
    for request in (
        ReportRequest(experiment_id="exp_none", folder=folder),
        ReportRequest(experiment_id="exp_1", folder=folder, notebook="none"),
        ReportRequest(experiment_id="exp_1", folder=folder, notebook="../comparison"),
    ):
        with pytest.raises(NotFoundError):
            await service.generate(Context.background(), request)
    assert not folder.exists()


async def test_a_failing_cell_is_named_and_its_notebook_kept(tmp_path: Path) -> None:
    notebook = _notebook(tmp_path / "bad.ipynb", "x = 1", "raise ValueError('no such column')")
    before = _children()
    with pytest.raises(
        ReportError, match=r"bad\.ipynb failed at In \[2\]: ValueError: no such column"
    ) as failed:
        await PapermillReportRunner().run(
            Context.background(), NotebookRun(notebook, tmp_path / "out", "Bad", stem="bad")
        )
    kept = tmp_path / "out" / "bad.failed.ipynb"
    assert failed.value.details["failed_notebook"] == str(kept)
    assert "no such column" in kept.read_text()
    assert [path.name for path in (tmp_path / "out").iterdir()] == [kept.name]
    await _gone(before)


async def test_a_cell_that_hangs_is_ended(tmp_path: Path) -> None:
    notebook = _notebook(tmp_path / "slow.ipynb", "x = 1", "import time; time.sleep(600)")
    before = _children()
    runner = PapermillReportRunner(cell_timeout=2)
    with pytest.raises(ReportError, match="CellTimeoutError"):
        await runner.run(Context.background(), NotebookRun(notebook, tmp_path / "out", "Slow"))
    with pytest.raises(DeadlineExceededError):
        await PapermillReportRunner().run(
            Context.background().with_timeout(4), NotebookRun(notebook, tmp_path / "late", "Slow")
        )
    assert not [*(tmp_path / "late").iterdir()]
    await _gone(before)


async def test_a_cancelled_run_leaves_no_process(tmp_path: Path) -> None:
    notebook = _notebook(tmp_path / "slow.ipynb", "x = 1", "import time; time.sleep(600)")
    before = _children()
    ctx, token = Context.background().with_cancel()
    run = asyncio.create_task(
        PapermillReportRunner().run(ctx, NotebookRun(notebook, tmp_path / "out", "Slow"))
    )
    await asyncio.sleep(4)
    token.cancel("enough")
    with pytest.raises(CallCancelledError, match="enough"):
        await run
    await _gone(before)


async def _gone(before: set[int]) -> None:
    for _ in range(100):
        if _children() <= before:
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"processes left: {[psutil.Process(pid).cmdline() for pid in _children() - before]}")


async def test_parameters_of_a_schedule_are_checked_first(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="does not take colour"):
        await run_report(Context.background(), "comparison", tmp_path, parameters={"colour": "red"})
    assert not [*tmp_path.iterdir()]  # noqa: ASYNC240
    sample_comparison("TOO_SHORT", intervals=20).write(tmp_path / "data.json")
    rendered = await run_report(
        Context.background(), "comparison", tmp_path, parameters={"data_path": "data.json", "title": "Weekly"}
    )
    assert rendered.results["result"]["state"] == "TOO_SHORT"
    assert ">Weekly<" in rendered.html.read_text()
    with pytest.raises(ReportError, match="there is no comparison file"):
        await run_report(Context.background(), "comparison", tmp_path, parameters={"data_path": "none.json"})


async def test_the_same_file_makes_the_same_page(tmp_path: Path) -> None:
    pages = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        sample_comparison("REJECT", intervals=150).write(folder / "comparison.json")
        run = NotebookRun(report_notebook_path(), folder, "Same", {"data_path": "comparison.json"})
        pages.append((await PapermillReportRunner().run(Context.background(), run)).html.read_bytes())
    assert pages[0] == pages[1]
