"""Strict decoding of settings, with the error texts of the collector's decoder.

Settings are frozen dataclasses whose fields are made by :func:`setting`. Decoding never stops at the first problem.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol

from phoenix_nb.collector.config._durations import DurationError, parse_duration
from phoenix_nb.collector.config._ids import quote
from phoenix_nb.collector.config._tree import Expanded, Node, YamlTime, plain, type_name

__all__ = [
    "ANY",
    "BOOL",
    "DURATION",
    "FLOAT",
    "INT",
    "TEXT",
    "UINT32",
    "Custom",
    "DecodeError",
    "Entries",
    "Items",
    "Number",
    "Optional",
    "Schema",
    "Settings",
    "Struct",
    "Word",
    "decode_settings",
    "joined",
    "setting",
    "walk_problems",
]


@dataclass(frozen=True, slots=True)
class DecodeError:
    """One value that does not fit."""

    path: tuple[str, ...]
    """Keys from the component down."""
    text: str
    """The collector's words."""
    unknown_key: bool = False
    """Whether the trouble is a key that does not exist."""
    bare: bool = False
    """Whether the text stands alone, because a part that reads itself refused before its fields were decoded."""


def joined(errors: list[DecodeError]) -> str:
    """What the collector's decoder prints for these errors."""
    return "decoding failed due to the following error(s):\n\n" + "\n".join(error.text for error in errors)


class Schema(Protocol):
    """How one value is decoded."""

    def decode(self, path: tuple[str, ...], name: str, node: Node, default: Any) -> Any:
        """The value, or :class:`Refused`."""


class Refused(Exception):  # noqa: N818 - it carries errors, it is not one
    """Carries the errors of a value."""

    def __init__(self, *errors: DecodeError) -> None:
        super().__init__(*(error.text for error in errors))
        self.errors = list(errors)


def _refuse(path: tuple[str, ...], name: str, text: str) -> Refused:
    return Refused(DecodeError(path, f"'{name}' {text}"))


def _unconvertible(path: tuple[str, ...], name: str, wanted: str, node: Node) -> Refused:
    return _refuse(path, name, f"expected type '{wanted}', got unconvertible type '{type_name(node)}'")


@dataclass(frozen=True, slots=True)
class _Text:
    go_type: str = "string"

    def decode(self, path: tuple[str, ...], name: str, node: Node, default: Any) -> Any:
        if isinstance(node, Expanded):
            return node.original
        if node is None:
            return default
        if not isinstance(node, str):
            raise _unconvertible(path, name, self.go_type, node)
        return node


@dataclass(frozen=True, slots=True)
class _Bool:
    def decode(self, path: tuple[str, ...], name: str, node: Node, default: Any) -> Any:
        node = plain(node)
        if node is None:
            return default
        if not isinstance(node, bool):
            raise _unconvertible(path, name, "bool", node)
        return node


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number; fractions are cut off, as the collector's decoder does."""

    go_type: str
    """Its Go type."""
    low: int
    """Least value."""
    high: int
    """Largest value."""

    def decode(self, path: tuple[str, ...], name: str, node: Node, default: Any) -> Any:
        """The number."""
        node = plain(node)
        if node is None:
            return default
        if isinstance(node, bool) or not isinstance(node, (int, float)):
            raise _unconvertible(path, name, self.go_type, node)
        unsigned = self.low == 0
        if unsigned and node < 0:
            shown = f"{node:f}" if isinstance(node, float) else str(node)
            raise _refuse(path, name, f"cannot parse value as '{self.go_type}': {shown} overflows uint")
        if isinstance(node, float) and not abs(node) < 2.0**64:
            raise _refuse(
                path, name, f"cannot parse value as '{self.go_type}': {node} is not a number in range"
            )
        value = int(node)
        if not self.low <= value <= self.high:
            raise _refuse(path, name, f"cannot parse value as '{self.go_type}': {value} is out of range")
        return value


@dataclass(frozen=True, slots=True)
class _Float:
    def decode(self, path: tuple[str, ...], name: str, node: Node, default: Any) -> Any:
        node = plain(node)
        if node is None:
            return default
        if isinstance(node, bool) or not isinstance(node, (int, float)):
            raise _unconvertible(path, name, "float64", node)
        return float(node)


@dataclass(frozen=True, slots=True)
class _Duration:
    def decode(self, path: tuple[str, ...], name: str, node: Node, default: Any) -> Any:
        node = plain(node)
        if isinstance(node, str):
            try:
                return parse_duration(node)
            except DurationError as exc:
                raise _refuse(path, name, str(exc)) from exc
        return _INT64_NANOS.decode(path, name, node, default)


@dataclass(frozen=True, slots=True)
class _Any:
    def decode(self, path: tuple[str, ...], name: str, node: Node, default: Any) -> Any:
        del path, name
        return default if node is None else _any(node)


def _any(node: Node) -> Node:
    if isinstance(node, Expanded):
        return node.original if isinstance(node.value, str) else _any(node.value)
    if isinstance(node, dict):
        return {key: _any(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_any(value) for value in node]
    return node


@dataclass(frozen=True, slots=True)
class Word:
    """A text that a type of its own parses, such as a mode."""

    go_type: str
    """Its Go type."""
    parse: Callable[[str], Any]
    """From text; raises ``ValueError`` with the collector's words."""

    def decode(self, path: tuple[str, ...], name: str, node: Node, default: Any) -> Any:
        """The parsed word."""
        node = node.original if isinstance(node, Expanded) else node
        if node is None:
            return default
        if not isinstance(node, str):
            raise _unconvertible(path, name, self.go_type, node)
        try:
            return self.parse(node)
        except ValueError as exc:
            raise _refuse(path, name, str(exc)) from exc


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    of: Schema
    """What each item is."""

    def decode(self, path: tuple[str, ...], name: str, node: Node, default: Any) -> Any:
        """The items as a tuple."""
        if isinstance(node, Expanded):
            node = node.value
        if node is None:
            return default
        if isinstance(node, str) and isinstance(self.of, _Text):
            return tuple(node.split(",")) if node else ()
        if not isinstance(node, list):
            kind = type_name(node).partition("[")[0].replace("time.Time", "struct")
            raise _refuse(path, name, f"source data must be an array or slice, got {kind}")
        made: list[Any] = []
        errors: list[DecodeError] = []
        for at, item in enumerate(node):
            try:
                made.append(self.of.decode((*path, str(at)), f"{name}[{at}]", item, _empty(self.of)))
            except Refused as exc:
                errors.extend(exc.errors)
        if errors:
            raise Refused(*errors)
        return tuple(made)


@dataclass(frozen=True, slots=True)
class Entries:
    """A map with free keys."""

    of: Schema
    """What each value is."""

    def decode(self, path: tuple[str, ...], name: str, node: Node, default: Any) -> Any:
        """The map as a dict."""
        if isinstance(node, Expanded):
            node = node.value
        if node is None:
            return default
        if not isinstance(node, dict):
            raise _unconvertible(path, name, "map[string]interface {}", node)
        made: dict[str, Any] = {}
        errors: list[DecodeError] = []
        for key, item in node.items():
            try:
                made[key] = self.of.decode((*path, key), f"{name}[{key}]", item, _empty(self.of))
            except Refused as exc:
                errors.extend(exc.errors)
        if errors:
            raise Refused(*errors)
        return made


@dataclass(frozen=True, slots=True)
class Optional:
    """A value that may be left out; absent is ``None``."""

    of: Schema
    """What it is when it is there."""

    def decode(self, path: tuple[str, ...], name: str, node: Node, default: Any) -> Any:
        """The value or ``None``."""
        if plain(node) is None:
            return default
        return self.of.decode(path, name, node, _empty(self.of) if default is None else default)


@dataclass(frozen=True, slots=True)
class Struct:
    """A group of known fields."""

    of: type[Settings]
    """The settings class."""

    def decode(self, path: tuple[str, ...], name: str, node: Node, default: Any) -> Any:
        """An instance of the settings class."""
        if isinstance(node, Expanded):
            node = node.value
        base = default if isinstance(default, self.of) else self.of()
        if node is None:
            return base
        if not isinstance(node, dict):
            kind = type_name(node).partition("[")[0] or "slice"
            raise _refuse(path, name, f"expected a map or struct, got {quote(kind)}")
        return base.unmarshal(path, name, node)


@dataclass(frozen=True, slots=True)
class Custom:
    """A value with rules of its own."""

    function: Callable[[tuple[str, ...], str, Node, Any], Any]
    """Decodes (path, name, node, default); raises :class:`Refused` through :func:`refuse`."""

    def decode(self, path: tuple[str, ...], name: str, node: Node, default: Any) -> Any:
        """What the function gives."""
        return self.function(path, name, node, default)


def _empty(schema: Schema) -> Any:
    if isinstance(schema, Struct):
        return schema.of()
    if isinstance(schema, Items):
        return ()
    if isinstance(schema, Entries):
        return {}
    if isinstance(schema, _Text):
        return ""
    if isinstance(schema, _Bool):
        return False
    if isinstance(schema, (Number, _Float, _Duration)):
        return 0
    return None


_INT64_NANOS: Final = Number("time.Duration", -(1 << 63), (1 << 63) - 1)
TEXT: Final = _Text()
"""Any text."""
BOOL: Final = _Bool()
"""``true`` or ``false``."""
INT: Final = Number("int", -(1 << 63), (1 << 63) - 1)
"""A signed number."""
UINT32: Final = Number("uint32", 0, (1 << 32) - 1)
"""An unsigned number of 32 bits."""
FLOAT: Final = _Float()
"""A number with a fraction."""
DURATION: Final = _Duration()
"""Nanoseconds, written like ``1m30s``."""
ANY: Final = _Any()
"""Anything."""


def setting(default: Any, schema: Schema, *, key: str = "", squash: bool = False) -> Any:
    """A field of a settings class.

    Args:
        default: its value when the key is absent.
        schema: how it is decoded.
        key: its key when that is not the field's name.
        squash: whether its fields belong to the level above.
    """
    return dataclasses.field(**_default(default), metadata={"schema": schema, "key": key, "squash": squash})


def _default(value: Any) -> dict[str, Any]:
    # A frozen dataclass may share frozen defaults; dicts need a factory.
    return {"default_factory": lambda: dict(value)} if isinstance(value, dict) else {"default": value}


@dataclass(frozen=True)
class Settings:
    """The base of every settings class."""

    go_type: ClassVar[str] = "Config"
    """Name of the collector's own type, which its error texts show."""

    def problems(self) -> Iterator[str]:
        """What is wrong with these values taken together, in the collector's words."""
        return iter(())

    def unmarshal(self, path: tuple[str, ...], name: str, node: dict[str, Node]) -> Settings:
        """These settings with the given keys applied.

        Raises:
            Refused: keys or values that do not fit.
        """
        values, errors, used = self._fields(path, name, node)
        unknown = sorted(set(node) - used)
        if unknown:
            where = name or self.go_type
            text = f"'{where}' has invalid keys: {', '.join(unknown)}"
            errors.append(
                DecodeError((*path, unknown[0]) if len(unknown) == 1 else path, text, unknown_key=True)
            )
        if errors:
            raise Refused(*errors)
        return dataclasses.replace(self, **values)

    def _fields(
        self, path: tuple[str, ...], name: str, node: dict[str, Node]
    ) -> tuple[dict[str, Any], list[DecodeError], set[str]]:
        values: dict[str, Any] = {}
        errors: list[DecodeError] = []
        used: set[str] = set()
        for field in dataclasses.fields(self):
            meta: Mapping[str, Any] = field.metadata
            if "schema" not in meta:
                continue
            before = getattr(self, field.name)
            if meta["squash"]:
                inner, inner_errors, inner_used = before._fields(path, name, node)
                values[field.name] = dataclasses.replace(before, **inner)
                errors.extend(inner_errors)
                used |= inner_used
                continue
            key = meta["key"] or field.name
            if key not in node:
                continue
            used.add(key)
            try:
                values[field.name] = meta["schema"].decode(
                    (*path, key), f"{name}.{key}" if name else key, node[key], before
                )
            except Refused as exc:
                errors.extend(exc.errors)
        return values, errors, used


def decode_settings(kind: type[Settings], node: Node) -> tuple[Settings | None, list[DecodeError]]:
    """Settings from a component's part of the configuration, or what is wrong with it."""
    try:
        made = Struct(kind).decode((), "", node, None)
    except Refused as exc:
        return None, exc.errors
    return made, []


def nested(errors: list[DecodeError]) -> Refused:
    """Errors of a part that decodes itself, as the collector's decoder wraps them."""
    inner = joined(errors)
    return Refused(*(dataclasses.replace(error, text=f"'' {inner}") for error in errors[:1]))


def walk_problems(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every problem of settings and of everything in them, with its path."""
    if isinstance(value, Settings):
        yield from ((path, text) for text in value.problems())
        for field in dataclasses.fields(value):
            if "schema" in field.metadata:
                key = field.metadata["key"] or field.name
                yield from walk_problems(getattr(value, field.name), (*path, key))
    elif isinstance(value, tuple):
        for at, item in enumerate(value):
            yield from walk_problems(item, (*path, str(at)))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from walk_problems(item, (*path, str(key)))
    elif isinstance(value, YamlTime):
        return
