"""Comparisons of number columns with literals, over all rows at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector.ottl._getters import Plan
from phoenix_nb.collector.ottl._rows import Rows
from phoenix_nb.otlp import PointKind

__all__ = ["column_comparison"]

Mask = npt.NDArray[np.bool_]
_COLUMNS: Final[Mapping[str, str]] = {
    "int": "p_int",
    "double": "p_double",
    "flags": "p_flags",
    "start": "p_start",
    "time": "p_time",
    "start_time": "p_start",
    "time_time": "p_time",
}
_TIMES: Final = frozenset({"start_time", "time_time"})
_NUMBERS_ONLY: Final = frozenset({"int", "double"})
_OPS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def column_comparison(left: Plan | None, op: str, right: Plan | None) -> Callable[[Rows], Mask] | None:
    """How to compare a number column with a literal; ``None`` when the two sides are something else."""
    if left is None or right is None:
        return None
    if left[0] != "column":
        left, right, op = right, left, _MIRRORED.get(op, op)
    if left[0] != "column":
        return None
    name, wanted = left[1], "const_time" if left[1] in _TIMES else "const"
    if right[0] != wanted:
        return None
    limit, column, operate = right[1], _COLUMNS[name], _OPS[op]

    def over(rows: Rows) -> Mask:
        frames = rows.frames
        values = frames.column(column)
        if values.dtype == np.uint64:
            values = values.view(np.int64)
        if isinstance(limit, float):
            values = values.astype(np.float64)
        with np.errstate(invalid="ignore"):
            found: Mask = np.asarray(operate(values, limit), dtype=np.bool_)
        if name in _NUMBERS_ONLY:
            # Other points have no number: nil, which is only unequal.
            number = frames.p_kind <= PointKind.DOUBLE
            found = np.where(number, found, op == "!=")
        return found

    return over
