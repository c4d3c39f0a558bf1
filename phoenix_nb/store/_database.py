"""One DuckDB database: its owner lock, its migrations, and calls that never block the event loop."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import duckdb

from phoenix_nb.errors import ClosedError, StorageError
from phoenix_nb.store._lock import OwnerLock, busy
from phoenix_nb.store._migrations import migrate
from phoenix_nb.store._writer import Writer, roll_back

__all__ = ["Database"]

T = TypeVar("T")
Work = Callable[[duckdb.DuckDBPyConnection], T]
_FULL = ("no space left", "out of disk", "disk quota", "file too large")


class Database:
    """A DuckDB database that this process owns.

    Reads get a cursor of their own on a small thread pool. Writes come one after the other on one thread, each in a
    transaction, and are durable when the call returns. A call whose task is cancelled may still have its effect.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, lock: OwnerLock | None, threads: int, name: str
    ) -> None:
        self._connection = connection
        self._lock = lock
        self._name = name
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="phoenix-store")
        self._writer = Writer(connection, partial(_storage_error, name))
        self._closed = False

    @classmethod
    async def open(cls, path: Path | None, *, threads: int = 2) -> Self:
        """Open a file, made when missing, or a database in memory; brings it to the newest form.

        Args:
            path: the file; ``None`` keeps everything in memory.
            threads: reads at a time.

        Raises:
            StoreBusyError: another process owns the file.
            StorageError: the file cannot be opened, is not a store, or was written by a newer Phoenix.
        """
        return await asyncio.to_thread(cls._open, path, threads)

    @classmethod
    def _open(cls, path: Path | None, threads: int) -> Self:
        name = ":memory:" if path is None else str(path)
        lock = None
        if path is not None:
            _make_folder(path.parent)
            lock = OwnerLock(path)
        try:
            try:
                # One thread inside DuckDB per call is enough: the pool gives the parallelism.
                connection = duckdb.connect(name, config={"threads": 1})
            except duckdb.Error as error:
                if path is not None and "could not set lock on file" in str(error).lower():
                    found = re.search(r"PID (\d+)", str(error))
                    raise busy(path, int(found[1]) if found else None) from error
                raise _cannot_open(name, error) from error
            try:
                migrate(connection, name)
            except duckdb.Error as error:
                connection.close()
                raise _storage_error(name, error) from error
            except BaseException:
                connection.close()
                raise
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        return cls(connection, lock, threads, name)

    async def read(self, work: Work[T]) -> T:
        """What ``work`` returns for a cursor; it must fetch everything before it returns.

        All that it reads is of one moment, whatever is written meanwhile; it cannot write.

        Raises:
            ClosedError: the database was closed.
            StorageError: the disk or the file refused.
        """
        self._check()
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, work)

    async def write(self, work: Work[T], *, together: bool = False) -> T:
        """Run ``work`` in one transaction: all of it is durable, or nothing happened.

        Args:
            work: gets the one cursor that writes; it must fetch everything before it returns.
            together: with others that wait at the same time, ``work`` may share one transaction, and what that costs.
                When one of them fails, each of them runs again alone.

        Raises:
            ClosedError: the database was closed.
            StorageError: the disk or the file refused, a full disk for example.
        """
        self._check()
        return await asyncio.wrap_future(self._writer.submit(work, together=together))

    @property
    def remembered(self) -> dict[str, Any]:
        """What writes know of the content, so that they need not ask: for their work only, empty after a failure."""
        return self._writer.remembered

    def _check(self) -> None:
        if self._closed:
            raise ClosedError(f"the store {self._name} is closed", hint="open it again")

    def _read(self, work: Work[T]) -> T:
        cursor = self._connection.cursor()
        try:
            cursor.execute("BEGIN TRANSACTION READ ONLY")
            try:
                return work(cursor)
            finally:
                roll_back(cursor)
        except duckdb.Error as error:
            raise _storage_error(self._name, error) from error
        finally:
            cursor.close()

    async def aclose(self) -> None:
        """Finish what runs, close the file and release its lock. May be called twice."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writer.close()
        self._pool.shutdown(wait=True)
        try:
            self._connection.close()
        finally:
            if self._lock is not None:
                self._lock.release()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"the folder {folder} cannot be made: {error.strerror}",
            hint="choose a folder that you may write to",
            details={"path": str(folder), "errno": error.errno},
        ) from error


def _cannot_open(name: str, error: duckdb.Error) -> StorageError:
    return StorageError(
        f"{name} cannot be opened: {_first_line(error)}",
        hint="name a store that Phoenix made, or a file that does not exist yet",
        details={"path": name},
    )


def _storage_error(name: str, error: duckdb.Error) -> StorageError:
    text = _first_line(error)
    full = any(sign in text.lower() for sign in _FULL)
    return StorageError(
        f"the store {name} refused: {text}",
        hint="the disk is full: free some space and run it again"
        if full
        else "nothing of this call was written; look at the disk and the file",
        details={"path": name},
    )


def _first_line(error: duckdb.Error) -> str:
    return str(error).partition("\n")[0]
