"""Waiting for a run with something to look at."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from phoenix_nb.errors import DeadlineExceededError

__all__ = ["wait_for"]

T = TypeVar("T")
_LOOK = 0.2
"""Seconds between two looks at the progress."""


def wait_for(
    future: Future[T],
    *,
    timeout: float | None,
    what: str,
    progress: Callable[[], tuple[int, int | None]] | None = None,
) -> T:
    """What ``future`` gives.

    Args:
        future: the work.
        timeout: seconds; ``None`` waits as long as it takes. The work itself goes on after a timeout.
        what: what is waited for, for the message.
        progress: steps done and steps in all; a bar shows them meanwhile.

    Raises:
        DeadlineExceededError: ``timeout`` seconds passed.
    """
    bar = None
    if progress is not None:
        from tqdm.auto import tqdm

        bar = tqdm(total=None, unit="interval", leave=False)
    end = None if timeout is None else time.monotonic() + timeout
    try:
        while True:
            left = None if end is None else max(0.0, end - time.monotonic())
            look = left if bar is None else _LOOK if left is None else min(left, _LOOK)
            try:
                return future.result(look)
            except concurrent.futures.TimeoutError as error:
                if future.done():
                    raise
                if end is not None and time.monotonic() >= end:
                    raise DeadlineExceededError(
                        f"{what} has not ended after {timeout:g} s", hint="it goes on; wait again or stop it"
                    ) from error
            if bar is not None and progress is not None:
                bar.n, bar.total = progress()
                bar.refresh()
    finally:
        if bar is not None:
            bar.close()
