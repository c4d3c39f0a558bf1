"""A recording in its halves, tabulated, with what every rule removes of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from phoenix_nb.analysis.optimize._candidate import Candidate
from phoenix_nb.analysis.optimize._observed import observe
from phoenix_nb.analysis.optimize._ranking import names_by_use
from phoenix_nb.analysis.optimize._rules import candidates, critical_rows
from phoenix_nb.analysis.optimize._search import Table
from phoenix_nb.analysis.optimize._stretches import halves, windows
from phoenix_nb.evidence.coverage import CriticalSelector
from phoenix_nb.interfaces.optimization import OptimizationRequest
from phoenix_nb.otlp import Dictionaries, Frames

__all__ = ["Parts", "tabulate"]


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
    first, second = halves(whole, sum(one.n_payloads for one in whole) // 2)
    tables = [observe(frames, dictionaries) for frames in (first, second, whole)]
    critical = [critical_rows(one, selectors) for one in tables]
    rankings = []
    for window in windows(first):
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
