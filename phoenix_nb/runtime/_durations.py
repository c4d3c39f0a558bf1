"""Durations as people write them."""

from __future__ import annotations

import re

from phoenix_nb.errors import InvalidRequestError

__all__ = ["format_duration", "parse_duration"]

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def parse_duration(text: str | float, *, name: str = "duration") -> float:
    """Seconds of a duration such as ``500ms``, ``10s``, ``1m30s`` or ``2h``; a number means seconds.

    Args:
        text: what the user wrote.
        name: what it is for; it appears in the error.

    Raises:
        InvalidRequestError: it cannot be read, or is not greater than zero.

    Example:
        >>> parse_duration("1m30s")
        90.0
    """
    seconds = float(text) if isinstance(text, int | float) else _parse(text.strip(), name)
    if not 0 < seconds < float("inf"):
        raise InvalidRequestError(
            f"the {name} must be greater than zero, not {text!r}", hint="write for example 10s, 5m or 2h"
        )
    return seconds


def _parse(text: str, name: str) -> float:
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise InvalidRequestError(
            f"{text!r} is not a {name}",
            hint="write for example 500ms, 10s, 1m30s or 2h",
            details={"text": text},
        )
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def format_duration(seconds: float) -> str:
    """The shortest spelling that :func:`parse_duration` reads back, rounded to milliseconds.

    Example:
        >>> format_duration(5400)
        '1h30m'
    """
    left = round(seconds * 1000)
    if left <= 0:
        return "0s"
    words = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, size)
        if count:
            words.append(f"{count}{unit}")
    return "".join(words)
