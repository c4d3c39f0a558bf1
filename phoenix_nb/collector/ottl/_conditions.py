"""Conditions over whole columns: decided once per distinct value, then spread to the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector.ottl import _ast as ast
from phoenix_nb.collector.ottl._bind import Binder
from phoenix_nb.collector.ottl._columns import column_comparison
from phoenix_nb.collector.ottl._context import Axis, Item
from phoenix_nb.collector.ottl._getters import Getter
from phoenix_nb.collector.ottl._rows import Rows
from phoenix_nb.collector.ottl._runtime import OttlError, compare, kind_of

__all__ = ["Condition", "Outcome", "bind_condition"]

Mask = npt.NDArray[np.bool_]
_FALSE, _TRUE, _FAILED = 0, 1, 2
_ROW_AXES: Final = frozenset({"point", "points"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a condition is for every row; a row where it failed is neither true nor false."""

    true: Mask
    """Where it holds."""
    failed: Mask | None = None
    """Where it could not be evaluated; ``None`` = nowhere."""
    errors: tuple[str, ...] = ()
    """Why, each text once."""

    @property
    def any_failed(self) -> bool:
        """Whether it failed for any row."""
        return self.failed is not None and bool(self.failed.any())


class Condition(Protocol):
    """A bound condition."""

    axes: frozenset[Axis]

    def test(self, item: Item) -> bool:
        """Whether it holds for one item; may raise :class:`OttlError`."""
        ...

    def over(self, rows: Rows) -> Outcome:
        """What it is for every row."""
        ...


def bind_condition(node: ast.Condition, binder: Binder) -> Condition:
    """Bind a condition to a context.

    Raises:
        BindError: a name, argument or key does not fit.
    """
    match node:
        case ast.Const():
            value = node.value
            return _Leaf(frozenset(), lambda _item: value)
        case ast.Call():
            return _boolean(node.name, binder.call(node))
        case ast.Compare():
            return _comparison(binder.value(node.left), node.op, binder.value(node.right))
        case ast.Not():
            return _Not(bind_condition(node.condition, binder))
        case ast.And():
            return _Chain([bind_condition(part, binder) for part in node.conditions], stop=False)
        case ast.Or():
            return _Chain([bind_condition(part, binder) for part in node.conditions], stop=True)


def _boolean(name: str, getter: Getter) -> Condition:
    def test(item: Item) -> bool:
        value = getter.get(item)
        if not isinstance(value, bool):
            raise OttlError(f"{name} returned {kind_of(value)}, but a condition needs bool")
        return value

    return _Leaf(getter.axes, test)


def _comparison(left: Getter, op: str, right: Getter) -> Condition:
    def test(item: Item) -> bool:
        return compare(left.get(item), op, right.get(item))

    return _Leaf(left.axes | right.axes, test, column_comparison(left.plan, op, right.plan))


class _Leaf:
    """A condition that is evaluated as a whole, once per distinct combination of what it depends on."""

    def __init__(
        self,
        axes: frozenset[Axis],
        test: Callable[[Item], bool],
        columns: Callable[[Rows], Mask] | None = None,
    ) -> None:
        self.axes = axes
        self.test = test
        self._columns = columns
        self._order = tuple(sorted(axes))
        self._memo: dict[int | tuple[int, ...], int] = {}
        self._table = np.full(64, -1, dtype=np.int8)
        self._errors: dict[str, None] = {}

    def over(self, rows: Rows) -> Outcome:
        count = len(rows)
        if self._columns is not None:
            return Outcome(self._columns(rows))
        if self.axes & _ROW_AXES:
            codes = np.fromiter(
                (self._code(rows.item(row, self.axes)) for row in range(count)), dtype=np.int8, count=count
            )
        elif not self._order or not count:
            codes = np.full(count, self._code(Item()) if count else _FALSE, dtype=np.int8)
        elif len(self._order) == 1:
            codes = self._by_table(rows, rows.ids(self._order[0]))
        else:
            codes = self._by_combination(rows)
        failed = codes == _FAILED
        return Outcome(codes == _TRUE, *((failed, tuple(self._errors)) if failed.any() else ()))

    def _code(self, item: Item) -> int:
        try:
            return _TRUE if self.test(item) else _FALSE
        except OttlError as exc:
            self._errors[str(exc)] = None
            return _FAILED

    def _by_table(self, rows: Rows, ids: npt.NDArray[np.int32]) -> npt.NDArray[np.int8]:
        """One axis: a table by id, one place further up so that -1 (absent) has a place."""
        top = int(ids.max()) + 2
        if top > len(self._table):
            grown = np.full(max(top, 2 * len(self._table)), -1, dtype=np.int8)
            grown[: len(self._table)] = self._table
            self._table = grown
        codes = self._table[ids + 1]
        unknown = np.flatnonzero(codes < 0)
        if len(unknown):
            new, first = np.unique(ids[unknown], return_index=True)
            for number, at in zip(new.tolist(), unknown[first].tolist(), strict=True):
                self._table[number + 1] = self._code(rows.item(at, self.axes))
            codes = self._table[ids + 1]
        return codes

    def _by_combination(self, rows: Rows) -> npt.NDArray[np.int8]:
        columns = [rows.ids(axis).astype(np.int64) + 1 for axis in self._order]
        key = columns[0]
        for column in columns[1:]:
            # Dense numbers of what is combined so far, so that the next shift cannot run over 64 bits.
            if int(key.max()) >> 31:
                key = np.unique(key, return_inverse=True)[1].astype(np.int64)
            key = (key << 32) | column
        _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
        codes = np.empty(len(first), dtype=np.int8)
        for place, at in enumerate(first.tolist()):
            combination = tuple(int(column[at]) for column in columns)
            code = self._memo.get(combination)
            if code is None:
                code = self._memo[combination] = self._code(rows.item(at, self.axes))
            codes[place] = code
        return codes[inverse.reshape(-1)]


class _Not:
    def __init__(self, inner: Condition) -> None:
        self._inner = inner
        self.axes = inner.axes

    def test(self, item: Item) -> bool:
        return not self._inner.test(item)

    def over(self, rows: Rows) -> Outcome:
        inner = self._inner.over(rows)
        true = ~inner.true
        if inner.failed is not None:
            true &= ~inner.failed
        return Outcome(true, inner.failed, inner.errors)


class _Chain:
    """``and`` and ``or``: tried in order, the first one that decides ends it, and so does one that fails.

    Args:
        stop: the value that decides: true for ``or``, false for ``and``.
    """

    def __init__(self, parts: Sequence[Condition], *, stop: bool) -> None:
        self._parts = parts
        self._stop = stop
        self.axes = frozenset[Axis]().union(*(part.axes for part in parts))

    def test(self, item: Item) -> bool:
        return next((self._stop for part in self._parts if part.test(item) is self._stop), not self._stop)

    def over(self, rows: Rows) -> Outcome:
        open_rows = np.ones(len(rows), dtype=np.bool_)
        decided = np.zeros(len(rows), dtype=np.bool_)
        failed: Any = None
        errors: dict[str, None] = {}
        for part in self._parts:
            if not open_rows.any():
                break
            found = part.over(rows)
            if found.failed is not None:
                here = found.failed & open_rows
                if here.any():
                    failed = here if failed is None else failed | here
                    errors.update(dict.fromkeys(found.errors))
                    open_rows &= ~here
            hit = found.true if self._stop else ~found.true
            hit = hit & open_rows
            decided |= hit
            open_rows &= ~hit
        return Outcome(decided if self._stop else open_rows, failed, tuple(errors))
