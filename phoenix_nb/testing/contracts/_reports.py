"""Contract of rendered reports."""

from __future__ import annotations

import html
import os
from pathlib import Path

import pytest

from phoenix_nb.errors import NotFoundError
from phoenix_nb.interfaces import ExperimentService, ReportRequest, ReportService
from phoenix_nb.testing.contracts._base import CTX
from phoenix_nb.testing.contracts._experiments import RunsExperiments

__all__ = ["ReportServiceContract"]


class ReportServiceContract(RunsExperiments):
    """Fixtures: ``subject``; ``service``, the experiment service of the same experiments. Runs a real notebook."""

    interface = ReportService

    async def test_a_report_is_written_and_remembered(
        self, subject: ReportService, service: ExperimentService, tmp_path: Path
    ) -> None:
        ended = await self.finished(service)
        folder = tmp_path / "reports"
        made = await subject.generate(CTX, ReportRequest(experiment_id=ended.id, folder=folder))
        assert made.id.startswith("rep_")
        for path in (made.html, made.notebook, made.data):
            assert path.is_file()
            assert path.is_relative_to(folder)
        page = html.unescape(made.html.read_text(encoding="utf-8"))
        assert ended.results is not None
        assert ended.results.verdict.reason in page
        assert await subject.get_report(CTX, made.id) == made
        assert list(await subject.list_reports(CTX)) == [made]
        assert list(await subject.list_reports(CTX, experiment_id=ended.id)) == [made]
        assert list(await subject.list_reports(CTX, experiment_id="exp_missing")) == []

    async def test_what_cannot_be_reported_leaves_nothing(
        self, subject: ReportService, service: ExperimentService, tmp_path: Path
    ) -> None:
        made = await service.create_experiment(CTX, self.quick())
        for experiment_id in (made.id, "exp_missing"):
            with pytest.raises(NotFoundError):
                await subject.generate(
                    CTX, ReportRequest(experiment_id=experiment_id, folder=tmp_path / "none")
                )
        with pytest.raises(NotFoundError):
            await subject.get_report(CTX, "rep_missing")
        left = [path for path in os.walk(tmp_path / "none") if path[2]]
        assert not left
