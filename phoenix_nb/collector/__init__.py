"""What a collector configuration does to payloads: check it, compile it, run it. Pure: no IO, time or randomness."""

from __future__ import annotations

from phoenix_nb.collector import catalog
from phoenix_nb.collector._config import CollectorConfig, Component, Pipeline
from phoenix_nb.collector._engine import EmbeddedEngine, compile_config
from phoenix_nb.collector._problem import ConfigProblem
from phoenix_nb.collector._validate import DEFAULT_VERSION, parse_config, validate_config
from phoenix_nb.collector._watched import Observer, Place, Watch
from phoenix_nb.collector.catalog import CatalogEntry
from phoenix_nb.collector.components import Clock, PrometheusView, prometheus_view

__all__ = [
    "DEFAULT_VERSION",
    "CatalogEntry",
    "Clock",
    "CollectorConfig",
    "Component",
    "ConfigProblem",
    "EmbeddedEngine",
    "Observer",
    "Pipeline",
    "Place",
    "PrometheusView",
    "Watch",
    "catalog",
    "compile_config",
    "parse_config",
    "prometheus_view",
    "validate_config",
]
