"""One experiment in the hands of a notebook."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from phoenix_nb.errors import NotFoundError, RunFailedError
from phoenix_nb.interfaces import (
    Experiment,
    ExperimentResults,
    ExperimentState,
    Report,
    ReportRequest,
    Verdict,
)
from phoenix_nb.lab._comparison_json import comparison_json
from phoenix_nb.lab._intervals import interval_table
from phoenix_nb.lab._views import RunFollower
from phoenix_nb.lab._waiting import wait_for
from phoenix_nb.reporting import RunView, run_html, run_text, stylesheet

if TYPE_CHECKING:
    import pandas as pd

    from phoenix_nb.errors import JsonValue
    from phoenix_nb.lab._lab import Lab

__all__ = ["ExperimentHandle"]


def _run_failed(experiment: Experiment) -> RunFailedError:
    """The error of a run that broke, with everything that the error which broke it carried."""
    failure = experiment.failure
    hint = "see what it measured until then with .intervals"
    if failure is None:
        return RunFailedError(experiment.state_reason, hint=hint, details={"experiment_id": experiment.id})
    what = f"{failure.message} ({failure.hint})" if failure.hint else failure.message
    return RunFailedError(
        f"the run ended with {failure.code}: {what}",
        hint=hint,
        details={**failure.details, "cause": failure.code, "experiment_id": experiment.id},
    )


class ExperimentHandle:
    """One experiment: its state, its figures, its verdict, and the verbs on it.

    Every property reads what is stored at that moment. The run goes on by itself: a handle may be thrown away and made
    again with :meth:`Lab.experiment`.

    Args:
        lab: where it runs.
        experiment_id: which one.
    """

    def __init__(self, lab: Lab, experiment_id: str) -> None:
        self._lab = lab
        self._id = experiment_id
        self._report: Report | None = None

    @property
    def id(self) -> str:
        """``exp_`` and a ULID."""
        return self._id

    @property
    def experiment(self) -> Experiment:
        """Everything that is stored of it."""
        return self._lab.call(self._lab.services.experiments.get_experiment, self._id)

    @property
    def status(self) -> ExperimentState:
        """Where it stands."""
        return self.experiment.state

    @property
    def results(self) -> ExperimentResults:
        """The latest results, of a run that goes on too.

        Raises:
            NotFoundError: nothing was measured yet.
        """
        return self._lab.call(self._lab.services.experiments.get_experiment_results, self._id)

    @property
    def verdict(self) -> Verdict | None:
        """The verdict as it stands now; ``None`` before the first interval."""
        results = self.experiment.results
        return None if results is None else results.verdict

    @property
    def intervals(self) -> pd.DataFrame:
        """One row per finalised interval.

        Columns: ``start``, ``end`` (UTC), ``warmup``; per arm ``<arm>_points``, ``<arm>_series``, ``<arm>_bytes``
        (missing where the arm was silent); ``critical_units``, ``missed``, ``saving`` (fraction of points, missing
        where it cannot be said). Index: interval number.
        """
        return interval_table(self._lab.call(self._lab.services.metrics.get_intervals, self._id))

    def wait(self, timeout: float | None = None, *, progress: bool = False) -> Self:
        """Wait until the run has ended.

        Args:
            timeout: seconds; ``None`` waits as long as it takes.
            progress: show a bar meanwhile.

        Raises:
            DeadlineExceededError: ``timeout`` seconds passed; the run goes on.
            RunFailedError: it ended because something broke.
        """
        seen: list[tuple[int, int | None]] = [(0, None)]

        async def ended() -> Experiment:
            ctx = self._lab.context()
            experiments = self._lab.services.experiments
            last = await experiments.get_experiment(ctx, self._id)
            async for update in await experiments.watch_experiment(ctx, self._id):
                last = update.experiment
                if last.results is not None:
                    planned, warmup = last.results.planned_intervals, last.config.plan.warmup_intervals
                    seen[0] = last.results.intervals, None if planned is None else planned + warmup
            return last

        future = self._lab.submit(ended())
        try:
            last = wait_for(
                future,
                timeout=timeout,
                what=f"the experiment {self._id}",
                progress=(lambda: seen[0]) if progress else None,
            )
        except BaseException:
            future.cancel()
            raise
        if last.state is ExperimentState.FAILED:
            raise _run_failed(last)
        return self

    def stop(self) -> Self:
        """End the run early; what was measured is judged."""
        self._lab.call(self._lab.services.experiments.stop_experiment, self._id)
        return self

    def abort(self, reason: str) -> Self:
        """End the run and count it as cancelled."""
        self._lab.call(self._lab.services.control.abort_experiment, self._id, reason)
        return self

    def pause(self) -> Self:
        """Take no payload until :meth:`resume`; the time between is a gap, never zeros."""
        self._lab.call(self._lab.services.control.pause_experiment, self._id)
        return self

    def resume(self) -> Self:
        """Go on after :meth:`pause`."""
        self._lab.call(self._lab.services.control.resume_experiment, self._id)
        return self

    def promote(self, *, override: str = "") -> Self:
        """Record the candidate as what is deployed.

        Args:
            override: the reason to promote against the verdict; empty needs the verdict PROMOTE.

        Raises:
            TransitionError: the verdict is another one and no reason was given.
        """
        services = self._lab.services
        if override:
            self._lab.call(services.control.override_promote, self._id, override)
        else:
            self._lab.call(services.experiments.promote_experiment, self._id)
        return self

    def rollback(self, reason: str) -> Self:
        """Deploy again what was deployed before :meth:`promote`."""
        self._lab.call(self._lab.services.control.rollback_experiment, self._id, reason)
        return self

    def delete(self) -> None:
        """Forget the experiment and everything it measured."""
        self._lab.call(self._lab.services.experiments.delete_experiment, self._id)

    def report(self, out: str | Path = "phoenix-reports", *, title: str = "") -> Report:
        """Write the comparison report: one HTML file that opens with the network off, its notebook and its data.

        Args:
            out: folder; made when missing.
            title: title of the page; empty takes the experiment's name.

        Raises:
            NotFoundError: nothing was measured yet.
            StorageError: the folder cannot be written.
        """
        request = ReportRequest(experiment_id=self._id, folder=Path(out), title=title)
        self._report = self._lab.call(self._lab.services.reports.generate, request)
        return self._report

    def panel(self) -> Any:
        """The live panel of this run."""
        return self._lab.panel("experiment", experiment_id=self._id)

    def to_json(self) -> dict[str, JsonValue]:
        """The object that ``phoenix compare --json`` prints.

        Raises:
            NotFoundError: nothing was measured yet.
        """
        experiment = self.experiment
        if experiment.results is None:
            raise NotFoundError(
                f"the experiment {self._id} has not measured anything yet", hint="wait for its first interval"
            )
        return comparison_json(experiment, experiment.results, self._report)

    @property
    def view(self) -> RunView:
        """What panels show of it."""

        async def look() -> RunView:
            return await RunFollower(self._lab.services, self._id).view(self._lab.context())

        return self._lab.run(look())

    def __repr__(self) -> str:
        if self._lab.closed:
            return f"ExperimentHandle({self._id}, the laboratory is closed)"
        view = self.view
        reason = view.problem or (str(view.verdict) if view.verdict is not None else "")
        return f"{view.name}: {run_text(view, '')}" + (f"\n{reason}" if reason else "")

    def _repr_html_(self) -> str | None:
        if self._lab.closed:
            return None
        return f"<style>{stylesheet()}</style>{run_html(self.view)}"
