"""Runs and simulations as panels and cells show them, made from what is stored."""

from __future__ import annotations

from collections.abc import AsyncIterator

from phoenix_nb.evidence import Judge
from phoenix_nb.interfaces import (
    Context,
    Experiment,
    ExperimentState,
    Simulation,
    SimulationMetrics,
    SimulationState,
)
from phoenix_nb.lab._services import Services
from phoenix_nb.reporting import RunView, SimulationView

__all__ = ["RunFollower", "simulation_view", "watch_run"]

_STOPPABLE = (ExperimentState.RUNNING, ExperimentState.PAUSED, ExperimentState.DEPLOYING)


class RunFollower:
    """Keeps the saving band of one run up to date; every interval is judged once.

    Args:
        services: where the run is stored.
        experiment_id: which run.
    """

    def __init__(self, services: Services, experiment_id: str) -> None:
        self._services = services
        self._id = experiment_id
        self._judge: Judge | None = None
        self._last = -1
        self._elapsed: list[float] = []
        self._low: list[float | None] = []
        self._high: list[float | None] = []
        self._begin: float | None = None

    async def view(self, ctx: Context, experiment: Experiment | None = None) -> RunView:
        """The run as it is stored now."""
        if experiment is None:
            experiment = await self._services.experiments.get_experiment(ctx, self._id)
        results = experiment.results
        if results is not None:
            await self._catch_up(ctx, experiment)
        failed = experiment.state is ExperimentState.FAILED
        return RunView(
            experiment_id=experiment.id,
            name=experiment.name,
            state=experiment.state.value,
            terminal=experiment.terminal,
            can_stop=experiment.state in _STOPPABLE,
            intervals=0 if results is None else results.intervals,
            planned=_all_intervals(experiment),
            verdict=None if results is None else results.verdict,
            points=None if results is None else results.window.points,
            elapsed_seconds=tuple(self._elapsed),
            low=tuple(self._low),
            high=tuple(self._high),
            target=experiment.config.plan.success.target,
            coverage=None if results is None else results.coverage,
            notes=() if results is None else (*results.applied, *results.warnings),
            problem=experiment.state_reason if failed else "",
        )

    async def _catch_up(self, ctx: Context, experiment: Experiment) -> None:
        if self._judge is None:
            planned = experiment.results.planned_intervals if experiment.results is not None else None
            self._judge = Judge(experiment.config.plan, planned_intervals=planned)
        for interval in await self._services.metrics.get_intervals(ctx, self._id, after=self._last):
            self._last = interval.index
            if self._begin is None:
                self._begin = interval.start.timestamp()
            self._elapsed.append(interval.end.timestamp() - self._begin)
            projection = self._judge.push(interval).projection
            self._low.append(None if projection is None else projection.low)
            self._high.append(None if projection is None else projection.high)


def _all_intervals(experiment: Experiment) -> int | None:
    """Planned intervals with the warm-up, to be held against the intervals so far."""
    results = experiment.results
    if results is None or results.planned_intervals is None:
        return None
    return results.planned_intervals + experiment.config.plan.warmup_intervals


async def watch_run(ctx: Context, services: Services, experiment_id: str) -> AsyncIterator[RunView]:
    """The run now and after every change; ends after the terminal state."""
    follower = RunFollower(services, experiment_id)
    async for update in await services.experiments.watch_experiment(ctx, experiment_id):
        yield await follower.view(ctx, update.experiment)


def simulation_view(simulation: Simulation, metrics: SimulationMetrics | None) -> SimulationView:
    """A simulation as it is stored, with its figures where this process has them."""
    seen = metrics if metrics is not None and metrics.scrapes else None
    failed = simulation.state is SimulationState.FAILED
    return SimulationView(
        simulation_id=simulation.id,
        profile=simulation.profile.name,
        state=simulation.state.value,
        terminal=simulation.state in (SimulationState.STOPPED, SimulationState.FAILED),
        can_stop=simulation.state is SimulationState.RUNNING,
        elapsed_seconds=0.0 if metrics is None else metrics.elapsed_seconds,
        duration_seconds=simulation.profile.duration_seconds,
        processes=None if seen is None else seen.process_count,
        started=None if seen is None else seen.processes_created,
        ended=None if seen is None else seen.processes_ended,
        scrapes=None if seen is None else seen.scrapes,
        points=None if seen is None else seen.points,
        series=None if seen is None else seen.series,
        problem=simulation.state_reason if failed else "",
    )
