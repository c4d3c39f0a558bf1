"""A monthly saving carried forward."""

from __future__ import annotations

from collections.abc import Sequence

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.interfaces.cost import CostRow, ProjectedSaving, SavingsProjection

__all__ = ["project_savings"]


def project_savings(row: CostRow, months: Sequence[int] = (1, 3, 6, 12)) -> SavingsProjection:
    """The row's net saving over some horizons.

    A horizon is months times the monthly saving, ends included: the interval bounds a constant rate, and says
    nothing about fleets, workloads or prices that change. The assumptions say so.

    Raises:
        InvalidRequestError: a horizon is shorter than a month.
    """
    if any(n < 1 for n in months):
        raise InvalidRequestError("a horizon must be at least one month", details={"months": list(months)})
    assumptions = (
        *row.assumptions,
        "load, hosts and both pipelines stay as they were measured",
        f"price as read on {row.as_of.isoformat()}",
    )
    if row.saving_per_month is None:
        return SavingsProjection(
            price_model=row.price_model,
            currency=row.currency,
            horizons=(),
            assumptions=assumptions,
            reason=row.reason,
        )
    return SavingsProjection(
        price_model=row.price_model,
        currency=row.currency,
        horizons=tuple(
            ProjectedSaving(
                months=n,
                saving=row.saving_per_month * n,
                low=None if row.low is None else row.low * n,
                high=None if row.high is None else row.high * n,
            )
            for n in months
        ),
        assumptions=assumptions,
    )
