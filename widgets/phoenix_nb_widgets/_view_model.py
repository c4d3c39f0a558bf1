"""What the view-models of both panels share: one state, one guard, one watch."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, Generic, Protocol, TypeVar

from phoenix_nb.errors import PhoenixError
from phoenix_nb_widgets._ports import Submitter

__all__ = ["PanelState", "ViewModel", "error_text"]


class PanelState(Protocol):
    """What every panel state has; states are frozen dataclasses."""

    @property
    def busy(self) -> str:
        """The action under way; empty when there is none."""

    @property
    def error(self) -> str:
        """What went wrong last; empty when nothing did."""

    @property
    def hint(self) -> str:
        """What to do about it."""


S = TypeVar("S", bound=PanelState)

_log = logging.getLogger(__name__)


def error_text(exc: BaseException) -> tuple[str, str]:
    """Message and hint of an error, as a panel shows them."""
    if isinstance(exc, PhoenixError):
        return exc.message, exc.hint
    return f"{type(exc).__name__}: {exc}", "this looks like a defect; the log has the details"


class ViewModel(Generic[S]):
    """State plus actions, without any widget.

    Actions return a future at once; their failure is in the state *and* in the future. Listeners are called
    with the new state, on the thread that changed it. Changes from two threads may reach a listener in either
    order: who must show the newest one reads :attr:`state`. A listener that fails never stops another one or
    the action.
    """

    def __init__(self, submitter: Submitter, state: S) -> None:
        self._submitter = submitter
        self._state = state
        self._lock = threading.RLock()
        self._listeners: list[Callable[[S], None]] = []
        self._watch: Future[None] | None = None
        self._action: tuple[str, Future[None]] | None = None
        self._closed = False

    @property
    def state(self) -> S:
        """The present state."""
        return self._state

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._closed

    def on_change(self, listener: Callable[[S], None]) -> Callable[[], None]:
        """Call ``listener`` with every new state; returns a function that ends that."""
        with self._lock:
            self._listeners.append(listener)

        def forget() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return forget

    def close(self) -> None:
        """Stop watching; the run itself goes on. Closing twice changes nothing."""
        with self._lock:
            self._closed = True
            self._listeners.clear()
            watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()

    def _change(self, **changes: object) -> None:
        self._update(lambda state: replace(state, **changes))  # type: ignore[type-var]

    def _update(self, change: Callable[[S], S]) -> None:
        """Make the new state from the present one; nobody else can change it in between."""
        with self._lock:
            if self._closed:
                return
            self._state = change(self._state)
            state, listeners = self._state, tuple(self._listeners)
        for listener in listeners:
            try:
                listener(state)
            except Exception:
                # A viewer: its failure is told and isolated, so that showing never decides over doing.
                _log.exception("a panel listener failed: %s", getattr(listener, "__qualname__", listener))
                if os.environ.get("PHOENIX_DEBUG_CALLBACKS") == "1":
                    raise

    def _act(self, label: str, work: Coroutine[Any, Any, None]) -> Future[None]:
        """Run one action on the control loop; the guard puts its failure into the state.

        The same action again while it is under way gives the one that is: pressing twice is pressing once. Another
        action waits for its turn.
        """
        with self._lock:
            former = self._action
            if former is not None and not former[1].done() and former[0] == label:
                work.close()
                return former[1]
            before = None if former is None or former[1].done() else former[1]
            if before is None:
                self._change(busy=label, error="", hint="")
            future = self._submitter.submit(self._guard(label, work, before))
            future.add_done_callback(_look)
            self._action = (label, future)
            return future

    async def _guard(self, label: str, work: Coroutine[Any, Any, None], before: Future[None] | None) -> None:
        try:
            if before is not None:
                await asyncio.wait([asyncio.wrap_future(before)])
                self._change(busy=label, error="", hint="")
            await work
        except asyncio.CancelledError:
            work.close()
            self._change(busy="")
            raise
        except Exception as exc:
            if not isinstance(exc, PhoenixError):
                _log.exception("a panel could not finish %s", label)
            message, hint = error_text(exc)
            self._change(busy="", error=message, hint=hint)
            raise
        self._change(busy="")

    def _follow(self, updates: AsyncIterator[Any], show: Callable[[Any], None]) -> None:
        """Watch one run or simulation; a former watch ends."""
        with self._lock:
            former, self._watch = self._watch, None
        if former is not None:
            former.cancel()
        future = self._submitter.submit(self._guarded_watch(updates, show))
        with self._lock:
            self._watch = future
            closed = self._closed
        if closed:
            future.cancel()

    async def _guarded_watch(self, updates: AsyncIterator[Any], show: Callable[[Any], None]) -> None:
        try:
            async for update in updates:
                show(update)
        except Exception as exc:  # noqa: BLE001 - whatever ended the watch must be visible; there is nobody to raise to.
            message, hint = error_text(exc)
            self._change(error=f"the live view ended: {message}", hint=hint)
        finally:
            close = getattr(updates, "aclose", None)
            if close is not None:
                await close()


def _look(future: Future[None]) -> None:
    """Nobody else has to ask how an action ended: its failure is in the state, and a defect is in the log."""
    if not future.cancelled():
        future.exception()
