"""The shape of the interfaces as data, and what changed in a way that breaks callers.

The released shape is kept in ``phoenix_nb/interfaces/signatures.json``. Adding is free; removing or changing is allowed
only for what carried ``@deprecated`` (PEP 702) in the released shape, with a message that names the version of its
removal (``removed in 0.3``). Everything else needs a new interface (``ExperimentServiceV2``) and an adapter.
"""

from __future__ import annotations

import inspect
import json
import re
import types
from enum import StrEnum
from importlib import resources
from types import ModuleType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from phoenix_nb import __version__
from phoenix_nb.interfaces import Value

__all__ = ["breaking_changes", "deprecation_problems", "released_shape", "shape", "type_text", "write_shape"]

Shape = dict[str, Any]
_REMOVAL = re.compile(r"removed in (\d+)\.(\d+)")


def shape(*modules: ModuleType) -> Shape:
    """The Protocols, values and choices that modules export, as plain JSON data."""
    found: Shape = {"version": __version__, "interfaces": {}, "values": {}, "choices": {}}
    for module in modules:
        for name in module.__all__:
            item = getattr(module, name)
            if not isinstance(item, type):
                continue
            if getattr(item, "_is_protocol", False):
                found["interfaces"][name] = _interface(item)
            elif issubclass(item, Value):
                found["values"][name] = _value(item)
            elif issubclass(item, StrEnum):
                found["choices"][name] = sorted(member.value for member in item)
    return {
        key: dict(sorted(part.items())) if isinstance(part, dict) else part for key, part in found.items()
    }


def _interface(protocol: type[Any]) -> Shape:
    methods: Shape = {}
    for name, member in inspect.getmembers(protocol, inspect.isfunction):
        if name.startswith("_") and name not in {"__aiter__", "__anext__", "__aenter__", "__aexit__"}:
            continue
        signature = inspect.signature(member)
        methods[name] = {
            "async": inspect.iscoroutinefunction(member),
            "parameters": [
                {
                    "name": one.name,
                    "kind": one.kind.name.lower(),
                    "type": str(one.annotation),
                    "required": one.default is one.empty and one.kind is not one.VAR_POSITIONAL,
                }
                for one in [*signature.parameters.values()][1:]
            ],
            "returns": str(signature.return_annotation),
            **_deprecation(member),
        }
    return {"methods": methods, **_deprecation(protocol)}


def _value(model: type[Value]) -> Shape:
    return {
        "fields": {
            name: {"type": type_text(field.annotation), "required": field.is_required()}
            for name, field in model.model_fields.items()
        },
        **_deprecation(model),
    }


def type_text(annotation: Any) -> str:
    """A type as text, the same on every Python: alternatives sorted, limits left out."""
    return " | ".join(sorted(set(_alternatives(annotation))))


def _alternatives(annotation: Any) -> list[str]:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _alternatives(args[0])
    if origin in {Union, types.UnionType}:
        return [text for arg in args for text in _alternatives(arg)]
    if origin is Literal:
        return [repr(arg) for arg in args]
    if origin is not None:
        inside = ", ".join("..." if arg is ... else type_text(arg) for arg in args)
        return [f"{origin.__name__}[{inside}]"]
    if annotation is type(None):
        return ["None"]
    return [annotation.__name__ if isinstance(annotation, type) else str(annotation)]


def _deprecation(item: Any) -> dict[str, str]:
    message = getattr(item, "__deprecated__", None)
    return {} if message is None else {"deprecated": str(message)}


def deprecation_problems(today: Shape) -> list[str]:
    """Deprecations that do not say when the thing goes, or that are overdue."""
    problems = []
    for where, entry in _entries(today):
        message = entry.get("deprecated")
        if message is None:
            continue
        removal = _REMOVAL.search(message)
        if removal is None:
            problems.append(f"{where}: the message must say 'removed in X.Y', not {message!r}")
        elif _version(today) >= (int(removal[1]), int(removal[2])):
            problems.append(f"{where}: it should be gone in {removal[1]}.{removal[2]}")
    return problems


def breaking_changes(released: Shape, today: Shape) -> list[str]:
    """What callers or implementers of the released shape would trip over, one sentence each."""
    problems: list[str] = []
    now = dict(_entries(today))
    for where, before in _entries(released):
        after = now.get(where)
        if after is None:
            if not _may_go(before, today) and not _parent_may_go(where, released, today):
                problems.append(f"{where} was removed without a deprecation that announced it")
        elif "parameters" in before:
            problems += _method_changes(where, before, after)
        elif "fields" in before:
            problems += _field_changes(where, before["fields"], after["fields"])
    for name, before in released["choices"].items():
        gone = sorted(set(before) - set(today["choices"].get(name, ())))
        if gone:
            problems.append(f"{name} lost {', '.join(gone)}")
    return problems


def _entries(found: Shape) -> list[tuple[str, Shape]]:
    listed: list[tuple[str, Shape]] = [*found["values"].items()]
    for name, interface in found["interfaces"].items():
        listed.append((name, {key: part for key, part in interface.items() if key != "methods"}))
        listed += [(f"{name}.{method}", entry) for method, entry in interface["methods"].items()]
    return listed


def _version(found: Shape) -> tuple[int, int]:
    major, minor = found["version"].split(".")[:2]
    return int(major), int(minor)


def _may_go(entry: Shape, today: Shape) -> bool:
    removal = _REMOVAL.search(entry.get("deprecated", ""))
    return removal is not None and _version(today) >= (int(removal[1]), int(removal[2]))


def _parent_may_go(where: str, released: Shape, today: Shape) -> bool:
    interface = released["interfaces"].get(where.partition(".")[0])
    return "." in where and interface is not None and _may_go(interface, today)


def _method_changes(where: str, before: Shape, after: Shape) -> list[str]:
    problems = []
    if before["async"] != after["async"]:
        problems.append(f"{where} is no longer {'' if before['async'] else 'not '}asynchronous")
    if before["returns"] != after["returns"]:
        problems.append(f"{where} returned {before['returns']}, now {after['returns']}")
    now = {one["name"]: (at, one) for at, one in enumerate(after["parameters"])}
    for at, one in enumerate(before["parameters"]):
        if one["name"] not in now:
            problems.append(f"{where} lost its parameter {one['name']}")
            continue
        place, other = now.pop(one["name"])
        if other["type"] != one["type"] or other["kind"] != one["kind"]:
            problems.append(f"{where}({one['name']}) was {one['type']}, now {other['type']}")
        if one["kind"] != "keyword_only" and place != at:
            problems.append(f"{where}({one['name']}) moved")
        if other["required"] and not one["required"]:
            problems.append(f"{where}({one['name']}) became required")
    problems += [f"{where} asks for {name} in addition" for name, (_, one) in now.items() if one["required"]]
    return problems


def _field_changes(where: str, before: Shape, after: Shape) -> list[str]:
    problems = []
    for name, field in before.items():
        other = after.get(name)
        if other is None:
            problems.append(f"{where}.{name} was removed")
        elif not _takes(other["type"], field["type"]):
            problems.append(f"{where}.{name} was {field['type']}, now {other['type']}")
        elif other["required"] and not field["required"]:
            problems.append(f"{where}.{name} became required")
    # A new field without a default breaks whoever makes the value, and whoever reads a stored one.
    problems += [
        f"{where} asks for {name} in addition"
        for name, field in after.items()
        if name not in before and field["required"]
    ]
    return problems


def _takes(after: str, before: str) -> bool:
    # More alternatives are an addition, such as a new event type; but who read a value never expected None.
    old, new = set(before.split(" | ")), set(after.split(" | "))
    return old <= new and "None" not in new - old


def released_shape() -> Shape:
    """The shape of the last release."""
    text = resources.files("phoenix_nb.interfaces").joinpath("signatures.json").read_text(encoding="utf-8")
    found: Shape = json.loads(text)
    return found


def write_shape(found: Shape) -> str:
    """The text of ``signatures.json``."""
    return json.dumps(found, indent=1, sort_keys=True) + "\n"
