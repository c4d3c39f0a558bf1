"""Where the input of a report comes from: the services and stores, asked through their contracts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from phoenix_nb.analysis import StreamSummary, lost_series
from phoenix_nb.errors import NotFoundError
from phoenix_nb.evidence.coverage import parse_selectors
from phoenix_nb.interfaces import Clock, Context
from phoenix_nb.interfaces.experiment import Experiment, ExperimentService
from phoenix_nb.interfaces.pipeline import PipelineService
from phoenix_nb.otlp import Dictionaries
from phoenix_nb.otlp.contracts import TelemetryStore
from phoenix_nb.reporting._build import comparison_data
from phoenix_nb.reporting._comparison_data import ComparisonData, Pipelines
from phoenix_nb.services import NOT_CHECKED

__all__ = ["ComparisonProvider", "StoredComparisons", "source_words"]


@runtime_checkable
class ComparisonProvider(Protocol):
    """Gives the input of a comparison report."""

    async def comparison(self, ctx: Context, experiment_id: str) -> ComparisonData:
        """Everything that a report shows of one experiment, as it is stored now.

        Raises:
            NotFoundError: no such experiment, or nothing was measured yet.
        """
        ...


def source_words(source: str) -> str:
    """A source specification in words that fit after "every payload of"."""
    if source == "host":
        return "this host"
    kind, _, rest = source.partition(":")
    if kind == "sim" and rest:
        return f"the simulated host “{rest}”"
    return f"the recording {source.replace(chr(92), '/').rsplit('/', 1)[-1]}"


class StoredComparisons:
    """Gathers a comparison from the services and the telemetry store.

    Args:
        experiments: experiments and their results.
        pipelines: configurations.
        telemetry: intervals and, where they were kept, payloads.
        clock: time of the file.
        versions: names and versions of what makes the runs.
    """

    def __init__(
        self,
        experiments: ExperimentService,
        pipelines: PipelineService,
        telemetry: TelemetryStore,
        clock: Clock,
        *,
        versions: Mapping[str, str] | None = None,
    ) -> None:
        self._experiments = experiments
        self._pipelines = pipelines
        self._telemetry = telemetry
        self._clock = clock
        self._versions = dict(versions or {})

    async def comparison(self, ctx: Context, experiment_id: str) -> ComparisonData:
        """Everything that a report shows of one experiment."""
        experiment = await self._experiments.get_experiment(ctx, experiment_id)
        results = experiment.results
        if results is None:
            raise NotFoundError(
                f"the experiment {experiment_id} has not measured anything yet",
                hint="wait for its first interval, or look at why it failed",
                details={"experiment_id": experiment_id, "state": experiment.state.value},
            )
        baseline = await self._pipelines.get_pipeline(ctx, experiment.baseline_pipeline)
        candidate = await self._pipelines.get_pipeline(ctx, experiment.candidate_pipeline)
        intervals = await self._telemetry.read_intervals(ctx, experiment_id)
        raw, before, after = await self._streams(ctx, experiment)
        kept = raw.payloads > 0
        return comparison_data(
            experiment_id=experiment.id,
            name=experiment.name,
            created=self._clock.now(),
            source=source_words(experiment.config.source),
            pipelines=Pipelines(
                baseline_name=baseline.name,
                candidate_name=candidate.name,
                baseline_yaml=baseline.config.yaml,
                candidate_yaml=candidate.config.yaml,
            ),
            plan=experiment.config.plan,
            sealed_hash=results.plan_hash,
            planned_intervals=results.planned_intervals,
            intervals=intervals,
            verdict=results.verdict,
            window=results.window,
            coverage=results.coverage,
            cost=results.cost,
            losses=lost_series(before, after) if kept else None,
            hosts=len(raw.hosts) or None,
            processes=raw.processes if kept else None,
            processes_started=raw.started if kept else None,
            processes_ended=raw.ended if kept else None,
            seed=experiment.config.seed if experiment.config.source.startswith("sim:") else None,
            not_checked=NOT_CHECKED,
            notes=(*results.applied, *results.warnings),
            versions={**self._versions, "collector semantics": baseline.config.collector_version},
        )

    async def _streams(
        self, ctx: Context, experiment: Experiment
    ) -> tuple[StreamSummary, StreamSummary, StreamSummary]:
        selectors = parse_selectors(experiment.config.plan.critical)
        dictionaries = Dictionaries()
        found = []
        for stream in ("raw", "baseline", "candidate"):
            summary = StreamSummary(dictionaries, selectors)
            if experiment.config.keep_payloads:
                async for frames in self._telemetry.read(ctx, experiment.id, stream, dictionaries):
                    summary.add(frames)
            found.append(summary)
        return found[0], found[1], found[2]
