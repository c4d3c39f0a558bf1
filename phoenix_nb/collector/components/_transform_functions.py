"""Functions that only the transform processor has: they change the kind of a metric, its points, or add metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

from phoenix_nb.collector.components._transform_edits import Aggregate, AggregateValue, Scale, ToHistogram
from phoenix_nb.collector.components._transform_new_metrics import (
    Copy,
    ExtractCount,
    ExtractSum,
    QuantilesToGauge,
)
from phoenix_nb.collector.components._transform_percentile import ExtractPercentile
from phoenix_nb.collector.ottl import EvaluationError, Function, FunctionTable, Getter, Item, Point, param
from phoenix_nb.otlp import (
    HistogramValue,
    MetricHeader,
    MetricType,
    PointKind,
    SidePoint,
    SummaryValue,
    Temporality,
)

__all__ = ["TRANSFORM_FUNCTIONS"]

Run = Callable[[Item], None]


def _temporality(text: str) -> Temporality:
    names = {"delta": Temporality.DELTA, "cumulative": Temporality.CUMULATIVE}
    if text not in names:
        raise ValueError(f"unknown aggregation temporality: {text}")
    return names[text]


# -- kinds of metrics -------------------------------------------------------------------------------------------------


def _sum_to_gauge() -> Run:
    def run(item: Item) -> None:
        if item.metric.type == MetricType.SUM:
            item.metric = replace(
                item.metric, type=MetricType.GAUGE, temporality=Temporality.UNSPECIFIED, monotonic=False
            )

    return run


def _gauge_to_sum(string_agg_temp: str, monotonic: bool) -> Run:
    temporality = _temporality(string_agg_temp)

    def run(item: Item) -> None:
        if item.metric.type == MetricType.GAUGE:
            item.metric = replace(
                item.metric, type=MetricType.SUM, temporality=temporality, monotonic=monotonic
            )

    return run


# -- one new metric per summary point ---------------------------------------------------------------------------------


def _from_summary(
    default: str, read: Callable[[SummaryValue], tuple[PointKind, int, float]]
) -> Callable[..., Run]:
    def create(string_agg_temp: str, monotonic: bool, suffix: str | None = None) -> Run:
        temporality = _temporality(string_agg_temp)
        ending = default if suffix is None else suffix

        def run(item: Item) -> None:
            header: MetricHeader = item.metric
            if header.type != MetricType.SUMMARY:
                return
            points = []
            for attributes, point in item.host.points():
                kind, as_int, as_double = read(point.side.value)
                points.append((attributes, Point(point.start, point.time, kind, as_int, as_double)))
            made = MetricHeader(
                header.name + ending,
                header.description,
                header.unit,
                MetricType.SUM,
                temporality,
                monotonic,
            )
            item.host.append(made, points)

        return run

    return create


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


# -- buckets ----------------------------------------------------------------------------------------------------------


def _merge_buckets(target_value: Getter, method: str | None = None) -> Run:
    way = "remove_explicit_bound" if method is None else method
    if way not in {"remove_explicit_bound", "limit_buckets"}:
        raise ValueError(f'invalid method "{way}", must be one of "remove_explicit_bound" or "limit_buckets"')
    if target_value.constant:
        _check_target(target_value.get(Item()), way, ValueError)

    def run(item: Item) -> None:
        side = item.point.side
        value = None if side is None else side.value
        if not isinstance(value, HistogramValue):
            return
        target = _check_target(target_value.get(item), way, EvaluationError)
        if len(value.explicit_bounds) + 1 != len(value.bucket_counts) or len(value.bucket_counts) == 1:
            return
        made = (
            _without_bound(value, target) if way == "remove_explicit_bound" else _limited(value, int(target))
        )
        if made is not value:
            item.point.side = SidePoint(made, side.exemplars)

    return run


def _check_target(value: Any, method: str, error: type[Exception]) -> float:
    if value is None:
        raise error("target_value must not be nil")
    number = float(value)
    if method == "limit_buckets" and (number < 1 or not number.is_integer() or number > 2.0**63):
        raise error(f'target_value must be a positive integer when method is "limit_buckets", got {number:g}')
    return number


def _without_bound(value: HistogramValue, bound: float) -> HistogramValue:
    bounds, counts = list(value.explicit_bounds), list(value.bucket_counts)
    at = next((at for at, known in enumerate(bounds) if abs(known - bound) < 1e-12), -1)
    if at < 0:
        return value
    counts[at + 1] = (counts[at + 1] + counts[at]) & ((1 << 64) - 1)
    return replace(
        value,
        explicit_bounds=(*bounds[:at], *bounds[at + 1 :]),
        bucket_counts=(*counts[:at], *counts[at + 1 :]),
    )


def _limited(value: HistogramValue, most: int) -> HistogramValue:
    bounds, counts = value.explicit_bounds, value.bucket_counts
    if len(counts) <= most or any(not b > a for a, b in pairwise(bounds)):
        return value
    step = (len(counts) - 1) // most + 1
    sums = (sum(counts[at : at + step]) & ((1 << 64) - 1) for at in range(0, len(counts), step))
    return replace(value, bucket_counts=tuple(sums), explicit_bounds=bounds[step - 1 :: step])


_METRIC: Final = frozenset({"metric"})
_POINT: Final = frozenset({"datapoint"})
_HEADER: Final = frozenset({"header"})
_SUFFIX: Final = param("suffix", "text", optional=True)
_TO_SUM: Final = (param("string_agg_temp", "text"), param("monotonic", "flag"))


def _structural(name: str, edit: type[Any], *params: Any) -> Function:
    return Function(name, params, edit, _METRIC, _HEADER, writes="metric")


_FUNCTIONS: Final = (
    Function("convert_sum_to_gauge", (), _sum_to_gauge, _METRIC, _HEADER, writes="header"),
    Function("convert_gauge_to_sum", _TO_SUM, _gauge_to_sum, _METRIC, _HEADER, writes="header"),
    _structural(
        "aggregate_on_attributes",
        Aggregate,
        param("aggregation_function", "text"),
        param("attributes", "text", optional=True, many=True),
    ),
    _structural(
        "aggregate_on_attribute_value",
        AggregateValue,
        param("aggregation_function", "text"),
        param("attribute", "text"),
        param("values", "text", many=True),
        param("new_value", "text"),
    ),
    _structural(
        "copy_metric",
        Copy,
        param("name", "string", optional=True),
        param("description", "string", optional=True),
        param("unit", "string", optional=True),
    ),
    _structural("extract_sum_metric", ExtractSum, param("monotonic", "flag"), _SUFFIX),
    _structural("extract_count_metric", ExtractCount, param("monotonic", "flag"), _SUFFIX),
    _structural("scale_metric", Scale, param("multiplier", "number"), param("unit", "string", optional=True)),
    _structural(
        "convert_summary_quantile_val_to_gauge",
        QuantilesToGauge,
        param("attribute_key", "text", optional=True),
        _SUFFIX,
    ),
    _structural(
        "convert_exponential_histogram_to_histogram",
        ToHistogram,
        param("distribution_fn", "text"),
        param("explicit_bounds", "number", many=True),
    ),
    _structural("extract_percentile_metric", ExtractPercentile, param("percentile", "number"), _SUFFIX),
    Function(
        "convert_summary_sum_val_to_sum",
        (*_TO_SUM, _SUFFIX),
        _from_summary("_sum", lambda value: (PointKind.DOUBLE, 0, value.sum)),
        _POINT,
        frozenset({"header"}),
        writes="metric",
    ),
    Function(
        "convert_summary_count_val_to_sum",
        (*_TO_SUM, _SUFFIX),
        _from_summary("_count", lambda value: (PointKind.INT, _signed(value.count), 0.0)),
        _POINT,
        frozenset({"header"}),
        writes="metric",
    ),
    Function(
        "merge_histogram_buckets",
        (param("target_value", "float_like"), param("method", "text", optional=True)),
        _merge_buckets,
        _POINT,
        frozenset({"point"}),
        writes="point",
    ),
)
TRANSFORM_FUNCTIONS: Final[FunctionTable] = {function.name: function for function in _FUNCTIONS}
"""The functions, by name."""
