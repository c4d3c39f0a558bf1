"""Cost: usage first, price second. Pure functions over ``interfaces.cost`` values.

>>> from phoenix_nb.interfaces.cost import PriceTier
>>> tiers = (PriceTier(up_to=2e9, price=0.9), PriceTier(up_to=None, price=0.35))
>>> round(stepped_price(2.592e9, tiers, 1e7), 2)
200.72
"""

from phoenix_nb.evidence.cost._billed import Billed, billed_usage
from phoenix_nb.evidence.cost._compare import compare_costs, price_sensitivity, scrape_sensitivity
from phoenix_nb.evidence.cost._estimate import estimate_cost, estimate_costs
from phoenix_nb.evidence.cost._price import price_of, stepped_price
from phoenix_nb.evidence.cost._project import project_savings

__all__ = [
    "Billed",
    "billed_usage",
    "compare_costs",
    "estimate_cost",
    "estimate_costs",
    "price_of",
    "price_sensitivity",
    "project_savings",
    "scrape_sensitivity",
    "stepped_price",
]
