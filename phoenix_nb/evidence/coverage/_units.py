"""Process lifetimes: the unit in which coverage is counted."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Unit", "UnitCoverage", "UnitTable"]


@dataclass(slots=True)
class Unit:
    """One lifetime of a critical process."""

    name: str
    """Process name; empty when the source gives none."""
    host: str
    """Host name; empty when the source gives none."""
    pid: int
    """Process id; -1 when the source gives none."""
    start: int
    """Start of the process, Unix nanoseconds; 0 when the source gives none."""
    selectors: tuple[int, ...]
    """Indices of the selectors that mean it."""
    first_raw: int = 0
    """First time in the raw payloads, Unix nanoseconds."""
    last_raw: int = 0
    """Last time in the raw payloads, Unix nanoseconds."""

    @property
    def key(self) -> str:
        """A text that names the lifetime: ``host/name/pid@start``, without the parts that are not known."""
        pid = str(self.pid) if self.pid >= 0 else ""
        return (
            "/".join(part for part in (self.host, self.name, pid) if part)
            + f"@{self.start or self.first_raw}"
        )


@dataclass(slots=True)
class UnitCoverage:
    """What one arm showed of a lifetime, in intervals."""

    last_seen: int = 0
    """Last time in the arm's output, Unix nanoseconds; 0: never."""
    covered: int = 0
    """Intervals in which the arm held every required metric."""
    aggregate: int = 0
    """Intervals in which only an aggregate held them."""
    missed: int = 0
    """Intervals in which the arm lacked a required metric that the raw payload held."""
    unobservable: int = 0
    """Intervals in which the raw payload itself held no required metric."""
    lacking: set[str] = field(default_factory=set)
    """Required metrics that were missed at some time."""

    @property
    def observable(self) -> bool:
        """Whether coverage could be judged in any interval."""
        return self.covered + self.aggregate + self.missed > 0


class UnitTable:
    """Finds the lifetime that a point of a process belongs to.

    A lifetime is (host, pid, start time). A reused pid has another start time, so it is another lifetime; a
    process that changes its command line keeps its lifetime. Without a start time the resource stands in for
    it.
    """

    def __init__(self) -> None:
        self.units: list[Unit] = []
        self._exact: dict[tuple[int, int, int, int], int] = {}
        self._hostless: dict[tuple[int, int], int | None] = {}

    def add(self, *, host: int, pid: int, start: int, carrier: int, unit: Unit) -> int:
        """The id of the lifetime, which becomes ``unit`` when it is new."""
        key = _key(host, pid, start, carrier)
        found = self._exact.get(key)
        if found is None:
            found = self._exact[key] = len(self.units)
            self.units.append(unit)
            if start:
                # Two hosts with the same pid and start cannot be told apart without a host: then nobody is
                # meant.
                self._hostless[pid, start] = found if (pid, start) not in self._hostless else None
        return found

    def find(self, *, host: int, pid: int, start: int, carrier: int) -> int | None:
        """The lifetime that an arm's series names exactly, or ``None``."""
        found = self._exact.get(_key(host, pid, start, carrier))
        if found is None and not host and start:
            found = self._hostless.get((pid, start))
        return found


def _key(host: int, pid: int, start: int, carrier: int) -> tuple[int, int, int, int]:
    return (host, pid, start, -1) if pid >= 0 and start else (host, pid, 0, carrier)
