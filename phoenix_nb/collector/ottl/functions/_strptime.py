"""``Time`` and ``FormatTime``: formats with percent signs, which the collector turns into Go's layouts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from phoenix_nb.collector.ottl._context import Item
from phoenix_nb.collector.ottl._function import Function, param
from phoenix_nb.collector.ottl._getters import Getter
from phoenix_nb.collector.ottl._runtime import OttlError, Time, Value, clock
from phoenix_nb.collector.ottl._zones import Zone, load_zone
from phoenix_nb.collector.ottl.functions._layouts import DAYS, MONTHS, elements
from phoenix_nb.collector.ottl.functions._time_reader import LayoutError, read_time

__all__ = ["STRPTIME"]

Run = Callable[[Item], Value]
_SECOND: Final = 1_000_000_000
_DIRECTIVE: Final = re.compile("%.")
_BARE_FRACTION: Final = re.compile("[^.,]%[Lfs]")
_WRITTEN: Final = {
    "%Y": "2006",
    "%y": "06",
    "%m": "01",
    "%o": "_1",
    "%q": "1",
    "%b": "Jan",
    "%h": "Jan",
    "%B": "January",
    "%d": "02",
    "%e": "_2",
    "%g": "2",
    "%a": "Mon",
    "%A": "Monday",
    "%H": "15",
    "%l": "3",
    "%I": "03",
    "%p": "PM",
    "%P": "pm",
    "%M": "04",
    "%S": "05",
    "%L": "999",
    "%f": "999999",
    "%s": "999999999",
    "%Z": "MST",
    "%z": "Z0700",
    "%w": "-070000",
    "%i": "-07",
    "%j": "-07:00",
    "%k": "-07:00:00",
    "%D": "01/02/2006",
    "%x": "01/02/2006",
    "%F": "2006-01-02",
    "%T": "15:04:05",
    "%X": "15:04:05",
    "%r": "03:04:05 pm",
    "%R": "15:04",
    "%n": "\n",
    "%t": "\t",
    "%%": "%",
    "%c": "Mon Jan 02 15:04:05 2006",
}
"""What each directive is in a layout of Go."""
_CLOCK: Final = ("15", ":", "4", ":", "5")
_DATES: Final = (("1", "/", "2", "/", "2006"), ("1", "/", "2", "/", "06"))
_READ: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "%m": (("1",),),
    "%o": (("1",),),
    "%q": (("1",),),
    "%d": (("2",),),
    "%e": (("2",),),
    "%g": (("2",),),
    "%I": (("3",),),
    "%M": (("4",),),
    "%S": (("5",),),
    "%D": _DATES,
    "%x": _DATES,
    "%F": (("2006", "-", "1", "-", "2"),),
    "%T": (_CLOCK,),
    "%X": (_CLOCK,),
    "%r": (("3", ":", "4", ":", "5", " ", "pm"),),
    "%R": (("15", ":", "4"),),
    "%c": (("Mon", " ", "Jan", " ", "2", " ", "15", ":", "4", ":", "5", " ", "2006"),),
    "%z": (("Z0700",), ("Z07:00",), ("Z07",)),
}
"""More lenient parts for reading, in the order in which they are tried."""
_YEARS: Final = frozenset({"%Y", "%y", "%D", "%x", "%F", "%c"})


def _check(format: str) -> None:  # noqa: A002 - the parameter's name for users
    if not format:
        raise ValueError("format cannot be nil")
    if re.search("[0-9]", format):
        raise ValueError("format string should not contain decimals")
    bare = _BARE_FRACTION.search(format)
    if bare:
        raise ValueError(
            f"invalid fractional seconds directive: '{bare.group()}'. must be preceded with '.' or ','"
        )
    wrong = [found for found in _DIRECTIVE.findall(format) if found not in _WRITTEN]
    if wrong:
        shown = " ".join(f"unsupported ctimefmt.toNative() directive: {found}" for found in wrong)
        raise ValueError(f"invalid strptime format: [{shown}]")


# -- writing ----------------------------------------------------------------------------------------------------------


def _offset_text(element: str, offset: int) -> str:
    if element[0] == "Z" and offset == 0:
        return "Z"
    minutes = abs(offset) // 60
    # Go divides towards zero, so that an offset below a minute has no minus.
    sign = "-" if offset <= -60 else "+"
    colon = ":" if ":" in element else ""
    parts = [f"{sign}{minutes // 60:02d}"]
    if len(element) > len("-07"):
        parts.append(f"{minutes % 60:02d}")
    if element.endswith(("0000", "00:00")):
        parts.append(f"{abs(offset) % 60:02d}")
    return colon.join(parts)


def _fraction_text(element: str, nanos: int) -> str:
    digits = f"{nanos:09d}"[: len(element) - 1]
    if element[1] == "9":
        digits = digits.rstrip("0") if nanos else ""
        return element[0] + digits if digits else ""
    return element[0] + digits


def write_time(layout: str, time: Time) -> str:
    """A time by a layout of Go."""
    shown, name, offset = clock(time)
    twelve = shown.hour % 12 or 12
    simple = {
        "06": f"{shown.year % 100:02d}",
        "2006": f"{shown.year:04d}",
        "Jan": MONTHS[shown.month - 1][:3],
        "January": MONTHS[shown.month - 1],
        "1": f"{shown.month}",
        "01": f"{shown.month:02d}",
        "Mon": DAYS[shown.isoweekday() % 7][:3],
        "Monday": DAYS[shown.isoweekday() % 7],
        "2": f"{shown.day}",
        "_2": f"{shown.day:2d}",
        "02": f"{shown.day:02d}",
        "15": f"{shown.hour:02d}",
        "3": f"{twelve}",
        "03": f"{twelve:02d}",
        "4": f"{shown.minute}",
        "04": f"{shown.minute:02d}",
        "5": f"{shown.second}",
        "05": f"{shown.second:02d}",
        "PM": "PM" if shown.hour >= 12 else "AM",
        "pm": "pm" if shown.hour >= 12 else "am",
        "MST": name or _offset_text("-0700", offset),
    }
    made = []
    for plain, element in elements(layout):
        made.append(plain)
        if not element:
            continue
        if element[0] in "Z-":
            made.append(_offset_text(element, offset))
        elif element[0] in ".,":
            made.append(_fraction_text(element, time.nanos % _SECOND))
        else:
            made.append(simple[element])
    return "".join(made)


def _format_time(time: Getter, format: str) -> Run:  # noqa: A002 - the parameter's name for users
    _check(format)
    layout = _DIRECTIVE.sub(lambda found: _WRITTEN[found.group()], format)

    def evaluate(item: Item) -> Value:
        found = time.get(item)
        assert isinstance(found, Time)  # noqa: S101 - the getter insists
        return write_time(layout, found)

    return evaluate


# -- reading ----------------------------------------------------------------------------------------------------------


def _parts(format: str) -> tuple[list[str], list[str]]:  # noqa: A002 - as users call it
    """Directives, and the plain text before each and after the last one."""
    found = _DIRECTIVE.findall(format)
    return found, _DIRECTIVE.split(format)


class _Reader:
    """Tries the ways of reading one format, as the collector does, until one fits."""

    def __init__(self, format: str, zone: Zone) -> None:  # noqa: A002 - as users call it
        self._directives, self._plain = _parts(format)
        self._zone = zone

    def read(self, text: str) -> Time:
        """The time that a text tells.

        Raises:
            LayoutError: it fits in no way.
        """
        return self._from("", 0, text)

    def _from(self, before: str, at: int, text: str) -> Time:
        layout = before + self._plain[at]
        if at == len(self._directives):
            return read_time(layout, text, self._zone)
        directive = self._directives[at]
        ways = _READ.get(directive) or ((_WRITTEN[directive],),)
        for way in ways[:-1]:
            try:
                return self._one_way(layout, way, at, text)
            except LayoutError as exc:
                if exc.element not in way:
                    raise
        return self._one_way(layout, ways[-1], at, text)

    def _one_way(self, layout: str, way: tuple[str, ...], at: int, text: str) -> Time:
        """One way of reading a directive; spaces before a number are skipped."""
        parts = list(way)
        while True:
            try:
                return self._from(layout + "".join(parts), at + 1, text)
            except LayoutError as exc:
                if exc.element not in parts or exc.element[0] not in "0123456789Z":
                    raise
                spaces = exc.rest[: len(exc.rest) - len(exc.rest.lstrip(" \t\n\f\r"))]
                if not spaces:
                    raise
                parts.insert(parts.index(exc.element), spaces)


def _time(
    time: Getter,
    format: str,  # noqa: A002 - the parameter's name for users
    location: str | None = None,
    locale: str | None = None,
) -> Run:
    if not format:
        raise ValueError("format cannot be nil")
    # Without a location the collector takes the zone of its host; here that is UTC, so that a run can be repeated.
    zone = load_zone(location or "")
    if zone is None:
        raise ValueError(f"failed to load location {location}: unknown time zone {location}")
    if locale is not None:
        raise ValueError(
            "Time with a locale cannot be run by the embedded engine: "
            "names in other languages need tables that only the real collector has"
        )
    _check(format)
    directives, _ = _parts(format)
    if not _YEARS.intersection(directives):
        raise ValueError(
            "Time with a format without a year cannot be run by the embedded engine: "
            "the year would depend on the clock"
        )
    reader = _Reader(format, zone)

    def evaluate(item: Item) -> Value:
        text = str(time.get(item))
        if not text:
            raise OttlError("time cannot be nil")
        try:
            return reader.read(text)
        except LayoutError as exc:
            raise OttlError(f'parsing time "{text}" as "{format}": {exc}') from exc

    return evaluate


STRPTIME: Final[tuple[Function, ...]] = (
    Function(
        "Time",
        (
            param("time", "string"),
            param("format", "text"),
            param("location", "text", optional=True),
            param("locale", "text", optional=True),
        ),
        _time,
    ),
    Function("FormatTime", (param("time", "time"), param("format", "text")), _format_time),
)
"""Functions between times and texts."""
