"""Pricing usage from the price book."""

from __future__ import annotations

from collections.abc import Sequence

from phoenix_nb.evidence.cost import compare_costs, estimate_costs, project_savings
from phoenix_nb.interfaces import (
    Context,
    CostComparison,
    CostEstimate,
    PriceBook,
    SavingsProjection,
    Usage,
)

__all__ = ["PriceBookCostAnalyzer"]


class PriceBookCostAnalyzer:
    """Prices usage for one host at one scrape per minute, at the margin of a bill (``CostAnalyzer``).

    Args:
        book: the prices.
    """

    def __init__(self, book: PriceBook) -> None:
        self._book = book

    async def estimate_cost(self, ctx: Context, usage: Usage) -> Sequence[CostEstimate]:
        ctx.check()
        return estimate_costs(self._book, usage)

    async def compare_costs(self, ctx: Context, baseline: Usage, candidate: Usage) -> CostComparison:
        ctx.check()
        return compare_costs(self._book, baseline, candidate)

    async def project_savings(self, ctx: Context, comparison: CostComparison) -> Sequence[SavingsProjection]:
        ctx.check()
        return tuple(project_savings(row) for row in comparison.rows)
