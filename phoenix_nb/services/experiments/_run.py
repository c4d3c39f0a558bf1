"""One run while it goes on: payloads in, intervals stored, verdict told."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from phoenix_nb.analysis import Billing, PairedRun, Step
from phoenix_nb.collector.receiving import ReceiverGroup
from phoenix_nb.errors import InternalError, PhoenixError, SourceError
from phoenix_nb.interfaces import (
    Arm,
    Clock,
    Context,
    EventData,
    Experiment,
    ExperimentCancelled,
    ExperimentCompleted,
    ExperimentFailed,
    ExperimentResults,
    ExperimentStarted,
    ExperimentState,
    Interval,
    IntervalsMeasured,
    RunFailure,
    Verdict,
    VerdictChanged,
    VerdictState,
)
from phoenix_nb.otlp import Dictionaries, Frames, redact_frames
from phoenix_nb.otlp.contracts import PipelineEngine, Source, SourceInfo, TelemetryStore
from phoenix_nb.runtime import get_logger
from phoenix_nb.services.experiments._receivers import RunReceivers
from phoenix_nb.services.experiments._records import ExperimentRecords
from phoenix_nb.sources import HostSource

__all__ = ["Arms", "Ending", "ExperimentRun", "IntervalObserver", "RunParts"]

_DECIDED = (VerdictState.PROMOTE, VerdictState.REJECT)
_NANO = 1_000_000_000


class Ending(StrEnum):
    """Why a run ends before its source does."""

    STOPPED = "stopped"
    ABORTED = "aborted"


class IntervalObserver(Protocol):
    """Sees every interval once, in order; its failure ends the run."""

    async def on_intervals(self, ctx: Context, experiment_id: str, intervals: Sequence[Interval]) -> None:
        """Take intervals that were just stored."""
        ...


@dataclass(frozen=True, slots=True)
class Arms:
    """What compiles the two pipelines."""

    baseline: Callable[[Dictionaries], PipelineEngine]
    candidate: Callable[[Dictionaries], PipelineEngine]
    probe: Callable[[Dictionaries], PipelineEngine] | None = None
    """Compiles the candidate for dry runs where that is quicker than the engine of the run."""
    receivers: ReceiverGroup = field(default_factory=lambda: ReceiverGroup(dict.fromkeys(Arm)))
    """What both pipelines' receivers ask for."""


@dataclass(frozen=True, slots=True)
class RunParts:
    """What every run needs."""

    records: ExperimentRecords
    telemetry: TelemetryStore
    clock: Clock
    compile: Callable[[Experiment], Awaitable[Arms]]
    open_source: Callable[[Experiment, Dictionaries, ReceiverGroup], Source]
    billing: Callable[[Experiment], Billing]
    observers: Sequence[IntervalObserver] = field(default=())


class ExperimentRun:
    """Runs one experiment to its terminal state.

    Args:
        parts: what every run needs.
        experiment: the experiment, in state ``deploying``.
        ctx: on whose behalf; its own cancellation does not end the run.
    """

    def __init__(self, parts: RunParts, experiment: Experiment, ctx: Context) -> None:
        self._parts = parts
        self._experiment = experiment
        self._id = experiment.id
        self._ctx, self._token = ctx.detached().with_cancel()
        self._going = asyncio.Event()
        self._going.set()
        self._ending: Ending | None = None
        self._reason = ""
        self._told: tuple[VerdictState, str] | None = None
        self._results: ExperimentResults | None = None
        self._source: Source | None = None
        self._receivers = RunReceivers(ReceiverGroup(dict.fromkeys(Arm)), Dictionaries(), None)

    # -- steering --------------------------------------------------------------------------------------------

    def pause(self) -> None:
        """Take no payload until :meth:`resume`."""
        self._going.clear()

    def resume(self) -> None:
        """Go on."""
        self._going.set()

    def end(self, ending: Ending, reason: str) -> None:
        """End the run soon; the first reason counts."""
        if self._ending is None:
            self._ending = ending
            self._reason = reason
            self._token.cancel(reason)
            self._going.set()

    # -- running ---------------------------------------------------------------------------------------------

    async def execute(self) -> None:
        """Run to the terminal state; never raises, except when asyncio itself cancels it."""
        try:
            await self._measure()
        except asyncio.CancelledError:
            await self._failed("the process that ran it was shut down")
            raise
        except PhoenixError as error:
            if self._ending is Ending.ABORTED:
                await self._cancelled()
                return
            early = self._ending is Ending.STOPPED
            reason = f"{self._reason} before anything was measured" if early else str(error)
            failure = RunFailure(
                code=error.code, message=error.message, hint=error.hint, details=error.details
            )
            await self._failed(reason, None if early else failure)
        except Exception as error:  # noqa: BLE001 - every run ends in a state with a reason
            get_logger("experiments", self._ctx).error("the run failed", experiment=self._id, exc_info=True)
            reason = f"a defect of Phoenix ended the run: {type(error).__name__}: {error}"
            await self._failed(reason, RunFailure(code=InternalError.code, message=reason))

    async def _measure(self) -> None:
        arms = await self._parts.compile(self._experiment)
        dictionaries = Dictionaries()
        source = self._source = self._parts.open_source(self._experiment, dictionaries, arms.receivers)
        try:
            info = await source.open(self._ctx)
            run = await asyncio.to_thread(self._paired, arms, dictionaries, info)
        except BaseException:
            await source.aclose()
            raise
        try:
            try:
                await self._begin(run.planned_intervals)
                if self._ending is None:
                    await self._feed(run, source, info)
            finally:
                await source.aclose()
            if self._ending is Ending.ABORTED:
                await self._cancelled()
                return
            await self._analyze(run)
        finally:
            await asyncio.to_thread(run.close)

    def _paired(self, arms: Arms, dictionaries: Dictionaries, info: SourceInfo) -> PairedRun:
        config = self._experiment.config
        plan = config.plan
        period = config.every_seconds or info.period_seconds
        receivers = self._receivers = RunReceivers(arms.receivers, dictionaries, period)
        planned = plan.planned_intervals
        payloads = planned_payloads(self._experiment, info)
        if planned is None and payloads is not None:
            planned = max(0, math.ceil(payloads / receivers.span) - plan.warmup_intervals)
        return PairedRun(
            plan,
            dictionaries,
            receivers.behind(Arm.BASELINE, arms.baseline),
            receivers.behind(Arm.CANDIDATE, arms.candidate),
            self._parts.billing(self._experiment),
            planned_intervals=planned,
            period_seconds=period,
            interval_seconds=0.0 if period is None else period * receivers.span,
            probe=receivers.probed(Arm.CANDIDATE, arms.probe or arms.candidate),
        )

    async def _begin(self, planned: int | None) -> None:
        started = ExperimentStarted(
            experiment_id=self._id, source=self._experiment.config.source, planned_intervals=planned
        )
        await self._parts.records.move(
            self._ctx, self._id, ExperimentState.RUNNING, "payloads are being compared", started
        )

    async def _feed(self, run: PairedRun, source: Source, info: SourceInfo) -> None:
        config = self._experiment.config
        payloads = _until(source.payloads(self._ctx), None if info.live else config.duration_seconds)
        async with aclosing(payloads):
            try:
                async for frames in payloads:
                    await self._going.wait()
                    if self._ending is not None:
                        return
                    made = await asyncio.to_thread(self._observe, run, frames)
                    await self._keep(run, made)
                    if config.plan.stop_when_decided and self._told and self._told[0] in _DECIDED:
                        return
            except PhoenixError:
                # A cancelled context is how a live source is told to end.
                if self._ending is None:
                    raise

    def _observe(self, run: PairedRun, frames: Frames) -> Step:
        raw = redact_frames(frames) if self._experiment.config.redact else frames
        self._receivers.observe(raw)
        return run.observe(raw)

    async def _results_of(self, run: PairedRun) -> ExperimentResults:
        found = await asyncio.to_thread(run.results, self._parts.clock.now())
        denied = self._source.denied if isinstance(self._source, HostSource) else {}
        return self._receivers.told(found, denied)

    async def _keep(self, run: PairedRun, step: Step) -> None:
        """Make everything of one step durable, then tell."""
        telemetry = self._parts.telemetry
        ctx = self._ctx.detached()
        if self._experiment.config.keep_payloads:
            for stream, frames in (
                ("raw", step.raw),
                ("baseline", step.baseline),
                ("candidate", step.candidate),
            ):
                if frames.n_payloads:
                    await telemetry.append(ctx, self._id, stream, frames)
        if not step.intervals:
            return
        await telemetry.append_intervals(ctx, self._id, step.intervals)
        for observer in self._parts.observers:
            await observer.on_intervals(ctx, self._id, step.intervals)
        results = await self._results_of(run)
        self._results = results
        events: list[EventData] = [
            IntervalsMeasured(
                experiment_id=self._id,
                from_interval=step.intervals[0].index,
                to_interval=step.intervals[-1].index + 1,
            )
        ]
        events.extend(self._verdict_events(results.verdict))
        await self._parts.records.change(ctx, self._id, *events, results=results)

    def _verdict_events(self, verdict: Verdict) -> Sequence[EventData]:
        now = (verdict.state, verdict.decided_by)
        if now == self._told:
            return ()
        self._told = now
        return (
            VerdictChanged(
                experiment_id=self._id,
                verdict=verdict.state,
                decided_by=verdict.decided_by,
                reason=verdict.reason,
                interval=verdict.intervals - 1,
            ),
        )

    # -- ending ----------------------------------------------------------------------------------------------

    async def _analyze(self, run: PairedRun) -> None:
        ctx = self._ctx.detached()
        reason = self._reason or "the source has ended"
        await self._parts.records.move(ctx, self._id, ExperimentState.ANALYZING, reason)
        step = await asyncio.to_thread(run.finish)
        await self._keep(run, step)
        results = await self._results_of(run)
        if not results.intervals:
            if results.window.points.baseline or results.window.points.candidate:
                raise SourceError(
                    "no data point of the source has a time",
                    hint="intervals are made by the time of points: give each its timeUnixNano",
                )
            raise SourceError(
                "the source gave no data point", hint="check the source; a run needs at least one payload"
            )
        verdict = results.verdict
        how = f"{self._reason}; " if self._reason else ""
        completed = ExperimentCompleted(
            experiment_id=self._id,
            verdict=verdict.state,
            decided_by=verdict.decided_by,
            intervals=results.intervals,
        )
        await self._parts.records.move(
            ctx,
            self._id,
            ExperimentState.COMPLETED,
            f"{how}{verdict.state.value}: {verdict.reason}",
            *self._verdict_events(verdict),
            completed,
            results=results,
        )

    async def _cancelled(self) -> None:
        told = ExperimentCancelled(experiment_id=self._id, reason=self._reason)
        await self._parts.records.move(self._ctx, self._id, ExperimentState.CANCELLED, self._reason, told)

    async def _failed(self, reason: str, failure: RunFailure | None = None) -> None:
        code = failure.code if failure is not None else ""
        told = ExperimentFailed(experiment_id=self._id, reason=reason, code=code)
        await self._parts.records.move(
            self._ctx, self._id, ExperimentState.FAILED, reason, told, failure=failure
        )


async def _until(payloads: AsyncIterator[Frames], seconds: float | None) -> AsyncGenerator[Frames]:
    """The payloads that arrive in the first ``seconds`` after the first one."""
    end: int | None = None
    async for frames in payloads:
        if seconds is None:
            yield frames
            continue
        if end is None:
            end = int(frames.arrival[0]) + round(seconds * _NANO)
        inside = int((frames.arrival < end).sum())
        if inside:
            yield frames if inside == frames.n_payloads else frames.slice(0, inside)
        if inside < frames.n_payloads:
            return


def planned_payloads(experiment: Experiment, info: SourceInfo) -> int | None:
    """How many payloads the run will have; ``None`` when nobody can say."""
    seconds = experiment.config.duration_seconds
    if seconds is None or not info.period_seconds:
        return info.payloads
    by_time = max(1, round(seconds / info.period_seconds))
    return by_time if info.payloads is None else min(by_time, info.payloads)
