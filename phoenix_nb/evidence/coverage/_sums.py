"""Sums of parts against aggregates: does an aggregate still say what its parts said?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.evidence.coverage._selectors import CriticalSelector

__all__ = ["Mismatches", "SumMismatch", "SumTable"]

_TOLERANCE: Final = 1e-9
"""Relative; sums in another order differ in their last digits."""

_Grid = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SumMismatch:
    """An aggregate that differs from the sum of its parts."""

    interval: int
    """Interval of the largest difference."""
    selector: str
    """Critical selector."""
    metric: str
    """Required metric."""
    parts: float
    """Sum over the raw series that the selector matches."""
    aggregate: float
    """Sum over the candidate's series that the selector matches."""

    @property
    def relative_error(self) -> float:
        """Difference over the larger of the two."""
        if np.isnan(self.parts) and np.isnan(self.aggregate):
            return 0.0
        scale = max(abs(self.parts), abs(self.aggregate))
        return abs(self.parts - self.aggregate) / scale if scale else 0.0


class SumTable:
    """Per interval, selector and required metric the sum of the values of one side."""

    def __init__(self, selectors: Sequence[CriticalSelector], required: Sequence[str]) -> None:
        self._selectors = tuple(selectors)
        self._required = tuple(required)
        self._cells: dict[int, _Grid] = {}

    def add(
        self,
        selected: npt.NDArray[np.bool_],
        interval: npt.NDArray[np.int64],
        bits: npt.NDArray[np.int64],
        values: npt.NDArray[np.float64],
    ) -> None:
        """Add points; ``selected`` has shape (points, selectors)."""
        wanted = np.flatnonzero(bits)
        if not len(wanted):
            return
        low = int(interval[wanted].min())
        rows, metrics = int(interval[wanted].max()) - low + 1, len(self._required)
        metric = np.log2(bits[wanted]).astype(np.int64)
        cell = (interval[wanted] - low) * metrics + metric
        touched = np.unique(interval[wanted]).tolist()
        for number, column in enumerate(selected[wanted].T):
            sums = np.bincount(cell[column], weights=values[wanted][column], minlength=rows * metrics)
            grid = sums.reshape(rows, metrics)
            for at in touched:
                kept = self._cells.setdefault(at, np.zeros((len(self._selectors), metrics)))
                kept[number] += grid[at - low]

    def cell(self, interval: int, selector: int, metric: int) -> float:
        """The sum of one metric over what one selector matches in one interval."""
        grid = self._cells.get(interval)
        return 0.0 if grid is None else float(grid[selector, metric])

    def forget(self, upto: int) -> None:
        """Drop what finalised intervals held."""
        for at in [at for at in self._cells if at <= upto]:
            del self._cells[at]


class Mismatches:
    """The worst difference between an aggregate and its parts, per selector and metric."""

    def __init__(self, selectors: Sequence[CriticalSelector], required: Sequence[str]) -> None:
        self._selectors = tuple(selectors)
        self._required = tuple(required)
        self._worst: dict[tuple[str, str], SumMismatch] = {}

    def compare(self, parts: SumTable, whole: SumTable, interval: int, selector: int, bits: int) -> None:
        """Compare both sides for the metrics in ``bits``."""
        for at, metric in enumerate(self._required):
            if not bits >> at & 1:
                continue
            found = SumMismatch(
                interval=interval,
                selector=self._selectors[selector].text,
                metric=metric,
                parts=parts.cell(interval, selector, at),
                aggregate=whole.cell(interval, selector, at),
            )
            known = self._worst.get((found.selector, metric))
            error = found.relative_error
            # "not <=" keeps a NaN on one side only as a difference.
            if not error <= _TOLERANCE and (known is None or error > known.relative_error):
                self._worst[found.selector, metric] = found

    def worst(self) -> Sequence[SumMismatch]:
        """Largest first."""
        return sorted(self._worst.values(), key=lambda found: -found.relative_error)
