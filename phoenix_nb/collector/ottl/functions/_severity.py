"""``ParseSeverity``: the name whose criteria a value meets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from phoenix_nb.collector.ottl._context import Item
from phoenix_nb.collector.ottl._function import Function, param
from phoenix_nb.collector.ottl._getters import Getter
from phoenix_nb.collector.ottl._runtime import OttlError, Value, kind_of, show
from phoenix_nb.otlp import AttributeValue, KeyValues

__all__ = ["PARSE_SEVERITY"]

Run = Callable[[Item], Value]
_RANGES: Final = {f"{first}xx": (first * 100, first * 100 + 99) for first in (2, 3, 4, 5)}


@dataclass(frozen=True, slots=True)
class _Criteria:
    equals: tuple[str, ...]
    limits: tuple[int, int] | None

    def meets(self, value: Value) -> bool:
        if isinstance(value, str):
            return value in self.equals
        if isinstance(value, int) and not isinstance(value, bool):
            return self.limits is not None and self.limits[0] <= value <= self.limits[1]
        raise OttlError(f"unsupported value type: {kind_of(value)}")


def _limits(found: AttributeValue) -> tuple[int, int]:
    if isinstance(found, str):
        if found not in _RANGES:
            raise OttlError(f"unknown range placeholder: {found}")
        return _RANGES[found]
    if not isinstance(found, KeyValues):
        raise OttlError("range must be a map or a known placeholder string")
    ends: list[int] = []
    for name in ("min", "max"):
        if name not in found:
            raise OttlError(f"range must have a {name} value")
        end = found.get(name)
        if isinstance(end, bool) or not isinstance(end, int):
            raise OttlError(f"{name} must be an int64")
        ends.append(end)
    return ends[0], ends[1]


def _criteria(entry: AttributeValue) -> _Criteria:
    if not isinstance(entry, KeyValues):
        raise OttlError("severity mapping criteria items must be map[string]any")
    equals: list[str] = []
    if "equals" in entry:
        texts = entry.get("equals")
        if not isinstance(texts, tuple):
            raise OttlError("invalid severity mapping criteria: equals must be a list")
        for text in texts:
            if not isinstance(text, str):
                raise OttlError("invalid severity mapping criteria: equals values must be strings")
            equals.append(text)
    try:
        return _Criteria(tuple(equals), _limits(entry.get("range")) if "range" in entry else None)
    except OttlError as exc:
        raise OttlError(f"invalid severity mapping criteria: {exc}") from exc


def _levels(mapping: Value) -> dict[str, list[_Criteria]]:
    assert isinstance(mapping, KeyValues)  # noqa: S101 - the getter insists
    made: dict[str, list[_Criteria]] = {}
    for level, entries in mapping.items():
        if not isinstance(entries, tuple):
            raise OttlError("severity mapping criteria must be []any")
        made[level] = [_criteria(entry) for entry in entries]
    return made


def _parse_severity(target: Getter, mapping: Getter) -> Run:
    levels: dict[str, list[_Criteria]] = {}
    # A mapping that makes no sense is told for every item, not when the statement is read.
    problem = "" if mapping.constant else "severity mapping must be a literal PMap"
    if not problem:
        try:
            levels = _levels(mapping.get(Item()))
        except OttlError as exc:
            problem = str(exc)

    def evaluate(item: Item) -> Value:
        if problem:
            raise OttlError(problem)
        value = target.get(item)
        for level, criteria in levels.items():
            if any(one.meets(value) for one in criteria):
                return level
        raise OttlError(f"could not map log level: no matching log level found for value '{show(value)}'")

    return evaluate


PARSE_SEVERITY: Final = Function(
    "ParseSeverity", (param("target", "any"), param("mapping", "map")), _parse_severity
)
"""The first level whose criteria a value meets; the collector tries levels in random order."""
