"""Selectors and names as OTTL conditions of a stock collector."""

from __future__ import annotations

from collections.abc import Sequence

from phoenix_nb.analysis.optimize._arguments import arguments_pattern
from phoenix_nb.analysis.optimize._patterns import any_of, glob_pattern, literal
from phoenix_nb.evidence.coverage import CriticalSelector

__all__ = ["NAME", "critical_condition", "quoted"]

NAME = "process.executable.name"
_ATTRIBUTES = {
    "name": NAME,
    "path": "process.executable.path",
    "command": "process.command",
    "command_line": "process.command_line",
    "owner": "process.owner",
    "cgroup": "process.cgroup",
}
_ARGUMENTS = "process.command_args"


def quoted(pattern: str) -> str:
    """A text as an OTTL string inside collector YAML, where a dollar sign would begin a variable."""
    escaped = pattern.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'.replace("$", "$$")


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
        if one.kind == "command_line":
            parts.append(_by_arguments(prefix, one))
    return f"({' or '.join(parts)})" if len(parts) > 1 else "".join(parts)


def _plain(pattern: str) -> bool:
    return not set(pattern) & set("*?[")


def _match(prefix: str, attribute: str, pattern: str) -> str:
    return f'IsMatch({prefix}attributes["{attribute}"], {quoted(pattern)})'


def _by_arguments(prefix: str, selector: CriticalSelector) -> str:
    """The same where the source gives arguments and no joined line; spares every such process if in doubt."""
    pattern = arguments_pattern(selector)
    found = (
        f'{prefix}attributes["{_ARGUMENTS}"] != nil'
        if pattern is None
        else _match(prefix, _ARGUMENTS, pattern)
    )
    return f'({prefix}attributes["{_ATTRIBUTES["command_line"]}"] == nil and {found})'
