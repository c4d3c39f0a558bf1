"""Which processes a tick brings: restarts, jobs, and elastic ones that follow the population target."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phoenix_nb.simulation._random import draw
from phoenix_nb.simulation._spec import FOREVER, Role, Template, WorldSpec

__all__ = ["Birth", "Nursery", "mean_lifetime"]

_NANO = 1_000_000_000


@dataclass(frozen=True, slots=True, order=True)
class Birth:
    """One process to come."""

    time: int
    """Unix nanoseconds."""
    template: int
    """Index of its template."""
    slot: int
    """Instance number; -1 for the next new one."""
    lifetime: float
    """Seconds; infinite when nothing ends it."""


def mean_lifetime(spec: WorldSpec) -> float:
    """Rough mean life of a job in seconds, for the number of jobs alive at the start."""
    churn = spec.churn
    third = churn.lifetime_distribution == "exponential"
    return churn.lifetime_low + (churn.lifetime_high - churn.lifetime_low) / (3 if third else 2)


class Nursery:
    """Draws births; it knows the templates but not the living."""

    def __init__(self, spec: WorldSpec, rng: np.random.Generator) -> None:
        self._spec = spec
        self._rng = rng
        self.templates: list[Template] = list(spec.templates)
        """The kinds of processes; spawning a new kind by hand adds one."""
        self.job_rate = spec.churn.spawn_rate
        """Jobs per second at load 1."""
        self.population_shift = 0
        """Processes added to every population target by hand (``LoadAdjustment``)."""
        self._jobs, self._job_weights = self._of_role(Role.JOB)
        self._elastic, self._elastic_weights = self._of_role(Role.ELASTIC)
        self._restarts: list[Birth] = []
        self._target = float(spec.count.initial)
        self._goal = self._target
        self._next_target = spec.count.retarget

    def _of_role(self, role: Role) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        found = [i for i, one in enumerate(self._spec.templates) if one.role is role and one.weight > 0]
        weights = np.array([self._spec.templates[i].weight for i in found], dtype=np.float64)
        return np.array(found, dtype=np.int64), weights / weights.sum() if found else weights

    @property
    def has_elastic(self) -> bool:
        """Whether anything can follow the population target."""
        return bool(len(self._elastic))

    @property
    def has_jobs(self) -> bool:
        """Whether anything is spawned at the churn rate."""
        return bool(len(self._jobs))

    def restart(self, time: int, template: int, slot: int) -> None:
        """A supervisor brings a dead service back one to three seconds later."""
        delay = int(self._rng.uniform(1.0, 3.0) * _NANO)
        heapq.heappush(self._restarts, Birth(time + delay, template, slot, FOREVER))

    def due(self, until: int) -> list[Birth]:
        """The restarts before ``until``."""
        found = []
        while self._restarts and self._restarts[0].time < until:
            found.append(heapq.heappop(self._restarts))
        return found

    def lifetimes(self, templates: NDArray[np.int64]) -> NDArray[np.float64]:
        """A life in seconds for each newborn."""
        churn = self._spec.churn
        lives = draw(
            self._rng, churn.lifetime_distribution, churn.lifetime_low, churn.lifetime_high, len(templates)
        )
        own = self._rng.uniform(size=len(templates))
        for row, index in enumerate(templates):
            template = self.templates[index]
            if template.critical:
                lives[row] = FOREVER
            elif template.lifetime is not None:
                low, high = template.lifetime
                lives[row] = low + own[row] * (high - low)
            elif template.role is not Role.JOB:
                lives[row] = FOREVER
        return lives

    def jobs(self, start: int, width: float, rate: float) -> list[Birth]:
        """Jobs of one tick: a Poisson number at ``rate`` per second, at uniform times."""
        if not len(self._jobs) or rate <= 0:
            return []
        return self._spread(start, width, int(self._rng.poisson(rate * width)), self._jobs, self._job_weights)

    def elastic(self, start: int, width: float, count: int) -> list[Birth]:
        """``count`` elastic processes within one tick; jobs when the profile has no elastic kind."""
        if len(self._elastic):
            return self._spread(start, width, count, self._elastic, self._elastic_weights)
        return self._spread(start, width, count, self._jobs, self._job_weights) if len(self._jobs) else []

    def of_kinds(self, start: int, width: float, rate: float, kinds: NDArray[np.int64]) -> list[Birth]:
        """Births of these very kinds, each as likely, at ``rate`` per second."""
        if len(kinds) == 0 or rate <= 0:
            return []
        weights = np.full(len(kinds), 1.0 / len(kinds))
        return self._spread(start, width, int(self._rng.poisson(rate * width)), kinds, weights)

    def _spread(
        self, start: int, width: float, count: int, kinds: NDArray[np.int64], weights: NDArray[np.float64]
    ) -> list[Birth]:
        if count <= 0:
            return []
        times = start + (np.sort(self._rng.uniform(size=count)) * (width * _NANO)).astype(np.int64)
        chosen = self._rng.choice(kinds, size=count, p=weights)
        lives = self.lifetimes(chosen)
        return [
            Birth(int(time), int(kind), -1, float(life))
            for time, kind, life in zip(times, chosen, lives, strict=True)
        ]

    def goal(self, seconds: float, width: float) -> float:
        """The population aimed at now; it moves to each new target evenly over ``retarget`` seconds."""
        count = self._spec.count
        if seconds >= self._next_target:
            self._next_target += count.retarget
            self._target = float(
                draw(self._rng, count.distribution, count.low, count.high, 1, mean=count.initial)[0]
            )
        left = max(self._next_target - seconds, width)
        self._goal += (self._target - self._goal) * min(1.0, width / left)
        return min(max(self._goal + self.population_shift, count.low), count.high)
