"""transform: percentiles, and parts of points that are written; values are the real processor's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.collector.running import TIME, key_values, payload_of, run_processor


def _histogram(bounds: list[float], counts: list[int], **more: Any) -> dict[str, Any]:
    point = {
        "timeUnixNano": str(TIME),
        "count": str(sum(counts)),
        "sum": 1.0,
        "explicitBounds": bounds,
        "bucketCounts": [str(count) for count in counts],
    }
    return point | more


def _exponential(
    scale: int,
    positive: list[int],
    negative: list[int],
    zero: int = 0,
    threshold: float = 0.0,
    offset: int = 0,
) -> dict[str, Any]:
    return {
        "timeUnixNano": str(TIME),
        "count": str(sum(positive) + sum(negative) + zero),
        "sum": 1.0,
        "scale": scale,
        "zeroCount": str(zero),
        "zeroThreshold": threshold,
        "positive": {"offset": offset, "bucketCounts": [str(count) for count in positive]},
        "negative": {"offset": offset, "bucketCounts": [str(count) for count in negative]},
    }


def _metric(kind: str, *points: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "m", kind: {"dataPoints": list(points), "aggregationTemporality": 2}, **more}


def _transformed(context: str, statement: str, *metrics: dict[str, Any]) -> list[Any]:
    settings = {"metric_statements": [{"context": context, "statements": [statement]}]}
    (made,) = run_processor("transform", settings, [payload_of(*metrics)])
    found: list[Any] = made["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
    return found


_PLAIN = (
    _histogram([1, 2, 5], [1, 5, 3, 7]),
    _histogram([1, 2], [0, 0, 0]),
    _histogram([-1, 2], [9, 1, 1]),
    _histogram([-1, 2], [9, 1, 1], min=-5.5),
    _histogram([1, 2], [0, 1, 9], max=7.25),
    _histogram([1, 2], [0, 1, 9], max=1.0),
    _histogram([], [10], min=1.0, max=3.0),
    _histogram([], [10]),
)
_POWERS = (
    _exponential(0, [1, 2, 3], [], 2, 0.5),
    _exponential(-2, [1, 2, 3], [], offset=-3),
    _exponential(0, [], [3, 2, 1], 1, 0.25),
    _exponential(0, [], [], 4, 1.5),
    _exponential(-1, [5, 5], [4, 4], 3, 0.1, 1),
)


@pytest.mark.parametrize(
    ("kind", "points", "percentile", "values"),
    [
        ("histogram", _PLAIN, 50.0, [4, -1, -2.5, 4.333333333333333, 2, 2]),
        ("histogram", _PLAIN, 99.0, [5, 2, 2, 7.25, 2, 3]),
        ("exponentialHistogram", _POWERS, 50.0, [2.82842712474619, 0.0625, -1.5874010519681996, 0, 0.1]),
        ("exponentialHistogram", _POWERS, 99.0, [8, 1, 0, 1.5, 64]),
    ],
)
def test_percentiles(
    kind: str, points: tuple[dict[str, Any], ...], percentile: float, values: list[float]
) -> None:
    statement = f'extract_percentile_metric({percentile}) where metric.name == "m"'
    source = _metric(kind, *points, description="d", unit="s")
    _, made = _transformed("metric", statement, source)
    assert (made["name"], made["description"], made["unit"]) == (
        f"m_p{percentile:g}",
        f"d (p{percentile:g})",
        "s",
    )
    assert [point["asDouble"] for point in made["gauge"]["dataPoints"]] == values


def test_a_percentile_of_broken_buckets_is_no_metric() -> None:
    broken = _histogram([1, 2], [1, 1])
    assert len(_transformed("metric", "extract_percentile_metric(50.0)", _metric("histogram", broken))) == 1


def test_buckets_are_written_to_the_other_side() -> None:
    statement = "set(datapoint.positive, datapoint.negative)"
    made = _transformed("datapoint", statement, _metric("exponentialHistogram", _exponential(0, [1], [2, 3])))
    (point,) = made[0]["exponentialHistogram"]["dataPoints"]
    assert point["positive"] == point["negative"] == {"bucketCounts": ["2", "3"]}


@pytest.mark.parametrize(
    ("context", "statement"),
    [
        ("metric", "set(metric.data_points, metric.data_points)"),
        ("metric", "set(metric.data_points, [])"),
        ("datapoint", "set(datapoint.exemplars, datapoint.exemplars)"),
        ("datapoint", "set(datapoint.exemplars, 1)"),
        ("datapoint", "set(datapoint.quantile_values, datapoint.exemplars)"),
    ],
)
def test_lists_of_points_are_only_written_to_themselves(context: str, statement: str) -> None:
    point = {"asInt": "1", "timeUnixNano": str(TIME), "attributes": key_values({"a": "b"})}
    point["exemplars"] = [{"asInt": "3", "timeUnixNano": "7"}]
    source = {"name": "m", "gauge": {"dataPoints": [point]}}
    assert _transformed(context, statement, source) == [source]
