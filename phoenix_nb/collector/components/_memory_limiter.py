"""memory_limiter: refuses data under memory pressure, which an offline engine never has; it changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from phoenix_nb.collector.components._base import (
    ComponentKind,
    ComponentType,
    Flow,
    Setup,
    Stage,
    Stateless,
)
from phoenix_nb.collector.config import DURATION, UINT32, Settings, setting

__all__ = ["MEMORY_LIMITER", "MemoryLimiterSettings"]

_SECOND: Final = 1_000_000_000


@dataclass(frozen=True)
class MemoryLimiterSettings(Settings):
    """Settings of the memory limiter."""

    go_type: ClassVar[str] = "memorylimiter.Config"
    check_interval: int = setting(0, DURATION)
    """Nanoseconds between measurements; must be set."""
    min_gc_interval_when_soft_limited: int = setting(10 * _SECOND, DURATION)
    """Nanoseconds between forced collections above the soft limit."""
    min_gc_interval_when_hard_limited: int = setting(0, DURATION)
    """Nanoseconds between forced collections above the hard limit."""
    max_gc_interval_when_soft_limited: int = setting(30 * _SECOND, DURATION)
    """Nanoseconds that back-off may reach above the soft limit; 0 = no back-off."""
    max_gc_interval_when_hard_limited: int = setting(30 * _SECOND, DURATION)
    """Nanoseconds that back-off may reach above the hard limit; 0 = no back-off."""
    limit_mib: int = setting(0, UINT32)
    """Hard limit in MiB; 0 = by percentage."""
    spike_limit_mib: int = setting(0, UINT32)
    """MiB kept free below the hard limit; 0 = a fifth of it."""
    limit_percentage: int = setting(0, UINT32)
    """Hard limit as per cent of the machine's memory."""
    spike_limit_percentage: int = setting(0, UINT32)
    """Per cent kept free below it."""

    def problems(self) -> Iterator[str]:
        """As the collector's ``Validate``: the first one only."""
        first = self._first()
        if first:
            yield first

    def _first(self) -> str:
        min_soft, min_hard = self.min_gc_interval_when_soft_limited, self.min_gc_interval_when_hard_limited
        max_soft, max_hard = self.max_gc_interval_when_soft_limited, self.max_gc_interval_when_hard_limited
        checks = (
            (self.check_interval <= 0, "'check_interval' must be greater than zero"),
            (
                min_soft < min_hard,
                "'min_gc_interval_when_soft_limited' should be larger than 'min_gc_interval_when_hard_limited'",
            ),
            (max_soft < 0, "'max_gc_interval_when_soft_limited' must be non-negative"),
            (max_hard < 0, "'max_gc_interval_when_hard_limited' must be non-negative"),
            (
                0 < max_soft < min_soft,
                (
                    "'max_gc_interval_when_soft_limited' must be greater than or equal to "
                    "'min_gc_interval_when_soft_limited' (or 0 to disable)"
                ),
            ),
            (
                0 < max_hard < min_hard,
                (
                    "'max_gc_interval_when_hard_limited' must be greater than or equal to "
                    "'min_gc_interval_when_hard_limited' (or 0 to disable)"
                ),
            ),
            (
                0 < max_soft < max_hard,
                (
                    "'max_gc_interval_when_soft_limited' should be larger than or equal to "
                    "'max_gc_interval_when_hard_limited' (when both are set)"
                ),
            ),
            (
                not self.limit_mib and not self.limit_percentage,
                "'limit_mib' or 'limit_percentage' must be greater than zero",
            ),
            (
                self.limit_percentage > 100 or self.spike_limit_percentage > 100,
                (
                    "'limit_percentage' and 'spike_limit_percentage' must be greater than zero and less than or "
                    "equal to hundred"
                ),
            ),
            (
                0 < self.limit_mib <= self.spike_limit_mib,
                "'spike_limit_mib' must be smaller than 'limit_mib'",
            ),
            (
                0 < self.limit_percentage <= self.spike_limit_percentage,
                "'spike_limit_percentage' must be smaller than 'limit_percentage'",
            ),
        )
        return next((text for wrong, text in checks if wrong), "")


class _Nothing(Stateless):
    def process(self, flow: Flow) -> Flow:
        return flow


def _build(settings: MemoryLimiterSettings, setup: Setup) -> Stage:
    del settings, setup
    return _Nothing()


MEMORY_LIMITER: Final = ComponentType(
    ComponentKind.PROCESSOR, "memory_limiter", MemoryLimiterSettings, build=_build
)
"""The memory limiter."""
