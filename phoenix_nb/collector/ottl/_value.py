"""Values over whole columns of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from phoenix_nb.collector.ottl._context import ROW_AXES, Axis, Item
from phoenix_nb.collector.ottl._getters import Getter
from phoenix_nb.collector.ottl._rows import Rows, first_rows
from phoenix_nb.collector.ottl._runtime import Duration, OttlError, Time, Value

__all__ = ["ValueExpression", "Values"]


@dataclass(frozen=True, slots=True)
class Values:
    """A value for every row."""

    values: list[Value]
    """The values; ``None`` is nil, and also stands where it failed."""
    errors: dict[int, str]
    """Rows where it could not be evaluated, and why."""


class ValueExpression:
    """A bound value expression."""

    def __init__(self, getter: Getter) -> None:
        self._getter = getter
        self._order = tuple(sorted(getter.axes))
        self._known: dict[int, Value | OttlError] = {}

    @property
    def axes(self) -> frozenset[Axis]:
        """What the value depends on."""
        return self._getter.axes

    def get(self, item: Item) -> Value:
        """The value for one item; may raise :class:`OttlError` of the runtime."""
        return self._getter.get(item)

    def over(self, rows: Rows) -> Values:
        """The value of every row."""
        made = self._by_column(rows)
        if made is None:
            made = self._by_row(rows) if self.axes & ROW_AXES or not self._order else self._by_id(rows)
        errors = {row: str(value) for row, value in enumerate(made) if isinstance(value, OttlError)}
        values: list[Any] = [None if isinstance(value, OttlError) else value for value in made]
        return Values(values, errors)

    def _by_column(self, rows: Rows) -> list[Value | OttlError] | None:
        plan = self._getter.plan
        column = None if plan is None else plan(rows)
        if column is None:
            return None
        made: list[Any] = np.broadcast_to(column.values, len(rows)).tolist()
        if column.kind == "time":
            made = [Time(nanos) for nanos in made]
        elif column.kind == "duration":
            made = [Duration(nanos) for nanos in made]
        if column.nil is not None:
            for row in np.flatnonzero(column.nil).tolist():
                made[row] = None
        if column.odd is not None:
            for row in np.flatnonzero(column.odd).tolist():
                made[row] = self._one(rows.item(row, self.axes))
        return made

    def _by_row(self, rows: Rows) -> list[Value | OttlError]:
        return [self._one(rows.item(row, self.axes)) for row in range(len(rows))]

    def _by_id(self, rows: Rows) -> list[Value | OttlError]:
        ids = rows.combination(self._order)
        if not len(ids):
            return []
        new, first = first_rows(ids)
        for number, at in zip(new.tolist(), first.tolist(), strict=True):
            if number not in self._known:
                self._known[number] = self._one(rows.item(at, self.axes))
        return [self._known[number] for number in ids.tolist()]

    def _one(self, item: Item) -> Value | OttlError:
        try:
            return self._getter.get(item)
        except OttlError as exc:
            return exc
