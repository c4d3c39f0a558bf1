"""Evidence: what a verdict costs, and how often equal arms are called different by us and by methods people use."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
from scipy import stats

from bench._measure import CpuTimer, Row, compare
from bench._noises import NOISES, ar1
from phoenix_nb.evidence import Judge, decide_columns, interval_columns, normal_mixture_bound
from phoenix_nb.evidence._paired import Kind, PairedSequence, Rules
from phoenix_nb.interfaces import ArmInterval, Interval, Plan

__all__ = ["run"]

Floats = npt.NDArray[np.float64]

T = 720
RUNS = 2000
FIRST_LOOK = 30
LIMIT = 0.0598
"""0.05 and two standard errors at 2,000 runs."""
START = datetime(2026, 3, 1, tzinfo=UTC)
PLAN = Plan(require_coverage=False)
PILOT, BLOCKS = 60, 6


def run(repeats: int) -> list[Row]:
    """All rows; the error rates take most of the time."""
    return [*_costs(repeats), *_error_rates(), *_judges()]


# -- costs ---------------------------------------------------------------------------------------------------


def _intervals(count: int) -> list[Interval]:
    rng = np.random.default_rng(1)
    made = []
    for index, (points, share) in enumerate(
        zip(rng.poisson(1000, count).tolist(), rng.normal(0.5, 0.01, count).tolist(), strict=True)
    ):
        kept = round(points * share)
        arms = [ArmInterval(points_in=points, points=n, bytes=100 * n, series=n) for n in (points, kept)]
        made.append(
            Interval(
                index=index,
                start=START + timedelta(seconds=10 * index),
                end=START + timedelta(seconds=10 * index + 10),
                source_points=points,
                baseline=arms[0],
                candidate=arms[1],
                warmup=index < 3,
            )
        )
    return made


def _costs(repeats: int) -> list[Row]:
    count = 10_000
    intervals = _intervals(count)
    columns = interval_columns(intervals)

    def one_by_one() -> float:
        judge = Judge(PLAN, planned_intervals=count)
        with CpuTimer() as timer:
            for interval in intervals:
                judge.add(interval)
        return timer.seconds / count * 1e6

    def with_verdicts() -> float:
        judge = Judge(PLAN, planned_intervals=count)
        with CpuTimer() as timer:
            for interval in intervals:
                judge.push(interval)
        return timer.seconds / count * 1e6

    def at_once() -> float:
        with CpuTimer() as timer:
            decide_columns(columns, PLAN)
        return timer.seconds * 1e3

    def pushed() -> float:
        return one_by_one() * count / 1e3

    return [
        compare("one interval into the judge", one_by_one, unit="µs", repeats=repeats, limit=100.0),
        compare("one interval into the judge and its verdict out", with_verdicts, unit="µs", repeats=repeats),
        compare(
            "10,000 intervals as columns",
            at_once,
            pushed,
            peer_name="one by one",
            unit="ms",
            repeats=repeats,
            most=1.0,
        ),
    ]


# -- error rates ---------------------------------------------------------------------------------------------


def _block_t(noise: Floats) -> float:
    """Share of runs in which the sequence of the kit ever leaves out the truth; refused runs make no claim."""
    wrong = 0
    zeros, index = np.zeros(noise.shape[1]), np.arange(noise.shape[1])
    for row in noise:
        sequence = PairedSequence(Kind.DIFFERENCE, 0.0, Rules(noise.shape[1], PILOT, 0.05))
        sequence.fix_rejection(0.05)
        sequence.fill(zeros, row, index)
        plan = sequence.plan
        claims = plan is not None and not plan.too_short and len(row) >= PILOT + BLOCKS * plan.length
        wrong += claims and (sequence.narrow.low > 0.0 or sequence.narrow.high < 0.0)
    return wrong / len(noise)


def _looks(noise: Floats) -> tuple[Floats, Floats, Floats]:
    n = np.arange(1, noise.shape[1] + 1, dtype=np.float64)
    mean = np.cumsum(noise, axis=1) / n
    variance = np.maximum(np.cumsum(noise * noise, axis=1) - n * mean * mean, 0.0) / np.maximum(n - 1.0, 1.0)
    return n[FIRST_LOOK - 1 :], mean[:, FIRST_LOOK - 1 :], np.sqrt(variance[:, FIRST_LOOK - 1 :])


def _peeked_t(noise: Floats) -> float:
    """A t-test looked at after every interval from the thirtieth on."""
    n, mean, sd = _looks(noise)
    return float((np.abs(mean) > stats.t.ppf(0.975, n - 1) * sd / np.sqrt(n)).any(axis=1).mean())


def _iid_sequence(noise: Floats) -> float:
    """A confidence sequence that takes intervals for independent."""
    n, mean, sd = _looks(noise)
    bound = np.array([normal_mixture_bound(v, noise.shape[1] / 2) for v in n.tolist()])
    return float((np.abs(mean) > sd * bound / n).any(axis=1).mean())


def _rate(what: str, ours: float, peer: float, peer_name: str) -> Row:
    return Row(
        what=what,
        ours=ours,
        peer=peer,
        peer_name=peer_name,
        unit="of runs",
        ratio=ours / peer if peer else None,
        spread=0.0,
        goal=f"≤ {LIMIT}",
        met=ours <= LIMIT,
    )


def _error_rates() -> list[Row]:
    begin = time.perf_counter()
    rows = []
    for name, make in NOISES.items():
        noise = make(np.random.default_rng(20260301), RUNS, T)
        ours = _block_t(noise)
        what = f"equal arms called different, {name}, {RUNS:,} runs of {T}"
        rows.append(_rate(what, ours, _iid_sequence(noise), "iid confidence sequence"))
        rows.append(_rate(what, ours, _peeked_t(noise), "t-test at every look"))
    seconds = time.perf_counter() - begin
    total = Row(
        what=f"the error rates above, {len(NOISES)} noises",
        ours=seconds,
        peer=None,
        peer_name="",
        unit="s",
        ratio=None,
        spread=0.0,
        goal="≤ 300 s",
        met=seconds <= 300.0,
    )
    return [*rows, total]


# -- a judge of another kind ---------------------------------------------------------------------------------


def mann_whitney_judge(control: Floats, experiment: Floats, tolerance: float = 0.25) -> str:
    """``Pass``, ``High`` or ``Low`` by the rule of a canary judge that many use, restated.

    The shift of the experiment against the control has a 98 % interval from the ordered pairwise differences; it fails
    when the interval lies beyond ``tolerance`` times the estimated shift.
    """
    if np.array_equal(np.sort(control), np.sort(experiment)):
        return "Pass"
    differences = np.sort(np.subtract.outer(experiment, control).ravel())
    n, m = len(control), len(experiment)
    half = stats.norm.ppf(0.99) * np.sqrt(n * m * (n + m + 1) / 12.0)
    low = max(0, int(np.floor(n * m / 2.0 - half)))
    estimate = float(np.median(differences))
    beyond = tolerance * abs(estimate)
    if differences[low] > beyond:
        return "High"
    return "Low" if differences[len(differences) - 1 - low] < -beyond else "Pass"


def _judges() -> list[Row]:
    rows = []
    for phi in (0.0, 0.3, 0.6, 0.8, 0.9):
        rng = np.random.default_rng(7)
        a, b = (10.0 + ar1(rng, phi, 300, 60) for _ in range(2))
        failed = np.mean([mann_whitney_judge(x, y) != "Pass" for x, y in zip(a, b, strict=True)])
        rows.append(
            _rate(
                f"equal arms called different, AR {phi:g}, 300 runs of 60",
                _block_t(b - a),
                float(failed),
                "Mann-Whitney judge at one look",
            )
        )
    return rows
