"""Reading what users hand in as files."""

from __future__ import annotations

import sys
from pathlib import Path

from phoenix_nb.errors import InvalidRequestError, NotFoundError, StorageError
from phoenix_nb.interfaces import Plan, parse_plan

__all__ = ["load_plan", "read_text"]

_STDIN = "-"
_LARGEST = 16 * 1024 * 1024
"""Bytes; a configuration or plan is thousands of times smaller."""


def read_text(path: str | Path) -> str:
    """A text file in UTF-8, or standard input for ``-``.

    Raises:
        NotFoundError: there is no such file.
        InvalidRequestError: it is a folder, too large, or not UTF-8.
        StorageError: it cannot be read.
    """
    where = str(path)
    details = {"path": where}
    try:
        if where == _STDIN:
            data = sys.stdin.buffer.read(_LARGEST + 1)
        else:
            with Path(path).expanduser().open("rb") as file:
                data = file.read(_LARGEST + 1)
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {where}", hint="check the path", details=details) from error
    except IsADirectoryError as error:
        raise InvalidRequestError(f"{where} is a folder", hint="name a file", details=details) from error
    except OSError as error:
        raise StorageError(f"{where} cannot be read: {error.strerror}", details=details) from error
    if len(data) > _LARGEST:
        raise InvalidRequestError(
            f"{where} is larger than 16 MiB", hint="is it the right file?", details=details
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidRequestError(
            f"{where} is not text in UTF-8 (byte {error.start})",
            hint="is it the right file?",
            details=details,
        ) from error


def load_plan(path: str | Path) -> Plan:
    """A plan file, YAML or JSON.

    Raises:
        PlanError: it contradicts itself or has unknown keys.
        NotFoundError: there is no such file.
        InvalidRequestError: it is not a text file.
    """
    return parse_plan(read_text(path))
