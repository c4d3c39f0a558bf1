"""What a month of metrics costs: usage, price book, estimates.

Usage is measured first, a price is applied second. Every amount says which unit was billed, what was scaled
and when the price was read. A number that cannot be computed is ``None`` and says why.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from phoenix_nb.errors import NotFoundError
from phoenix_nb.interfaces._value import Value

__all__ = [
    "BilledUnit",
    "CostBasis",
    "CostComparison",
    "CostEstimate",
    "CostKind",
    "CostRow",
    "MaxSeriesDpmPrice",
    "MetricNamePrice",
    "MetricUsage",
    "OverheadRates",
    "PerGbPrice",
    "PerSeriesHourMeanPrice",
    "PriceBook",
    "PriceModel",
    "PriceTier",
    "ProjectedSaving",
    "SavingInterval",
    "SavingsProjection",
    "SelfHostedDiskPrice",
    "SeriesActivity",
    "TieredMetricsPrice",
    "TieredSamplesPrice",
    "Usage",
]

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class CostBasis(StrEnum):
    """Whose bill is meant."""

    MARGINAL = "marginal"
    """What the change adds to or takes from a bill that already used its free tier and allotments."""
    ACCOUNT = "account"
    """The bill of an account that sends nothing else: base fee, free tier and allotments count."""


class CostKind(StrEnum):
    """How the monthly usage came about."""

    MEASURED = "measured"
    """The window covers a whole billing month at this scrape interval and host count; nothing was scaled."""
    PROJECTED = "projected"
    """Usage of a shorter window, or of another scrape interval or host count, was scaled to a month."""


class BilledUnit(StrEnum):
    """What a price model counts, per month."""

    GIGABYTES = "GB"
    """1e9 bytes, sent or stored."""
    SAMPLES = "samples"
    """Data points ingested."""
    SERIES = "series"
    """Distinct (resource, metric name, point attributes), over the activity window of the price model."""
    METRIC_NAMES = "metric names"
    """Metric names with enough points to be billed."""


class PriceTier(Value):
    """One step of a stepped price."""

    up_to: Annotated[float, Field(gt=0)] | None
    """Last unit of a month that this price covers, counted from zero; ``None``: no end."""
    price: Amount
    """Price for ``per`` units inside this tier."""


class _Price(Value):
    """What every price model says about itself."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    """Short name that commands and results use."""
    title: str
    """Name for people."""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    """ISO 4217 code of every amount in this model."""
    as_of: date
    """Day on which the price was read."""
    source: Annotated[str, Field(min_length=1)]
    """Where the price and the rule come from."""
    grade: Literal["vendor document", "third party", "vendor rule, third-party price", "source code", "user"]
    """How good the source is."""
    note: str = ""
    """What a reader must know about the rule; empty when nothing."""


class PerGbPrice(_Price):
    """Bytes stored after transformation, counted like JSON events (New Relic)."""

    kind: Literal["per_gb"] = "per_gb"
    """Discriminator."""
    price_per_gb: Amount
    """Price of 1e9 bytes."""
    free_gb: Amount = 0.0
    """GB a month that an account gets for nothing."""
    round_down: bool = True
    """Whether an account's month is rounded down to whole GB."""
    bytes_factor: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    """Billed bytes divided by our JSON proxy; calibrate with the vendor's own byte counter."""
    bytes_per_point: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Billed bytes per data point instead of the JSON proxy; ``None``: the proxy times ``bytes_factor``."""
    max_series_per_metric_day: Annotated[int, Field(gt=0)] | None = None
    """Distinct series of one metric in a day past which the vendor stops aggregating: a limit, no price."""
    max_series_per_account_day: Annotated[int, Field(gt=0)] | None = None
    """The same limit for the whole account."""


class PerSeriesHourMeanPrice(_Price):
    """Distinct series per hour, averaged over the month (Datadog, cardinality model)."""

    kind: Literal["per_series_hour_mean"] = "per_series_hour_mean"
    """Discriminator."""
    price: Amount
    """Price of ``per`` series for one month."""
    per: Annotated[int, Field(gt=0)] = 100
    """Series that ``price`` buys."""
    included_per_host: Annotated[int, Field(ge=0)] = 0
    """Series that each billed host brings for nothing; counts on the account basis only."""
    distribution_factor: Annotated[float, Field(ge=1)] = 1.0
    """Series that one series of histograms or summaries counts for."""


class MaxSeriesDpmPrice(_Price):
    """The larger of p95 active series and p95 points per minute over the included rate (Grafana Cloud)."""

    kind: Literal["max_series_dpm"] = "max_series_dpm"
    """Discriminator."""
    base_per_month: Amount = 0.0
    """Fee of the account; counts on the account basis only."""
    price: Amount
    """Price of ``per`` series for one month."""
    per: Annotated[int, Field(gt=0)] = 1000
    """Series that ``price`` buys."""
    included_series: Annotated[int, Field(ge=0)] = 0
    """Series that the base fee includes; counts on the account basis only."""
    included_dpm: Annotated[float, Field(gt=0)] = 1.0
    """Data points per minute that each series may send at its price."""
    active_seconds: Annotated[float, Field(gt=0)] = 1200.0
    """A series is active when it had a point in this many last seconds."""


class TieredSamplesPrice(_Price):
    """Samples ingested, in steps (Amazon, Google, Azure managed Prometheus)."""

    kind: Literal["tiered_samples"] = "tiered_samples"
    """Discriminator."""
    per: Annotated[float, Field(gt=0)]
    """Samples that a tier's price buys."""
    tiers: Annotated[tuple[PriceTier, ...], Field(min_length=1)]
    """Steps in rising order; a last step with an end means that the price past it is not known."""
    free_samples: Amount = 0.0
    """Samples a month that an account gets for nothing."""

    @model_validator(mode="after")
    def _rising(self) -> Self:
        _check_tiers(self.tiers)
        return self


class TieredMetricsPrice(_Price):
    """Distinct metric and dimension combinations per hour, averaged over the month, in steps (CloudWatch)."""

    kind: Literal["tiered_metrics"] = "tiered_metrics"
    """Discriminator."""
    per: Annotated[float, Field(gt=0)] = 1.0
    """Metrics that a tier's price buys."""
    tiers: Annotated[tuple[PriceTier, ...], Field(min_length=1)]
    """Steps in rising order; a last step with an end means that the price past it is not known."""
    free_metrics: Amount = 0.0
    """Metrics a month that an account gets for nothing."""

    @model_validator(mode="after")
    def _rising(self) -> Self:
        _check_tiers(self.tiers)
        return self


class SelfHostedDiskPrice(_Price):
    """Disk that the samples need: retention x samples per second x bytes per sample."""

    kind: Literal["self_hosted_disk"] = "self_hosted_disk"
    """Discriminator."""
    retention_days: Annotated[float, Field(gt=0)]
    """Days that samples are kept."""
    bytes_per_sample: Annotated[float, Field(gt=0)]
    """Bytes on disk per sample, with index."""
    price_per_gb_month: Amount | None = None
    """Price of 1e9 bytes of disk for one month; ``None``: not known, the disk is shown without a price."""
    free_gb: Amount = 0.0
    """GB that an account gets for nothing."""


class MetricNamePrice(_Price):
    """Billed metric names and points above what each name includes (Datadog, metric-name model)."""

    kind: Literal["metric_name"] = "metric_name"
    """Discriminator."""
    min_points: Annotated[float, Field(ge=0)] = 100.0
    """A name is billed when it has more indexed points a month than this."""
    included_points_per_name: Annotated[float, Field(ge=0)] = 10_000_000.0
    """Indexed points a month that each name includes."""
    included_ingest_ratio: Annotated[float, Field(gt=0)] = 5.0
    """Ingested points that each indexed point includes."""
    distribution_factor: Annotated[float, Field(ge=1)] = 5.0
    """Indexed points that one distribution point counts for (10 with percentiles)."""
    price_per_name: Amount | None = None
    """Contract price of one name for one month; ``None``: not public, give your own."""
    price_per_million_indexed: Amount | None = None
    """Contract price of a million indexed points above the included ones; ``None``: give your own."""
    price_per_million_ingested: Amount | None = None
    """Contract price of a million ingested points above the included ones; ``None``: give your own."""


def _check_tiers(tiers: tuple[PriceTier, ...]) -> None:
    ends = [tier.up_to for tier in tiers]
    bounded = [end for end in ends if end is not None]
    if None in ends[:-1] or bounded != sorted(set(bounded)):
        message = "tiers must rise, and only the last one may have no end (up_to: null)"
        raise ValueError(message)


PriceModel = Annotated[
    PerGbPrice
    | PerSeriesHourMeanPrice
    | MaxSeriesDpmPrice
    | TieredSamplesPrice
    | TieredMetricsPrice
    | SelfHostedDiskPrice
    | MetricNamePrice,
    Field(discriminator="kind"),
]
"""Any price model; ``kind`` tells which."""


class OverheadRates(Value):
    """What running the collector itself costs."""

    cpu_core_hour: Amount | None = None
    """Price of one core for one hour; ``None``: the overhead of CPU is not priced."""
    memory_gb_hour: Amount | None = None
    """Price of 1e9 bytes of memory for one hour; ``None``: the overhead of memory is not priced."""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    """ISO 4217 code of both rates."""


class PriceBook(Value):
    """Dated prices of several vendors, with their sources."""

    as_of: date
    """Day of the newest price in the book."""
    month_hours: Annotated[float, Field(gt=0)] = 730.0
    """Hours of a billing month."""
    models: tuple[PriceModel, ...]
    """Price models in display order; names are unique."""
    overhead: OverheadRates = OverheadRates()
    """Price of the machine that runs the collector; empty rates leave the overhead unpriced."""

    @model_validator(mode="after")
    def _unique(self) -> Self:
        names = [model.name for model in self.models]
        if len(set(names)) != len(names):
            message = "two price models have the same name"
            raise ValueError(message)
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the price models, in order."""
        return tuple(model.name for model in self.models)

    def get(self, name: str) -> PriceModel:
        """The price model with that name.

        Raises:
            NotFoundError: there is none.
        """
        for model in self.models:
            if model.name == name:
                return model
        raise NotFoundError(
            f"no price model is called {name!r}",
            hint=f"known: {', '.join(self.names)}",
            details={"name": name, "known": list(self.names)},
        )

    def select(self, names: tuple[str, ...]) -> PriceBook:
        """The same book with only the named models, in the order asked for.

        Raises:
            NotFoundError: one of the names is unknown.
        """
        return self.model_copy(update={"models": tuple(self.get(name) for name in names)})


class SeriesActivity(Value):
    """Distinct series counted over one activity window."""

    window_seconds: Annotated[float, Field(gt=0)]
    """Length of the activity window."""
    sliding: bool
    """True: active in the last ``window_seconds``, sampled once a minute. False: windows side by side."""
    samples: Annotated[int, Field(ge=0)]
    """Complete windows (or samples of a full sliding window); 0: the run was shorter than the window."""
    mean: float | None
    """Mean distinct series over the samples; ``None`` without samples."""
    p95: float | None
    """95th percentile (R-7) over the samples; ``None`` without samples."""
    maximum: int | None
    """Largest count; ``None`` without samples."""


class MetricUsage(Value):
    """The share of one metric name in a window."""

    name: str
    """Metric name."""
    distribution: bool = False
    """Whether its points are histograms or summaries."""
    points: Annotated[int, Field(ge=0)]
    """Data points in the window."""
    series: Annotated[int, Field(ge=0)]
    """Distinct series over the window."""
    json_bytes: Annotated[int, Field(ge=0)]
    """Bytes of its points as JSON events."""


class Usage(Value):
    """What one arm sent in a window, in every unit that a price model bills."""

    window_seconds: Annotated[float, Field(ge=0)]
    """Length of the window: last interval's end minus first interval's start."""
    period_seconds: Annotated[float, Field(gt=0)]
    """Scrape period."""
    interval_seconds: Annotated[float, Field(gt=0)]
    """Length of one interval; the scrape period unless an arm flushes more slowly."""
    intervals: Annotated[int, Field(ge=0)]
    """Intervals with data; gaps of the source are not intervals."""
    hosts: Annotated[int, Field(ge=1)] = 1
    """Hosts that the window holds."""
    points: Annotated[int, Field(ge=0)]
    """Data points."""
    otlp_bytes: Annotated[int, Field(ge=0)]
    """Uncompressed OTLP protobuf bytes."""
    json_bytes: Annotated[int, Field(ge=0)]
    """Bytes of all points as JSON events that repeat every resource attribute: the proxy for billed bytes."""
    series: Annotated[int, Field(ge=0)]
    """Distinct (resource, metric name, point attributes) over the window."""
    activity: tuple[SeriesActivity, ...] = ()
    """Distinct series per activity window: 20 min, 1 h, 2 h, 1 day."""
    p95_points_per_minute: float | None = None
    """95th percentile of data points per minute; ``None`` when the window holds no whole minute."""
    metrics: tuple[MetricUsage, ...] = ()
    """Shares by metric name, in order of first appearance; empty when they were not kept."""
    cpu_seconds: float | None = None
    """CPU time of a real collector in the window; ``None`` with the embedded engine."""
    rss_bytes: float | None = None
    """Mean resident memory of a real collector; ``None`` with the embedded engine."""

    def activity_over(self, window_seconds: float) -> SeriesActivity | None:
        """The activity counted over that window length; ``None`` when it was not counted."""
        return next((a for a in self.activity if a.window_seconds == window_seconds), None)


class SavingInterval(Value):
    """A saving with its time-uniform interval, as fractions of the baseline."""

    estimate: Annotated[float, Field(le=1)]
    """Estimated saving; negative when the candidate sends more."""
    low: Annotated[float, Field(le=1)]
    """Lower end."""
    high: Annotated[float, Field(le=1)]
    """Upper end."""


class CostEstimate(Value):
    """A month of one arm under one price model."""

    price_model: str
    """Name in the price book."""
    title: str
    """Name of the price model for people."""
    basis: CostBasis
    """Whose bill."""
    kind: CostKind
    """Measured over a whole month, or scaled."""
    every: Annotated[float, Field(gt=0)]
    """Scrape interval the month is computed for, in seconds."""
    hosts: Annotated[int, Field(ge=1)]
    """Hosts the month is computed for."""
    unit: BilledUnit
    """What the price model counts."""
    usage_per_month: float | None
    """Billed quantity before free tiers; ``None`` when it cannot be computed."""
    per_month: float | None
    """Cost of one month; ``None`` when it cannot be computed."""
    currency: str
    """ISO 4217 code."""
    as_of: date
    """Day on which the price was read."""
    source: str
    """Where price and rule come from."""
    assumptions: tuple[str, ...] = ()
    """What was scaled or left out, one sentence each."""
    warnings: tuple[str, ...] = ()
    """Limits of the vendor that this usage passes, one sentence each."""
    reason: str | None = None
    """Why ``per_month`` is ``None``."""


class CostRow(Value):
    """A month of both arms under one price model."""

    price_model: str
    """Name in the price book."""
    title: str
    """Name of the price model for people."""
    basis: CostBasis
    """Whose bill."""
    kind: CostKind
    """Measured over a whole month, or scaled."""
    every: Annotated[float, Field(gt=0)]
    """Scrape interval the month is computed for, in seconds."""
    hosts: Annotated[int, Field(ge=1)]
    """Hosts the month is computed for."""
    unit: BilledUnit
    """What the price model counts."""
    baseline_usage: float | None
    """Billed quantity of the baseline; ``None`` when it cannot be computed."""
    candidate_usage: float | None
    """Billed quantity of the candidate; ``None`` when it cannot be computed."""
    baseline_per_month: float | None
    """Cost of the baseline; ``None`` when it cannot be computed."""
    candidate_per_month: float | None
    """Cost of the candidate; ``None`` when it cannot be computed."""
    gross_per_month: float | None
    """Baseline minus candidate, before the collector's own cost."""
    overhead_per_month: float | None
    """What the candidate's collector costs more than the baseline's; ``None``: not measured or not priced."""
    saving_per_month: float | None
    """Net saving: gross minus overhead, or gross when the overhead is not known; negative: a loss."""
    low: float | None = None
    """Lower end of the net saving; ``None`` when no time-uniform interval exists for this unit."""
    high: float | None = None
    """Upper end of the net saving; ``None`` as above."""
    interval_reason: str | None = None
    """Why ``low`` and ``high`` are ``None``."""
    currency: str
    """ISO 4217 code."""
    as_of: date
    """Day on which the price was read."""
    source: str
    """Where price and rule come from."""
    assumptions: tuple[str, ...] = ()
    """What was scaled or left out, one sentence each."""
    warnings: tuple[str, ...] = ()
    """Limits of the vendor that either arm passes, one sentence each."""
    reason: str | None = None
    """Why an amount is ``None``."""


class CostComparison(Value):
    """Both arms under every price model of a book."""

    rows: tuple[CostRow, ...]
    """One row per price model, in the order of the book."""
    basis: CostBasis
    """Whose bill."""
    every: float
    """Scrape interval, in seconds."""
    hosts: int
    """Hosts."""
    month_hours: float
    """Hours of a month."""

    def row(self, price_model: str) -> CostRow | None:
        """The row of that price model, or ``None``."""
        return next((row for row in self.rows if row.price_model == price_model), None)


class ProjectedSaving(Value):
    """The net saving over some months."""

    months: Annotated[int, Field(ge=1)]
    """Length of the horizon."""
    saving: float
    """Net saving over the horizon."""
    low: float | None
    """Lower end; ``None`` when the monthly saving has no interval."""
    high: float | None
    """Upper end; ``None`` as above."""


class SavingsProjection(Value):
    """A saving under one price model carried forward, with what that assumes."""

    price_model: str
    """Name in the price book."""
    currency: str
    """ISO 4217 code."""
    horizons: tuple[ProjectedSaving, ...]
    """1, 3, 6 and 12 months; empty when the monthly saving cannot be computed."""
    assumptions: tuple[str, ...]
    """What must stay as it was measured, one sentence each."""
    reason: str | None = None
    """Why there are no horizons."""
