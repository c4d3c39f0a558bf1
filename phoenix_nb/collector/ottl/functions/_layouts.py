"""Go's layouts of times: how a text such as ``2006-01-02`` stands for parts of a time."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Final

__all__ = ["DAYS", "MONTHS", "elements"]

MONTHS: Final = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
"""Names of months."""
DAYS: Final = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
"""Names of weekdays."""
_SIMPLE: Final = {
    "J": ("January", "Jan"),
    "M": ("Monday", "Mon", "MST"),
    "0": ("01", "02", "03", "04", "05", "06", "002"),
    "1": ("15", "1"),
    "2": ("2006", "2"),
    "_": ("_2006", "_2", "__2"),
    "3": ("3",),
    "4": ("4",),
    "5": ("5",),
    "P": ("PM",),
    "p": ("pm",),
    "-": ("-070000", "-07:00:00", "-0700", "-07:00", "-07"),
    "Z": ("Z070000", "Z07:00:00", "Z0700", "Z07:00", "Z07"),
}
_SHORT_NAMES: Final = frozenset({"Jan", "Mon"})


def _element_at(layout: str, at: int) -> str:
    """The element that begins at a place of a layout; empty when none does."""
    letter = layout[at]
    if letter in ".,":
        digit = layout[at + 1 : at + 2]
        if digit not in {"0", "9"}:
            return ""
        end = at + 1
        while end < len(layout) and layout[end] == digit:
            end += 1
        return "" if layout[end : end + 1].isascii() and layout[end : end + 1].isdigit() else layout[at:end]
    for element in _SIMPLE.get(letter, ()):
        if layout.startswith(element, at):
            after = layout[at + 3 : at + 4]
            # A name that goes on in small letters is a word of its own, such as the one for a month's end.
            if element in _SHORT_NAMES and "a" <= after <= "z":
                continue
            return element
    return ""


@functools.lru_cache(maxsize=512)
def elements(layout: str) -> tuple[tuple[str, str], ...]:
    """The parts of a layout: plain text, and the element behind it (empty at the end)."""
    return tuple(_split(layout))


def _split(layout: str) -> Iterator[tuple[str, str]]:
    start = at = 0
    while at < len(layout):
        element = _element_at(layout, at)
        if not element:
            at += 1
            continue
        # An underscore before a year is plain text.
        shift = 1 if element == "_2006" else 0
        yield layout[start : at + shift], element[shift:]
        at += len(element)
        start = at
    yield layout[start:], ""
