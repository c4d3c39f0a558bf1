"""Statements over whole columns: done once per distinct combination of what they depend on, then spread to the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector.ottl import _ast as ast
from phoenix_nb.collector.ottl._bind import Binder, Made
from phoenix_nb.collector.ottl._by_series import by_series
from phoenix_nb.collector.ottl._conditions import Condition, Outcome, bind_condition
from phoenix_nb.collector.ottl._context import ROW_AXES, Axis, Item
from phoenix_nb.collector.ottl._function import Target
from phoenix_nb.collector.ottl._getters import Getter
from phoenix_nb.collector.ottl._rows import Rows, first_rows
from phoenix_nb.collector.ottl._runtime import OttlError
from phoenix_nb.otlp import Attributes, PointKind, Resource, Scope

__all__ = ["COLUMN_OF", "LEVEL_OF", "Failures", "Statement", "bind_statement", "intern_axis"]

Mask = npt.NDArray[np.bool_]
Ids = npt.NDArray[np.int32]
LEVEL_OF: Final = {
    "resource": "rm",
    "resource_schema": "rm",
    "scope": "sm",
    "scope_schema": "sm",
    "header": "m",
    "attributes": "p",
    "point": "p",
}
"""The level whose rows own what an axis stands for; scratch maps belong to the level of their context."""
COLUMN_OF: Final = {
    "resource": "rm_resource",
    "resource_schema": "rm_schema",
    "scope": "sm_scope",
    "scope_schema": "sm_schema",
    "header": "m_header",
    "attributes": "p_attributes",
    "cache": "cache",
}
"""The column that holds an axis."""
FIELD_OF: Final = {"header": "metric"}


@dataclass(frozen=True, slots=True)
class Failures:
    """Rows for which a statement failed."""

    rows: npt.NDArray[np.intp]
    """The rows, in order."""
    error: Ids
    """Per row its error in :attr:`errors`."""
    errors: list[str]
    """The texts; more than are in use."""

    def text(self, at: int) -> str:
        """The error of one of the rows."""
        return self.errors[int(self.error[at])]


def intern_axis(rows: Rows, axis: Axis, item: Item, before: int) -> int:
    """The id of what an item has on an axis; an empty one that the sender left out stays left out."""
    known = rows.frames.dictionaries
    if axis == "resource":
        if before < 0 and item.resource == Resource():
            return before
        return known.resources.intern(item.resource)
    if axis == "scope":
        if before < 0 and item.scope == Scope():
            return before
        return known.scopes.intern(item.scope)
    if axis == "header":
        return known.headers.intern(item.metric)
    if axis == "attributes":
        made = item.attributes
        return known.attribute_sets.intern(made if type(made) is Attributes else Attributes(made.items()))
    if axis == "cache":
        assert rows.caches is not None  # noqa: S101 - whoever runs statements gives one
        return rows.caches.intern(item.cache)
    return known.schema_urls.intern(item.resource_schema if axis == "resource_schema" else item.scope_schema)


class Statement:
    """A bound statement.

    Args:
        text: as written, with every path naming its context.
        made: the call of its editor.
        where: when it runs; ``None`` = always.
    """

    def __init__(self, text: str, made: Made, where: Condition | None) -> None:
        self.text = text
        self.made = made
        self.where = where
        self.writes = made.writes
        self.axes = made.getter.axes | made.writes | (where.axes if where is not None else frozenset())
        self._order = tuple(sorted(made.getter.axes | made.writes))
        self._editor_axes = frozenset(self._order)
        # 0 = not tried yet, otherwise the new id + 2; -1 in an id column means that the sender left the part out.
        self._results = np.zeros(64, dtype=np.int32)
        self._failed = np.full(64, -1, dtype=np.int32)
        self._numbers: dict[str, int] = {}
        self._texts: list[str] = []

    def run(self, item: Item) -> None:
        """Do it for one item, whatever its condition says; may raise :class:`OttlError`."""
        self.made.getter.get(item)

    def when(self, rows: Rows, active: Mask | None) -> tuple[Mask | None, Outcome | None]:
        """The rows for which it runs (``None`` = all), and what its condition was."""
        if self.where is None:
            return active, None
        outcome = self.where.over(rows)
        return (outcome.true if active is None else outcome.true & active), outcome

    def apply(self, rows: Rows, mask: Mask | None) -> Failures | None:
        """Do it for rows; writes go to the columns of ``rows``.

        Only for statements that write what the rows own themselves.
        """
        (axis,) = self.writes
        chosen = np.arange(len(rows)) if mask is None else np.flatnonzero(mask)
        if not len(chosen):
            return None
        if axis == "point":
            odd = self._by_columns(rows, mask)
            chosen = chosen if odd is None else chosen[odd[chosen]]
            return self._by_rows(rows, chosen) if len(chosen) else None
        if self._editor_axes & ROW_AXES:
            return self._by_rows(rows, chosen)
        return self._by_ids(rows, axis, mask, chosen)

    # -- by distinct values ----------------------------------------------------------------------------------

    def _by_ids(self, rows: Rows, axis: Axis, mask: Mask | None, chosen: Any) -> Failures | None:
        before = rows.ids(axis)
        keys = rows.combination(self._order)
        keys = keys if mask is None else keys[chosen]
        top = int(keys.max())
        if top >= len(self._results) - 1:
            size = max(top + 2, 2 * len(self._results))
            for name, fill in (("_results", 0), ("_failed", -1)):
                old = getattr(self, name)
                grown = np.full(size, fill, dtype=np.int32)
                grown[: len(old) - 1] = old[:-1]
                grown[-1] = old[-1]
                setattr(self, name, grown)
        found = self._results[keys]
        if not found.all():
            unknown = np.flatnonzero(found == 0)
            new, first = first_rows(keys[unknown])
            for number, at in zip(new.tolist(), chosen[unknown[first]].tolist(), strict=True):
                self._learn(rows, axis, number, at, int(before[at]))
            found = self._results[keys]
        found = found - np.int32(2)
        if mask is None:
            after = found
        else:
            after = before.copy()
            after[chosen] = found
        rows.set_column(COLUMN_OF[axis], after)
        if not self._texts:
            return None
        failed = self._failed[keys]
        bad = failed >= 0
        return Failures(chosen[bad], failed[bad], self._texts) if bad.any() else None

    def _learn(self, rows: Rows, axis: Axis, number: int, at: int, before: int) -> None:
        item = rows.item(at, self._editor_axes)
        old = getattr(item, FIELD_OF.get(axis, axis))
        try:
            self.run(item)
        except OttlError as exc:
            self._failed[number] = self._number(str(exc))
        unchanged = getattr(item, FIELD_OF.get(axis, axis)) is old
        self._results[number] = (before if unchanged else intern_axis(rows, axis, item, before)) + 2

    def _number(self, text: str) -> int:
        number = self._numbers.get(text)
        if number is None:
            number = self._numbers[text] = len(self._texts)
            self._texts.append(text)
        return number

    # -- by columns ------------------------------------------------------------------------------------------

    def _by_columns(self, rows: Rows, mask: Mask | None) -> Mask | None:
        """Write what whole columns give; returns the rows that are left, ``None`` = all of them."""
        target, value = self.made.arguments.get("target"), self.made.arguments.get("value")
        if (
            self.made.function.name != "set"
            or not isinstance(target, Target)
            or not isinstance(value, Getter)
        ):
            return None
        kind = _WRITABLE.get(target.name)
        column = None if kind is None or value.plan is None else value.plan(rows)
        if column is None or column.kind != kind:
            return None
        values = column.values if np.ndim(column.values) else np.broadcast_to(column.values, len(rows))
        fine = np.ones(len(rows), dtype=np.bool_) if mask is None else mask
        odd = np.zeros(len(rows), dtype=np.bool_) if column.odd is None else column.odd
        if target.name in {"value_int", "value_double"} and rows.has_sides:
            odd = odd | (rows.column("p_kind") > PointKind.DOUBLE)
        # Nil changes nothing.
        fine = fine & ~odd if column.nil is None else fine & ~odd & ~column.nil
        self._write(rows, target.name, values, None if fine.all() else fine)
        return odd

    @staticmethod
    def _write(rows: Rows, name: str, values: Any, fine: Mask | None) -> None:
        def put(column: str, new: Any) -> None:
            dtype = rows.column(column).dtype
            made = np.asarray(new)
            made = (
                made.view(np.uint64) if dtype == np.uint64 and made.dtype == np.int64 else made.astype(dtype)
            )
            if fine is not None:
                made = np.where(fine, made, rows.column(column))
            rows.set_column(column, np.ascontiguousarray(made))

        size = len(rows)
        if name == "value_double":
            put("p_double", values)
            put("p_int", np.zeros(size, dtype=np.int64))
            put("p_kind", np.full(size, PointKind.DOUBLE, dtype=np.uint8))
        elif name == "value_int":
            put("p_int", values)
            put("p_double", np.zeros(size, dtype=np.float64))
            put("p_kind", np.full(size, PointKind.INT, dtype=np.uint8))
        else:
            put("p_start" if name.startswith("start") else "p_time", np.ascontiguousarray(values))

    # -- one by one ------------------------------------------------------------------------------------------

    def _by_rows(self, rows: Rows, chosen: Any) -> Failures | None:
        (axis,) = self.writes
        column = COLUMN_OF.get(axis)
        ids = None if column is None else rows.ids(axis).copy()
        points = _PointWriter(rows) if axis == "point" else None
        failed: list[tuple[int, int]] = []
        for row in chosen.tolist():
            item = rows.item(row, self._editor_axes)
            try:
                self.run(item)
            except OttlError as exc:
                failed.append((row, self._number(str(exc))))
            if ids is not None:
                ids[row] = intern_axis(rows, axis, item, int(ids[row]))
            elif points is not None:
                points.write(row, item.point)
        if ids is not None and column is not None:
            rows.set_column(column, ids)
        if points is not None:
            points.finish()
        if not failed:
            return None
        return Failures(
            np.array([row for row, _ in failed], dtype=np.intp),
            np.array([number for _, number in failed], dtype=np.int32),
            self._texts,
        )


_WRITABLE: Final = {
    "value_double": "float",
    "value_int": "int",
    "time": "time",
    "start_time": "time",
    "time_unix_nano": "int",
    "start_time_unix_nano": "int",
}


class _PointWriter:
    """Writes single points back into columns, which are copied once."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._columns: dict[str, Any] = {
            name: rows.column(name).copy()
            for name in ("p_start", "p_time", "p_kind", "p_int", "p_double", "p_flags", "p_side")
        }

    def write(self, row: int, point: Any) -> None:
        columns = self._columns
        columns["p_start"][row] = point.start
        columns["p_time"][row] = point.time
        columns["p_kind"][row] = point.kind
        columns["p_int"][row] = point.as_int
        columns["p_double"][row] = point.as_double
        columns["p_flags"][row] = point.flags
        number = int(columns["p_side"][row])
        if point.side is not None and (number < 0 or self._rows.side(number) is not point.side):
            columns["p_side"][row] = self._rows.add_side(point.side)

    def finish(self) -> None:
        for name, values in self._columns.items():
            self._rows.set_column(name, values)


def bind_statement(text: str, node: ast.Statement, binder: Binder) -> Statement:
    """Bind a statement to a context.

    Raises:
        BindError: a name, argument or key does not fit.
    """
    made = binder.made(node.editor)
    where = None if node.where is None else by_series(bind_condition(node.where, binder))
    return Statement(text, made, where)
