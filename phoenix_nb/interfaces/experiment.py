"""Experiments: their lifecycle, their store, their results."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Protocol, runtime_checkable

from pydantic import Field, JsonValue

from phoenix_nb.interfaces._context import Context
from phoenix_nb.interfaces._value import Timestamp, Value
from phoenix_nb.interfaces.cost import CostBasis, CostRow, Usage
from phoenix_nb.interfaces.evidence import CoverageReport, Verdict, WindowTotals
from phoenix_nb.interfaces.plan import Plan

__all__ = [
    "TERMINAL_STATES",
    "TRANSITIONS",
    "CreateExperimentRequest",
    "Description",
    "EngineKind",
    "Experiment",
    "ExperimentConfig",
    "ExperimentControl",
    "ExperimentFilter",
    "ExperimentList",
    "ExperimentResults",
    "ExperimentService",
    "ExperimentState",
    "ExperimentStore",
    "ExperimentUpdate",
    "Name",
    "RunFailure",
    "UpdateExperimentRequest",
]

Name = Annotated[str, Field(min_length=3, max_length=100)]
"""A name people choose, 3 to 100 characters."""
Description = Annotated[str, Field(max_length=500)]
"""Free text, at most 500 characters."""


class ExperimentState(StrEnum):
    """Where an experiment stands."""

    PENDING = "pending"
    DEPLOYING = "deploying"
    RUNNING = "running"
    PAUSED = "paused"
    ANALYZING = "analyzing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


_S = ExperimentState
TRANSITIONS: Mapping[ExperimentState, frozenset[ExperimentState]] = MappingProxyType(
    {
        _S.PENDING: frozenset({_S.DEPLOYING, _S.CANCELLED}),
        _S.DEPLOYING: frozenset({_S.RUNNING, _S.FAILED, _S.CANCELLED}),
        _S.RUNNING: frozenset({_S.PAUSED, _S.ANALYZING, _S.FAILED, _S.CANCELLED}),
        _S.PAUSED: frozenset({_S.RUNNING, _S.ANALYZING, _S.FAILED, _S.CANCELLED}),
        _S.ANALYZING: frozenset({_S.COMPLETED, _S.FAILED, _S.CANCELLED}),
        _S.COMPLETED: frozenset(),
        _S.FAILED: frozenset(),
        _S.CANCELLED: frozenset(),
    }
)
"""The one transition table: every legal move of an experiment."""

TERMINAL_STATES = frozenset(state for state, following in TRANSITIONS.items() if not following)
"""States that nothing leaves."""


class EngineKind(StrEnum):
    """What runs the pipelines of an experiment."""

    EMBEDDED = "embedded"
    OTELCOL = "otelcol"


class ExperimentConfig(Value):
    """How an experiment runs."""

    source: str = Field(min_length=1)
    """``host``, ``sim:PROFILE`` or the path of a recording."""
    every_seconds: float | None = Field(default=None, gt=0)
    """Scrape period, seconds; ``None`` takes the recording's own."""
    duration_seconds: float | None = Field(default=None, gt=0)
    """Planned length, seconds of the source's time; ``None`` runs a recording to its end."""
    seed: int = Field(default=0, ge=0)
    """Seed of a simulated source; other sources ignore it."""
    plan: Plan = Plan()
    """Criteria, margins and critical selectors."""
    engine: EngineKind = EngineKind.EMBEDDED
    """What runs the pipelines."""
    redact: bool = True
    """Whether secrets in command lines are hidden in what is kept."""
    keep_payloads: bool = True
    """Whether raw payloads and both outputs are kept, so that the run can be queried, replayed and judged again."""
    cost_every_seconds: float = Field(default=60.0, gt=0)
    """Scrape period that costs are projected to, seconds."""
    hosts: int = Field(default=1, ge=1)
    """Hosts that costs are projected to."""
    aa_override: str = ""
    """Why it may start although the last A/A run of this source and engine calls equal arms different; kept with it."""
    cost_basis: CostBasis = CostBasis.MARGINAL
    """Whether costs are what the change adds to a bill, or the bill of an account that sends nothing else."""


class ExperimentResults(Value):
    """What a run ended with; also the state of things while it goes on."""

    plan_hash: str
    """SHA-256 of the plan's canonical JSON."""
    intervals: int = Field(ge=0)
    """Finalised intervals, the warm-up included."""
    planned_intervals: int | None = None
    """T_max, intervals after the warm-up; ``None`` while it is not known."""
    verdict: Verdict
    """The answer and what it rests on."""
    window: WindowTotals
    """Exact figures of the window."""
    coverage: CoverageReport
    """What became of critical processes."""
    cost: tuple[CostRow, ...] = ()
    """One row per price model."""
    baseline_usage: Usage | None = None
    """What price models bill the baseline by, so that it can be priced again; ``None`` before the first interval."""
    candidate_usage: Usage | None = None
    """Likewise of the candidate."""
    warnings: tuple[str, ...] = ()
    """What people should know, one sentence each."""
    applied: tuple[str, ...] = ()
    """What the arms' receivers left out of the source's payloads before their pipelines saw them, a sentence each."""
    analyzed_at: Timestamp
    """When these results were made."""


class RunFailure(Value):
    """The error that ended a run."""

    code: str
    """Its code, as in the error tree; ``INTERNAL`` for a defect of ours."""
    message: str
    """What happened, one sentence."""
    hint: str = ""
    """What to do about it; empty when there is nothing to say."""
    details: Mapping[str, JsonValue] = Field(default_factory=dict)
    """What it carries, for example ``path`` and ``line`` of a recording that cannot be read."""


class Experiment(Value):
    """One experiment."""

    id: str
    """``exp_`` and a ULID."""
    name: Name
    """A name people choose."""
    description: Description = ""
    """Free text."""
    state: ExperimentState
    """Where it stands."""
    state_reason: str = ""
    """Why it is in this state; every terminal state has one."""
    failure: RunFailure | None = None
    """The error that ended the run; ``None`` unless an error did."""
    baseline_pipeline: str
    """Id of the baseline pipeline."""
    candidate_pipeline: str
    """Id of the candidate pipeline."""
    target_nodes: tuple[str, ...] = Field(min_length=1)
    """Names of the nodes that a promotion changes."""
    config: ExperimentConfig
    """How it runs."""
    results: ExperimentResults | None = None
    """The latest results; ``None`` before the first interval."""
    promoted: bool = False
    """Whether the candidate is what a promotion of this experiment deployed."""
    created_at: Timestamp
    """When it was created."""
    updated_at: Timestamp
    """When it last changed."""
    started_at: Timestamp | None = None
    """When it was started; ``None`` before."""
    completed_at: Timestamp | None = None
    """When it reached a terminal state; ``None`` before."""
    created_by: str
    """Principal that created it."""
    version: int = Field(default=1, ge=1)
    """Grows by one at every change; a writer that holds an older one gets a conflict."""

    @property
    def terminal(self) -> bool:
        """Whether nothing leaves its state."""
        return self.state in TERMINAL_STATES


class CreateExperimentRequest(Value):
    """What it takes to create an experiment."""

    name: Name
    """A name people choose."""
    description: Description = ""
    """Free text."""
    baseline_pipeline: str = Field(min_length=1)
    """Id or catalogue name of the baseline pipeline."""
    candidate_pipeline: str = Field(min_length=1)
    """Id or catalogue name of the candidate pipeline."""
    target_nodes: tuple[str, ...] = Field(default=("local",), min_length=1)
    """Names of the nodes that a promotion changes."""
    config: ExperimentConfig
    """How it runs."""
    idempotency_key: str = ""
    """When set, a second request with the same key returns the experiment of the first."""


class UpdateExperimentRequest(Value):
    """What may change before an experiment is started; absent means unchanged."""

    name: Name | None = None
    """A new name."""
    description: Description | None = None
    """New free text."""
    config: ExperimentConfig | None = None
    """A new configuration."""


class ExperimentFilter(Value):
    """Which experiments to list: OR inside a field, AND between fields."""

    states: tuple[ExperimentState, ...] = ()
    """Any of these states; empty means every state."""
    created_by: str | None = None
    """Only those of this principal."""
    page_size: int = Field(default=50, ge=1, le=1000)
    """Most items of one answer."""
    page_token: str = ""
    """Where the last answer ended; empty begins."""


class ExperimentList(Value):
    """One page of experiments, newest first."""

    experiments: tuple[Experiment, ...]
    """The items."""
    next_page_token: str = ""
    """Continues the list; empty at its end."""
    total_count: int = Field(ge=0)
    """Items in all pages."""


class ExperimentUpdate(Value):
    """What a watcher sees: the experiment now, and which intervals are new to it."""

    experiment: Experiment
    """The experiment now."""
    from_interval: int = Field(ge=0)
    """First interval index that this update adds."""
    to_interval: int = Field(ge=0)
    """One past the last interval index that it adds."""


@runtime_checkable
class ExperimentService(Protocol):
    """Core experiment lifecycle.

    Promised: what a method returns is durable; the same idempotency key never creates twice; every run ends in a
    terminal state with a reason. Not promised: that a run survives the process that runs it (it is then marked
    ``failed`` with that reason at the next start).
    """

    async def create_experiment(self, ctx: Context, request: CreateExperimentRequest) -> Experiment:
        """Check and store an experiment in state ``pending``.

        Raises:
            NotFoundError: a pipeline is unknown.
            ConfigError: a pipeline is not valid, or the engine cannot run it.
            InvalidRequestError: the request contradicts itself.
        """
        ...

    async def get_experiment(self, ctx: Context, experiment_id: str) -> Experiment:
        """The experiment as it is stored now.

        Raises:
            NotFoundError: no such experiment.
        """
        ...

    async def update_experiment(
        self, ctx: Context, experiment_id: str, request: UpdateExperimentRequest
    ) -> Experiment:
        """Change an experiment that was not started yet.

        Raises:
            NotFoundError: no such experiment.
            TransitionError: it was started.
        """
        ...

    async def delete_experiment(self, ctx: Context, experiment_id: str) -> None:
        """Forget an experiment and everything it measured. Deleting an unknown one raises ``NotFoundError``.

        Raises:
            NotFoundError: no such experiment.
            TransitionError: it is running, or it is what is deployed now.
        """
        ...

    async def list_experiments(self, ctx: Context, filter: ExperimentFilter) -> ExperimentList:  # noqa: A002
        """One page of experiments, newest first."""
        ...

    async def start_experiment(self, ctx: Context, experiment_id: str) -> Experiment:
        """Begin to run; returns once ``deploying`` is durable, not when the run ends.

        Starting a run that is already under way returns it unchanged.

        Raises:
            NotFoundError: no such experiment.
            TransitionError: it has ended.
        """
        ...

    async def stop_experiment(self, ctx: Context, experiment_id: str) -> Experiment:
        """End a run early and count it as a success: what was measured is judged.

        Returns the terminal experiment; stopping one that has ended changes nothing.

        Raises:
            NotFoundError: no such experiment.
            TransitionError: it was never started.
        """
        ...

    async def get_experiment_results(self, ctx: Context, experiment_id: str) -> ExperimentResults:
        """The latest results, of a run that goes on too.

        Raises:
            NotFoundError: no such experiment, or nothing was measured yet.
        """
        ...

    async def promote_experiment(self, ctx: Context, experiment_id: str) -> Experiment:
        """Record the candidate as what is deployed on the target nodes; the previous pipeline is kept for a rollback.

        Raises:
            NotFoundError: no such experiment.
            TransitionError: it is not completed with verdict PROMOTE; a human's override is
                :meth:`ExperimentControl.override_promote`.
        """
        ...

    async def watch_experiment(self, ctx: Context, experiment_id: str) -> AsyncIterator[ExperimentUpdate]:
        """An already subscribed stream: the experiment now, then every change; ends after the terminal state.

        Updates that a slow reader misses are merged into one that covers them all: no interval is left out.

        Raises:
            NotFoundError: no such experiment.
        """
        ...


@runtime_checkable
class ExperimentControl(Protocol):
    """The other verbs on a run."""

    async def pause_experiment(self, ctx: Context, experiment_id: str) -> Experiment:
        """Stop taking payloads; the time until :meth:`resume_experiment` is a gap, never zeros. Idempotent.

        Raises:
            NotFoundError: no such experiment.
            TransitionError: it is not running.
        """
        ...

    async def resume_experiment(self, ctx: Context, experiment_id: str) -> Experiment:
        """Go on after a pause. Idempotent.

        Raises:
            NotFoundError: no such experiment.
            TransitionError: it is not paused.
        """
        ...

    async def abort_experiment(self, ctx: Context, experiment_id: str, reason: str) -> Experiment:
        """End a run and count it as cancelled; the reason is kept. Idempotent.

        Raises:
            NotFoundError: no such experiment.
        """
        ...

    async def override_promote(self, ctx: Context, experiment_id: str, reason: str) -> Experiment:
        """Promote against the verdict; the reason is kept in the journal.

        Raises:
            NotFoundError: no such experiment.
            TransitionError: it is not completed.
            InvalidRequestError: the reason is empty.
        """
        ...

    async def rollback_experiment(self, ctx: Context, experiment_id: str, reason: str) -> Experiment:
        """Deploy again what was deployed before this experiment's promotion.

        Raises:
            NotFoundError: no such experiment.
            TransitionError: its candidate is not what is deployed now.
        """
        ...


@runtime_checkable
class ExperimentStore(Protocol):
    """Keeps experiments.

    Promised: lossless round trips; a returned write is durable; ``update_experiment`` is a compare-and-swap on
    ``version``. Not promised: any rule about states; the service has those.
    """

    async def create_experiment(
        self, ctx: Context, experiment: Experiment, *, idempotency_key: str = ""
    ) -> Experiment:
        """Add an experiment, or return the one that was added with the same key.

        Raises:
            ConflictError: the id is taken.
        """
        ...

    async def get_experiment(self, ctx: Context, experiment_id: str) -> Experiment:
        """One experiment.

        Raises:
            NotFoundError: no such experiment.
        """
        ...

    async def update_experiment(self, ctx: Context, experiment: Experiment) -> Experiment:
        """Replace the stored experiment whose version equals this one's; returns it with the next version.

        Raises:
            NotFoundError: no such experiment.
            ConflictError: somebody changed it first.
        """
        ...

    async def delete_experiment(self, ctx: Context, experiment_id: str) -> None:
        """Remove one experiment.

        Raises:
            NotFoundError: no such experiment.
        """
        ...

    async def list_experiments(self, ctx: Context, filter: ExperimentFilter) -> ExperimentList:  # noqa: A002
        """One page, newest first."""
        ...

    async def update_experiment_state(
        self, ctx: Context, experiment_id: str, state: ExperimentState, *, reason: str, at: datetime
    ) -> Experiment:
        """Set the state alone, keeping everything else; returns the new value.

        Raises:
            NotFoundError: no such experiment.
            TransitionError: the transition table does not allow the move.
        """
        ...

    async def get_experiments_by_state(self, ctx: Context, state: ExperimentState) -> Sequence[Experiment]:
        """All experiments in one state, oldest first."""
        ...
