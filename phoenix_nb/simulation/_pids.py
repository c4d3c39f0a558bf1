"""Process ids handed out as Linux does."""

from __future__ import annotations

from phoenix_nb.errors import InvalidRequestError

__all__ = ["PidAllocator"]

_RESERVED = 300
"""After a wrap Linux starts again here (RESERVED_PIDS), leaving low pids to what ran since boot."""


class PidAllocator:
    """The next free pid above the last one, wrapping at ``pid_max``; a pid in use is never given out."""

    def __init__(self, pid_max: int = 32768) -> None:
        if pid_max <= _RESERVED + 1:
            raise InvalidRequestError(f"pid_max must be above {_RESERVED + 1}, not {pid_max}")
        self._max = pid_max
        # 1 is init and 2 the parent of kernel threads: they are only reserved, never handed out.
        self._last = 2
        self._used: set[int] = set()
        self.wraps = 0
        """How often the numbers started again."""

    def __contains__(self, pid: int) -> bool:
        return pid in self._used

    def take(self, skip: int = 0) -> int:
        """A free pid, or 0 when none is left.

        Args:
            skip: numbers that other tasks (threads, forks nobody watches) have used up since the last call.
        """
        candidate = self._last + skip
        for _ in range(self._max):
            candidate += 1
            if candidate >= self._max:
                candidate = _RESERVED
                self.wraps += 1
            if candidate not in self._used:
                self._used.add(candidate)
                self._last = candidate
                return candidate
        return 0

    def reserve(self, pid: int) -> None:
        """Take this very pid.

        Raises:
            InvalidRequestError: it is in use, or no legal pid.
        """
        if not 0 < pid < self._max or pid in self._used:
            raise InvalidRequestError(f"pid {pid} is in use or not between 1 and {self._max - 1}")
        self._used.add(pid)
        self._last = max(self._last, pid)

    def free(self, pid: int) -> None:
        """Give a pid back; it is given out again only after the numbers wrapped."""
        self._used.discard(pid)
