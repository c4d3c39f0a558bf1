"""What payloads cost a real collector, added up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from phoenix_nb.otlp.contracts import EngineMeasures

__all__ = ["ArmLoad", "latency_p99", "share_above"]


class ArmLoad:
    """CPU time and memory over any number of payloads; each is unknown until it was measured."""

    __slots__ = ("_rss_count", "_rss_sum", "cpu_seconds", "rss_bytes")

    def __init__(self) -> None:
        self._rss_sum = 0
        self._rss_count = 0
        self.cpu_seconds: float | None = None
        """CPU time, seconds; ``None`` when it was not measured."""
        self.rss_bytes: int | None = None
        """Largest resident memory, bytes; ``None`` when it was not measured."""

    def add(self, measures: EngineMeasures, payload: int) -> None:
        """Add one payload of a call."""
        rss = measures.rss_bytes[payload]
        self._take(measures.cpu_seconds[payload], rss, rss or 0, int(rss is not None))

    def merge(self, other: ArmLoad) -> None:
        """Add everything that another one holds."""
        self._take(other.cpu_seconds, other.rss_bytes, other._rss_sum, other._rss_count)

    def _take(self, cpu: float | None, rss: int | None, rss_sum: int, rss_count: int) -> None:
        if cpu is not None:
            self.cpu_seconds = cpu + (self.cpu_seconds or 0.0)
        if rss is not None:
            self.rss_bytes = max(rss, self.rss_bytes or 0)
        self._rss_sum += rss_sum
        self._rss_count += rss_count

    @property
    def mean_rss_bytes(self) -> float | None:
        """Mean resident memory, bytes; ``None`` when it was not measured."""
        return self._rss_sum / self._rss_count if self._rss_count else None


def latency_p99(seconds: Sequence[float]) -> float | None:
    """99th percentile of latencies, with few of them the largest; ``None`` when nothing was measured."""
    return float(np.quantile(seconds, 0.99, method="inverted_cdf")) if seconds else None


def share_above(seconds: Sequence[float], threshold: float | None) -> float | None:
    """Share of latencies above a threshold; ``None`` when nothing was measured or nobody asks."""
    if threshold is None or not seconds:
        return None
    return float(np.mean(np.asarray(seconds) > threshold))
