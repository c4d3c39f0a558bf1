"""Getters, and getters that insist on a kind of value."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from phoenix_nb.collector._values import (
    go_json,
    parse_float,
    parse_int,
    truncate_to_int,
)
from phoenix_nb.collector.ottl._columns import Plan, as_float, as_int, constant_plan
from phoenix_nb.collector.ottl._context import Axis, Item
from phoenix_nb.collector.ottl._lookups import Bulk, converted
from phoenix_nb.collector.ottl._runtime import (
    Duration,
    GoList,
    OttlError,
    OttlTypeError,
    Part,
    Points,
    Time,
    Value,
    clock,
    kind_of,
    plain_list,
)
from phoenix_nb.otlp import KeyValues

__all__ = ["Getter", "Plan", "literal", "typed", "typed_value"]


@dataclass(frozen=True, slots=True)
class Getter:
    """Something that gives a value for an item."""

    axes: frozenset[Axis]
    """What the value depends on."""
    get: Callable[[Item], Value]
    """The value; may raise :class:`OttlError`."""
    constant: bool = False
    """Whether it is a literal."""
    plan: Plan | None = None
    """How to compute whole columns; ``None`` when only item by item."""
    bulk: Bulk | None = None
    """How to compute it for many entries of the one dictionary that it depends on; ``None`` when only item by item."""


def literal(value: Value) -> Getter:
    """A getter of one fixed value."""
    plan: Plan | None = None
    if isinstance(value, float):
        plan = constant_plan("float", value)
    elif isinstance(value, int) and not isinstance(value, bool):
        plan = constant_plan("int", value)
    elif isinstance(value, Duration):
        plan = constant_plan("duration", value.nanos)
    elif isinstance(value, Time) and value.zone is None and abs(value.nanos) >> 63 == 0:
        plan = constant_plan("time", value.nanos)
    return Getter(frozenset(), lambda _item: value, constant=True, plan=plan)


_TEXTS: Final = frozenset({"string", "string_like"})
"""Kinds that leave a text as it is."""


def typed(kind: str, getter: Getter) -> Getter:
    """A getter that gives one kind of value, or fails.

    Raises:
        OttlTypeError: a literal of the wrong kind.
    """
    convert = _CONVERSIONS[kind]
    if getter.constant:
        return literal(convert(getter.get(Item())))
    get = getter.get
    bulk = converted(getter.bulk, convert) if kind in _TEXTS else None
    return Getter(getter.axes, lambda item: convert(get(item)), plan=_plan(kind, getter.plan), bulk=bulk)


def typed_value(kind: str, value: Value) -> Value:
    """One value as the kind that a function wants."""
    return _CONVERSIONS[kind](value)


def _plan(kind: str, plan: Plan | None) -> Plan | None:
    if kind in {"time", "duration", "any"}:
        return plan
    return as_int(plan) if kind == "int_like" else as_float(plan) if kind == "float_like" else None


def _exact(name: str, kinds: tuple[type, ...], value: Value) -> Value:
    if isinstance(value, kinds) and not (isinstance(value, bool) and bool not in kinds):
        return value
    found = "nil" if value is None else kind_of(value)
    raise OttlTypeError(f"expected {name} but got {found}")


def _string(value: Value) -> Value:
    return _exact("string", (str,), value)


def _int(value: Value) -> Value:
    return _exact("int64", (int,), value)


def _float(value: Value) -> Value:
    return _exact("float64", (float,), value)


def _bool(value: Value) -> Value:
    return _exact("bool", (bool,), value)


def _map(value: Value) -> Value:
    return _exact("pcommon.Map", (KeyValues,), value)


def _slice(value: Value) -> Value:
    found = _exact("pcommon.Slice", (tuple,), value)
    return plain_list(found) if isinstance(found, GoList) else found


def _time(value: Value) -> Value:
    return _exact("time", (Time,), value)


def _duration(value: Value) -> Value:
    return _exact("duration", (Duration,), value)


def _string_like(value: Value) -> Value:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Time):
        return f'"{rfc3339(value)}"'
    if isinstance(value, Duration):
        return str(value.nanos)
    if isinstance(value, (Points, Part)):
        # To the collector they have no fields that it can show.
        return "{}"
    try:
        return _list_json(value) if isinstance(value, GoList) else go_json(value)
    except ValueError as exc:
        raise OttlTypeError(f"unsupported type: {kind_of(value)}") from exc


def _list_json(value: Value) -> str:
    """A list that was written down, as JSON: what it holds of OTLP's own has no fields that could be shown."""
    if isinstance(value, GoList):
        return "[" + ",".join(map(_list_json, value)) + "]"
    if isinstance(value, Time):
        return f'"{rfc3339(value)}"'
    if isinstance(value, Duration):
        return str(value.nanos)
    if isinstance(value, (KeyValues, tuple, Points, Part)):
        return "{}"
    return go_json(value)


def rfc3339(time: Time) -> str:
    """A time as the collector writes it, with the offset of its zone."""
    shown, _, offset = clock(time)
    rest = time.nanos % 1_000_000_000
    part = f".{rest:09d}".rstrip("0") if rest else ""
    hours, minutes = divmod(abs(offset) // 60, 60)
    zone = f"{'-' if offset < 0 else '+'}{hours:02d}:{minutes:02d}" if offset else "Z"
    return f"{shown.year:04d}-{shown:%m-%dT%H:%M:%S}{part}{zone}"


def _int_like(value: Value) -> Value:
    if value is None:
        return None
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return truncate_to_int(value)
    if isinstance(value, str):
        return parse_int(value)
    raise OttlTypeError(f"unsupported type: {kind_of(value)}")


def _float_like(value: Value) -> Value:
    if value is None:
        return None
    if isinstance(value, (bool, int)):
        return float(value)
    if isinstance(value, float):
        return value
    if isinstance(value, str):
        number = parse_float(value)
        if number is None:
            raise OttlError(f'strconv.ParseFloat: parsing "{value}": invalid syntax')
        return number
    raise OttlTypeError(f"unsupported type: {kind_of(value)}")


_TRUE: Final = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "FALSE", "false", "False"})


def _bool_like(value: Value) -> Value:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return value != 0
    if isinstance(value, str):
        if value in _TRUE or value in _FALSE:
            return value in _TRUE
        raise OttlError(f'strconv.ParseBool: parsing "{value}": invalid syntax')
    raise OttlTypeError(f"unsupported type: {kind_of(value)}")


def _bytes_like(value: Value) -> Value:
    if value is None:
        return None
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bool):
        return b"\x01" if value else b"\x00"
    if isinstance(value, int):
        return value.to_bytes(8, "big", signed=True)
    if isinstance(value, float):
        import struct

        return struct.pack(">d", value)
    raise OttlTypeError(f"unsupported type: {kind_of(value)}")


def decode_base64(text: str) -> bytes:
    """Standard base64.

    Raises:
        OttlError: it is not.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise OttlError(f"illegal base64 data: {exc}") from exc


_CONVERSIONS: Final[dict[str, Callable[[Value], Value]]] = {
    "any": lambda value: value,
    "string": _string,
    "int": _int,
    "float": _float,
    "bool": _bool,
    "map": _map,
    "slice": _slice,
    "time": _time,
    "duration": _duration,
    "string_like": _string_like,
    "int_like": _int_like,
    "float_like": _float_like,
    "bool_like": _bool_like,
    "bytes_like": _bytes_like,
}
