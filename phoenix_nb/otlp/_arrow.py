"""Arrow columns that the Rust decoder made, as NumPy columns and dictionary ids."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from phoenix_nb.errors import PayloadDecodeError
from phoenix_nb.otlp._dictionary import Dictionaries, Dictionary

__all__ = [
    "distinct_values",
    "fixed_column",
    "interned",
    "parent_rows",
    "row_counts",
    "schema_url_ids",
    "utf8",
    "valid_rows",
    "value_edges",
]

T = TypeVar("T", bound=Hashable)
Ids = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Array = npt.NDArray[Any]


def fixed_column(array: pa.Array, dtype: Any) -> Array:
    """A fixed-width column of its own, null as 0; a view would keep the whole decoded batch alive."""
    if not len(array):
        return np.zeros(0, dtype=dtype)
    buffer = array.buffers()[1]
    if pa.types.is_boolean(array.type):
        values = _bits(buffer, array).astype(dtype)
    else:
        own = np.dtype(array.type.to_pandas_dtype())
        values = np.frombuffer(buffer, own, len(array), array.offset * own.itemsize).astype(dtype)
    if array.null_count:
        values[~valid_rows(array)] = 0
    return values


def _bits(buffer: pa.Buffer, array: pa.Array) -> Array:
    """A bit per row of an array, as bytes."""
    end = array.offset + len(array)
    return np.unpackbits(np.frombuffer(buffer, np.uint8), count=end, bitorder="little")[array.offset :]


def value_edges(array: pa.Array) -> npt.NDArray[np.int32]:
    """Where the values of each row of a column of lists or bytes begin; one more for the end of the last."""
    if not len(array):
        return np.zeros(1, dtype=np.int32)
    return np.frombuffer(array.buffers()[1], np.int32, len(array) + 1, array.offset * 4)


def row_counts(lists: pa.ListArray) -> Longs:
    """How many values each row of a column of lists has."""
    offsets = value_edges(lists).astype(np.int64)
    return offsets[1:] - offsets[:-1]


def valid_rows(array: pa.Array) -> npt.NDArray[np.bool_]:
    """Which rows are not null."""
    if not array.null_count:
        return np.ones(len(array), dtype=np.bool_)
    return _bits(array.buffers()[0], array).view(np.bool_)


def parent_rows(counts: Longs) -> Ids:
    """Per child its parent, from how many children each parent has."""
    return np.arange(len(counts), dtype=np.int32).repeat(counts)


def distinct_values(values: pa.Array) -> tuple[Longs, list[Any]]:
    """The column as (index, distinct values); a null gets the index after the last value."""
    if len(values) and not values.null_count:
        edges = value_edges(values)
        if edges[0] == edges[-1]:
            return np.zeros(len(values), dtype=np.int64), [b""]
    encoded = values.dictionary_encode()
    distinct = encoded.dictionary.to_pylist()
    index: Longs = fixed_column(encoded.indices, np.int64)
    if encoded.indices.null_count:
        index[~valid_rows(encoded.indices)] = len(distinct)
    return index, distinct


def interned(values: pa.Array, into: Dictionary[T], parse: Callable[[list[bytes]], list[T]]) -> Ids:
    """Ids of a column of messages; -1 for nulls."""
    index, distinct = distinct_values(values)
    table = into.intern_raws(distinct, parse)
    return np.array([*table, -1], dtype=np.int32).take(index)


def schema_url_ids(dictionaries: Dictionaries, values: pa.Array) -> Ids:
    """Ids of a column of schema URLs."""
    return interned(
        values, dictionaries.schema_urls, lambda raws: [utf8(raw, "a schema URL") for raw in raws]
    )


def utf8(raw: bytes, what: str) -> str:
    """A text; ``what`` names it when it is none."""
    try:
        return raw.decode()
    except UnicodeDecodeError as exc:
        raise PayloadDecodeError(f"{what} is not UTF-8", hint="OTLP strings must be UTF-8") from exc
