"""Filling Go's replacement templates: ``$1``, ``$name`` and ``${name}``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from phoenix_nb.collector._regexp import Regexp

__all__ = ["expand_first"]

_MOST: Final = 100_000_000


def expand_first(pattern: Regexp, template: str, text: str) -> str:
    """``template`` filled from the first match in ``text``; empty when there is none."""
    groups = pattern.groups(text)
    return "" if groups is None else _fill(template, groups, pattern.names)


def _fill(template: str, groups: Sequence[str], names: Sequence[str]) -> str:
    made: list[str] = []
    rest = template
    while "$" in rest:
        before, _, rest = rest.partition("$")
        made.append(before)
        if rest.startswith("$"):
            made.append("$")
            rest = rest[1:]
            continue
        name, after = _name(rest)
        if not name:
            made.append("$")
            continue
        rest = after
        made.append(_group(name, groups, names))
    made.append(rest)
    return "".join(made)


def _name(text: str) -> tuple[str, str]:
    """The name that a reference begins with and what follows it; an empty name when it is no reference."""
    brace = text.startswith("{")
    body = text[1:] if brace else text
    end = 0
    while end < len(body) and (body[end] == "_" or body[end].isalpha() or body[end].isdecimal()):
        end += 1
    if brace and body[end : end + 1] != "}":
        return "", text
    return body[:end], body[end + brace :]


def _group(name: str, groups: Sequence[str], names: Sequence[str]) -> str:
    if name.isascii() and name.isdecimal():
        number = int(name) if name == "0" or not name.startswith("0") else _MOST
        if number < _MOST:
            return groups[number] if number < len(groups) else ""
    # Of several groups of one name the first that took part counts.
    return next((groups[at] for at, known in enumerate(names) if known == name and groups[at]), "")
