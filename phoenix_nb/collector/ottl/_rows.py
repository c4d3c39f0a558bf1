"""Rows of frames as what conditions are evaluated for: ids by axis, and single items where a value is needed."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector.ottl._context import Axis, Item, Point
from phoenix_nb.otlp import Attributes, Frames, Resource, Scope

__all__ = ["Rows"]

Ids = npt.NDArray[np.int32]
_BY_LEVEL: Final = {"rm": ("rm",), "sm": ("rm", "sm"), "m": ("rm", "sm", "m"), "p": ("rm", "sm", "m", "p")}
_OWNER: Final = {
    "resource": ("rm", "rm_resource"),
    "resource_schema": ("rm", "rm_schema"),
    "scope": ("sm", "sm_scope"),
    "scope_schema": ("sm", "sm_schema"),
    "header": ("m", "m_header"),
    "attributes": ("p", "p_attributes"),
}
_PARENT: Final = {"p": ("p_metric", "m"), "m": ("m_sm", "sm"), "sm": ("sm_rm", "rm")}


class Rows:
    """The rows of one level of frames.

    Args:
        frames: the payloads.
        level: ``rm``, ``sm``, ``m`` or ``p``.
    """

    def __init__(self, frames: Frames, level: str) -> None:
        self.frames = frames
        self.level = level
        self._ids: dict[Axis, Ids] = {}

    def __len__(self) -> int:
        return self.frames.n_rows(self.level)

    def ids(self, axis: Axis) -> Ids:
        """Per row the id on an axis; -1 where the sender gave none."""
        found = self._ids.get(axis)
        if found is None:
            owner, column = _OWNER[axis]
            found = self._ids[axis] = self._broadcast(owner, self.frames.column(column))
        return found

    def _broadcast(self, owner: str, values: Any) -> Any:
        path = []
        level = self.level
        while level != owner:
            column, level = _PARENT[level]
            path.append(column)
        for column in reversed(path):
            values = values[self.frames.column(column)]
        return values

    @cached_property
    def _points_of_metric(self) -> npt.NDArray[np.int64]:
        count = self.frames.n_metrics
        return np.searchsorted(self.frames.p_metric, np.arange(count + 1)).astype(np.int64)

    def item(self, row: int, axes: frozenset[Axis]) -> Item:
        """One row as an item that has what ``axes`` ask for."""
        known = self.frames.dictionaries
        item = Item()
        if "resource" in axes:
            item.resource = _or_empty(known.resources, int(self.ids("resource")[row]), Resource)
        if "resource_schema" in axes:
            item.resource_schema = known.schema_urls[int(self.ids("resource_schema")[row])]
        if "scope" in axes:
            item.scope = _or_empty(known.scopes, int(self.ids("scope")[row]), Scope)
        if "scope_schema" in axes:
            item.scope_schema = known.schema_urls[int(self.ids("scope_schema")[row])]
        if "header" in axes:
            item.metric = known.headers[int(self.ids("header")[row])]
        if "attributes" in axes:
            item.attributes = known.attribute_sets[int(self.ids("attributes")[row])]
        if "point" in axes:
            item.point = self._point(row)
        if "points" in axes:
            item.points = self._points(row)
        return item

    def _point(self, row: int) -> Point:
        frames = self.frames
        side = int(frames.p_side[row])
        return Point(
            start=int(frames.p_start[row]),
            time=int(frames.p_time[row]),
            kind=int(frames.p_kind[row]),
            as_int=int(frames.p_int[row]),
            as_double=float(frames.p_double[row]),
            flags=int(frames.p_flags[row]),
            side=frames.side[side] if side >= 0 else None,
        )

    def _points(self, row: int) -> tuple[Attributes, ...]:
        metric = (
            int(self._broadcast("m", np.arange(self.frames.n_metrics, dtype=np.int32))[row])
            if (self.level == "p")
            else row
        )
        first, last = self._points_of_metric[metric : metric + 2].tolist()
        sets = self.frames.dictionaries.attribute_sets
        return tuple(sets[number] for number in self.frames.p_attributes[first:last].tolist())


def _or_empty(dictionary: Any, number: int, empty: Any) -> Any:
    return dictionary[number] if number >= 0 else empty()
