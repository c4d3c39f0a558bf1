"""Whole columns of numbers, times and durations: what can be computed for all rows at once.

A column says nothing about rows that need more care (an error, a mixture of kinds): they are marked as odd and
evaluated one by one, so that both ways always agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from phoenix_nb.otlp import PointKind

if TYPE_CHECKING:
    from phoenix_nb.collector.ottl._rows import Rows

__all__ = [
    "Column",
    "Plan",
    "arithmetic_plan",
    "as_float",
    "as_int",
    "compare_columns",
    "constant_plan",
    "now_plan",
    "read_plan",
    "truncated",
    "unix_plan",
]

Mask = npt.NDArray[np.bool_]


_NUMBERS: Final = frozenset({"int", "float"})


@dataclass(frozen=True, slots=True)
class Column:
    """Values of all rows."""

    kind: str
    """``int``, ``float``, ``time`` or ``duration``; the last two in nanoseconds."""
    values: Any
    """An array with one entry per row, or one number for all of them."""
    nil: Mask | None = None
    """Where there is no value; ``None`` = nowhere."""
    odd: Mask | None = None
    """Rows that must be evaluated one by one; ``None`` = none."""


Plan: TypeAlias = "Callable[[Rows], Column | None]"
"""Computes a column; ``None`` when the rows must be evaluated one by one after all."""

_COLUMNS: Final[Mapping[str, tuple[str, str]]] = {
    "int": ("p_int", "int"),
    "double": ("p_double", "float"),
    "flags": ("p_flags", "int"),
    "start": ("p_start", "int"),
    "time": ("p_time", "int"),
    "start_time": ("p_start", "time"),
    "time_time": ("p_time", "time"),
}
_NUMBERS_ONLY: Final = frozenset({"int", "double"})


def read_plan(name: str) -> Plan:
    """A number column of the points."""
    column, kind = _COLUMNS[name]

    def plan(rows: Rows) -> Column:
        values = rows.column(column)
        if values.dtype == np.uint64:
            values = values.view(np.int64)
        elif values.dtype == np.uint32:
            values = values.astype(np.int64)
        # Points of other kinds have no number at all.
        nil = rows.column("p_kind") > PointKind.DOUBLE if name in _NUMBERS_ONLY and rows.has_sides else None
        return Column(kind, values, nil)

    return plan


def now_plan() -> Plan:
    """When the payload of each row arrived."""
    return lambda rows: Column("time", rows.arrivals())


def constant_plan(kind: str, value: float) -> Plan:
    """One number for all rows."""
    made = Column(kind, np.float64(value) if kind == "float" else np.int64(value))
    return lambda _rows: made


def _either(first: Mask | None, second: Mask | None) -> Mask | None:
    if first is None or second is None:
        return second if first is None else first
    return first | second


# -- arithmetic -------------------------------------------------------------------------------------------------------


def arithmetic_plan(left: Plan | None, op: str, right: Plan | None, *, mixed: bool) -> Plan | None:
    """Two columns joined; nil and divisions by zero are odd."""
    if left is None or right is None:
        return None

    def plan(rows: Rows) -> Column | None:
        a, b = left(rows), right(rows)
        if a is None or b is None:
            return None
        if mixed and {a.kind, b.kind} == _NUMBERS:
            a, b = _as_floats(a), _as_floats(b)
        kind = _RESULT.get((a.kind, op, b.kind))
        if kind is None:
            return None
        odd = _either(_either(a.odd, b.odd), _either(a.nil, b.nil))
        with np.errstate(all="ignore"):
            values, failed = _join(a, op, b)
        return Column(kind, values, None, _either(odd, failed))

    return plan


_RESULT: Final[Mapping[tuple[str, str, str], str]] = {
    **{("int", op, "int"): "int" for op in "+-*/"},
    **{("float", op, "float"): "float" for op in "+-*/"},
    ("time", "+", "duration"): "time",
    ("time", "-", "duration"): "time",
    ("time", "-", "time"): "duration",
    ("duration", "+", "duration"): "duration",
    ("duration", "-", "duration"): "duration",
    ("duration", "+", "time"): "time",
}


def _as_floats(column: Column) -> Column:
    values = np.asarray(column.values).astype(np.float64)
    return Column("float", values[()] if values.ndim == 0 else values, column.nil, column.odd)


def _join(a: Column, op: str, b: Column) -> tuple[Any, Mask | None]:
    left, right = a.values, b.values
    if op == "+":
        return left + right, None
    if op == "*":
        return left * right, None
    if op == "-":
        made = left - right
        if a.kind == b.kind == "time":
            # A span that does not fit is cut, which is left to the slow way.
            wrapped = ((left ^ right) & (left ^ made)) < 0
            return made, wrapped
        return made, None
    zero = np.equal(right, 0)
    if a.kind == "float":
        return left / np.where(zero, np.float64(1), right), np.broadcast_to(zero, np.shape(left + right))
    safe = np.where(zero, np.int64(1), right)
    quotient = np.abs(left) // np.abs(safe)
    made = np.where((left < 0) != (safe < 0), -quotient, quotient)
    # The least number has no absolute value.
    low = np.iinfo(np.int64).min
    odd = zero | (left == low) | (right == low)
    return made, np.broadcast_to(odd, np.shape(made))


# -- conversions ------------------------------------------------------------------------------------------------------


def as_int(inner: Plan | None) -> Plan | None:
    """Whole numbers; fractions are cut as the collector's processor cuts them."""
    if inner is None:
        return None

    def plan(rows: Rows) -> Column | None:
        found = inner(rows)
        if found is None or found.kind not in {"int", "float"}:
            return None
        if found.kind == "int":
            return found
        low = np.iinfo(np.int64).min
        with np.errstate(invalid="ignore"):
            fits = (found.values >= -(2.0**63)) & (found.values < 2.0**63)
            values = np.where(fits, found.values, 0.0).astype(np.int64)
        return Column("int", np.where(fits, values, low), found.nil, found.odd)

    return plan


def as_float(inner: Plan | None) -> Plan | None:
    """Numbers with a fraction."""
    if inner is None:
        return None

    def plan(rows: Rows) -> Column | None:
        found = inner(rows)
        if found is None or found.kind not in {"int", "float"}:
            return None
        values = found.values if found.kind == "float" else np.asarray(found.values).astype(np.float64)
        return Column("float", values, found.nil, found.odd)

    return plan


_YEAR_ONE: Final = 62_135_596_800_000_000_000


def truncated(time: Plan | None, duration: Plan | None) -> Plan | None:
    """Times cut to a multiple of a span, counted from the year 1."""
    if time is None or duration is None:
        return None

    def plan(rows: Rows) -> Column | None:
        t, d = time(rows), duration(rows)
        if t is None or d is None or t.kind != "time" or d.kind != "duration" or np.ndim(d.values):
            return None
        span = int(d.values)
        if span <= 0:
            return t
        # The year 1 is further back than 64 bits of nanoseconds reach.
        offset = np.int64(_YEAR_ONE % span)
        rest = (t.values % np.int64(span) + offset) % np.int64(span)
        return Column("time", t.values - rest, t.nil, t.odd)

    return plan


def unix_plan(time: Plan | None, scale: int) -> Plan | None:
    """Times as whole numbers of a unit; the first moments are left to the slow way."""
    if time is None:
        return None

    def plan(rows: Rows) -> Column | None:
        found = time(rows)
        if found is None or found.kind != "time":
            return None
        odd = _either(found.odd, np.asarray(found.values < 0)) if scale != 1 else found.odd
        return Column("int", found.values // np.int64(scale), found.nil, odd)

    return plan


# -- comparison -------------------------------------------------------------------------------------------------------

_OPS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def compare_columns(
    left: Plan | None, op: str, right: Plan | None
) -> Callable[[Rows], tuple[Mask, Mask | None] | None] | None:
    """How to compare two columns: where it holds, and which rows are odd; ``None`` = one by one."""
    if left is None or right is None:
        return None
    operate = _OPS[op]

    def over(rows: Rows) -> tuple[Mask, Mask | None] | None:
        a, b = left(rows), right(rows)
        if a is None or b is None or not (a.kind == b.kind or {a.kind, b.kind} <= _NUMBERS):
            return None
        values, limit = a.values, b.values
        if a.kind != b.kind:
            values, limit = np.asarray(values).astype(np.float64), np.asarray(limit).astype(np.float64)
        with np.errstate(invalid="ignore"):
            found: Mask = np.asarray(operate(values, limit), dtype=np.bool_)
        if found.ndim == 0:
            found = np.full(len(rows), bool(found))
        odd = _either(a.odd, b.odd)
        if a.nil is not None or b.nil is not None:
            no_a = np.zeros(len(rows), dtype=np.bool_) if a.nil is None else a.nil
            no_b = np.zeros(len(rows), dtype=np.bool_) if b.nil is None else b.nil
            # Nil equals nil and is unequal to everything else.
            both, one = no_a & no_b, no_a ^ no_b
            found = np.where(both, op in {"==", "<=", ">="}, np.where(one, op == "!=", found))
        return found, odd

    return over
