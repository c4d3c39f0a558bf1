"""The lock that makes one process the owner of a store file (docs/decisions/0002)."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from phoenix_nb.errors import StorageError, StoreBusyError

try:
    import fcntl
except ImportError:  # Windows: DuckDB's own lock has to do there.
    fcntl = None  # type: ignore[assignment]

__all__ = ["OwnerLock"]


class OwnerLock:
    """An exclusive lock on a file beside the store; the file names the process that holds it.

    It is held from before the store is opened until after it is closed, and goes with the process whatever ends it.

    Args:
        store: the store file.

    Raises:
        StoreBusyError: another process, or another store object of this one, holds it; ``details["pid"]`` says which.
        StorageError: the folder cannot be written.
    """

    def __init__(self, store: Path) -> None:
        self._path = store.with_name(f"{store.name}.lock")
        try:
            self._handle: int | None = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StorageError(
                f"{self._path} cannot be opened: {error.strerror}",
                hint="choose a folder that you may write to",
                details={"path": str(self._path), "errno": error.errno},
            ) from error
        if fcntl is not None:
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                owner = self._owner()
                os.close(self._handle)
                self._handle = None
                raise busy(store, owner) from error
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"{os.getpid()}\n".encode(), 0)

    def _owner(self) -> int | None:
        assert self._handle is not None  # noqa: S101 - only asked while the file is open
        with contextlib.suppress(ValueError, OSError):
            return int(os.pread(self._handle, 32, 0))
        return None

    def release(self) -> None:
        """Let others have it. May be called twice."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.ftruncate(handle, 0)
            os.close(handle)


def busy(store: Path, owner: int | None) -> StoreBusyError:
    """The refusal of a second owner."""
    who = f"process {owner}" if owner is not None else "another process"
    details: dict[str, Any] = {"path": str(store), "pid": owner}
    return StoreBusyError(
        f"{store} belongs to {who}",
        hint="close that notebook or command first, or work in memory: connect(':memory:')",
        details=details,
    )
