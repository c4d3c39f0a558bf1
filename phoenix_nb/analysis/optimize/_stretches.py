"""Stretches of a recording."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from phoenix_nb.otlp import Frames

__all__ = ["halves", "windows"]

_WINDOWS: Final = 10


def halves(frames: Sequence[Frames], cut: int) -> tuple[list[Frames], list[Frames]]:
    """The first ``cut`` payloads and the rest."""
    first: list[Frames] = []
    second: list[Frames] = []
    seen = 0
    for one in frames:
        inside = min(max(cut - seen, 0), one.n_payloads)
        if inside:
            first.append(one.slice(0, inside) if inside < one.n_payloads else one)
        if inside < one.n_payloads:
            second.append(one.slice(inside, one.n_payloads) if inside else one)
        seen += one.n_payloads
    return first, second


def windows(frames: Sequence[Frames]) -> list[list[Frames]]:
    """Stretches of equal length, at most ten: looks at a ranking."""
    payloads = sum(one.n_payloads for one in frames)
    count = min(_WINDOWS, payloads)
    rest, windows = list(frames), []
    for number in range(count):
        size = (number + 1) * payloads // count - number * payloads // count
        window, rest = halves(rest, size)
        windows.append(window)
    return windows
