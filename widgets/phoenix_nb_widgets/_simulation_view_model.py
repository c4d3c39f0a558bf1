"""The simulation panel without its widgets."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.reporting import Choice, SimulationRequest, SimulationView
from phoenix_nb_widgets._forms import seconds, whole
from phoenix_nb_widgets._ports import SimulationPort
from phoenix_nb_widgets._view_model import ViewModel

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
class SimulationPanelState:
    """Everything that the panel shows."""

    form: SimulationForm = field(default_factory=SimulationForm)
    """The form."""
    profiles: tuple[Choice, ...] = ()
    """Profiles to choose from."""
    run: SimulationView | None = None
    """The simulation that is shown; ``None`` when there is none."""
    busy: str = ""
    """The action under way; empty when there is none."""
    error: str = ""
    """What went wrong last; empty when nothing did."""
    hint: str = ""
    """What to do about it."""

    @property
    def can_start(self) -> bool:
        """Whether Start may be pressed: nothing is under way and no shown simulation is still going."""
        return not self.busy and (self.run is None or self.run.terminal)

    @property
    def can_stop(self) -> bool:
        """Whether Stop may be pressed."""
        return not self.busy and self.run is not None and self.run.can_stop


class SimulationViewModel(ViewModel[SimulationPanelState]):
    """Chooses, starts, watches and stops one simulation at a time.

    Args:
        port: the laboratory.
        simulation_id: a stored simulation to show; ``None`` shows the empty form.
    """

    def __init__(self, port: SimulationPort, *, simulation_id: str | None = None) -> None:
        super().__init__(port, SimulationPanelState())
        self._port = port
        self._simulation_id = simulation_id

    @property
    def simulation_id(self) -> str | None:
        """Id of the simulation that is shown."""
        return self._simulation_id

    def load(self) -> Future[None]:
        """Fetch the profiles and, when there is a simulation to show, its stored state; then watch it."""
        return self._act("loading", self._load())

    def edit(self, **fields: str) -> None:
        """Change fields of the form."""
        self._update(lambda state: replace(state, form=replace(state.form, **fields)))

    def start(self) -> Future[None]:
        """Start what the form asks for."""
        return self._act("starting", self._start())

    def stop(self) -> Future[None]:
        """Stop the simulation that is shown."""
        return self._act("stopping", self._stop())

    async def _load(self) -> None:
        profiles = tuple(await self._port.list_profiles())
        first = profiles[0].value if profiles else ""
        self._update(
            lambda state: replace(
                state,
                profiles=profiles,
                form=replace(state.form, profile=state.form.profile or first),
            )
        )
        if self._simulation_id is not None:
            await self._show(self._simulation_id)

    async def _start(self) -> None:
        await self._show(await self._port.start_simulation(self.state.form.request()))

    async def _stop(self) -> None:
        if self._simulation_id is None:
            raise InvalidRequestError("there is no simulation to stop", hint="start one first")
        await self._port.stop_simulation(self._simulation_id)
        self._change(run=await self._port.simulation_view(self._simulation_id))

    async def _show(self, simulation_id: str) -> None:
        self._simulation_id = simulation_id
        self._change(run=await self._port.simulation_view(simulation_id))
        self._follow(self._port.watch_simulation(simulation_id), self._on_update)

    def _on_update(self, run: SimulationView) -> None:
        if run.simulation_id == self._simulation_id:
            self._change(run=run)
