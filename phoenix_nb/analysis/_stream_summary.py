"""What the candidate no longer shows, by process name and metric, and how many processes the window saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from phoenix_nb.evidence.coverage import CriticalSelector
from phoenix_nb.interfaces.monitoring import LostSeries
from phoenix_nb.otlp import Dictionaries, Frames, PointKind, attribute_text

__all__ = ["StreamSummary", "lost_series"]

_NAMELESS = "(no process name)"


@dataclass(slots=True)
class _Shown:
    """Points of one process name and metric in one stream."""

    points: int = 0
    last: float | None = None
    unit: str = ""
    critical: bool = False


@dataclass(slots=True)
class StreamSummary:
    """Counts a stream of payloads by process name and metric, and its process lifetimes.

    Args:
        dictionaries: what the ids of the stream's frames mean.
        selectors: which processes are critical.
    """

    dictionaries: Dictionaries
    selectors: Sequence[CriticalSelector] = ()
    shown: dict[tuple[str, str], _Shown] = field(default_factory=dict)
    """Per process name and metric name what the stream showed."""
    hosts: set[str] = field(default_factory=set)
    """Host names."""
    payloads: int = 0
    """Payloads so far."""
    _names: dict[int, tuple[str, bool]] = field(default_factory=dict)
    _lifetimes: dict[tuple[int, int], int] = field(default_factory=dict)
    _first_time: int = 0

    def add(self, frames: Frames) -> None:
        """Count more payloads, in order."""
        if frames.n_points:
            self._count(frames)
            self._live(frames)
        self.payloads += frames.n_payloads

    def _name(self, resource: int) -> tuple[str, bool]:
        """The process name of a resource and whether it is critical."""
        known = self._names.get(resource)
        if known is None:
            known = (_NAMELESS, False)
            if resource >= 0:
                attributes = self.dictionaries.resources[resource].attributes
                name = attributes.get("process.executable.name")
                if host := attributes.get("host.name"):
                    self.hosts.add(attribute_text(host))
                critical = any(selector.matches(attributes) for selector in self.selectors)
                known = (attribute_text(name) if name else _NAMELESS, critical)
            self._names[resource] = known
        return known

    def _count(self, frames: Frames) -> None:
        codes = (frames.p_resource.astype(np.int64) << 32) | frames.p_header.astype(np.int64)
        distinct, back, counts = np.unique(codes[::-1], return_index=True, return_counts=True)
        last = len(codes) - 1 - back
        kinds = frames.p_kind[last]
        values = np.where(
            kinds == PointKind.INT, frames.p_int[last].astype(np.float64), frames.p_double[last]
        )
        numbers = (kinds == PointKind.INT) | (kinds == PointKind.DOUBLE)
        for code, count, value, is_number in zip(
            distinct.tolist(), counts.tolist(), values.tolist(), numbers.tolist(), strict=True
        ):
            name, critical = self._name(code >> 32)
            header = self.dictionaries.headers[code & 0xFFFFFFFF]
            entry = self.shown.setdefault((name, header.name), _Shown(unit=header.unit))
            entry.points += count
            entry.critical |= critical
            if is_number and np.isfinite(value):
                entry.last = value

    def _live(self, frames: Frames) -> None:
        """Note which lifetimes, (resource, start), the payloads show; points without a start say nothing."""
        self._first_time = self._first_time or int(frames.p_time.min())
        has = frames.p_start > 0
        pairs = np.stack(
            [frames.p_resource[has].astype(np.int64), frames.p_start[has].astype(np.int64)], axis=1
        )
        order = frames.p_payload[has]
        distinct, back = np.unique(pairs[::-1], axis=0, return_index=True)
        latest = order[::-1][back]
        for (resource, start), at in zip(distinct.tolist(), latest.tolist(), strict=True):
            self._lifetimes[resource, start] = self.payloads + at

    @property
    def processes(self) -> int:
        """Distinct process lifetimes."""
        return len(self._lifetimes)

    @property
    def started(self) -> int:
        """Lifetimes that started after the first payload."""
        return sum(start > self._first_time for _, start in self._lifetimes)

    @property
    def ended(self) -> int:
        """Lifetimes that the last payload does not show any more."""
        return sum(at < self.payloads - 1 for at in self._lifetimes.values())


def lost_series(baseline: StreamSummary, candidate: StreamSummary) -> tuple[LostSeries, ...]:
    """What the candidate shows less of than the baseline, largest loss first, then by name."""
    lines = []
    for (name, metric), before in baseline.shown.items():
        after = candidate.shown.get((name, metric), _Shown())
        if after.points < before.points:
            lines.append(
                LostSeries(
                    process=name,
                    metric=metric,
                    baseline_points=before.points,
                    candidate_points=after.points,
                    last_value=before.last,
                    unit=before.unit,
                    critical=before.critical,
                )
            )
    return tuple(
        sorted(lines, key=lambda row: (row.candidate_points - row.baseline_points, row.process, row.metric))
    )
