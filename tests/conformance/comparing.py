"""Whether two payloads are the same: the comparison that every check against the real collector uses.

Payloads are trees of OTLP JSON. Without rules everything counts, order included; attributes are compared as maps.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Rules", "canonical", "difference", "rules_of"]

Tree = dict[str, Any]


@dataclass(frozen=True)
class Rules:
    """What does not count."""

    any_order: frozenset[str] = frozenset()
    """Levels whose order does not count: ``resources``, ``scopes``, ``metrics``, ``points``."""
    start: bool = True
    """Whether start times count."""
    time: bool = True
    """Whether times count."""
    values: bool = True
    """Whether values count."""
    negative_zero: bool = True
    """Whether 0.0 and -0.0 differ."""
    metadata: bool = True
    """Whether the metadata of metrics counts."""
    precision: int | None = None
    """Decimals that count; ``None`` = all."""
    first_point_of: tuple[str, ...] | None = None
    """Metrics of which only the first point counts; empty = all, ``None`` = none."""
    blank_resource: tuple[tuple[str, str], ...] = ()
    """Resource attributes whose value does not count, with the pattern it must match."""
    blank_point: tuple[tuple[str, frozenset[str], str], ...] = ()
    """Point attributes whose value does not count: key, metrics it is about (none = all), the pattern it must match."""
    extra: tuple[Callable[[Tree], Tree], ...] = field(default=())
    """Further changes to the canonical form."""


def rules_of(options: Iterable[str], **more: Any) -> Rules:
    """The rules behind the option names of the reference data, in either spelling."""
    made: dict[str, Any] = {"metadata": False, **more}
    order: set[str] = set()
    resource: list[tuple[str, str]] = []
    point: list[tuple[str, frozenset[str], str]] = []
    for option in options:
        name, *arguments = _split(option)
        match name.lower().replace("_", "").replace("metricfloat", "float"):
            case "ignoretimestamp":
                made["time"] = False
            case "ignorestarttimestamp":
                made["start"] = False
            case "ignoremetricvalues":
                made["values"] = False
            case "ignoremetricdatapointsorder":
                order.add("points")
            case "ignoremetricsorder":
                order.add("metrics")
            case "ignoreresourcemetricsorder":
                order.add("resources")
            case "floatprecision" | "ignorefloatprecision":
                made["precision"] = int(arguments[0])
            case "ignoresubsequentdatapoints":
                made["first_point_of"] = tuple(arguments)
            case "ignoreresourceattributevalue":
                resource.append((arguments[0], ""))
            case "matchresourceattributevalue":
                resource.append((arguments[0], arguments[1]))
            case "ignoremetricattributevalue":
                point.append((arguments[0], frozenset(arguments[1:]), ""))
            case "matchmetricattributevalue":
                point.append((arguments[0], frozenset(arguments[2:]), arguments[1]))
            case "exact" | "exact, whole payload":
                made["metadata"] = True
            case _:
                raise ValueError(f"unknown option {option}")
    return Rules(any_order=frozenset(order), blank_resource=tuple(resource), blank_point=tuple(point), **made)


def _split(option: str) -> list[str]:
    if option.endswith(")"):
        name, _, inside = option[:-1].partition("(")
        return [name, *(part.strip().strip('"') for part in inside.split(",") if part.strip())]
    return option.split(":")


def difference(expected: Tree, actual: Tree, rules: Rules | None = None) -> str | None:
    """Where two payloads first differ, in words; ``None`` when they are the same."""
    rules = rules or Rules()
    return _first(canonical(expected, rules), canonical(actual, rules), "")


def _first(expected: Any, actual: Any, path: str) -> str | None:
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for key in [*expected, *(key for key in actual if key not in expected)]:
            if key not in expected or key not in actual:
                side = "missing" if key in expected else "too much"
                return f"{path}/{key}: {side}: {expected.get(key, actual.get(key))!r}"
            found = _first(expected[key], actual[key], f"{path}/{key}")
            if found:
                return found
        return None
    if isinstance(expected, list) and isinstance(actual, list):
        for at, (left, right) in enumerate(zip(expected, actual, strict=False)):
            found = _first(left, right, f"{path}[{at}{_label(left)}]")
            if found:
                return found
        if len(expected) != len(actual):
            return f"{path}: {len(expected)} expected, {len(actual)} found"
        return None
    return None if expected == actual else f"{path}: expected {expected!r}, found {actual!r}"


def _label(tree: Any) -> str:
    name = tree.get("name") if isinstance(tree, Mapping) else None
    return f" {name}" if name else ""


# -- canonical form -----------------------------------------------------------------------------------------------


def canonical(payload: Tree, rules: Rules | None = None) -> Tree:
    """A payload with every default written out and every number typed."""
    rules = rules or Rules()
    made = {
        "resources": _ordered(
            [_resource(item, rules) for item in payload.get("resourceMetrics") or ()], "resources", rules
        )
    }
    for change in rules.extra:
        made = change(made)
    return made


def _ordered(items: list[Tree], level: str, rules: Rules) -> list[Tree]:
    return (
        sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
        if level in rules.any_order
        else items
    )


def _resource(tree: Tree, rules: Rules) -> Tree:
    resource = tree.get("resource") or {}
    attributes = _attributes(resource.get("attributes"), rules)
    for key, pattern in rules.blank_resource:
        if key in attributes and _matches(pattern, attributes[key]):
            attributes[key] = ["blank"]
    return {
        "attributes": attributes,
        "dropped": int(resource.get("droppedAttributesCount") or 0),
        "schema": tree.get("schemaUrl") or "",
        "scopes": _ordered([_scope(item, rules) for item in tree.get("scopeMetrics") or ()], "scopes", rules),
    }


def _scope(tree: Tree, rules: Rules) -> Tree:
    scope = tree.get("scope") or {}
    return {
        "name": scope.get("name") or "",
        "version": scope.get("version") or "",
        "attributes": _attributes(scope.get("attributes"), rules),
        "dropped": int(scope.get("droppedAttributesCount") or 0),
        "schema": tree.get("schemaUrl") or "",
        "metrics": _ordered([_metric(item, rules) for item in tree.get("metrics") or ()], "metrics", rules),
    }


def _matches(pattern: str, value: list[Any]) -> bool:
    return re.search(pattern, str(value[-1])) is not None


_TYPES = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")


def _metric(tree: Tree, rules: Rules) -> Tree:
    kind = next((name for name in _TYPES if tree.get(name) is not None), "")
    data = tree.get(kind) or {}
    name = tree.get("name") or ""
    points = [_point(kind, name, item, rules) for item in data.get("dataPoints") or ()]
    if rules.first_point_of is not None and (not rules.first_point_of or name in rules.first_point_of):
        points = points[:1]
    made = {
        "name": name,
        "description": tree.get("description") or "",
        "unit": tree.get("unit") or "",
        "type": kind,
        "points": _ordered(points, "points", rules),
    }
    if rules.metadata:
        made["metadata"] = _attributes(tree.get("metadata"), rules)
    if kind in {"sum", "histogram", "exponentialHistogram"}:
        made["temporality"] = int(data.get("aggregationTemporality") or 0)
    if kind == "sum":
        made["monotonic"] = bool(data.get("isMonotonic"))
    return made


def _point(kind: str, metric: str, tree: Tree, rules: Rules) -> Tree:
    attributes = _attributes(tree.get("attributes"), rules)
    for key, metrics, pattern in rules.blank_point:
        if key in attributes and (not metrics or metric in metrics) and _matches(pattern, attributes[key]):
            attributes[key] = ["blank"]
    made: Tree = {"attributes": attributes, "flags": int(tree.get("flags") or 0)}
    if rules.start:
        made["start"] = int(tree.get("startTimeUnixNano") or 0)
    if rules.time:
        made["time"] = int(tree.get("timeUnixNano") or 0)
    if kind != "summary":
        made["exemplars"] = [_exemplar(item, rules) for item in tree.get("exemplars") or ()]
    made["value"] = _value(kind, tree, rules)
    return made


def _value(kind: str, tree: Tree, rules: Rules) -> Any:
    if kind in {"gauge", "sum", ""}:
        return _number(tree, rules)
    if not rules.values:
        return [kind]
    made: Tree = {"count": int(tree.get("count") or 0)}
    for key in ("sum", "min", "max"):
        made[key] = None if tree.get(key) is None else _double(tree[key], rules)
    if kind == "summary":
        made["sum"] = _double(tree.get("sum") or 0.0, rules)
        made["quantiles"] = [
            [_double(item.get("quantile") or 0.0, rules), _double(item.get("value") or 0.0, rules)]
            for item in tree.get("quantileValues") or ()
        ]
    elif kind == "histogram":
        made["bounds"] = [_double(item, rules) for item in tree.get("explicitBounds") or ()]
        made["buckets"] = [int(item) for item in tree.get("bucketCounts") or ()]
    else:
        made["scale"] = int(tree.get("scale") or 0)
        made["zeros"] = int(tree.get("zeroCount") or 0)
        made["threshold"] = _double(tree.get("zeroThreshold") or 0.0, rules)
        for side in ("positive", "negative"):
            buckets = tree.get(side) or {}
            made[side] = [
                int(buckets.get("offset") or 0),
                [int(item) for item in buckets.get("bucketCounts") or ()],
            ]
    return made


def _number(tree: Tree, rules: Rules) -> Any:
    if tree.get("asInt") is not None:
        return ["int", int(tree["asInt"]) if rules.values else 0]
    if tree.get("asDouble") is not None:
        return ["double", _double(tree["asDouble"], rules) if rules.values else "0.0"]
    return ["none"]


def _exemplar(tree: Tree, rules: Rules) -> Tree:
    return {
        "attributes": _attributes(tree.get("filteredAttributes"), rules),
        "time": int(tree.get("timeUnixNano") or 0) if rules.time else 0,
        "value": _number(tree, rules),
        "trace": tree.get("traceId") or "",
        "span": tree.get("spanId") or "",
    }


def _double(value: Any, rules: Rules | None = None) -> str:
    """A double as text, so that NaN equals itself and -0.0 does not equal 0.0."""
    number = float(value)
    if rules is not None and rules.precision is not None and math.isfinite(number):
        number = round(number, rules.precision)
    if rules is not None and not rules.negative_zero:
        number += 0.0
    return repr(number)


def _attributes(items: Any, rules: Rules) -> dict[str, list[Any]]:
    return {
        item.get("key") or "": _any(item.get("value"), rules)
        for item in sorted(items or (), key=lambda item: str(item.get("key")))
    }


def _any(value: Any, rules: Rules) -> list[Any]:
    value = value or {}
    if value.get("stringValue") is not None:
        return ["string", str(value["stringValue"])]
    if value.get("boolValue") is not None:
        return ["bool", bool(value["boolValue"])]
    if value.get("intValue") is not None:
        return ["int", int(value["intValue"])]
    if value.get("doubleValue") is not None:
        return ["double", _double(value["doubleValue"], rules)]
    if value.get("bytesValue") is not None:
        return ["bytes", value["bytesValue"]]
    if value.get("arrayValue") is not None:
        return ["array", [_any(item, rules) for item in value["arrayValue"].get("values") or ()]]
    if value.get("kvlistValue") is not None:
        return ["map", _attributes(value["kvlistValue"].get("values"), rules)]
    return ["empty"]
