"""Panels for notebooks: views of stored runs, with their view-models.

The view-models need no kernel and no widget; the panels load ``ipywidgets`` when they are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from phoenix_nb_widgets._experiment_view_model import (
    ExperimentForm,
    ExperimentPanelState,
    ExperimentViewModel,
)
from phoenix_nb_widgets._ports import ComparisonPort, LabPort, SimulationPort, Submitter
from phoenix_nb_widgets._simulation_view_model import (
    SimulationForm,
    SimulationPanelState,
    SimulationViewModel,
)
from phoenix_nb_widgets._throttle import LatestWins

if TYPE_CHECKING:
    from phoenix_nb_widgets._experiment_panel import ExperimentPanel
    from phoenix_nb_widgets._simulation_panel import SimulationPanel

__all__ = [
    "ComparisonPort",
    "ExperimentForm",
    "ExperimentPanel",
    "ExperimentPanelState",
    "ExperimentViewModel",
    "LabPort",
    "LatestWins",
    "SimulationForm",
    "SimulationPanel",
    "SimulationPanelState",
    "SimulationPort",
    "SimulationViewModel",
    "Submitter",
]


def __getattr__(name: str) -> Any:
    if name == "ExperimentPanel":
        from phoenix_nb_widgets._experiment_panel import ExperimentPanel

        return ExperimentPanel
    if name == "SimulationPanel":
        from phoenix_nb_widgets._simulation_panel import SimulationPanel

        return SimulationPanel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
