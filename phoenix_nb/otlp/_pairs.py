"""Numbers for pairs and rows of numbers, found for whole columns at once."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

__all__ = ["Growing", "PairIndex", "distinct_rows"]

S = TypeVar("S", bound=np.generic)
Ids = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]

_GRID_CELLS = 1 << 24
"""Largest look-up grid (64 MB of int32); beyond it a dictionary of distinct keys takes over."""


class Growing(Generic[S]):
    """An array that grows at its end; views taken earlier stay valid."""

    __slots__ = ("_buffer", "_count", "_dtype")

    def __init__(self, dtype: type[S]) -> None:
        self._dtype = dtype
        self._buffer: npt.NDArray[S] = np.zeros(64, dtype=dtype)
        self._count = 0

    def append(self, value: float) -> None:
        """Add one value."""
        self._reserve(1)
        self._buffer[self._count] = value
        self._count += 1

    def extend(self, values: npt.NDArray[S]) -> None:
        """Add many values."""
        self._reserve(len(values))
        self._buffer[self._count : self._count + len(values)] = values
        self._count += len(values)

    def view(self) -> npt.NDArray[S]:
        """Everything so far, without a copy; do not write to it."""
        return self._buffer[: self._count]

    def _reserve(self, more: int) -> None:
        needed = self._count + more
        if needed > len(self._buffer):
            bigger = np.zeros(max(needed, 2 * len(self._buffer)), dtype=self._dtype)
            bigger[: self._count] = self._buffer[: self._count]
            self._buffer = bigger

    def __len__(self) -> int:
        return self._count


class PairIndex:
    """Gives every distinct pair of non-negative numbers an id, in order of first appearance.

    While the two ranges are small their product is one grid of int32, so that a column of a million pairs
    costs one gather. Beyond ``_GRID_CELLS`` the pairs of a column are made unique first.
    """

    def __init__(self) -> None:
        self.left: Growing[np.int32] = Growing(np.int32)
        self.right: Growing[np.int32] = Growing(np.int32)
        self._grid: Ids | None = np.full((16, 16), -1, dtype=np.int32)
        self._known: dict[int, int] = {}
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self.left)

    def intern(self, left: npt.NDArray[np.integer], right: npt.NDArray[np.integer]) -> Ids:
        """The ids of the pairs, row by row; new pairs are added."""
        if len(left) == 0:
            return np.zeros(0, dtype=np.int32)
        with self._lock:
            grid = self._fit(int(left.max()), int(right.max()))
            if grid is None:
                return self._intern_sparse(left, right)
            flat = grid.reshape(-1)
            cells = left.astype(np.intp)
            cells *= grid.shape[1]
            cells += right
            found = flat.take(cells)
            if int(found.min()) < 0:
                fresh = cells[found < 0]
                # Of several writes to one cell the last one stays: written backwards, each holds its first place.
                order = np.arange(len(fresh), dtype=np.int32)
                flat[fresh[::-1]] = order[::-1]
                new = fresh[flat[fresh] == order]
                flat[new] = np.arange(len(self), len(self) + len(new), dtype=np.int32)
                self.left.extend((new // grid.shape[1]).astype(np.int32))
                self.right.extend((new % grid.shape[1]).astype(np.int32))
                found = flat.take(cells)
            return found

    def _fit(self, left: int, right: int) -> Ids | None:
        grid = self._grid
        if grid is None or (left < grid.shape[0] and right < grid.shape[1]):
            return grid
        rows = max(grid.shape[0], _power(left + 1))
        columns = max(grid.shape[1], _power(right + 1))
        if rows * columns > _GRID_CELLS:
            self._grid = None
            pairs = zip(self.left.view().tolist(), self.right.view().tolist(), strict=True)
            self._known = {a << 32 | b: number for number, (a, b) in enumerate(pairs)}
            return None
        bigger = np.full((rows, columns), -1, dtype=np.int32)
        bigger[: grid.shape[0], : grid.shape[1]] = grid
        self._grid = bigger
        return bigger

    def _intern_sparse(self, left: npt.NDArray[np.integer], right: npt.NDArray[np.integer]) -> Ids:
        keys = left.astype(np.int64) << 32 | right.astype(np.int64)
        unique, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        ids = np.empty(len(unique), dtype=np.int32)
        known = self._known
        for at in np.argsort(first, kind="stable").tolist():
            key = int(unique[at])
            number = known.get(key)
            if number is None:
                number = known[key] = len(self)
                self.left.append(key >> 32)
                self.right.append(key & 0xFFFFFFFF)
            ids[at] = number
        return ids[inverse]


def _power(value: int) -> int:
    return 1 << max(4, (value - 1).bit_length())


def distinct_rows(columns: Sequence[tuple[Longs, int]]) -> tuple[Longs, Longs]:
    """A row of each distinct combination of columns, and per row which of them it has.

    Args:
        columns: numbers from 0 on, with how many of them there can be.
    """
    codes, limit = columns[0]
    for values, count in columns[1:]:
        if count == 1:
            continue
        if limit * count >= 1 << 62:
            known, codes = np.unique(codes, return_inverse=True)
            limit = len(known)
        codes = codes * count + values
        limit *= count
    if limit > max(1 << 12, 4 * len(codes)):
        _, where, inverse = np.unique(codes, return_index=True, return_inverse=True)
        return where, inverse
    rows = np.full(limit, -1, dtype=np.int64)
    rows[codes] = np.arange(len(codes))
    present = np.flatnonzero(rows >= 0)
    where = rows[present]
    rows[present] = np.arange(len(present))
    return where, rows.take(codes)
