"""What each engine runs: components and OTTL functions, told from the code that runs them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from typing import Final

from phoenix_nb.collector.components import ComponentKind, ComponentType, find_type, supported_types
from phoenix_nb.collector.components._known import KNOWN
from phoenix_nb.collector.components._transform_functions import TRANSFORM_FUNCTIONS
from phoenix_nb.collector.ottl import Function, converters_of, statement_functions
from phoenix_nb.otelcol import CollectorBinary, build_collector, cache_folder, probe_collector

__all__ = [
    "ComponentSupport",
    "FunctionSupport",
    "Support",
    "component_support",
    "function_support",
    "install_collector",
    "real_only",
]

_SECTION: Final = re.compile(r"section\[(\w+)\.Factory\](.*?)\n\t\)", re.DOTALL)
_CONSTRUCTOR: Final = re.compile(r"(\w+)\.NewFactory")


class Support(StrEnum):
    """What an engine does with a component or a function."""

    RUNS = "runs"
    """As the collector does."""
    CHECKED = "checked"
    """Its settings are checked; it changes no payload, or it is an end where payloads are given and taken."""
    REFUSED = "refused"
    """A configuration that uses it is refused with the reason."""
    ABSENT = "absent"
    """It is not in there."""


@dataclass(frozen=True, slots=True)
class ComponentSupport:
    """One type of component."""

    kind: str
    """``receiver``, ``processor``, ``exporter``, ``connector`` or ``extension``."""
    name: str
    """Its type as first published."""
    aliases: tuple[str, ...]
    """Other spellings."""
    embedded: Support
    """What the built-in engine does."""
    otelcol: Support
    """What the real collector does: the one that was asked, or the one that the project builds."""
    signals: tuple[str, ...]
    """Signals that it can be used for."""


@dataclass(frozen=True, slots=True)
class FunctionSupport:
    """One OTTL function."""

    name: str
    """As users write it."""
    kind: str
    """``editor`` or ``converter``."""
    where: str
    """Which processors and contexts have it."""
    embedded: Support
    """What the built-in engine does."""
    otelcol: Support
    """What the real collector does."""
    since: str
    """The first release that has it; empty for releases before 0.124."""
    reason: str
    """Why the built-in engine refuses it; empty when it runs."""


def component_support(binary: CollectorBinary | None = None) -> tuple[ComponentSupport, ...]:
    """Every type that the built-in engine knows, by section and name.

    Args:
        binary: the real collector that is asked what it has; the project's own list when ``None``.
    """
    there = _of_binary(binary) if binary is not None else _of_build()
    rows = []
    for kind in ComponentKind:
        types = {id(found): found for name in supported_types(kind) if (found := find_type(kind, name))}
        rows += [_component(entry, there) for entry in types.values()]
    order = list(ComponentKind)
    return tuple(sorted(rows, key=lambda row: (order.index(ComponentKind(row.kind)), row.name)))


def _component(entry: ComponentType, there: Callable[[ComponentType], bool]) -> ComponentSupport:
    return ComponentSupport(
        kind=entry.kind.value,
        name=entry.name,
        aliases=tuple(sorted(entry.aliases)),
        embedded=Support.CHECKED if entry.build is None else Support.RUNS,
        otelcol=Support.RUNS if there(entry) else Support.ABSENT,
        signals=tuple(sorted(entry.signals)),
    )


def _of_binary(binary: CollectorBinary) -> Callable[[ComponentType], bool]:
    return lambda entry: not set(entry.names).isdisjoint(binary.components.get(entry.kind.section, ()))


def _of_build() -> Callable[[ComponentType], bool]:
    """Whether the collector of the project has a type, from the list that it is built from."""
    text = (resources.files("phoenix_nb.otelcol") / "build" / "components.go").read_text("utf-8")
    built = {
        (kind, constructor.removesuffix(kind))
        for kind, body in _SECTION.findall(text)
        for constructor in _CONSTRUCTOR.findall(body)
    }
    return lambda entry: any((entry.kind.value, name.replace("_", "")) in built for name in entry.names)


def real_only() -> Mapping[str, tuple[str, ...]]:
    """Per section the types of the collector's distributions that the built-in engine does not have."""
    return {
        kind.section: tuple(sorted(name for name in KNOWN[kind] if find_type(kind, name) is None))
        for kind in ComponentKind
    }


def function_support() -> tuple[FunctionSupport, ...]:
    """Every OTTL function, editors first, by name."""
    everywhere = {**converters_of("metric"), **statement_functions("datapoint")}
    of_filter = converters_of("metric", on_points=True)
    rows = [
        _function(function, "transform, filter" if function.name[0].isupper() else "transform")
        for function in everywhere.values()
    ]
    rows += [
        _function(function, "filter, metric context")
        for name, function in of_filter.items()
        if name not in everywhere
    ]
    rows += [
        _function(function, f"transform{_contexts(function)}") for function in TRANSFORM_FUNCTIONS.values()
    ]
    return tuple(sorted(rows, key=lambda row: (row.kind != "editor", row.name)))


def _contexts(function: Function) -> str:
    if function.contexts is None:
        return ""
    return f", {' and '.join(sorted(function.contexts))} context"


def _function(function: Function, where: str) -> FunctionSupport:
    return FunctionSupport(
        name=function.name,
        kind="converter" if function.name[0].isupper() else "editor",
        where=where,
        embedded=Support.REFUSED if function.impure else Support.RUNS,
        otelcol=Support.RUNS,
        since=".".join(map(str, function.since)) if any(function.since) else "",
        reason=function.impure,
    )


def install_collector(*, force: bool = False, say: Callable[[str], None] = lambda _: None) -> CollectorBinary:
    """Build the real collector into the user's cache; one that is there and works is kept.

    Args:
        force: whether to build even if it is there.
        say: told what is being done, a line each.

    Raises:
        UnavailableError: there is no Go, it is too old, or the build failed; nothing half-built is left.
        StorageError: the cache cannot be written.
    """
    return probe_collector(build_collector(cache_folder(), say=say, force=force))
