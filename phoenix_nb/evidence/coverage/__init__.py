"""Coverage: which critical processes the arms still show."""

from phoenix_nb.evidence.coverage._selectors import CriticalSelector, parse_selector, parse_selectors
from phoenix_nb.evidence.coverage._sums import SumMismatch
from phoenix_nb.evidence.coverage._tracker import ArmCoverage, CoverageCounts, CoverageTracker
from phoenix_nb.evidence.coverage._units import Unit, UnitCoverage

__all__ = [
    "ArmCoverage",
    "CoverageCounts",
    "CoverageTracker",
    "CriticalSelector",
    "SumMismatch",
    "Unit",
    "UnitCoverage",
    "parse_selector",
    "parse_selectors",
]
