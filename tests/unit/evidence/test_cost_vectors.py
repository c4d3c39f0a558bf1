"""The arithmetic of the cost reference and of section 3.7 of the statistics reference."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_nb.errors import InvalidRequestError, NotFoundError
from phoenix_nb.evidence.cost import (
    compare_costs,
    estimate_cost,
    estimate_costs,
    project_savings,
    scrape_sensitivity,
    stepped_price,
)
from phoenix_nb.interfaces.cost import (
    CostBasis,
    CostKind,
    MetricNamePrice,
    MetricUsage,
    OverheadRates,
    PriceBook,
    PriceTier,
    SavingInterval,
    SelfHostedDiskPrice,
    SeriesActivity,
    TieredSamplesPrice,
    Usage,
)
from phoenix_nb.runtime._prices import default_prices

SERIES = 1400  # 200 processes x 7 points of the process scraper


def host(
    period: float = 10.0, *, series: int = SERIES, hours: float = 2.0, bytes_per_point: int = 1000
) -> Usage:
    """One host without churn, scraped every ``period`` seconds."""
    intervals = round(hours * 3600 / period)
    points = series * intervals

    def activity(window: float, *, sliding: bool = False) -> SeriesActivity:
        samples = int(hours * 3600 // window)
        known = samples > 0
        return SeriesActivity(
            window_seconds=window,
            sliding=sliding,
            samples=samples,
            mean=float(series) if known else None,
            p95=float(series) if known else None,
            maximum=series if known else None,
        )

    return Usage(
        window_seconds=hours * 3600,
        period_seconds=period,
        interval_seconds=period,
        intervals=intervals,
        points=points,
        otlp_bytes=160 * points,
        json_bytes=bytes_per_point * points,
        series=series,
        activity=(activity(1200, sliding=True), activity(3600), activity(7200), activity(86400)),
        p95_points_per_minute=series * 60 / period,
    )


@pytest.fixture
def book() -> PriceBook:
    return default_prices()


@pytest.mark.parametrize(
    ("every", "millions", "new_relic", "datadog", "grafana", "amazon"),
    [
        (10, 367.9, 147.17, 70, 54.60, 33.11),
        (30, 122.6, 49.06, 70, 18.20, 11.04),
        (60, 61.3, 24.53, 70, 9.10, 5.52),
    ],
)
def test_same_change_different_bill(
    book: PriceBook,
    every: float,
    millions: float,
    new_relic: float,
    datadog: float,
    grafana: float,
    amazon: float,
) -> None:
    rows = {row.price_model: row for row in estimate_costs(book, host(), every=every)}
    assert rows["amazon_prometheus"].usage_per_month == pytest.approx(millions * 1e6, abs=0.05e6)
    assert rows["new_relic"].per_month == pytest.approx(new_relic, abs=0.005)
    assert rows["datadog"].per_month == pytest.approx(datadog)
    assert rows["grafana_cloud"].per_month == pytest.approx(grafana, abs=0.005)
    assert rows["amazon_prometheus"].per_month == pytest.approx(amazon, abs=0.005)


@pytest.mark.parametrize(
    ("samples", "dollars"), [(0.432e9, 38.88), (2.592e9, 200.72), (10.368e9, 472.88), (525.6e9, 13_307.60)]
)
def test_amazon_ingest(book: PriceBook, samples: float, dollars: float) -> None:
    model = book.get("amazon_prometheus")
    assert isinstance(model, TieredSamplesPrice)
    amount = stepped_price(samples, model.tiers, model.per)
    assert amount == pytest.approx(dollars, abs=0.005)


def _month_of(points: float, *, seconds: float) -> Usage:
    return host(60).model_copy(
        update={
            "window_seconds": seconds,
            "interval_seconds": seconds,
            "period_seconds": seconds,
            "intervals": 1,
            "points": int(points),
        }
    )


@pytest.mark.parametrize(
    ("days", "per_second", "size", "gigabytes"),
    [(4.0, 8521.8125, 0.9142179, 2.69), (30.0, 100_000.0, 2.0, 518.4)],
)
def test_prometheus_disk(
    book: PriceBook, days: float, per_second: float, size: float, gigabytes: float
) -> None:
    model = book.get("prometheus")
    assert isinstance(model, SelfHostedDiskPrice)
    model = model.model_copy(update={"retention_days": days, "bytes_per_sample": size})
    seconds = 16000.0
    estimate = estimate_cost(model, _month_of(per_second * seconds, seconds=seconds), every=seconds)
    assert estimate.usage_per_month == pytest.approx(gigabytes, rel=2e-3)
    assert estimate.per_month is None
    assert estimate.reason is not None
    assert "price_per_gb_month" in estimate.reason


def test_amazon_storage_of_the_worked_example(book: PriceBook) -> None:
    model = book.get("amazon_prometheus_storage").model_copy(update={"retention_days": 730 / 24})
    estimate = estimate_cost(model, _month_of(525.6e9, seconds=730 * 3600.0), every=730 * 3600.0)
    assert estimate.usage_per_month == pytest.approx(525.6)
    assert estimate.per_month == pytest.approx(15.77, abs=0.005)


def test_datadog_names_count_distribution_points_several_times(book: PriceBook) -> None:
    model = book.get("datadog_metric_names")
    assert isinstance(model, MetricNamePrice)
    priced = model.model_copy(
        update={"price_per_name": 1.0, "price_per_million_indexed": 1e6, "price_per_million_ingested": 0.0}
    )
    metric = MetricUsage(name="latency", distribution=True, points=100, series=4, json_bytes=0)
    usage = _month_of(100, seconds=730 * 3600.0).model_copy(update={"metrics": (metric,)})
    for factor, billed in ((5.0, 500), (10.0, 1000)):
        one = priced.model_copy(update={"distribution_factor": factor, "included_points_per_name": 0.0})
        estimate = estimate_cost(one, usage, every=730 * 3600.0)
        assert estimate.usage_per_month == 1
        # One name, and every billed point past the included ones at a price of 1 each.
        assert estimate.per_month == pytest.approx(1.0 + billed)
    assert estimate_cost(model, usage, every=730 * 3600.0).per_month is None


@pytest.mark.parametrize(
    ("distribution", "combinations", "billed"),
    [(False, 4, 4), (True, 4, 20), (True, 3, 15), (True, 4 + 8, 20 + 40)],
    ids=["gauge", "histogram", "without host", "percentiles of 8 combinations"],
)
def test_datadog_series_count_histograms_several_times(
    book: PriceBook, distribution: bool, combinations: int, billed: int
) -> None:
    metric = MetricUsage(
        name="latency", distribution=distribution, points=100, series=combinations, json_bytes=0
    )
    usage = host(series=combinations).model_copy(update={"metrics": (metric,)})
    estimate = estimate_cost(book.get("datadog"), usage, every=10)
    assert estimate.usage_per_month == pytest.approx(billed)
    assert any("count 5 times" in text for text in estimate.assumptions) == distribution


def test_histograms_count_by_their_share(book: PriceBook) -> None:
    metrics = (
        MetricUsage(name="latency", distribution=True, points=1, series=350, json_bytes=0),
        MetricUsage(name="process.cpu.time", points=1, series=1050, json_bytes=0),
    )
    usage = host().model_copy(update={"metrics": metrics})
    assert estimate_cost(book.get("datadog"), usage, every=10).usage_per_month == pytest.approx(
        1050 + 5 * 350
    )


def test_a_month_in_full_is_measured(book: PriceBook) -> None:
    usage = host(60, hours=730)
    assert estimate_cost(book.get("azure_prometheus"), usage, every=60).kind is CostKind.MEASURED
    assert estimate_cost(book.get("azure_prometheus"), usage, every=30).kind is CostKind.PROJECTED
    assert estimate_cost(book.get("azure_prometheus"), usage, every=60, hosts=2).kind is CostKind.PROJECTED


def test_account_basis_uses_free_tiers_and_allotments(book: PriceBook) -> None:
    usage = host()
    rows = {row.price_model: row for row in estimate_costs(book, usage, every=10, basis=CostBasis.ACCOUNT)}
    assert rows["new_relic"].per_month == pytest.approx((367 - 100) * 0.4)
    assert rows["datadog"].per_month == pytest.approx((1400 - 100) / 100 * 5)
    assert rows["datadog_enterprise"].per_month == pytest.approx((1400 - 200) / 100 * 5)
    assert rows["grafana_cloud"].per_month == pytest.approx(19.0)
    assert rows["amazon_prometheus"].per_month == pytest.approx((367.92e6 - 40e6) / 1e7 * 0.9)


def test_short_windows_have_a_reason_instead_of_a_number(book: PriceBook) -> None:
    comparison = compare_costs(book, host(10, hours=0.2), host(10, hours=0.2, series=700))
    datadog = comparison.row("datadog")
    assert datadog is not None
    assert datadog.saving_per_month is None
    assert datadog.reason == (
        "the window of 12 min is shorter than the 1 h over which this price model counts series"
    )
    amazon = comparison.row("amazon_prometheus")
    assert amazon is not None
    assert amazon.saving_per_month == pytest.approx(5.5188 / 2)


def test_an_empty_window_has_no_cost(book: PriceBook) -> None:
    empty = host().model_copy(update={"intervals": 0, "window_seconds": 0.0, "points": 0})
    assert all(row.per_month is None and row.reason for row in estimate_costs(book, empty))


def test_past_the_last_known_price(book: PriceBook) -> None:
    estimate = estimate_cost(book.get("google_prometheus"), host(), every=1, hosts=1000)
    assert estimate.per_month is None
    assert estimate.reason is not None
    assert "past 50,000,000,000" in estimate.reason


def test_the_ends_of_the_interval_are_priced(book: PriceBook) -> None:
    interval = SavingInterval(estimate=0.5, low=0.4, high=0.6)
    comparison = compare_costs(
        book, host(), host(series=700), every=10, savings={"points": interval, "json_bytes": interval}
    )
    for name in ("amazon_prometheus", "new_relic", "azure_prometheus"):
        row = comparison.row(name)
        assert row is not None
        assert row.baseline_per_month is not None
        assert row.low == pytest.approx(0.4 * row.baseline_per_month)
        assert row.high == pytest.approx(0.6 * row.baseline_per_month)
        assert row.saving_per_month == pytest.approx(0.5 * row.baseline_per_month)
    datadog = comparison.row("datadog")
    assert datadog is not None
    assert (datadog.low, datadog.high) == (None, None)
    assert datadog.interval_reason == "no interval measures series"


def test_overhead_lowers_the_saving(book: PriceBook) -> None:
    rated = book.model_copy(update={"overhead": OverheadRates(cpu_core_hour=0.04, memory_gb_hour=0.005)})
    light = {"cpu_seconds": 720.0, "rss_bytes": 1e9}
    heavy = {"cpu_seconds": 1440.0, "rss_bytes": 2e9}
    row = compare_costs(
        rated, host().model_copy(update=light), host(series=700).model_copy(update=heavy), hosts=3
    ).row("amazon_prometheus")
    assert row is not None
    assert row.overhead_per_month == pytest.approx((0.1 * 0.04 + 1.0 * 0.005) * 730 * 3)
    assert row.gross_per_month is not None
    assert row.overhead_per_month is not None
    assert row.saving_per_month == pytest.approx(row.gross_per_month - row.overhead_per_month)
    unpriced = compare_costs(book, host(), host(series=700)).row("amazon_prometheus")
    assert unpriced is not None
    assert unpriced.overhead_per_month is None


def test_slower_scraping_saves_where_points_are_billed(book: PriceBook) -> None:
    fast, slow = scrape_sensitivity(book, host(), host(), every=(10, 60))

    def amount(comparison: object, name: str) -> float:
        row = comparison.row(name)  # type: ignore[attr-defined]
        assert row.baseline_per_month is not None
        return float(row.baseline_per_month)

    for name in ("new_relic", "amazon_prometheus", "grafana_cloud"):
        assert 1 - amount(slow, name) / amount(fast, name) == pytest.approx(5 / 6, abs=1e-9)
    assert amount(slow, "datadog") == amount(fast, "datadog")


def test_calibration_scales_billed_bytes(book: PriceBook) -> None:
    model = book.get("new_relic")
    plain = estimate_cost(model, host()).per_month
    assert plain is not None
    factored = estimate_cost(model.model_copy(update={"bytes_factor": 1.2}), host())
    fixed = estimate_cost(model.model_copy(update={"bytes_per_point": 500.0}), host())
    assert factored.per_month == pytest.approx(1.2 * plain)
    assert fixed.per_month == pytest.approx(0.5 * plain)


def test_vendor_limits_are_warned_about(book: PriceBook) -> None:
    metric = MetricUsage(name="process.cpu.time", points=1, series=300, json_bytes=1)
    usage = host().model_copy(update={"metrics": (metric,)})
    assert estimate_cost(book.get("new_relic"), usage).warnings == ()
    warnings = estimate_cost(book.get("new_relic"), usage, hosts=20_000).warnings
    assert len(warnings) == 2
    assert "process.cpu.time has 6,000,000 series" in warnings[0]


def test_projection_of_months(book: PriceBook) -> None:
    interval = SavingInterval(estimate=0.5, low=0.4, high=0.6)
    comparison = compare_costs(book, host(), host(series=700), every=10, savings={"points": interval})
    row = comparison.row("amazon_prometheus")
    assert row is not None
    projection = project_savings(row)
    assert [h.months for h in projection.horizons] == [1, 3, 6, 12]
    assert projection.horizons[3].saving == pytest.approx(12 * 33.1128 / 2)
    assert projection.horizons[3].low == pytest.approx(12 * 33.1128 * 0.4)
    disk = comparison.row("prometheus")
    assert disk is not None
    assert project_savings(disk).horizons == ()
    assert project_savings(disk).reason == disk.reason
    with pytest.raises(InvalidRequestError):
        project_savings(row, months=(0,))


@pytest.mark.parametrize("every", [0.0, -1.0, float("nan"), float("inf")])
def test_senseless_scrape_intervals_are_refused(book: PriceBook, every: float) -> None:
    with pytest.raises(InvalidRequestError):
        estimate_costs(book, host(), every=every)


def test_unknown_price_models_are_named(book: PriceBook) -> None:
    with pytest.raises(NotFoundError, match="no price model is called 'acme'"):
        book.get("acme")


@given(
    low=st.floats(0, 1e13),
    more=st.floats(0, 1e13),
    basis=st.sampled_from(list(CostBasis)),
    name=st.sampled_from(default_prices().names),
)
def test_money_never_falls_when_usage_rises(low: float, more: float, basis: CostBasis, name: str) -> None:
    from phoenix_nb.evidence.cost import Billed, price_of
    from phoenix_nb.interfaces.cost import BilledUnit

    model = default_prices().get(name)
    amounts = [
        price_of(model, Billed(BilledUnit.SAMPLES, quantity), basis=basis, hosts=3)[0]
        for quantity in (low, low + more)
    ]
    if amounts[1] is not None:
        assert amounts[0] is not None
        assert amounts[0] <= amounts[1] * (1 + 1e-12)


@given(a=st.integers(1, 5000), b=st.integers(1, 5000), every=st.sampled_from([10.0, 30.0, 60.0]))
def test_swapping_the_arms_negates_every_saving(a: int, b: int, every: float) -> None:
    book = default_prices()
    there = compare_costs(book, host(series=a), host(series=b), every=every)
    back = compare_costs(book, host(series=b), host(series=a), every=every)
    for one, other in zip(there.rows, back.rows, strict=True):
        if one.saving_per_month is not None:
            assert other.saving_per_month == pytest.approx(-one.saving_per_month)


def test_tiers_must_rise() -> None:
    with pytest.raises(ValueError, match="tiers must rise"):
        TieredSamplesPrice.model_validate(
            {
                "name": "x",
                "title": "x",
                "as_of": "2026-01-01",
                "source": "x",
                "grade": "user",
                "per": 1,
                "tiers": [{"up_to": None, "price": 1}, {"up_to": 2, "price": 1}],
            }
        )
    assert stepped_price(3, (PriceTier(up_to=2, price=1),), 1) is None
    with pytest.raises(InvalidRequestError):
        stepped_price(-1, (PriceTier(up_to=2, price=1),), 1)
