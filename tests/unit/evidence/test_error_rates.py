"""Error rates by simulation, with fixed seeds: sections 2.4 to 2.9 and 7 of the statistics reference."""

from __future__ import annotations

import math
import os
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from scipy.signal import lfilter

from phoenix_nb.evidence import ArmColumns, IntervalColumns, decide_columns, zero_miss_upper
from phoenix_nb.evidence._counts import log_discordant_evalue
from phoenix_nb.evidence._paired import Kind, PairedSequence, Rules
from phoenix_nb.interfaces.evidence import VerdictState
from tests.unit.evidence.evidence_world import PLAN, SAFE, Floats, ar1

T = 720
S = VerdictState
INDEX = np.arange(T)
RUNS = int(os.environ.get("PHOENIX_EVIDENCE_RUNS", "300"))
"""Runs per row of the verdict table; ``make nightly`` asks for 2,000."""


def most(runs: int, rate: float = 0.05) -> float:
    """What an error rate of ``rate`` may show in so many runs."""
    return rate + 2.0 * math.sqrt(rate * (1.0 - rate) / runs)


def _t5(rng: np.random.Generator, runs: int) -> Floats:
    shocks = rng.standard_t(5, (runs, T + 200))
    return np.asarray(lfilter([1.0], [1.0, -0.6], shocks, axis=1)[:, 200:])


def _ma5(rng: np.random.Generator, runs: int) -> Floats:
    return np.asarray(lfilter(np.ones(6), [1.0], rng.standard_normal((runs, T + 10)), axis=1)[:, 10:])


def _lognormal(rng: np.random.Generator, runs: int) -> Floats:
    return np.asarray(np.exp(0.5 * ar1(rng, 0.6, runs, T)) - math.exp(0.125))


NOISES: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "iid": lambda rng, runs: rng.standard_normal((runs, T)),
    "ar 0.6": lambda rng, runs: ar1(rng, 0.6, runs, T),
    "ar 0.9": lambda rng, runs: ar1(rng, 0.9, runs, T),
    "t5": _t5,
    "ma5": _ma5,
    "lognormal 0.6": _lognormal,
}


def paired(x: Floats, limit: float = 0.0) -> PairedSequence:
    sequence = PairedSequence(Kind.DIFFERENCE, limit, Rules(len(x), 60, 0.05))
    sequence.fix_rejection(0.05)
    sequence.fill(np.zeros(len(x)), x, np.arange(len(x)))
    return sequence


@pytest.mark.parametrize("noise", NOISES)
def test_equal_arms_are_rarely_called_different(noise: str) -> None:
    runs = 2000
    wrong = 0
    for row in NOISES[noise](np.random.default_rng(20260301), runs):
        sequence = paired(row)
        assert sequence.plan is not None
        # A run that is too short makes no claim.
        wrong += not sequence.plan.too_short and (sequence.narrow.low > 0 or sequence.narrow.high < 0)
    assert wrong / runs <= most(runs)


def test_the_too_short_rule_refuses_what_it_should() -> None:
    rng = np.random.default_rng(1)
    refused = {
        phi: np.mean([paired(row).plan.too_short for row in ar1(rng, phi, 400, T)])  # type: ignore[union-attr]
        for phi in (0.6, 0.8, 0.9)
    }
    # Reference at T = 720: 0, 0.10, 0.45.
    assert refused[0.6] <= 0.01
    assert 0.05 <= refused[0.8] <= 0.16
    assert 0.36 <= refused[0.9] <= 0.54


def counts(rng: np.random.Generator, saving: float, phi: float) -> tuple[Floats, Floats]:
    """Points of both arms: load with a long memory and a daily wave, saving with noise of its own."""
    load = 3000.0 * np.exp(0.2 * ar1(rng, 0.98, 1, T)[0]) * (1 + 0.3 * np.sin(np.arange(T) / 115))
    a = np.round(load)
    b = np.round(a * (1.0 - saving) * (1.0 + 0.05 * ar1(rng, phi, 1, T)[0]))
    return a, b


def test_the_ratio_is_rarely_missed() -> None:
    rng = np.random.default_rng(5)
    runs = max(RUNS, 1000)
    missed = 0
    for _ in range(runs):
        a, b = counts(rng, 0.45, 0.5)
        sequence = PairedSequence(Kind.RATIO, 0.6, Rules(T, 60, 0.05))
        sequence.fix_rejection(0.05)
        sequence.fill(a, b, INDEX)
        missed += not sequence.narrow.low <= 0.55 <= sequence.narrow.high
    assert missed / runs <= 0.05


# -- operating characteristics of the whole table ------------------------------------------------------------


def columns(
    rng: np.random.Generator, *, saving: float, latency: float = 0.0, cpu: float = 0.0
) -> IntervalColumns:
    a, b = counts(rng, saving, 0.5)
    base = ar1(rng, 0.8, 1, T)[0]
    slow = math.log1p(latency) + 0.1 * ar1(rng, 0.6, 1, T)[0]
    load = 2.0 * np.exp(0.2 * ar1(rng, 0.8, 1, T)[0])

    def made(points: Floats, logs: Floats, seconds: Floats) -> ArmColumns:
        whole = points.astype(np.int64)
        zero = np.zeros(T, dtype=np.int64)
        return ArmColumns(
            present=np.ones(T, dtype=np.bool_),
            points=whole,
            bytes=100 * whole,
            series=whole,
            points_in=zero + 1000,
            failures=zero,
            aggregate=zero,
            latency=0.01 * np.exp(logs),
            cpu=seconds,
        )

    return IntervalColumns(
        index=INDEX,
        warmup=np.zeros(T, dtype=np.bool_),
        source_points=np.full(T, 1000),
        baseline=made(a, 0.3 * base, load),
        candidate=made(b, 0.3 * base + slow, load * (1.0 + cpu) * (1.0 + 0.05 * ar1(rng, 0.6, 1, T)[0])),
        critical_units=np.full(T, 2),
        late_points=np.zeros(T, dtype=np.int64),
    )


@pytest.fixture(scope="module")
def operating() -> Callable[..., dict[VerdictState, float]]:
    def rates(**truth: float) -> dict[VerdictState, float]:
        rng = np.random.default_rng(77)
        found = [decide_columns(columns(rng, **truth), PLAN, coverage=SAFE).state for _ in range(RUNS)]
        return {state: found.count(state) / RUNS for state in S}

    return rates


@pytest.mark.parametrize("truth", [{"saving": 0.50}, {"saving": 0.43}])
def test_clear_good_cases_are_promoted(
    operating: Callable[..., dict[S, float]], truth: dict[str, float]
) -> None:
    rates = operating(**truth)
    assert rates[S.PROMOTE] >= 0.95
    assert rates[S.REJECT] <= 0.01


@pytest.mark.parametrize(
    "truth", [{"saving": 0.37}, {"saving": 0.5, "latency": 0.2}, {"saving": 0.5, "cpu": 0.12}]
)
def test_clear_bad_cases_are_rejected(
    operating: Callable[..., dict[S, float]], truth: dict[str, float]
) -> None:
    rates = operating(**truth)
    assert rates[S.REJECT] >= 0.95
    assert rates[S.PROMOTE] == 0.0


@pytest.mark.parametrize(
    "truth",
    [
        {"saving": 0.40},
        {"saving": 0.5, "latency": 0.10},
        {"saving": 0.5, "cpu": 0.05},
        {"saving": 0.5, "latency": 0.10, "cpu": 0.05},
    ],
)
def test_boundary_rows_are_rarely_promoted(
    operating: Callable[..., dict[S, float]], truth: dict[str, float]
) -> None:
    rates = operating(**truth)
    assert rates[S.PROMOTE] <= 0.05
    assert rates[S.REJECT] <= 0.05


def test_drift_is_found_and_steadiness_is_not_called_drift() -> None:
    rng = np.random.default_rng(3)
    found: dict[str, list[int | None]] = {"steady": [], "step": []}
    for _ in range(300):
        noise = 0.05 * ar1(rng, 0.5, 1, T)[0]
        for name, ratio in (("steady", np.full(T, 0.5)), ("step", np.where(INDEX < T // 2, 0.5, 0.7))):
            a = 10_000.0 * np.exp(0.2 * ar1(rng, 0.95, 1, T)[0])
            sequence = PairedSequence(Kind.RATIO, 0.6, Rules(T, 60, 0.05))
            sequence.fix_rejection(0.05)
            sequence.fill(np.round(a), np.round(a * (ratio + noise)), INDEX)
            found[name].append(sequence.drift_at)
    assert sum(at is not None for at in found["steady"]) / 300 <= 0.01
    assert sum(at is not None for at in found["step"]) / 300 >= 0.85
    assert all(at is None or at >= T // 2 for at in found["step"])


def test_the_certificate_rarely_certifies_a_rate_of_one_percent() -> None:
    rng = np.random.default_rng(4)
    runs = 4000
    assert zero_miss_upper(299) <= 0.01
    false = np.mean(rng.binomial(299, 0.01, runs) == 0)
    assert 0.04 <= false <= most(runs)


def test_bursty_failures_of_equal_arms_are_rarely_blamed_on_one() -> None:
    rng = np.random.default_rng(6)
    runs = 1000
    wrong = 0
    for _ in range(runs):
        rate = 0.05 * (1 + np.sin(INDEX / 115)) * np.exp(0.5 * ar1(rng, 0.95, 1, T)[0] - 0.125)
        failing: npt.NDArray[np.bool_] = rng.random((2, T)) < np.minimum(rate, 1.0)
        only_a, only_b = failing[0] & ~failing[1], failing[1] & ~failing[0]
        k_a, k_b = np.cumsum(only_a), np.cumsum(only_b)
        looks = np.flatnonzero(only_a | only_b)
        wrong += any(log_discordant_evalue(int(k_a[at]), int(k_b[at])) >= math.log(20) for at in looks)
    assert wrong / runs <= most(runs)
