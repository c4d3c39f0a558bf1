"""One simulation in the hands of a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from phoenix_nb.errors import RunFailedError
from phoenix_nb.interfaces import Simulation, SimulationMetrics, SimulationState
from phoenix_nb.lab._waiting import wait_for
from phoenix_nb.reporting import SimulationView, simulation_html, simulation_text, stylesheet

if TYPE_CHECKING:
    from phoenix_nb.lab._lab import Lab

__all__ = ["SimulationHandle"]


class SimulationHandle:
    """One simulation: its state, its figures, and the verbs on it.

    Args:
        lab: where it runs.
        simulation_id: which one.
    """

    def __init__(self, lab: Lab, simulation_id: str) -> None:
        self._lab = lab
        self._id = simulation_id

    @property
    def id(self) -> str:
        """``sim_`` and a ULID."""
        return self._id

    @property
    def simulation(self) -> Simulation:
        """Everything that is stored of it."""
        return self._lab.call(self._lab.services.simulations.get_simulation, self._id)

    @property
    def status(self) -> SimulationState:
        """Where it stands."""
        return self.simulation.state

    @property
    def metrics(self) -> SimulationMetrics:
        """What it did so far.

        Raises:
            NotFoundError: another process ran it.
        """
        return self._lab.call(self._lab.services.simulations.get_simulation_metrics, self._id)

    def wait(self, timeout: float | None = None) -> Self:
        """Wait until it has ended.

        Raises:
            DeadlineExceededError: ``timeout`` seconds passed; it goes on.
            RunFailedError: it ended because something broke.
        """

        async def ended() -> Simulation:
            ctx, simulations = self._lab.context(), self._lab.services.simulations
            while True:
                now = await simulations.get_simulation(ctx, self._id)
                if now.state not in (SimulationState.PENDING, SimulationState.RUNNING):
                    return now
                await self._lab.pause_between_looks()

        future = self._lab.submit(ended())
        try:
            last = wait_for(future, timeout=timeout, what=f"the simulation {self._id}")
        except BaseException:
            future.cancel()
            raise
        if last.state is SimulationState.FAILED:
            raise RunFailedError(last.state_reason, details={"simulation_id": self._id})
        return self

    def stop(self) -> Self:
        """End it."""
        self._lab.call(self._lab.services.simulations.stop_simulation, self._id)
        return self

    def panel(self) -> Any:
        """The live panel of this simulation."""
        return self._lab.panel("simulation", simulation_id=self._id)

    @property
    def view(self) -> SimulationView:
        """What panels show of it."""
        return self._lab.run(self._lab.port.simulation_view(self._id))

    def __repr__(self) -> str:
        if self._lab.closed:
            return f"SimulationHandle({self._id}, the laboratory is closed)"
        view = self.view
        text = f"{view.profile}: {simulation_text(view, '')}"
        return f"{text}\n{view.problem}" if view.problem else text

    def _repr_html_(self) -> str | None:
        if self._lab.closed:
            return None
        return f"<style>{stylesheet()}</style>{simulation_html(self.view)}"
