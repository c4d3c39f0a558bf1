"""The experiment panel: choose, start, watch, stop."""

from __future__ import annotations

import ipywidgets as widgets

from phoenix_nb.reporting import run_html, run_text
from phoenix_nb_widgets._experiment_view_model import (
    ExperimentPanelState,
    ExperimentViewModel,
)
from phoenix_nb_widgets._panel import Panel, choice_field, choose, text_field
from phoenix_nb_widgets._ports import ComparisonPort

__all__ = ["ExperimentPanel"]


class ExperimentPanel(Panel[ExperimentPanelState]):
    """Steers one comparison and shows it live: state, projected saving, coverage, verdict.

    The run lives in the laboratory, not in the panel: closing the panel, the cell or the browser leaves it
    alone, and ``ExperimentPanel(lab, experiment_id=…)`` shows it again.

    Args:
        port: the laboratory.
        experiment_id: a stored run to show; ``None`` shows the form.
        period: seconds between two updates of the widgets; at least 0.1 keeps the page calm.
    """

    kind = "experiment"

    def __init__(
        self, port: ComparisonPort, *, experiment_id: str | None = None, period: float = 0.1
    ) -> None:
        self._experiment = ExperimentViewModel(port, run_id=experiment_id)
        super().__init__(self._experiment, port, key=experiment_id or "", period=period)
        self._experiment.load()

    @property
    def experiment(self) -> ExperimentViewModel:
        """The view-model: everything the panel can do, without widgets."""
        return self._experiment

    @property
    def text(self) -> str:
        """The status line in words."""
        return run_text(self._experiment.state.run, self._experiment.state.busy)

    def _form_widgets(self) -> dict[str, widgets.Widget]:
        return {
            "source": choice_field("Source"),
            "baseline": choice_field("Baseline"),
            "candidate": choice_field("Candidate"),
            "critical": text_field("Critical processes", "postgres, nginx*"),
            "duration": text_field("Duration", "60s, 10m, 2h"),
            "every": text_field("Scrape every", "the source’s own"),
            "seed": text_field("Seed (simulated)", "default"),
        }

    def _edit(self, **fields: str) -> None:
        self._experiment.edit(**fields)

    def _model_start(self) -> None:
        self._experiment.start()

    def _model_stop(self) -> None:
        self._experiment.stop()

    def _show_state(self, state: ExperimentPanelState) -> None:
        form = state.form
        choose(self._fields["source"], state.sources, form.source)
        choose(self._fields["baseline"], state.pipelines, form.baseline)
        choose(self._fields["candidate"], state.pipelines, form.candidate)
        for name in ("critical", "duration", "every", "seed"):
            self._write(name, getattr(form, name))
        self._start.disabled = not state.can_start
        self._stop.disabled = not state.can_stop
        self._live.value = run_html(state.run)
