"""Reading what people type into a form."""

from __future__ import annotations

import re

from phoenix_nb.errors import InvalidRequestError

__all__ = ["globs", "seconds", "whole"]

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)\s*", re.ASCII)


def seconds(text: str, what: str) -> float | None:
    """A length of time such as ``90``, ``60s``, ``1h30m``; ``None`` when the field is empty.

    Raises:
        InvalidRequestError: it is no length of time, or not more than zero.
    """
    bare = text.strip().lower()
    if not bare:
        return None
    total, position = 0.0, 0
    while position < len(bare):
        part = _PART.match(bare, position)
        if part is None or (part[2] or "s") not in _UNITS:
            total = 0.0
            break
        total += float(part[1]) * _UNITS[part[2] or "s"]
        position = part.end()
    if total <= 0:
        raise InvalidRequestError(
            f"{what}: {text.strip()!r} is no length of time",
            hint="write for example 90s, 10m or 1h30m",
            details={"field": what},
        )
    return total


def globs(text: str) -> tuple[str, ...]:
    """Globs separated by commas or blanks, each once, in order."""
    return tuple(dict.fromkeys(part for part in re.split(r"[,\s]+", text.strip()) if part))


def whole(text: str, what: str) -> int | None:
    """A whole number; ``None`` when the field is empty.

    Raises:
        InvalidRequestError: it is no whole number.
    """
    bare = text.strip()
    if not bare:
        return None
    try:
        return int(bare)
    except ValueError as exc:
        raise InvalidRequestError(
            f"{what}: {bare!r} is no whole number",
            hint="leave it empty to take the default",
            details={"field": what},
        ) from exc
