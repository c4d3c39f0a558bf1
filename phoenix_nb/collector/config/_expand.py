"""``${env:NAME}`` and its kin, by the rules of the collector's resolver."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from phoenix_nb.collector.config._tree import Expanded, Node
from phoenix_nb.collector.config._yaml import YamlError, load_yaml

__all__ = ["ExpansionError", "expand"]

_ROUNDS: Final = 1000
_MAX_TEXT: Final = 10 * 1024 * 1024
_URI: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+):(?P<opaque>.*)", re.DOTALL)
_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_PATTERN: Final = "^[a-zA-Z_][a-zA-Z0-9_]*$"


class ExpansionError(Exception):
    """A reference that cannot be expanded; the message is the collector's."""


def expand(node: Node, environment: Mapping[str, str], unset: set[str] | None = None) -> Node:
    """The tree with every reference replaced and every ``$$`` made ``$``.

    Args:
        node: the parsed configuration.
        environment: the only variables there are.
        unset: collects names of variables that were asked for and do not exist.

    Raises:
        ExpansionError: a bad name, an unsupported scheme, or references that never end.
    """
    return _Expander(environment, set() if unset is None else unset).resolve(node)


class _Expander:
    def __init__(self, environment: Mapping[str, str], unset: set[str]) -> None:
        self._environment = environment
        self._unset = unset

    def resolve(self, node: Node) -> Node:
        """Values are expanded leaf by leaf, so that the rounds of one value do not count for another."""
        if isinstance(node, dict):
            return {key: self.resolve(value) for key, value in node.items()}
        value: Node = node
        for _ in range(_ROUNDS):
            value, changed = self._once(value)
            if not changed:
                return _unescape(value)
        raise ExpansionError("too many recursive expansions")

    def _once(self, node: Node) -> tuple[Node, bool]:
        if isinstance(node, Expanded):
            return self._once_expanded(node)
        if isinstance(node, str):
            return self._text(node)
        if isinstance(node, list):
            items = [self._once(item) for item in node]
            return [item for item, _ in items], any(changed for _, changed in items)
        if isinstance(node, dict):
            pairs = {key: self._once(value) for key, value in node.items()}
            made = {key: value for key, (value, _) in pairs.items()}
            return made, any(changed for _, changed in pairs.values())
        return node, False

    def _once_expanded(self, node: Expanded) -> tuple[Node, bool]:
        value, changed = self._once(node.value)
        if isinstance(value, (Expanded, str)):
            return value, changed
        try:
            original, original_changed = self._text(node.original)
        except ExpansionError:
            return value, changed
        if isinstance(original, str):
            return Expanded(value, original), changed or original_changed
        return value, changed

    def _text(self, text: str) -> tuple[Node, bool]:
        found = _find(text)
        if found is None:
            return text, False
        value, original = self._retrieve(found)
        if found == text:
            return (value if original is None else Expanded(value, original)), True
        if original is None:
            raise ExpansionError(
                f"expanding {found}: retrieved value does not have unambiguous string representation: {value}"
            )
        made = text.replace(found, original)
        if len(made) > _MAX_TEXT:
            raise ExpansionError("too many recursive expansions")
        return made, True

    def _retrieve(self, reference: str) -> tuple[Node, str | None]:
        """The parsed value and its text; no text when the value is not written as one."""
        uri = reference[2:-1]
        if ":" not in uri:
            uri = f"env:{uri}"
        found = _URI.fullmatch(uri)
        if found is None:
            raise ExpansionError(f"invalid uri: {_quoted(uri)}")
        scheme, opaque = found["scheme"], found["opaque"]
        if "$" in opaque:
            raise ExpansionError(f"the uri {_quoted(uri)} contains unsupported characters ('$')")
        if scheme == "env":
            return self._variable(opaque)
        if scheme == "yaml":
            return _from_yaml(opaque)
        raise ExpansionError(f"scheme {_quoted(scheme)} is not supported for uri {_quoted(uri)}")

    def _variable(self, opaque: str) -> tuple[Node, str | None]:
        name, has_default, default = opaque.partition(":-")
        if not _NAME.fullmatch(name):
            raise ExpansionError(
                f"environment variable {_quoted(name)} has invalid name: must match regex {_PATTERN}"
            )
        text = self._environment.get(name)
        if text is None:
            if has_default and default == "":
                return "", ""
            if not has_default:
                self._unset.add(name)
            text = default
        return _from_yaml(text)


def _from_yaml(text: str) -> tuple[Node, str | None]:
    try:
        value = load_yaml(text)
    except YamlError:
        # What is not YAML is text.
        return text, text
    # A string keeps its original notation: '"0123"' stays with its quotes.
    return (text if isinstance(value, str) else value), text


def _find(text: str) -> str | None:
    """The first reference in a text, the innermost of nested ones; ``None`` when it is escaped or absent."""
    if "${" not in text:
        return None
    offset = 0
    while True:
        close = text.find("}", offset)
        if close < 0:
            return None
        start = text.rfind("${", offset, close + 1)
        if start < 0:
            offset = close + 1
            continue
        before = text[offset:start]
        dollars = len(before) - len(before.rstrip("$"))
        return None if dollars % 2 else text[start : close + 1]


def _unescape(node: Node) -> Node:
    if isinstance(node, str):
        return node.replace("$$", "$")
    if isinstance(node, Expanded):
        return Expanded(_unescape(node.value), node.original.replace("$$", "$"))
    if isinstance(node, list):
        return [_unescape(item) for item in node]
    if isinstance(node, dict):
        return {key: _unescape(value) for key, value in node.items()}
    return node


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
