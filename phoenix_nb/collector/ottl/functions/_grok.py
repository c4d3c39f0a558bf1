"""``ExtractGrokPatterns``: named patterns inside a regular expression, as Logstash has them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from phoenix_nb.collector._regexp import RegexpError, compile_regexp
from phoenix_nb.collector._values import parse_float
from phoenix_nb.collector.config import bounded_int, quote
from phoenix_nb.collector.ottl._context import Item
from phoenix_nb.collector.ottl._function import Function, param
from phoenix_nb.collector.ottl._getters import Getter, typed_value
from phoenix_nb.collector.ottl._runtime import OttlError, Value
from phoenix_nb.otlp import AttributeValue, KeyValues

__all__ = ["EXTRACT_GROK"]

_NAMED: Final = re.compile(r"%\{(\w+(?::[\w+.]+(?::\w+)?)?)\}", re.ASCII)
_COMMON: Final = {
    "WORD": r"\b\w+\b",
    "NOTSPACE": r"\S+",
    "SPACE": r"\s*",
    "DATA": ".*?",
    "GREEDYDATA": ".*",
    "INT": "(?:[+-]?[0-9]+)",
    "POSINT": r"\b[1-9][0-9]*\b",
    "NONNEGINT": r"\b[0-9]+\b",
    "BASE10NUM": r"(?:[+-]?[0-9]+(?:\.[0-9]+)?|\.[0-9]+)",
    "NUMBER": "(?:%{BASE10NUM})",
    "BOOL": "true|false",
}
"""The words of the grok language that say nothing about a product's texts."""
_MOST_ROUNDS: Final = 500
_MOST_TEXT: Final = 100_000
_HIGH: Final = (1 << 63) - 1


def _definitions(given: tuple[str, ...]) -> dict[str, str]:
    made = dict(_COMMON)
    for at, text in enumerate(given):
        name, found, pattern = text.partition("=")
        if not found:
            shown = f"{text[:17]}..." if len(text) > 20 else text
            raise ValueError(
                f"pattern {quote(shown)} supplied to ExtractGrokPatterns at index {at} has incorrect format, expecting "
                "PATTERNNAME=pattern definition"
            )
        if ":" in name:
            raise ValueError(f"pattern ID {quote(name)} should not contain ':'")
        made[name] = pattern
    return made


def _expanded(pattern: str, known: Mapping[str, str], *, named_only: bool) -> tuple[str, dict[str, str]]:
    """The regular expression of a pattern, and the kinds that its groups ask for."""
    kinds: dict[str, str] = {}
    for _ in range(_MOST_ROUNDS):
        found = _NAMED.findall(pattern)
        if not found:
            break
        for inner in found:
            name, *more = inner.split(":")
            group = (more[0] if more else name).replace(".", "___")
            if len(more) == 2:
                kinds[group] = more[1]
            if name not in known:
                raise ValueError(
                    f"the pattern {name} of ExtractGrokPatterns is not in the embedded engine: "
                    "define it in pattern_definitions"
                )
            opening = "(" if named_only and not more else f"(?P<{group}>"
            pattern = pattern.replace(f"%{{{inner}}}", f"{opening}{known[name]})")
            if len(pattern) > _MOST_TEXT:
                raise ValueError(f"the pattern of ExtractGrokPatterns is longer than {_MOST_TEXT} characters")
    else:
        raise ValueError("a pattern of ExtractGrokPatterns refers to itself")
    return pattern, kinds


def _whole(text: str) -> int:
    if not re.fullmatch("[+-]?[0-9]+", text):
        raise OttlError(f"strconv.Atoi: parsing {quote(text)}: invalid syntax")
    number = bounded_int(text.lstrip("+-"))
    if number > _HIGH + text.startswith("-"):
        raise OttlError(f"strconv.Atoi: parsing {quote(text)}: value out of range")
    return -number if text.startswith("-") else number


def _fraction(text: str) -> float:
    made = parse_float(text)
    if made is None:
        raise OttlError(f"strconv.ParseFloat: parsing {quote(text)}: invalid syntax")
    return made


_KINDS: Final[dict[str, Callable[[str], Value]]] = {
    "string": lambda text: text,
    "int": _whole,
    "long": _whole,
    "float": _fraction,
    "double": _fraction,
    "bool": lambda text: typed_value("bool_like", text),
    "boolean": lambda text: typed_value("bool_like", text),
}


def _extract_grok(
    target: Getter,
    pattern: Getter,
    named_captures_only: bool | None = None,
    pattern_definitions: tuple[str, ...] | None = None,
) -> Callable[[Item], Value]:
    if not pattern.constant:
        raise ValueError(
            "ExtractGrokPatterns cannot be run by the embedded engine with a pattern that is not a literal"
        )
    text = str(pattern.get(Item()))
    regexp, kinds = _expanded(
        text, _definitions(pattern_definitions or ()), named_only=bool(named_captures_only)
    )
    try:
        compiled = compile_regexp(regexp)
    except RegexpError as exc:
        raise ValueError(
            f"the regex pattern supplied to ExtractGrokPatterns '{quote(text)}' is not a valid pattern: {exc}"
        ) from exc
    if named_captures_only and not any(compiled.names):
        raise ValueError("at least 1 named capture group must be supplied in the given regex")

    def evaluate(item: Item) -> Value:
        groups = compiled.groups(str(target.get(item)))
        made: dict[str, AttributeValue] = {}
        for name, found in zip(compiled.names, groups or (), strict=False):
            if not name or not found:
                continue
            kind = kinds.get(name, "string")
            if kind not in _KINDS:
                raise OttlError(f"invalid type for {name}: type not specified")
            made[name.replace("___", ".")] = _KINDS[kind](found)  # type: ignore[assignment]  # kinds of attributes
        return KeyValues(made.items())

    return evaluate


EXTRACT_GROK: Final = Function(
    "ExtractGrokPatterns",
    (
        param("target", "string"),
        param("pattern", "string"),
        param("named_captures_only", "flag", optional=True),
        param("pattern_definitions", "text", optional=True, many=True),
    ),
    _extract_grok,
)
"""A map of what the groups of a pattern found; empty where nothing fits."""
