"""Checking plans, calibrating by A/A, judging tables from anywhere."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from phoenix_nb.errors import ConflictError, InvalidRequestError, PlanError
from phoenix_nb.evidence import (
    analyze_table,
    calibrate,
    check_plan,
    check_plan_columns,
    decide,
    interval_columns,
    require_calibrated,
    require_long_enough,
)
from phoenix_nb.interfaces.evidence import Interval, VerdictState
from phoenix_nb.interfaces.plan import GuardrailKind, GuardrailRule, Plan, SuccessMetric, SuccessRule
from tests.unit.evidence.evidence_world import ar1, run, saving_run

S = VerdictState


# -- plan check ----------------------------------------------------------------------------------------------


def test_operating_characteristics_of_a_good_plan() -> None:
    a, b = saving_run(np.random.default_rng(1), 0.5, length=360, noise=0.03)
    check = check_plan(Plan(planned_intervals=720), a, b, rng=np.random.default_rng(2), runs=150)
    assert check.long_enough
    require_long_enough(check)
    rows = {round(row.saving, 2): row for row in check.rows}
    assert rows[0.40].promote <= 0.05
    assert rows[0.37].promote == 0.0
    assert rows[0.37].reject > 0.5
    assert rows[0.5].promote > 0.5
    assert rows[0.5].median_interval is not None
    for row in check.rows:
        total = row.promote + row.reject + row.drift + row.unhealthy + row.too_short + row.open
        assert total == pytest.approx(1.0)


def measured_run(seed: int = 9, length: int = 360) -> list[Interval]:
    """A run of a real collector: load, latency and CPU time with a memory; the candidate is 20 % cheaper and faster."""
    rng = np.random.default_rng(seed)
    a, b = saving_run(rng, 0.5, length=length, noise=0.03)
    slow = 0.01 * np.exp(0.2 * ar1(rng, 0.6, 1, length)[0])
    busy = 2.0 * np.exp(0.2 * ar1(rng, 0.8, 1, length)[0])
    latency = slow, 0.8 * slow * np.exp(0.05 * ar1(rng, 0.5, 1, length)[0])
    cpu = busy, 0.8 * busy * np.exp(0.03 * ar1(rng, 0.5, 1, length)[0])
    return run(a, b, warmup=0, latency=latency, cpu=cpu)


def test_guardrails_that_were_measured_take_part() -> None:
    plan = Plan(planned_intervals=720)
    seen = interval_columns(measured_run())
    found = check_plan_columns(plan, seen, rng=np.random.default_rng(2), runs=100)
    assert not found.warnings
    kinds = [one.guardrail for one in found.rows if one.guardrail is not None]
    assert kinds == [one.kind for one in plan.guardrails]
    for row in found.rows:
        if row.guardrail is not None:
            # Exactly at its margin a guardrail must not be promoted more often than alpha, nor rejected.
            assert row.saving > 0.4
            assert row.promote <= 0.05
            assert row.reject <= 0.06
            assert row.harm == next(one.margin for one in plan.guardrails if one.kind == row.guardrail)
        elif row.saving == pytest.approx(found.observed_saving, abs=1e-6):
            # Nothing is harmed here, and everything has to be shown.
            assert row.promote > 0.9
            assert row.reject <= 0.05


def test_guardrails_slow_a_decision_down() -> None:
    seen = interval_columns(measured_run())
    checks = [
        check_plan_columns(
            Plan(planned_intervals=720, guardrails=guardrails), seen, rng=np.random.default_rng(2), runs=60
        )
        for guardrails in ((), (GuardrailRule(kind=GuardrailKind.LATENCY_P99, margin=0.02),))
    ]
    free, bound = (next(one for one in check.rows if one.saving > 0.45) for check in checks)
    assert free.median_interval is not None
    assert bound.median_interval is None or bound.median_interval > free.median_interval


def test_guardrails_that_nobody_measured_are_named() -> None:
    a, b = saving_run(np.random.default_rng(1), 0.5, length=100)
    found = check_plan(Plan(planned_intervals=300), a, b, rng=np.random.default_rng(5), runs=5)
    assert any("latency_p99, cpu_seconds" in one for one in found.warnings)
    assert all(one.guardrail is None for one in found.rows)


def test_health_gates_that_fail_in_what_was_seen_fail_in_the_simulation() -> None:
    intervals = [
        one if at % 7 else one.model_copy(update={"late_points": 900})
        for at, one in enumerate(measured_run(length=120))
    ]
    seen = interval_columns(intervals)
    found = check_plan_columns(Plan(planned_intervals=300), seen, rng=np.random.default_rng(5), runs=20)
    assert all(one.unhealthy > 0.9 for one in found.rows)


def test_a_plan_too_short_for_the_noise_is_refused() -> None:
    rng = np.random.default_rng(3)
    a = np.full(400, 10_000.0)
    b = 5_000 + 300 * ar1(rng, 0.97, 1, 400)[0]
    check = check_plan(Plan(planned_intervals=240), a, b, rng=rng, runs=20)
    assert not check.long_enough
    assert check.warnings
    with pytest.raises(PlanError) as caught:
        require_long_enough(check)
    assert "planned_intervals" in str(caught.value)


def test_the_same_seed_gives_the_same_check() -> None:
    a, b = saving_run(np.random.default_rng(1), 0.5, length=100)
    found = [
        check_plan(Plan(planned_intervals=300), a, b, rng=np.random.default_rng(5), runs=10) for _ in range(2)
    ]
    assert found[0] == found[1]


def test_plan_check_refuses_bad_input() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(PlanError):
        check_plan(Plan(), np.ones(60), np.ones(60), rng=rng)
    for a, b in ((np.ones(59), np.ones(59)), (np.ones(60), np.ones(61)), (np.zeros(60), np.zeros(60))):
        with pytest.raises(InvalidRequestError):
            check_plan(Plan(planned_intervals=300), a, b, rng=rng)


# -- A/A -----------------------------------------------------------------------------------------------------


def test_equal_arms_are_calibrated() -> None:
    rng = np.random.default_rng(4)
    load = 1000 + 50 * ar1(rng, 0.5, 1, 720)[0]
    a, b = np.round(load + rng.normal(0, 5, 720)), np.round(load + rng.normal(0, 5, 720))
    found = calibrate(a, b, Plan(), rng=rng, redraws=300)
    assert not found.excludes_zero
    assert found.low is not None
    assert found.high is not None
    assert found.low <= 0.0 <= found.high
    assert found.false_positive_rate is not None
    assert found.false_positive_rate <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 300)
    require_calibrated(found)


def test_a_biased_arm_stops_a_comparison_unless_somebody_says_why() -> None:
    rng = np.random.default_rng(5)
    load = 1000 + 50 * ar1(rng, 0.5, 1, 720)[0]
    found = calibrate(load, load * 0.97 + rng.normal(0, 2, 720), Plan(), rng=rng, redraws=10)
    assert found.excludes_zero
    assert found.bias == pytest.approx(-0.03, abs=0.002)
    with pytest.raises(ConflictError):
        require_calibrated(found)
    require_calibrated(found, override_reason="the second arm restarts once an hour")


def test_swapping_the_twins_turns_the_bias_round() -> None:
    a, b = saving_run(np.random.default_rng(6), 0.01, length=300)
    one, two = (calibrate(x, y, Plan(), rng=np.random.default_rng(1), redraws=0) for x, y in ((a, b), (b, a)))
    assert one.bias is not None
    assert two.bias is not None
    assert (1 + one.bias) * (1 + two.bias) == pytest.approx(1.0)


@pytest.mark.parametrize("count", [1, 30, 80])
def test_short_twins_calibrate_nothing(count: int) -> None:
    found = calibrate(np.ones(count), np.ones(count), Plan(), rng=np.random.default_rng(0))
    assert found.too_short
    assert not found.excludes_zero
    assert found.false_positive_rate is None


def test_identical_twins() -> None:
    a, _ = saving_run(np.random.default_rng(6), 0.0, length=720)
    found = calibrate(a, a, Plan(), rng=np.random.default_rng(0), redraws=20)
    assert (found.low, found.high, found.bias, found.false_positive_rate) == (0.0, 0.0, 0.0, 0.0)


# -- tables --------------------------------------------------------------------------------------------------


def table(**columns: Any) -> pl.DataFrame:
    return pl.DataFrame(columns)


def good(length: int = 723) -> dict[str, Any]:
    a, b = saving_run(np.random.default_rng(3), 0.5, length)
    return {"t": np.arange(length) * 10, "baseline_points": a, "candidate_points": b}


def test_a_table_gives_the_verdict_of_its_intervals() -> None:
    columns = good()
    found = analyze_table(table(**columns), Plan())
    assert found.state is S.PROMOTE
    judged = decide(
        run(columns["baseline_points"], columns["candidate_points"]), Plan(require_coverage=False)
    )
    assert (found.state, found.decided_at, found.projection) == (
        judged.state,
        judged.decided_at,
        judged.projection,
    )


def test_times_may_be_times_and_values_may_be_rates() -> None:
    columns = good()
    start = datetime(2026, 1, 1, tzinfo=UTC)
    columns["t"] = [start + timedelta(seconds=int(t)) for t in columns["t"]]
    columns["baseline_points"] = columns["baseline_points"] / 7.0
    columns["candidate_points"] = columns["candidate_points"] / 7.0
    assert analyze_table(table(**columns), Plan()).state is S.PROMOTE


def test_a_plan_with_critical_processes_needs_them_in_the_table() -> None:
    columns = good()
    found = analyze_table(table(**columns), Plan(critical=("postgres",)))
    assert (found.state, found.decided_by) == (S.INCONCLUSIVE, "coverage:no_units")
    missed = np.zeros(723, dtype=int)
    missed[100] = 2
    found = analyze_table(table(**columns, critical_units=[3] * 723, missed=missed), Plan())
    assert (found.state, found.decided_by, found.decided_at) == (S.REJECT, "coverage:missed", 100)


def test_one_arm_missing_is_a_failure_and_both_missing_a_gap() -> None:
    columns = good()
    holes = pl.Series(
        [None if i in (200, 201) else int(v) for i, v in enumerate(columns["candidate_points"])]
    )
    lost = table(**(columns | {"candidate_points": holes}))
    found = analyze_table(lost, Plan())
    assert (found.state, found.decided_by) == (S.UNHEALTHY, "gate:candidate_alive")
    both = lost.with_columns(
        baseline_points=pl.when(pl.col("candidate_points").is_null()).then(None).otherwise("baseline_points")
    )
    found = analyze_table(both, Plan())
    assert (found.state, found.intervals) == (S.PROMOTE, 721)


def test_an_empty_candidate_saves_nothing() -> None:
    columns = good()
    found = analyze_table(table(**(columns | {"candidate_points": [0] * 723})), Plan())
    assert (found.state, found.decided_by) == (S.UNHEALTHY, "gate:candidate_empty")


def test_other_metrics_and_guardrails() -> None:
    columns = good()
    rng = np.random.default_rng(8)
    latency = 0.01 * np.exp(0.05 * rng.standard_normal((2, 723)))
    renamed = {
        "t": columns["t"],
        "baseline_bytes": columns["baseline_points"],
        "candidate_bytes": columns["candidate_points"],
        "baseline_latency_p99_seconds": latency[0],
        "candidate_latency_p99_seconds": 1.3 * latency[1],
    }
    plan = Plan(success=SuccessRule(metric=SuccessMetric.BYTES))
    found = analyze_table(table(**renamed), plan)
    assert (found.state, found.decided_by) == (S.REJECT, "guardrail:latency_p99")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"t": None}, "no column t"),
        ({"baseline_points": None}, "baseline_data_points"),
        ({"t": np.zeros(10)}, "does not rise in row 1"),
        ({"t": np.arange(10)[::-1]}, "does not rise in row 1"),
        ({"t": ["a"] * 10}, "holds text"),
        ({"t": [math.nan] * 10}, "not finite"),
        ({"t": [None, *range(9)]}, "empty in row 0"),
        ({"candidate_points": [-1.0] * 10}, "negative"),
        ({"candidate_points": [math.nan] * 10}, "not finite"),
        ({"candidate_points": ["1", None, *["x"] * 8]}, "other than numbers: 'x' in row 2"),
        ({"candidate_points": [1e308] * 10}, "too large"),
        ({"critical_units": [2] * 10, "missed": [*[0] * 4, 3, *[0] * 5]}, "row 4 misses more critical units"),
        ({"candidate_colour": [1] * 10}, "not a metric"),
        ({"late_points": [None] * 10}, "is empty"),
    ],
)
def test_bad_tables_are_refused(change: dict[str, Any], words: str) -> None:
    columns = {name: value for name, value in (good(10) | change).items() if value is not None}
    with pytest.raises(InvalidRequestError, match=words):
        analyze_table(table(**columns), Plan())


def test_a_counter_that_was_reset_is_refused_with_what_to_do() -> None:
    columns = good(10)
    sums = np.cumsum(columns["candidate_points"])
    sums[6:] -= sums[5]
    with pytest.raises(InvalidRequestError, match="negative number in row 6") as caught:
        analyze_table(table(**(columns | {"candidate_points": np.diff(sums, prepend=0)})), Plan())
    assert "reset" in caught.value.hint


def test_a_short_table_is_too_short() -> None:
    for length in (1, 3, 60):
        assert analyze_table(table(**good(length)), Plan()).state is S.TOO_SHORT


# -- what another judge passes, section 3.5 of the statistics reference ---------------------------------------


@pytest.mark.parametrize(
    ("control", "experiment"),
    [
        ([0.0] * 6, [0, 1, 2, 1, 0, 0]),
        ([0.0] * 10, [0, 0.048, 0, 0.18, 0.089, 0, 0.098, 0.035, 0, 0]),
        ([1, 2.2, 1.1, 2.5, 3], [20, 22, 21, 25, 30]),
    ],
)
def test_harm_that_another_judge_lets_pass_is_never_promoted(
    control: list[float], experiment: list[float]
) -> None:
    for repeat in (1, 100):
        a, b = np.tile(np.array(control), repeat), np.tile(np.array(experiment), repeat)
        found = analyze_table(table(t=range(len(a)), baseline_points=a, candidate_points=b), Plan())
        assert found.state in {S.TOO_SHORT, S.UNHEALTHY, S.REJECT, S.INCONCLUSIVE, S.KEEP_RUNNING}
        assert found.projection is None or found.projection.high < 0.4
