"""Keeps the keyboard shortcuts of the notebook away from the drop-down lists of a panel."""

from __future__ import annotations

from pathlib import Path

import anywidget

__all__ = ["Keyboard"]

_STATIC = Path(__file__).resolve().parent / "static"


class Keyboard(anywidget.AnyWidget):
    """Shows nothing; while it is on a page, drop-down lists inside ``.phx-panel`` can be used by keyboard."""

    _esm = (_STATIC / "keyboard.js").read_text(encoding="utf-8")
