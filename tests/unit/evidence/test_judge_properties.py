"""One by one, all at once, swapped, scaled: what must not change a verdict, and how the rest must change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.evidence import (
    ArmColumns,
    IntervalColumns,
    Judge,
    decide,
    decide_columns,
    interval_columns,
)
from phoenix_nb.evidence._paired import Kind, PairedSequence, Rules
from phoenix_nb.interfaces.evidence import CoverageReport, Interval, VerdictState
from phoenix_nb.interfaces.plan import Plan
from tests.unit.evidence.evidence_world import PLAN, SAFE, arm, interval, run, saving_run


@st.composite
def courses(draw: st.DrawFn) -> list[Interval]:
    """Runs with everything that can happen to them."""
    count = draw(st.integers(0, 150))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    saving = draw(st.sampled_from([0.0, 0.3, 0.4, 0.5, 1.0]))
    noise = draw(st.sampled_from([0.0, 0.01, 0.1]))
    odd = draw(st.sampled_from([0.0, 0.0, 0.02]))
    measured = draw(st.sampled_from([0.0, 0.9, 1.0]))
    units = draw(st.integers(0, 2))
    gaps = draw(st.booleans())
    index = 0
    made = []
    for position in range(count):
        index += 1 + (int(rng.integers(0, 3)) if gaps else 0)
        points = int(rng.poisson(1000))
        kept = max(0, round(points * (1.0 - saving) * (1.0 + noise * rng.standard_normal())))
        more: list[dict[str, Any]] = [{}, {}]
        for side in (0, 1):
            if rng.random() < measured:
                more[side]["latency_p99_seconds"] = float(0.01 * np.exp(0.1 * rng.standard_normal()))
                more[side]["cpu_seconds"] = float(1 + 0.1 * rng.random())
            if rng.random() < odd:
                more[side]["failed"] = int(rng.integers(1, 5))
            if rng.random() < odd:
                more[side]["critical_in_aggregate"] = 1
        received = 1000 - (int(rng.integers(0, 30)) if rng.random() < odd else 0)
        made.append(
            interval(
                index,
                None if rng.random() < odd / 4 else arm(points, **more[0]),
                None if rng.random() < odd / 4 else arm(kept, received=received, **more[1]),
                warmup=position < 3,
                units=units,
                missed=[f"host/postgres/{index}@1"] if rng.random() < odd / 4 else [],
                late=int(rng.integers(0, 40)) if rng.random() < odd else 0,
            )
        )
    return made


plans = st.builds(
    lambda planned, aggregate, pilot: Plan(
        critical=("postgres",), planned_intervals=planned, allow_aggregate=aggregate, pilot_intervals=pilot
    ),
    st.sampled_from([None, 10, 90, 120, 140, 400]),
    st.booleans(),
    st.sampled_from([20, 30, 60]),
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(courses(), plans, st.sampled_from([None, SAFE]))
def test_one_by_one_equals_all_at_once(
    course: list[Interval], plan: Plan, coverage: CoverageReport | None
) -> None:
    planned = plan.planned_intervals or sum(1 for one in course if not one.warmup)
    whole = decide_columns(interval_columns(course), plan, coverage=coverage)
    judge = Judge(plan, planned_intervals=planned, coverage=coverage)
    for position, one in enumerate(course):
        verdict = judge.push(one)
        if position % 29 == 0:
            part = interval_columns(course[: position + 1])
            assert verdict == decide_columns(part, plan, planned_intervals=planned, coverage=coverage)
    assert judge.verdict == whole == decide(course, plan, coverage=coverage)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.2, 0.4, 0.6]))
def test_scaling_the_unit_changes_nothing(seed: int, saving: float) -> None:
    a, b = saving_run(np.random.default_rng(seed), saving, length=203)
    verdicts = [decide(run(scale * a, scale * b), PLAN, coverage=SAFE) for scale in (1, 64)]
    assert verdicts[0].state is verdicts[1].state
    assert verdicts[0].projection == verdicts[1].projection


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.floats(-0.5, 0.5))
def test_swapping_the_arms_negates_a_difference(seed: int, shift: float) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal(240), shift + rng.standard_normal(240)
    index = np.arange(240)
    found = []
    for left, right in ((a, b), (b, a)):
        sequence = PairedSequence(Kind.DIFFERENCE, 0.0, Rules(240, 60, 0.05))
        sequence.fix_rejection(0.05)
        sequence.fill(left, right, index)
        found.append(sequence)
    assert found[0].estimate == -found[1].estimate
    assert (found[0].narrow.low, found[0].narrow.high) == (-found[1].narrow.high, -found[1].narrow.low)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_swapping_the_arms_inverts_a_ratio(seed: int) -> None:
    a, b = saving_run(np.random.default_rng(seed), 0.5, length=240)
    index = np.arange(240)
    ends = []
    for left, right in ((a, b), (b, a)):
        sequence = PairedSequence(Kind.RATIO, 1.0, Rules(240, 60, 0.05))
        sequence.fix_rejection(0.05)
        sequence.fill(left.astype(float), right.astype(float), index)
        ends.append(sequence)
    assert ends[0].plan is not None
    assert ends[1].plan is not None
    if ends[0].plan.length == ends[1].plan.length:
        assert ends[0].narrow.low == pytest.approx(1.0 / ends[1].narrow.high, rel=1e-9)
        assert ends[0].narrow.high == pytest.approx(1.0 / ends[1].narrow.low, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 5000), min_size=0, max_size=200))
def test_identical_arms_never_promote_or_reject(points: list[int]) -> None:
    verdict = decide(run(points, points), PLAN, coverage=SAFE)
    assert verdict.state in {VerdictState.INCONCLUSIVE, VerdictState.TOO_SHORT, VerdictState.UNHEALTHY}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.35, 0.45, 0.5]))
def test_a_decision_of_a_steady_run_is_never_taken_back(seed: int, saving: float) -> None:
    a, b = saving_run(np.random.default_rng(seed), saving, length=363)
    judge = Judge(PLAN, planned_intervals=360, coverage=SAFE)
    decided = None
    for one in run(a, b):
        state = judge.push(one).state
        if decided is not None and state is not VerdictState.DRIFT:
            assert state is decided
        if state in {VerdictState.PROMOTE, VerdictState.REJECT}:
            decided = state


def test_ten_million_intervals_at_once() -> None:
    count = 10_000_000
    rng = np.random.default_rng(0)
    base = rng.poisson(1000, count)
    # Columns that nothing tells apart share their memory.
    zero, some = np.zeros(count, dtype=np.int64), np.full(count, 1000)
    yes, unknown = np.ones(count, dtype=np.bool_), np.full(count, np.nan)

    def arm(points: np.ndarray[Any, Any]) -> ArmColumns:
        return ArmColumns(
            present=yes,
            points=points,
            bytes=points,
            series=points,
            points_in=some,
            failures=zero,
            aggregate=zero,
            latency=unknown,
            cpu=unknown,
        )

    columns = IntervalColumns(
        index=np.arange(count),
        warmup=~yes,
        source_points=some,
        baseline=arm(base),
        candidate=arm(base // 2),
        critical_units=zero + 2,
        late_points=zero,
    )
    verdict = decide_columns(columns, PLAN, coverage=SAFE)
    assert verdict.state is VerdictState.PROMOTE
    assert verdict.intervals == count


@pytest.mark.parametrize(
    ("intervals", "plan", "named"), [([None], PLAN, "interval 0"), ([], {"alpha": 0.05}, "a plan is needed")]
)
def test_what_is_no_interval_and_no_plan_is_refused(intervals: Any, plan: Any, named: str) -> None:
    with pytest.raises(InvalidRequestError, match=named):
        decide(intervals, plan)
