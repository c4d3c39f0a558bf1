"""Every function, by where it may be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from phoenix_nb.collector.ottl._context import Item
from phoenix_nb.collector.ottl._function import Function, FunctionTable
from phoenix_nb.collector.ottl._runtime import Value
from phoenix_nb.collector.ottl.functions._metric import METRIC_FUNCTIONS
from phoenix_nb.collector.ottl.functions._text import TEXT_FUNCTIONS
from phoenix_nb.collector.ottl.functions._times import TIME_FUNCTIONS
from phoenix_nb.collector.ottl.functions._types import TYPE_FUNCTIONS

__all__ = ["CONVERTERS", "converters_of"]


def _refused(**_arguments: object) -> Callable[[Item], Value]:
    return lambda _item: None


_IMPURE: Final = (
    Function("Now", (), _refused, impure="it depends on the clock"),
    Function("UUID", (), _refused, impure="it depends on chance"),
    Function("UUIDv7", (), _refused, impure="it depends on the clock and on chance"),
)
CONVERTERS: Final[FunctionTable] = {
    function.name: function for function in (*TEXT_FUNCTIONS, *TYPE_FUNCTIONS, *TIME_FUNCTIONS, *_IMPURE)
}
"""Converters that every context has."""
_METRIC: Final[FunctionTable] = {**CONVERTERS, **{function.name: function for function in METRIC_FUNCTIONS}}


def converters_of(context: str, *, on_points: bool = False) -> FunctionTable:
    """The converters of a context.

    Args:
        context: its name.
        on_points: whether the functions over a metric's points belong to it, as in the filter processor.
    """
    return _METRIC if on_points and context == "metric" else CONVERTERS
