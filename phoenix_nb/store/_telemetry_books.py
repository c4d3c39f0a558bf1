"""Values and series of runs: written once under the numbers of the run, read into any dictionaries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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
from phoenix_nb.store._arrays import ArrayInlet, PreparedArrays
from phoenix_nb.store._columns import Inlet

__all__ = ["BookReader", "Books"]

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
Cursor = duckdb.DuckDBPyConnection

_UNKNOWN: Final = -2
_VALUES: Final = Inlet(
    {
        "kind": ("VARCHAR", pa.string()),
        "id": ("INTEGER", pa.int32()),
        "wire": ("BLOB", pa.binary()),
        "name": ("VARCHAR", pa.string()),
        "unit": ("VARCHAR", pa.string()),
        "keys": ("VARCHAR[]", pa.list_(pa.string())),
        "texts": ("VARCHAR[]", pa.list_(pa.string())),
    },
    "INSERT INTO telemetry_value SELECT ?, kind, id, wire, name, unit, map(keys, texts) FROM {fresh}",
)


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


_SERIES: Final = ArrayInlet(
    "series",
    dict.fromkeys(("book", "series", "resource", "scope", "header", "attributes"), np.int32),
    "INSERT INTO telemetry_series SELECT * EXCLUDE (there) FROM {fresh} WHERE there",
)
_SHAPES: Final = 64
"""Shapes that a book remembers. A host without new processes repeats the last one, and a run has a few streams."""


class _Book:
    """What a writer knows to be in one book."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._written: dict[str, Mask] = {}
        self._shapes: dict[bytes, int] = {}
        self._next_shape = 0

    def shape(self, packed: bytes, fresh: list[tuple[Any, ...]]) -> int:
        """The number of a shape; one that is not among the latest is added to the rows of values."""
        number = self._shapes.pop(packed, self._next_shape)
        if number == self._next_shape:
            self._next_shape += 1
            fresh.append(("shape", number, packed, "", "", [], []))
        self._shapes[packed] = number
        if len(self._shapes) > _SHAPES:
            del self._shapes[next(iter(self._shapes))]
        return number

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
    """The books of all runs that write. Use it inside a write only, and forget it when that fails."""

    def __init__(self) -> None:
        # Weakly, since ids mean nothing once the dictionaries of a run are gone.
        self._books: WeakKeyDictionary[Dictionaries, dict[str, _Book]] = WeakKeyDictionary()

    def add(
        self,
        cursor: Cursor,
        prepared: PreparedArrays,
        experiment_id: str,
        frames: Frames,
        shapes: Iterable[bytes],
    ) -> tuple[int, list[int]]:
        """Write what the payloads use and the book lacks, nothing else.

        What no payload uses stays out, because a run may have made it unreadable on purpose.

        Args:
            cursor: of a write.
            prepared: on this cursor until now.
            experiment_id: whose payloads they are.
            frames: the payloads.
            shapes: the shape of each.

        Returns:
            The number of the book, and the number that each shape has in it.
        """
        book = self._open(cursor, experiment_id, frames.dictionaries)
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
        fresh: list[tuple[Any, ...]] = []
        numbers = [book.shape(shape, fresh) for shape in shapes]
        for kind, used in columns.items():
            fresh.extend(_values(kind, frames.dictionaries, book.take(kind, *used)))
        if fresh:
            _VALUES.insert(cursor, [[*column] for column in zip(*fresh, strict=True)], [book.number])
        _SERIES.insert(
            cursor,
            prepared,
            {
                "book": book.number,
                "series": series,
                "resource": index.resource[series],
                "scope": index.scope[series],
                "header": index.header[series],
                "attributes": attributes,
            },
            len(series),
        )
        return book.number, numbers

    def forget(self, experiment_id: str) -> None:
        """Begin new books for an experiment."""
        for books in self._books.values():
            books.pop(experiment_id, None)

    def _open(self, cursor: Cursor, experiment_id: str, dictionaries: Dictionaries) -> _Book:
        books = self._books.setdefault(dictionaries, {})
        book = books.get(experiment_id)
        if book is None:
            (number,) = cursor.execute(
                "INSERT INTO telemetry_book VALUES (nextval('telemetry_numbers'), ?) RETURNING book",
                [experiment_id],
            ).fetchall()[0]
            book = books[experiment_id] = _Book(number)
        return book


def _values(kind: str, known: Dictionaries, numbers: Array) -> Iterator[tuple[Any, ...]]:
    """Rows of values in the order of ``_VALUES``."""
    how = _KINDS[kind]
    dictionary = how.dictionary(known)
    for number in numbers.tolist():
        value = dictionary[number]
        texts = _texts(how.attributes(value))
        yield (
            kind,
            number,
            how.wire(value),
            how.name(value),
            how.unit(value),
            [*texts.keys()],
            [*texts.values()],
        )


def _texts(attributes: Attributes) -> dict[str, str]:
    # A map in SQL has each key once; as in the collector the first of two equal keys counts.
    return {key: attribute_text(attributes[key]) for key in attributes}


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
