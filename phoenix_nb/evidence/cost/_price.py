"""From a monthly quantity to money. Every function here never falls when the quantity rises."""

from __future__ import annotations

import math
from collections.abc import Sequence

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.evidence.cost._billed import Billed
from phoenix_nb.interfaces.cost import (
    CostBasis,
    MaxSeriesDpmPrice,
    MetricNamePrice,
    PerGbPrice,
    PerSeriesHourMeanPrice,
    PriceBook,
    PriceModel,
    PriceTier,
    SelfHostedDiskPrice,
    TieredSamplesPrice,
)

__all__ = ["price_of", "scaled_book", "stepped_price"]


def stepped_price(quantity: float, tiers: Sequence[PriceTier], per: float) -> float | None:
    """Price of ``quantity`` units where each step has its own price for ``per`` units.

    ``None`` when the quantity passes the last step whose price is known.

    Raises:
        InvalidRequestError: the quantity is negative or not finite.
    """
    if not (quantity >= 0 and math.isfinite(quantity)):
        raise InvalidRequestError(
            f"a quantity of {quantity!r} cannot be priced", hint="give a number of at least 0"
        )
    total, start = 0.0, 0.0
    for tier in tiers:
        end = math.inf if tier.up_to is None else tier.up_to
        total += (min(quantity, end) - start) / per * tier.price
        if quantity <= end:
            return total
        start = end
    return None


def price_of(
    model: PriceModel, billed: Billed, *, basis: CostBasis, hosts: int
) -> tuple[float | None, str | None]:
    """Cost of one month, and the reason when there is none.

    Args:
        model: the price model.
        billed: what it bills, for all hosts together.
        basis: marginal ignores base fees, free tiers, allotments and rounding.
        hosts: hosts that bring an allotment.
    """
    if billed.quantity is None:
        return None, billed.reason
    quantity, account = billed.quantity, basis is CostBasis.ACCOUNT
    if isinstance(model, PerGbPrice):
        whole = math.floor(quantity) if model.round_down else quantity
        return (max(0.0, whole - model.free_gb) if account else quantity) * model.price_per_gb, None
    if isinstance(model, PerSeriesHourMeanPrice):
        included = model.included_per_host * hosts if account else 0
        return max(0.0, quantity - included) / model.per * model.price, None
    if isinstance(model, MaxSeriesDpmPrice):
        base, included = (model.base_per_month, model.included_series) if account else (0.0, 0)
        return base + max(0.0, quantity - included) / model.per * model.price, None
    if isinstance(model, SelfHostedDiskPrice):
        if model.price_per_gb_month is None:
            return None, "no price for disk is known; set price_per_gb_month in your price file"
        return max(0.0, quantity - (model.free_gb if account else 0.0)) * model.price_per_gb_month, None
    if isinstance(model, MetricNamePrice):
        return _metric_names(model, billed, quantity)
    free = model.free_samples if isinstance(model, TieredSamplesPrice) else model.free_metrics
    amount = stepped_price(max(0.0, quantity - free) if account else quantity, model.tiers, model.per)
    if amount is None:
        return None, f"no price is known past {model.tiers[-1].up_to:,.0f} {billed.unit} a month; add a tier"
    return amount, None


_PRICES = (
    "price_per_gb",
    "price",
    "base_per_month",
    "price_per_gb_month",
    "price_per_name",
    "price_per_million_indexed",
    "price_per_million_ingested",
)
"""Fields of price models that hold an amount."""


def scaled_book(book: PriceBook, factor: float) -> PriceBook:
    """The book with every price multiplied by ``factor``.

    Raises:
        InvalidRequestError: the factor is negative or not finite.
    """
    if not (factor >= 0 and math.isfinite(factor)):
        raise InvalidRequestError(
            f"prices cannot be multiplied by {factor!r}", hint="give a number of at least 0"
        )
    return book.model_copy(update={"models": tuple(_scaled(model, factor) for model in book.models)})


def _scaled(model: PriceModel, factor: float) -> PriceModel:
    changes: dict[str, object] = {}
    for name in _PRICES:
        amount = getattr(model, name, None)
        if isinstance(amount, int | float):
            changes[name] = amount * factor
    tiers = getattr(model, "tiers", None)
    if tiers is not None:
        changes["tiers"] = tuple(PriceTier(up_to=one.up_to, price=one.price * factor) for one in tiers)
    return model.model_copy(update=changes)


def _metric_names(model: MetricNamePrice, billed: Billed, names: float) -> tuple[float | None, str | None]:
    rates = {
        "price_per_name": (model.price_per_name, names),
        "price_per_million_indexed": (
            model.price_per_million_indexed,
            billed.overage.indexed / 1e6 if billed.overage else 0.0,
        ),
        "price_per_million_ingested": (
            model.price_per_million_ingested,
            billed.overage.ingested / 1e6 if billed.overage else 0.0,
        ),
    }
    missing = [name for name, (rate, quantity) in rates.items() if rate is None and quantity > 0]
    if missing:
        return None, f"contract rates are not public; set {', '.join(missing)} in your price file"
    return sum(rate * quantity for rate, quantity in rates.values() if rate is not None), None
