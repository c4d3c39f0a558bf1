"""The one thread that writes: a transaction per call, or one for calls that wait together."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

import duckdb

__all__ = ["Writer", "roll_back"]

T = TypeVar("T")
Work = Callable[[duckdb.DuckDBPyConnection], T]

_TOGETHER: Final = 64
"""Calls that share a transaction at most, so that the first of them never waits for long."""


@dataclass(frozen=True, slots=True)
class _Call(Generic[T]):
    work: Work[T]
    together: bool
    done: Future[T] = field(default_factory=Future)


class Writer:
    """Runs writes in the order of their calls, on one cursor that stays: what was prepared on it can be used again.

    Args:
        connection: the database.
        translate: the error that callers get for one of DuckDB.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, translate: Callable[[duckdb.Error], Exception]
    ) -> None:
        self.remembered: dict[str, Any] = {}
        """What writes know to be stored or prepared. Only for the work of writes; empty after any that failed."""
        self._cursor = connection.cursor()
        self._translate = translate
        self._waiting: deque[_Call[Any]] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="phoenix-store-writer")

    def submit(self, work: Work[T], *, together: bool) -> Future[T]:
        """Run ``work`` in a transaction; the future is done when that is durable.

        Args:
            work: gets the cursor, and fetches everything before it returns.
            together: it may share the transaction of others that wait too. When one of them fails, each runs again,
                alone, so that ``work`` must bear to be run twice.
        """
        call = _Call(work, together)
        self._waiting.append(call)
        self._thread.submit(self._run_next)
        return call.done

    def _run_next(self) -> None:
        """Run what waits first, with those behind it that may share its transaction."""
        calls: list[_Call[Any]] = []
        while self._waiting and len(calls) < _TOGETHER:
            if calls and not (calls[-1].together and self._waiting[0].together):
                break
            call = self._waiting.popleft()
            if call.done.set_running_or_notify_cancel():
                calls.append(call)
        if len(calls) > 1:
            try:
                answers = self._transaction([call.work for call in calls])
            except Exception:  # noqa: BLE001 - whose it is comes out when each runs alone
                self._forget()
            else:
                for call, answer in zip(calls, answers, strict=True):
                    call.done.set_result(answer)
                return
        for call in calls:
            self._alone(call)

    def _alone(self, call: _Call[Any]) -> None:
        try:
            (answer,) = self._transaction([call.work])
        except duckdb.Error as error:
            self._forget()
            told = self._translate(error)
            told.__cause__ = error
            call.done.set_exception(told)
        except BaseException as error:  # noqa: BLE001 - it is the caller's
            self._forget()
            call.done.set_exception(error)
        else:
            call.done.set_result(answer)

    def _transaction(self, works: Sequence[Work[Any]]) -> list[Any]:
        self._cursor.execute("BEGIN")
        try:
            answers = [work(self._cursor) for work in works]
            self._cursor.execute("COMMIT")
        except BaseException:
            roll_back(self._cursor)
            raise
        return answers

    def _forget(self) -> None:
        self.remembered.clear()

    def close(self) -> None:
        """Finish what waits."""
        self._thread.shutdown(wait=True)
        self._cursor.close()


def roll_back(cursor: duckdb.DuckDBPyConnection) -> None:
    """Undo the transaction, unless it is over."""
    try:
        cursor.execute("ROLLBACK")
    except duckdb.Error:  # a failed COMMIT has rolled back by itself
        return
