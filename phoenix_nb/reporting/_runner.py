"""Run a report notebook in a process of its own and export it as one offline HTML file."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phoenix_nb.errors import DeadlineExceededError, JsonValue, ReportError
from phoenix_nb.interfaces import Context
from phoenix_nb.reporting._assets import template_root
from phoenix_nb.reporting._files import ensure_folder, install_file
from phoenix_nb.reporting._page import stylesheet
from phoenix_nb.reporting._publish import published_results

__all__ = ["NotebookRun", "PapermillReportRunner", "RenderedReport"]

_KERNEL = "phoenix-report"
_GRACE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class NotebookRun:
    """What to run and where to put what comes out."""

    notebook: Path
    """The notebook with a cell tagged ``parameters``."""
    folder: Path
    """Where the outputs go; also the working directory of the kernel, so that parameters can name files
    beside the report."""
    title: str
    """The title of the HTML page."""
    parameters: Mapping[str, JsonValue] = field(default_factory=dict)
    """Values for the ``parameters`` cell; JSON values only."""
    stem: str = "report"
    """File name of the outputs without its ending: ``<stem>.ipynb`` and ``<stem>.html``."""
    lang: str = "en"
    """BCP 47 language of the page."""


@dataclass(frozen=True, slots=True)
class RenderedReport:
    """What a successful run left behind."""

    html: Path
    """One file that opens with the network off."""
    notebook: Path
    """The executed notebook."""
    results: Mapping[str, Mapping[str, Any]]
    """What the notebook published, by name."""


class PapermillReportRunner:
    """Runs notebooks with papermill in a child process, each with a kernel of this very interpreter.

    Nothing is written into the target folder before the run has succeeded, except that the notebook of a
    failed run is kept as ``<stem>.failed.ipynb``: it holds the traceback. A run that is cancelled or late
    ends its child and its kernel.

    Args:
        start_timeout: seconds that the kernel may take to start.
        cell_timeout: seconds that one cell may take.
        total_timeout: seconds that the whole run may take, the context's deadline aside.
        python: the interpreter for the child and its kernel.
    """

    def __init__(
        self,
        *,
        start_timeout: float = 60.0,
        cell_timeout: float = 180.0,
        total_timeout: float = 300.0,
        python: str = sys.executable,
    ) -> None:
        self._start_timeout = start_timeout
        self._cell_timeout = cell_timeout
        self._total_timeout = total_timeout
        self._python = python

    async def run(self, ctx: Context, run: NotebookRun) -> RenderedReport:
        """Execute the notebook and export it.

        Raises:
            ReportError: a cell failed or took too long; ``details`` name the cell and the kept notebook.
            DeadlineExceededError: the whole run took longer than it may.
            CallCancelledError: the context was cancelled.
            StorageError: the folder cannot be written.
        """
        ctx.check()
        await asyncio.to_thread(ensure_folder, run.folder)
        job_folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="phx-"))
        try:
            job_file = await asyncio.to_thread(self._prepare, job_folder, run)
            stderr = await self._child(ctx, job_file, job_folder)
            return await asyncio.to_thread(self._collect, job_folder, run, stderr)
        finally:
            await asyncio.to_thread(_remove_tree, job_folder)

    def _prepare(self, job_folder: Path, run: NotebookRun) -> Path:
        # A kernel specification of our own: the one the user registered as "python3" may start
        # another interpreter.
        spec = job_folder / "kernels" / _KERNEL
        spec.mkdir(parents=True)
        argv = [
            self._python,
            "-m",
            "ipykernel_launcher",
            "-f",
            "{connection_file}",
            "--HistoryManager.enabled=False",
        ]
        (spec / "kernel.json").write_text(
            json.dumps({"argv": argv, "display_name": "Phoenix report", "language": "python"}),
            encoding="utf-8",
        )
        job = {
            "notebook": str(install_file(run.notebook, job_folder / "input.ipynb")),
            "output_notebook": str(job_folder / "output.ipynb"),
            "output_html": str(job_folder / "output.html"),
            "outcome": str(job_folder / "outcome.json"),
            "parameters": dict(run.parameters),
            "kernel_name": _KERNEL,
            "cwd": str(run.folder.resolve()),
            "title": run.title,
            "lang": run.lang,
            "stylesheet": stylesheet(),
            "template_root": str(template_root()),
            "start_timeout": int(self._start_timeout),
            "cell_timeout": int(self._cell_timeout),
        }
        job_file = job_folder / "job.json"
        job_file.write_text(json.dumps(job, allow_nan=False), encoding="utf-8")
        return job_file

    def _environment(self, job_folder: Path) -> dict[str, str]:
        environment = dict(os.environ)
        package_parent = str(Path(__file__).resolve().parents[2])
        for name, first in (("PYTHONPATH", package_parent), ("JUPYTER_PATH", str(job_folder))):
            rest = environment.get(name, "")
            environment[name] = first + (os.pathsep + rest if rest else "")
        environment["JUPYTER_RUNTIME_DIR"] = str(job_folder / "r")
        # Start-up files of the user's IPython profile are no part of a report.
        environment["IPYTHONDIR"] = str(job_folder / "ipython")
        environment["PHOENIX_REPORT_RUN"] = "1"
        return environment

    async def _child(self, ctx: Context, job_file: Path, job_folder: Path) -> str:
        limit = self._total_timeout if (left := ctx.remaining()) is None else min(left, self._total_timeout)
        process = await asyncio.create_subprocess_exec(
            self._python,
            "-m",
            "phoenix_nb.reporting._child",
            str(job_file),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment(job_folder),
            start_new_session=os.name == "posix",
        )
        cancelled = asyncio.Event()
        loop = asyncio.get_running_loop()

        def cancel() -> None:
            loop.call_soon_threadsafe(cancelled.set)

        forget = ctx.token.on_cancel(cancel)
        waiting = asyncio.ensure_future(process.communicate())
        watching = asyncio.ensure_future(cancelled.wait())
        try:
            done, _ = await asyncio.wait(
                {waiting, watching}, timeout=limit, return_when=asyncio.FIRST_COMPLETED
            )
            if waiting in done:
                return waiting.result()[1].decode("utf-8", "replace")
            ctx.check()
            raise DeadlineExceededError(
                f"the report run took longer than {limit:g} s and was ended",
                hint="give it more time, or report on a shorter run",
            )
        finally:
            forget()
            watching.cancel()
            if process.returncode is None:
                await _end(process, waiting)

    def _collect(self, job_folder: Path, run: NotebookRun, stderr: str) -> RenderedReport:
        outcome_file, notebook = job_folder / "outcome.json", job_folder / "output.ipynb"
        if not outcome_file.exists():
            last = stderr.strip().splitlines()[-1:] or ["it said nothing"]
            raise ReportError(
                f"the report process ended without an outcome: {last[0]}",
                hint="run `phoenix doctor` to see what is missing",
                details={"notebook": run.notebook.name, "stderr": stderr[-2000:]},
            )
        outcome = json.loads(outcome_file.read_text(encoding="utf-8"))
        if notebook.exists():
            _forget_paths(notebook)
        if not outcome["ok"]:
            raise self._failed(run, outcome, notebook)
        results = published_results(json.loads(notebook.read_text(encoding="utf-8")))
        return RenderedReport(
            html=install_file(job_folder / "output.html", run.folder / f"{run.stem}.html"),
            notebook=install_file(notebook, run.folder / f"{run.stem}.ipynb"),
            results=results,
        )

    def _failed(self, run: NotebookRun, outcome: Mapping[str, Any], notebook: Path) -> ReportError:
        details: dict[str, JsonValue] = {
            "notebook": run.notebook.name,
            "cell": outcome.get("cell"),
            "error": outcome["error"],
            "message": outcome["message"],
        }
        hint = "the report process could not run the notebook"
        if notebook.exists():
            kept = install_file(notebook, run.folder / f"{run.stem}.failed.ipynb")
            details["failed_notebook"] = str(kept)
            hint = f"open {kept.name} beside the report: it holds the traceback"
        where = f" at In [{outcome['cell']}]" if outcome.get("cell") is not None else ""
        return ReportError(
            f"the notebook {run.notebook.name} failed{where}: {outcome['error']}: {outcome['message']}",
            hint=hint,
            details=details,
        )


async def _end(process: asyncio.subprocess.Process, waiting: asyncio.Future[tuple[bytes, bytes]]) -> None:
    """End the child: politely first, because it then ends its kernel too."""
    for ending in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(ending)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiting), _GRACE_SECONDS)
            return


def _forget_paths(notebook: Path) -> None:
    """Remove the temporary paths that papermill notes down: they mean nothing to the reader."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    noted = content.get("metadata", {}).get("papermill", {})
    for key in ("input_path", "output_path"):
        noted.pop(key, None)
    content["metadata"]["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _remove_tree(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
