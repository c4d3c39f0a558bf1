"""The one event loop that runs the services (docs/decisions/0001)."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
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
_LOG = logging.getLogger("phoenix_nb.runtime")
_OPEN: weakref.WeakSet[ControlLoop] = weakref.WeakSet()
_GRACE = 5.0
"""Seconds that cancelled work gets to clean up when the loop is closed."""


class _Outcome(Future[T]):
    """A future that logs an exception which nobody has looked at when it is forgotten."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._looked = False

    def result(self, timeout: float | None = None) -> T:
        try:
            return super().result(timeout)
        finally:
            self._looked = self._looked or self.done()

    def exception(self, timeout: float | None = None) -> BaseException | None:
        try:
            return super().exception(timeout)
        finally:
            self._looked = self._looked or self.done()

    def __del__(self) -> None:
        if not self._looked and self.done() and not self.cancelled():
            error = super().exception(0)
            if error is not None:
                _LOG.error("%s failed and nobody asked for its outcome", self._name, exc_info=error)


class ControlLoop:
    """An asyncio loop in a daemon thread of its own.

    Promised: :meth:`submit` never blocks and may be called from any thread; an exception is kept in the future that
    :meth:`submit` returned, and logged when nobody ever asks for it; :meth:`close` cancels and awaits everything that
    still runs. Not promised: any use after a fork: the child must open its own.
    """

    def __init__(self, name: str = "phoenix-control-loop") -> None:
        self._pid = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._closed = False
        self._draining = False
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()
        _OPEN.add(self)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._closed = True
            self._draining = True
            self._loop.run_until_complete(self._drain())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    async def _drain(self) -> None:
        await asyncio.sleep(0)  # lets submissions that came too late refuse themselves
        own = asyncio.current_task()
        pending = {task for task in asyncio.all_tasks() if task is not own}
        # Who was asked to end before is cleaning up, perhaps with the help of other tasks: that must not break off.
        cleaning = {task for task in pending if task.cancelling()}
        if cleaning:
            await asyncio.wait(cleaning, timeout=_GRACE)
        pending = {task for task in pending if not task.done()}
        for task in pending:
            task.cancel()
        if pending:
            _, stuck = await asyncio.wait(pending, timeout=_GRACE)
            for task in stuck:
                _LOG.warning("%s did not end within %g s and was left behind", task.get_name(), _GRACE)

    @property
    def in_loop(self) -> bool:
        """Whether the caller runs on this very loop."""
        return threading.current_thread() is self._thread

    @property
    def closed(self) -> bool:
        """Whether it was closed, or belongs to another process."""
        return self._closed or os.getpid() != self._pid

    def submit(self, work: Coroutine[Any, Any, T], /) -> Future[T]:
        """Start ``work`` on the loop and return at once; cancelling the future cancels ``work``.

        Raises:
            ClosedError: the loop was closed, or the process was forked.
        """
        if self.closed:
            work.close()
            raise self._refusal()
        future: _Outcome[T] = _Outcome(getattr(work, "__qualname__", "work"))
        try:
            self._loop.call_soon_threadsafe(self._start, work, future)
        except RuntimeError as error:  # it was closed between the question and the call
            work.close()
            raise self._refusal() from error
        return future

    def _start(self, work: Coroutine[Any, Any, T], future: _Outcome[T]) -> None:
        if self._draining or future.cancelled():
            work.close()
            future.cancel()
            future.set_running_or_notify_cancel()
            return
        task = self._loop.create_task(work)
        task.add_done_callback(lambda _: _settle(task, future))
        future.add_done_callback(lambda _: self._cancelled(task, future))

    def _cancelled(self, task: asyncio.Task[T], future: _Outcome[T]) -> None:
        if future.cancelled() and not task.done():
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(task.cancel)

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
            raise DeadlineExceededError(
                f"no answer within {timeout:g} s", hint="the work was cancelled; its effect may have happened"
            ) from error
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
            self._thread.join(2 * _GRACE)
            if self._thread.is_alive():
                _LOG.warning("the thread of the control loop did not end")

    def _refusal(self) -> ClosedError:
        return ClosedError("the control loop is closed", hint="open a new one with phoenix_nb.connect()")


def _settle(task: asyncio.Task[T], future: _Outcome[T]) -> None:
    if task.cancelled():
        future.cancel()
        future.set_running_or_notify_cancel()
        return
    error = task.exception()
    if not future.set_running_or_notify_cancel():
        if error is not None:
            _LOG.error("%s failed after it was cancelled", task.get_name(), exc_info=error)
    elif error is not None:
        future.set_exception(error)
    else:
        future.set_result(task.result())


@atexit.register
def _close_all() -> None:
    for loop in list(_OPEN):
        with contextlib.suppress(Exception):
            loop.close()


if hasattr(os, "register_at_fork"):
    # A forked child has the objects but not their threads.
    os.register_at_fork(after_in_child=_OPEN.clear)
