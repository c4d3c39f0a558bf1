"""The search: rules that save most for what they lose, until the target is met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phoenix_nb.analysis.optimize._observed import Observed
from phoenix_nb.analysis.optimize._rules import Candidate

__all__ = ["Table", "front", "greedy", "without_needless"]

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


def front(table: Table, order: Sequence[int]) -> list[tuple[float, float, int, int]]:
    """Points (saving, fidelity, number of rules, last rule) of growing saving that no other one beats."""
    points = [(0.0, 1.0, 0, -1)]
    for count in range(1, len(order) + 1):
        chosen = order[:count]
        points.append((table.saving(chosen), table.fidelity(chosen), count, order[count - 1]))
    best: list[tuple[float, float, int, int]] = []
    for point in sorted(points, key=lambda one: (-one[0], -one[1])):
        if not best or point[1] > best[-1][1]:
            best.append(point)
    return best[::-1]
