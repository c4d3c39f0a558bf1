"""Turns payloads and what both arms made of them into finalised intervals and exact window totals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.analysis._activity import ActivityCounter
from phoenix_nb.analysis._bins import LATE, PayloadBins, TimeBins, infer_period, reference_times
from phoenix_nb.analysis._coverage_report import coverage_report
from phoenix_nb.analysis._json_proxy import JsonProxy
from phoenix_nb.analysis._ledger import Ledger
from phoenix_nb.analysis._load import ArmLoad, latency_p99, share_above
from phoenix_nb.analysis._output import ArmOutput
from phoenix_nb.analysis._static import CriticalSeries
from phoenix_nb.analysis._usage import arm_usage
from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.evidence.coverage import CoverageCounts, CoverageTracker, parse_selectors
from phoenix_nb.interfaces.cost import Usage
from phoenix_nb.interfaces.evidence import (
    Arm,
    ArmInterval,
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

_ARMS: Final = (Arm.BASELINE, Arm.CANDIDATE)
_LEARN: Final = 11
"""Payloads from which an unknown scrape period is learned."""
_NANO: Final = 1_000_000_000


@dataclass(slots=True)
class _ArmBin:
    """What one arm sent in one open bin."""

    points: int = 0
    bytes: int = 0
    json_bytes: int = 0
    late: int = 0
    refused: int = 0
    silent: bool = False
    keys: list[npt.NDArray[np.int64]] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    load: ArmLoad = field(default_factory=ArmLoad)


@dataclass(slots=True)
class _Bin:
    """An open bin."""

    source_points: int = 0
    late: int = 0
    duplicates: int = 0
    arms: tuple[_ArmBin, _ArmBin] = field(default_factory=lambda: (_ArmBin(), _ArmBin()))


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
        self._open: dict[int, _Bin] = {}
        self.raw_ledger = Ledger(dictionaries, keep_values=True)
        """Totals per series of the raw payloads."""
        self.ledgers: Mapping[Arm, Ledger] = {arm: Ledger(dictionaries) for arm in _ARMS}
        """Totals per series of what each arm sent."""
        self._activity: dict[Arm, ActivityCounter] = {}
        self._proxy = JsonProxy(dictionaries)
        self._tracker = CoverageTracker(
            dictionaries, parse_selectors(plan.critical), plan.required_metrics, tuple(_ARMS)
        )
        self._threshold = next(
            (one.threshold_seconds for one in plan.guardrails if one.threshold_seconds is not None), None
        )
        self._json_bytes: list[tuple[int | None, int | None]] = []
        self._emitted = 0
        self._first: int | None = None
        self._last: int | None = None
        self._silent: dict[Arm, int] = dict.fromkeys(_ARMS, 0)
        self._heard: dict[Arm, int] = dict.fromkeys(_ARMS, 0)
        self._load: dict[Arm, ArmLoad] = {arm: ArmLoad() for arm in _ARMS}
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
        return self._emit(self._timeline().due)

    def finish(self) -> list[Interval]:
        """Close everything that is open; returns the last intervals. Nothing can be added afterwards."""
        if self._finished:
            return []
        if self._bins is None:
            self._begin()
        self._finished = True
        return self._emit(self._timeline().frontier)

    def _begin(self) -> None:
        if self._period is None:
            self._period = infer_period(self._held_references[:_LEARN])
        length = max(self._period, self._flush)
        self._bins = TimeBins(round(self._period * _NANO), round(length * _NANO), self.plan.grace_intervals)
        self._activity = {arm: ActivityCounter(length) for arm in _ARMS}
        held, self._held = self._held, []
        for call in held:
            self._add(call)

    def _timeline(self) -> TimeBins:
        if self._bins is None:
            raise InvalidRequestError("no payload has been observed yet")
        return self._bins

    def _add(self, call: _Call) -> None:
        timeline = self._timeline()
        raw = call.raw
        payloads = timeline.admit(reference_times(raw))
        where = timeline.of_points(raw, payloads)
        duplicate = self.raw_ledger.duplicates(raw)
        self.raw_ledger.add(raw, measure(raw).bytes)
        for number, count in _tally(where):
            self._bin(number).source_points += count
        for number, count in _tally(where[duplicate]):
            self._bin(number).duplicates += count
        for number, count in _tally(payloads.frontier[raw.p_payload[where == LATE]]):
            self._bin(number).late += count
        self._tracker.add_raw(raw, where)
        touched = np.unique(where[where != LATE]).tolist()
        for side, arm in enumerate(_ARMS):
            self._add_cost(side, arm, call.arms[side], raw, payloads)
            if call.arms[side].frames is None:
                for number in touched:
                    self._bin(number).arms[side].silent = True
                continue
            self._add_arm(side, arm, call.arms[side], raw, payloads, where)

    def _add_cost(self, side: int, arm: Arm, sent: ArmOutput, raw: Frames, payloads: PayloadBins) -> None:
        """Put what each payload cost the arm, and what it refused, into the payload's bin."""
        own = np.where(payloads.bin == LATE, payloads.frontier, payloads.bin).tolist()
        points = np.diff(raw.bounds("p")).tolist()
        for payload in sent.refused:
            self._bin(own[payload]).arms[side].refused += points[payload]
        if sent.measures is None:
            return
        for payload, number in enumerate(own[: len(sent.measures.latency_seconds)]):
            into = self._bin(number).arms[side]
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
        for number, count in _tally(own):
            self._bin(number).arms[side].points += count
        for number, total in zip(*_sums(own, self._proxy.of_points(frames)), strict=True):
            self._bin(number).arms[side].json_bytes += total
        for number, count in _tally(frontier[own == LATE]):
            self._bin(number).arms[side].late += count
        for number, total in self._bytes(sent, size, own, payloads):
            self._bin(number).arms[side].bytes += total
        for number, keys in _distinct(own, frames.p_series_key):
            self._bin(number).arms[side].keys.append(keys)
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
        return zip(*_sums(newest, size), strict=True)

    def _bin(self, number: int) -> _Bin:
        found = self._open.get(number)
        if found is None:
            found = self._open[number] = _Bin()
        return found

    # -- finalising ------------------------------------------------------------------------------------------

    def _emit(self, upto: int) -> list[Interval]:
        timeline = self._timeline()
        numbers = [number for number in sorted(self._open) if number <= upto]
        timeline.close(upto)
        if not numbers:
            return []
        counts = self._tracker.finalise(upto)
        made = []
        carried = _Bin()
        for number in numbers:
            one = self._open.pop(number)
            if not one.source_points:
                # Only late points or an arm's leftovers: no interval of its own, so they move to the next
                # one.
                _carry(one, carried)
                continue
            _carry(carried, one)
            carried = _Bin()
            made.append(self._interval(number, one, {arm: counts[arm].get(number) for arm in _ARMS}))
        if carried.late or any(arm.late for arm in carried.arms):
            self._leftover(carried, made)
        timeline.forget(upto - 1 - 2 * self.plan.grace_intervals)
        return made

    def _leftover(self, carried: _Bin, made: list[Interval]) -> None:
        """Keep counts that have no interval yet for the next one; at the end they go with the last one."""
        if self._finished and made:
            late = made[-1].late_points + _late(carried)
            made[-1] = made[-1].model_copy(update={"late_points": late})
        elif not self._finished:
            _carry(carried, self._bin(self._timeline().frontier))

    def _interval(self, number: int, one: _Bin, counts: Mapping[Arm, CoverageCounts | None]) -> Interval:
        timeline = self._timeline()
        start = timeline.start(number)
        following = timeline.next_start(number)
        end = start + timeline.length if following is None else min(start + timeline.length, following)
        skipped = 0 if self._last is None else number - self._last - 1
        self._first = number if self._first is None else self._first
        self._last = number
        arms = [
            self._arm_interval(arm, one.arms[side], one, counts[arm], number)
            for side, arm in enumerate(_ARMS)
        ]
        first, second = (None if arm.silent else arm.json_bytes for arm in one.arms)
        self._json_bytes.append((first, second))
        judged = counts[Arm.CANDIDATE]
        units = self._tracker.units
        made = Interval(
            index=self._emitted,
            start=_timestamp(start),
            end=_timestamp(end),
            warmup=self._emitted < self.plan.warmup_intervals,
            source_points=one.source_points,
            baseline=arms[0],
            candidate=arms[1],
            critical_units=judged.seen if judged else 0,
            missed=tuple(units[at].key for at in judged.missed) if judged else (),
            late_points=_late(one),
            duplicate_points=one.duplicates,
            skipped_before=skipped,
        )
        self._emitted += 1
        return made

    def _arm_interval(
        self, arm: Arm, sent: _ArmBin, one: _Bin, counts: CoverageCounts | None, number: int
    ) -> ArmInterval | None:
        if sent.silent:
            self._silent[arm] += 1
            return None
        self._heard[arm] += 1
        keys = sent.keys[0] if len(sent.keys) == 1 else _union(sent.keys)
        self._activity[arm].add(number, keys, sent.points)
        return ArmInterval(
            points_in=one.source_points,
            points=sent.points,
            bytes=sent.bytes,
            series=len(keys),
            critical_covered=counts.covered if counts else 0,
            critical_in_aggregate=counts.aggregate if counts else 0,
            refused=sent.refused,
            latency_p99_seconds=latency_p99(sent.latencies),
            latency_above=share_above(sent.latencies, self._threshold),
            cpu_seconds=sent.load.cpu_seconds,
            rss_bytes=sent.load.rss_bytes,
        )

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
        return self._emitted

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
        both = [None if self._silent[arm] else totals[arm] for arm in _ARMS]
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
        first, last = self._first, self._last
        return arm_usage(
            self.ledgers[arm],
            self._activity.get(arm),
            self.dictionaries,
            self._proxy,
            window_seconds=0.0 if first is None or last is None else (last - first + 1) * length,
            period_seconds=period,
            interval_seconds=length,
            intervals=self._heard[arm],
            load=self._load[arm],
        )

    def take_json_bytes(self) -> list[tuple[int | None, int | None]]:
        """What both arms sent in the intervals since the last call, as prices per GB count it; ``None`` for silence."""
        taken, self._json_bytes = self._json_bytes, []
        return taken

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


def _tally(numbers: Ids) -> list[tuple[int, int]]:
    """Distinct bins and how often each occurs, late ones left out."""
    distinct, counts = np.unique(numbers[numbers != LATE], return_counts=True)
    return list(zip(distinct.tolist(), counts.tolist(), strict=True))


def _sums(numbers: Ids, values: Ids) -> tuple[list[int], list[int]]:
    """Distinct bins and the sum of each, late ones left out."""
    distinct, back = np.unique(numbers, return_inverse=True)
    totals = np.zeros(len(distinct), dtype=np.int64)
    np.add.at(totals, back, values)
    kept = distinct != LATE
    return distinct[kept].tolist(), totals[kept].tolist()


def _distinct(numbers: Ids, keys: npt.NDArray[np.int32]) -> list[tuple[int, Ids]]:
    """Per bin its distinct series keys, sorted, late points left out."""
    kept = numbers != LATE
    if not kept.all():
        numbers, keys = numbers[kept], keys[kept]
    if not len(keys):
        return []
    packed = np.unique((numbers << 32) | keys)
    bins = packed >> 32
    edges = np.flatnonzero(np.concatenate([[True], bins[1:] != bins[:-1], [True]]))
    return [
        (int(bins[low]), packed[low:high] & 0xFFFFFFFF)
        for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    ]


def _union(parts: list[Ids]) -> Ids:
    return np.unique(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.int64)


def _late(one: _Bin) -> int:
    """Late points: the arms see the source's late points again, so the largest count stands for all."""
    return max(one.late, *(arm.late for arm in one.arms))


def _carry(source: _Bin, target: _Bin) -> None:
    target.late += source.late
    target.duplicates += source.duplicates
    for old, new in zip(source.arms, target.arms, strict=True):
        new.late += old.late
        new.points += old.points
        new.bytes += old.bytes
        new.json_bytes += old.json_bytes
        new.refused += old.refused
        new.keys.extend(old.keys)
        new.latencies.extend(old.latencies)
        new.load.merge(old.load)


def _timestamp(nanoseconds: int) -> datetime:
    seconds, rest = divmod(nanoseconds, _NANO)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
