"""Panels by name: other packages offer them through an entry-point group."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

from phoenix_nb.errors import NotFoundError

__all__ = ["make_panel"]

_GROUP = "phoenix_nb.panels"


def make_panel(kind: str, port: object, **options: Any) -> Any:
    """The panel of this kind over a laboratory.

    Raises:
        NotFoundError: no installed package offers it.
    """
    offered = {entry.name: entry for entry in entry_points(group=_GROUP)}
    if kind not in offered:
        known = ", ".join(sorted(offered)) or "none: reinstall phoenix-nb"
        raise NotFoundError(
            f"there is no panel {kind!r}", hint=f"installed panels: {known}", details={"panel": kind}
        )
    return offered[kind].load()(port, **options)
