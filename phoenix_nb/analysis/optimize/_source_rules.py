"""Rules about the scrape itself: fewer attributes per process, fewer scrapes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.analysis.optimize._candidate import Candidate
from phoenix_nb.analysis.optimize._observed import Observed
from phoenix_nb.evidence.coverage import CriticalSelector
from phoenix_nb.interfaces.optimization import RuleKind

__all__ = ["attribute_rules", "scrape_rules"]

Flags = npt.NDArray[np.bool_]
Ids = npt.NDArray[np.int64]

_FACTORS: Final = (2, 3, 6)
"""How many times longer a collection interval may become."""
_CHANGING: Final = ("process.parent_pid", "process.command", "process.command_args", "process.command_line")
"""What may change while a process lives, or says what its name says already."""
_ALL: Final = (*_CHANGING, "process.executable.path", "process.owner")
_NEEDS: Final = {
    "path": ("process.executable.path",),
    "command": ("process.command",),
    "command_line": ("process.command_line", "process.command_args"),
    "owner": ("process.owner",),
}
"""Attributes that selectors look at."""


def scrape_rules() -> list[Candidate]:
    """Longer collection intervals: every process is seen less often, those that live shortly perhaps never."""
    return [
        Candidate(
            RuleKind.SCRAPE_LESS,
            f"Processes are scraped {factor} times less often.",
            partial(_never_scraped, factor),
            factor=factor,
            everyone=True,
        )
        for factor in _FACTORS
    ]


def _never_scraped(factor: int, seen: Observed, critical: Flags) -> Flags:
    del critical
    return ~seen.seen_every(factor)


def attribute_rules(observed: Observed, selectors: Sequence[CriticalSelector]) -> list[Candidate]:
    """Attributes that can go without two processes becoming one: pid and name stay.

    What a selector looks at may go from processes that it does not mean, never from every process.
    """
    needed = {key for one in selectors for key in _NEEDS.get(one.kind, ())}
    made: list[Candidate] = []
    for keys in (_CHANGING, _ALL):
        here = tuple(key for key in keys if _present(observed, key))
        if here and _still_apart(observed, here) and all(one.keys != here for one in made):
            made.append(
                Candidate(
                    RuleKind.DROP_ATTRIBUTES,
                    f"Other processes are told without {_listed(here)}.",
                    partial(_merged_of_others, here),
                    keys=here,
                )
            )
        free = tuple(key for key in here if key not in needed)
        if (
            free
            and _still_apart(observed, free)
            and all(one.keys != free or not one.everyone for one in made)
        ):
            made.append(
                Candidate(
                    RuleKind.DROP_ATTRIBUTES,
                    f"Every process is told without {_listed(free)}, critical ones too.",
                    partial(_merged, free),
                    keys=free,
                    everyone=True,
                )
            )
    return made


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(key.removeprefix("process.") for key in keys)


def _present(observed: Observed, key: str) -> bool:
    resources = observed.dictionaries.resources
    return any(key in resources[number].attributes for number in np.unique(observed.resource).tolist())


def _without(observed: Observed, keys: Sequence[str]) -> Ids:
    """Per resource id a number that it shares with those that differ in ``keys`` only."""
    known: dict[object, int] = {}
    resources = observed.dictionaries.resources
    return np.array(
        [
            known.setdefault(resources[at].attributes.without(*keys), len(known))
            for at in range(len(resources))
        ],
        dtype=np.int64,
    )


def _still_apart(observed: Observed, keys: Sequence[str]) -> bool:
    """Whether no two resources of one payload would become the same."""
    reduced = _without(observed, keys)
    return all(len(np.unique(reduced[one])) == len(one) for one in observed.payload_resources)


def _merged(keys: Sequence[str], seen: Observed, critical: Flags) -> Flags:
    """All series but one of those that differ in ``keys`` only."""
    del critical
    return _but_one(keys, seen, seen.name >= 0)


def _merged_of_others(keys: Sequence[str], seen: Observed, critical: Flags) -> Flags:
    return _but_one(keys, seen, (seen.name >= 0) & ~critical)


def _but_one(keys: Sequence[str], seen: Observed, touched: Flags) -> Flags:
    rows = np.flatnonzero(touched)
    hit = np.zeros(len(seen), dtype=np.bool_)
    if not len(rows):
        return hit
    reduced = _without(seen, keys)[seen.resource[rows]]
    header = seen.dictionaries.series.key_header[seen.key[rows]].astype(np.int64)
    alike = np.stack([reduced, header, seen.attributes[rows]])
    _, first = np.unique(alike, axis=1, return_index=True)
    hit[rows] = True
    hit[rows[first]] = False
    return hit
