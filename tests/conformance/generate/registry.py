"""What the differential test draws: every module of this folder that calls :func:`register` adds strategies."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

__all__ = ["Component", "Step", "component", "components", "register"]


@dataclass(frozen=True)
class Step:
    """One processor of a drawn chain."""

    type: str
    """Its type, as written in a configuration."""
    settings: dict[str, Any]
    """Its settings, before dollars are doubled."""
    functions: tuple[str, ...] = ()
    """What it uses that is counted: functions, actions, operations."""
    any_order: bool = False
    """Whether the order of points is random behind it; then it must be the last of its chain."""


@dataclass(frozen=True)
class Component:
    """A component that can be drawn."""

    name: str
    """Its type."""
    step: Callable[[str], st.SearchStrategy[Step]]
    """Draws a step that uses one function (empty = whatever it likes)."""
    functions: Sequence[str] = ()
    """Everything of it that has to be drawn often enough."""
    last: frozenset[str] = frozenset()
    """Those of ``functions`` behind which the order of points is random: the step must end its chain."""
    payloads: st.SearchStrategy[list[dict[str, Any]]] | None = field(default=None)
    """Payloads that suit it better than the common ones."""


_COMPONENTS: dict[str, Component] = {}


def register(made: Component) -> None:
    """Make a component known."""
    assert made.name not in _COMPONENTS
    _COMPONENTS[made.name] = made


def components() -> dict[str, Component]:
    """Every component, by type."""
    for found in pkgutil.iter_modules([str(Path(__file__).parent)]):
        importlib.import_module(f"tests.conformance.generate.{found.name}")
    return dict(sorted(_COMPONENTS.items()))


def component(name: str) -> Component:
    """One component."""
    return components()[name]
