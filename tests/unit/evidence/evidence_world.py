"""Made-up runs for the tests of the verdict: intervals, columns, noises."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from phoenix_nb.interfaces.evidence import (
    ArmInterval,
    CoverageReport,
    Interval,
    StaticFinding,
    StaticSafety,
)
from phoenix_nb.interfaces.plan import Plan

START = datetime(2026, 3, 1, tzinfo=UTC)
PLAN = Plan(critical=("postgres",))
SAFE = CoverageReport(
    selectors=("postgres",),
    critical_units=2,
    covered=2,
    static=(StaticFinding(name="postgres", safety=StaticSafety.SAFE),),
)

Floats = npt.NDArray[np.float64]


def arm(points: int, *, received: int = 1000, **more: Any) -> ArmInterval:
    fields: dict[str, Any] = {
        "points_in": received,
        "points": points,
        "bytes": 100 * points,
        "series": points,
    }
    return ArmInterval.model_validate(fields | more)


def interval(
    index: int,
    baseline: ArmInterval | None,
    candidate: ArmInterval | None,
    *,
    warmup: bool = False,
    source: int = 1000,
    units: int = 2,
    missed: Sequence[str] = (),
    late: int = 0,
) -> Interval:
    return Interval(
        index=index,
        start=START + timedelta(seconds=10 * index),
        end=START + timedelta(seconds=10 * (index + 1)),
        warmup=warmup,
        source_points=source,
        baseline=baseline,
        candidate=candidate,
        critical_units=units,
        missed=tuple(missed),
        late_points=late,
    )


def run(
    baseline: npt.ArrayLike,
    candidate: npt.ArrayLike,
    *,
    warmup: int = 3,
    units: int = 2,
    latency: tuple[Floats, Floats] | None = None,
    cpu: tuple[Floats, Floats] | None = None,
) -> list[Interval]:
    """A healthy run; both arms received the same."""
    made = []
    for index, (a, b) in enumerate(zip(np.asarray(baseline), np.asarray(candidate), strict=True)):
        more: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
        for side in (0, 1):
            if latency is not None:
                more[side]["latency_p99_seconds"] = float(latency[side][index])
            if cpu is not None:
                more[side]["cpu_seconds"] = float(cpu[side][index])
        made.append(
            interval(
                index,
                arm(int(a), **more[0]),
                arm(int(b), **more[1]),
                warmup=index < warmup,
                units=units,
            )
        )
    return made


def ar1(rng: np.random.Generator, phi: float, runs: int, length: int) -> Floats:
    """Stationary AR(1) noise of unit variance, shape (runs, length)."""
    shocks = rng.standard_normal((runs, length + 200)) * np.sqrt(1.0 - phi * phi)
    return np.asarray(lfilter([1.0], [1.0, -phi], shocks, axis=1)[:, 200:], dtype=np.float64)


def saving_run(
    rng: np.random.Generator, saving: float, length: int = 723, phi: float = 0.5, noise: float = 0.01
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Points of both arms under a shared, slowly moving load."""
    load = 1000.0 * np.exp(0.1 * ar1(rng, 0.95, 1, length)[0])
    a = np.round(10 * load)
    b = np.round(a * (1.0 - saving + noise * ar1(rng, phi, 1, length)[0]))
    return a.astype(np.int64), b.astype(np.int64)
