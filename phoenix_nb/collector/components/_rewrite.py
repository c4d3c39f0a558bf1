"""Exchanging ids of whole columns: work per distinct value, then one gather per row."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector.components._grouping import distinct
from phoenix_nb.otlp import Dictionary, Frames

__all__ = ["IdMap", "exchange", "map_resources"]

T = TypeVar("T", bound=Hashable)
Ids = npt.NDArray[np.int32]


class IdMap(Generic[T]):
    """What a function makes of every distinct value, remembered by id.

    Args:
        dictionary: the values.
        function: makes another value of one.
    """

    def __init__(self, dictionary: Dictionary[T], function: Callable[[T], T]) -> None:
        self._dictionary = dictionary
        self._many: Callable[[Sequence[T]], Sequence[T]] = lambda values: list(map(function, values))
        self._known: Ids = np.full(64, -1, dtype=np.int32)

    @classmethod
    def of_many(cls, dictionary: Dictionary[T], function: Callable[[Sequence[T]], Sequence[T]]) -> Self:
        """The same for a function that makes others of many values at once, where that is cheaper."""
        made = cls(dictionary, lambda value: value)
        made._many = function
        return made

    def __call__(self, ids: Ids) -> Ids:
        """The new ids; -1 stays -1."""
        if not len(ids):
            return ids
        low, top = int(ids.min()), int(ids.max())
        if top >= len(self._known):
            bigger = np.full(max(top + 1, 2 * len(self._known)), -1, dtype=np.int32)
            bigger[: len(self._known)] = self._known
            self._known = bigger
        made = self._known.take(ids)
        unknown = made < 0 if low >= 0 else (made < 0) & (ids >= 0)
        if unknown.any():
            values, intern = self._dictionary.values, self._dictionary.intern
            # Many values often become one and the same object, which is looked up once.
            numbers: dict[int, int] = {}
            new = distinct(ids[unknown])
            # The list of what was made keeps every object alive, so that none takes another's place.
            others = self._many([values[number] for number in new.tolist()])
            targets: list[int] = []
            for value in others:
                to = numbers.get(id(value))
                if to is None:
                    to = numbers[id(value)] = intern(value)
                targets.append(to)
            self._known[new] = targets
            made = self._known.take(ids)
        if low < 0:
            made[ids < 0] = -1
        return made


def exchange(frames: Frames, **columns: npt.NDArray[Any]) -> Frames:
    """Frames with columns exchanged; the columns are those of the base, and the selection stays lazy."""
    base, rm, sm, m, p = frames.selection
    changed: dict[str, Any] = {**columns}
    made = base.replace(**changed)
    if not frames.is_lazy:
        return made
    return made.where(points=p, metrics=m, resources=rm, scopes=sm, keep_empty=True)


def map_resources(
    frames: Frames, function: IdMap[object] | Callable[[Ids], Ids], empty: Callable[[], int]
) -> Frames:
    """Frames with every resource exchanged; an absent one counts as empty and stays absent when nothing is added."""
    base = frames.selection[0]
    old = base.rm_resource
    new = function(old)
    absent = old < 0
    if absent.any():
        made = empty()
        # Id 0 is the empty resource: what was absent and stays empty remains absent.
        new = np.where(absent, np.int32(-1 if made == 0 else made), new)
    return frames if np.array_equal(new, old) else exchange(frames, rm_resource=new)
