"""Every component type: those that run here, and those that only the real collector has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from phoenix_nb.collector.components._attributes import ATTRIBUTES
from phoenix_nb.collector.components._base import ComponentKind, ComponentType
from phoenix_nb.collector.components._batch import BATCH
from phoenix_nb.collector.components._count import COUNT
from phoenix_nb.collector.components._cumulative_to_delta import CUMULATIVE_TO_DELTA
from phoenix_nb.collector.components._delta_to_cumulative import DELTA_TO_CUMULATIVE
from phoenix_nb.collector.components._delta_to_rate import DELTA_TO_RATE
from phoenix_nb.collector.components._filter import FILTER
from phoenix_nb.collector.components._group_by_attrs import GROUP_BY_ATTRS
from phoenix_nb.collector.components._interval import INTERVAL
from phoenix_nb.collector.components._known import KNOWN
from phoenix_nb.collector.components._memory_limiter import MEMORY_LIMITER
from phoenix_nb.collector.components._metric_start_time import METRIC_START_TIME
from phoenix_nb.collector.components._metrics_generation import METRICS_GENERATION
from phoenix_nb.collector.components._metrics_transform import METRICS_TRANSFORM
from phoenix_nb.collector.components._passive import FORWARD, passive_types
from phoenix_nb.collector.components._redaction import REDACTION
from phoenix_nb.collector.components._resource import RESOURCE
from phoenix_nb.collector.components._resource_detection import RESOURCE_DETECTION
from phoenix_nb.collector.components._routing import ROUTING
from phoenix_nb.collector.components._signal_to_metrics import SIGNAL_TO_METRICS
from phoenix_nb.collector.components._sum import SUM
from phoenix_nb.collector.components._transform import TRANSFORM

__all__ = ["find_type", "is_known", "supported_types"]

_TYPES: Final[tuple[ComponentType, ...]] = (
    *passive_types(),
    ATTRIBUTES,
    BATCH,
    COUNT,
    CUMULATIVE_TO_DELTA,
    DELTA_TO_CUMULATIVE,
    DELTA_TO_RATE,
    FILTER,
    FORWARD,
    GROUP_BY_ATTRS,
    INTERVAL,
    MEMORY_LIMITER,
    METRIC_START_TIME,
    METRICS_GENERATION,
    METRICS_TRANSFORM,
    REDACTION,
    RESOURCE,
    RESOURCE_DETECTION,
    ROUTING,
    SIGNAL_TO_METRICS,
    SUM,
    TRANSFORM,
)
_METRICS_ONLY: Final = frozenset(
    {
        (ComponentKind.PROCESSOR, "cumulativetodelta"),
        (ComponentKind.PROCESSOR, "deltatocumulative"),
        (ComponentKind.PROCESSOR, "deltatorate"),
        (ComponentKind.PROCESSOR, "interval"),
        (ComponentKind.PROCESSOR, "metricsgeneration"),
        (ComponentKind.PROCESSOR, "metricstarttime"),
        (ComponentKind.PROCESSOR, "metricstransform"),
        (ComponentKind.EXPORTER, "prometheus"),
        (ComponentKind.EXPORTER, "prometheus_remote_write"),
    }
)
_SIGNALS: Final[Mapping[tuple[ComponentKind, str], frozenset[str]]] = {
    **dict.fromkeys(_METRICS_ONLY, frozenset({"metrics"})),
    (ComponentKind.RECEIVER, "host_metrics"): frozenset({"metrics", "logs"}),
}
"""Types that do not work on every signal."""


def _with_signals(entry: ComponentType) -> ComponentType:
    return replace(entry, signals=_SIGNALS.get((entry.kind, entry.name), entry.signals))


_BY_NAME: Final[Mapping[tuple[ComponentKind, str], ComponentType]] = {
    (made.kind, name): made for made in map(_with_signals, _TYPES) for name in made.names
}


def find_type(kind: ComponentKind, name: str) -> ComponentType | None:
    """The type behind a spelling; ``None`` when this engine does not have it."""
    return _BY_NAME.get((kind, name))


def is_known(kind: ComponentKind, name: str) -> bool:
    """Whether the real collector has a type that this engine does not."""
    return name in KNOWN[kind]


def supported_types(kind: ComponentKind) -> tuple[str, ...]:
    """Every accepted spelling of a section, sorted."""
    return tuple(sorted(name for found, name in _BY_NAME if found is kind))
