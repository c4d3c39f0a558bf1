"""The control loop: one thread, nothing lost, nothing left."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future

import pytest

from phoenix_nb.errors import ClosedError, DeadlineExceededError, InternalError
from phoenix_nb.runtime import ControlLoop


@pytest.fixture
def loop() -> Iterator[ControlLoop]:
    control = ControlLoop("test-loop")
    yield control
    control.close()


async def _thread_name() -> str:
    return threading.current_thread().name


async def _fail() -> None:
    message = "no luck"
    raise ValueError(message)


def test_run_returns_what_the_coroutine_returns_from_its_own_thread(loop: ControlLoop) -> None:
    assert loop.run(_thread_name(), timeout=5) == "test-loop"


def test_submit_does_not_wait(loop: ControlLoop) -> None:
    gate = threading.Event()

    async def wait() -> int:
        await asyncio.to_thread(gate.wait, 5)
        return 7

    began = time.monotonic()
    future = loop.submit(wait())
    assert time.monotonic() - began < 1
    assert not future.done()
    gate.set()
    assert future.result(5) == 7


def test_an_exception_reaches_whoever_asks(loop: ControlLoop) -> None:
    with pytest.raises(ValueError, match="no luck"):
        loop.run(_fail(), timeout=5)


def test_an_exception_that_nobody_asks_for_is_logged(
    loop: ControlLoop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, logger="phoenix_nb")
    logging.getLogger("phoenix_nb").propagate = True
    future = loop.submit(_fail())
    while not future.done():
        time.sleep(0.005)
    loop.run(asyncio.sleep(0), timeout=5)  # the loop lets go of the task
    del future
    gc.collect()
    assert "nobody asked for its outcome" in caplog.text
    assert "no luck" in caplog.text


def test_run_on_the_loop_itself_is_refused(loop: ControlLoop) -> None:
    async def nested() -> None:
        loop.run(asyncio.sleep(0))

    with pytest.raises(InternalError, match="cannot wait for itself"):
        loop.run(nested(), timeout=5)


def test_a_timeout_cancels_the_work(loop: ControlLoop) -> None:
    ended = threading.Event()

    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    with pytest.raises(DeadlineExceededError):
        loop.run(slow(), timeout=0.05)
    assert ended.wait(5)


def test_cancelling_the_future_cancels_the_work(loop: ControlLoop) -> None:
    began, ended = threading.Event(), threading.Event()

    async def slow() -> None:
        began.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    future = loop.submit(slow())
    assert began.wait(5)
    assert future.cancel()
    assert ended.wait(5)
    with pytest.raises(CancelledError):
        future.result(5)


def test_close_cancels_and_awaits_what_runs_and_refuses_what_comes(no_stray_threads: None) -> None:
    control = ControlLoop("closing-loop")
    began, ended = threading.Event(), threading.Event()

    async def slow() -> None:
        began.set()
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            ended.set()

    future = control.submit(slow())
    assert began.wait(5)
    control.close()
    control.close()
    assert ended.is_set()
    assert future.cancelled()
    assert control.closed
    with pytest.raises(ClosedError):
        control.submit(asyncio.sleep(0))
    assert "closing-loop" not in {thread.name for thread in threading.enumerate()}


def test_every_submission_during_a_close_ends(no_stray_threads: None) -> None:
    for _ in range(20):
        control = ControlLoop()
        futures: list[Future[None]] = []

        def submit(control: ControlLoop = control, futures: list[Future[None]] = futures) -> None:
            try:
                while True:
                    futures.append(control.submit(asyncio.sleep(0)))
            except ClosedError:
                return

        thread = threading.Thread(target=submit)
        thread.start()
        time.sleep(0.002)
        control.close()
        thread.join(5)
        assert not thread.is_alive()
        assert all(future.done() for future in futures)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_forked_child_sees_a_closed_loop(loop: ControlLoop) -> None:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:  # pragma: no cover - runs in the child
        answer = b"closed" if loop.closed else b"open"
        os.write(writer, answer)
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(reader, 16) == b"closed"
    os.close(reader)
    os.close(writer)
    assert not loop.closed


def test_closing_lets_interrupted_work_clean_up_with_its_helpers() -> None:
    control = ControlLoop("test-loop")
    begun, cleaned = threading.Event(), threading.Event()

    async def helper() -> None:
        await asyncio.sleep(0.2)

    async def work() -> None:
        helping = asyncio.ensure_future(helper())
        try:
            begun.set()
            await asyncio.sleep(60)
        finally:
            await helping
            cleaned.set()

    future = control.submit(work())
    assert begun.wait(5)
    future.cancel()
    control.run(asyncio.sleep(0))
    control.close()
    assert cleaned.is_set()
