"""The context that every interface method takes first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from phoenix_nb.errors import CallCancelledError, DeadlineExceededError

__all__ = ["CancellationToken", "Context"]


class CancellationToken:
    """A thread-safe switch that can be thrown once.

    Callbacks run in the thread that cancels; one that is added after the fact runs at once. A child is thrown with its
    parent; a parent does not keep children alive that nobody waits for.
    """

    def __init__(self, parent: CancellationToken | None = None) -> None:
        self._lock = threading.Lock()
        self._parent = parent
        self._unlink: Callable[[], None] | None = None
        self._callbacks: list[Callable[[], None]] = []
        self._reason: str | None = None

    @property
    def cancelled(self) -> bool:
        """Whether the switch was thrown."""
        return self._reason is not None or (self._parent is not None and self._parent.cancelled)

    @property
    def reason(self) -> str | None:
        """Why it was thrown; ``None`` while it was not."""
        if self._reason is None and self._parent is not None:
            return self._parent.reason
        return self._reason

    def cancel(self, reason: str = "cancelled by the caller") -> None:
        """Throw the switch; later calls change nothing."""
        with self._lock:
            if self._reason is not None:
                return
            self._reason = reason
            callbacks, self._callbacks = self._callbacks, []
            unlink, self._unlink = self._unlink, None
        if unlink is not None:
            unlink()
        for callback in callbacks:
            callback()

    def on_cancel(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` when the switch is thrown; returns a function that takes the wish back."""
        with self._lock:
            waiting = self._reason is None
            if waiting:
                self._callbacks.append(callback)
            link = waiting and self._parent is not None and self._unlink is None
        if not waiting:
            callback()
            return lambda: None
        if link and self._parent is not None:
            # Outside the lock: a parent that was thrown already calls back at once.
            unlink = self._parent.on_cancel(self._follow)
            with self._lock:
                spare = unlink
                if self._callbacks and self._unlink is None:
                    self._unlink, spare = unlink, _nothing
            spare()
        return lambda: self._forget(callback)

    def _follow(self) -> None:
        self.cancel((self._parent.reason if self._parent else None) or "the parent was cancelled")

    def _forget(self, callback: Callable[[], None]) -> None:
        unlink = None
        with self._lock:
            if callback in self._callbacks:
                self._callbacks.remove(callback)
            if not self._callbacks:
                unlink, self._unlink = self._unlink, None
        if unlink is not None:
            unlink()


def _nothing() -> None:
    pass


_NO_METADATA: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Context:
    """Who calls, until when, and whether the caller still wants the answer.

    The value is frozen; only the token changes. The deadline is a point on the monotonic clock of this process:
    what crosses a wire is :meth:`remaining`, never a wall time. A deadline error does not mean that nothing was
    done: retry with an idempotency key. For a stream the deadline covers the set-up only.
    """

    token: CancellationToken = field(default_factory=CancellationToken)
    deadline: float | None = None
    """Monotonic seconds after which the call must have ended; ``None`` means no limit."""
    principal: str = "local"
    """Who is calling, for ownership and the journal."""
    request_id: str = ""
    """An id that ties log lines and events of one request together; empty when the caller gave none."""
    trace_parent: str = ""
    """W3C ``traceparent`` of the caller; empty when there is none."""
    metadata: Mapping[str, str] = field(default_factory=lambda: _NO_METADATA)
    """Free text pairs that travel with the call."""
    monotonic: Callable[[], float] = time.monotonic
    """The clock that ``deadline`` is measured on; tests inject their own."""

    @classmethod
    def background(cls, *, principal: str = "local") -> Context:
        """A context without a deadline that nobody has cancelled."""
        return cls(principal=principal)

    def with_timeout(self, seconds: float) -> Context:
        """The same context, ending at the latest ``seconds`` from now; never later than before."""
        end = self.monotonic() + seconds
        return replace(self, deadline=end if self.deadline is None else min(end, self.deadline))

    def with_cancel(self) -> tuple[Context, CancellationToken]:
        """A child that can be cancelled alone; cancelling the parent cancels it too."""
        token = CancellationToken(self.token)
        return replace(self, token=token), token

    def with_metadata(self, **pairs: str) -> Context:
        """The same context with more metadata."""
        return replace(self, metadata=MappingProxyType({**self.metadata, **pairs}))

    def detached(self) -> Context:
        """For work that outlives the call: the same caller, no deadline, a token of its own."""
        return replace(self, token=CancellationToken(), deadline=None)

    def remaining(self) -> float | None:
        """Seconds until the deadline, at least 0; ``None`` when there is none."""
        return None if self.deadline is None else max(0.0, self.deadline - self.monotonic())

    def check(self) -> None:
        """Return when the caller still wants the answer.

        Raises:
            CallCancelledError: the token was thrown.
            DeadlineExceededError: the deadline passed.
        """
        if self.token.cancelled:
            raise CallCancelledError(
                f"the call was cancelled: {self.token.reason}", details={"request_id": self.request_id}
            )
        if self.deadline is not None and self.monotonic() >= self.deadline:
            raise DeadlineExceededError(
                "the deadline of the call has passed",
                hint="the effect may still have happened; retry with the same idempotency key",
                details={"request_id": self.request_id},
            )
