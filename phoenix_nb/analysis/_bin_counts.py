"""Counts of points by the time bin they fall into; late points are left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from phoenix_nb.analysis._bins import LATE

__all__ = ["distinct_keys", "sums", "tally", "union"]

Ids = npt.NDArray[np.int64]


def tally(numbers: Ids) -> list[tuple[int, int]]:
    """Distinct bins and how often each occurs."""
    distinct, counts = np.unique(numbers[numbers != LATE], return_counts=True)
    return list(zip(distinct.tolist(), counts.tolist(), strict=True))


def sums(numbers: Ids, values: Ids) -> list[tuple[int, int]]:
    """Distinct bins and the sum of the values of each."""
    distinct, back = np.unique(numbers, return_inverse=True)
    totals = np.zeros(len(distinct), dtype=np.int64)
    np.add.at(totals, back, values)
    kept = distinct != LATE
    return list(zip(distinct[kept].tolist(), totals[kept].tolist(), strict=True))


def distinct_keys(numbers: Ids, keys: npt.NDArray[np.int32]) -> list[tuple[int, Ids]]:
    """Per bin its distinct series keys, sorted."""
    kept = numbers != LATE
    if not kept.all():
        numbers, keys = numbers[kept], keys[kept]
    if not len(keys):
        return []
    packed = np.unique((numbers << 32) | keys)
    bins = packed >> 32
    edges = np.flatnonzero(np.concatenate([[True], bins[1:] != bins[:-1], [True]]))
    return [
        (int(bins[low]), packed[low:high] & 0xFFFFFFFF)
        for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    ]


def union(parts: Sequence[Ids]) -> Ids:
    """The distinct keys of several sorted parts, sorted."""
    if len(parts) == 1:
        return parts[0]
    return np.unique(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.int64)
