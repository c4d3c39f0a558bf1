"""The search: rules that save most for what they lose, until the target is met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phoenix_nb.analysis.optimize._candidate import Candidate
from phoenix_nb.analysis.optimize._observed import Observed

__all__ = ["Table", "Trade", "front", "greedy", "without_needless"]

Flags = npt.NDArray[np.bool_]

_FREE = 1e-4
"""A loss below this is as good as none: then the saving alone counts."""


@dataclass(frozen=True, slots=True)
class Table:
    """Series and what every candidate removes of them."""

    observed: Observed
    """The series."""
    masks: npt.NDArray[np.bool_]
    """Shape (candidates, series)."""
    rules: Sequence[Candidate]
    """The candidates."""

    @classmethod
    def of(cls, observed: Observed, critical: Flags, rules: Sequence[Candidate]) -> Table:
        """What ``rules`` remove of some series."""
        rows = [one.mask(observed, critical) for one in rules]
        return cls(observed, np.array(rows, dtype=np.bool_).reshape(len(rules), len(observed)), rules)

    def removed(self, chosen: Sequence[int]) -> Flags:
        """What some candidates remove together."""
        return np.asarray(self.masks[list(chosen)].any(axis=0), dtype=np.bool_)

    def saving(self, chosen: Sequence[int]) -> float:
        """Share of distinct series removed."""
        return float(self.removed(chosen).mean()) if len(self.observed) else 0.0

    def fidelity(self, chosen: Sequence[int]) -> float:
        """Share of what was measured that is left; what is added up is left too."""
        dropped = self.removed([at for at in chosen if not self.rules[at].lossless])
        return max(0.0, min(1.0, 1.0 - float(self.observed.weight[dropped].sum())))

    def unaltered(self, chosen: Sequence[int]) -> float:
        """Share of what was measured that is left series by series: neither removed nor only part of a sum."""
        gone = self.removed([at for at in chosen if not self.rules[at].lossless])
        for at in chosen:
            if self.rules[at].alters:
                gone |= self._touched(at)
        return max(0.0, min(1.0, 1.0 - float(self.observed.weight[gone].sum())))

    def _touched(self, at: int) -> Flags:
        """Series that a rule removes, and those of the same resource and metric that take them in."""
        seen, mask = self.observed, self.masks[at]
        pair = seen.resource * (len(seen.metrics) + 1) + seen.metric
        return np.asarray(np.isin(pair, pair[mask]), dtype=np.bool_)

    def compatible(self, chosen: Sequence[int]) -> list[int]:
        """The chosen ones without those that an earlier one excludes."""
        kept: list[int] = []
        for at in chosen:
            if not any(self.rules[at].excludes(self.rules[one]) for one in kept):
                kept.append(at)
        return kept


def greedy(table: Table, target: float) -> list[int]:
    """Candidates in the order of what they save for what they lose, up to the target or until nothing is left."""
    weight = table.observed.weight
    lossy = np.array([not one.lossless for one in table.rules], dtype=np.float64)
    penalty = np.array([one.penalty for one in table.rules], dtype=np.float64)
    alive = np.ones(len(table.observed), dtype=np.bool_)
    shown = alive.copy()
    open_ = list(range(len(table.masks)))
    chosen: list[int] = []
    total = len(alive)
    while open_ and total and (~alive).sum() < target * total:
        gains = table.masks[open_] @ alive.astype(np.float64)
        losses = (table.masks[open_] @ (weight * shown)) * lossy[open_] + penalty[open_]
        # What goes beyond the target is worth nothing, so a small rule may beat a large one at the end.
        missing = target * total - float((~alive).sum())
        scores = np.minimum(gains, missing) / (losses + _FREE)
        best = int(np.argmax(scores))
        if gains[best] <= 0:
            break
        taken = open_.pop(best)
        alive &= ~table.masks[taken]
        if not table.rules[taken].lossless:
            shown &= ~table.masks[taken]
        chosen.append(taken)
        open_ = [at for at in open_ if not table.rules[at].excludes(table.rules[taken])]
    return chosen


def without_needless(table: Table, chosen: Sequence[int], target: float) -> list[int]:
    """The chosen rules without those that the target does not need, the most harmful ones looked at first."""
    kept = list(chosen)
    alone = {at: 1.0 - table.fidelity([at]) + table.rules[at].penalty for at in kept}
    for at in sorted(chosen, key=lambda at: (-alone[at], at)):
        rest = [one for one in kept if one != at]
        if table.saving(rest) >= target or table.saving(rest) >= table.saving(kept):
            kept = rest
    return kept


@dataclass(frozen=True, slots=True)
class Trade:
    """What some rules save and what they leave."""

    saving: float
    """Share of distinct series removed."""
    fidelity: float
    """Share of what was measured that is left in any form."""
    unaltered: float
    """Share of it that is left series by series."""
    count: int
    """Number of rules."""
    last: int
    """The rule added last; -1 when there is none."""


def front(table: Table, order: Sequence[int]) -> list[Trade]:
    """Beginnings of an order of rules, of growing saving, that no other one beats in both saving and fidelity."""
    points = [
        Trade(
            table.saving(order[:count]),
            table.fidelity(order[:count]),
            table.unaltered(order[:count]),
            count,
            order[count - 1] if count else -1,
        )
        for count in range(len(order) + 1)
    ]
    best: list[Trade] = []
    for point in sorted(points, key=lambda one: (-one.saving, -one.fidelity, one.count)):
        if not best or point.fidelity > best[-1].fidelity:
            best.append(point)
    return best[::-1]
