"""Everything a verdict rests on, fed interval by interval or all at once with the same result."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.evidence._blocks import Values
from phoenix_nb.evidence._columns import IntervalColumns
from phoenix_nb.evidence._health import HealthTally
from phoenix_nb.evidence._paired import Kind, PairedSequence, Rules
from phoenix_nb.interfaces.evidence import ArmInterval, Condition, Interval
from phoenix_nb.interfaces.plan import GuardrailKind, GuardrailRule, Plan, SuccessMetric

__all__ = ["SHORTEST_BLOCK", "CoverageTally", "GuardrailStanding", "Standing"]

SHORTEST_BLOCK: Final = 5
"""Intervals of the shortest block."""

_COLUMN: Final = {
    SuccessMetric.DATA_POINTS: "points",
    SuccessMetric.SERIES: "series",
    SuccessMetric.BYTES: "bytes",
}


@dataclass(slots=True)
class CoverageTally:
    """What the intervals say about critical processes; the warm-up counts too."""

    units_at: int | None = None
    """Index of the first interval with a critical process."""
    most_units: int = 0
    """Most critical processes in one interval."""
    aggregate_intervals: int = 0
    """Intervals in which one was covered in aggregate only."""
    missed: dict[str, int] | None = None
    """Keys of missed units and the index of the first miss, in order."""

    def add(self, interval: Interval) -> None:
        """Count one interval."""
        if interval.critical_units:
            if self.units_at is None:
                self.units_at = interval.index
            self.most_units = max(self.most_units, interval.critical_units)
        if interval.candidate is not None and interval.candidate.critical_in_aggregate:
            self.aggregate_intervals += 1
        if interval.missed:
            self._miss(interval.missed, interval.index)

    def _miss(self, keys: tuple[str, ...], index: int) -> None:
        if self.missed is None:
            self.missed = {}
        for key in keys:
            self.missed.setdefault(key, index)

    def fill(self, columns: IntervalColumns) -> None:
        """Count a whole run in a new tally."""
        units = columns.critical_units
        if len(units) and bool(units.any()):
            self.units_at = int(columns.index[np.argmax(units > 0)])
            self.most_units = int(units.max())
        self.aggregate_intervals = int(
            np.count_nonzero(columns.candidate.present & (columns.candidate.aggregate > 0))
        )
        for row, keys in columns.missed:
            self._miss(keys, int(columns.index[row]))


@dataclass(slots=True)
class GuardrailStanding:
    """One guardrail of the plan."""

    rule: GuardrailRule
    """What is guarded."""
    sequence: PairedSequence
    """How it stands."""

    def pair(self, a: ArmInterval, b: ArmInterval) -> tuple[float, float] | None:
        """What both arms measured; ``None`` when one of them did not."""
        if self.rule.kind is GuardrailKind.LATENCY_P99:
            left, right = a.latency_p99_seconds, b.latency_p99_seconds
            if left is None or right is None or not (_positive(left) and _positive(right)):
                return None
            return math.log(left), math.log(right)
        if self.rule.kind is GuardrailKind.LATENCY_ABOVE:
            left, right = a.latency_above, b.latency_above
            return None if left is None or right is None else (left, right)
        left, right = a.cpu_seconds, b.cpu_seconds
        if left is None or right is None or not (_measured(left) and _measured(right)):
            return None
        return left, right

    def columns(
        self, columns: IntervalColumns
    ) -> tuple[Values, Values, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
        """The same for a whole run: both arms' values and where both are measured."""
        if self.rule.kind is GuardrailKind.LATENCY_P99:
            a, b = columns.baseline.latency, columns.candidate.latency
            known = np.isfinite(a) & np.isfinite(b) & (a > 0) & (b > 0)
        elif self.rule.kind is GuardrailKind.LATENCY_ABOVE:
            a, b = columns.baseline.slow, columns.candidate.slow
            known = np.isfinite(a) & np.isfinite(b)
        else:
            a, b = columns.baseline.cpu, columns.candidate.cpu
            known = np.isfinite(a) & np.isfinite(b) & (a >= 0) & (b >= 0)
        known &= columns.baseline.present & columns.candidate.present
        return a, b, known


def _positive(value: float) -> bool:
    return 0.0 < value < math.inf


def _measured(value: float) -> bool:
    return 0.0 <= value < math.inf


class Standing:
    """How an experiment stands.

    Args:
        plan: what was fixed before the run.
        t_max: planned number of intervals after the warm-up; ``None`` while it is not known: then no claim is made.
    """

    def __init__(self, plan: Plan, t_max: int | None) -> None:
        self.plan = plan
        self.t_max = t_max
        self.health = HealthTally(max_parity_gap=plan.max_parity_gap)
        self.coverage = CoverageTally()
        rules = Rules(t_max=t_max or 0, pilot=plan.pilot_intervals, alpha=plan.alpha)
        self.saving = PairedSequence(Kind.RATIO, 1.0 - plan.success.target, rules)
        """Ratio of totals candidate / baseline, against 1 − target."""
        self.guardrails = [GuardrailStanding(rule, _guard(rule, rules)) for rule in plan.guardrails]
        """Guardrails; those that nothing measured leave at the end of the pilot."""
        self.pilot_at: int | None = None
        """Index of the interval that ended the pilot."""
        self.t_min_at: int | None = None
        """Index of the interval that reached T_min."""
        self._rows: dict[str, tuple[object, Condition]] = {}
        self._column = _COLUMN[plan.success.metric]
        self._last_start: datetime | None = None

    # -- one by one ------------------------------------------------------------------------------------------

    def add(self, interval: Interval) -> None:
        """Count one interval.

        Raises:
            InvalidRequestError: it is not later than the one before.
        """
        last = self.health.last_index
        if last is not None and interval.index <= last:
            raise InvalidRequestError(
                f"interval {interval.index} comes after interval {last}",
                hint="each interval is judged once, in the order of time",
                details={"index": interval.index, "last": last},
            )
        if self._last_start is not None and interval.start <= self._last_start:
            raise InvalidRequestError(
                f"interval {interval.index} does not start later than the one before",
                hint="sort the intervals by time and leave each out but once",
                details={"index": interval.index, "start": interval.start.isoformat()},
            )
        self._last_start = interval.start
        self.health.add(interval)
        self.coverage.add(interval)
        if interval.warmup or self.t_max is None:
            return
        counted = self.health.counted
        if counted > self.t_max:
            return
        a, b = interval.baseline, interval.candidate
        if a is not None and b is not None:
            self.saving.push(float(getattr(a, self._column)), float(getattr(b, self._column)), interval.index)
            for guardrail in self.guardrails:
                pair = guardrail.pair(a, b)
                if pair is not None:
                    guardrail.sequence.push(*pair, interval.index)
        if counted == self.plan.pilot_intervals:
            self.pilot_at = interval.index
            self._fix()
        if counted == self.t_min:
            self.t_min_at = interval.index

    def _fix(self) -> None:
        """At the end of the pilot it is known what is measured, and so how many tests can reject."""
        self.guardrails = [one for one in self.guardrails if one.sequence.values]
        share = self.plan.alpha / (1 + len(self.guardrails))
        self.saving.fix_rejection(share)
        for guardrail in self.guardrails:
            guardrail.sequence.fix_rejection(share)

    # -- all at once -----------------------------------------------------------------------------------------

    def fill(self, columns: IntervalColumns) -> None:
        """Count a whole run in a new standing; the same as adding its intervals one by one."""
        self.health.fill(columns)
        self.coverage.fill(columns)
        if self.t_max is None:
            return
        rows = np.flatnonzero(~columns.warmup)[: self.t_max]
        pilot = self.plan.pilot_intervals
        measured = {one.rule.kind: one.columns(columns) for one in self.guardrails}
        finished = len(rows) >= pilot
        if finished:
            self.pilot_at = int(columns.index[rows[pilot - 1]])
            early = rows[:pilot]
            self.guardrails = [
                one for one in self.guardrails if bool(measured[one.rule.kind][2][early].any())
            ]
        share = self.plan.alpha / (1 + len(self.guardrails))
        both = rows[columns.baseline.present[rows] & columns.candidate.present[rows]]
        for sequence in self.sequences():
            if finished:
                sequence.fix_rejection(share)
        a = getattr(columns.baseline, self._column)[both].astype(np.float64)
        b = getattr(columns.candidate, self._column)[both].astype(np.float64)
        self.saving.fill(a, b, columns.index[both])
        for one in self.guardrails:
            left, right, known = measured[one.rule.kind]
            where = rows[known[rows]]
            first, second = left[where], right[where]
            if one.rule.kind is GuardrailKind.LATENCY_P99:
                first, second = _logs(first), _logs(second)
            one.sequence.fill(first, second, columns.index[where])
        t_min = self.t_min
        if len(rows) >= t_min:
            self.t_min_at = int(columns.index[rows[t_min - 1]])

    # -- how it stands ---------------------------------------------------------------------------------------

    def row(self, name: str, key: object, make: Callable[[], Condition]) -> Condition:
        """The condition ``name``, made again only when what it rests on (``key``) changed."""
        found = self._rows.get(name)
        if found is None or found[0] != key:
            found = self._rows[name] = (key, make())
        return found[1]

    def sequences(self) -> list[PairedSequence]:
        """The saving first, then the guardrails."""
        return [self.saving, *(one.sequence for one in self.guardrails)]

    @property
    def pilot_done(self) -> bool:
        """Whether the pilot of the saving ended."""
        return self.saving.plan is not None

    @property
    def t_min(self) -> int:
        """Fewest intervals after the warm-up for a promotion: pilot and six blocks; grows when blocks are longer.

        A guardrail with longer blocks needs no rule of its own: its interval is infinite for its first blocks.
        """
        length = self.saving.plan.length if self.saving.plan is not None else SHORTEST_BLOCK
        return self.plan.pilot_intervals + self.plan.min_blocks * max(length, SHORTEST_BLOCK)

    @property
    def tau(self) -> float | None:
        """Longest correlation time of any quantity of the plan, intervals; ``None`` before the pilot ended."""
        return max((one.plan.tau for one in self.sequences() if one.plan is not None), default=None)

    @property
    def drift_at(self) -> int | None:
        """Index at which the first running interval became empty."""
        return min((one.drift_at for one in self.sequences() if one.drift_at is not None), default=None)


def _guard(rule: GuardrailRule, rules: Rules) -> PairedSequence:
    if rule.kind is GuardrailKind.LATENCY_P99:
        return PairedSequence(Kind.DIFFERENCE, math.log1p(rule.margin), rules)
    if rule.kind is GuardrailKind.LATENCY_ABOVE:
        return PairedSequence(Kind.DIFFERENCE, rule.margin, rules)
    return PairedSequence(Kind.RATIO, 1.0 + rule.margin, rules)


def _logs(values: Values) -> Values:
    # math.log and numpy.log may differ in the last bit; one by one and all at once must not.
    return np.fromiter(map(math.log, values.tolist()), dtype=np.float64, count=len(values))
