"""Ids that sort by creation."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable

from phoenix_nb.interfaces import Clock

__all__ = ["UlidFactory"]


class UlidFactory:
    """Makes ``<prefix>_<ULID>``; thread-safe, and sorted by creation within one factory.

    Args:
        clock: where the time part comes from.
        seed: makes the random part repeatable, for tests and tutorials; ``None`` takes the system's randomness.
    """

    def __init__(self, clock: Clock, *, seed: int | None = None) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last = 0
        self._random_bytes: Callable[[int], bytes] = (
            os.urandom if seed is None else random.Random(seed).randbytes  # noqa: S311 - repeatability is the point
        )

    def new(self, prefix: str) -> str:
        from ulid import ULID

        with self._lock:
            milliseconds = self._clock.unix_nano() // 1_000_000
            fresh = (milliseconds << 80) | int.from_bytes(self._random_bytes(10))
            # Within one millisecond, or when the clock goes back, count on: the ULID specification's monotonic rule.
            if fresh >> 80 <= self._last >> 80:
                fresh = self._last + 1
            self._last = fresh
        return f"{prefix}_{ULID.from_int(fresh)}"
