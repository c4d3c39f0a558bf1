"""The components: one small module each, and the registry that finds them."""

from __future__ import annotations

from phoenix_nb.collector.components._base import (
    BuildError,
    ComponentKind,
    ComponentType,
    Flow,
    Router,
    Setup,
    Stage,
    StageState,
    Stateless,
    Ticking,
)
from phoenix_nb.collector.components._clock import Clock
from phoenix_nb.collector.components._gates import gate_problems
from phoenix_nb.collector.components._host_metrics import (
    HostMetricsSettings,
    ProcessMatch,
    ProcessScraperSettings,
    name_matcher,
)
from phoenix_nb.collector.components._passive import PassiveSettings
from phoenix_nb.collector.components._prometheus_view import (
    PROMETHEUS_EXPORTERS,
    BackendSeries,
    PrometheusView,
    prometheus_view,
)
from phoenix_nb.collector.components._registry import find_type, is_known, supported_types

__all__ = [
    "PROMETHEUS_EXPORTERS",
    "BackendSeries",
    "BuildError",
    "Clock",
    "ComponentKind",
    "ComponentType",
    "Flow",
    "HostMetricsSettings",
    "PassiveSettings",
    "ProcessMatch",
    "ProcessScraperSettings",
    "PrometheusView",
    "Router",
    "Setup",
    "Stage",
    "StageState",
    "Stateless",
    "Ticking",
    "find_type",
    "gate_problems",
    "is_known",
    "name_matcher",
    "prometheus_view",
    "supported_types",
]
