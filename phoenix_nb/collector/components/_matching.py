"""Matching metrics by name, by resource attributes or by expression: the older way of choosing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from phoenix_nb.collector._regexp import RegexpError, compile_regexp
from phoenix_nb.collector._values import attribute_from_node, format_float
from phoenix_nb.collector.components._base import BuildError
from phoenix_nb.collector.config import (
    ANY,
    BOOL,
    INT,
    TEXT,
    Items,
    Optional,
    Settings,
    Struct,
    quote,
    setting,
)
from phoenix_nb.otlp import Attributes, AttributeValue, KeyValues

__all__ = [
    "AttributeMatch",
    "RegexpCache",
    "attributes_matcher",
    "text_matcher",
    "unrecognized",
]


@dataclass(frozen=True)
class RegexpCache(Settings):
    """A cache that changes no result."""

    go_type: ClassVar[str] = "regexp.Config"
    cacheenabled: bool = setting(False, BOOL)
    """Whether results are remembered."""
    cachemaxnumentries: int = setting(0, INT)
    """How many; 0 = all."""


@dataclass(frozen=True)
class AttributeMatch(Settings):
    """An attribute that must be there, with a value or with any."""

    go_type: ClassVar[str] = "filterconfig.Attribute"
    key: str = setting("", TEXT)
    """Its key."""
    value: object = setting(None, ANY)
    """Its value; absent matches any."""


REGEXP_CACHE = Optional(Struct(RegexpCache))
TEXTS = Items(TEXT)
MATCHES = Items(Struct(AttributeMatch))


def unrecognized(match_type: str) -> BuildError:
    """The refusal of a way to match."""
    return BuildError(f"unrecognized match_type: '{match_type}', valid types are: [regexp strict]")


def text_matcher(match_type: str, patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """Whether a text equals one of the texts, or is matched by one of the patterns.

    Raises:
        BuildError: an unknown way to match or a bad pattern.
    """
    if match_type == "strict":
        return frozenset(patterns).__contains__
    if match_type != "regexp":
        raise unrecognized(match_type)
    try:
        compiled = [compile_regexp(pattern) for pattern in patterns]
    except RegexpError as exc:
        raise BuildError(str(exc)) from exc
    return lambda text: any(pattern.search(text) for pattern in compiled)


def attributes_matcher(
    match_type: str, wanted: tuple[AttributeMatch, ...]
) -> Callable[[Attributes], bool] | None:
    """Whether attributes hold everything that is wanted; ``None`` when nothing is.

    Raises:
        BuildError: an empty key, a value that cannot be matched, or an unknown way to match.
    """
    if not wanted:
        return None
    tests = [(match.key, _value_test(match_type, match)) for match in wanted]

    def matches(attributes: Attributes) -> bool:
        return all(key in attributes and (test is None or test(attributes.get(key))) for key, test in tests)

    return matches


def _value_test(match_type: str, match: AttributeMatch) -> Callable[[AttributeValue], bool] | None:
    if not match.key:
        raise BuildError("can't have empty key in the list of attributes")
    if match.value is None:
        return None
    value = attribute_from_node(match.value)
    if match_type == "regexp":
        if not isinstance(value, str):
            raise BuildError(
                f"match_type=regexp for {quote(match.key)} only supports Str, but found {_kind(value)}"
            )
        test = text_matcher("regexp", (value,))

        def by_pattern(found: AttributeValue) -> bool:
            text = _text(found)
            return text is not None and test(text)

        return by_pattern
    if match_type != "strict":
        raise unrecognized(match_type)
    return lambda found: _equal(value, found)


def _equal(first: AttributeValue, second: AttributeValue) -> bool:
    if type(first) is not type(second):
        return False
    if isinstance(first, KeyValues) and isinstance(second, KeyValues):
        return first.same_as(second)
    if isinstance(first, tuple):
        return KeyValues([("", first)]).same_as(KeyValues([("", second)]))
    return first == second


def _text(value: AttributeValue) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return format_float(value, "f") if isinstance(value, float) else None


def _kind(value: AttributeValue) -> str:
    names = (
        (bool, "Bool"),
        (int, "Int"),
        (float, "Double"),
        (bytes, "Bytes"),
        (tuple, "Slice"),
        (KeyValues, "Map"),
    )
    return next((name for kind, name in names if isinstance(value, kind)), "Empty")
