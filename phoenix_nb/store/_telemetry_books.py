"""Values and series of runs: written once under the numbers of the run, read into any dictionaries."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from weakref import WeakKeyDictionary

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from phoenix_nb.errors import StorageError
from phoenix_nb.otlp import Attributes, Dictionaries, Dictionary, Frames, attribute_text
from phoenix_nb.otlp.wire import (
    attributes_wire,
    header_wire,
    parse_attributes,
    parse_header,
    parse_resource,
    parse_scope,
    resource_wire,
    scope_wire,
)

__all__ = ["BookReader", "Books"]

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
Cursor = duckdb.DuckDBPyConnection

_UNKNOWN: Final = -2
_TEXT_MAP: Final = pa.map_(pa.string(), pa.string())


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of value: where it lives, its exact bytes, and what people see of it."""

    dictionary: Callable[[Dictionaries], Dictionary[Any]]
    wire: Callable[[Any], bytes]
    parse: Callable[[bytes], Any]
    name: Callable[[Any], str] = lambda _: ""
    unit: Callable[[Any], str] = lambda _: ""
    attributes: Callable[[Any], Attributes] = lambda _: Attributes.EMPTY


_KINDS: Final = {
    "resource": _Kind(
        lambda known: known.resources,
        resource_wire,
        parse_resource,
        attributes=lambda value: value.attributes,
    ),
    "scope": _Kind(
        lambda known: known.scopes,
        scope_wire,
        parse_scope,
        name=lambda value: value.name,
        attributes=lambda value: value.attributes,
    ),
    "header": _Kind(
        lambda known: known.headers,
        header_wire,
        parse_header,
        name=lambda value: value.name,
        unit=lambda value: value.unit,
        attributes=lambda value: value.metadata,
    ),
    "attributes": _Kind(
        lambda known: known.attribute_sets, attributes_wire, parse_attributes, attributes=lambda value: value
    ),
    "schema": _Kind(lambda known: known.schema_urls, str.encode, bytes.decode, name=str),
}


class _Book:
    """What a writer knows to be in one book."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.appends = 0
        self._written: dict[str, Mask] = {}

    def take(self, kind: str, *columns: Array) -> Array:
        """The numbers in ``columns`` that were not taken before, increasing; -1 is no number."""
        before = self._written.get(kind, np.zeros(0, dtype=np.bool_))
        top = max((int(column.max()) + 1 for column in columns if len(column)), default=0)
        after = np.zeros(max(top, len(before)) + 1, dtype=np.bool_)
        for column in columns:
            after[column] = True  # an absent one marks the spare last place
        after = after[:-1]
        after[: len(before)] |= before
        self._written[kind] = after
        fresh = after.copy()
        fresh[: len(before)] &= ~before
        return np.flatnonzero(fresh).astype(np.int32)


class Books:
    """The books of all runs that write. Use it inside a write only, which the database does one at a time."""

    def __init__(self) -> None:
        # Weakly, since ids mean nothing once the dictionaries of a run are gone.
        self._books: WeakKeyDictionary[Dictionaries, dict[str, _Book]] = WeakKeyDictionary()

    def add(self, cursor: Cursor, experiment_id: str, frames: Frames) -> int:
        """Write what the payloads use and the book lacks, nothing else; returns the number of the book.

        What no payload uses stays out, because a run may have made it unreadable on purpose.
        """
        book = self._open(cursor, experiment_id, frames.dictionaries)
        # First in memory: when this transaction fails the counts differ, and the next append begins a new book.
        book.appends += 1
        cursor.execute("UPDATE telemetry_book SET appends = appends + 1 WHERE book = ?", [book.number])
        index = frames.dictionaries.series
        series = book.take("series", frames.p_series)
        attributes = index.attributes[series]
        columns = {
            "resource": (frames.rm_resource,),
            "scope": (frames.sm_scope,),
            "header": (frames.m_header,),
            "attributes": (attributes,),
            "schema": (frames.rm_schema, frames.sm_schema),
        }
        for kind, numbers in columns.items():
            _write_values(cursor, book.number, kind, frames.dictionaries, book.take(kind, *numbers))
        if len(series):
            table = pa.table(
                {
                    "series": series,
                    "resource": index.resource[series],
                    "scope": index.scope[series],
                    "header": index.header[series],
                    "attributes": attributes,
                }
            )
            cursor.register("fresh", table)
            cursor.execute("INSERT INTO telemetry_series SELECT ?, * FROM fresh", [book.number])
        return book.number

    def forget(self, experiment_id: str) -> None:
        """Begin new books for an experiment."""
        for books in self._books.values():
            books.pop(experiment_id, None)

    def _open(self, cursor: Cursor, experiment_id: str, dictionaries: Dictionaries) -> _Book:
        books = self._books.setdefault(dictionaries, {})
        book = books.get(experiment_id)
        if book is not None:
            row = cursor.execute(
                "SELECT appends FROM telemetry_book WHERE book = ?", [book.number]
            ).fetchone()
            if row == (book.appends,):
                return book
        (number,) = cursor.execute(
            "INSERT INTO telemetry_book VALUES (nextval('telemetry_numbers'), ?, 0) RETURNING book",
            [experiment_id],
        ).fetchall()[0]
        book = books[experiment_id] = _Book(number)
        return book


def _write_values(cursor: Cursor, book: int, kind: str, known: Dictionaries, numbers: Array) -> None:
    if not len(numbers):
        return
    how = _KINDS[kind]
    dictionary = how.dictionary(known)
    values = [dictionary[number] for number in numbers.tolist()]
    table = pa.table(
        {
            "id": numbers,
            "wire": pa.array(map(how.wire, values), type=pa.binary()),
            "name": pa.array(map(how.name, values), type=pa.string()),
            "unit": pa.array(map(how.unit, values), type=pa.string()),
            "attributes": pa.array([_texts(how.attributes(value)) for value in values], type=_TEXT_MAP),
        }
    )
    cursor.register("fresh", table)
    cursor.execute("INSERT INTO telemetry_value SELECT ?, ?, * FROM fresh", [book, kind])


def _texts(attributes: Attributes) -> list[tuple[str, str]]:
    # A map in SQL has each key once; as in the collector the first of two equal keys counts.
    return list({key: attribute_text(attributes[key]) for key in attributes}.items())


class BookReader:
    """Brings stored values into dictionaries, each value once.

    Args:
        known: where they go.
    """

    def __init__(self, known: Dictionaries) -> None:
        self._known = known
        self._numbers: dict[tuple[int, str], npt.NDArray[np.int32]] = {}

    def translate(self, cursor: Cursor, book: int, kind: str, stored: Array) -> Array:
        """Numbers in the dictionaries for stored ones; -1 stays. A series becomes the number of its attribute set.

        Raises:
            StorageError: the store lacks a value.
        """
        numbers = self._numbers.get((book, kind), np.zeros(0, dtype=np.int32))
        missing = int(stored.max(initial=-1)) + 1 - len(numbers)
        if missing > 0:
            numbers = np.concatenate([numbers, np.full(missing, _UNKNOWN, dtype=np.int32)])
            self._numbers[book, kind] = numbers
        table = np.append(numbers, np.int32(-1))
        wanted = np.unique(stored[table[stored] == _UNKNOWN])
        if len(wanted):
            found, fresh = self._fetch(cursor, book, kind, wanted)
            if len(found) != len(wanted):
                raise StorageError(
                    f"the store lacks values of a payload: {len(wanted)} of kind {kind} were asked for, "
                    f"{len(found)} are there",
                    hint="the file is damaged; restore it from a copy",
                    details={"book": book, "kind": kind},
                )
            numbers[found] = fresh
            table = np.append(numbers, np.int32(-1))
        return table[stored]

    def _fetch(self, cursor: Cursor, book: int, kind: str, wanted: Array) -> tuple[Array, Array]:
        cursor.register("wanted", pa.table({"number": wanted}))
        if kind == "series":
            rows = cursor.execute(
                "SELECT series, attributes FROM telemetry_series SEMI JOIN wanted ON number = series WHERE book = ?",
                [book],
            ).fetchnumpy()
            attributes = np.asarray(rows["attributes"])
            return np.asarray(rows["series"]), self.translate(cursor, book, "attributes", attributes)
        table = cursor.execute(
            "SELECT id, wire FROM telemetry_value SEMI JOIN wanted ON number = id WHERE book = ? AND kind = ?",
            [book, kind],
        ).to_arrow_table()
        return table.column("id").to_numpy(), self._intern(kind, table.column("wire").to_pylist())

    def _intern(self, kind: str, wires: Iterable[bytes]) -> Array:
        how = _KINDS[kind]
        dictionary = how.dictionary(self._known)
        return np.array(
            [dictionary.intern_raw(raw, partial(how.parse, raw)) for raw in wires], dtype=np.int32
        )
