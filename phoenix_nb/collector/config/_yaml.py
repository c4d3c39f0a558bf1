"""Reading YAML within bounds: no tags that run code, no alias bombs, no silent duplicates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import yaml

from phoenix_nb.collector.config._scalars import quoted_scalar, resolve_scalar
from phoenix_nb.collector.config._tree import Node

__all__ = ["MAX_BYTES", "YamlError", "load_yaml"]

MAX_BYTES: Final = 10 * 1024 * 1024
"""Longest configuration in bytes."""
_MAX_NODES: Final = 200_000
_MAX_DEPTH: Final = 100


class YamlError(Exception):
    """Text that is not acceptable YAML; the message is the YAML library's of the collector."""


def load_yaml(text: str) -> Node:
    """The first document of a YAML text.

    Raises:
        YamlError: it is not YAML, or it is too large, too deep, or explodes through aliases.
    """
    if len(text) > MAX_BYTES or len(text.encode(errors="replace")) > MAX_BYTES:
        message = f"the text is longer than {MAX_BYTES // 1024 // 1024} MiB"
        raise YamlError(message)
    try:
        return _Composer(yaml.parse(text, Loader=yaml.CSafeLoader)).document()
    except yaml.reader.ReaderError as exc:
        message = "yaml: control characters are not allowed"
        raise YamlError(message) from exc
    except yaml.MarkedYAMLError as exc:
        raise YamlError(f"yaml: {_where(exc)}{exc.problem}") from exc
    except (yaml.YAMLError, UnicodeError) as exc:
        raise YamlError(f"yaml: {exc}") from exc


def _where(error: yaml.MarkedYAMLError) -> str:
    scanner = isinstance(error, yaml.scanner.ScannerError)
    for mark in (error.context_mark, error.problem_mark):
        if mark is not None and mark.line:
            return f"line {mark.line + (1 if scanner else 0)}: "
    return ""


class _Composer:
    """Builds values from events; every node counts, also the repeated ones behind aliases."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._open: set[str] = set()
        self._nodes = 0

    def document(self) -> Node:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                return self._node(next(self._events), 0)
            if isinstance(event, yaml.StreamEndEvent):
                break
        return None

    def _count(self, amount: int) -> None:
        self._nodes += amount
        if self._nodes > _MAX_NODES:
            message = f"yaml: document contains excessive aliasing or more than {_MAX_NODES} values"
            raise YamlError(message)

    def _node(self, event: Any, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            message = f"yaml: the document is nested deeper than {_MAX_DEPTH} levels"
            raise YamlError(message)
        anchor = event.anchor
        if isinstance(event, yaml.AliasEvent):
            if anchor in self._open:
                raise YamlError(f"yaml: anchor '{anchor}' value contains itself")
            if anchor not in self._anchors:
                raise YamlError(f"yaml: unknown anchor '{anchor}' referenced")
            value, weight = self._anchors[anchor]
            self._count(weight)
            return value
        self._count(1)
        before = self._nodes
        if anchor:
            self._open.add(anchor)
        if isinstance(event, yaml.ScalarEvent):
            bare = event.implicit[0] and not event.style
            value = resolve_scalar(event.value) if bare else quoted_scalar(event.value, event.tag)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(depth)
        else:
            value = self._mapping(depth)
        if anchor:
            self._open.discard(anchor)
            self._anchors[anchor] = (value, self._nodes - before + 1)
        return value

    def _sequence(self, depth: int) -> Node:
        items: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return items

    def _mapping(self, depth: int) -> Node:
        made: dict[str, Node] = {}
        merged: list[dict[str, Node]] = []
        lines: dict[str, int] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            line = event.start_mark.line + 1
            merge = (
                isinstance(event, yaml.ScalarEvent)
                and not event.style
                and event.value == "<<"
                and event.implicit[0]
            )
            key = _key(self._node(event, depth + 1), line)
            value = self._node(next(self._events), depth + 1)
            if merge:
                merged.extend(_merge_sources(value))
                continue
            if key in lines:
                message = (
                    f'yaml: unmarshal errors:\n  line {line}: mapping key "{key}" '
                    f"already defined at line {lines[key]}"
                )
                raise YamlError(message)
            lines[key] = line
            made[key] = value
        for source in merged:
            for key, value in source.items():
                made.setdefault(key, value)
        return made


def _key(node: Node, line: int) -> str:
    if isinstance(node, str):
        return node
    if isinstance(node, (dict, list)):
        message = f"yaml: line {line}: invalid map key: only text and numbers can be keys"
        raise YamlError(message)
    if isinstance(node, bool):
        return str(node).lower()
    return "<nil>" if node is None else str(getattr(node, "text", node))


def _merge_sources(value: Node) -> list[dict[str, Node]]:
    if isinstance(value, dict):
        return [value]
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return [item for item in value if isinstance(item, dict)]
    message = "yaml: map merge requires map or sequence of maps as the value"
    raise YamlError(message)
