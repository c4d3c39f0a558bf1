"""Which names belong where, for configurations that are looked at without payloads."""

from __future__ import annotations

from typing import Final

__all__ = ["DOUBLE_METRICS", "INT_METRICS", "is_resource_key"]

_RESOURCE_PREFIXES: Final = (
    "host.",
    "os.",
    "service.",
    "k8s.",
    "container.",
    "cloud.",
    "deployment.",
    "telemetry.",
)
_PROCESS_KEYS: Final = frozenset(
    {
        "process.pid",
        "process.parent_pid",
        "process.executable.name",
        "process.executable.path",
        "process.command",
        "process.command_line",
        "process.command_args",
        "process.owner",
        "process.cgroup",
        "process.runtime.name",
        "process.runtime.version",
        "process.runtime.description",
    }
)
INT_METRICS: Final = frozenset(
    {
        "process.memory.usage",
        "process.memory.virtual",
        "process.disk.io",
        "process.disk.operations",
        "process.threads",
        "process.open_file_descriptors",
        "process.handles",
        "process.paging.faults",
        "process.context_switches",
        "process.signals_pending",
        "system.memory.usage",
        "system.disk.io",
        "system.network.io",
        "system.processes.count",
    }
)
"""Metrics of the host metrics receiver whose points are whole numbers."""
DOUBLE_METRICS: Final = frozenset(
    {"process.cpu.time", "process.cpu.utilization", "process.memory.utilization", "system.cpu.time"}
)
"""Metrics of the host metrics receiver whose points are doubles."""


def is_resource_key(key: str) -> bool:
    """Whether an attribute is one of the resource by the conventions that receivers follow."""
    return key in _PROCESS_KEYS or key.startswith(_RESOURCE_PREFIXES)
