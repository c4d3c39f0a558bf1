"""One paired run: both arms over the same payloads, measured and judged as they come. Pure."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from phoenix_nb.analysis._fidelity import FidelityCounter
from phoenix_nb.analysis._meter import ExperimentMeter
from phoenix_nb.analysis._output import ArmOutput, uncounted_exporters
from phoenix_nb.analysis._static import static_check
from phoenix_nb.analysis._warnings import run_warnings
from phoenix_nb.collector.receiving import EngineFactory
from phoenix_nb.evidence import Judge, SavingSequence
from phoenix_nb.evidence.cost import compare_costs
from phoenix_nb.interfaces.cost import CostBasis, CostRow, PriceBook, SavingInterval, Usage
from phoenix_nb.interfaces.evidence import (
    Arm,
    CoverageReport,
    Interval,
    Projection,
    StaticFinding,
    Verdict,
)
from phoenix_nb.interfaces.experiment import ExperimentResults
from phoenix_nb.interfaces.plan import Plan, SuccessMetric, plan_hash
from phoenix_nb.otlp import Dictionaries, Frames
from phoenix_nb.otlp.contracts import EngineOutput, PipelineEngine

__all__ = ["Billing", "PairedRun", "Step"]


@dataclass(frozen=True, slots=True)
class Billing:
    """What costs are computed for."""

    book: PriceBook
    """The prices."""
    every: float = 60.0
    """Scrape interval of the month, seconds."""
    hosts: int = 1
    """Hosts like the measured one."""
    basis: CostBasis = CostBasis.MARGINAL
    """Marginal, or a whole account."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one call added."""

    raw: Frames
    """The payloads."""
    baseline: Frames
    """What the baseline sent for them."""
    candidate: Frames
    """What the candidate sent for them."""
    intervals: tuple[Interval, ...]
    """Intervals that became final."""


_NOT_HEALTHY = "the run is not healthy, so nothing it measured is a saving"


class PairedRun:
    """Feeds both arms the identical payloads, measures what they send and judges every interval.

    Promised: any split of the same payloads into calls gives the same results.

    Args:
        plan: what was fixed before the run.
        dictionaries: shared by all frames of the run.
        baseline: compiles the baseline.
        candidate: compiles the candidate.
        billing: prices, and the month they are applied to.
        planned_intervals: T_max, intervals after the warm-up, where the plan leaves it to the run.
        period_seconds: scrape period; ``None`` learns it from the first payloads.
        interval_seconds: intervals are at least as long, because an arm may scrape more slowly than the source.
        probe: compiles the candidate for the static check, on dictionaries of its own; ``None`` takes ``candidate``.
            A real collector takes a second to start, in which a live source would go on.

    Raises:
        PlanError: a critical selector cannot be read.
        ConfigError: an arm cannot be compiled.
    """

    def __init__(
        self,
        plan: Plan,
        dictionaries: Dictionaries,
        baseline: EngineFactory,
        candidate: EngineFactory,
        billing: Billing,
        *,
        planned_intervals: int | None = None,
        period_seconds: float | None = None,
        interval_seconds: float = 0.0,
        probe: EngineFactory | None = None,
    ) -> None:
        self._plan = plan
        self._billing = billing
        self._make_candidate = probe or candidate
        self._arms: dict[Arm, PipelineEngine] = {Arm.BASELINE: baseline(dictionaries)}
        with contextlib.ExitStack() as undo:
            undo.callback(self.close)
            self._arms[Arm.CANDIDATE] = candidate(dictionaries)
            undo.pop_all()
        self._meter = ExperimentMeter(
            plan, dictionaries, period_seconds=period_seconds, flush_seconds=interval_seconds
        )
        self._judge = Judge(plan, planned_intervals=planned_intervals)
        self._fidelity = FidelityCounter(dictionaries)
        self._json_saving = SavingSequence(plan, self._judge.t_max)
        self._static: tuple[StaticFinding, ...] = ()
        self._checked = 0
        self._calls = 0
        self._intervals = 0
        self._late = self._duplicates = self._skipped = self._not_finite = 0
        self._notes: dict[str, None] = {}
        self._failures: dict[Arm, str] = {}
        self._uncounted: dict[tuple[str, str], None] = {}

    @property
    def intervals(self) -> int:
        """Final intervals so far, the warm-up included."""
        return self._intervals

    @property
    def planned_intervals(self) -> int | None:
        """T_max, intervals after the warm-up; ``None`` while it is not known."""
        return self._judge.t_max

    def observe(self, raw: Frames) -> Step:
        """Send payloads through both arms."""
        self._not_finite += int(np.count_nonzero(~np.isfinite(raw.p_double)))
        # In turns, so that neither arm always finds the other's heat in the caches.
        self._calls += 1
        order = [*self._arms] if self._calls % 2 else [*reversed(self._arms)]
        given = {name: self._arms[name].process(raw) for name in order}
        outputs = [self._sent(given[name], name) for name in self._arms]
        intervals = self._meter.observe(raw, outputs[0], outputs[1])
        sent = outputs[1].frames
        if sent is not None:
            self._fidelity.add(raw, sent)
        return self._step(raw, outputs, intervals)

    def finish(self) -> Step:
        """Let both arms send what they still hold, and close every open interval.

        Raises:
            InvalidRequestError: no payload was ever observed.
        """
        empty = Frames.empty(self._meter.dictionaries)
        outputs = [self._sent(arm.flush(), name) for name, arm in self._arms.items()]
        left = any(output.frames is not None and len(output.frames) for output in outputs)
        intervals = self._meter.observe(empty, outputs[0], outputs[1]) if left else []
        intervals += self._meter.finish()
        step = self._step(empty, outputs, intervals)
        self._check_rules(self._intervals)
        return step

    def close(self) -> None:
        """Release what both arms hold; may be called twice. What was measured stays."""
        for arm in self._arms.values():
            arm.close()

    def _sent(self, output: EngineOutput, arm: Arm) -> ArmOutput:
        self._notes.update(dict.fromkeys(output.warnings))
        if output.failure:
            self._failures.setdefault(arm, f"The {arm.value} failed: {output.failure}.")
        self._uncounted.update(dict.fromkeys((arm.value, name) for name in uncounted_exporters(output)))
        return ArmOutput.of(output, self._meter.dictionaries)

    def _step(self, raw: Frames, outputs: list[ArmOutput], intervals: list[Interval]) -> Step:
        for interval, sent in zip(intervals, self._meter.take_json_bytes(), strict=True):
            self._judge.add(interval)
            if not interval.warmup:
                self._json_saving.push(*sent, interval.index)
            self._late += interval.late_points
            self._duplicates += interval.duplicate_points
            self._skipped += interval.skipped_before
        self._intervals += len(intervals)
        if self._intervals >= 2 * self._checked and intervals:
            # New critical processes may come at any time; looking again at every doubling keeps it cheap.
            self._check_rules(self._intervals)
        empty = Frames.empty(self._meter.dictionaries)
        baseline, candidate = (empty if output.frames is None else output.frames for output in outputs)
        return Step(raw, baseline, candidate, tuple(intervals))

    def _check_rules(self, at: int) -> None:
        self._checked = max(at, 1)
        self._static = static_check(
            self._make_candidate,
            self._meter.critical_series(),
            self._plan,
            period_seconds=self._meter.period_seconds or 10.0,
        )

    def coverage(self) -> CoverageReport:
        """What became of the critical processes so far."""
        return self._meter.coverage(self._static).model_copy(update={"fidelity": self._fidelity.report()})

    def verdict(self) -> Verdict:
        """The verdict as it stands now."""
        return self._judge.update_coverage(self.coverage())

    def usage(self, arm: Arm) -> Usage:
        """What an arm sent, in every unit that price models bill."""
        return self._meter.usage(arm)

    def results(self, now: datetime) -> ExperimentResults:
        """Everything that is known now.

        Args:
            now: when this is made.
        """
        coverage = self.coverage()
        verdict = self._judge.update_coverage(coverage)
        baseline, candidate = self.usage(Arm.BASELINE), self.usage(Arm.CANDIDATE)
        return ExperimentResults(
            plan_hash=plan_hash(self._plan),
            intervals=self._intervals,
            planned_intervals=self._judge.t_max,
            verdict=verdict,
            window=self._meter.window(healthy=self._judge.healthy),
            coverage=coverage,
            cost=self._cost(baseline, candidate, verdict.projection),
            baseline_usage=baseline,
            candidate_usage=candidate,
            warnings=run_warnings(
                coverage,
                late=self._late,
                duplicates=self._duplicates,
                skipped=self._skipped,
                not_finite=self._not_finite,
                notes=tuple(self._notes),
                uncounted=tuple(self._uncounted),
                failures=tuple(self._failures.values()),
            ),
            analyzed_at=now,
        )

    def _cost(self, baseline: Usage, candidate: Usage, projection: Projection | None) -> tuple[CostRow, ...]:
        billing = self._billing
        book = billing.book.select(self._plan.price_models) if self._plan.price_models else billing.book
        savings = {}
        if projection is not None and projection.metric == SuccessMetric.DATA_POINTS:
            savings["points"] = SavingInterval(
                estimate=projection.estimate, low=projection.low, high=projection.high
            )
        billed = self._json_saving.interval()
        if projection is not None and billed is not None:
            savings["json_bytes"] = billed
        rows = compare_costs(
            book,
            baseline,
            candidate,
            every=billing.every,
            hosts=billing.hosts,
            basis=billing.basis,
            savings=savings,
        ).rows
        return rows if self._judge.healthy else tuple(_without_saving(row) for row in rows)


def _without_saving(row: CostRow) -> CostRow:
    """The bills of a run that is not healthy: what an arm failed to send is no saving."""
    none = dict.fromkeys(("gross_per_month", "saving_per_month", "low", "high"))
    return row.model_copy(update={**none, "reason": row.reason or _NOT_HEALTHY})
