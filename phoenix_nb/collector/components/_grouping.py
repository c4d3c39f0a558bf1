"""Groups of rows: dense numbers in order of first appearance, found by tables instead of sorting where they fit."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["Groups", "combine", "dense", "distinct", "first_places", "group", "stable_order", "time_numbers"]

Ids = npt.NDArray[np.int32]
Places = npt.NDArray[np.intp]
Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

_SPARSE: Final = 16
"""A table may have this many cells per row; beyond it sorting is cheaper than clearing the table."""
_SMALL: Final = 1 << 16


class Groups:
    """Which group each row is in.

    Args:
        is_first: per row whether it is the first of its group.
        places: per row the first row of its group; ``None`` when the rows of a group are neighbours.
    """

    __slots__ = ("first", "is_first", "of")

    def __init__(self, is_first: Mask, places: Array | None = None) -> None:
        self.is_first = is_first
        """Per row whether it is the first of its group."""
        self.first: Places = np.flatnonzero(is_first)
        """Per group its first row; groups are numbered by it."""
        rank = np.cumsum(is_first, dtype=np.int32)
        rank -= 1
        self.of: Ids = rank if places is None else rank.take(places)
        """Per row its group."""

    def __len__(self) -> int:
        return len(self.first)


def first_places(keys: Array, cells: int) -> tuple[Ids, Ids]:
    """Per key below ``cells`` the first row that has it, anything where none has, and the same per row."""
    at = keys.astype(np.intp, copy=False)
    table: Ids = np.empty(cells, dtype=np.int32)
    # Of several writes to one cell the last one stays, so writing backwards leaves the first row.
    table[at[::-1]] = np.arange(len(keys) - 1, -1, -1, dtype=np.int32)
    return table, table.take(at)


def distinct(ids: Ids) -> Places:
    """The distinct values of a column of small non-negative numbers, increasing; nothing is sorted."""
    if not len(ids):
        return np.zeros(0, dtype=np.intp)
    seen = np.zeros(int(ids.max()) + 1, dtype=np.bool_)
    seen[ids] = True
    return np.flatnonzero(seen)


def dense(keys: Array) -> Groups:
    """Groups of equal keys."""
    if not len(keys):
        return Groups(np.zeros(0, dtype=np.bool_))
    change = np.ones(len(keys), dtype=np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=change[1:])
    if bool((keys[1:] >= keys[:-1]).all()):
        return Groups(change)
    if np.issubdtype(keys.dtype, np.integer):
        low, high = int(keys.min()), int(keys.max())
        if high - low < max(_SMALL, _SPARSE * len(keys)):
            _, places = first_places(keys - keys.dtype.type(low) if low else keys, high - low + 1)
            return Groups(places == np.arange(len(keys), dtype=np.int32), places)
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    sorted_places = first.take(inverse.reshape(-1))
    return Groups(sorted_places == np.arange(len(keys)), sorted_places)


def combine(left: Array, right: Array) -> Array:
    """One key for two columns of small numbers; negative ones are allowed on the left only."""
    width = int(right.max()) + 1 if len(right) else 1
    made: Array = left.astype(np.int64)
    made *= width
    made += right
    return made


def group(*columns: Array) -> Groups:
    """Groups of rows that agree in every column."""
    made = dense(columns[0])
    for column in columns[1:]:
        made = dense(combine(made.of, dense(column).of))
    return made


def time_numbers(times: Array, runs: Array) -> Ids:
    """Numbers for times that differ within a run whenever the times differ.

    Neighbours mostly share their time, and runs (payloads) rarely do, so that numbers start anew in each run.

    Args:
        times: per row its time.
        runs: per row its run, a small non-negative number.
    """
    count = len(times)
    if not count:
        return np.zeros(0, dtype=np.int32)
    change = np.empty(count, dtype=np.bool_)
    change[0] = True
    np.not_equal(times[1:], times[:-1], out=change[1:])
    change[1:] |= runs[1:] != runs[:-1]
    heads = np.flatnonzero(change)
    found = dense(times[heads]).of
    of_head = runs[heads]
    lowest = np.full(int(of_head.max()) + 1, len(found), dtype=np.int32)
    np.minimum.at(lowest, of_head, found)
    found = found - lowest.take(of_head)
    made: Ids = found.take(np.cumsum(change) - 1)
    return made


def stable_order(keys: Array) -> Places:
    """The order that sorts rows by small non-negative keys and keeps rows of one key as they are."""
    if len(keys) and int(keys.max()) < _SMALL:
        # Numbers of 16 bits are sorted by counting.
        return np.argsort(keys.astype(np.uint16), kind="stable")
    return np.argsort(keys, kind="stable")
