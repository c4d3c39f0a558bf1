"""What a function is, and the table of all functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from phoenix_nb.collector.ottl._columns import Plan
from phoenix_nb.collector.ottl._context import Axis, Item
from phoenix_nb.collector.ottl._getters import Getter
from phoenix_nb.collector.ottl._lookups import Bulk
from phoenix_nb.collector.ottl._names import field_name
from phoenix_nb.collector.ottl._runtime import Value

__all__ = ["LITERALS", "TARGETS", "Function", "FunctionTable", "Param", "Target", "converter", "param"]

LITERALS: Final = frozenset({"text", "whole", "number", "flag"})
"""Kinds of parameters that take a literal only."""
TARGETS: Final = frozenset({"target", "map_target", "slice_target"})
"""Kinds of parameters that take a path that is written to."""


@dataclass(frozen=True, slots=True)
class Target:
    """A path that a function reads and writes."""

    getter: Getter
    """Reads it, with the kind that the function wants."""
    put: Callable[[Item, Value], None]
    """Writes it."""
    axis: Axis
    """What is written: the whole value of this axis changes."""
    name: str
    """The path without keys, after its context; empty when keys follow."""


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter."""

    name: str
    """Its name, as users may write it unless ``field`` says otherwise."""
    kind: str
    """A kind of getter, one of the literal kinds or of the target kinds, or ``function``."""
    optional: bool = False
    """Whether it may be left out."""
    many: bool = False
    """Whether it is a list of such values."""
    field: str = ""
    """Its name in Go, by which the collector finds it."""


def param(name: str, kind: str, *, optional: bool = False, many: bool = False, field: str = "") -> Param:
    """A parameter; its name in Go is made from its name unless it is given."""
    return Param(name, kind, optional, many, field or field_name(name))


@dataclass(frozen=True, slots=True)
class Function:
    """A converter or an editor."""

    name: str
    """As users write it."""
    params: tuple[Param, ...]
    """Its parameters in order."""
    create: Callable[..., Callable[[Item], Value]]
    """From arguments (getters, literals) to what is evaluated per item; raises ``ValueError`` with the reason."""
    contexts: frozenset[str] | None = None
    """Contexts that have it; ``None`` = all."""
    axes: frozenset[Axis] = frozenset()
    """What it depends on beside its arguments."""
    writes: Axis = ""
    """What it changes beside its targets; ``metric`` when it may change points or add metrics."""
    since: tuple[int, int, int] = (0, 0, 0)
    """The first release that has it."""
    plan: Callable[..., Plan | None] | None = None
    """How whole columns are computed."""
    bulk: Callable[..., Bulk | None] | None = None
    """How many entries of a dictionary are computed; gets the getters of the arguments, as ``plan`` does."""
    unreadable: frozenset[str] = frozenset()
    """Keys of what it returns that the collector holds in a way that no function of its own can use."""
    impure: str = ""
    """Why this engine refuses it, for what depends on the clock or on chance."""


FunctionTable = Mapping[str, Function]


def converter(
    name: str,
    *params: Param,
    plan: Callable[..., Plan | None] | None = None,
) -> Callable[[Callable[..., Value]], Function]:
    """Make a converter of a function over values; lists of getters arrive as lists of values."""

    def wrap(function: Callable[..., Value]) -> Function:
        def create(**arguments: Any) -> Callable[[Item], Value]:
            names = [entry.name for entry in params]
            getters = [arguments.get(key) for key in names]

            def evaluate(item: Item) -> Value:
                return function(*(_value(getter, item) for getter in getters))

            return evaluate

        return Function(name, tuple(params), create, plan=plan)

    return wrap


def _value(argument: object, item: Item) -> object:
    if isinstance(argument, Getter):
        return argument.get(item)
    if isinstance(argument, Sequence) and not isinstance(argument, (str, bytes)):
        return [_value(entry, item) for entry in argument]
    return argument
