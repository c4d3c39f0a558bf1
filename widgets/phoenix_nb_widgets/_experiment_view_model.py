"""The experiment panel without its widgets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.reporting import Choice, ComparisonRequest, RunView
from phoenix_nb_widgets._forms import globs, seconds, whole
from phoenix_nb_widgets._ports import ComparisonPort
from phoenix_nb_widgets._run_view_model import RunPanelState, RunViewModel

__all__ = ["ExperimentForm", "ExperimentPanelState", "ExperimentViewModel"]


@dataclass(frozen=True, slots=True)
class ExperimentForm:
    """What the form says, as typed."""

    source: str = ""
    """Source specification."""
    baseline: str = ""
    """Baseline pipeline."""
    candidate: str = ""
    """Candidate pipeline."""
    critical: str = ""
    """Globs of critical processes, separated by commas."""
    duration: str = "60s"
    """How long to run; empty takes the source's own length."""
    every: str = ""
    """Scrape period; empty takes the source's default."""
    seed: str = ""
    """Seed of a simulated source; empty takes its default."""

    def request(self) -> ComparisonRequest:
        """The form as a request.

        Raises:
            InvalidRequestError: a field is empty or cannot be read; it is named.
        """
        for name in ("source", "baseline", "candidate"):
            if not getattr(self, name).strip():
                raise InvalidRequestError(
                    f"{name}: nothing is chosen", hint=f"choose a {name} first", details={"field": name}
                )
        return ComparisonRequest(
            source=self.source.strip(),
            baseline=self.baseline.strip(),
            candidate=self.candidate.strip(),
            critical=globs(self.critical),
            duration_seconds=seconds(self.duration, "duration"),
            every_seconds=seconds(self.every, "every"),
            seed=whole(self.seed, "seed"),
        )


@dataclass(frozen=True, slots=True)
class ExperimentPanelState(RunPanelState[ExperimentForm, RunView]):
    """Everything that the panel shows."""

    form: ExperimentForm = field(default_factory=ExperimentForm)
    """The form."""
    sources: tuple[Choice, ...] = ()
    """Sources to choose from."""
    pipelines: tuple[Choice, ...] = ()
    """Pipelines to choose from."""


class ExperimentViewModel(RunViewModel[ExperimentPanelState, RunView]):
    """Chooses, starts, watches and stops one comparison at a time.

    Args:
        port: the laboratory.
        run_id: a stored experiment to show; ``None`` shows the empty form.
    """

    _NOUN = "run"

    def __init__(self, port: ComparisonPort, *, run_id: str | None = None) -> None:
        super().__init__(port, ExperimentPanelState(), run_id)
        self._port = port

    async def _load_choices(self) -> None:
        sources = tuple(await self._port.list_sources())
        pipelines = tuple(await self._port.list_pipelines())
        first_two = [choice.value for choice in pipelines[:2]]

        def loaded(state: ExperimentPanelState) -> ExperimentPanelState:
            form = replace(
                state.form,
                source=state.form.source or (sources[0].value if sources else ""),
                baseline=state.form.baseline or (first_two[0] if first_two else ""),
                candidate=state.form.candidate or (first_two[-1] if first_two else ""),
            )
            return replace(state, sources=sources, pipelines=pipelines, form=form)

        self._update(loaded)

    async def _start_run(self) -> str:
        return await self._port.start_comparison(self.state.form.request())

    async def _stop_run(self, run_id: str) -> None:
        await self._port.stop_comparison(run_id)

    async def _view(self, run_id: str) -> RunView:
        return await self._port.run_view(run_id)

    def _updates(self, run_id: str) -> AsyncIterator[RunView]:
        return self._port.watch_run(run_id)

    def _id_of(self, run: RunView) -> str:
        return run.experiment_id
