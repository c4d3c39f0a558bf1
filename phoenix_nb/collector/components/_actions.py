"""The attribute actions that the attributes and the resource processor share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from phoenix_nb.collector._regexp import Regexp, RegexpError, compile_regexp
from phoenix_nb.collector._values import (
    attribute_from_node,
    hash_value,
    int_of,
    parse_float,
    remove_key,
    text_of,
)
from phoenix_nb.collector.components._base import BuildError
from phoenix_nb.collector.config import ANY, TEXT, Settings, YamlTime, quote, setting
from phoenix_nb.otlp import Attributes, AttributeValue

__all__ = ["ActionSettings", "Deletion", "Pairs", "compile_actions"]

Pairs = dict[str, AttributeValue]
"""Attributes on their way through the actions, in order."""
_Step = Callable[[Pairs], None]
_SOURCES: Final = ("insert", "update", "upsert")


@dataclass(frozen=True)
class ActionSettings(Settings):
    """One action."""

    go_type: ClassVar[str] = "attraction.ActionKeyValue"
    key: str = setting("", TEXT)
    """The attribute it acts on."""
    value: object = setting(None, ANY)
    """A fixed value."""
    default_value: object = setting(None, ANY)
    """A value for when the source has none."""
    pattern: str = setting("", TEXT)
    """A regular expression over keys (delete, hash) or over the value (extract)."""
    from_attribute: str = setting("", TEXT)
    """Another attribute to take the value from."""
    from_context: str = setting("", TEXT)
    """Client metadata to take the value from; payloads here have none."""
    converted_type: str = setting("", TEXT)
    """``int``, ``double`` or ``string``."""
    action: str = setting("", TEXT)
    """What to do."""


def compile_actions(actions: tuple[ActionSettings, ...]) -> Callable[[Attributes], Attributes]:
    """All actions in order as one function.

    Raises:
        BuildError: an action that the collector does not create.
    """
    steps = [_step(action, at) for at, action in enumerate(actions)]
    if all(action.action.lower() == "delete" for action in actions):
        return Deletion(steps)

    def apply(attributes: Attributes) -> Attributes:
        before = dict(attributes.items())
        pairs: Pairs = dict(before)
        for step in steps:
            step(pairs)
        if len(before) == len(attributes) and _same(before, pairs):
            return attributes
        return Attributes(pairs.items())

    return apply


class Deletion:
    """Actions that only delete: what stays depends on the keys alone, so it is found once per order of keys."""

    def __init__(self, steps: list[_Step]) -> None:
        self._steps = steps
        self._places: dict[tuple[str, ...], tuple[int, ...] | None] = {}
        self._made: dict[tuple[bytes, ...], Attributes] = {}

    def __call__(self, attributes: Attributes) -> Attributes:
        return self.many([attributes])[0]

    def many(self, maps: Sequence[Attributes]) -> list[Attributes]:
        """What is left of each of many maps."""
        made: list[Attributes] = []
        known = self._made
        last: tuple[str, ...] | None = None
        places: tuple[int, ...] | None = None
        for attributes in maps:
            keys = attributes.keys()
            # Neighbours mostly have the same keys, and then it is one and the same tuple.
            if keys is not last:
                last = keys
                if keys not in self._places:
                    self._places[keys] = self._staying(keys)
                places = self._places[keys]
            if places is None:
                made.append(attributes)
                continue
            # What stays keeps its encoded form, and is one value however many it was cut out of.
            wires = attributes.wires
            left = tuple([wires[at] for at in places])
            found = known.get(left)
            if found is None:
                found = known[left] = attributes.taking(places)
            made.append(found)
        return made

    def _staying(self, keys: tuple[str, ...]) -> tuple[int, ...] | None:
        # Of equal keys the last value counts.
        pairs: Pairs = {key: at for at, key in enumerate(keys)}
        for step in self._steps:
            step(pairs)
        places = tuple(at for at in pairs.values() if isinstance(at, int))
        return None if places == tuple(range(len(keys))) else places


def _same(before: Pairs, after: Pairs) -> bool:
    return list(before) == list(after) and all(after[key] is value for key, value in before.items())


def _step(settings: ActionSettings, at: int) -> _Step:
    action = settings.action.lower()
    key = settings.key
    if action in {"delete", "hash"}:
        if not key and not settings.pattern:
            raise BuildError(
                'error creating AttrProc due to missing required field (at least one of "key" and "pattern" have to '
                f"be used) at the {at}-th action"
            )
    elif not key:
        raise BuildError(f'error creating AttrProc due to missing required field "key" at the {at}-th action')
    head = f"error with key {quote(key)} ({at}-th action): error creating AttrProc"
    if action in _SOURCES:
        return _source_step(settings, action, head)
    makers = {"delete": _delete, "hash": _hash, "extract": _extract, "convert": _convert}
    if action not in makers:
        raise BuildError(f"{head} due to unsupported action {quote(action)}")
    return makers[action](settings, action, head)


def _count(settings: ActionSettings) -> int:
    return (settings.value is not None) + bool(settings.from_attribute) + bool(settings.from_context)


def _source_step(settings: ActionSettings, action: str, head: str) -> _Step:
    count = _count(settings)
    if not count and settings.default_value is None:
        raise BuildError(
            f'{head}. Either field "value", "from_attribute", "from_context", or "default_value" must be specified'
        )
    if count > 1:
        raise BuildError(f"{head} due to multiple value sources being set")
    if settings.pattern:
        raise BuildError(
            f'{head}. Action "{action}" does not use the "pattern" field. This must not be specified'
        )
    _no_type(settings, action, head)
    if _has_time(settings.value) or _has_time(settings.default_value):
        raise BuildError("<Invalid value type time.Time>")
    key, source = settings.key, settings.from_attribute
    fixed = attribute_from_node(settings.value)
    has_value, has_default = settings.value is not None, settings.default_value is not None
    default = attribute_from_node(settings.default_value)

    def apply(pairs: Pairs) -> None:
        present = key in pairs
        if (action == "insert" and present) or (action == "update" and not present):
            return
        if has_value:
            pairs[key] = fixed
        elif source and source in pairs:
            pairs[key] = pairs[source]
        elif has_default:
            pairs[key] = default

    return apply


def _has_time(value: object) -> bool:
    """Whether a value is or holds a date without quotes, which is no value of an attribute."""
    if isinstance(value, dict):
        return any(_has_time(one) for one in value.values())
    return any(_has_time(one) for one in value) if isinstance(value, list) else isinstance(value, YamlTime)


def _no_type(settings: ActionSettings, action: str, head: str) -> None:
    if settings.converted_type:
        raise BuildError(
            f'{head}. Action "{action}" does not use the "converted_type" field. This must not be specified'
        )


def _key_pattern(settings: ActionSettings, action: str, head: str) -> Regexp | None:
    if settings.value is not None or settings.from_attribute:
        raise BuildError(
            f'{head}. Action "{action}" does not use "value" or "from_attribute" field. These must not be specified'
        )
    found = _pattern(settings, head) if settings.pattern else None
    _no_type(settings, action, head)
    return found


def _pattern(settings: ActionSettings, head: str) -> Regexp:
    try:
        return compile_regexp(settings.pattern)
    except RegexpError as exc:
        raise BuildError(f'{head}. Field "pattern" has invalid pattern: "{settings.pattern}"') from exc


def _delete(settings: ActionSettings, action: str, head: str) -> _Step:
    pattern = _key_pattern(settings, action, head)

    def apply(pairs: Pairs) -> None:
        remove_key(pairs, settings.key)
        if pattern is not None:
            for key in [key for key in pairs if pattern.search(key)]:
                del pairs[key]

    return apply


def _hash(settings: ActionSettings, action: str, head: str) -> _Step:
    pattern = _key_pattern(settings, action, head)

    def apply(pairs: Pairs) -> None:
        if settings.key in pairs:
            pairs[settings.key] = hash_value(pairs[settings.key])
        if pattern is not None:
            for key in [key for key in pairs if pattern.search(key)]:
                pairs[key] = hash_value(pairs[key])

    return apply


def _extract(settings: ActionSettings, action: str, head: str) -> _Step:
    if _count(settings):
        raise BuildError(
            f'{head}. Action "{action}" does not use a value source field. These must not be specified'
        )
    if not settings.pattern:
        raise BuildError(f'{head} due to missing required field "pattern" for action "{action}"')
    _no_type(settings, action, head)
    pattern = _pattern(settings, head)
    names = pattern.names
    if len(names) <= 1:
        raise BuildError(f'{head}. Field "pattern" contains no named matcher groups')
    if "" in names[1:]:
        raise BuildError(f'{head}. Field "pattern" contains at least one unnamed matcher group')

    def apply(pairs: Pairs) -> None:
        value = pairs.get(settings.key)
        groups = pattern.groups(value) if isinstance(value, str) else None
        if groups is not None:
            pairs.update(zip(names[1:], groups[1:], strict=True))

    return apply


def _convert(settings: ActionSettings, action: str, head: str) -> _Step:
    if _count(settings) or settings.pattern:
        raise BuildError(
            f'{head}. Action "{action}" does not use value sources or "pattern" field. These must not be specified'
        )
    wanted = settings.converted_type
    if not wanted:
        raise BuildError(f'{head} due to missing required field "converted_type" for action "{action}"')
    converters = {"string": text_of, "int": int_of, "double": _double_of}
    if wanted not in converters:
        raise BuildError(
            f'{head} due to invalid value "{wanted}" in field "converted_type" for action "{action}"'
        )
    convert = converters[wanted]

    def apply(pairs: Pairs) -> None:
        if settings.key in pairs:
            made = convert(pairs[settings.key])
            if made is not None:
                pairs[settings.key] = made

    return apply


def _double_of(value: AttributeValue) -> float | None:
    if isinstance(value, (bool, int)):
        return float(value)
    if isinstance(value, float):
        return value
    return parse_float(value) if isinstance(value, str) else None
