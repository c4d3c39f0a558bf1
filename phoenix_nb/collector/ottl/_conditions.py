"""Conditions over whole columns: decided once per distinct value, then spread to the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector.ottl import _ast as ast
from phoenix_nb.collector.ottl._bind import Binder, BindError
from phoenix_nb.collector.ottl._columns import compare_columns
from phoenix_nb.collector.ottl._context import ROW_AXES, Axis, Item
from phoenix_nb.collector.ottl._getters import Getter
from phoenix_nb.collector.ottl._lookups import Bulk, booleans, compare_bulk
from phoenix_nb.collector.ottl._rows import Rows, first_rows
from phoenix_nb.collector.ottl._runtime import OttlError, compare, kind_of

__all__ = ["Chain", "Condition", "Negation", "Outcome", "bind_condition"]

Mask = npt.NDArray[np.bool_]
Ids = npt.NDArray[np.int32]
_FALSE, _TRUE, _FAILED = 0, 1, 2
_UNKNOWN: Final = -1
_MANY: Final = 16
"""New entries from which on they are decided at once."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a condition is for every row; a row where it failed is neither true nor false."""

    true: Mask
    """Where it holds."""
    error: Ids | None = None
    """Per row the number of its error in :attr:`errors`, -1 where there is none; ``None`` = no error at all."""
    errors: Sequence[str] = ()
    """The texts; more than are in use."""

    @property
    def failed(self) -> Mask | None:
        """Where it could not be evaluated; ``None`` = nowhere."""
        return None if self.error is None else self.error >= 0

    @property
    def any_failed(self) -> bool:
        """Whether it failed for any row."""
        return self.error is not None


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
            return _constant(node.value)
        case ast.Call():
            return _boolean(binder.call(node))
        case ast.Compare():
            return _comparison(binder.value(node.left), node.op, binder.value(node.right))
        case ast.Not():
            inner = bind_condition(node.condition, binder)
            return _constant(not inner.value) if isinstance(inner, _Constant) else Negation(inner)
        case ast.And():
            return _chain([bind_condition(part, binder) for part in node.conditions], stop=False)
        case ast.Or():
            return _chain([bind_condition(part, binder) for part in node.conditions], stop=True)


def _chain(parts: Sequence[Condition], *, stop: bool) -> Condition:
    """What literals decide is decided now, so that nothing else is evaluated and nothing can fail."""
    open_parts: list[Condition] = []
    for part in parts:
        if not isinstance(part, _Constant):
            open_parts.append(part)
        elif part.value is stop:
            return _constant(stop)
    if not open_parts:
        return _constant(not stop)
    return open_parts[0] if len(open_parts) == 1 else Chain(open_parts, stop=stop)


class _Constant:
    """Always the same."""

    def __init__(self, value: bool) -> None:
        self.value = value
        self.axes: frozenset[Axis] = frozenset()

    def test(self, item: Item) -> bool:
        del item
        return self.value

    def over(self, rows: Rows) -> Outcome:
        return Outcome(np.full(len(rows), self.value, dtype=np.bool_))


def _constant(value: bool) -> _Constant:
    return _Constant(value)


_NOT_BOOL: Final = "value returned from Converter in constant expression must be bool but got {}"


def _boolean(getter: Getter) -> Condition:
    if getter.constant:
        value = getter.get(Item())
        if not isinstance(value, bool):
            raise BindError(_NOT_BOOL.format(kind_of(value)))
        return _constant(value)

    def test(item: Item) -> bool:
        value = getter.get(item)
        if not isinstance(value, bool):
            raise OttlError(_NOT_BOOL.format(kind_of(value)))
        return value

    return _Leaf(getter.axes, test, bulk=getter.bulk)


def _comparison(left: Getter, op: str, right: Getter) -> Condition:
    if left.constant and right.constant:
        return _constant(compare(left.get(Item()), op, right.get(Item())))

    def test(item: Item) -> bool:
        return compare(left.get(item), op, right.get(item))

    columns = compare_columns(left.plan, op, right.plan) if "point" in left.axes | right.axes else None
    bulk = None
    if right.constant:
        bulk = compare_bulk(left.bulk, op, right.get(Item()), swapped=False)
    elif left.constant:
        bulk = compare_bulk(right.bulk, op, left.get(Item()), swapped=True)
    return _Leaf(left.axes | right.axes, test, columns, bulk)


class _Leaf:
    """A condition that is evaluated as a whole, once per distinct combination of what it depends on."""

    def __init__(
        self,
        axes: frozenset[Axis],
        test: Callable[[Item], bool],
        columns: Callable[[Rows], tuple[Mask, Mask | None] | None] | None = None,
        bulk: Bulk | None = None,
    ) -> None:
        self.axes = axes
        self.test = test
        self._columns = columns
        self._bulk = bulk
        self._order = tuple(sorted(axes))
        # The last place is for -1, a part that the sender left out.
        self._table = np.full(64, _UNKNOWN, dtype=np.int32)
        self._numbers: dict[str, int] = {}
        self._texts: list[str] = []

    def over(self, rows: Rows) -> Outcome:
        count = len(rows)
        if self._columns is not None:
            found = self._columns(rows)
            if found is not None:
                return self._mended(rows, *found)
        if not count:
            return Outcome(np.zeros(0, dtype=np.bool_))
        if self.axes & ROW_AXES:
            codes = np.fromiter(
                (self._code(rows.item(row, self.axes)) for row in range(count)), dtype=np.int32, count=count
            )
        elif not self._order:
            codes = np.full(count, self._code(Item()), dtype=np.int32)
        else:
            codes = self._by_table(rows, rows.combination(self._order))
        return self._outcome(codes)

    def _mended(self, rows: Rows, true: Mask, odd: Mask | None) -> Outcome:
        """Rows that a column cannot decide are decided one by one."""
        if odd is None or not odd.any():
            return Outcome(true)
        codes = true.astype(np.int32)
        for row in np.flatnonzero(odd).tolist():
            codes[row] = self._code(rows.item(row, self.axes))
        return self._outcome(codes)

    def _outcome(self, codes: Ids) -> Outcome:
        true = codes == _TRUE
        if not self._texts:
            return Outcome(true)
        error = codes - np.int32(_FAILED)
        return Outcome(true, np.maximum(error, -1), self._texts) if (error >= 0).any() else Outcome(true)

    def _code(self, item: Item) -> int:
        try:
            return _TRUE if self.test(item) else _FALSE
        except OttlError as exc:
            text = str(exc)
            number = self._numbers.get(text)
            if number is None:
                number = self._numbers[text] = len(self._texts)
                self._texts.append(text)
            return _FAILED + number

    def _by_table(self, rows: Rows, ids: Ids) -> Ids:
        top = int(ids.max())
        if top >= len(self._table) - 1:
            grown = np.full(max(top + 2, 2 * len(self._table)), _UNKNOWN, dtype=np.int32)
            grown[: len(self._table) - 1] = self._table[:-1]
            grown[-1] = self._table[-1]
            self._table = grown
        codes: Ids = self._table[ids]
        if int(codes.min()) < 0:
            unknown = np.flatnonzero(codes < 0)
            new, first = first_rows(ids[unknown])
            decided = self._decided(rows, new.tolist()) if len(new) >= _MANY else None
            if decided is not None:
                self._table[new] = decided
            else:
                for number, at in zip(new.tolist(), unknown[first].tolist(), strict=True):
                    self._table[number] = self._code(rows.item(at, self.axes))
            codes = self._table[ids]
        return codes

    def _decided(self, rows: Rows, numbers: list[int]) -> Sequence[bool] | None:
        """Many entries at once, where the condition depends on one dictionary only and nothing fails."""
        if self._bulk is None:
            return None
        return booleans(self._bulk, rows.entries(self._bulk.axis, numbers))


class Negation:
    """``not``."""

    def __init__(self, inner: Condition) -> None:
        self.inner = inner
        self.axes = inner.axes

    def test(self, item: Item) -> bool:
        return not self.inner.test(item)

    def over(self, rows: Rows) -> Outcome:
        inner = self.inner.over(rows)
        true = ~inner.true
        if inner.error is not None:
            true &= inner.error < 0
        return Outcome(true, inner.error, inner.errors)


class Chain:
    """``and`` and ``or``: tried in order, the first one that decides ends it, and so does one that fails.

    Args:
        stop: the value that decides: true for ``or``, false for ``and``.
    """

    def __init__(self, parts: Sequence[Condition], *, stop: bool) -> None:
        self.parts = parts
        self.stop = stop
        self.axes = frozenset[Axis]().union(*(part.axes for part in parts))

    def test(self, item: Item) -> bool:
        return next((self.stop for part in self.parts if part.test(item) is self.stop), not self.stop)

    def over(self, rows: Rows) -> Outcome:
        first = self.parts[0].over(rows)
        if self.stop:
            decided, open_rows = first.true, ~first.true
        else:
            decided, open_rows = first.true, first.true.copy()
        error, errors = first.error, list(first.errors)
        if error is not None:
            error = error.copy()
            open_rows &= error < 0
        for part in self.parts[1:]:
            if not open_rows.any():
                break
            found = part.over(rows)
            if found.error is not None:
                here = (found.error >= 0) & open_rows
                if here.any():
                    if error is None:
                        error = np.full(len(rows), -1, dtype=np.int32)
                    error[here] = found.error[here] + np.int32(len(errors))
                    errors.extend(found.errors)
                    open_rows &= ~here
            if self.stop:
                hit = found.true & open_rows
                decided = decided | hit
                open_rows &= ~hit
            else:
                open_rows &= found.true
        return Outcome(decided if self.stop else open_rows, error, errors)
