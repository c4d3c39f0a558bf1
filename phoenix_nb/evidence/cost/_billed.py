"""From usage in a window to the quantity that a price model bills for a month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from phoenix_nb.evidence.durations import span
from phoenix_nb.interfaces.cost import (
    BilledUnit,
    MaxSeriesDpmPrice,
    MetricNamePrice,
    PerGbPrice,
    PerSeriesHourMeanPrice,
    PriceModel,
    SelfHostedDiskPrice,
    SeriesActivity,
    TieredMetricsPrice,
    TieredSamplesPrice,
    Usage,
)

__all__ = ["Billed", "Month", "billed_usage"]

HOUR = 3600.0
_GB = 1e9


@dataclass(frozen=True, slots=True)
class Month:
    """The month that a bill is computed for."""

    every: float
    """Scrape interval, in seconds."""
    hosts: int
    """Hosts like the measured one."""
    hours: float = 730.0
    """Hours of the month."""

    @property
    def seconds(self) -> float:
        """Seconds of the month."""
        return self.hours * HOUR


@dataclass(frozen=True, slots=True)
class Overage:
    """What the metric-name model bills beside the names, in points a month."""

    indexed: float
    """Indexed points above what the names include."""
    ingested: float
    """Ingested points above what the indexed ones include."""


@dataclass(frozen=True, slots=True)
class Billed:
    """A monthly quantity before free tiers and allotments, and what it assumes."""

    unit: BilledUnit
    """What is counted."""
    quantity: float | None
    """The quantity; ``None`` when it cannot be computed."""
    reason: str | None = None
    """Why there is no quantity."""
    assumptions: tuple[str, ...] = ()
    """What was scaled or left out."""
    follows: str = ""
    """Interval metric that the quantity is proportional to (``points``, ``json_bytes``), or empty."""
    overage: Overage | None = None
    """Only for the metric-name model."""


def billed_usage(model: PriceModel, usage: Usage, month: Month) -> Billed:
    """What ``model`` would bill in a month in which every host behaves like the window.

    Points scale with scrapes per month and hosts; series scale with hosts only, because scraping more slowly
    does not make a long-lived series disappear. Formulas: cost reference, section 4.
    """
    unit = _UNITS[type(model)]
    if usage.intervals == 0 or usage.window_seconds <= 0:
        return Billed(unit, None, "the window holds no interval with data")
    if isinstance(model, PerGbPrice):
        return _gigabytes(model, usage, month)
    if isinstance(model, TieredSamplesPrice):
        return Billed(unit, monthly_points(usage, month), assumptions=_scaled(usage, month), follows="points")
    if isinstance(model, SelfHostedDiskPrice):
        per_second = monthly_points(usage, month) / month.seconds
        gigabytes = per_second * model.retention_days * 24 * HOUR * model.bytes_per_sample / _GB
        held = f"{model.retention_days:g} days kept at {model.bytes_per_sample:g} bytes per sample"
        return Billed(unit, gigabytes, assumptions=(*_scaled(usage, month), held), follows="points")
    if isinstance(model, MetricNamePrice):
        return _metric_names(model, usage, month)
    if isinstance(model, MaxSeriesDpmPrice):
        return _series_or_points(model, usage, month)
    factor = model.distribution_factor if isinstance(model, PerSeriesHourMeanPrice) else 1.0
    return _series_per_hour(usage, month, unit, factor)


_AnyPrice: TypeAlias = (
    "type[PerGbPrice | PerSeriesHourMeanPrice | MaxSeriesDpmPrice | TieredSamplesPrice"
    " | TieredMetricsPrice | SelfHostedDiskPrice | MetricNamePrice]"
)

_UNITS: dict[_AnyPrice, BilledUnit] = {
    PerGbPrice: BilledUnit.GIGABYTES,
    PerSeriesHourMeanPrice: BilledUnit.SERIES,
    MaxSeriesDpmPrice: BilledUnit.SERIES,
    TieredSamplesPrice: BilledUnit.SAMPLES,
    TieredMetricsPrice: BilledUnit.SERIES,
    SelfHostedDiskPrice: BilledUnit.GIGABYTES,
    MetricNamePrice: BilledUnit.METRIC_NAMES,
}


def monthly_scale(usage: Usage, month: Month) -> float:
    """Factor from a count in the window to the same count in the month.

    Mean per scrape x scrapes per month x hosts (statistics reference, 2.6); gaps do not dilute it.
    """
    scrapes = usage.intervals * usage.interval_seconds / usage.period_seconds
    return month.seconds / month.every / scrapes * month.hosts / usage.hosts


def monthly_points(usage: Usage, month: Month) -> float:
    """Data points in the month."""
    return usage.points * monthly_scale(usage, month)


def _gigabytes(model: PerGbPrice, usage: Usage, month: Month) -> Billed:
    unit = BilledUnit.GIGABYTES
    if model.bytes_per_point is not None:
        gigabytes = monthly_points(usage, month) * model.bytes_per_point / _GB
        counted = f"{model.bytes_per_point:g} billed bytes per data point"
        return Billed(unit, gigabytes, assumptions=(*_scaled(usage, month), counted), follows="points")
    gigabytes = usage.json_bytes * model.bytes_factor * monthly_scale(usage, month) / _GB
    counted = (
        f"bytes are a proxy (JSON events that repeat every resource attribute) times {model.bytes_factor:g};"
        " calibrate bytes_factor with the vendor's own counter, bytecountestimate()/count(*)"
    )
    return Billed(unit, gigabytes, assumptions=(*_scaled(usage, month), counted), follows="json_bytes")


def _series_per_hour(usage: Usage, month: Month, unit: BilledUnit, factor: float) -> Billed:
    activity = usage.activity_over(HOUR)
    if activity is None or activity.mean is None:
        return Billed(unit, None, _too_short(usage, HOUR, activity))
    series = activity.mean * month.hosts / usage.hosts
    assumptions = _series_scaled(usage, month)
    share = _distribution_share(usage)
    if factor > 1 and share > 0:
        series *= 1 + (factor - 1) * share
        assumptions += (
            f"{share:.1%} of the distinct series are histograms or summaries and count {factor:g} times",
        )
    return Billed(unit, series, assumptions=assumptions)


def _distribution_share(usage: Usage) -> float:
    """Share of histograms and summaries in the distinct series of the window."""
    known = sum(metric.series for metric in usage.metrics)
    return sum(metric.series for metric in usage.metrics if metric.distribution) / known if known else 0.0


def _series_or_points(model: MaxSeriesDpmPrice, usage: Usage, month: Month) -> Billed:
    unit = BilledUnit.SERIES
    activity = usage.activity_over(model.active_seconds)
    if activity is None or activity.p95 is None:
        return Billed(unit, None, _too_short(usage, model.active_seconds, activity))
    if usage.p95_points_per_minute is None:
        return Billed(
            unit, None, "the window holds no whole minute, so there is no rate of points per minute"
        )
    hosts = month.hosts / usage.hosts
    rate = usage.p95_points_per_minute * usage.period_seconds / month.every * hosts
    series = activity.p95 * hosts
    allowed = rate / model.included_dpm
    driver = "points per minute" if allowed > series else "active series"
    assumptions = (*_series_scaled(usage, month), f"billed by {driver}")
    return Billed(unit, max(series, allowed), assumptions=assumptions)


def _metric_names(model: MetricNamePrice, usage: Usage, month: Month) -> Billed:
    unit = BilledUnit.METRIC_NAMES
    if usage.points and not usage.metrics:
        return Billed(unit, None, "the shares by metric name were not kept")
    scale = monthly_scale(usage, month)
    indexed = [
        m.points * scale * (model.distribution_factor if m.distribution else 1.0) for m in usage.metrics
    ]
    billed = [points for points in indexed if points > model.min_points]
    # Everything that is ingested is indexed here: which tags an account indexes is not in the telemetry.
    overage = Overage(
        indexed=sum(max(0.0, points - model.included_points_per_name) for points in billed),
        ingested=sum(max(0.0, points - model.included_ingest_ratio * points) for points in billed),
    )
    assumptions = (*_scaled(usage, month), "every ingested point is indexed")
    return Billed(unit, float(len(billed)), assumptions=assumptions, overage=overage)


def is_scaled(usage: Usage, month: Month) -> bool:
    """Whether the month needs more than what the window holds."""
    same = usage.period_seconds == month.every and usage.hosts == month.hosts
    return not (same and usage.window_seconds >= month.seconds)


def _scaled(usage: Usage, month: Month) -> tuple[str, ...]:
    if not is_scaled(usage, month):
        return ()
    return (
        (
            f"mean of {span(usage.window_seconds)} scraped every {span(usage.period_seconds)}, as if scraped"
            f" every {span(month.every)} for {month.hours:g} h on {_hosts(month)}"
        ),
    )


def _series_scaled(usage: Usage, month: Month) -> tuple[str, ...]:
    if not is_scaled(usage, month):
        return ()
    words = [f"series as counted in {span(usage.window_seconds)}, on {_hosts(month)}"]
    if month.every > usage.period_seconds:
        words.append(
            f"counted at {span(usage.period_seconds)}; every {span(month.every)} would see fewer short-lived"
            " processes, so this is an upper end"
        )
    elif month.every < usage.period_seconds:
        words.append(
            f"counted at {span(usage.period_seconds)}; every {span(month.every)} would see more short-lived"
            " processes, so this is a lower end"
        )
    return tuple(words)


def _too_short(usage: Usage, window: float, activity: SeriesActivity | None) -> str:
    if activity is None:
        return f"series were not counted over windows of {span(window)}"
    if usage.window_seconds >= window:
        return (
            f"no {span(window)} of the window could be counted whole, so there is no figure of active series"
        )
    return (
        f"the window of {span(usage.window_seconds)} is shorter than the {span(window)} over which this price"
        " model counts series"
    )


def _hosts(month: Month) -> str:
    return "1 host" if month.hosts == 1 else f"{month.hosts} hosts"
