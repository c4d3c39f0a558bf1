"""Fewer updates than changes: the newest value wins and the last one always arrives."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from phoenix_nb_widgets._ports import Submitter

__all__ = ["LatestWins"]

T = TypeVar("T")


class LatestWins(Generic[T]):
    """Hands values on at most once per period; values that arrive in between replace each other.

    Args:
        submitter: where the waiting happens.
        emit: gets the values, on the control loop; it must not block.
        period: seconds between two calls of ``emit``.
        sleep: how to wait.
    """

    def __init__(
        self,
        submitter: Submitter,
        emit: Callable[[T], None],
        *,
        period: float = 0.1,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._submitter = submitter
        self._emit = emit
        self._period = period
        self._sleep = sleep
        self._lock = threading.Lock()
        self._waiting: list[T] = []
        self._draining = False
        self._closed = False

    def offer(self, value: T) -> None:
        """Take a value; returns at once, from any thread."""
        with self._lock:
            if self._closed:
                return
            self._waiting[:] = [value]
            if self._draining:
                return
            self._draining = True
        self._submitter.submit(self._drain())

    def close(self) -> None:
        """Hand nothing on any more."""
        with self._lock:
            self._closed = True
            self._waiting.clear()

    async def _drain(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._draining = False
                    return
                value = self._waiting.pop()
            self._emit(value)
            await self._sleep(self._period)
