"""Which processes a tick takes: kills, retirements and chaos."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from phoenix_nb.simulation._spec import WorldSpec
from phoenix_nb.simulation._table import I, ProcessTable

__all__ = ["NEVER", "Cause", "Reaper"]

NEVER = np.iinfo(np.int64).max
"""The end of a process that nothing ends yet."""
_NANO = 1_000_000_000


class Cause(IntEnum):
    """Why a process ended."""

    EXITED = 0
    """Its life was over."""
    KILLED = 1
    """Killed by the churn settings or by hand."""
    CRASHED = 2
    """Chaos."""
    RETIRED = 3
    """The population target went down."""


class Reaper:
    """Decides who dies within a tick; it only sets ``END`` and ``CAUSE``."""

    def __init__(self, spec: WorldSpec, rng: np.random.Generator) -> None:
        self._spec = spec
        self._rng = rng
        self._next_crash = spec.chaos.crash_period

    def take(
        self,
        table: ProcessTable,
        candidates: NDArray[np.int64],
        count: int,
        start: int,
        width: float,
        cause: Cause,
    ) -> None:
        """End ``count`` of the candidate rows at uniform times of the tick."""
        count = min(count, len(candidates))
        if count <= 0:
            return
        rows = self._rng.choice(candidates, size=count, replace=False)
        times = start + (self._rng.uniform(size=count) * width * _NANO).astype(np.int64)
        self.end(table, rows, times, cause)

    @staticmethod
    def end(table: ProcessTable, rows: NDArray[np.int64], times: NDArray[np.int64], cause: Cause) -> None:
        """End these rows at these times unless they end earlier anyway."""
        ends, causes = table.i(I.END), table.i(I.CAUSE)
        sooner = times < ends[rows]
        ends[rows[sooner]] = times[sooner]
        causes[rows[sooner]] = cause

    def kills(self, width: float) -> int:
        """How many processes the churn settings kill in a tick."""
        rate = self._spec.churn.kill_rate
        return int(self._rng.poisson(rate * width)) if rate > 0 else 0

    def chaos(
        self, table: ProcessTable, candidates: NDArray[np.int64], start: int, seconds: float, width: float
    ) -> None:
        """Crashes of one tick by the pattern of the profile."""
        chaos = self._spec.chaos
        if chaos.crash_probability <= 0 or len(candidates) == 0:
            return
        if chaos.crash_pattern == "random":
            chance = 1 - (1 - min(chaos.crash_probability, 1.0)) ** (width / 60)
            hit = candidates[self._rng.uniform(size=len(candidates)) < chance]
            times = start + (self._rng.uniform(size=len(hit)) * width * _NANO).astype(np.int64)
            self.end(table, hit, times, Cause.CRASHED)
            return
        if seconds < self._next_crash:
            return
        self._next_crash += chaos.crash_period
        if self._rng.uniform() >= chaos.crash_probability:
            return
        victim = self._rng.choice(candidates, size=1)
        times = start + (self._rng.uniform(size=1) * width * _NANO).astype(np.int64)
        self.end(table, victim, times, Cause.CRASHED)
        if chaos.crash_pattern == "cascading":
            self._cascade(table, candidates, victim, times)

    def _cascade(
        self,
        table: ProcessTable,
        candidates: NDArray[np.int64],
        wave: NDArray[np.int64],
        times: NDArray[np.int64],
    ) -> None:
        """Children and siblings follow one to five seconds later, each with chance one half, in three rounds."""
        parents, pids, kinds = table.i(I.PPID), table.i(I.PID), table.i(I.TEMPLATE)
        left = np.setdiff1d(candidates, wave)
        when = int(times[0])
        for _ in range(3):
            near = np.isin(parents[left], pids[wave]) | np.isin(kinds[left], kinds[wave])
            follow = left[near & (self._rng.uniform(size=len(left)) < 0.5)]
            if len(follow) == 0:
                return
            delays = (self._rng.uniform(1.0, 5.0, size=len(follow)) * _NANO).astype(np.int64)
            self.end(table, follow, when + delays, Cause.CRASHED)
            when += int(delays.min())
            left, wave = np.setdiff1d(left, follow), follow
