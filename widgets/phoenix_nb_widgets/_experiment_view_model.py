"""The experiment panel without its widgets."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.reporting import Choice, ComparisonRequest, RunView
from phoenix_nb_widgets._forms import globs, seconds, whole
from phoenix_nb_widgets._ports import ComparisonPort
from phoenix_nb_widgets._view_model import ViewModel

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
class ExperimentPanelState:
    """Everything that the panel shows."""

    form: ExperimentForm = field(default_factory=ExperimentForm)
    """The form."""
    sources: tuple[Choice, ...] = ()
    """Sources to choose from."""
    pipelines: tuple[Choice, ...] = ()
    """Pipelines to choose from."""
    run: RunView | None = None
    """The run that is shown; ``None`` when there is none."""
    busy: str = ""
    """The action under way; empty when there is none."""
    error: str = ""
    """What went wrong last; empty when nothing did."""
    hint: str = ""
    """What to do about it."""

    @property
    def can_start(self) -> bool:
        """Whether Start may be pressed: nothing is under way and no shown run is still going."""
        return not self.busy and (self.run is None or self.run.terminal)

    @property
    def can_stop(self) -> bool:
        """Whether Stop may be pressed."""
        return not self.busy and self.run is not None and self.run.can_stop


class ExperimentViewModel(ViewModel[ExperimentPanelState]):
    """Chooses, starts, watches and stops one comparison at a time.

    Args:
        port: the laboratory.
        experiment_id: a stored run to show; ``None`` shows the empty form.
    """

    def __init__(self, port: ComparisonPort, *, experiment_id: str | None = None) -> None:
        super().__init__(port, ExperimentPanelState())
        self._port = port
        self._experiment_id = experiment_id

    @property
    def experiment_id(self) -> str | None:
        """Id of the run that is shown."""
        return self._experiment_id

    def load(self) -> Future[None]:
        """Fetch the choices and, when there is a run to show, its stored state; then watch it."""
        return self._act("loading", self._load())

    def edit(self, **fields: str) -> None:
        """Change fields of the form."""
        self._update(lambda state: replace(state, form=replace(state.form, **fields)))

    def start(self) -> Future[None]:
        """Start what the form asks for."""
        return self._act("starting", self._start())

    def stop(self) -> Future[None]:
        """Stop the run that is shown."""
        return self._act("stopping", self._stop())

    def show(self, experiment_id: str) -> Future[None]:
        """Show another stored run."""
        return self._act("loading", self._show(experiment_id))

    async def _load(self) -> None:
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
        if self._experiment_id is not None:
            await self._show(self._experiment_id)

    async def _start(self) -> None:
        request = self.state.form.request()
        await self._show(await self._port.start_comparison(request))

    async def _stop(self) -> None:
        if self._experiment_id is None:
            raise InvalidRequestError("there is no run to stop", hint="start one first")
        await self._port.stop_comparison(self._experiment_id)
        self._change(run=await self._port.run_view(self._experiment_id))

    async def _show(self, experiment_id: str) -> None:
        self._experiment_id = experiment_id
        self._change(run=await self._port.run_view(experiment_id))
        self._follow(self._port.watch_run(experiment_id), self._on_update)

    def _on_update(self, run: RunView) -> None:
        # An update of a former run may still be on its way when another one is shown.
        if run.experiment_id == self._experiment_id:
            self._change(run=run)
