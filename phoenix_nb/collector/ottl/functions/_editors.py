"""Editors that every context has: they write values and change maps and lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from phoenix_nb.collector._values import text_of
from phoenix_nb.collector.ottl._context import Item
from phoenix_nb.collector.ottl._function import Function, Target, param
from phoenix_nb.collector.ottl._getters import Getter
from phoenix_nb.collector.ottl._runtime import OttlError, Value, plain_value
from phoenix_nb.collector.ottl.functions._text import dynamic_pattern
from phoenix_nb.otlp import AttributeValue, KeyValues

__all__ = ["EDITORS"]

Run = Callable[[Item], Value]


def _map_of(target: Target, item: Item) -> KeyValues:
    found = target.getter.get(item)
    assert isinstance(found, KeyValues)  # noqa: S101 - the getter insists
    return found


def _set(target: Target, value: Getter) -> Run:
    def run(item: Item) -> None:
        found = value.get(item)
        if found is not None:
            target.put(item, found)

    return run


def _delete_key(target: Target, key: Getter) -> Run:
    def run(item: Item) -> None:
        found = _map_of(target, item)
        target.put(item, found.removed(str(key.get(item))))

    return run


def _keeping(target: Target, keep: Callable[[Item], Callable[[str], bool]]) -> Run:
    def run(item: Item) -> None:
        test = keep(item)
        found = _map_of(target, item)
        target.put(item, found.only(*(name for name in found if test(name))))

    return run


def _delete_matching_keys(target: Target, pattern: Getter) -> Run:
    find = dynamic_pattern("delete_matching_keys", pattern)

    def keep(item: Item) -> Callable[[str], bool]:
        search = find(item).search
        return lambda name: not search(name)

    return _keeping(target, keep)


def _keep_matching_keys(target: Target, pattern: Getter) -> Run:
    find = dynamic_pattern("keep_matching_keys", pattern)
    return _keeping(target, lambda item: find(item).search)


def _keep_keys(target: Target, keys: tuple[Getter, ...]) -> Run:
    def run(item: Item) -> None:
        found = _map_of(target, item)
        wanted = [str(key.get(item)) for key in keys]
        target.put(item, found.only(*wanted))

    return run


def _limit(target: Target, limit: int, priority_keys: tuple[str, ...]) -> Run:
    if limit < 0:
        raise ValueError(f"invalid limit for limit function, {limit} cannot be negative")
    if limit < len(priority_keys):
        raise ValueError(
            f"invalid limit for limit function, {limit} cannot be less than number of priority attributes "
            f"{len(priority_keys)}"
        )

    def run(item: Item) -> None:
        found = _map_of(target, item)
        if len(found) <= limit:
            return
        room = limit - sum(key in found for key in priority_keys)
        kept = []
        for key in found:
            if key in priority_keys:
                kept.append(key)
            elif room > 0:
                kept.append(key)
                room -= 1
        target.put(item, found.only(*kept))

    return run


def _mapped(found: KeyValues, change: Callable[[AttributeValue], AttributeValue]) -> KeyValues:
    for key, value in found.items():
        made = change(value)
        if made is not value:
            found = found.with_item(key, made)
    return found


def _truncate_all(
    target: Target, limit: int, utf8_safe: bool | None = None, truncation_marker: str | None = None
) -> Run:
    if limit < 0:
        raise ValueError(f"invalid limit for truncate_all function, {limit} cannot be negative")
    marker = (truncation_marker or "").encode()
    if len(marker) > limit:
        raise ValueError(
            f"invalid truncation marker for truncate_all function, length of marker {len(marker)} cannot be greater "
            f"than limit {limit}"
        )
    safe = utf8_safe is not False

    def cut(value: AttributeValue) -> AttributeValue:
        if not isinstance(value, str):
            return value
        raw = value.encode()
        if len(raw) <= limit:
            return value
        end = limit - len(marker)
        while safe and end > 0 and raw[end] & 0xC0 == 0x80:
            end -= 1
        return (raw[:end] + marker).decode(errors="replace")

    def run(item: Item) -> None:
        target.put(item, _mapped(_map_of(target, item), cut))

    return run


def _stringify_all(target: Target) -> Run:
    def run(item: Item) -> None:
        target.put(
            item,
            _mapped(_map_of(target, item), lambda value: value if isinstance(value, str) else text_of(value)),
        )

    return run


def _merge_maps(target: Target, source: Getter, strategy: str) -> Run:
    if strategy not in {"insert", "update", "upsert"}:
        raise ValueError(f"invalid value for strategy, {strategy}, must be 'insert', 'update' or 'upsert'")

    def run(item: Item) -> None:
        made = _map_of(target, item)
        other = source.get(item)
        assert isinstance(other, KeyValues)  # noqa: S101 - the getter insists
        # A map merged into itself is emptied entry by entry before it is read.
        same = other is made and strategy == "upsert"
        for key, value in other.items():
            value = None if same else value
            if strategy == "upsert" or (key in made) is (strategy == "update"):
                made = made.with_item(key, value)
        target.put(item, made)

    return run


# -- flatten ----------------------------------------------------------------------------------------------------------


class _Flat:
    def __init__(self, *, resolve: bool, depth: int) -> None:
        self.made: dict[str, AttributeValue] = {}
        self._seen: dict[str, int] = {}
        self._resolve = resolve
        self._depth = depth

    def map(self, values: KeyValues, prefix: str, depth: int) -> None:
        start = f"{prefix}." if prefix else ""
        for key, value in values.items():
            self._value(key, value, depth, start)

    def _list(self, values: tuple[AttributeValue, ...], prefix: str, depth: int) -> None:
        for at, value in enumerate(values):
            self._value(str(at), value, depth + 1, prefix)

    def _value(self, key: str, value: AttributeValue, depth: int, prefix: str) -> None:
        if isinstance(value, KeyValues) and depth < self._depth:
            self.map(value, prefix + key, depth + 1)
        elif isinstance(value, tuple) and depth < self._depth:
            for at, entry in enumerate(value):
                if isinstance(entry, KeyValues) and depth + 1 < self._depth:
                    self.map(entry, f"{prefix}{key}.{at}", depth + 2)
                elif isinstance(entry, tuple) and depth + 1 < self._depth:
                    self._list(entry, f"{prefix}{key}.{at}", depth + 2)
                elif self._resolve:
                    self._add(prefix + key, entry)
                else:
                    self.made[f"{prefix}{key}.{at}"] = entry
        elif self._resolve:
            self._add(prefix + key, value)
        else:
            self.made[prefix + key] = value

    def _add(self, key: str, value: AttributeValue) -> None:
        if key in self.made:
            number = self._seen.get(key, 0)
            self._seen[key] = number + 1
            self.made[f"{key}.{number}"] = value
        else:
            self._seen[key] = 0
            self.made[key] = value


def _flatten(
    target: Target,
    prefix: str | None = None,
    depth: int | None = None,
    resolve_conflicts: bool | None = None,
) -> Run:
    if depth is not None and depth < 1:
        raise ValueError(f"invalid depth '{depth}' for flatten function, must be greater than 0")
    most = 1 << 62 if depth is None else depth

    def run(item: Item) -> None:
        flat = _Flat(resolve=bool(resolve_conflicts), depth=most)
        flat.map(_map_of(target, item), prefix or "", 0)
        target.put(item, KeyValues(flat.made.items()))

    return run


# -- lists ------------------------------------------------------------------------------------------------------------


def _append(target: Target, value: Getter | None = None, values: tuple[Getter, ...] | None = None) -> Run:
    if value is None and values is None:
        raise ValueError("at least one of the optional arguments ('value' or 'values') must be provided")
    getters = (*(() if value is None else (value,)), *(values or ()))

    def run(item: Item) -> None:
        found = target.getter.get(item)
        made = list(found) if isinstance(found, tuple) else [] if found is None else [_entry(found)]
        made.extend(_entry(getter.get(item), written=getter.constant) for getter in getters)
        target.put(item, tuple(made))

    return run


def _entry(value: Value, *, written: bool = False) -> AttributeValue:
    """A value as an entry of a list; of maps only those that are written down can become one."""
    return value if written and isinstance(value, KeyValues) else plain_value(value)


def _delete_index(target: Target, start_index: Getter, end_index: Getter | None = None) -> Run:
    def run(item: Item) -> None:
        found: Any = target.getter.get(item)
        start: Any = start_index.get(item)
        end: Any = start + 1 if end_index is None else end_index.get(item)
        size = len(found)
        if start == 0 and end == size:
            target.put(item, ())
            return
        if not 0 <= start < size:
            raise OttlError(f"startIndex {start} out of bounds for slice of length {size}")
        if end < start:
            raise OttlError(f"endIndex {end} cannot be less than startIndex {start}")
        if end > size:
            raise OttlError(f"deletion range [{start}:{end}] out of bounds for slice of length {size}")
        target.put(item, (*found[:start], *found[end:]))

    return run


_MAP: Final = param("target", "map_target")
EDITORS: Final[tuple[Function, ...]] = (
    Function("set", (param("target", "target"), param("value", "any")), _set),
    Function("delete_key", (_MAP, param("key", "string")), _delete_key),
    Function("delete_matching_keys", (_MAP, param("pattern", "string")), _delete_matching_keys),
    Function("keep_keys", (_MAP, param("keys", "string", many=True)), _keep_keys),
    Function("keep_matching_keys", (_MAP, param("pattern", "string")), _keep_matching_keys),
    Function("limit", (_MAP, param("limit", "whole"), param("priority_keys", "text", many=True)), _limit),
    Function(
        "truncate_all",
        (
            _MAP,
            param("limit", "whole"),
            param("utf8_safe", "flag", optional=True),
            param("truncation_marker", "text", optional=True),
        ),
        _truncate_all,
    ),
    Function("stringify_all", (_MAP,), _stringify_all, since=(0, 155, 0)),
    Function("merge_maps", (_MAP, param("source", "map"), param("strategy", "text")), _merge_maps),
    Function(
        "flatten",
        (
            _MAP,
            param("prefix", "text", optional=True),
            param("depth", "whole", optional=True),
            param("resolve_conflicts", "flag", optional=True),
        ),
        _flatten,
    ),
    Function(
        "append",
        (
            param("target", "target"),
            param("value", "any", optional=True),
            param("values", "any", optional=True, many=True),
        ),
        _append,
    ),
    Function(
        "delete_index",
        (
            param("target", "slice_target"),
            param("start_index", "int"),
            param("end_index", "int", optional=True),
        ),
        _delete_index,
        since=(0, 145, 0),
    ),
)
"""Editors over single values, maps and lists."""
