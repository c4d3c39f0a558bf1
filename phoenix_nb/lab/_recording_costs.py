"""What a recording costs, and where that comes from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from phoenix_nb.analysis import (
    ArmOutput,
    AttributionRow,
    Dimension,
    ExperimentMeter,
    GroupCost,
    LabelContribution,
    LabelPair,
    RuleContribution,
    StreamSummary,
    attribution,
    group_costs,
    label_contributions,
    label_pairs,
    lost_series,
    rule_contributions,
)
from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.evidence.cost import (
    compare_costs,
    estimate_costs,
    price_sensitivity,
    project_savings,
    scrape_sensitivity,
)
from phoenix_nb.interfaces import (
    Arm,
    CostBasis,
    CostComparison,
    CostEstimate,
    LostSeries,
    Plan,
    PriceBook,
    SavingsProjection,
    Usage,
)
from phoenix_nb.lab._pipeline_texts import engine_of, pipeline_text
from phoenix_nb.lab._receivers import Receivers
from phoenix_nb.otlp import Dictionaries, Frames
from phoenix_nb.otlp.contracts import PipelineEngine
from phoenix_nb.runtime import load_prices, load_settings
from phoenix_nb.sources import read_recording, scrape_period

__all__ = ["RecordingAttribution", "RecordingCost", "attribute_recording", "price_recording"]


@dataclass(frozen=True, slots=True)
class RecordingCost:
    """What a month of a recording costs, with one pipeline or with two."""

    every: float
    """Scrape interval of the month, seconds."""
    hosts: int
    """Hosts like the recorded one."""
    basis: CostBasis
    """Marginal, or a whole account."""
    usage: Usage
    """What the baseline sent in the window, in every billed unit."""
    estimates: tuple[CostEstimate, ...]
    """The baseline's month, one per price model."""
    by_interval: tuple[tuple[float, tuple[CostEstimate, ...]], ...]
    """The same at other scrape intervals."""
    candidate: Usage | None
    """What the candidate sent; ``None`` without one."""
    comparison: CostComparison | None
    """Both months; ``None`` without a candidate."""
    savings_by_interval: tuple[CostComparison, ...]
    """Both months at other scrape intervals."""
    savings_by_price: tuple[tuple[float, CostComparison], ...]
    """Both months with all prices multiplied."""
    projections: tuple[SavingsProjection, ...]
    """Net savings over 1, 3, 6 and 12 months, one per price model."""


@dataclass(frozen=True, slots=True)
class RecordingAttribution:
    """Where the volume of a recording, and what a candidate saves of it, comes from."""

    points: tuple[int, int | None]
    """Data points of baseline and candidate."""
    series: tuple[int, int | None]
    """Distinct series of baseline and candidate."""
    groups: dict[Dimension, tuple[AttributionRow, ...]]
    """Parts of every group, by what is grouped by."""
    labels: tuple[LabelContribution, ...]
    """What each label adds to the baseline's series."""
    pairs: tuple[LabelPair, ...]
    """What pairs of labels add."""
    lost: tuple[LostSeries, ...]
    """What the candidate shows less of, by process and metric, with the last value; largest first."""
    rules: tuple[RuleContribution, ...]
    """What each rule of the candidate saves; empty without a candidate."""
    costs: tuple[GroupCost, ...]
    """What each process costs per month with the baseline."""
    estimates: tuple[CostEstimate, ...]
    """The price models of :attr:`costs`, in order."""


def price_recording(
    path: str | Path,
    *,
    every: float = 60.0,
    hosts: int = 1,
    basis: CostBasis = CostBasis.MARGINAL,
    baseline: str | None = None,
    candidate: str | None = None,
    models: Sequence[str] = (),
    intervals: Sequence[float] = (10.0, 30.0, 60.0),
    factors: Sequence[float] = (0.5, 0.8, 1.25, 2.0),
) -> RecordingCost:
    """Price a recording as it is, or what pipelines make of it.

    Args:
        path: the recording.
        every: scrape interval of the month, seconds.
        hosts: hosts like the recorded one.
        basis: marginal, or a whole account.
        baseline: pipeline that sends it today; ``None`` sends everything.
        candidate: pipeline that may replace it.
        models: ids of price models; empty takes all.
        intervals: scrape intervals to show beside.
        factors: what prices are multiplied by to show how much the answer depends on them.

    Raises:
        SourceError: the recording cannot be read.
        NotFoundError: no such pipeline or price model.
        InvalidRequestError: a value makes no sense, or the recording holds no data point.
        ConfigError: a pipeline cannot be run.
    """
    book = _book(models)
    meter, _, two, _ = _measured(path, baseline, candidate)
    usage = meter.usage(Arm.BASELINE)
    other = meter.usage(Arm.CANDIDATE) if two else None
    by_interval = tuple(
        (one, estimate_costs(book, usage, every=one, hosts=hosts, basis=basis)) for one in intervals
    )
    comparison = None
    by_interval_two: tuple[CostComparison, ...] = ()
    by_price: tuple[tuple[float, CostComparison], ...] = ()
    projections: tuple[SavingsProjection, ...] = ()
    if other is not None:
        comparison = compare_costs(book, usage, other, every=every, hosts=hosts, basis=basis)
        by_interval_two = scrape_sensitivity(book, usage, other, every=intervals, hosts=hosts, basis=basis)
        by_price = price_sensitivity(
            book, usage, other, factors=factors, every=every, hosts=hosts, basis=basis
        )
        projections = tuple(project_savings(row) for row in comparison.rows)
    return RecordingCost(
        every=every,
        hosts=hosts,
        basis=basis,
        usage=usage,
        estimates=estimate_costs(book, usage, every=every, hosts=hosts, basis=basis),
        by_interval=by_interval,
        candidate=other,
        comparison=comparison,
        savings_by_interval=by_interval_two,
        savings_by_price=by_price,
        projections=projections,
    )


def attribute_recording(
    path: str | Path,
    *,
    baseline: str | None = None,
    candidate: str | None = None,
    every: float = 60.0,
    hosts: int = 1,
    models: Sequence[str] = (),
    cost_by: Dimension = Dimension.PROCESS,
) -> RecordingAttribution:
    """Say which metric, label, process and rule the volume and the saving come from.

    Args:
        path: the recording.
        baseline: pipeline that sends it today; ``None`` sends everything.
        candidate: pipeline that may replace it; ``None`` looks at the baseline alone.
        every: scrape interval that monthly costs are for, seconds.
        hosts: hosts like the recorded one.
        models: ids of price models; empty takes all.
        cost_by: what monthly costs are split by.

    Raises:
        SourceError: the recording cannot be read.
        NotFoundError: no such pipeline or price model.
        InvalidRequestError: a value makes no sense, or the recording holds no data point.
        ConfigError: a pipeline cannot be run.
    """
    book = _book(models)
    meter, frames, two, lost = _measured(path, baseline, candidate)
    known = meter.dictionaries
    keys = np.flatnonzero(meter.ledgers[Arm.BASELINE].keys()).astype(np.int64)
    labels = label_contributions(known, keys)
    estimates = estimate_costs(book, meter.usage(Arm.BASELINE), every=every, hosts=hosts)
    points = {arm: ledger.total_points for arm, ledger in meter.ledgers.items()}
    series = {arm: int(ledger.keys().sum()) for arm, ledger in meter.ledgers.items()}
    rules: tuple[RuleContribution, ...] = ()
    groups = {dimension: attribution(meter, dimension) for dimension in Dimension}
    if candidate is not None:
        rules = rule_contributions(pipeline_text(candidate), frames, known, engine_of)
    return RecordingAttribution(
        points=(points[Arm.BASELINE], points[Arm.CANDIDATE] if two else None),
        series=(series[Arm.BASELINE], series[Arm.CANDIDATE] if two else None),
        groups=groups,
        labels=labels,
        pairs=label_pairs(known, keys, labels),
        lost=lost,
        rules=rules,
        costs=group_costs(meter, estimates, cost_by),
        estimates=estimates,
    )


def _book(models: Sequence[str]) -> PriceBook:
    book = load_prices(load_settings(Path.cwd()).prices)
    return book.select(tuple(models)) if models else book


def _arms(
    baseline: str | None, candidate: str | None
) -> tuple[Receivers, dict[str, Callable[[Dictionaries], PipelineEngine] | None]]:
    """The receivers of both pipelines, and what makes their engines; ``None`` where everything is taken."""
    given = {Arm.BASELINE: baseline, Arm.CANDIDATE: candidate}
    texts: dict[str, str | None] = {
        arm: None if one is None else pipeline_text(one) for arm, one in given.items()
    }
    return Receivers(texts), {arm: None if text is None else engine_of(text) for arm, text in texts.items()}


def _measured(
    path: str | Path, baseline: str | None, candidate: str | None
) -> tuple[ExperimentMeter, list[Frames], bool, tuple[LostSeries, ...]]:
    """Both arms over a recording, and what the candidate's receiver leaves of it.

    Without a candidate its arm repeats the baseline.
    """
    known = Dictionaries()
    # Before the recording is read, which takes longer.
    receivers, made = _arms(baseline, candidate)
    frames = list(read_recording(path, known))
    period = scrape_period(frames[0])
    arms = [
        None if make is None else receivers.behind(name, make, period)(known) for name, make in made.items()
    ]
    meter = ExperimentMeter(Plan(), known, flush_seconds=receivers.interval_seconds(period))
    shown = [StreamSummary(known), StreamSummary(known)]
    for one in frames:
        sent = [ArmOutput(one) if arm is None else ArmOutput.of(arm.process(one), known) for arm in arms]
        meter.observe(one, sent[0], sent[1] if candidate is not None else sent[0])
        for summary, output in zip(shown, sent, strict=True):
            if output.frames is not None and candidate is not None:
                summary.add(output.frames)
    empty = Frames.empty(known)
    rest = [ArmOutput(empty) if arm is None else ArmOutput.of(arm.flush(), known) for arm in arms]
    meter.observe(empty, rest[0], rest[1] if candidate is not None else rest[0])
    for summary, output in zip(shown, rest, strict=True):
        if output.frames is not None and candidate is not None:
            summary.add(output.frames)
    meter.finish()
    if not meter.raw_ledger.total_points:
        raise InvalidRequestError(f"{path} holds no data point", hint="is it the right file?")
    lost = lost_series(shown[0], shown[1]) if candidate is not None else ()
    narrower = receivers.narrower(Arm.CANDIDATE, known, period)
    return meter, [narrower.apply(one)[0] for one in frames], candidate is not None, lost
