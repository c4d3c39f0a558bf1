"""A rule that the search may choose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.analysis.optimize._observed import Observed
from phoenix_nb.interfaces.optimization import RuleKind

__all__ = ["Candidate"]

Flags = npt.NDArray[np.bool_]

_TOUCHES_CRITICAL: Final = 0.2
_TELLS_LESS: Final = 0.001
"""Loss for each attribute that is no longer told."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rule that may be chosen."""

    kind: RuleKind
    """What it does."""
    text: str
    """One sentence."""
    mask: Callable[[Observed, Flags], Flags] = field(compare=False, repr=False)
    """Which series it removes wholly, given which are critical."""
    metric: str = ""
    """The metric it is about."""
    attribute: tuple[str, str] = ("", "")
    """The point attribute and its value."""
    patterns: tuple[str, ...] = ()
    """Regular expressions of whole names."""
    seconds: float = 0.0
    """Seconds of life."""
    keys: tuple[str, ...] = ()
    """Resource attributes."""
    factor: int = 1
    """How many times longer the collection interval becomes."""
    everyone: bool = False
    """Whether it touches critical processes too; only where they stay visible."""

    @property
    def lossless(self) -> bool:
        """Whether what the removed series showed is still part of others."""
        return self.kind in {RuleKind.ADD_UP, RuleKind.DROP_ATTRIBUTES}

    @property
    def alters(self) -> bool:
        """Whether what is left of the touched series is a sum that the source does not have."""
        return self.kind is RuleKind.ADD_UP

    def excludes(self, other: Candidate) -> bool:
        """Whether both together would not remove what each removes alone."""
        kinds = {self.kind, other.kind}
        if self.kind is other.kind:
            return self.kind in {RuleKind.DROP_ATTRIBUTES, RuleKind.SCRAPE_LESS}
        # Points that are added up or dropped; ages and scrapes of series that become one.
        points = {RuleKind.ADD_UP, RuleKind.DROP_POINTS}
        ages = {RuleKind.DELAY, RuleKind.SCRAPE_LESS}
        return (kinds == points and self.metric == other.metric) or (
            RuleKind.DROP_ATTRIBUTES in kinds and bool(kinds & ages)
        )

    @property
    def penalty(self) -> float:
        """A loss beside what is measured: critical processes are touched only when the others are not enough."""
        if self.kind is RuleKind.DROP_ATTRIBUTES:
            return _TELLS_LESS * len(self.keys) * (2 if self.everyone else 1)
        # A longer interval also loses what happens between two scrapes.
        return _TOUCHES_CRITICAL * (2.0 - 1.0 / self.factor) if self.everyone else 0.0
