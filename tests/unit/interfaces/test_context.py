"""Context and cancellation tokens."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from phoenix_nb.errors import CallCancelledError, DeadlineExceededError
from phoenix_nb.interfaces import CancellationToken, Context


class _Hand:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_timeout_never_moves_a_deadline_later() -> None:
    clock = _Hand()
    ctx = Context(monotonic=clock).with_timeout(10)
    assert ctx.remaining() == 10
    assert ctx.with_timeout(60).remaining() == 10
    assert ctx.with_timeout(3).remaining() == 3
    clock.now += 10
    assert ctx.remaining() == 0
    with pytest.raises(DeadlineExceededError, match="deadline"):
        ctx.check()


def test_cancelling_a_parent_cancels_its_children_only_downwards() -> None:
    parent, parent_token = Context.background().with_cancel()
    child, child_token = parent.with_cancel()
    sibling, _ = parent.with_cancel()
    child_token.cancel("child only")
    parent.check()
    sibling.check()
    parent_token.cancel("all of it")
    with pytest.raises(CallCancelledError, match="child only"):
        child.check()
    with pytest.raises(CallCancelledError, match="all of it"):
        sibling.check()


def test_callbacks_run_once_and_can_be_taken_back() -> None:
    parent = CancellationToken()
    child = CancellationToken(parent)
    calls: list[str] = []
    forget = child.on_cancel(lambda: calls.append("forgotten"))
    child.on_cancel(lambda: calls.append("kept"))
    forget()
    forget()
    parent.cancel("x")
    parent.cancel("y")
    child.cancel("z")
    child.on_cancel(lambda: calls.append("late"))
    assert calls == ["kept", "late"]
    assert child.reason == "x"


def test_a_child_of_a_cancelled_parent_is_cancelled() -> None:
    parent = CancellationToken()
    parent.cancel("over")
    child = CancellationToken(parent)
    calls: list[int] = []
    child.on_cancel(lambda: calls.append(1))
    assert child.cancelled
    assert calls == [1]


def test_a_long_lived_parent_keeps_no_children() -> None:
    parent = CancellationToken()
    children = []
    for _ in range(10):
        child = CancellationToken(parent)
        child.on_cancel(lambda: None)()
        children.append(weakref.ref(child))
    del child
    gc.collect()
    assert [ref() for ref in children] == [None] * 10
    assert parent._callbacks == []


def test_detached_work_outlives_the_call() -> None:
    ctx, token = Context.background(principal="ann").with_timeout(0.0).with_cancel()
    token.cancel()
    later = ctx.detached()
    later.check()
    assert later.principal == "ann"
    assert later.remaining() is None


def test_metadata_is_added_and_frozen() -> None:
    ctx = Context.background().with_metadata(a="1").with_metadata(b="2")
    assert dict(ctx.metadata) == {"a": "1", "b": "2"}
    with pytest.raises(TypeError):
        ctx.metadata["c"] = "3"  # type: ignore[index]


def test_every_child_hears_a_cancellation_that_races_with_its_registration() -> None:
    for _ in range(200):
        parent = CancellationToken()
        child = CancellationToken(parent)
        heard = threading.Event()
        thread = threading.Thread(target=parent.cancel)
        thread.start()
        child.on_cancel(heard.set)
        thread.join()
        assert heard.wait(1)
