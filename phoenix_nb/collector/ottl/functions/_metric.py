"""Functions of the metric context that look at all points of a metric."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from phoenix_nb.collector.ottl._context import Item
from phoenix_nb.collector.ottl._function import Function, param
from phoenix_nb.collector.ottl._runtime import OttlError, Value
from phoenix_nb.otlp import MetricType

__all__ = ["METRIC_FUNCTIONS"]


def _check(item: Item) -> None:
    if item.metric.type == MetricType.NONE:
        raise OttlError("unknown metric type")


def _has_key(key: str) -> Callable[[Item], Value]:
    def evaluate(item: Item) -> Value:
        _check(item)
        return any(key in attributes for attributes in item.points)

    return evaluate


def _has_value(key: str, expected_val: str) -> Callable[[Item], Value]:
    def evaluate(item: Item) -> Value:
        _check(item)
        # Upstream looks at the first point that has the key, not at any.
        for attributes in item.points:
            if key in attributes:
                value = attributes.get(key)
                return (value if isinstance(value, str) else "") == expected_val
        return False

    return evaluate


_METRIC: Final = frozenset({"metric"})
_AXES: Final = frozenset({"points", "header"})
METRIC_FUNCTIONS: Final[tuple[Function, ...]] = (
    Function("HasAttrKeyOnDatapoint", (param("key", "text"),), _has_key, _METRIC, _AXES),
    Function(
        "HasAttrOnDatapoint",
        (param("key", "text"), param("expected_val", "text")),
        _has_value,
        _METRIC,
        _AXES,
    ),
)
"""Functions that only the filter's metric context has."""
