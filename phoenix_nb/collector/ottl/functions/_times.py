"""Functions over times and durations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from phoenix_nb.collector.config import parse_duration
from phoenix_nb.collector.ottl._columns import Plan, now_plan, truncated, unix_plan
from phoenix_nb.collector.ottl._context import Item
from phoenix_nb.collector.ottl._function import Function, converter, param
from phoenix_nb.collector.ottl._getters import Getter
from phoenix_nb.collector.ottl._runtime import Duration, OttlError, Time, Value, clock, wrap
from phoenix_nb.collector.ottl.functions._strptime import STRPTIME

__all__ = ["TIME_FUNCTIONS"]

_SECOND: Final = 1_000_000_000
_DAYS: Final = 62_135_596_800
"""Seconds from the year 1 to 1970; truncation counts from the year 1."""


@converter("Duration", param("duration", "string"))
def _duration(duration: str) -> Value:
    try:
        return Duration(parse_duration(duration))
    except ValueError as exc:
        raise OttlError(f'{exc} "{duration}"') from exc


def _truncated(time: Getter, duration: Getter) -> Plan | None:
    return truncated(time.plan, duration.plan)


@converter("TruncateTime", param("time", "time"), param("duration", "duration"), plan=_truncated)
def _truncate(time: Time, duration: Duration) -> Value:
    if duration.nanos <= 0:
        return time
    return Time(time.nanos - (time.nanos + _DAYS * _SECOND) % duration.nanos, time.zone)


def _part(name: str, read: str) -> Function:
    @converter(name, param("time", "time"))
    def part(time: Time) -> Value:
        return int(getattr(clock(time)[0], read))

    return part


@converter("Weekday", param("time", "time"))
def _weekday(time: Time) -> Value:
    return clock(time)[0].isoweekday() % 7


@converter("Nanosecond", param("time", "time"))
def _nanosecond(time: Time) -> Value:
    return time.nanos % _SECOND


def _unix(name: str, scale: int) -> Function:
    @converter(name, param("time", "time"), plan=lambda time: unix_plan(time.plan, scale))
    def unix(time: Time) -> Value:
        # Go divides towards the past for seconds and towards zero for the finer units.
        if scale in {1, _SECOND}:
            return wrap(time.nanos // scale)
        seconds, rest = divmod(time.nanos, _SECOND)
        return seconds * (_SECOND // scale) + rest // scale

    return unix


def _span(name: str, scale: int) -> Function:
    @converter(name, param("duration", "duration"))
    def span(duration: Duration) -> Value:
        whole, rest = divmod(abs(duration.nanos), scale)
        made = whole + rest / scale
        return -made if duration.nanos < 0 else float(made)

    return span


def _count(name: str, scale: int) -> Function:
    @converter(name, param("duration", "duration"))
    def count(duration: Duration) -> Value:
        whole = abs(duration.nanos) // scale
        return -whole if duration.nanos < 0 else whole

    return count


@converter("Unix", param("seconds", "int"), param("nanoseconds", "int", optional=True))
def _from_unix(seconds: int, nanoseconds: int | None) -> Value:
    return Time(seconds * _SECOND + (nanoseconds or 0))


def _present() -> Callable[[Item], Value]:
    return lambda item: Time(item.now)


# A collector asks the clock while it works on a payload; here that is when the payload arrived, in replays too.
_NOW: Final = Function("Now", (), _present, axes=frozenset({"now"}), plan=now_plan)


TIME_FUNCTIONS: Final[tuple[Function, ...]] = (
    _duration,
    _truncate,
    _part("Year", "year"),
    _part("Month", "month"),
    _part("Day", "day"),
    _part("Hour", "hour"),
    _part("Minute", "minute"),
    _part("Second", "second"),
    _nanosecond,
    _weekday,
    _unix("UnixNano", 1),
    _unix("UnixMicro", 1_000),
    _unix("UnixMilli", 1_000_000),
    _unix("UnixSeconds", _SECOND),
    _span("Hours", 3_600 * _SECOND),
    _span("Minutes", 60 * _SECOND),
    _span("Seconds", _SECOND),
    _count("Milliseconds", 1_000_000),
    _count("Microseconds", 1_000),
    _count("Nanoseconds", 1),
    _from_unix,
    _NOW,
    *STRPTIME,
)
"""Every function over times."""
