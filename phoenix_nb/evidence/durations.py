"""Lengths of time for people."""

from __future__ import annotations

__all__ = ["span"]


def span(seconds: float, *, space: str = " ") -> str:
    """A length of time in its two largest units: ``7500`` is ``2 h 5 min``.

    Args:
        seconds: the length, at least 0.
        space: stands between a number and its unit.
    """
    if 0 < seconds < 1:
        return f"{seconds * 1000:.0f}{space}ms"
    parts: list[str] = []
    left = round(seconds)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        whole, left = divmod(left, size)
        if whole:
            parts.append(f"{whole}{space}{unit}")
    return " ".join(parts[:2]) or f"0{space}s"
