"""Attributes looked up in many entries of a dictionary at once: what costs a few calls per entry costs one loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from phoenix_nb.collector.ottl._runtime import OttlError, Value, compare
from phoenix_nb.otlp import KeyValues

if TYPE_CHECKING:
    from phoenix_nb.collector.ottl._context import Axis

__all__ = ["WITH_ATTRIBUTES", "Bulk", "attribute_lookup", "booleans", "compare_bulk", "converted"]

WITH_ATTRIBUTES: Final = frozenset({"resource", "scope", "attributes"})
"""Axes whose entries have attributes, or are attributes."""


@dataclass(frozen=True, slots=True)
class Bulk:
    """How to get the values of many entries of one dictionary."""

    axis: Axis
    """The dictionary."""
    values: Callable[[Sequence[Any]], Sequence[Value]]
    """From entries to values in the same order; may raise :class:`OttlError`, and then each is evaluated by itself."""


def attribute_lookup(axis: Axis, key: str) -> Bulk:
    """The value of one attribute, nil where it is absent."""

    def values(entries: Sequence[Any]) -> Sequence[Value]:
        maps = entries if axis == "attributes" else [entry.attributes for entry in entries]
        return KeyValues.column(maps, key)

    return Bulk(axis, values)


def converted(inner: Bulk | None, convert: Callable[[Value], Value]) -> Bulk | None:
    """The same values as the kind that a function wants."""
    if inner is None:
        return None
    read = inner.values

    def values(entries: Sequence[Any]) -> Sequence[Value]:
        found = read(entries)
        if set(map(type, found)) <= {str}:
            return found
        return [value if value.__class__ is str else convert(value) for value in found]

    return Bulk(inner.axis, values)


def compare_bulk(inner: Bulk | None, op: str, other: Value, *, swapped: bool) -> Bulk | None:
    """Values compared with a literal, which is on the left when ``swapped``."""
    if inner is None:
        return None
    read = inner.values

    def values(entries: Sequence[Any]) -> Sequence[Value]:
        known: dict[Value, bool] = {}
        made: list[Value] = []
        for value in read(entries):
            found = known.get(value) if value.__class__ is str else None
            if found is None:
                found = compare(other, op, value) if swapped else compare(value, op, other)
                if value.__class__ is str:
                    known[value] = found
            made.append(found)
        return made

    return Bulk(inner.axis, values)


def booleans(bulk: Bulk, entries: Sequence[Any]) -> Sequence[bool] | None:
    """What holds for which entry; ``None`` when they must be evaluated one by one."""
    try:
        found = bulk.values(entries)
    except OttlError:
        return None
    return cast("Sequence[bool]", found) if set(map(type, found)) <= {bool} else None
