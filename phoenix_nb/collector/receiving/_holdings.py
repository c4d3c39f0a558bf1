"""What the payloads of a source hold, as far as receivers ask for it."""

from __future__ import annotations

import numpy as np

from phoenix_nb.collector.receiving._narrowing import NAME, is_process, scraper_of
from phoenix_nb.otlp import Dictionaries, Frames

__all__ = ["SourceHoldings"]


class SourceHoldings:
    """Remembers which metrics, scrapers and resource attributes came; grows with distinct names only.

    Args:
        dictionaries: shared by the payloads.
    """

    def __init__(self, dictionaries: Dictionaries) -> None:
        self._known = dictionaries
        self._headers: set[int] = set()
        self._scopes: set[int] = set()
        self._resources: set[int] = set()
        self.metrics: set[str] = set()
        """Names of metrics."""
        self.scrapers: set[str] = set()
        """Hostmetrics scrapers, by the names of scopes."""
        self.attributes: set[str] = set()
        """Resource attributes of processes."""
        self.nameless = 0
        """Processes, as distinct resources, without an executable name."""
        self.timeless = False
        """Whether a point of a process came without its start time."""

    def add(self, frames: Frames) -> None:
        """Look at payloads."""
        for at in _fresh(frames.m_header, self._headers):
            self.metrics.add(self._known.headers[at].name)
        for at in _fresh(frames.m_scope, self._scopes):
            if scraper := scraper_of(self._known.scopes[at].name):
                self.scrapers.add(scraper)
        for at in _fresh(frames.rm_resource, self._resources):
            attributes = self._known.resources[at].attributes
            if is_process(attributes):
                self.attributes.update(attributes)
                self.nameless += NAME not in attributes
        self.timeless = self.timeless or bool((frames.p_start == 0).any())


def _fresh(ids: np.ndarray, seen: set[int]) -> list[int]:
    found = [at for at in np.unique(ids).tolist() if at >= 0 and at not in seen]
    seen.update(found)
    return found
