"""Selectors and names as OTTL conditions of a stock collector."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from phoenix_nb.evidence.coverage import CriticalSelector

__all__ = ["NAME", "any_of", "critical_condition", "glob_pattern", "literal", "name_pattern", "quoted"]

NAME = "process.executable.name"
_ATTRIBUTES = {
    "name": NAME,
    "path": "process.executable.path",
    "command": "process.command",
    "command_line": "process.command_line",
    "owner": "process.owner",
    "cgroup": "process.cgroup",
}
_SPECIAL = re.compile(r"([\\.+*?()|\[\]{}^$])")
_DIGITS = re.compile(r"[0-9]+")


def literal(text: str) -> str:
    """A regular expression that matches exactly this text, in RE2 as in every other dialect."""
    return _SPECIAL.sub(r"\\\1", text)


def name_pattern(name: str) -> str:
    """The name with every run of digits standing for any other one: ``job-17`` is ``job-[0-9]+``."""
    parts = _DIGITS.split(name)
    return "[0-9]+".join(literal(part) for part in parts)


def glob_pattern(glob: str) -> str:
    """A glob as a regular expression over the whole text, as ``fnmatch`` reads it."""
    made, at = ["(?s)^"], 0
    while at < len(glob):
        sign = glob[at]
        at += 1
        if sign == "*":
            made.append(".*")
        elif sign == "?":
            made.append(".")
        elif sign == "[" and (end := _set_end(glob, at)) is not None:
            inner = glob[at:end].replace("\\", "\\\\").replace("[", "\\[")
            made.append(f"[^{inner[1:]}]" if inner.startswith("!") else f"[{_first_literal(inner)}]")
            at = end + 1
        else:
            made.append(literal(sign))
    return "".join(made) + "$"


def _set_end(glob: str, start: int) -> int | None:
    """Where a character set ends; ``None`` when it does not, so that its bracket is an ordinary sign."""
    at = start + 1 if glob[start : start + 1] == "!" else start
    end = glob.find("]", at + 1)
    return None if end < 0 else end


def _first_literal(inner: str) -> str:
    return f"\\{inner}" if inner.startswith("^") else inner


def quoted(pattern: str) -> str:
    """A text as an OTTL string inside collector YAML, where a dollar sign would begin a variable."""
    escaped = pattern.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'.replace("$", "$$")


def any_of(patterns: Iterable[str]) -> str:
    """One regular expression for whole texts, each of which one of the patterns matches."""
    return f"^(?:{'|'.join(patterns)})$"


def critical_condition(selectors: Sequence[CriticalSelector], prefix: str) -> str:
    """What is true of critical processes and of nothing else; empty without selectors.

    Args:
        selectors: which processes are critical.
        prefix: path of the resource in the context of the condition, ``""`` or ``"resource."``.
    """
    parts = []
    exact = [one.pattern for one in selectors if one.kind == "name" and not one.regex and _plain(one.pattern)]
    if exact:
        parts.append(_match(prefix, NAME, any_of(literal(text) for text in exact)))
    for one in selectors:
        if one.kind == "name" and not one.regex and _plain(one.pattern):
            continue
        pattern = one.pattern if one.regex else glob_pattern(one.pattern)
        parts.append(_match(prefix, _ATTRIBUTES[one.kind], pattern))
    return f"({' or '.join(parts)})" if len(parts) > 1 else "".join(parts)


def _plain(pattern: str) -> bool:
    return not set(pattern) & set("*?[")


def _match(prefix: str, attribute: str, pattern: str) -> str:
    return f'IsMatch({prefix}attributes["{attribute}"], {quoted(pattern)})'
