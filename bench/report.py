"""One comparison report, from its data file to its offline page, against bare nbclient running the same notebook."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench._measure import Row, compare

_NBCLIENT = """
import sys
{first}
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, kernel_name="python3", resources={{"metadata": {{"path": sys.argv[2]}}}}).execute()
nbformat.write(notebook, sys.argv[3])
"""
"""No parameters, no page, no result of record: the least that runs a notebook in a process of its own."""
_SKIP = 'sys.modules.setdefault("rfc3987_syntax", None)'
"""As in the report's own process: jsonschema then builds no grammar for a second that no notebook needs."""


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _timed(work: Callable[[], object], wall: bool) -> float:
    begin, cpu = time.perf_counter(), _children_cpu()
    work()
    return time.perf_counter() - begin if wall else _children_cpu() - cpu


def run(repeats: int) -> list[Row]:
    """The rows."""
    from phoenix_nb.interfaces import Context
    from phoenix_nb.reporting import NotebookRun, PapermillReportRunner, report_notebook_path
    from phoenix_nb.testing.sample_reports import sample_comparison

    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sample_comparison("PROMOTE").write(folder / "comparison.json")
        notebook = report_notebook_path()

        def ours() -> None:
            job = NotebookRun(notebook, folder, "Bench", {"data_path": "comparison.json"})
            asyncio.run(PapermillReportRunner().run(Context.background(), job))

        def bare(first: str) -> None:
            script = _NBCLIENT.format(first=first)
            arguments = [sys.executable, "-c", script, str(notebook), name, str(folder / "bare.ipynb")]
            subprocess.run(arguments, check=True, capture_output=True)

        for label, wall, first, peer in (
            ("wall time", True, "", "bare nbclient"),
            ("CPU time", False, "", "bare nbclient"),
            ("CPU time", False, _SKIP, "bare nbclient with the same shortcut at import"),
        ):
            rows.append(
                compare(
                    f"one report of 720 intervals with its page, {label}",
                    partial(_timed, ours, wall),
                    partial(_timed, partial(bare, first), wall),
                    peer_name=peer,
                    unit="s",
                    repeats=min(repeats, 3),
                    most=1.2,
                )
            )
    return rows
