"""Functions that ask for a kind of value, or change it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from phoenix_nb.collector.ottl._columns import Plan
from phoenix_nb.collector.ottl._context import Item
from phoenix_nb.collector.ottl._function import Function, converter, param
from phoenix_nb.collector.ottl._getters import Getter
from phoenix_nb.collector.ottl._runtime import (
    OttlError,
    OttlTypeError,
    Points,
    Time,
    Value,
    compare,
    kind_of,
    plain_list,
)
from phoenix_nb.otlp import KeyValues

__all__ = ["TYPE_FUNCTIONS"]

_LEN_ERROR: Final = (
    "target arg must be of type string, []any, map[string]any, pcommon.Map, pcommon.Slice, or pcommon.Value "
    "(of type String, Map, Slice)"
)


def _same(target: Getter) -> Plan | None:
    return target.plan


@converter("Int", param("target", "int_like"), plan=_same)
def _int(target: Value) -> Value:
    return target


@converter("Double", param("target", "float_like"), plan=_same)
def _double(target: Value) -> Value:
    return target


@converter("String", param("target", "string_like"))
def _string(target: Value) -> Value:
    return target


@converter("Bool", param("target", "bool_like"))
def _bool(target: Value) -> Value:
    return target


def _is(kind: str) -> Callable[..., Callable[[Item], Value]]:
    del kind

    def create(target: Getter) -> Callable[[Item], Value]:
        def evaluate(item: Item) -> Value:
            try:
                target.get(item)
            except OttlTypeError:
                return False
            return True

        return evaluate

    return create


@converter("IsList", param("target", "any"))
def _is_list(target: Value) -> Value:
    return isinstance(target, (tuple, Points))


@converter("Len", param("target", "any"))
def _len(target: Value) -> Value:
    if isinstance(target, str):
        return len(target.encode())
    if isinstance(target, (tuple, KeyValues, bytes)):
        return len(target)
    if isinstance(target, Points):
        return target.count
    raise OttlError(f"Len: unsupported target type {kind_of(target)}. {_LEN_ERROR}")


@converter("IsEmpty", param("target", "any"))
def _is_empty(target: Value) -> Value:
    if target is None:
        return True
    if isinstance(target, (tuple, KeyValues, bytes, str)):
        return len(target) == 0
    if isinstance(target, Points):
        return target.count == 0
    if isinstance(target, Time):
        return False
    return target in (0, False)


@converter("ContainsValue", param("target", "slice"), param("item", "any"))
def _contains(target: tuple[Any, ...], item: Value) -> Value:
    return any(compare(value, "==", item) for value in target)


@converter("Index", param("target", "any"), param("value", "any"))
def _index(target: Value, value: Value) -> Value:
    if isinstance(target, str):
        if not isinstance(value, str):
            raise OttlError("invalid value type for Index function, value must be a string")
        return target.encode().find(value.encode())
    if not isinstance(target, tuple):
        found = "nil" if target is None else kind_of(target)
        raise OttlTypeError(f"expected pcommon.Slice but got {found}")
    return next((at for at, entry in enumerate(plain_list(target)) if compare(entry, "==", value)), -1)


def _coalesce(values: tuple[Getter, ...]) -> Callable[[Item], Value]:
    def evaluate(item: Item) -> Value:
        for getter in values:
            value = getter.get(item)
            if value is not None:
                return value
        return None

    return evaluate


@converter("Keys", param("target", "map"))
def _keys(target: KeyValues) -> Value:
    return tuple(target)


@converter("Values", param("target", "map"))
def _values(target: KeyValues) -> Value:
    return tuple(target.values())


TYPE_FUNCTIONS: Final[tuple[Function, ...]] = (
    _int,
    _double,
    _string,
    _bool,
    *(
        Function(name, (param("target", kind),), _is(kind))
        for name, kind in (
            ("IsString", "string"),
            ("IsInt", "int"),
            ("IsDouble", "float"),
            ("IsBool", "bool"),
            ("IsMap", "map"),
        )
    ),
    _is_list,
    _len,
    _is_empty,
    _contains,
    _index,
    Function("Coalesce", (param("values", "any", many=True),), _coalesce),
    _keys,
    _values,
)
"""Every function about kinds of values."""
