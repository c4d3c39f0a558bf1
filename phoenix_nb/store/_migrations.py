"""Bringing a store file to the newest form: numbered SQL scripts that only go forward."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any, Final

import duckdb

from phoenix_nb.errors import StorageError
from phoenix_nb.store._shapes import SHAPE_LISTS, pack_shape

__all__ = ["migrate"]

_NUMBERED: Final = re.compile(r"(\d{4})_\w+\.sql")


def migrate(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Run the scripts that the file has not seen, each in a transaction.

    Args:
        connection: the database.
        name: what it is called in messages.

    Raises:
        StorageError: it is no store, or was written by a newer Phoenix.
        duckdb.Error: the disk or the file refused.
    """
    present = _present_version(connection, name)
    scripts = _scripts()
    newest = scripts[-1][0]
    if present > newest:
        raise StorageError(
            f"{name} was written by a newer Phoenix (form {present}, this one knows {newest})",
            hint="upgrade Phoenix, or use another workspace",
            details={"path": name, "version": present, "known": newest},
        )
    if present == newest:
        return
    connection.create_function(
        "packed_shape",
        _packed_shape,
        [duckdb.sqltype("INTEGER[][]"), duckdb.sqltype("UBIGINT[]")],
        duckdb.sqltype("BLOB"),
    )
    for version, script in scripts:
        if version > present:
            connection.execute("BEGIN")
            connection.execute(script)
            connection.execute("INSERT INTO schema_version VALUES (?)", [version])
            connection.execute("COMMIT")
    connection.remove_function("packed_shape")


def _packed_shape(lists: list[list[int]], bits: list[int]) -> bytes:
    """For SQL: a shape of its lists in the order of ``SHAPE_LISTS``, the last of another type than the others."""
    return pack_shape(dict(zip(SHAPE_LISTS, (*lists, bits), strict=True)))


def _scripts() -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    for entry in resources.files("phoenix_nb.store").joinpath("migrations").iterdir():
        number = _NUMBERED.fullmatch(entry.name)
        if number is not None:
            found.append((int(number[1]), entry.read_text(encoding="utf-8")))
    return sorted(found)


def _present_version(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    tables = {table for (table,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if tables and "schema_version" not in tables:
        raise StorageError(
            f"{name} is a database, but not a store of Phoenix",
            hint="name a store that Phoenix made, or a file that does not exist yet",
            details={"path": name},
        )
    connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
    row: Any = connection.execute("SELECT coalesce(max(version), 0) FROM schema_version").fetchone()
    return int(row[0])
