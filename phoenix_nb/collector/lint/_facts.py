"""What payloads showed at each step, so that findings become certain or go away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from phoenix_nb.collector._watched import Observer, Place
from phoenix_nb.otlp import Frames, PointKind

__all__ = ["FactsCollector", "StepFacts"]


@dataclass(slots=True)
class StepFacts:
    """What went into one step, and what came out."""

    resource_keys: set[str] = field(default_factory=set)
    """Keys of resource attributes that went in."""
    point_keys: set[str] = field(default_factory=set)
    """Keys of point attributes that went in."""
    kinds: dict[str, set[int]] = field(default_factory=dict)
    """Per metric name the :class:`PointKind` of its points that went in."""
    points_in: int = 0
    """Points that went in."""
    points_out: int = 0
    """Points that came out."""
    mixed_times: bool = False
    """Whether a metric that went in holds points with different times."""
    shared_metrics: bool = False
    """Whether a metric that went in holds more than one point."""

    def add(self, before: Frames, after: Sequence[Frames]) -> None:
        """Note some payloads."""
        known = before.dictionaries
        self.points_in += before.n_points
        self.points_out += sum(frames.n_points for frames in after)
        for number in np.unique(before.rm_resource[before.rm_resource >= 0]).tolist():
            self.resource_keys.update(known.resources[number].attributes)
        for number in np.unique(before.p_attributes).tolist():
            self.point_keys.update(known.attribute_sets[number])
        if not before.n_points:
            return
        pairs = np.unique((before.p_header.astype(np.int64) << 8) | before.p_kind)
        for pair in pairs.tolist():
            self.kinds.setdefault(known.headers[pair >> 8].name, set()).add(pair & 0xFF)
        same_metric = before.p_metric[1:] == before.p_metric[:-1]
        self.shared_metrics |= bool(same_metric.any())
        self.mixed_times |= bool((same_metric & (before.p_time[1:] != before.p_time[:-1])).any())

    def holds(self, kind: PointKind, names: Sequence[str]) -> bool:
        """Whether points of a kind went in, of these metrics or of any when there are none."""
        chosen = names or tuple(self.kinds)
        return any(kind in self.kinds.get(name, ()) for name in chosen)


class FactsCollector:
    """Collects the facts of every step of an engine: give it to ``compile_config`` as ``watch``."""

    def __init__(self) -> None:
        self._facts: dict[Place, StepFacts] = {}

    def __call__(self, place: Place) -> Observer:
        facts = self._facts.setdefault(place, StepFacts())

        def observe(before: Frames | None, after: Sequence[Frames]) -> None:
            if before is not None:
                facts.add(before, after)

        return observe

    @property
    def facts(self) -> Mapping[Place, StepFacts]:
        """Per step what was seen."""
        return self._facts
