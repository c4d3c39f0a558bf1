"""The simulation panel without its widgets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.reporting import Choice, SimulationRequest, SimulationView
from phoenix_nb_widgets._forms import seconds, whole
from phoenix_nb_widgets._ports import SimulationPort
from phoenix_nb_widgets._run_view_model import RunPanelState, RunViewModel

__all__ = ["SimulationForm", "SimulationPanelState", "SimulationViewModel"]


@dataclass(frozen=True, slots=True)
class SimulationForm:
    """What the form says, as typed."""

    profile: str = ""
    """Load profile."""
    duration: str = "60s"
    """Simulated length."""
    seed: str = "0"
    """Seed."""
    processes: str = ""
    """Number of processes; empty takes the profile's own."""

    def request(self) -> SimulationRequest:
        """The form as a request.

        Raises:
            InvalidRequestError: a field is empty or cannot be read; it is named.
        """
        if not self.profile.strip():
            raise InvalidRequestError(
                "profile: nothing is chosen", hint="choose a profile first", details={"field": "profile"}
            )
        duration = seconds(self.duration, "duration")
        if duration is None:
            raise InvalidRequestError(
                "duration: it is empty", hint="write for example 10m", details={"field": "duration"}
            )
        processes = whole(self.processes, "processes")
        if processes is not None and processes < 1:
            raise InvalidRequestError(
                "processes: at least one is needed",
                hint="leave it empty to take the default",
                details={"field": "processes"},
            )
        return SimulationRequest(
            profile=self.profile.strip(),
            seed=whole(self.seed, "seed") or 0,
            duration_seconds=duration,
            processes=processes,
        )


@dataclass(frozen=True, slots=True)
class SimulationPanelState(RunPanelState[SimulationForm, SimulationView]):
    """Everything that the panel shows."""

    form: SimulationForm = field(default_factory=SimulationForm)
    """The form."""
    profiles: tuple[Choice, ...] = ()
    """Profiles to choose from."""


class SimulationViewModel(RunViewModel[SimulationPanelState, SimulationView]):
    """Chooses, starts, watches and stops one simulation at a time.

    Args:
        port: the laboratory.
        run_id: a stored simulation to show; ``None`` shows the empty form.
    """

    _NOUN = "simulation"

    def __init__(self, port: SimulationPort, *, run_id: str | None = None) -> None:
        super().__init__(port, SimulationPanelState(), run_id)
        self._port = port

    async def _load_choices(self) -> None:
        profiles = tuple(await self._port.list_profiles())
        first = profiles[0].value if profiles else ""
        self._update(
            lambda state: replace(
                state,
                profiles=profiles,
                form=replace(state.form, profile=state.form.profile or first),
            )
        )

    async def _start_run(self) -> str:
        return await self._port.start_simulation(self.state.form.request())

    async def _stop_run(self, run_id: str) -> None:
        await self._port.stop_simulation(run_id)

    async def _view(self, run_id: str) -> SimulationView:
        return await self._port.simulation_view(run_id)

    def _updates(self, run_id: str) -> AsyncIterator[SimulationView]:
        return self._port.watch_simulation(run_id)

    def _id_of(self, run: SimulationView) -> str:
        return run.simulation_id
