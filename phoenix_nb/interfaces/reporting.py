"""Rendered reports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from phoenix_nb.interfaces._context import Context
from phoenix_nb.interfaces._value import Timestamp, Value

__all__ = ["Report", "ReportRequest", "ReportService"]


class ReportRequest(Value):
    """Which report to write."""

    experiment_id: str
    """Of which experiment."""
    folder: Path
    """Where the files go; made when missing."""
    notebook: str = "comparison"
    """Name of the report notebook."""
    title: str = ""
    """Title of the page; empty takes the experiment's name."""


class Report(Value):
    """A report that was written."""

    id: str
    """``rep_`` and a ULID."""
    experiment_id: str
    """Of which experiment."""
    notebook_name: str
    """Name of the report notebook."""
    html: Path
    """One file that opens with the network off."""
    notebook: Path
    """The executed notebook."""
    data: Path
    """The input of the notebook, JSON."""
    created_at: Timestamp
    """When it was written."""


@runtime_checkable
class ReportService(Protocol):
    """Renders reports to files.

    Promised: nothing half-written: the files appear together or not at all (the notebook of a failed run is kept for
    reading). Not promised: that files which were moved or deleted are still where a listed report says.
    """

    async def generate(self, ctx: Context, request: ReportRequest) -> Report:
        """Run the notebook in a process of its own and write the page.

        Raises:
            NotFoundError: no such experiment or notebook, or nothing was measured yet.
            ReportError: the notebook failed.
            StorageError: the folder cannot be written.
        """
        ...

    async def get_report(self, ctx: Context, report_id: str) -> Report:
        """One report.

        Raises:
            NotFoundError: no such report.
        """
        ...

    async def list_reports(self, ctx: Context, *, experiment_id: str = "") -> Sequence[Report]:
        """Reports, newest first; empty means of every experiment."""
        ...
