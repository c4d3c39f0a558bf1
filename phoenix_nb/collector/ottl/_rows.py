"""Rows of frames as what conditions are evaluated for: ids by axis, and single items where a value is needed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector.ottl._context import Axis, Item, Point
from phoenix_nb.otlp import Attributes, Dictionary, Frames, KeyValues, PairIndex, Resource, Scope, SidePoint

__all__ = ["SERIES_AXES", "Rows", "first_rows"]

Ids = npt.NDArray[np.int32]
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
    """The rows of one level of frames, some of whose columns may be replaced while statements run.

    Args:
        frames: the payloads.
        level: ``rm``, ``sm``, ``m`` or ``p``.
        caches: the dictionary that the ids of scratch maps belong to; needed where such maps are used.
    """

    def __init__(self, frames: Frames, level: str, caches: Dictionary[KeyValues] | None = None) -> None:
        self.frames = frames
        self.level = level
        self.caches = caches
        self._changed: dict[str, Any] = {}
        self._ids: dict[Axis, Ids] = {}
        self._combined: dict[tuple[Axis, ...], Ids] = {}
        self._side: list[SidePoint] | None = None

    def __len__(self) -> int:
        return self.frames.n_rows(self.level)

    # -- columns ---------------------------------------------------------------------------------------------

    def column(self, name: str) -> Any:
        """A column as it is now."""
        found = self._changed.get(name)
        return self.frames.column(name) if found is None else found

    def set_column(self, name: str, values: Any) -> None:
        """Replace a column; everything that was read from the old one is forgotten."""
        self._changed[name] = values
        axis = _AXIS_OF.get(name)
        if axis is not None:
            self._ids.pop(axis, None)
            self._combined = {axes: ids for axes, ids in self._combined.items() if axis not in axes}

    def changed(self) -> Frames:
        """The frames with everything that was replaced."""
        columns = {name: values for name, values in self._changed.items() if name != "cache"}
        if not columns and self._side is None:
            return self.frames
        return self.frames.replace(side=self._side, **columns)

    def at_level(self, level: str) -> Rows:
        """The rows of a level above, as they are now."""
        made = Rows(self.frames, level)
        made._changed = {name: values for name, values in self._changed.items() if name != "cache"}
        return made

    def owners(self, level: str, mask: npt.NDArray[np.bool_] | None) -> npt.NDArray[np.bool_]:
        """The rows of a level above that own at least one marked row of this one."""
        own = self._broadcast(level, np.arange(self.frames.n_rows(level), dtype=np.int32))
        made = np.zeros(self.frames.n_rows(level), dtype=np.bool_)
        made[own if mask is None else own[mask]] = True
        return made

    def moved_to(self, frames: Frames) -> Rows:
        """The same rows over frames in which whole metrics were changed; scratch maps stay with their rows."""
        made = Rows(frames, self.level, self.caches)
        cache = self._changed.get("cache")
        if cache is not None:
            made.set_column("cache", cache)
        return made

    @property
    def has_sides(self) -> bool:
        """Whether any point may be something else than a number."""
        return bool(len(self.frames.side))

    @property
    def sides(self) -> Sequence[SidePoint]:
        """The side table as it is now."""
        return self.frames.side if self._side is None else self._side

    def side(self, number: int) -> SidePoint:
        """A row of the side table as it is now."""
        return self.frames.side[number] if self._side is None else self._side[number]

    def add_side(self, side: SidePoint) -> int:
        """Another row of the side table."""
        if self._side is None:
            self._side = list(self.frames.side)
        self._side.append(side)
        return len(self._side) - 1

    def ids(self, axis: Axis) -> Ids:
        """Per row the id on an axis; -1 where the sender gave none."""
        found = self._ids.get(axis)
        if found is None:
            found = self._ids[axis] = self._find_ids(axis)
        return found

    def _find_ids(self, axis: Axis) -> Ids:
        if axis == "cache":
            found = self._changed.get("cache")
            return np.zeros(len(self), dtype=np.int32) if found is None else found
        owner, column = _OWNER[axis]
        ready = _READY.get((self.level, axis))
        if ready is not None and column not in self._changed:
            made: Ids = getattr(self.frames, ready)
            return made
        ids: Ids = self._broadcast(owner, self.column(column))
        return ids

    def combination(self, axes: tuple[Axis, ...]) -> Ids:
        """Per row the number of its combination of ids on several axes, the same for all frames of a run."""
        if len(axes) == 1:
            return self.ids(axes[0])
        found = self._combined.get(axes)
        if found is None:
            known = _numbers(self.frames.dictionaries, self.caches)
            index = known.setdefault(axes, PairIndex())
            left = self.combination(axes[:-1])
            shift = np.int32(1) if len(axes) == 2 else np.int32(0)
            found = index.intern(left + shift if shift else left, self.ids(axes[-1]) + np.int32(1))
            self._combined[axes] = found
        return found

    @property
    def series(self) -> Ids | None:
        """Per point its series, when those are known already and still hold; ``None`` otherwise."""
        if self.level != "p" or not self.frames.series_numbered:
            return None
        if any(_AXIS_OF.get(name) in SERIES_AXES for name in self._changed):
            return None
        return self.frames.p_series

    def of_series(self, numbers: Ids) -> Rows:
        """One row for each of some series; they have no points."""
        return _SeriesRows(self.frames, numbers)

    def _broadcast(self, owner: str, values: Any) -> Any:
        path = []
        level = self.level
        while level != owner:
            column, level = _PARENT[level]
            path.append(column)
        for column in reversed(path):
            values = values.take(self.frames.column(column))
        return values

    @cached_property
    def _points_of_metric(self) -> npt.NDArray[np.int64]:
        count = self.frames.n_metrics
        return np.searchsorted(self.frames.p_metric, np.arange(count + 1)).astype(np.int64)

    def payloads(self) -> Ids:
        """Per row its payload."""
        found: Ids = getattr(self.frames, f"{self.level}_payload")
        return found

    def arrivals(self) -> npt.NDArray[np.int64]:
        """Per row when its payload arrived, Unix nanoseconds."""
        return self.frames.arrival.view(np.int64).take(self.payloads())

    # -- single items ----------------------------------------------------------------------------------------

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
        if "cache" in axes and self.caches is not None:
            item.cache = self.caches[int(self.ids("cache")[row])]
        if "point" in axes:
            item.point = self.point(row)
        if "points" in axes:
            item.points = self._points(row)
        if "now" in axes:
            item.now = int(self.arrivals()[row])
        return item

    def entries(self, axis: Axis, numbers: Sequence[int]) -> list[Any]:
        """The dictionary entries of an axis that has attributes, by id; -1 is an empty one."""
        known = self.frames.dictionaries
        values: Sequence[Any] = known.attribute_sets.values
        empty: Any = Attributes.EMPTY
        if axis == "resource":
            values, empty = known.resources.values, Resource()
        elif axis == "scope":
            values, empty = known.scopes.values, Scope()
        if min(numbers, default=0) < 0:
            return [values[number] if number >= 0 else empty for number in numbers]
        return [values[number] for number in numbers]

    def point(self, row: int) -> Point:
        """One point by itself."""
        side = int(self.column("p_side")[row])
        return Point(
            start=int(self.column("p_start")[row]),
            time=int(self.column("p_time")[row]),
            kind=int(self.column("p_kind")[row]),
            as_int=int(self.column("p_int")[row]),
            as_double=float(self.column("p_double")[row]),
            flags=int(self.column("p_flags")[row]),
            side=self.side(side) if side >= 0 else None,
        )

    def _points(self, row: int) -> tuple[Attributes, ...]:
        metric = int(self.frames.p_metric[row]) if self.level == "p" else row
        first, last = self._points_of_metric[metric : metric + 2].tolist()
        sets = self.frames.dictionaries.attribute_sets
        return tuple(sets[number] for number in self.column("p_attributes")[first:last].tolist())


SERIES_AXES: Final = ("resource", "scope", "header", "attributes")
"""What a series consists of."""


class _SeriesRows(Rows):
    """Series as rows, for what depends on nothing else."""

    def __init__(self, frames: Frames, numbers: Ids) -> None:
        super().__init__(frames, "p")
        self._numbers = numbers
        self._parts = frames.dictionaries.series.parts(numbers)

    @property
    def series(self) -> None:
        """They are the series, there is nothing to decide them by."""
        return None

    def __len__(self) -> int:
        return len(self._numbers)

    def _find_ids(self, axis: Axis) -> Ids:
        ids: Ids = getattr(self._parts, axis)
        return ids


_AXIS_OF: Final = {**{column: axis for axis, (_, column) in _OWNER.items()}, "cache": "cache"}
_READY: Final = {
    ("p", "resource"): "p_resource",
    ("p", "scope"): "p_scope",
    ("p", "header"): "p_header",
    ("p", "attributes"): "p_attributes",
    ("m", "resource"): "m_resource",
    ("m", "scope"): "m_scope",
    ("m", "header"): "m_header",
}


def first_rows(ids: npt.NDArray[np.integer]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The distinct ids of a column (-1 and up, in order) and for each the first row that has it; nothing is sorted."""
    place = np.full(int(ids.max()) + 2, -1, dtype=np.intp)
    # Of several writes to one cell the last one stays, so writing backwards leaves the first row.
    place[ids[::-1].astype(np.intp) + 1] = np.arange(len(ids) - 1, -1, -1)
    found = np.flatnonzero(place >= 0)
    return found - 1, place[found]


_COMBINATIONS: Final[WeakKeyDictionary[object, dict[tuple[Axis, ...], PairIndex]]] = WeakKeyDictionary()
"""Numbers of combinations per dictionaries, shared by every rule of a run."""


def _numbers(dictionaries: object, caches: object) -> dict[tuple[Axis, ...], PairIndex]:
    # Scratch maps have numbers of their own, so what they are combined with is kept apart too.
    owner = dictionaries if caches is None else caches
    # One step, so that two threads never number the combinations of one run twice.
    return _COMBINATIONS.setdefault(owner, {})


def _or_empty(dictionary: Any, number: int, empty: Any) -> Any:
    return dictionary[number] if number >= 0 else empty()
