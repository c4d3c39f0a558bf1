"""Simulated hosts: processes in virtual time, reproducible from a seed, and the same load as real child processes."""

from __future__ import annotations

from phoenix_nb.simulation._children import Child, IdleChildren
from phoenix_nb.simulation._compile import compile_processes, compile_world, load_profile
from phoenix_nb.simulation._process_metrics import (
    ALL_PROCESS_METRICS,
    DEFAULT_PROCESS_METRICS,
    PROCESS_METRICS,
    SCHEMA_URL,
    ProcessMetric,
    process_points,
    process_resource,
    process_scope,
)
from phoenix_nb.simulation._profile_file import canonical_name, describe_profiles, profile_names
from phoenix_nb.simulation._real import RealProcessLoad
from phoenix_nb.simulation._scraper import WorldScraper
from phoenix_nb.simulation._simulate import simulate
from phoenix_nb.simulation._spec import WorldSpec
from phoenix_nb.simulation._views import load_metrics, process_list
from phoenix_nb.simulation._virtual import VirtualLoadGenerator, VirtualProcessSimulator
from phoenix_nb.simulation._world import DEFAULT_START, World, WorldTotals

__all__ = [
    "ALL_PROCESS_METRICS",
    "DEFAULT_PROCESS_METRICS",
    "DEFAULT_START",
    "PROCESS_METRICS",
    "SCHEMA_URL",
    "Child",
    "IdleChildren",
    "ProcessMetric",
    "RealProcessLoad",
    "VirtualLoadGenerator",
    "VirtualProcessSimulator",
    "World",
    "WorldScraper",
    "WorldSpec",
    "WorldTotals",
    "canonical_name",
    "compile_processes",
    "compile_world",
    "describe_profiles",
    "load_metrics",
    "load_profile",
    "process_list",
    "process_points",
    "process_resource",
    "process_scope",
    "profile_names",
    "simulate",
]
