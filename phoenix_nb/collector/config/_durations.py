"""Go durations: ``300ms``, ``-1.5h``, ``2h45m``."""

from __future__ import annotations

import re
from typing import Final

from phoenix_nb.collector.config._scalars import bounded_int

__all__ = ["DurationError", "format_duration", "parse_duration"]

_UNITS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART: Final = re.compile(r"([0-9]*)(\.[0-9]*)?([^0-9.]*)", re.ASCII)
_MAX: Final = (1 << 63) - 1


class DurationError(ValueError):
    """Text that is not a duration; the message is the collector's decoder's."""


def parse_duration(text: str) -> int:
    """Nanoseconds.

    Raises:
        DurationError: not a duration, or longer than 292 years.
    """
    rest = text
    sign = 1
    if rest[:1] in {"-", "+"}:
        sign = -1 if rest[0] == "-" else 1
        rest = rest[1:]
    if rest == "0":
        return 0
    if not rest:
        raise DurationError("time: invalid duration")
    total = 0
    while rest:
        found = _PART.match(rest)
        if found is None or not (found[1] or (found[2] or "").strip(".")):
            raise DurationError("time: invalid duration")
        unit = found[3]
        if not unit:
            raise DurationError("time: missing unit in duration")
        if unit not in _UNITS:
            raise DurationError("time: unknown unit")
        scale = _UNITS[unit]
        total += bounded_int(found[1]) * scale
        digits = (found[2] or "").lstrip(".")
        if digits:
            total += int(digits[:30]) * scale // 10 ** len(digits[:30])
        if total > _MAX:
            raise DurationError("time: invalid duration")
        rest = rest[found.end() :]
    return sign * total


def format_duration(nanos: int) -> str:
    """As the collector prints it: ``1h0m0s``, ``1.5s``, ``200ms``."""
    if nanos == 0:
        return "0s"
    sign, rest = ("-", -nanos) if nanos < 0 else ("", nanos)
    if rest < 1_000_000_000:
        for unit, scale in (("ms", 1_000_000), ("µs", 1_000), ("ns", 1)):
            if rest >= scale:
                return f"{sign}{_decimal(rest, scale)}{unit}"
    hours, rest = divmod(rest, _UNITS["h"])
    minutes, rest = divmod(rest, _UNITS["m"])
    head = f"{hours}h" if hours else ""
    head += f"{minutes}m" if hours or minutes else ""
    return f"{sign}{head}{_decimal(rest, _UNITS['s'])}s"


def _decimal(value: int, scale: int) -> str:
    whole, part = divmod(value, scale)
    if not part:
        return str(whole)
    return f"{whole}.{str(part).zfill(len(str(scale)) - 1).rstrip('0')}"
