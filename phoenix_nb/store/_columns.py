"""Rows on their way into a table, as columns of Python values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import duckdb
import pyarrow as pa

__all__ = ["Inlet"]

_SMALL: Final = 64
"""Rows up to which lists go in faster than an Arrow table, which costs some milliseconds to announce."""


class Inlet:
    """A statement that inserts columns, whichever way is faster for their length.

    Args:
        columns: their names and types: in SQL, and of Arrow.
        statement: selects from ``{fresh}``; its own parameters come before that.
    """

    def __init__(self, columns: Mapping[str, tuple[str, pa.DataType]], statement: str) -> None:
        self._schema = pa.schema([(name, kind) for name, (_, kind) in columns.items()])
        lists = ", ".join(f"unnest(?::{kind}[]) AS {name}" for name, (kind, _) in columns.items())
        self._small = statement.format(fresh=f"(SELECT {lists})")
        self._large = statement.format(fresh="fresh")

    def insert(
        self, cursor: duckdb.DuckDBPyConnection, columns: Sequence[list[Any]], parameters: Sequence[Any] = ()
    ) -> None:
        """Insert rows; what the statement returns can be fetched from the cursor.

        Args:
            cursor: of a write.
            columns: of one length, in the order of the types.
            parameters: those of the statement itself.
        """
        if len(columns[0]) <= _SMALL:
            cursor.execute(self._small, [*parameters, *columns])
            return
        arrays = [
            pa.array(column, type=kind) for column, kind in zip(columns, self._schema.types, strict=True)
        ]
        cursor.register("fresh", pa.Table.from_arrays(arrays, schema=self._schema))
        cursor.execute(self._large, [*parameters])
