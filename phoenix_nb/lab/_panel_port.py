"""The laboratory as panels see it: small questions and answers, all on the control loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from phoenix_nb.errors import NotFoundError
from phoenix_nb.interfaces import (
    Context,
    CreateSimulationRequest,
    PipelineFilter,
    Simulation,
    SimulationMetrics,
    SimulationState,
)
from phoenix_nb.lab._comparisons import Comparison, start_comparison
from phoenix_nb.lab._services import Services
from phoenix_nb.lab._views import RunFollower, simulation_view, watch_run
from phoenix_nb.reporting import Choice, ComparisonRequest, RunView, SimulationRequest, SimulationView
from phoenix_nb.runtime import ControlLoop, Settings
from phoenix_nb.simulation import describe_profiles, load_profile

__all__ = ["PanelPort"]

T = TypeVar("T")
_PROPOSED = ("process-baseline-v1", "process-minimal-v1")
_MOST = 1000


class PanelPort:
    """Satisfies ``phoenix_nb_widgets.LabPort``.

    Args:
        services: what answers.
        loop: where they run.
        settings: defaults of comparisons.
        context: makes the context of a call.
        tick: waits between two looks at a simulation's figures, which change without events.
    """

    def __init__(
        self,
        services: Services,
        loop: ControlLoop,
        settings: Settings,
        context: Callable[[], Context],
        tick: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        self._services = services
        self._loop = loop
        self._settings = settings
        self._context = context
        self._tick = tick

    def submit(self, work: Coroutine[Any, Any, T], /) -> Future[T]:
        """Start ``work`` on the control loop and return at once."""
        return self._loop.submit(work)

    async def list_pipelines(self) -> Sequence[Choice]:
        """The catalogue, then what the workspace keeps; forms propose the first two."""
        ctx = self._context()
        shipped = sorted(
            await self._services.templates.list_templates(ctx),
            key=lambda one: (one.name not in _PROPOSED, one.name),
        )
        stored = await self._services.pipelines.list_pipelines(ctx, PipelineFilter(page_size=_MOST))
        return (
            *(Choice(value=one.name, title=one.name, description=one.title) for one in shipped),
            *(Choice(value=one.id, title=one.name, description=one.description) for one in stored.pipelines),
        )

    async def list_sources(self) -> Sequence[Choice]:
        """This host and the load profiles; a recording is typed in by its path."""
        host = Choice(value="host", title="This host", description="All processes of this machine, live.")
        return (
            host,
            *(
                Choice(value=f"sim:{name}", title=f"Simulated host: {name}", description=text)
                for name, text in describe_profiles().items()
            ),
        )

    async def list_profiles(self) -> Sequence[Choice]:
        """The load profiles."""
        return tuple(
            Choice(value=name, title=name, description=text) for name, text in describe_profiles().items()
        )

    async def start_comparison(self, request: ComparisonRequest) -> str:
        """Store and start a comparison; returns its id."""
        asked = Comparison(
            baseline=request.baseline,
            candidate=request.candidate,
            source=request.source,
            every=request.every_seconds,
            duration=request.duration_seconds,
            seed=request.seed,
            critical=request.critical,
        )
        return await start_comparison(self._context(), asked, self._services, self._settings)

    async def stop_comparison(self, experiment_id: str) -> None:
        """Stop a run and judge what it has measured."""
        await self._services.experiments.stop_experiment(self._context(), experiment_id)

    async def run_view(self, experiment_id: str) -> RunView:
        """The run as it is stored now."""
        return await RunFollower(self._services, experiment_id).view(self._context())

    def watch_run(self, experiment_id: str) -> AsyncIterator[RunView]:
        """The run now and after every change."""
        return watch_run(self._context(), self._services, experiment_id)

    async def start_simulation(self, request: SimulationRequest) -> str:
        """Store and start a simulation in real time; returns its id."""
        profile = load_profile(request.profile)
        changes: dict[str, object] = {"duration_seconds": request.duration_seconds}
        if request.processes is not None and profile.process_count is not None:
            count = profile.process_count
            changes["process_count"] = count.model_copy(
                update={
                    "initial": request.processes,
                    "min": min(count.min, request.processes),
                    "max": max(count.max, request.processes),
                }
            )
        made = await self._services.simulations.create_simulation(
            self._context(),
            CreateSimulationRequest(
                name=f"panel: {profile.name}",
                profile=profile.model_copy(update=changes),
                seed=request.seed,
                every_seconds=1.0,
                pace=1.0,
                auto_start=True,
            ),
        )
        return made.id

    async def stop_simulation(self, simulation_id: str) -> None:
        """Stop it; one that has ended stays as it is."""
        simulation = await self._services.simulations.get_simulation(self._context(), simulation_id)
        if simulation.state is SimulationState.RUNNING:
            await self._services.simulations.stop_simulation(self._context(), simulation_id)

    async def simulation_view(self, simulation_id: str) -> SimulationView:
        """The simulation as it is stored now."""
        simulation = await self._services.simulations.get_simulation(self._context(), simulation_id)
        return simulation_view(simulation, await self._figures(simulation))

    async def watch_simulation(self, simulation_id: str) -> AsyncIterator[SimulationView]:
        """The simulation now and at every tick; ends after the terminal state."""
        while True:
            view = await self.simulation_view(simulation_id)
            yield view
            if view.terminal:
                return
            await self._tick()

    async def _figures(self, simulation: Simulation) -> SimulationMetrics | None:
        try:
            return await self._services.simulations.get_simulation_metrics(self._context(), simulation.id)
        except NotFoundError:  # it has not begun, or another process ran it
            return None
