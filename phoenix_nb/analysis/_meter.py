"""Turns payloads and what both arms made of them into finalised intervals and exact window totals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.analysis._bin_counts import distinct_keys, sums, tally
from phoenix_nb.analysis._bins import LATE, PayloadBins, TimeBins, infer_period, reference_times
from phoenix_nb.analysis._coverage_report import coverage_report
from phoenix_nb.analysis._finalising import ARMS, IntervalMaker
from phoenix_nb.analysis._json_proxy import JsonProxy
from phoenix_nb.analysis._ledger import Ledger
from phoenix_nb.analysis._load import ArmLoad
from phoenix_nb.analysis._open_bins import OpenBins
from phoenix_nb.analysis._output import ArmOutput
from phoenix_nb.analysis._static import CriticalSeries
from phoenix_nb.analysis._unscraped import Unscraped
from phoenix_nb.analysis._usage import arm_usage
from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.evidence.coverage import CoverageTracker, parse_selectors
from phoenix_nb.interfaces.cost import Usage
from phoenix_nb.interfaces.evidence import (
    Arm,
    CoverageReport,
    Interval,
    PairTotals,
    StaticFinding,
    WindowTotals,
)
from phoenix_nb.interfaces.plan import Plan
from phoenix_nb.otlp import Dictionaries, Frames, measure

__all__ = ["ExperimentMeter"]

Ids = npt.NDArray[np.int64]

_LEARN: Final = 11
"""Payloads from which an unknown scrape period is learned."""
_NANO: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class _Call:
    """Arguments of one ``observe``."""

    raw: Frames
    arms: tuple[ArmOutput, ArmOutput]


class ExperimentMeter:
    """Measures an experiment payload by payload.

    Promised: any split of the same payloads into calls gives the same intervals and totals; intervals come
    once, in order, and are never revised; memory grows with distinct series and open intervals, not with the
    length of the run. An interval is a bin of event time (see ``TimeBins``); bins without any raw point are
    skipped and counted, never zero. Late points are counted and left out of intervals, but are part of the
    window. Duplicate points are counted and kept, because they are paid for.

    Args:
        plan: criteria and critical selectors.
        dictionaries: shared by all frames of the run.
        period_seconds: scrape period; ``None`` learns it from the first payloads.
        flush_seconds: longest time that either arm holds points back; intervals are at least as long.

    Raises:
        PlanError: a critical selector cannot be read.
    """

    def __init__(
        self,
        plan: Plan,
        dictionaries: Dictionaries,
        *,
        period_seconds: float | None = None,
        flush_seconds: float = 0.0,
    ) -> None:
        self.plan = plan
        """The plan."""
        self.dictionaries = dictionaries
        """Shared by all frames of the run."""
        self._flush = flush_seconds
        self._period = period_seconds
        self._held: list[_Call] = []
        self._held_references: list[int] = []
        self._bins: TimeBins | None = None
        self._open = OpenBins()
        self._maker: IntervalMaker | None = None
        self.raw_ledger = Ledger(dictionaries, keep_values=True)
        """Totals per series of the raw payloads."""
        self.ledgers: Mapping[Arm, Ledger] = {arm: Ledger(dictionaries) for arm in ARMS}
        """Totals per series of what each arm sent."""
        self._proxy = JsonProxy(dictionaries)
        self._tracker = CoverageTracker(
            dictionaries, parse_selectors(plan.critical), plan.required_metrics, tuple(ARMS)
        )
        self._unscraped = Unscraped(dictionaries)
        self._load: dict[Arm, ArmLoad] = {arm: ArmLoad() for arm in ARMS}
        self._finished = False

    # -- feeding ---------------------------------------------------------------------------------------------

    def observe(
        self, raw: Frames, baseline: ArmOutput | Frames | None, candidate: ArmOutput | Frames | None
    ) -> list[Interval]:
        """Add payloads and what both arms sent for them; returns the intervals that became final.

        Args:
            raw: payloads of the source; may be empty when arms only flush.
            baseline: what the baseline sent, with what it cost where that is known; empty frames are an
                acknowledged empty output, ``None`` means that it was silent: it failed.
            candidate: likewise.

        Raises:
            InvalidRequestError: after ``finish``, or for frames of other dictionaries.
        """
        if self._finished:
            raise InvalidRequestError("the meter has finished", hint="make a new one for a new run")
        arms = _arm(baseline), _arm(candidate)
        for frames in (raw, *(arm.frames for arm in arms)):
            if frames is not None and frames.dictionaries is not self.dictionaries:
                raise InvalidRequestError("frames of other dictionaries cannot be measured together")
        call = _Call(raw, arms)
        if self._bins is None:
            self._held.append(call)
            if self._period is None:
                self._held_references.extend(reference_times(raw).tolist())
                if len(self._held_references) < _LEARN:
                    return []
            self._begin()
        else:
            self._add(call)
        return self._made().close(self._open, self._timeline().due, last=False)

    def finish(self) -> list[Interval]:
        """Close everything that is open; returns the last intervals. Nothing can be added afterwards."""
        if self._finished:
            return []
        if self._bins is None:
            self._begin()
        self._finished = True
        return self._made().close(self._open, self._timeline().frontier, last=True)

    def _begin(self) -> None:
        if self._period is None:
            self._period = infer_period(self._held_references[:_LEARN])
        length = max(self._period, self._flush)
        self._bins = TimeBins(round(self._period * _NANO), round(length * _NANO), self.plan.grace_intervals)
        self._maker = IntervalMaker(self.plan, self._tracker, self._bins)
        held, self._held = self._held, []
        for call in held:
            self._add(call)

    def _timeline(self) -> TimeBins:
        if self._bins is None:
            raise InvalidRequestError("no payload has been observed yet")
        return self._bins

    def _made(self) -> IntervalMaker:
        if self._maker is None:
            raise InvalidRequestError("no payload has been observed yet")
        return self._maker

    def _add(self, call: _Call) -> None:
        timeline = self._timeline()
        raw = call.raw
        payloads = timeline.admit(reference_times(raw))
        where = timeline.of_points(raw, payloads)
        duplicate = self.raw_ledger.duplicates(raw)
        self.raw_ledger.add(raw, measure(raw).bytes)
        for number, count in tally(where):
            self._open[number].source_points += count
        for number, count in tally(where[duplicate]):
            self._open[number].duplicates += count
        for number, count in tally(payloads.frontier[raw.p_payload[where == LATE]]):
            self._open[number].late += count
        if self._tracker.selectors:
            open_bins = np.where(payloads.bin == LATE, payloads.frontier, payloads.bin)
            for frames, intervals in self._unscraped.judged(raw, where, open_bins, call.arms[1].skipped):
                self._tracker.add_raw(frames, intervals)
        touched = np.unique(where[where != LATE]).tolist()
        for side, arm in enumerate(ARMS):
            self._add_cost(side, arm, call.arms[side], raw, payloads)
            if call.arms[side].frames is None:
                for number in touched:
                    self._open[number].arms[side].silent = True
                continue
            self._add_arm(side, arm, call.arms[side], raw, payloads, where)

    def _add_cost(self, side: int, arm: Arm, sent: ArmOutput, raw: Frames, payloads: PayloadBins) -> None:
        """Put what each payload cost the arm, and what it refused, into the payload's bin."""
        own = np.where(payloads.bin == LATE, payloads.frontier, payloads.bin).tolist()
        points = np.diff(raw.bounds("p")).tolist()
        for payload in sent.refused:
            self._open[own[payload]].arms[side].refused += points[payload]
        if sent.measures is None:
            return
        for payload, number in enumerate(own[: len(sent.measures.latency_seconds)]):
            into = self._open[number].arms[side]
            if payload not in sent.skipped:
                into.latencies.append(sent.measures.latency_seconds[payload])
            into.load.add(sent.measures, payload)
            self._load[arm].add(sent.measures, payload)

    def _add_arm(
        self, side: int, arm: Arm, sent: ArmOutput, raw: Frames, payloads: PayloadBins, where: Ids
    ) -> None:
        frames = sent.frames
        if frames is None:
            return
        timeline = self._timeline()
        size = measure(frames).bytes
        self.ledgers[arm].add(frames, size)
        if frames is raw:
            own, frontier = where, payloads.frontier[raw.p_payload]
        elif frames.n_payloads == raw.n_payloads and not sent.regrouped:
            own, frontier = timeline.of_points(frames, payloads), payloads.frontier[frames.p_payload]
        else:
            own = timeline.of_regrouped(frames)
            frontier = np.full(len(own), timeline.frontier, dtype=np.int64)
        for number, count in tally(own):
            self._open[number].arms[side].points += count
        for number, total in sums(own, self._proxy.of_points(frames)):
            self._open[number].arms[side].json_bytes += total
        for number, count in tally(frontier[own == LATE]):
            self._open[number].arms[side].late += count
        for number, total in self._bytes(sent, size, own, payloads):
            self._open[number].arms[side].bytes += total
        for number, keys in distinct_keys(own, frames.p_series_key):
            self._open[number].arms[side].keys.append(keys)
        self._tracker.add_arm(arm, frames, own)

    def _bytes(
        self, sent: ArmOutput, size: Ids, own: Ids, payloads: PayloadBins
    ) -> Iterable[tuple[int, int]]:
        """Bytes per bin."""
        frames = sent.frames
        if frames is None:
            return ()
        timeline = self._timeline()
        if sent.regrouped:
            # One payload may hold the points of many bins: each gets the bytes of its own part.
            numbers = np.unique(own[own != LATE]).tolist()
            return [(one, int(measure(frames.where(points=own == one)).bytes.sum())) for one in numbers]
        # A payload's bytes go with its newest point, those of an empty payload with the newest bin.
        newest = np.full(frames.n_payloads, LATE, dtype=np.int64)
        np.maximum.at(newest, frames.p_payload, own)
        empty = np.bincount(frames.p_payload, minlength=frames.n_payloads) == 0
        newest[empty] = (
            payloads.frontier[empty] if len(payloads.frontier) == len(empty) else timeline.frontier
        )
        return sums(newest, size)

    # -- results ---------------------------------------------------------------------------------------------

    @property
    def period_seconds(self) -> float | None:
        """Scrape period; ``None`` while it is being learned."""
        return self._period

    @property
    def interval_seconds(self) -> float | None:
        """Length of an interval; ``None`` while the scrape period is being learned."""
        return None if self._bins is None else self._bins.length / _NANO

    @property
    def intervals(self) -> int:
        """Final intervals so far."""
        return 0 if self._maker is None else self._maker.made

    @property
    def tracker(self) -> CoverageTracker:
        """Coverage lifetime by lifetime."""
        return self._tracker

    def window(self, *, healthy: bool = True) -> WindowTotals:
        """Exact totals of every payload so far, the warm-up and late points included.

        Args:
            healthy: whether the gates hold; an unhealthy run has no reduction.
        """
        pairs = {
            "points": {arm: ledger.total_points for arm, ledger in self.ledgers.items()},
            "series": {arm: int(np.count_nonzero(ledger.keys())) for arm, ledger in self.ledgers.items()},
            "bytes": {arm: ledger.total_bytes for arm, ledger in self.ledgers.items()},
        }
        return WindowTotals.model_validate(
            {name: self._pair(totals, healthy=healthy) for name, totals in pairs.items()}
        )

    def _pair(self, totals: Mapping[Arm, int], *, healthy: bool) -> PairTotals:
        both = [None if self._maker is not None and self._maker.silent[arm] else totals[arm] for arm in ARMS]
        before, after = both
        known = healthy and before is not None and before > 0 and after is not None
        return PairTotals(
            baseline=before,
            candidate=after,
            reduction=1.0 - after / before if known and before and after is not None else None,
        )

    def usage(self, arm: Arm) -> Usage:
        """What an arm sent, in every unit that price models bill. Intervals in which it was silent are left out."""
        period = self._period or 1.0
        length = self.interval_seconds or period
        maker = self._maker
        return arm_usage(
            self.ledgers[arm],
            None if maker is None else maker.activity[arm],
            self.dictionaries,
            self._proxy,
            window_seconds=0.0 if maker is None else maker.span * length,
            period_seconds=period,
            interval_seconds=length,
            intervals=0 if maker is None else maker.heard[arm],
            load=self._load[arm],
        )

    def take_json_bytes(self) -> list[tuple[int | None, int | None]]:
        """What both arms sent in the intervals since the last call, as prices per GB count it; ``None`` for silence."""
        return [] if self._maker is None else self._maker.take_json_bytes()

    def critical_series(self) -> CriticalSeries:
        """The raw series of critical processes so far: what the static check probes."""
        series = np.flatnonzero(self.raw_ledger.points)
        critical = self._tracker.critical_series()
        series = series[critical[series]]
        return CriticalSeries(self.dictionaries, series, self.raw_ledger.last_kind[series])

    def coverage(self, static: tuple[StaticFinding, ...] = ()) -> CoverageReport:
        """What became of the critical processes in the final intervals."""
        return coverage_report(self._tracker, self.plan, static)


def _arm(given: ArmOutput | Frames | None) -> ArmOutput:
    return given if isinstance(given, ArmOutput) else ArmOutput(given)
