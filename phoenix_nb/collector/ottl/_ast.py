"""What a parsed text means, before it is bound to a context."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

__all__ = [
    "And",
    "Bytes",
    "Call",
    "Compare",
    "Condition",
    "Const",
    "Enum",
    "Field",
    "Float",
    "Int",
    "Lambda",
    "ListLiteral",
    "MapLiteral",
    "Math",
    "Negate",
    "Nil",
    "Not",
    "Or",
    "Path",
    "Statement",
    "Text",
    "Value",
    "walk",
]


@dataclass(frozen=True, slots=True)
class Nil:
    """``nil``."""


@dataclass(frozen=True, slots=True)
class Text:
    """A string literal."""

    value: str


@dataclass(frozen=True, slots=True)
class Int:
    """A whole number."""

    value: int


@dataclass(frozen=True, slots=True)
class Float:
    """A number with a point."""

    value: float


@dataclass(frozen=True, slots=True)
class Bytes:
    """``0x…``."""

    value: bytes


@dataclass(frozen=True, slots=True)
class Const:
    """``true`` or ``false``, as a value or as a condition."""

    value: bool


@dataclass(frozen=True, slots=True)
class Enum:
    """A name in capitals, also a function's name where one is wanted."""

    name: str


@dataclass(frozen=True, slots=True)
class Field:
    """One part of a path with the keys behind it."""

    name: str
    keys: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Path:
    """A path such as ``metric.name`` or ``attributes["k"]``."""

    fields: tuple[Field, ...]
    start: int = 0
    """Where it begins in the text."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a converter or an editor."""

    name: str
    arguments: tuple[tuple[str, Value], ...]
    """Names (empty when positional) and values."""
    keys: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Math:
    """Two values joined by ``+``, ``-``, ``*`` or ``/``."""

    left: Value
    op: str
    right: Value


@dataclass(frozen=True, slots=True)
class Negate:
    """A minus before a value."""

    value: Value


@dataclass(frozen=True, slots=True)
class ListLiteral:
    """``[a, b]``."""

    items: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class MapLiteral:
    """``{"k": v}``."""

    items: tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class Lambda:
    """``(k, v) => …``, which the collector takes behind a feature gate only."""


Value: TypeAlias = (
    "Nil | Text | Int | Float | Bytes | Const | Enum | Path | Call | Math | Negate | ListLiteral | MapLiteral "
    "| Lambda"
)
"""Something that has a value."""


@dataclass(frozen=True, slots=True)
class Compare:
    """Two values and an operator."""

    left: Value
    op: str
    right: Value


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class And:
    """True when all are, tried in order."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True when one is, tried in order."""

    conditions: tuple[Condition, ...]


Condition: TypeAlias = "Compare | Const | Call | Not | And | Or"
"""Something that is true or false."""


@dataclass(frozen=True, slots=True)
class Statement:
    """An editor, and when it runs."""

    editor: Call
    where: Condition | None


def walk(node: object) -> list[Path | Call | Enum]:
    """Every path, call and enum below a node, in the order of the text."""
    found: list[Path | Call | Enum] = []
    _walk(node, found)
    return found


def _walk(node: object, found: list[Path | Call | Enum]) -> None:
    if isinstance(node, (Path, Call, Enum)):
        found.append(node)
    if isinstance(node, Path):
        for field in node.fields:
            for key in field.keys:
                _walk(key, found)
    elif isinstance(node, Call):
        for _, value in node.arguments:
            _walk(value, found)
        for key in node.keys:
            _walk(key, found)
    elif isinstance(node, (Math, Compare)):
        _walk(node.left, found)
        _walk(node.right, found)
    elif isinstance(node, Negate):
        _walk(node.value, found)
    elif isinstance(node, Not):
        _walk(node.condition, found)
    elif isinstance(node, (And, Or)):
        for condition in node.conditions:
            _walk(condition, found)
    elif isinstance(node, ListLiteral):
        for value in node.items:
            _walk(value, found)
    elif isinstance(node, MapLiteral):
        for _, value in node.items:
            _walk(value, found)
    elif isinstance(node, Statement):
        _walk(node.editor, found)
        _walk(node.where, found)
