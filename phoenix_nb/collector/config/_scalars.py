"""Plain YAML scalars by the rules of the collector's YAML library."""

from __future__ import annotations

import re
from typing import Final

from phoenix_nb.collector.config._tree import Node, YamlTime

__all__ = ["bounded_int", "quoted_scalar", "resolve_scalar"]

_WORDS: Final[dict[str, Node]] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_INTEGER: Final = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<bin>[01]+)|0[oO]?(?P<oct>[0-7]+)|(?P<dec>0|[1-9][0-9]*))",
    re.ASCII,
)
_DATE: Final = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    r"([Tt ] ?[0-9]{1,2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?( ?(Z|[-+][0-9]{1,2}(:[0-9]{2})?))?)?",
    re.ASCII,
)
_LOW, _HIGH = -(1 << 63), (1 << 64) - 1


def bounded_int(digits: str) -> int:
    """A number from its decimal digits; 2^64 when it is larger, since Python refuses to read thousands of digits."""
    short = digits.lstrip("0")
    return min(int(short or "0"), 1 << 64) if len(short) <= 20 else 1 << 64


def resolve_scalar(text: str) -> Node:
    """The value of an unquoted scalar; octal is ``0o17`` or ``017``, ``yes`` is text."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _DATE.fullmatch(text):
        return YamlTime(text)
    bare = text.replace("_", "")
    found = _INTEGER.fullmatch(bare)
    if found:
        number = _integer(found)
        if _LOW <= number <= _HIGH:
            return number
    if _FLOAT.fullmatch(bare):
        return float(bare)
    return text


def _integer(found: re.Match[str]) -> int:
    for name, base in (("hex", 16), ("bin", 2), ("oct", 8), ("dec", 10)):
        digits = found.group(name)
        if digits is not None:
            number = int(digits[:100], base)
            return -number if found.group("sign") == "-" else number
    return 0


def quoted_scalar(text: str, tag: str | None) -> Node:
    """The value of a quoted or tagged scalar."""
    short = (tag or "").removeprefix("tag:yaml.org,2002:")
    if short in {"int", "float", "bool", "null"}:
        value = resolve_scalar(text)
        return float(value) if short == "float" and isinstance(value, int) else value
    return text
