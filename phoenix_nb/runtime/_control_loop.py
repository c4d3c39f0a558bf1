"""The one event loop that runs the services (docs/decisions/0001)."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import threading
import weakref
from collections.abc import Coroutine
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, TypeVar

from phoenix_nb.errors import ClosedError, DeadlineExceededError, InternalError

__all__ = ["ControlLoop"]

T = TypeVar("T")
_OPEN: weakref.WeakSet[ControlLoop] = weakref.WeakSet()


class ControlLoop:
    """An asyncio loop in a daemon thread of its own.

    Promised: :meth:`submit` never blocks and may be called from any thread; an exception is kept in the future that
    :meth:`submit` returned; :meth:`close` cancels and awaits everything that still runs. Not promised: any use after a
    fork: the child must open its own.
    """

    def __init__(self, name: str = "phoenix-control-loop") -> None:
        self._pid = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()
        _OPEN.add(self)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            pending = asyncio.all_tasks(self._loop)
            for task in pending:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    @property
    def in_loop(self) -> bool:
        """Whether the caller runs on this very loop."""
        return threading.current_thread() is self._thread

    @property
    def closed(self) -> bool:
        """Whether it was closed, or belongs to another process."""
        return self._closed or os.getpid() != self._pid

    def submit(self, work: Coroutine[Any, Any, T], /) -> Future[T]:
        """Start ``work`` on the loop and return at once.

        Raises:
            ClosedError: the loop was closed, or the process was forked.
        """
        if self.closed:
            work.close()
            raise ClosedError("the control loop is closed", hint="open a new one with phoenix_nb.connect()")
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Coroutine[Any, Any, T], /, *, timeout: float | None = None) -> T:
        """Start ``work`` and wait for what it returns.

        Interrupting the wait (Ctrl-C, the stop button) cancels ``work``.

        Raises:
            InternalError: it was called on the loop itself, which would wait for ever.
            DeadlineExceededError: ``timeout`` seconds passed; ``work`` was cancelled.
        """
        if self.in_loop:
            work.close()
            raise InternalError("the control loop cannot wait for itself", hint="await the coroutine instead")
        future = self.submit(work)
        try:
            return future.result(timeout)
        except FutureTimeoutError as error:
            if future.done():
                raise
            future.cancel()
            raise DeadlineExceededError(f"no answer within {timeout:g} s") from error
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """Cancel what still runs, wait for it, and end the thread. May be called twice."""
        if self.closed:
            return
        self._closed = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        if not self.in_loop:
            self._thread.join()


@atexit.register
def _close_all() -> None:
    for loop in list(_OPEN):
        with contextlib.suppress(Exception):
            loop.close()
