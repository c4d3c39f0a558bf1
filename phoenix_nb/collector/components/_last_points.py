"""The last number of every stream, and what numbers are beside the one before them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector.components._grouping import stable_order
from phoenix_nb.otlp import Frames

__all__ = ["Followed", "LastPoints"]

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Followed:
    """Points one stream after the other, each with the one before it."""

    at: Places
    """The place of each point in its frames."""
    fresh: Places
    """Which of them are the first of their stream."""
    valid: Mask
    """Which of the others are not below the one before."""
    before: npt.NDArray[np.uint64]
    """The time of the point before; nothing that means something where there is none."""
    ints: npt.NDArray[np.int64]
    """How much each grew; the whole number itself where there is none before."""
    doubles: npt.NDArray[np.float64]
    """The same of numbers with a fraction."""


class LastPoints:
    """Time and number of the last point of every stream."""

    def __init__(self) -> None:
        self.seen: Mask = np.zeros(0, dtype=np.bool_)
        self.time = np.zeros(0, dtype=np.uint64)
        self.ints = np.zeros(0, dtype=np.int64)
        self.doubles = np.zeros(0)

    def grow(self, count: int) -> None:
        """Have room for so many streams."""
        if count > len(self.seen):
            # A copy of everything costs as much as everything there is, so there is room for as much again.
            more = 2 * count - len(self.seen)
            self.seen = np.append(self.seen, np.zeros(more, dtype=np.bool_))
            self.time = np.append(self.time, np.zeros(more, dtype=np.uint64))
            self.ints = np.append(self.ints, np.zeros(more, dtype=np.int64))
            self.doubles = np.append(self.doubles, np.zeros(more))

    def follow(self, frames: Frames, rows: Places, streams: Array) -> Followed:
        """Differences of number points to the ones before them; the last ones are remembered.

        Args:
            frames: the payloads.
            rows: the places of the points, increasing.
            streams: per point its stream.
        """
        order = stable_order(streams)
        at, of = rows.take(order), streams.take(order)
        is_head = np.ones(len(of), dtype=np.bool_)
        np.not_equal(of[1:], of[:-1], out=is_head[1:])
        heads = np.flatnonzero(is_head)
        tails = np.append(heads[1:] - 1, len(of) - 1)
        owner = of.take(heads)
        fresh = heads[~self.seen.take(owner)]
        time, ints, doubles = (frames.column(name).take(at) for name in ("p_time", "p_int", "p_double"))
        before = _shifted(time, heads, self.time.take(owner))
        before_int = _shifted(ints, heads, self.ints.take(owner))
        before_double = _shifted(doubles, heads, self.doubles.take(owner))
        valid = (ints >= before_int) & ~(doubles < before_double)
        valid[fresh] = False
        before_int[fresh], before_double[fresh] = 0, 0.0
        self.seen[owner] = True
        self.time[owner] = time.take(tails)
        self.ints[owner], self.doubles[owner] = ints.take(tails), doubles.take(tails)
        with np.errstate(over="ignore", invalid="ignore"):
            return Followed(at, fresh, valid, before, ints - before_int, doubles - before_double)


def _shifted(values: Array, heads: Places, known: Array) -> Array:
    """Per point the value before it in its stream; that of a stream's first point is ``known``."""
    made = np.empty_like(values)
    made[1:] = values[:-1]
    made[heads] = known
    return made
