"""A recording in its halves, tabulated, with what every rule removes of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from phoenix_nb.analysis.optimize._candidate import Candidate
from phoenix_nb.analysis.optimize._observed import observe
from phoenix_nb.analysis.optimize._ranking import names_by_use
from phoenix_nb.analysis.optimize._rules import candidates, critical_rows
from phoenix_nb.analysis.optimize._search import Table
from phoenix_nb.evidence.coverage import CriticalSelector
from phoenix_nb.interfaces.optimization import OptimizationRequest
from phoenix_nb.otlp import Dictionaries, Frames

__all__ = ["Parts", "tabulate"]

_WINDOWS: Final = 10
"""Looks at the ranking in the first half."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A recording in its halves, tabulated, with what each candidate removes."""

    frames: Sequence[Frames]
    """The recording."""
    second: Sequence[Frames]
    """Its second half."""
    rules: Sequence[Candidate]
    """What may be chosen."""
    fit: Table
    """What each rule removes of the first half."""
    unseen: Table
    """Likewise of the second half."""
    whole: Table
    """Likewise of all."""


def _halves(frames: Sequence[Frames], cut: int) -> tuple[list[Frames], list[Frames]]:
    first: list[Frames] = []
    second: list[Frames] = []
    seen = 0
    for one in frames:
        inside = min(max(cut - seen, 0), one.n_payloads)
        if inside:
            first.append(one.slice(0, inside) if inside < one.n_payloads else one)
        if inside < one.n_payloads:
            second.append(one.slice(inside, one.n_payloads) if inside else one)
        seen += one.n_payloads
    return first, second


def tabulate(
    whole: Sequence[Frames],
    dictionaries: Dictionaries,
    selectors: Sequence[CriticalSelector],
    request: OptimizationRequest,
    *,
    scrapes: bool,
) -> Parts:
    """Tabulate a recording and find every rule for it.

    Args:
        whole: the recording.
        dictionaries: shared by the frames.
        selectors: which processes are critical.
        request: what is asked.
        scrapes: whether the scrape itself may become rarer.
    """
    first, second = _halves(whole, sum(one.n_payloads for one in whole) // 2)
    tables = [observe(frames, dictionaries) for frames in (first, second, whole)]
    critical = [critical_rows(one, selectors) for one in tables]
    rankings = []
    for window in _windows(first):
        seen = observe(window, dictionaries)
        rankings.append(names_by_use(seen, critical_rows(seen, selectors)))
    rules = candidates(
        tables[0],
        critical[0],
        request.required_metrics,
        rankings,
        selectors=selectors,
        scrapes=scrapes,
        kinds=request.rules,
    )
    made = [Table.of(one, rows, rules) for one, rows in zip(tables, critical, strict=True)]
    return Parts(whole, second, rules, made[0], made[1], made[2])


def _windows(frames: Sequence[Frames]) -> list[list[Frames]]:
    payloads = sum(one.n_payloads for one in frames)
    count = min(_WINDOWS, payloads)
    rest, windows = list(frames), []
    for number in range(count):
        size = (number + 1) * payloads // count - number * payloads // count
        window, rest = _halves(rest, size)
        windows.append(window)
    return windows
