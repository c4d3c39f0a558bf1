"""One arm's month under one price model, or under all of a book."""

from __future__ import annotations

import math

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.evidence.cost._billed import Month, billed_usage, is_scaled
from phoenix_nb.evidence.cost._price import price_of
from phoenix_nb.interfaces.cost import (
    CostBasis,
    CostEstimate,
    CostKind,
    PerGbPrice,
    PriceBook,
    PriceModel,
    Usage,
)

__all__ = ["check_month", "estimate_cost", "estimate_costs", "limit_warnings"]

_DAY = 86400.0


def check_month(every: float, hosts: int, month_hours: float) -> Month:
    """The month asked for.

    Raises:
        InvalidRequestError: the scrape interval or the hosts make no sense.
    """
    if not (every > 0 and math.isfinite(every)):
        raise InvalidRequestError(
            f"a scrape interval of {every!r} s cannot be used", hint="give a number above 0"
        )
    if hosts < 1:
        raise InvalidRequestError(f"{hosts} hosts cannot be used", hint="give at least 1")
    return Month(every=every, hosts=hosts, hours=month_hours)


def estimate_cost(
    model: PriceModel,
    usage: Usage,
    *,
    every: float = 60.0,
    hosts: int = 1,
    basis: CostBasis = CostBasis.MARGINAL,
    month_hours: float = 730.0,
) -> CostEstimate:
    """What a month of this usage costs under ``model``.

    Args:
        model: the price model.
        usage: one arm's usage of a window.
        every: scrape interval of the month, in seconds.
        hosts: hosts like the measured one.
        basis: marginal, or a whole account.
        month_hours: hours of a month.

    Raises:
        InvalidRequestError: the scrape interval or the hosts make no sense.
    """
    month = check_month(every, hosts, month_hours)
    billed = billed_usage(model, usage, month)
    amount, reason = price_of(model, billed, basis=basis, hosts=hosts)
    return CostEstimate(
        price_model=model.name,
        title=model.title,
        basis=basis,
        kind=CostKind.PROJECTED if is_scaled(usage, month) else CostKind.MEASURED,
        every=every,
        hosts=hosts,
        unit=billed.unit,
        usage_per_month=billed.quantity,
        per_month=amount,
        currency=model.currency,
        as_of=model.as_of,
        source=model.source,
        assumptions=billed.assumptions,
        warnings=limit_warnings(model, usage, month),
        reason=reason,
    )


def estimate_costs(
    book: PriceBook,
    usage: Usage,
    *,
    every: float = 60.0,
    hosts: int = 1,
    basis: CostBasis = CostBasis.MARGINAL,
) -> tuple[CostEstimate, ...]:
    """The same under every price model of a book, in its order."""
    return tuple(
        estimate_cost(model, usage, every=every, hosts=hosts, basis=basis, month_hours=book.month_hours)
        for model in book.models
    )


def limit_warnings(model: PriceModel, usage: Usage, month: Month) -> tuple[str, ...]:
    """Limits of the vendor that this usage passes already in its window; series only grow over a day."""
    if not isinstance(model, PerGbPrice) or usage.window_seconds > _DAY:
        return ()
    found = []
    if model.max_series_per_metric_day is not None:
        # A host's series carry its name, so hosts add up.
        found = [
            f"{metric.name} has {metric.series * month.hosts:,} series, over the limit of"
            f" {model.max_series_per_metric_day:,} per metric and day"
            for metric in usage.metrics
            if metric.series * month.hosts / usage.hosts > model.max_series_per_metric_day
        ]
    total = usage.series * month.hosts / usage.hosts
    if model.max_series_per_account_day is not None and total > model.max_series_per_account_day:
        found.append(
            f"{total:,.0f} series pass the limit of {model.max_series_per_account_day:,} per account and day"
        )
    return tuple(found)
