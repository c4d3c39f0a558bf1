"""Both arms' month, the net saving and its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from phoenix_nb.evidence.cost._billed import Billed, Month, billed_usage, is_scaled
from phoenix_nb.evidence.cost._estimate import check_month, limit_warnings
from phoenix_nb.evidence.cost._price import price_of, scaled_book
from phoenix_nb.interfaces.cost import (
    CostBasis,
    CostComparison,
    CostKind,
    CostRow,
    OverheadRates,
    PriceBook,
    PriceModel,
    SavingInterval,
    Usage,
)

__all__ = ["compare_costs", "price_sensitivity", "scrape_sensitivity"]

_NONE: Mapping[str, SavingInterval] = {}


def compare_costs(
    book: PriceBook,
    baseline: Usage,
    candidate: Usage,
    *,
    every: float = 60.0,
    hosts: int = 1,
    basis: CostBasis = CostBasis.MARGINAL,
    savings: Mapping[str, SavingInterval] = _NONE,
) -> CostComparison:
    """What a month costs with either arm under every price model of ``book``.

    Net saving = (ingest baseline - ingest candidate) - (overhead candidate - overhead baseline). The interval
    of a saving is mapped end by end through the price: prices never fall when usage rises, so its coverage
    stays (statistics reference, 2.6). The baseline's usage is taken as measured.

    Args:
        book: the prices.
        baseline: usage of the baseline in the window.
        candidate: usage of the candidate in the same window.
        every: scrape interval of the month, in seconds.
        hosts: hosts like the measured one.
        basis: marginal, or a whole account.
        savings: time-uniform intervals by what they measure: ``points``, ``json_bytes``.

    Raises:
        InvalidRequestError: the scrape interval or the hosts make no sense.
    """
    month = check_month(every, hosts, book.month_hours)
    rows = tuple(
        _row(model, baseline, candidate, month=month, basis=basis, savings=savings, rates=book.overhead)
        for model in book.models
    )
    return CostComparison(rows=rows, basis=basis, every=every, hosts=hosts, month_hours=book.month_hours)


def scrape_sensitivity(
    book: PriceBook,
    baseline: Usage,
    candidate: Usage,
    *,
    every: Sequence[float] = (10.0, 30.0, 60.0),
    hosts: int = 1,
    basis: CostBasis = CostBasis.MARGINAL,
) -> tuple[CostComparison, ...]:
    """The same comparison at several scrape intervals: what slower scraping alone would save, per vendor."""
    return tuple(compare_costs(book, baseline, candidate, every=e, hosts=hosts, basis=basis) for e in every)


def price_sensitivity(
    book: PriceBook,
    baseline: Usage,
    candidate: Usage,
    *,
    factors: Sequence[float] = (0.5, 0.8, 1.25, 2.0),
    every: float = 60.0,
    hosts: int = 1,
    basis: CostBasis = CostBasis.MARGINAL,
) -> tuple[tuple[float, CostComparison], ...]:
    """The same comparison with every price multiplied: what a discount, or a rise, leaves of the saving.

    Allotments, tiers' edges and overhead stay as they are.

    Raises:
        InvalidRequestError: a factor is negative or not finite.
    """
    return tuple(
        (
            factor,
            compare_costs(
                scaled_book(book, factor), baseline, candidate, every=every, hosts=hosts, basis=basis
            ),
        )
        for factor in factors
    )


def _row(
    model: PriceModel,
    baseline: Usage,
    candidate: Usage,
    *,
    month: Month,
    basis: CostBasis,
    savings: Mapping[str, SavingInterval],
    rates: OverheadRates,
) -> CostRow:
    billed = [billed_usage(model, usage, month) for usage in (baseline, candidate)]
    (before, why_before), (after, why_after) = (
        price_of(model, one, basis=basis, hosts=month.hosts) for one in billed
    )
    gross = None if before is None or after is None else before - after
    overhead = _overhead(rates, model.currency, baseline, candidate, month)
    low, high, why_none = _ends(model, billed[0], before, month=month, basis=basis, savings=savings)
    scaled = is_scaled(baseline, month) or is_scaled(candidate, month)
    return CostRow(
        price_model=model.name,
        title=model.title,
        basis=basis,
        kind=CostKind.PROJECTED if scaled else CostKind.MEASURED,
        every=month.every,
        hosts=month.hosts,
        unit=billed[0].unit,
        baseline_usage=billed[0].quantity,
        candidate_usage=billed[1].quantity,
        baseline_per_month=before,
        candidate_per_month=after,
        gross_per_month=gross,
        overhead_per_month=overhead,
        saving_per_month=None if gross is None else gross - (overhead or 0.0),
        low=None if low is None or gross is None else low - (overhead or 0.0),
        high=None if high is None or gross is None else high - (overhead or 0.0),
        interval_reason="there is no amount to bound" if gross is None else why_none,
        currency=model.currency,
        as_of=model.as_of,
        source=model.source,
        assumptions=tuple(dict.fromkeys((*billed[0].assumptions, *billed[1].assumptions))),
        warnings=tuple(
            f"{arm}: {warning}"
            for arm, usage in (("baseline", baseline), ("candidate", candidate))
            for warning in limit_warnings(model, usage, month)
        ),
        reason=None if gross is not None else _reason(why_before, why_after),
    )


def _reason(before: str | None, after: str | None) -> str:
    if before is not None and after is not None and before != after:
        return f"baseline: {before}; candidate: {after}"
    if before is not None:
        return before
    return f"candidate: {after}"


def _ends(
    model: PriceModel,
    billed: Billed,
    before: float | None,
    *,
    month: Month,
    basis: CostBasis,
    savings: Mapping[str, SavingInterval],
) -> tuple[float | None, float | None, str | None]:
    if billed.quantity is None or before is None:
        return None, None, "there is no amount to bound"
    saving = savings.get(billed.follows)
    if saving is None:
        what = "nothing is projected for this run" if not savings else f"no interval measures {billed.unit}"
        return None, None, what
    ends = []
    for fraction in (saving.low, saving.high):
        usage = replace(billed, quantity=billed.quantity * (1.0 - fraction))
        after, _ = price_of(model, usage, basis=basis, hosts=month.hosts)
        if after is None:
            return None, None, "an end of the interval passes the last known price"
        ends.append(before - after)
    return ends[0], ends[1], None


def _overhead(
    rates: OverheadRates, currency: str, baseline: Usage, candidate: Usage, month: Month
) -> float | None:
    """Extra cost of running the candidate's collector; ``None`` unless both arms were measured and priced."""
    if rates.currency != currency:
        return None
    parts = []
    shares = [_cores(usage) for usage in (baseline, candidate)]
    if rates.cpu_core_hour is not None and shares[0] is not None and shares[1] is not None:
        parts.append((shares[1] - shares[0]) * rates.cpu_core_hour)
    if (
        rates.memory_gb_hour is not None
        and baseline.rss_bytes is not None
        and candidate.rss_bytes is not None
    ):
        parts.append((candidate.rss_bytes - baseline.rss_bytes) / 1e9 * rates.memory_gb_hour)
    return sum(parts) * month.hours * month.hosts if parts else None


def _cores(usage: Usage) -> float | None:
    """Mean cores in use; ``None`` without a real collector."""
    if usage.cpu_seconds is None or usage.window_seconds <= 0:
        return None
    return usage.cpu_seconds / usage.window_seconds
