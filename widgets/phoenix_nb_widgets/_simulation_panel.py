"""The simulation panel: choose a profile, start, watch the counts, stop."""

from __future__ import annotations

import ipywidgets as widgets

from phoenix_nb.reporting import simulation_html, simulation_text
from phoenix_nb_widgets._panel import Panel, choice_field, choose, text_field
from phoenix_nb_widgets._ports import SimulationPort
from phoenix_nb_widgets._simulation_view_model import (
    SimulationPanelState,
    SimulationViewModel,
)

__all__ = ["SimulationPanel"]


class SimulationPanel(Panel[SimulationPanelState]):
    """Steers one simulation and shows its counts live.

    Args:
        port: the laboratory.
        simulation_id: a stored simulation to show; ``None`` shows the form.
        period: seconds between two updates of the widgets; at least 0.1 keeps the page calm.
    """

    kind = "simulation"

    def __init__(
        self, port: SimulationPort, *, simulation_id: str | None = None, period: float = 0.1
    ) -> None:
        self._simulation = SimulationViewModel(port, run_id=simulation_id)
        super().__init__(self._simulation, port, key=simulation_id or "", period=period)
        self._simulation.load()

    @property
    def simulation(self) -> SimulationViewModel:
        """The view-model: everything the panel can do, without widgets."""
        return self._simulation

    @property
    def text(self) -> str:
        """The status line in words."""
        return simulation_text(self._simulation.state.run, self._simulation.state.busy)

    def _form_widgets(self) -> dict[str, widgets.Widget]:
        return {
            "profile": choice_field("Profile"),
            "duration": text_field("Simulated length", "60s, 10m, 2h"),
            "seed": text_field("Seed"),
            "processes": text_field("Processes", "the profile’s own"),
        }

    def _edit(self, **fields: str) -> None:
        self._simulation.edit(**fields)

    def _model_start(self) -> None:
        self._simulation.start()

    def _model_stop(self) -> None:
        self._simulation.stop()

    def _show_state(self, state: SimulationPanelState) -> None:
        form = state.form
        choose(self._fields["profile"], state.profiles, form.profile)
        for name in ("duration", "seed", "processes"):
            self._write(name, getattr(form, name))
        self._start.disabled = not state.can_start
        self._stop.disabled = not state.can_stop
        self._live.value = simulation_html(state.run)
