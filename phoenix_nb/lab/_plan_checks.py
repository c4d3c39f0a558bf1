"""How a plan would behave on a recording or a simulation, before anything is run."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from phoenix_nb.analysis import ArmOutput, ExperimentMeter
from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.evidence import PlanCheck, check_plan_columns, interval_columns
from phoenix_nb.interfaces import Interval, Plan
from phoenix_nb.lab._pipeline_texts import engine_of, pipeline_text
from phoenix_nb.lab._receivers import Receivers
from phoenix_nb.otlp import Dictionaries, Frames
from phoenix_nb.simulation import simulate
from phoenix_nb.sources import SourceKind, parse_source_spec, read_recording, scrape_period

__all__ = ["check_plan_against", "check_plan_on"]


def check_plan_on(
    plan: Plan,
    source: str,
    *,
    baseline: str = "process-baseline-v1",
    candidate: str = "process-priority-v1",
    every: float = 10.0,
    duration: float = 7200.0,
    seed: int = 0,
    planned_intervals: int | None = None,
    runs: int = 400,
) -> PlanCheck:
    """Learn the noise of a source and simulate what the plan would decide on it.

    Args:
        plan: the plan.
        source: ``sim:PROFILE`` or a recording.
        baseline: pipeline of the one arm.
        candidate: pipeline of the other.
        every: scrape period of a simulation, seconds.
        duration: its length, seconds.
        seed: of the simulation and of the redraws.
        planned_intervals: T_max where the plan leaves it open; the length of what was seen otherwise.
        runs: redrawn runs per true saving.

    Raises:
        NotFoundError: no such profile or pipeline.
        SourceError: the recording cannot be read.
        InvalidRequestError: the source has no end, or is shorter than a pilot.
        ConfigError: a pipeline cannot be run.
    """
    known = Dictionaries()
    texts = {"baseline": pipeline_text(baseline), "candidate": pipeline_text(candidate)}
    receivers, made = Receivers({**texts}), {name: engine_of(text) for name, text in texts.items()}
    payloads = _payloads(source, known, every=every, duration=duration, seed=seed)
    first = next(payloads)
    period = scrape_period(first)
    arms = [receivers.behind(name, make, period)(known) for name, make in made.items()]
    meter = ExperimentMeter(plan, known, flush_seconds=receivers.interval_seconds(period))
    intervals: list[Interval] = []
    for frames in itertools.chain([first], payloads):
        sent = [ArmOutput.of(arm.process(frames), known) for arm in arms]
        intervals += meter.observe(frames, sent[0], sent[1])
    rest = [ArmOutput.of(arm.flush(), known) for arm in arms]
    intervals += meter.observe(Frames.empty(known), rest[0], rest[1])
    intervals += meter.finish()
    return check_plan_against(plan, intervals, seed=seed, planned_intervals=planned_intervals, runs=runs)


def check_plan_against(
    plan: Plan,
    intervals: Sequence[Interval],
    *,
    seed: int = 0,
    planned_intervals: int | None = None,
    runs: int = 400,
) -> PlanCheck:
    """Simulate what a plan would decide on the noise of intervals that were measured, their guardrails included.

    Args:
        plan: the plan.
        intervals: of a run, in order; the warm-up and those in which an arm was silent are left out.
        seed: of the redraws.
        planned_intervals: T_max where the plan leaves it open; the number of intervals otherwise.
        runs: redrawn runs per true saving.

    Raises:
        InvalidRequestError: there are fewer of them than a pilot has.
    """
    seen = interval_columns(
        [
            one
            for one in intervals
            if not one.warmup and one.baseline is not None and one.candidate is not None
        ]
    )
    if planned_intervals is None and plan.planned_intervals is None:
        planned_intervals = max(len(seen), 1)
    return check_plan_columns(
        plan, seen, rng=np.random.default_rng(seed), planned_intervals=planned_intervals, runs=runs
    )


def _payloads(
    source: str, known: Dictionaries, *, every: float, duration: float, seed: int
) -> Iterator[Frames]:
    spec = parse_source_spec(source)
    if spec.kind is SourceKind.RECORDING:
        return read_recording(spec.value, known)
    if spec.kind is SourceKind.SIMULATION:
        scrapes = max(1, round(duration / every))
        return simulate(spec.value, seed=seed, scrapes=scrapes, every=every, dictionaries=known)
    raise InvalidRequestError(
        "a plan is checked on something that has an end",
        hint="record the host first (phoenix record), or name sim:PROFILE",
    )
