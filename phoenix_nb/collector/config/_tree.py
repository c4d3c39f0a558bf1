"""The values a configuration is made of before its fields are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Expanded", "Node", "YamlTime", "plain", "type_name"]


@dataclass(frozen=True, slots=True)
class YamlTime:
    """An unquoted date, which the collector's parser turns into a time that no field takes."""

    text: str
    """As written."""


@dataclass(frozen=True, slots=True)
class Expanded:
    """What ``${…}`` gave: fields of type string take the original text, all others the parsed value."""

    value: Node
    """Parsed as YAML."""
    original: str
    """As written in the environment."""


Node: TypeAlias = "dict[str, Node] | list[Node] | str | bool | int | float | YamlTime | Expanded | None"
"""A value of the configuration."""


def plain(node: Node) -> Node:
    """The same with parsed values in place of :class:`Expanded` ones, as fields of any type see it."""
    if isinstance(node, Expanded):
        return plain(node.value)
    if isinstance(node, dict):
        return {key: plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [plain(value) for value in node]
    return node


def type_name(node: Node) -> str:
    """The name of the value's type in the collector's error texts."""
    if isinstance(node, Expanded):
        return type_name(node.value)
    for kind, name in (
        (bool, "bool"),
        (int, "int"),
        (float, "float64"),
        (str, "string"),
        (dict, "map[string]interface {}"),
        (list, "[]interface {}"),
        (YamlTime, "time.Time"),
    ):
        if isinstance(node, kind):
            return name
    return "<nil>"
