"""Rows of numbers on their way into a table: arrays that DuckDB reads in place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["ArrayInlet", "PreparedArrays"]

Array = npt.NDArray[Any]
Cursor = duckdb.DuckDBPyConnection

_LEAST: Final = 64
_MOST: Final = 8192
"""Rows in the smallest and the largest arrays that are kept; more rows than that go in as an Arrow table."""

PreparedArrays = dict[tuple[str, int], dict[str, Array]]
"""What one cursor has prepared: the arrays of each inlet and size."""


class ArrayInlet:
    """A statement that inserts rows of numbers.

    To announce a table and to plan its insert takes longer than to insert the rows of one payload. So few rows are
    copied into arrays that stay announced, and a statement that was prepared once reads these.

    Args:
        name: unique among inlets, part of names in SQL.
        columns: names and types.
        statement: selects from ``{fresh}``, where ``there`` is true. DuckDB takes a NaN for a null on this way.
    """

    def __init__(self, name: str, columns: Mapping[str, npt.DTypeLike], statement: str) -> None:
        self._name = name
        self._types = {column: np.dtype(kind) for column, kind in columns.items()}
        self._statement = statement

    def insert(self, cursor: Cursor, prepared: PreparedArrays, columns: Mapping[str, Any], rows: int) -> None:
        """Insert rows.

        Args:
            cursor: of a write.
            prepared: on this cursor until now.
            columns: for every column an array, or the number that all rows have.
            rows: how many; none at all is fine.
        """
        if not rows:
            return
        if rows > _MOST:
            table = {
                name: np.broadcast_to(columns[name], rows).astype(kind, copy=False)
                for name, kind in self._types.items()
            }
            cursor.register("fresh", pa.table({**table, "there": np.ones(rows, dtype=np.bool_)}))
            cursor.execute(self._statement.format(fresh="fresh"))
            return
        size = max(_LEAST, 1 << (rows - 1).bit_length())
        arrays = prepared.get((self._name, size))
        if arrays is None:
            arrays = prepared[self._name, size] = self._prepare(cursor, size)
        for name, values in columns.items():
            arrays[name][:rows] = values
        arrays["there"][:rows] = True
        arrays["there"][rows:] = False
        cursor.execute(f"EXECUTE insert_{self._name}_{size}")

    def _prepare(self, cursor: Cursor, size: int) -> dict[str, Array]:
        types = {**self._types, "there": np.dtype(np.bool_)}
        arrays: dict[str, Array] = {name: np.zeros(size, dtype=kind) for name, kind in types.items()}
        fresh = f"{self._name}_{size}"
        cursor.register(fresh, arrays)
        cursor.execute(f"PREPARE insert_{fresh} AS {self._statement.format(fresh=fresh)}")
        return arrays
