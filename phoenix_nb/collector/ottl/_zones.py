"""Time zones of times that were read from texts."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

__all__ = ["UTC_ZONE", "Zone", "load_zone", "moment"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST: Final = -62_135_596_800 + 172_800
_LAST: Final = 253_402_300_799 - 172_800


def moment(seconds: int) -> datetime:
    """A moment in UTC, given as seconds since 1970.

    Raises:
        OverflowError: outside the years 1 to 9999.
    """
    return _EPOCH + timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Zone:
    """A fixed offset with a name, or a zone of the database of time zones."""

    name: str
    """The abbreviation of a fixed offset, which may be empty; otherwise the zone's own name."""
    fixed: int | None = None
    """Seconds east of UTC; ``None`` for a zone of the database."""

    def at(self, seconds: int) -> tuple[str, int]:
        """Abbreviation and offset at a moment, in seconds since 1970 and seconds east of UTC."""
        if self.fixed is not None:
            return self.name, self.fixed
        # At the ends of the calendar the offset is that of two days nearer.
        there = moment(min(max(seconds, _FIRST), _LAST)).astimezone(ZoneInfo(self.name))
        offset = there.utcoffset()
        assert offset is not None  # noqa: S101 - zones of the database always have one
        return there.tzname() or "", int(offset.total_seconds())

    def utc_of(self, seconds: int) -> int:
        """The moment at which clocks of this zone show a date, given as seconds since 1970 on such a clock.

        Dates that a change of clocks leaves out or repeats are resolved as Go's ``time.Date`` does.
        """
        offset = self.at(seconds)[1]
        return seconds - self.at(seconds - offset)[1] if offset else seconds

    def offset_of(self, abbreviation: str, seconds: int) -> int | None:
        """The offset that an abbreviation stands for in this zone, near a date; ``None`` when it has no such."""
        known = _abbreviations(self.name) if self.fixed is None else ((self.name, self.fixed),)
        found = [offset for name, offset in known if name == abbreviation]
        in_effect = (offset for offset in found if self.at(seconds - offset)[0] == abbreviation)
        return next(in_effect, found[0] if found else None)


UTC_ZONE: Final = Zone("UTC", 0)
"""Where clocks show UTC."""


@functools.lru_cache(maxsize=64)
def _abbreviations(name: str) -> tuple[tuple[str, int], ...]:
    """Every abbreviation of a zone with its offset, in the order of their first use."""
    zone = Zone(name)
    weeks = range(-5_000_000_000, 2_145_916_800, 7 * 86_400)
    return tuple(dict.fromkeys(zone.at(seconds) for seconds in weeks))


def load_zone(name: str) -> Zone | None:
    """A zone by its name; ``None`` when there is none."""
    if name in {"", "UTC"}:
        return UTC_ZONE
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
    return Zone(name)
