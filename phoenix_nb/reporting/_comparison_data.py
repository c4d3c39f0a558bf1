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
from phoenix_nb.reporting._files import write_text

__all__ = [
    "ArmPair",
    "ComparisonData",
    "ConditionLine",
    "CoverageName",
    "CoverageSummary",
    "IntervalFrame",
    "LossLine",
    "MissedProcess",
    "Pipelines",
    "PlanText",
    "Projection",
    "RunFacts",
    "VerdictText",
    "WindowFigures",
]

SCHEMA_VERSION = 1


class ArmPair(Value):
    """One quantity of both arms over the whole window, exact."""

    baseline: float | None
    """What the baseline sent; ``null`` when it is not known, never as a stand-in for zero."""
    candidate: float | None
    """What the candidate sent, likewise."""
    reduction: float | None
    """1 − candidate / baseline as a fraction; ``null`` when the baseline sent nothing or the run was
    unhealthy."""


class WindowFigures(Value):
    """What was measured in this window. Exact; carries no interval."""

    points: ArmPair
    """Data points."""
    series: ArmPair
    """Distinct series over the window: distinct (resource, metric name, point attributes)."""
    bytes: ArmPair
    """Uncompressed OTLP protobuf, bytes."""


class Projection(Value):
    """The saving in typical operation, with a time-uniform interval."""

    metric: str
    """What the saving is measured in, in words: for example ``data points``."""
    estimate: float
    """Point estimate, fraction."""
    low: float
    """Lower end, fraction."""
    high: float
    """Upper end, fraction."""
    alpha: float = Field(gt=0, lt=1)
    """Error rate of the interval: it misses the truth at any time during the run with at most this
    probability."""


class VerdictText(Value):
    """The verdict in words."""

    state: Literal["PROMOTE", "REJECT", "KEEP_RUNNING", "INCONCLUSIVE", "UNHEALTHY", "TOO_SHORT", "DRIFT"]
    """The verdict."""
    reason: str
    """One sentence that says it to a person."""
    decided_by: str = ""
    """Id of the condition that decided; empty while nothing has."""
    decided_text: str = ""
    """What the deciding condition says, with its figures; empty while nothing has decided."""
    blocking_text: str = ""
    """What keeps the candidate from being promoted, with its figures; empty when nothing does."""


class ConditionLine(Value):
    """One condition of the plan and how it stands."""

    name: str
    """What is asked, in words."""
    status: Literal["met", "not_met", "violated", "unknown", "not_applicable"]
    """``met``; ``not_met`` yet; ``violated`` for good; ``unknown`` when it cannot be told yet;
    ``not_applicable``."""
    value: str = ""
    """The measured or bounded figure, formatted with its unit; empty when there is none."""
    bound: str = ""
    """What it is held against, formatted; empty when there is none."""
    margin: str = ""
    """The distance to the bound, formatted, positive when it is met; empty when there is none."""
    first_met: str = ""
    """Where in the run it was met first, for example ``interval 95``; empty when it never was."""
    blocks: bool = False
    """Whether it keeps the candidate from being promoted."""
    note: str = ""
    """More for the reader; may be empty."""


class MissedProcess(Value):
    """A critical process that the candidate did not show."""

    name: str
    """``process.executable.name``."""
    pid: int | None
    """Process id; ``null`` when it is not known."""
    start: Timestamp | None
    """When the process started."""
    last_seen: Timestamp | None
    """When the source saw it last."""


class CoverageName(Value):
    """Coverage of the critical processes of one name."""

    name: str
    """``process.executable.name``."""
    units: int = Field(ge=0)
    """Process lifetimes that the source saw."""
    covered: int = Field(ge=0)
    """Lifetimes that the candidate showed one by one in every interval."""
    in_aggregate: int = Field(0, ge=0)
    """Lifetimes that are only part of an aggregate in the candidate's output."""
    missed: int = Field(ge=0)
    """Lifetimes with a verified miss."""


class CoverageSummary(Value):
    """What became of the critical processes."""

    selectors: tuple[str, ...]
    """What counts as critical."""
    unmatched: tuple[str, ...] = ()
    """Selectors that matched no process."""
    units: int = Field(ge=0)
    """Process lifetimes that any selector matched."""
    by_name: tuple[CoverageName, ...]
    """One row per name, worst first."""
    missed: tuple[MissedProcess, ...] = ()
    """Every verified miss."""
    miss_rate_upper: float | None = None
    """One-sided upper bound of the miss rate, fraction; ``null`` when there is no unit or any miss."""
    static_check: str = ""
    """What the static check of the candidate's rules says, one sentence; empty when it was not run."""
    static_safe: bool | None = None
    """Whether that check found the rules safe; ``null`` when it cannot be told."""


class LossLine(Value):
    """What the candidate no longer shows of one process name and metric."""

    process: str
    """``process.executable.name``; may stand for what has no name."""
    metric: str
    """Metric name."""
    baseline_points: int = Field(ge=0)
    """Points in the baseline's output over the window."""
    candidate_points: int = Field(ge=0)
    """Points left in the candidate's output."""
    last_value: float | None = None
    """The last value that the baseline showed; ``null`` when there is none."""
    unit: str = ""
    """Unit of that value."""
    critical: bool = False
    """Whether a critical selector matches the process."""


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


class PlanText(Value):
    """What was fixed before the run."""

    yaml: str
    """The whole plan, every default written out."""
    hash: str
    """Hash of the plan."""
    target: float
    """Saving that the plan asks for, fraction."""
    metric: str
    """What the saving is measured in, in words."""
    alpha: float = Field(gt=0, lt=1)
    """Error rate of the plan."""


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
    plan: PlanText
    """What was fixed before the run."""
    verdict: VerdictText
    """The verdict in words."""
    conditions: tuple[ConditionLine, ...]
    """Every condition and how it stands."""
    window: WindowFigures
    """Exact figures of this window."""
    projection: Projection | None
    """The projection; ``null`` with a reason when there is none."""
    projection_reason: str = ""
    """Why there is no projection; empty when there is one."""
    coverage: CoverageSummary
    """What became of the critical processes."""
    cost: tuple[CostRow, ...]
    """One line per price model."""
    losses: tuple[LossLine, ...]
    """What the candidate no longer shows, by process name and metric, largest first."""
    frame: IntervalFrame
    """The per-interval table."""
    not_checked: tuple[str, ...] = ()
    """What nobody looked at: for example alert rules that use a metric that is gone."""
    notes: tuple[str, ...] = ()
    """Warnings and remarks of the run."""
    versions: dict[str, str] = Field(default_factory=dict)
    """Names and versions of what made the run."""

    @model_validator(mode="after")
    def _projection_or_reason(self) -> Self:
        if self.projection is None and not self.projection_reason:
            message = "a missing projection needs a reason"
            raise ValueError(message)
        return self

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
