"""Conditions that ask for nothing but a point's series: decided once per series, then spread to the points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector.ottl._conditions import Chain, Condition, Negation, Outcome
from phoenix_nb.collector.ottl._context import Axis, Item
from phoenix_nb.collector.ottl._rows import SERIES_AXES, Rows

__all__ = ["any_by_series", "by_series"]

_UNKNOWN, _FALSE, _TRUE, _FAILED = -1, 0, 1, 2
_AXES: Final[frozenset[Axis]] = frozenset(SERIES_AXES)


def by_series(condition: Condition) -> Condition:
    """The same condition, with the largest parts that depend on series alone decided per series."""
    if not condition.axes:
        return condition
    if condition.axes <= _AXES:
        return _BySeries(condition)
    if isinstance(condition, Negation):
        return Negation(by_series(condition.inner))
    if not isinstance(condition, Chain):
        return condition
    # Neighbours are put together only; the order in which parts are tried says which of two failures counts.
    runs: list[list[Condition]] = []
    for part in condition.parts:
        if runs and part.axes <= _AXES and runs[-1][-1].axes <= _AXES:
            runs[-1].append(part)
        else:
            runs.append([part])
    stop = condition.stop
    return Chain([by_series(run[0] if len(run) == 1 else Chain(run, stop=stop)) for run in runs], stop=stop)


def any_by_series(conditions: Sequence[Condition]) -> Condition | None:
    """One condition for several that :func:`by_series` made: it holds where one of them does.

    They are tried in order, and one that fails ends that. ``None`` when there are not several, or when one of them asks
    for more than the series.
    """
    inner = [condition.inner for condition in conditions if isinstance(condition, _BySeries)]
    return _BySeries(Chain(inner, stop=True)) if 1 < len(inner) == len(conditions) else None


class _BySeries:
    """What a condition is for every series met so far."""

    def __init__(self, inner: Condition) -> None:
        self.inner = inner
        self.axes = inner.axes
        self._codes: npt.NDArray[np.int8] = np.full(64, _UNKNOWN, dtype=np.int8)
        self._errors: dict[int, str] = {}

    def test(self, item: Item) -> bool:
        return self.inner.test(item)

    def over(self, rows: Rows) -> Outcome:
        series = rows.series
        if series is None or not len(series):
            return self.inner.over(rows)
        known = len(rows.frames.dictionaries.series)
        if known > len(self._codes):
            grown = np.full(max(known, 2 * len(self._codes)), _UNKNOWN, dtype=np.int8)
            grown[: len(self._codes)] = self._codes
            self._codes = grown
        present = rows.frames.series_present
        new = present[self._codes.take(present) == _UNKNOWN]
        if len(new):
            self._decide(rows, new)
        codes = self._codes.take(series)
        true = codes == _TRUE
        return self._failures(true, codes, series) if self._errors else Outcome(true)

    def _decide(self, rows: Rows, new: npt.NDArray[np.int32]) -> None:
        found = self.inner.over(rows.of_series(new))
        self._codes[new] = np.where(found.true, np.int8(_TRUE), np.int8(_FALSE))
        if found.error is not None:
            bad = np.flatnonzero(found.error >= 0)
            self._codes[new[bad]] = _FAILED
            texts = [found.errors[number] for number in found.error[bad].tolist()]
            self._errors.update(zip(new[bad].tolist(), texts, strict=True))

    def _failures(
        self, true: npt.NDArray[np.bool_], codes: npt.NDArray[np.int8], series: npt.NDArray[np.int32]
    ) -> Outcome:
        bad = np.flatnonzero(codes == _FAILED)
        if not len(bad):
            return Outcome(true)
        distinct, number = np.unique(series[bad], return_inverse=True)
        error = np.full(len(series), -1, dtype=np.int32)
        error[bad] = number.reshape(-1)
        return Outcome(true, error, [self._errors[one] for one in distinct.tolist()])
