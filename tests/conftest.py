"""Fixtures for every test: shared data, stray tasks, blocking calls."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder with recordings and reference cases that is handed out beside the checkout."""
    given = os.environ.get("PHOENIX_SHARED_DIR")
    folder = Path(given) if given else _ROOT.parent / "shared"
    if folder.is_dir():
        return folder
    message = (
        f"no shared data at {folder}: put the folder 'shared' beside the checkout or set PHOENIX_SHARED_DIR"
    )
    if os.environ.get("PHOENIX_REQUIRE_SHARED") == "1":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(autouse=True)
def same_interrupts() -> Iterator[None]:
    """What a command does about Ctrl-C in its process ends with the test that called it."""
    handler, hook = signal.getsignal(signal.SIGINT), sys.unraisablehook
    yield
    if signal.getsignal(signal.SIGINT) is not handler:
        signal.signal(signal.SIGINT, handler)
    sys.unraisablehook = hook


@pytest.fixture
async def no_stray_tasks() -> AsyncIterator[None]:
    """Fail when the test leaves an asyncio task running."""
    before = asyncio.all_tasks()
    yield
    for _ in range(5):
        await asyncio.sleep(0)
    stray = {task for task in asyncio.all_tasks() if not task.done()} - before - {asyncio.current_task()}
    assert not stray, f"tasks left running: {sorted(task.get_name() for task in stray)}"


@pytest.fixture
def no_stray_threads() -> Iterator[None]:
    """Fail when the test leaves a thread running that is neither a daemon nor a pool worker."""
    before = set(threading.enumerate())
    yield
    stray = [
        thread
        for thread in threading.enumerate()
        if thread not in before
        and not thread.daemon
        and not thread.name.startswith(("asyncio_", "ThreadPool"))
    ]
    for thread in stray:
        thread.join(timeout=2)
    left = [thread.name for thread in stray if thread.is_alive()]
    assert not left, f"threads left running: {left}"


@pytest.fixture
def no_blocking_calls() -> Iterator[None]:
    """Fail when the test makes a call that blocks the event loop."""
    blockbuster = pytest.importorskip("blockbuster", reason="blockbuster is not installed")
    with blockbuster.blockbuster_ctx("phoenix_nb"):
        yield
