"""Ending work when the caller's context ends."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType

from phoenix_nb.errors import CallCancelledError, DeadlineExceededError, PhoenixError
from phoenix_nb.interfaces import Context

__all__ = ["Leash"]


class Leash:
    """``with Leash(ctx):`` cancels the current task when the context is cancelled or late.

    The task's own work sees ``asyncio.CancelledError`` and can clean up; what leaves the block is the domain error. A
    cancellation that somebody else asked for leaves it as ``asyncio.CancelledError``. Work that ends by itself at the
    same moment keeps its result.

    Args:
        ctx: whose end ends the work.
        deadline: whether the deadline counts; for the items of a stream it does not.
    """

    __slots__ = ("_before", "_ctx", "_deadline", "_error", "_forget", "_loop", "_open", "_task", "_timer")

    def __init__(self, ctx: Context, *, deadline: bool = True) -> None:
        self._ctx = ctx
        self._deadline = deadline
        self._error: PhoenixError | None = None
        self._open = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            message = "a leash needs a task"
            raise RuntimeError(message)
        self._task = task
        self._loop = asyncio.get_running_loop()
        self._before = task.cancelling()
        self._open = True
        self._timer = None
        remaining = self._ctx.remaining() if self._deadline else None
        if remaining is not None:
            self._timer = self._loop.call_later(remaining, self._end, _late())
        self._forget = self._ctx.token.on_cancel(self._cancelled)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._open = False
        self._forget()
        if self._timer is not None:
            self._timer.cancel()
        if self._error is None:
            return
        # Our own request to cancel is taken back; one from outside is still counted by the task.
        others = self._task.uncancel() > self._before
        if kind is not None and issubclass(kind, asyncio.CancelledError) and not others:
            raise self._error from error

    def _cancelled(self) -> None:
        # Any thread may cancel. The loop may be gone by then, and with it the work.
        reason = self._ctx.token.reason or "cancelled by the caller"
        error = CallCancelledError(
            f"the call was cancelled: {reason}", details={"request_id": self._ctx.request_id}
        )
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._end, error)

    def _end(self, error: PhoenixError) -> None:
        if self._open and self._error is None:
            self._error = error
            self._task.cancel()


def _late() -> DeadlineExceededError:
    return DeadlineExceededError(
        "the deadline of the call has passed",
        hint="the effect may still have happened; retry with the same idempotency key",
    )
