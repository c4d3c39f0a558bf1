"""The interval of a saving that the plan does not decide by, such as the bytes that a vendor bills."""

from __future__ import annotations

from phoenix_nb.evidence._effect_rows import ends
from phoenix_nb.evidence._paired import Kind, PairedSequence, Rules
from phoenix_nb.interfaces.cost import SavingInterval
from phoenix_nb.interfaces.plan import Plan

__all__ = ["SavingSequence"]


class SavingSequence:
    """A time-uniform interval of 1 − ΣB / ΣA, by the plan's pilot and alpha; pushed interval by interval.

    Args:
        plan: pilot, warm-up and alpha.
        planned_intervals: T_max; ``None`` makes no claim.
    """

    __slots__ = ("_counted", "_sequence", "_t_max")

    def __init__(self, plan: Plan, planned_intervals: int | None) -> None:
        self._t_max = planned_intervals or 0
        self._counted = 0
        rules = Rules(t_max=self._t_max, pilot=plan.pilot_intervals, alpha=plan.alpha)
        self._sequence = PairedSequence(Kind.RATIO, 1.0, rules)
        self._sequence.fix_rejection(plan.alpha)

    def push(self, baseline: float | None, candidate: float | None, index: int) -> None:
        """Add what both arms sent in one interval after the warm-up; ``None`` where an arm was silent."""
        self._counted += 1
        if self._counted <= self._t_max and baseline is not None and candidate is not None:
            self._sequence.push(baseline, candidate, index)

    def interval(self) -> SavingInterval | None:
        """The saving so far; ``None`` while it is not estimable, or no single value describes it."""
        sequence = self._sequence
        plan = sequence.plan
        if plan is None or plan.too_short or not sequence.narrow.known or sequence.drift_at is not None:
            return None
        low, high = ends(sequence)
        return SavingInterval(estimate=1.0 - sequence.estimate, low=1.0 - high, high=min(1.0 - low, 1.0))
