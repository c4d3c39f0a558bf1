"""What a collector logs while it runs."""

from __future__ import annotations

import json
import threading
from typing import Final

__all__ = ["CollectorLog"]

_READY: Final = "Everything is ready"
_LEVELS: Final = ("warn", "error", "fatal")
_MOST: Final = 50


class CollectorLog:
    """Reads log lines as they come: when the collector is ready, and what it warns of. Thread-safe."""

    def __init__(self) -> None:
        self.ready: Final = threading.Event()
        """Set once the collector says that it takes payloads."""
        self._lock = threading.Lock()
        self._warnings: dict[str, None] = {}

    def add(self, line: str) -> None:
        """Take one line."""
        if _READY in line:
            self.ready.set()
        text = _warning(line)
        if text:
            with self._lock:
                if len(self._warnings) < _MOST:
                    self._warnings[text] = None

    def take_warnings(self) -> tuple[str, ...]:
        """Distinct warnings and errors since the last call, the first fifty."""
        with self._lock:
            found, self._warnings = self._warnings, {}
        return tuple(found)


def _warning(line: str) -> str:
    """The text of a line of level warn or worse: time, level, place, message, fields, with tabs between them."""
    parts = line.split("\t")
    if len(parts) < 4 or parts[1] not in _LEVELS:
        return ""
    try:
        fields = json.loads(parts[4]) if len(parts) > 4 else {}
    except ValueError:
        fields = {}
    who, error = fields.get("otelcol.component.id"), fields.get("error")
    return f"{f'{who}: ' if who else ''}{parts[3]}{f': {error}' if error else ''}"
