"""Values while they are computed: kinds, names in messages, comparison and arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Final, TypeAlias, TypeVar

from phoenix_nb.collector.ottl._zones import UTC_ZONE, Zone, moment
from phoenix_nb.otlp import AttributeValue, KeyValues

__all__ = [
    "Counts",
    "Duration",
    "Floats",
    "GoList",
    "OttlError",
    "OttlTypeError",
    "Part",
    "Points",
    "Strings",
    "Time",
    "Uniform",
    "Value",
    "arithmetic",
    "clock",
    "compare",
    "kind_of",
    "plain_list",
    "plain_value",
    "show",
    "wrap",
]

_WRAP: Final = 1 << 64
_HIGH: Final = (1 << 63) - 1
_LOW: Final = -(1 << 63)


class OttlError(Exception):
    """A condition or a statement that cannot be evaluated for an item."""


class OttlTypeError(OttlError):
    """A value of the wrong kind where a function wants another."""


@dataclass(frozen=True, slots=True)
class Time:
    """A point in time."""

    nanos: int
    """Since 1970-01-01 UTC."""
    zone: Zone | None = field(default=None, compare=False)
    """Where clocks show it; ``None`` = UTC."""


def clock(time: Time) -> tuple[datetime, str, int]:
    """What clocks show at a time's own place, the abbreviation of its zone and the offset in seconds.

    Raises:
        OttlError: outside the years 1 to 9999.
    """
    seconds = time.nanos // 1_000_000_000
    name, offset = (time.zone or UTC_ZONE).at(seconds)
    try:
        return moment(seconds + offset), name, offset
    except OverflowError as exc:
        raise OttlError("the embedded engine shows no time outside the years 1 to 9999") from exc


@dataclass(frozen=True, slots=True)
class Duration:
    """A span of time."""

    nanos: int


@dataclass(frozen=True, slots=True)
class Points:
    """The points of a metric, or another list that only its length is asked of."""

    count: int
    """How many."""
    kind: str = "pmetric.NumberDataPointSlice"
    """What they are, as the collector's messages name it."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a point that is no value of its own: it can only be written where its kind belongs."""

    value: object
    """What it is."""
    kind: str
    """What it is called in messages."""


class GoList(tuple[Any, ...]):
    """A list that was written down or put in order: each entry is what it is outside of lists, also a map or a time.

    Lists out of attributes are plain tuples. The collector treats the two differently: only the latter is a value of
    OTLP, and the entries of the former have to become such values first.
    """

    __slots__ = ()
    kind: ClassVar[str] = "[]interface {}"
    """What it is called in messages."""


class Uniform(GoList):
    """A list whose entries are all of one simple kind; the collector compares it with no other list."""

    __slots__ = ()


class Strings(Uniform):
    """Texts that a text was split into."""

    __slots__ = ()
    kind: ClassVar[str] = "[]string"


class Floats(Uniform):
    """Bounds of buckets."""

    __slots__ = ()
    kind: ClassVar[str] = "[]float64"


class Counts(Uniform):
    """Counts of buckets."""

    __slots__ = ()
    kind: ClassVar[str] = "[]uint64"


_Ordered = TypeVar("_Ordered", float, str, bytes)

Value: TypeAlias = "AttributeValue | Time | Duration | Points | Part"
"""What a getter gives; ``None`` is nil, tuples are lists and :class:`KeyValues` are maps."""

_KINDS: Final = (
    (bool, "bool"),
    (int, "int64"),
    (float, "float64"),
    (str, "string"),
    (bytes, "[]uint8"),
    (tuple, "pcommon.Slice"),
    (KeyValues, "pcommon.Map"),
    (Time, "time.Time"),
    (Duration, "time.Duration"),
)


def kind_of(value: Value) -> str:
    """The kind of a value as the collector's messages name it."""
    if isinstance(value, (Points, Part, GoList)):
        return value.kind
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "<nil>")


def show(value: Value) -> str:
    """A value inside a message."""
    from phoenix_nb.collector._values import format_float

    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format_float(value)
    if isinstance(value, bytes):
        return "[" + " ".join(map(str, value)) + "]"
    return str(value)


# -- lists that become values of OTLP ---------------------------------------------------------------------------------


def plain_list(values: tuple[Any, ...]) -> tuple[AttributeValue, ...]:
    """A list as a value of OTLP.

    Raises:
        OttlError: it was written down with entries that the collector does not convert: maps, lists out of
            attributes, times and the like.
    """
    if isinstance(values, Uniform) or not isinstance(values, GoList):
        return tuple(values)
    errors: list[str] = []
    made = _plain_entries(values, errors)
    if errors:
        raise OttlError("; ".join(errors))
    return made


def plain_value(value: Value) -> AttributeValue:
    """A value as the collector converts it into one of OTLP.

    Raises:
        OttlError: it is neither a simple value nor a list of such that was written down.
    """
    errors: list[str] = []
    made = _plain(value, errors)
    if errors:
        raise OttlError("; ".join(errors))
    return made


def _plain_entries(values: GoList, errors: list[str]) -> tuple[AttributeValue, ...]:
    return tuple(_plain(value, errors) for value in values)


def _plain(value: Value, errors: list[str]) -> AttributeValue:
    if isinstance(value, GoList) and not isinstance(value, Uniform):
        return _plain_entries(value, errors)
    if isinstance(value, (KeyValues, tuple, Time, Duration, Points, Part)):
        errors.append(f"<Invalid value type {kind_of(value)}>")
        return None
    return value


# -- comparison ---------------------------------------------------------------------------------------------------


def compare(left: Value, op: str, right: Value) -> bool:
    """Two values by the rules of OTTL: what cannot be compared is only unequal."""
    if left is None and right is None:
        return op in {"==", "<=", ">="}
    if left is None:
        return compare(right, op, None)
    if isinstance(left, bool):
        return _ordered(left, op, right) if isinstance(right, bool) else op == "!="
    if isinstance(left, (int, float)):
        return _numbers(left, op, right)
    if isinstance(left, bytes):
        return _bytes(left, op, right)
    if isinstance(left, str) and isinstance(right, str):
        return _ordered(left, op, right)
    for kind in (Time, Duration):
        if isinstance(left, kind) and isinstance(right, kind):
            return _ordered(left.nanos, op, right.nanos)
    if isinstance(left, (KeyValues, tuple)) and not isinstance(left, Uniform):
        return _containers(left, op, right)
    return op == "!="


def _ordered(left: _Ordered, op: str, right: _Ordered) -> bool:
    if op == "==":
        return left == right
    if op == "!=":
        return left != right
    if op == "<":
        return left < right
    if op == "<=":
        return left <= right
    return left > right if op == ">" else left >= right


def _numbers(left: float, op: str, right: Value) -> bool:
    if isinstance(right, bool) or not isinstance(right, (int, float)):
        return op == "!="
    if isinstance(left, float) or isinstance(right, float):
        return _ordered(float(left), op, float(right))
    return _ordered(left, op, right)


def _bytes(left: bytes, op: str, right: Value) -> bool:
    if not left:
        # The collector holds empty bytes as nil here.
        return compare(right, op, None)
    if not isinstance(right, bytes) or not right:
        return op == "!="
    return _ordered(left, op, right)


def _containers(left: KeyValues | tuple[AttributeValue, ...], op: str, right: Value) -> bool:
    if op not in {"==", "!="}:
        return False
    if isinstance(left, KeyValues):
        same = isinstance(right, KeyValues) and _same_map(left, right)
    else:
        same = isinstance(right, tuple) and not isinstance(right, Uniform) and _same_list(left, right)
    return same if op == "==" else not same


def _same_map(left: KeyValues, right: KeyValues) -> bool:
    return set(left) == set(right) and all(_same(left.get(key), right.get(key)) for key in left)


def _same_list(left: tuple[AttributeValue, ...], right: tuple[AttributeValue, ...]) -> bool:
    return len(left) == len(right) and all(_same(a, b) for a, b in zip(left, right, strict=True))


def _same(left: AttributeValue, right: AttributeValue) -> bool:
    """Equality inside containers is exact: 1 and 1.0 differ."""
    if isinstance(left, KeyValues) and isinstance(right, KeyValues):
        return _same_map(left, right)
    if isinstance(left, Uniform) or isinstance(right, Uniform):
        return type(left) is type(right) and left == right
    if isinstance(left, tuple) and isinstance(right, tuple):
        return _same_list(left, right)
    return type(left) is type(right) and left == right


# -- arithmetic ---------------------------------------------------------------------------------------------------


def wrap(value: int) -> int:
    """A whole number as 64 bits hold it."""
    if _LOW <= value <= _HIGH:
        return value
    value %= _WRAP
    return value - _WRAP if value > _HIGH else value


def arithmetic(left: Value, op: str, right: Value, *, mixed: bool) -> Value:
    """Two numbers, times or durations joined.

    Args:
        left: the first value.
        op: ``+``, ``-``, ``*`` or ``/``.
        right: the second value.
        mixed: whether a whole number and one with a fraction may be joined.

    Raises:
        OttlError: values that cannot be joined, or a division by zero.
    """
    if isinstance(left, Time):
        return _time(left, op, right)
    if isinstance(left, Duration):
        return _duration(left, op, right)
    if not _is_number(left):
        raise OttlError(f"{show(left)} must be int64, float64, time.Time or time.Duration")
    assert isinstance(left, (int, float))  # noqa: S101 - narrowed above
    if not _is_number(right) or (not mixed and type(left) is not type(right)):
        wanted = "int64 or float64" if mixed else kind_of(left)
        raise OttlError(f"{show(right)} must be {wanted}")
    assert isinstance(right, (int, float))  # noqa: S101 - narrowed above
    if isinstance(left, int) and isinstance(right, int):
        return _whole(left, op, right)
    return _double(float(left), op, float(right))


def _is_number(value: Value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _whole(left: int, op: str, right: int) -> int:
    if op == "+":
        return wrap(left + right)
    if op == "-":
        return wrap(left - right)
    if op == "*":
        return wrap(left * right)
    if right == 0:
        raise OttlError("attempted to divide by 0")
    quotient = abs(left) // abs(right)
    return wrap(-quotient if (left < 0) != (right < 0) else quotient)


def _double(left: float, op: str, right: float) -> float:
    if op == "+":
        return left + right
    if op == "-":
        return left - right
    if op == "*":
        return left * right
    if right == 0:
        raise OttlError("attempted to divide by 0")
    try:
        return left / right
    except OverflowError:
        return math.copysign(math.inf, left) * math.copysign(1.0, right)


def _time(left: Time, op: str, right: Value) -> Value:
    if op == "+":
        if isinstance(right, Duration):
            return Time(left.nanos + right.nanos, left.zone)
        raise OttlError(f"time.Time must be added to time.Duration; found {show(right)} instead")
    if op == "-":
        if isinstance(right, Time):
            return Duration(max(_LOW, min(_HIGH, left.nanos - right.nanos)))
        if isinstance(right, Duration):
            return Time(left.nanos - right.nanos, left.zone)
        raise OttlError(
            f"time.Time or time.Duration must be subtracted from time.Time; found {show(right)} instead"
        )
    raise OttlError("only addition and subtraction supported for time.Time and time.Duration")


def _duration(left: Duration, op: str, right: Value) -> Value:
    if op == "+":
        if isinstance(right, Duration):
            return Duration(wrap(left.nanos + right.nanos))
        if isinstance(right, Time):
            return Time(right.nanos + left.nanos, right.zone)
        raise OttlError(
            f"time.Duration must be added to time.Duration or time.Time; found {show(right)} instead"
        )
    if op == "-":
        if isinstance(right, Duration):
            return Duration(wrap(left.nanos - right.nanos))
        raise OttlError(f"time.Duration must be subtracted from time.Duration; found {show(right)} instead")
    raise OttlError("only addition and subtraction supported for time.Time and time.Duration")
