"""Values in a table: the JSON of each by its id, and the columns that lists are filtered and ordered by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, Generic, Protocol, Self, TypeVar

import duckdb

from phoenix_nb.errors import ConflictError, InternalError, InvalidRequestError, NotFoundError, StorageError

__all__ = ["Cursor", "Documents", "VersionedDocuments", "just", "storable", "stored_value"]

Cursor = duckdb.DuckDBPyConnection
Column = str | int | datetime
Matching = Mapping[str, Sequence[str]]
"""Per column the values that are wanted: OR inside a column, AND between columns; no values means any."""

_PAGE_AFTER: Final = "older-than:"
"""What page tokens begin with; the id follows that the last page ended with."""


class _Kept(Protocol):
    @property
    def id(self) -> str: ...

    def model_dump_json(self) -> str: ...

    @classmethod
    def model_validate_json(cls, json_data: str) -> Self: ...


class _Versioned(_Kept, Protocol):
    @property
    def version(self) -> int: ...

    def model_copy(self, *, update: Mapping[str, object]) -> Self: ...


K = TypeVar("K", bound=_Kept)
W = TypeVar("W", bound=_Versioned)


class Documents(Generic[K]):
    """One table of values. Methods take the cursor of a running call, so that a store can put several in one.

    Args:
        model: kind of the values.
        table: its table; it has ``id`` and ``json`` and the columns.
        what: what one of them is called in messages.
        columns: the other columns of the table and how each is read off a value. ``json`` stays the truth.
    """

    def __init__(
        self, model: type[K], table: str, what: str, columns: Mapping[str, Callable[[K], Column]]
    ) -> None:
        self._model = model
        self._what = what
        self._columns = columns
        self._table = table
        names = [*columns, "json"]
        marks = ", ".join("?" * (len(names) + 1))
        # Only names that are written in this package go into SQL; what callers give goes in as parameters.
        self._insert = f"INSERT INTO {table} (id, {', '.join(names)}) VALUES ({marks})"  # noqa: S608
        self._replace = f"{self._insert} ON CONFLICT (id) DO UPDATE SET " + ", ".join(
            f"{name} = excluded.{name}" for name in names
        )
        self._update = f"UPDATE {table} SET {', '.join(f'{name} = ?' for name in names)} WHERE id = ?"  # noqa: S608

    def find(self, cursor: Cursor, key: str) -> K | None:
        """The value with this id; ``None`` when there is none."""
        row = cursor.execute(f"SELECT json FROM {self._table} WHERE id = ?", [storable(key)]).fetchone()  # noqa: S608
        return None if row is None else self._value(row[0])

    def get(self, cursor: Cursor, key: str) -> K:
        """The value with this id.

        Raises:
            NotFoundError: there is none.
        """
        found = self.find(cursor, key)
        if found is None:
            raise self.missing(key)
        return found

    def missing(self, key: str) -> NotFoundError:
        """The refusal of an unknown id."""
        return NotFoundError(f"there is no {self._what} {key!r}", details={"id": key})

    def add(self, cursor: Cursor, value: K) -> None:
        """Add a value.

        Raises:
            ConflictError: its id, or a column that is unique, is taken.
        """
        try:
            cursor.execute(self._insert, [value.id, *self._row(value)])
        except duckdb.ConstraintException as error:
            raise ConflictError(
                f"{self._what} {value.id!r}, or another one with its name, exists already",
                hint="choose another name, or use the one that is there",
                details={"id": value.id},
            ) from error

    def put(self, cursor: Cursor, value: K) -> None:
        """Add a value, or replace the one with the same id."""
        cursor.execute(self._replace, [value.id, *self._row(value)])

    def remove(self, cursor: Cursor, key: str) -> bool:
        """Remove the value with this id; tells whether there was one."""
        row = cursor.execute(f"DELETE FROM {self._table} WHERE id = ?", [storable(key)]).fetchone()  # noqa: S608
        return row is not None and row[0] > 0

    def select(self, cursor: Cursor, matching: Matching, order: str) -> list[K]:
        """Every value that matches, in an order that is given as SQL."""
        where, wanted = _where(matching)
        rows = cursor.execute(f"SELECT json FROM {self._table} {where} ORDER BY {order}", wanted).fetchall()  # noqa: S608
        return [self._value(text) for (text,) in rows]

    def page(
        self, cursor: Cursor, matching: Matching, token: str, size: int
    ) -> tuple[tuple[K, ...], str, int]:
        """At most ``size`` values that match, newest first; the token of the next page; how many match at all.

        A page begins after the last one's end, whatever was added, changed or deleted in between.

        Raises:
            InvalidRequestError: the token is none of ours.
        """
        if token and not token.startswith(_PAGE_AFTER):
            raise InvalidRequestError(
                "the page token is none of ours",
                hint="take it from next_page_token of the last answer, or leave it out to begin",
                details={"page_token": token},
            )
        where, wanted = _where(matching)
        (total,) = _one(cursor.execute(f"SELECT count(*) FROM {self._table} {where}", wanted))  # noqa: S608
        if token:
            where, wanted = (
                f"{where} {'AND' if where else 'WHERE'} id < ?",
                [*wanted, token[len(_PAGE_AFTER) :]],
            )
        rows = cursor.execute(
            f"SELECT json FROM {self._table} {where} ORDER BY id DESC LIMIT ?",  # noqa: S608
            [*wanted, size + 1],
        ).fetchall()
        found = tuple(self._value(text) for (text,) in rows[:size])
        return found, f"{_PAGE_AFTER}{found[-1].id}" if len(rows) > size else "", total

    def _row(self, value: K) -> list[Column]:
        return [*(read(value) for read in self._columns.values()), value.model_dump_json()]

    def _value(self, text: str) -> K:
        return stored_value(self._model, text, self._what)


class VersionedDocuments(Documents[W]):
    """Values that count their changes in ``version``, which is a column too."""

    def swap(self, cursor: Cursor, value: W) -> W:
        """Replace the stored value whose version equals this one's; returns it with the next version.

        Raises:
            NotFoundError: there is no such value.
            ConflictError: somebody changed it first.
        """
        fresh = value.model_copy(update={"version": value.version + 1})
        row = cursor.execute(
            f"{self._update} AND version = ?", [*self._row(fresh), value.id, value.version]
        ).fetchone()
        if row is None or not row[0]:
            stored = self.get(cursor, value.id)
            raise ConflictError(
                f"{self._what} {value.id} was changed by somebody else",
                hint="read it again and repeat the change",
                details={"id": value.id, "version": value.version, "stored_version": stored.version},
            )
        return fresh


def just(value: str | None) -> tuple[str, ...]:
    """What a filter field with one value asks for; absent means any."""
    return () if value is None else (value,)


def storable(text: str) -> str:
    """The text itself, when it can be in a database at all.

    Raises:
        InvalidRequestError: it is not Unicode: it has half of a surrogate pair.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequestError(
            f"{text!r} is not Unicode text", hint="ids and keys are plain text", details={"text": repr(text)}
        ) from error
    return text


def stored_value(model: type[K], text: str, what: str) -> K:
    """The value that was stored as this JSON.

    Raises:
        StorageError: it is not one.
    """
    try:
        return model.model_validate_json(text)
    except ValueError as error:
        raise StorageError(
            f"a stored {what} cannot be read: {error}",
            hint="the store was written by another version of Phoenix, or changed by hand",
            details={"kind": what},
        ) from error


def _where(matching: Matching) -> tuple[str, list[object]]:
    asked = {name: [storable(str(one)) for one in values] for name, values in matching.items() if values}
    if not asked:
        return "", []
    return "WHERE " + " AND ".join(f"{name} IN ?" for name in asked), [*asked.values()]


def _one(cursor: Cursor) -> tuple[int, ...]:
    row = cursor.fetchone()
    if row is None:
        message = "a count had no row"
        raise InternalError(message)
    return row
