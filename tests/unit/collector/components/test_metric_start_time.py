"""metricstarttime: which buckets a histogram is compared with; the start times are the real processor's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.collector.running import TIME, payload_of, run_processor

SECOND = 1_000_000_000


def _histogram(second: int, bounds: list[float], each: int) -> dict[str, Any]:
    point = {
        "timeUnixNano": str(TIME + second * SECOND),
        "count": str(3 * each),
        "sum": 3.0 * each,
        "explicitBounds": bounds,
        "bucketCounts": [str(each)] * 3,
    }
    return {"name": "h", "histogram": {"dataPoints": [point], "aggregationTemporality": 2}}


def _exponential(second: int, scale: int, count: int) -> dict[str, Any]:
    point = {
        "timeUnixNano": str(TIME + second * SECOND),
        "count": str(count),
        "sum": 1.0 * count,
        "scale": scale,
        "positive": {"offset": 1, "bucketCounts": [str(count)]},
    }
    return {"name": "h", "exponentialHistogram": {"dataPoints": [point], "aggregationTemporality": 2}}


def _starts(strategy: str, metrics: list[dict[str, Any]]) -> list[float]:
    """Start times in milliseconds after the first moment."""
    told = {
        "name": "process_start_time_seconds",
        "gauge": {"dataPoints": [{"asDouble": TIME / SECOND, "timeUnixNano": str(TIME)}]},
    }
    made = []
    for one in run_processor(
        "metricstarttime", {"strategy": strategy}, [payload_of(m, told) for m in metrics]
    ):
        metric = one["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]
        data = metric.get("histogram") or metric.get("exponentialHistogram")
        made.append((int(data["dataPoints"][0]["startTimeUnixNano"]) - TIME) / 1e6)
    return made


@pytest.mark.parametrize(
    ("strategy", "wanted"),
    [
        ("true_reset_point", [1000, 1999, 2999, 2999, 2999]),
        ("start_time_metric", [0, 1999, 2999, 2999, 2999]),
    ],
)
def test_bounds_are_compared_with_those_of_the_first_point(strategy: str, wanted: list[float]) -> None:
    metrics = [
        _histogram(at, [1.0, bound], at) for at, bound in enumerate((2.0, 3.0, 3.0, 2.0, 2.0), start=1)
    ]
    assert _starts(strategy, metrics) == wanted


@pytest.mark.parametrize(
    ("strategy", "wanted"),
    [
        ("true_reset_point", [1000, 1999, 1999, 3999]),
        ("start_time_metric", [0, 1999, 2999, 2999]),
    ],
)
def test_only_a_told_start_keeps_the_first_scale(strategy: str, wanted: list[float]) -> None:
    metrics = [_exponential(at, scale, at) for at, scale in enumerate((1, 2, 2, 1), start=1)]
    assert _starts(strategy, metrics) == wanted
