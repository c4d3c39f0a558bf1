"""Coverage of critical processes, interval by interval and lifetime by lifetime."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.errors import PlanError
from phoenix_nb.evidence.coverage._carriers import Carriers
from phoenix_nb.evidence.coverage._runs import Presence, Runs, codes, edges
from phoenix_nb.evidence.coverage._selectors import CriticalSelector
from phoenix_nb.evidence.coverage._sums import Mismatches, SumMismatch, SumTable
from phoenix_nb.evidence.coverage._units import Unit, UnitCoverage, UnitTable
from phoenix_nb.otlp import Dictionaries, Frames

__all__ = ["ArmCoverage", "CoverageCounts", "CoverageTracker"]

Ids = npt.NDArray[np.int64]

_MAX_REQUIRED: Final = 62
_COVERED, _AGGREGATE, _MISSED, _UNOBSERVABLE = range(4)


@dataclass(frozen=True, slots=True)
class CoverageCounts:
    """Critical lifetimes of one interval as one arm showed them."""

    seen: int = 0
    """Lifetimes in the raw payloads: the sum of the others."""
    covered: int = 0
    """Lifetimes whose required metrics the arm held."""
    aggregate: int = 0
    """Lifetimes that only an aggregate of the arm covers."""
    unobservable: int = 0
    """Lifetimes for which the raw payload held no required metric."""
    missed: tuple[int, ...] = ()
    """Numbers of the lifetimes that the arm lacks, verified after the grace period."""


class ArmCoverage:
    """What one arm shows of the critical lifetimes."""

    def __init__(
        self,
        carriers: Carriers,
        table: UnitTable,
        selectors: Sequence[CriticalSelector],
        required: Sequence[str],
    ) -> None:
        self._carriers = carriers
        self._table = table
        self._required = tuple(required)
        self._exact = Presence()
        self._by_pid: dict[tuple[int, int, int], int] = defaultdict(int)
        self._by_selector: dict[tuple[int, int, int], int] = defaultdict(int)
        self._sums = SumTable(selectors, required)
        self._mismatches = Mismatches(selectors, required)
        self._units: list[UnitCoverage] = []

    @property
    def units(self) -> Sequence[UnitCoverage]:
        """Per critical lifetime what the arm showed of it."""
        self._grow()
        return self._units

    @property
    def mismatches(self) -> Sequence[SumMismatch]:
        """Aggregates that differ from the sum of their parts, largest difference first."""
        return self._mismatches.worst()

    def add(self, runs: Runs) -> None:
        """Add points of the arm's output."""
        self._sums.add(*runs.points)
        carriers, starts, back = runs.distinct()
        found = [self._resolve(c, s) for c, s in zip(carriers.tolist(), starts.tolist(), strict=True)]
        ids = np.array(found, dtype=np.int64)[back]
        known = ids >= 0
        self._exact.add(runs.interval[known], ids[known], runs.bits[known])
        units = self.units
        for number, time in edges(ids[known], runs.time[known]):
            units[number].last_seen = max(units[number].last_seen, time)
        for at in np.flatnonzero(~known).tolist():
            self._loose(int(runs.carrier[at]), int(runs.interval[at]), int(runs.bits[at]))

    def finalise(
        self, interval: Ids, unit: Ids, need: Ids, parts: SumTable, upto: int
    ) -> dict[int, CoverageCounts]:
        """Judge rows of needed metrics, one per interval and lifetime, sorted."""
        a_interval, a_unit, a_bits = self._exact.take(upto)
        code, a_code = codes(interval, unit), codes(a_interval, a_unit)
        have = np.zeros(len(need), dtype=np.int64)
        if len(a_code):
            place = np.minimum(np.searchsorted(a_code, code), len(a_code) - 1)
            have = np.where(a_code[place] == code, a_bits[place], 0)
        tallies: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        missed: dict[int, list[int]] = defaultdict(list)
        fine = (need != 0) & (need & ~have == 0)
        units = self.units
        for number, count in _counts(unit[fine]):
            units[number].covered += count
        for number, count in _counts(interval[fine]):
            tallies[number][_COVERED] += count
        for at in np.flatnonzero(~fine).tolist():
            where, number = int(interval[at]), int(unit[at])
            kind = self._judge(where, number, int(need[at]), int(have[at]), parts)
            tallies[where][kind] += 1
            if kind == _MISSED:
                missed[where].append(number)
        for table in (self._by_pid, self._by_selector):
            for key in [key for key in table if key[0] <= upto]:
                del table[key]
        self._sums.forget(upto)
        return {
            number: CoverageCounts(
                seen=sum(tally),
                covered=tally[_COVERED],
                aggregate=tally[_AGGREGATE],
                unobservable=tally[_UNOBSERVABLE],
                missed=tuple(missed[number]),
            )
            for number, tally in sorted(tallies.items())
        }

    def _grow(self) -> None:
        while len(self._units) < len(self._table.units):
            self._units.append(UnitCoverage())

    def _resolve(self, carrier: int, start: int) -> int:
        host, pid = self._carriers.host(carrier), self._carriers.pid(carrier)
        found = self._table.find(host=host, pid=pid, start=start, carrier=carrier)
        return -1 if found is None else found

    def _loose(self, carrier: int, interval: int, bits: int) -> None:
        host, pid = self._carriers.host(carrier), self._carriers.pid(carrier)
        if pid >= 0:
            self._by_pid[interval, host, pid] |= bits
            return
        for selector in self._carriers.chosen(carrier):
            self._by_selector[interval, host, selector] |= bits

    def _judge(self, interval: int, number: int, need: int, have: int, parts: SumTable) -> int:
        unit, coverage = self._table.units[number], self._units[number]
        if not need:
            coverage.unobservable += 1
            return _UNOBSERVABLE
        hosts = {self._carriers.host_number(unit.host), 0}
        if unit.pid >= 0:
            # The pid was kept but the start time was not: the pid within the interval is as good.
            for host in hosts:
                have |= self._by_pid.get((interval, host, unit.pid), 0)
        lacking = need & ~have
        if not lacking:
            coverage.covered += 1
            coverage.last_seen = max(coverage.last_seen, unit.last_raw)
            return _COVERED
        for selector in unit.selectors:
            for host in hosts:
                found = self._by_selector.get((interval, host, selector), 0)
                if found & lacking:
                    self._mismatches.compare(parts, self._sums, interval, selector, found & lacking)
                lacking &= ~found
        if not lacking:
            coverage.aggregate += 1
            return _AGGREGATE
        coverage.missed += 1
        coverage.lacking.update(name for at, name in enumerate(self._required) if lacking >> at & 1)
        return _MISSED


class CoverageTracker:
    """Counts critical lifetimes that the arms still show.

    A lifetime is covered in an interval when the arm's output holds every required metric that the raw
    payload held for it, in series that a selector still matches: with the same pid if the pid was kept
    (*covered*), else *covered in aggregate*. Feed every interval's points before it is finalised; a finalised
    interval never changes.

    Args:
        dictionaries: shared by all frames of the run.
        selectors: which processes are critical.
        required: metric names that must survive.
        arms: names of the arms.

    Raises:
        PlanError: more metrics are required than can be followed.
    """

    def __init__(
        self,
        dictionaries: Dictionaries,
        selectors: Sequence[CriticalSelector],
        required: Sequence[str],
        arms: Sequence[str] = ("baseline", "candidate"),
    ) -> None:
        self._dictionaries = dictionaries
        self.selectors = tuple(selectors)
        """The critical selectors."""
        self.required = tuple(dict.fromkeys(required))
        """The required metrics."""
        if len(self.required) > _MAX_REQUIRED:
            raise PlanError(
                f"{len(self.required)} required metrics are more than {_MAX_REQUIRED}",
                hint="name only the metrics that somebody would miss",
            )
        self._carriers = Carriers(dictionaries, self.selectors)
        self._table = UnitTable()
        self._bit_of_header = np.zeros(0, dtype=np.int64)
        self._raw = Presence()
        self._sums = SumTable(self.selectors, self.required)
        self._hits = np.zeros(len(self.selectors), dtype=np.bool_)
        self.arms = {
            name: ArmCoverage(self._carriers, self._table, self.selectors, self.required) for name in arms
        }
        """Per arm what it shows."""

    @property
    def units(self) -> Sequence[Unit]:
        """Every critical lifetime so far, in order of first appearance."""
        return self._table.units

    @property
    def unmatched(self) -> tuple[str, ...]:
        """Selectors that have matched nothing in the raw payloads."""
        return tuple(s.text for s, hit in zip(self.selectors, self._hits.tolist(), strict=True) if not hit)

    def critical_series(self) -> npt.NDArray[np.bool_]:
        """Per series id of the run whether it belongs to a critical process."""
        series = self._dictionaries.series
        carrier = self._carriers.of_ids(np.maximum(series.resource, 0), series.attributes)
        return self._carriers.matched[carrier]

    def add_raw(self, frames: Frames, interval: Ids) -> None:
        """Add raw points, before what the arms made of them.

        Args:
            frames: the payloads.
            interval: per point its interval, below 0 for points that no interval takes.
        """
        runs = self._runs(frames, interval)
        if runs is None:
            return
        self._sums.add(*runs.points)
        carriers, starts, back = runs.distinct()
        self._hits |= self._carriers.selected[np.unique(carriers)].any(axis=0)
        found = [self._unit(c, s) for c, s in zip(carriers.tolist(), starts.tolist(), strict=True)]
        ids = np.array(found, dtype=np.int64)[back]
        self._raw.add(runs.interval, ids, runs.bits)
        for number, time in edges(ids, runs.time):
            unit = self._table.units[number]
            unit.last_raw = max(unit.last_raw, time)
            unit.first_raw = min(unit.first_raw, time) if unit.first_raw else time

    def add_arm(self, arm: str, frames: Frames, interval: Ids) -> None:
        """Add points of an arm's output; arguments as for :meth:`add_raw`."""
        runs = self._runs(frames, interval)
        if runs is not None:
            self.arms[arm].add(runs)

    def finalise(self, upto: int) -> dict[str, dict[int, CoverageCounts]]:
        """Judge every interval up to ``upto``, per arm; intervals without critical processes are left out."""
        interval, unit, need = self._raw.take(upto)
        counts = {
            name: arm.finalise(interval, unit, need, self._sums, upto) for name, arm in self.arms.items()
        }
        self._sums.forget(upto)
        return counts

    def _runs(self, frames: Frames, interval: Ids) -> Runs | None:
        if not self.selectors:
            return None
        headers = self._dictionaries.headers
        known = len(self._bit_of_header)
        if known < len(headers):
            bit = {name: 1 << at for at, name in enumerate(self.required)}
            fresh = [bit.get(headers[i].name, 0) for i in range(known, len(headers))]
            self._bit_of_header = np.concatenate([self._bit_of_header, np.array(fresh, dtype=np.int64)])
        return Runs.of(frames, interval, self._carriers, self._bit_of_header)

    def _unit(self, carrier: int, start: int) -> int:
        host, pid = self._carriers.host(carrier), self._carriers.pid(carrier)
        known = self._table.find(host=host, pid=pid, start=start, carrier=carrier)
        if known is not None:
            return known
        unit = Unit(
            name=self._carriers.names[carrier],
            host=self._carriers.host_name(host),
            pid=pid,
            start=start,
            selectors=self._carriers.chosen(carrier),
        )
        return self._table.add(host=host, pid=pid, start=start, carrier=carrier, unit=unit)


def _counts(values: Ids) -> list[tuple[int, int]]:
    distinct, counts = np.unique(values, return_counts=True)
    return list(zip(distinct.tolist(), counts.tolist(), strict=True))
