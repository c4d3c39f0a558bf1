"""Editors that replace parts of texts, by regular expression or by glob."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from phoenix_nb.collector._regexp import Regexp, expand_template
from phoenix_nb.collector.config import quote
from phoenix_nb.collector.ottl._context import Item
from phoenix_nb.collector.ottl._function import Function, Target, param
from phoenix_nb.collector.ottl._getters import Getter, literal
from phoenix_nb.collector.ottl._runtime import OttlError, Value
from phoenix_nb.collector.ottl.functions._glob import GlobError, compile_glob
from phoenix_nb.collector.ottl.functions._text import dynamic_pattern
from phoenix_nb.otlp import AttributeValue, KeyValues

__all__ = ["REPLACING"]

Run = Callable[[Item], Value]


def _format_of(replacement_format: Getter | None, item: Item, text: str) -> str:
    if replacement_format is None:
        return text
    pattern = str(replacement_format.get(item))
    if pattern.count("%s") < 1 or any(
        pattern[at + 1 : at + 2] != "s" and pattern[at + 1 : at + 2]
        for at, c in enumerate(pattern)
        if c == "%"
    ):
        raise OttlError(
            "replacementFormat must be format string containing a single %s and no other format specifiers"
        )
    made = pattern.replace("%s", text, 1)
    # Further placeholders have nothing to show, and Go says so.
    rest = made[made.index(text) + len(text) :] if text in made else made
    return made[: len(made) - len(rest)] + rest.replace("%s", "%!s(MISSING)")


def _call(function: Function, text: str, item: Item) -> str:
    """A converter of one argument applied to a text."""
    required = [entry for entry in function.params if not entry.optional]
    if len(required) != 1 or len(function.params) != 1:
        raise OttlError("incorrect number of arguments")
    (entry,) = function.params
    made = function.create(**{entry.name: literal(text)})(item)
    if not isinstance(made, str):
        raise OttlError("the replacement value must be a string")
    return made


def _replaced(
    pattern: Regexp,
    text: str,
    replacement: str,
    function: Function | None,
    replacement_format: Getter | None,
    item: Item,
) -> str:
    if function is None:
        return pattern.replace(text, replacement)
    parts: list[str] = []
    last = 0
    for spans in pattern.spans(text):
        made = _call(function, expand_template(replacement, text, spans, pattern.names), item)
        start, end = spans[0]
        parts += (text[last:start], _format_of(replacement_format, item, made))
        last = end
    return "".join((*parts, text[last:]))


def _replace_pattern(
    target: Target,
    regex_pattern: Getter,
    replacement: Getter,
    function: Function | None = None,
    replacement_format: Getter | None = None,
) -> Run:
    find = dynamic_pattern("replace_pattern", regex_pattern)

    def run(item: Item) -> None:
        found = target.getter.get(item)
        if found is None:
            return
        text = str(replacement.get(item))
        if not isinstance(found, str):
            return
        pattern = find(item)
        if pattern.search(found):
            target.put(item, _replaced(pattern, found, text, function, replacement_format, item))

    return run


def _replace_all_patterns(
    target: Target,
    mode: str,
    regex_pattern: Getter,
    replacement: Getter,
    function: Function | None = None,
    replacement_format: Getter | None = None,
) -> Run:
    find = dynamic_pattern("replace_all_patterns", regex_pattern)
    if mode not in {"key", "value"}:
        raise ValueError(f"invalid mode {mode}, must be either 'key' or 'value'")

    def run(item: Item) -> None:
        found = target.getter.get(item)
        assert isinstance(found, KeyValues)  # noqa: S101 - the getter insists
        text = str(replacement.get(item))
        pattern = find(item)

        def changed(before: str) -> str:
            return _replaced(pattern, before, text, function, replacement_format, item)

        made: dict[str, AttributeValue] = {}
        for key, value in found.items():
            try:
                if mode == "key":
                    made[changed(key) if pattern.search(key) else key] = value
                elif isinstance(value, str) and pattern.search(value):
                    made[key] = changed(value)
                else:
                    made[key] = value
            except OttlError:
                # A value keeps what it was, a key vanishes with its value.
                if mode == "value":
                    made[key] = value
        target.put(item, KeyValues(made.items()))

    return run


def _glob_of(name: str, pattern: Getter) -> Callable[[Item], Regexp]:
    def compiled(text: str) -> Regexp:
        try:
            return compile_glob(text)
        except GlobError as exc:
            message = f"the regex pattern supplied to {name} '{quote(text)}' is not a valid pattern: {exc}"
            raise ValueError(message) from exc

    if pattern.constant:
        made = compiled(str(pattern.get(Item())))
        return lambda _item: made

    def find(item: Item) -> Regexp:
        try:
            return compiled(str(pattern.get(item)))
        except ValueError as exc:
            raise OttlError(str(exc)) from exc

    return find


def _replacement_of(
    replacement: Getter, function: Function | None, replacement_format: Getter | None
) -> Callable[[Item], str]:
    def text(item: Item) -> str:
        found = str(replacement.get(item))
        if function is None:
            return found
        return _format_of(replacement_format, item, _call(function, found, item))

    return text


def _replacing_matches(name: str, change: Callable[[Value, Regexp, str], Value]) -> Callable[..., Run]:
    """An editor that puts a text in the place of what a glob matches.

    Args:
        name: how users call it.
        change: what a value becomes; nil leaves it alone.
    """

    def create(
        target: Target,
        pattern: Getter,
        replacement: Getter,
        function: Function | None = None,
        replacement_format: Getter | None = None,
    ) -> Run:
        find = _glob_of(name, pattern)
        make = _replacement_of(replacement, function, replacement_format)

        def run(item: Item) -> None:
            glob = find(item)
            found = target.getter.get(item)
            made = change(found, glob, make(item))
            if made is not None:
                target.put(item, made)

        return run

    return create


def _matched(found: Value, glob: Regexp, text: str) -> Value:
    return text if isinstance(found, str) and glob.search(found) else None


def _all_matched(found: Value, glob: Regexp, text: str) -> Value:
    assert isinstance(found, KeyValues)  # noqa: S101 - the getter insists
    for key, value in found.items():
        if _matched(value, glob, text) is not None:
            found = found.with_item(key, text)
    return found


_TAIL: Final = (
    param("replacement", "string"),
    param("function", "function", optional=True),
    param("replacement_format", "string", optional=True),
)
_REGEX: Final = param("regex_pattern", "string")
_GLOB: Final = param("pattern", "string")
REPLACING: Final[tuple[Function, ...]] = (
    Function("replace_pattern", (param("target", "target"), _REGEX, *_TAIL), _replace_pattern),
    Function(
        "replace_all_patterns",
        (param("target", "map_target"), param("mode", "text"), _REGEX, *_TAIL),
        _replace_all_patterns,
    ),
    Function(
        "replace_match",
        (param("target", "target"), _GLOB, *_TAIL),
        _replacing_matches("replace_match", _matched),
    ),
    Function(
        "replace_all_matches",
        (param("target", "map_target"), _GLOB, *_TAIL),
        _replacing_matches("replace_all_matches", _all_matched),
    ),
)
"""Editors that replace."""
