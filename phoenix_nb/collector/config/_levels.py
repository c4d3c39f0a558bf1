"""Levels of telemetry and of logs: words, or the numbers that stand for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from phoenix_nb.collector.config._ids import quote
from phoenix_nb.collector.config._schema import DecodeError, Number, Refused
from phoenix_nb.collector.config._tree import Expanded, Node

__all__ = ["LOG_LEVEL", "TELEMETRY_LEVEL", "Level"]


@dataclass(frozen=True, slots=True)
class Level:
    """A level; decoded to its number."""

    number: Number
    """Which numbers there are."""
    words: Mapping[str, int]
    """Numbers by word, in small letters."""
    unknown: str
    """The collector's words before one that is none."""
    shown_small: bool
    """Whether the collector shows such a word in small letters."""

    def decode(self, path: tuple[str, ...], name: str, node: Node, default: Any) -> Any:
        """The number of the level."""
        text = node.original if isinstance(node, Expanded) and isinstance(node.value, str) else node
        if not isinstance(text, str):
            return self.number.decode(path, name, node, default)
        found = self.words.get(text.lower())
        if found is None:
            shown = quote(text.lower() if self.shown_small else text)
            raise Refused(DecodeError(path, f"'{name}' {self.unknown} {shown}"))
        return found


TELEMETRY_LEVEL: Final = Level(
    Number("configtelemetry.Level", -(1 << 31), (1 << 31) - 1),
    {"none": -1, "basic": 0, "normal": 1, "detailed": 2},
    "unknown metrics level",
    shown_small=True,
)
"""How much the collector tells about itself, and how much the debug exporter shows."""
LOG_LEVEL: Final = Level(
    Number("zapcore.Level", -128, 127),
    {"debug": -1, "info": 0, "": 0, "warn": 1, "warning": 1, "error": 2, "dpanic": 3, "panic": 4, "fatal": 5},
    "unrecognized level:",
    shown_small=False,
)
"""The least severity of the collector's own logs."""
