"""Texts to times by Go's layouts."""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from phoenix_nb.collector.config import bounded_int
from phoenix_nb.collector.ottl._runtime import Time
from phoenix_nb.collector.ottl._zones import UTC_ZONE, Zone, load_zone
from phoenix_nb.collector.ottl.functions._layouts import DAYS, MONTHS, elements

__all__ = ["LayoutError", "read_time"]

_SECOND: Final = 1_000_000_000
_SHORT_MONTHS: Final = [name[:3] for name in MONTHS]
_SHORT_DAYS: Final = [name[:3] for name in DAYS]
_MOST_FRACTION: Final = 9


class LayoutError(ValueError):
    """A text that does not fit; carries the element of the layout that failed and the text from there on."""

    def __init__(self, element: str, rest: str) -> None:
        super().__init__(f'cannot parse "{rest}" as "{element}"')
        self.element = element
        self.rest = rest


class _WrongError(ValueError):
    """A part that is not what its element asks for."""


def _digit(text: str, at: int) -> bool:
    return text[at : at + 1] in set("0123456789") if text[at : at + 1] else False


def _number(text: str, *, fixed: bool) -> tuple[int, str]:
    """One or two digits, and what is left."""
    if not _digit(text, 0) or (fixed and not _digit(text, 1)):
        raise _WrongError
    size = 2 if _digit(text, 1) else 1
    return int(text[:size]), text[size:]


def _signed(text: str) -> int:
    digits = text[1:] if text[:1] in {"-", "+"} else text
    if any(not _digit(digits, at) for at in range(len(digits))):
        raise _WrongError
    return (-1 if text[:1] == "-" else 1) * int(digits or "0")


def _name(names: list[str], text: str) -> tuple[int, str]:
    for at, name in enumerate(names):
        if text[: len(name)].lower() == name.lower():
            return at, text[len(name) :]
    raise _WrongError


def _skip(text: str, plain: str) -> str:
    """The text behind plain text of the layout; one space stands for any number of them."""
    at = 0
    while at < len(plain):
        if plain[at] == " ":
            if text and text[0] != " ":
                raise _WrongError
            at = len(plain) - len(plain[at:].lstrip(" "))
            text = text.lstrip(" ")
            continue
        if not text.startswith(plain[at]):
            raise _WrongError
        text = text[1:]
        at += 1
    return text


def _fraction(text: str, size: int) -> int:
    digits = text[1:size][:_MOST_FRACTION]
    return int(digits.ljust(_MOST_FRACTION, "0"))


def _has_fraction(text: str) -> bool:
    return text[:1] in {".", ","} and _digit(text, 1)


def _fraction_size(text: str) -> int:
    size = 1
    while _digit(text, size):
        size += 1
    return size


def _signed_offset_size(text: str) -> int:
    """How long an hour with a sign is; 0 when there is none."""
    size = _fraction_size(text)
    return size if text[:1] in {"+", "-"} and size > 1 and bounded_int(text[1:size]) <= 23 else 0


def _hours(text: str) -> int:
    """An hour with a sign; 0 when there is none."""
    hours = bounded_int(text[1:])
    return -hours if text.startswith("-") else hours


def _zone_size(text: str) -> int:
    """How long the abbreviation of a zone at the start of a text is; 0 when there is none."""
    if text[:4] in {"ChST", "MeST"}:
        return 4
    if text[:3] == "GMT":
        return 3 + _signed_offset_size(text[3:])
    if text[:1] in {"+", "-"}:
        return _signed_offset_size(text) if len(text) >= 3 else 0
    upper = 0
    while upper < 6 and "A" <= text[upper : upper + 1] <= "Z":
        upper += 1
    ends_well = text[upper - 1 : upper] == "T" or (upper == 4 and text[:4] == "WITA")
    return upper if upper == 3 or (upper in {4, 5} and ends_well) else 0


_OFFSETS: Final = {
    # Element without its first letter: length, places of colons, places of hours, minutes and seconds.
    "07": (3, (), (1,)),
    "0700": (5, (), (1, 3)),
    "07:00": (6, (3,), (1, 4)),
    "070000": (7, (), (1, 3, 5)),
    "07:00:00": (9, (3, 6), (1, 4, 7)),
}
_LIMITS: Final = (24, 60, 60)
_RANGES: Final = {"15": (0, 23), "3": (0, 12), "4": (0, 59), "5": (0, 59), "1": (1, 12)}


@dataclass(slots=True)
class _Reading:
    year: int = 0
    month: int = 1
    day: int = 1
    hour: int = 0
    minute: int = 0
    second: int = 0
    nanos: int = 0
    afternoon: bool | None = None
    offset: int | None = None
    abbreviation: str = ""
    utc: bool = False
    rest: str = ""
    next_element: str = field(default="")

    def take(self, element: str) -> None:
        """Read one element from what is left."""
        text = self.rest
        if element[0] in "Z-":
            self._offset(element, text)
            return
        if element[0] in ".,":
            if element[1] == "9" and not _has_fraction(text):
                return
            size = _fraction_size(text)
            if not _has_fraction(text):
                raise _WrongError
            self.nanos, self.rest = _fraction(text, size), text[size:]
            return
        match element:
            case "06":
                if len(text) < 2:
                    raise _WrongError
                year = _signed(text[:2])
                self.year, self.rest = year + (1900 if year >= 69 else 2000), text[2:]
            case "2006":
                if len(text) < 4 or not _digit(text, 0):
                    raise _WrongError
                self.year, self.rest = _signed(text[:4]), text[4:]
            case "Jan" | "January":
                month, self.rest = _name(_SHORT_MONTHS if element == "Jan" else MONTHS, text)
                self.month = month + 1
            case "Mon" | "Monday":
                _, self.rest = _name(_SHORT_DAYS if element == "Mon" else DAYS, text)
            case "PM" | "pm":
                marks = {"PM": True, "AM": False} if element == "PM" else {"pm": True, "am": False}
                if text[:2] not in marks:
                    raise _WrongError
                self.afternoon, self.rest = marks[text[:2]], text[2:]
            case "MST":
                self._zone(text)
            case "2" | "02" | "_2":
                if element == "_2":
                    text = text.removeprefix(" ")
                self.day, self.rest = _number(text, fixed=element == "02")
            case _:
                self._part(element, text)

    def _part(self, element: str, text: str) -> None:
        plain = element.removeprefix("0")
        number, self.rest = _number(text, fixed=element != plain)
        low, high = _RANGES[plain]
        if not low <= number <= high:
            raise _WrongError
        if plain == "1":
            self.month = number
        elif plain in {"15", "3"}:
            self.hour = number
        elif plain == "4":
            self.minute = number
        else:
            self.second = number
            # A fraction may follow seconds even where the layout has none.
            if _has_fraction(self.rest) and self.next_element[:1] not in {".", ","}:
                size = _fraction_size(self.rest)
                self.nanos, self.rest = _fraction(self.rest, size), self.rest[size:]

    def _zone(self, text: str) -> None:
        if text.startswith("UTC"):
            self.utc, self.rest = True, text[3:]
            return
        size = _zone_size(text)
        if not size:
            raise _WrongError
        self.abbreviation, self.rest = text[:size], text[size:]

    def _offset(self, element: str, text: str) -> None:
        if element[0] == "Z" and text.startswith("Z"):
            self.utc, self.rest = True, text[1:]
            return
        size, colons, places = _OFFSETS[element[1:]]
        if len(text) < size or any(text[at] != ":" for at in colons):
            raise _WrongError
        numbers = [_number(text[at : at + 2], fixed=True)[0] for at in places] + [0, 0]
        if text[0] not in "+-" or any(number > most for number, most in zip(numbers, _LIMITS, strict=False)):
            raise _WrongError
        hours, minutes, seconds = numbers[:3]
        offset = (hours * 60 + minutes) * 60 + seconds
        self.offset, self.rest = -offset if text[0] == "-" else offset, text[size:]

    def time(self, zone: Zone) -> Time:
        """The time that was read, in the zone that it names or else in this one."""
        hour = self.hour
        if self.afternoon and hour < 12:
            hour += 12
        elif self.afternoon is False and hour == 12:
            hour = 0
        # Year 0 is a leap year; its date is asked for nothing else.
        most = (
            29 if self.year == 0 and self.month == 2 else calendar.monthrange(self.year or 1, self.month)[1]
        )
        if not 1 <= self.day <= most or not 1 <= self.year <= 9999:
            raise LayoutError("", "")
        shown = datetime(self.year, self.month, self.day, hour, self.minute, self.second, tzinfo=UTC)
        seconds = int(shown.timestamp())
        if self.utc:
            found = UTC_ZONE
        elif self.offset is not None:
            seconds -= self.offset
            name, offset = zone.at(seconds)
            same = offset == self.offset and self.abbreviation in {"", name}
            found = zone if same else Zone(self.abbreviation, self.offset)
        elif self.abbreviation:
            known = zone.offset_of(self.abbreviation, seconds)
            hours = self.abbreviation[3:] if self.abbreviation.startswith("GMT") else ""
            # An hour behind GMT is shown by the clock, and not taken away.
            found = Zone(self.abbreviation, _hours(hours) * 3600) if known is None else zone
            seconds -= known or 0
        else:
            seconds, found = zone.utc_of(seconds), zone
        return Time(seconds * _SECOND + self.nanos, None if found == UTC_ZONE else found)


def _read(layout: str, text: str, zone: Zone) -> Time:
    parts = elements(layout)
    reading = _Reading(rest=text)
    for at, (plain, element) in enumerate(parts):
        try:
            reading.rest = _skip(reading.rest, plain)
        except _WrongError as exc:
            raise LayoutError(plain, reading.rest) from exc
        if not element:
            break
        follows = parts[at + 1]
        reading.next_element = follows[1] if not follows[0] else ""
        before = reading.rest
        try:
            reading.take(element)
        except _WrongError as exc:
            raise LayoutError(element, before) from exc
    if reading.rest:
        raise LayoutError("", reading.rest)
    return reading.time(zone)


def read_time(layout: str, text: str, zone: Zone) -> Time:
    """A time as the collector reads it: an abbreviation without an offset is looked up as a zone.

    Args:
        layout: how the text is laid out, in Go's way.
        text: what is read.
        zone: where a time without a zone was taken.

    Raises:
        LayoutError: the text does not fit, or its zone is not known.
    """
    made = _read(layout, text, zone)
    seconds = made.nanos // _SECOND
    name, offset = (made.zone or UTC_ZONE).at(seconds)
    if offset or name == "UTC" or name == zone.at(seconds)[0]:
        return made
    named = load_zone(name)
    if named is None:
        raise LayoutError("", text)
    return _read(layout, text, named)
