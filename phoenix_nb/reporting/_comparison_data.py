"""The input of a comparison report: one JSON file that lies beside the report.

The file is a format of its own with a version, so that a report can be made again from an old file, on a
machine that has no store, by a notebook that imports nothing but this module. Everything in it was decided
before: the report computes nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from phoenix_nb.errors import InvalidRequestError, NotFoundError
from phoenix_nb.interfaces import Timestamp, Value
from phoenix_nb.interfaces.cost import CostRow
from phoenix_nb.interfaces.evidence import CoverageReport, Verdict, WindowTotals
from phoenix_nb.interfaces.monitoring import LostSeries
from phoenix_nb.interfaces.plan import Plan
from phoenix_nb.reporting._files import write_text

__all__ = ["ComparisonData", "IntervalFrame", "Pipelines", "RunFacts"]


class Pipelines(Value):
    """The two collector configurations."""

    baseline_name: str
    """Name of the baseline."""
    candidate_name: str
    """Name of the candidate."""
    baseline_yaml: str
    """Text of the baseline's configuration."""
    candidate_yaml: str
    """Text of the candidate's configuration."""


class RunFacts(Value):
    """Where the data came from and how much of the world the window shows."""

    source: str
    """The source in words."""
    started: Timestamp | None
    """Start of the window."""
    ended: Timestamp | None
    """End of the window."""
    interval_seconds: float | None
    """Length of one interval, seconds."""
    hosts: int | None = None
    """Distinct hosts seen."""
    processes: int | None = None
    """Distinct process lifetimes seen."""
    day_share: float | None = None
    """Share of a day that the window covers, fraction, at most 1."""
    load_low: float | None = None
    """Fewest baseline points in an interval."""
    load_high: float | None = None
    """Most baseline points in an interval."""
    processes_started: int | None = None
    """Processes that started inside the window."""
    processes_ended: int | None = None
    """Processes that ended inside the window."""
    seed: int | None = None
    """Seed of a simulated source; ``null`` for a real one."""


class IntervalFrame(Value):
    """One entry per finalised interval; all columns have the same length."""

    index: tuple[int, ...] = ()
    """Number of the interval, from 0."""
    elapsed_seconds: tuple[float, ...] = ()
    """Seconds from the start of the window to the end of the interval."""
    baseline_points: tuple[float | None, ...] = ()
    """Points of the baseline; ``null`` when the arm was silent."""
    candidate_points: tuple[float | None, ...] = ()
    """Points of the candidate, likewise."""
    baseline_bytes: tuple[float | None, ...] = ()
    """Bytes of the baseline, likewise."""
    candidate_bytes: tuple[float | None, ...] = ()
    """Bytes of the candidate, likewise."""
    baseline_series: tuple[float | None, ...] = ()
    """Active series of the baseline, likewise."""
    candidate_series: tuple[float | None, ...] = ()
    """Active series of the candidate, likewise."""
    low: tuple[float | None, ...] = ()
    """Running lower end of the projected saving, fraction; ``null`` while it is not estimable."""
    high: tuple[float | None, ...] = ()
    """Running upper end, likewise."""

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        lengths = {name: len(getattr(self, name)) for name in type(self).model_fields}
        if len(set(lengths.values())) > 1:
            message = f"the columns differ in length: {lengths}"
            raise ValueError(message)
        return self


class ComparisonData(Value):
    """Everything that a comparison report shows."""

    schema_version: Literal[1] = 1
    """Version of this format."""
    experiment_id: str
    """Id of the experiment."""
    name: str
    """Its name."""
    created: Timestamp
    """When this file was made."""
    run: RunFacts
    """Where the data came from."""
    pipelines: Pipelines
    """Both configurations."""
    plan: Plan
    """What was fixed before the run."""
    plan_hash: str
    """Hash of the plan, as it was sealed before the run."""
    verdict: Verdict
    """The answer, with every condition and the projection."""
    window: WindowTotals
    """Exact figures of this window."""
    coverage: CoverageReport
    """What became of the critical processes."""
    cost: tuple[CostRow, ...] = ()
    """One row per price model."""
    losses: tuple[LostSeries, ...] | None = None
    """What the candidate no longer shows, by process name and metric, largest first; ``null`` when the payloads were
    not kept, so that nobody could look."""
    frame: IntervalFrame
    """The per-interval table."""
    not_checked: tuple[str, ...] = ()
    """What nobody looked at: for example alert rules that use a metric that is gone."""
    notes: tuple[str, ...] = ()
    """Warnings and remarks of the run."""
    versions: dict[str, str] = Field(default_factory=dict)
    """Names and versions of what made the run."""

    def write(self, path: Path) -> Path:
        """Write the file whole or not at all.

        Raises:
            StorageError: the folder is missing or read-only, or the disk is full.
        """
        return write_text(path, self.model_dump_json(indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read such a file.

        Raises:
            NotFoundError: there is no such file.
            InvalidRequestError: it is not a file of this format.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError as exc:
            raise NotFoundError(
                f"there is no comparison file {path.name}",
                hint="a report folder holds comparison.json; name that file",
                details={"path": str(path)},
            ) from exc
        except ValidationError as exc:
            first = exc.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            raise InvalidRequestError(
                f"{path.name} is not a comparison file: {where}: {first['msg']}",
                hint="it was changed by hand, or a newer version wrote it",
                details={"path": str(path), "problems": exc.error_count()},
            ) from exc
