"""Frames from rows in any order: every level is sorted by its parent, and rows of one parent keep their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector.components._grouping import stable_order
from phoenix_nb.otlp import COLUMNS, Dictionaries, Frames, SidePoint

__all__ = ["arrange"]

Array = npt.NDArray[Any]
_LEVELS: Final = (("rm", "rm_payload"), ("sm", "sm_rm"), ("m", "m_sm"), ("p", "p_metric"))


def arrange(
    dictionaries: Dictionaries,
    arrival: npt.ArrayLike,
    columns: Mapping[str, Array],
    side: Sequence[SidePoint] = (),
    *,
    points: Array | None = None,
) -> Frames:
    """Frames of these rows.

    Args:
        dictionaries: what the ids mean.
        arrival: per payload when it arrived.
        columns: every column; a parent column names rows of the level above as they stand here.
        side: what ``p_side`` points into.
        points: the places of the points that are kept, in order; ``None`` = all.
    """
    made: dict[str, Array] = {}
    place: Array | None = None
    for level, parent in _LEVELS:
        kept = points if level == "p" else None
        above = columns[parent] if kept is None else columns[parent].take(kept)
        if place is not None:
            above = place.take(above)
        ordered = len(above) < 2 or bool((above[1:] >= above[:-1]).all())
        order = None if ordered else stable_order(above)
        rows = kept if order is None else order if kept is None else kept.take(order)
        for name in COLUMNS:
            if name == parent:
                made[name] = above if order is None else above.take(order)
            elif name.startswith(f"{level}_"):
                made[name] = columns[name] if rows is None else columns[name].take(rows)
        if order is None:
            place = None
        else:
            place = np.empty(len(order), dtype=np.int32)
            place[order] = np.arange(len(order), dtype=np.int32)
    return Frames(dictionaries, arrival, made, side)
