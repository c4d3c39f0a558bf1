"""The living processes of a simulated host, one column per process."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

__all__ = ["F", "I", "ProcessTable"]


class I(IntEnum):  # noqa: E742 - the two column families are written next to each other all the time
    """Whole-number columns."""

    PID = 0
    PPID = 1
    TEMPLATE = 2
    SLOT = 3
    """Instance number inside the template; a restarted service keeps it."""
    SERIAL = 4
    """Counts every process ever created; identifies a lifetime."""
    START = 5
    """Creation time, unix nanoseconds."""
    END = 6
    """Time of death, unix nanoseconds; the largest number while no end is known."""
    CAUSE = 7
    """What ends it, see ``Cause``; it counts once ``END`` has passed."""
    TITLE = 8
    """Index of the command line it shows now."""
    VERSION = 9
    """Grows with every change of the describing attributes; starts at 1."""
    SPIKE_END = 10
    """Until when a resource spike lasts, unix nanoseconds."""


class F(IntEnum):
    """Floating-point columns. Counters hold the value at the start of the present tick."""

    USER = 0
    SYSTEM = 1
    WAIT = 2
    READ = 3
    WRITE = 4
    USER_RATE = 5
    SYSTEM_RATE = 6
    WAIT_RATE = 7
    READ_RATE = 8
    WRITE_RATE = 9
    RSS = 10
    CPU_BASE = 11
    CPU_AMPLITUDE = 12
    CPU_PERIOD = 13
    CPU_CODE = 14
    MEMORY_BASE = 15
    MEMORY_AMPLITUDE = 16
    MEMORY_PERIOD = 17
    MEMORY_CODE = 18
    PHASE = 19
    SYSTEM_SHARE = 20
    WAIT_BASE = 21
    READ_BASE = 22
    WRITE_BASE = 23
    LOAD = 24
    NOISE = 25
    GROWTH = 26
    GROWTH_LIMIT = 27
    VIRTUAL = 28
    THREADS = 29
    OPEN_FILES = 30


class ProcessTable:
    """Columns of living processes; rows keep their order of birth."""

    def __init__(self, capacity: int = 256) -> None:
        self._floats = np.zeros((len(F), capacity))
        self._ints = np.zeros((len(I), capacity), dtype=np.int64)
        self.size = 0
        """Rows in use."""

    def f(self, column: F) -> NDArray[np.float64]:
        """A writable view of one floating-point column."""
        return self._floats[column, : self.size]

    def i(self, column: I) -> NDArray[np.int64]:
        """A writable view of one whole-number column."""
        return self._ints[column, : self.size]

    def counters(self) -> NDArray[np.float64]:
        """A writable view of the five counters, shape (5, size)."""
        return self._floats[F.USER : F.WRITE + 1, : self.size]

    def rates(self) -> NDArray[np.float64]:
        """A writable view of the five rates per second, in the order of the counters."""
        return self._floats[F.USER_RATE : F.WRITE_RATE + 1, : self.size]

    def append(self, floats: NDArray[np.float64], ints: NDArray[np.int64]) -> slice:
        """Add rows (columns first) and say where they are."""
        first, last = self.size, self.size + floats.shape[1]
        if last > self._floats.shape[1]:
            room = max(last, 2 * self._floats.shape[1])
            self._floats = np.concatenate(
                [self._floats, np.zeros((len(F), room - self._floats.shape[1]))], axis=1
            )
            more = np.zeros((len(I), room - self._ints.shape[1]), dtype=np.int64)
            self._ints = np.concatenate([self._ints, more], axis=1)
        self._floats[:, first:last] = floats
        self._ints[:, first:last] = ints
        self.size = last
        return slice(first, last)

    def keep(self, mask: NDArray[np.bool_]) -> None:
        """Forget the rows where the mask is false."""
        left = int(np.count_nonzero(mask))
        self._floats[:, :left] = self._floats[:, : self.size][:, mask]
        self._ints[:, :left] = self._ints[:, : self.size][:, mask]
        self.size = left
