"""The verdict: every state, what decides, what overrides what."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.evidence import Judge, decide, decide_columns, interval_columns
from phoenix_nb.interfaces.evidence import (
    ConditionRole,
    CoverageReport,
    Interval,
    StaticFinding,
    StaticSafety,
    Verdict,
    VerdictState,
)
from phoenix_nb.interfaces.plan import GuardrailKind, GuardrailRule, Plan, SuccessMetric, SuccessRule
from tests.unit.evidence.evidence_world import PLAN, SAFE, arm, interval, run, saving_run

S = VerdictState
LONG = PLAN.model_copy(update={"planned_intervals": 720})


def good_run(seed: int = 3, saving: float = 0.5, length: int = 723) -> list[Interval]:
    return run(*saving_run(np.random.default_rng(seed), saving, length))


def replaced(intervals: list[Interval], at: int, **changes: Any) -> list[Interval]:
    return [one.model_copy(update=changes) if one.index == at else one for one in intervals]


def condition(verdict: Verdict, name: str) -> Any:
    return next(row for row in verdict.conditions if row.id == name)


def held(verdict: Verdict) -> Verdict:
    """Check what every verdict promises."""
    assert verdict.reason.endswith(".")
    assert verdict.decided_by in {row.id for row in verdict.conditions}
    assert len({row.id for row in verdict.conditions}) == len(verdict.conditions)
    assert (verdict.projection is None) == bool(verdict.projection_reason)
    assert (verdict.decided_at is not None) == (verdict.state in {S.PROMOTE, S.REJECT})
    if verdict.state is S.PROMOTE:
        assert not any(row.blocks for row in verdict.conditions)
    for row in verdict.conditions:
        assert row.text.endswith(".")
        assert row.blocks is not row.met
        for value in (row.estimate, row.low, row.high, row.bound):
            assert value is None or math.isfinite(value)
    if verdict.projection is not None:
        assert verdict.projection.low <= verdict.projection.high <= 1.0
    return verdict


# -- the clear cases -----------------------------------------------------------------------------------------


def test_a_good_candidate_is_promoted() -> None:
    verdict = held(decide(good_run(), PLAN, coverage=SAFE))
    assert verdict.state is S.PROMOTE
    assert verdict.decided_by == "saving:data_points"
    assert verdict.projection is not None
    assert verdict.projection.metric == "data_points"
    assert 0.4 <= verdict.projection.low < 0.5 < verdict.projection.high
    assert verdict.decided_at == condition(verdict, "duration:t_min").first_met


def test_a_poor_candidate_is_rejected_for_futility() -> None:
    verdict = held(decide(good_run(saving=0.37), PLAN, coverage=SAFE))
    assert (verdict.state, verdict.decided_by) == (S.REJECT, "saving:data_points")
    assert "at most 37" in verdict.reason


def test_a_saving_at_the_target_stays_open() -> None:
    planned = LONG.model_copy(update={"planned_intervals": 900})
    assert held(decide(good_run(saving=0.4), planned, coverage=SAFE)).state is S.KEEP_RUNNING
    verdict = held(decide(good_run(saving=0.4), LONG, coverage=SAFE))
    assert (verdict.state, verdict.decided_by) == (S.INCONCLUSIVE, "saving:data_points")


def test_a_dearer_candidate_is_rejected() -> None:
    a, b = saving_run(np.random.default_rng(1), -0.2)
    verdict = held(decide(run(a, b), PLAN, coverage=SAFE))
    assert (verdict.state, verdict.decided_by) == (S.REJECT, "saving:data_points")


def test_exact_boundary_of_a_constant_saving() -> None:
    verdict = held(decide(run([1000] * 723, [600] * 723), PLAN, coverage=SAFE))
    assert verdict.state is S.PROMOTE
    assert verdict.projection is not None
    assert (verdict.projection.low, verdict.projection.high) == (0.4, 0.4)
    assert decide(run([1000] * 723, [601] * 723), PLAN, coverage=SAFE).state is S.REJECT


@pytest.mark.parametrize(("metric", "column"), [("series", "series"), ("bytes", "bytes")])
def test_other_success_metrics(metric: str, column: str) -> None:
    plan = PLAN.model_copy(update={"success": SuccessRule(metric=SuccessMetric(metric), target=0.4)})
    made = []
    for one in run([1000] * 723, [1000] * 723):
        assert one.candidate is not None
        value = getattr(one.candidate, column) // 2
        made.append(one.model_copy(update={"candidate": one.candidate.model_copy(update={column: value})}))
    verdict = held(decide(made, plan, coverage=SAFE))
    assert (verdict.state, verdict.decided_by) == (S.PROMOTE, f"saving:{metric}")


# -- time ----------------------------------------------------------------------------------------------------


def test_one_minute_is_too_short() -> None:
    verdict = held(decide(good_run(length=60), PLAN, coverage=SAFE))
    assert (verdict.state, verdict.decided_by) == (S.TOO_SHORT, "duration:t_min")
    assert verdict.projection is None
    assert "57 intervals" in verdict.reason


@pytest.mark.parametrize("count", [0, 1, 3, 4, 62])
def test_a_handful_of_intervals_is_too_short(count: int) -> None:
    for plan in (PLAN, LONG):
        verdict = held(decide(good_run()[:count], plan, coverage=SAFE))
        assert verdict.state is S.TOO_SHORT
        assert verdict.projection is None


def test_pilot_then_keep_running_then_promotion() -> None:
    course = good_run()
    judge = Judge(LONG, coverage=SAFE)
    states = [held(judge.push(one)).state for one in course]
    assert states[61] is S.TOO_SHORT
    assert states[62] is S.KEEP_RUNNING
    assert list(dict.fromkeys(states)) == [S.TOO_SHORT, S.KEEP_RUNNING, S.PROMOTE]


def test_noise_with_a_long_memory_is_too_short() -> None:
    a = np.full(723, 10_000)
    b = np.round(5000 + 300 * np.sin(np.arange(723) / 60)).astype(int)
    verdict = held(decide(run(a, b), PLAN, coverage=SAFE))
    assert (verdict.state, verdict.decided_by) == (S.TOO_SHORT, "duration:noise")
    assert "plan at least" in verdict.reason


def test_unknown_length_makes_no_claim() -> None:
    judge = Judge(PLAN, coverage=SAFE)
    verdict = [held(judge.push(one)) for one in good_run(length=200)][-1]
    assert verdict.state is S.KEEP_RUNNING
    assert verdict.projection is None
    assert "not known" in verdict.reason


def test_intervals_beyond_the_plan_change_no_effect() -> None:
    short = PLAN.model_copy(update={"planned_intervals": 300})
    course = good_run(saving=0.41)
    at_end, later = (decide(course[:n], short, coverage=SAFE) for n in (303, 723))
    assert later.projection == at_end.projection
    assert later.state is at_end.state


def test_forecast_is_finite_and_ordered() -> None:
    verdict = held(decide(good_run(saving=0.401)[:200], LONG, coverage=SAFE))
    assert verdict.state is S.KEEP_RUNNING
    assert verdict.forecast is not None
    assert verdict.forecast.intervals_50 is not None
    assert verdict.forecast.intervals_80 is not None
    assert 0 < verdict.forecast.intervals_50 <= verdict.forecast.intervals_80


# -- identical arms ------------------------------------------------------------------------------------------


def test_identical_arms_are_inconclusive() -> None:
    a, _ = saving_run(np.random.default_rng(0), 0.5)
    for count in (64, 200, 723):
        verdict = held(decide(run(a, a)[:count], LONG, coverage=SAFE))
        assert (verdict.state, verdict.decided_by) == (S.INCONCLUSIVE, "identical_arms")
        assert verdict.projection is None or verdict.projection.estimate == 0.0


def test_identical_arms_in_a_short_run_are_too_short() -> None:
    assert decide(run([1000] * 60, [1000] * 60), PLAN, coverage=SAFE).state is S.TOO_SHORT


# -- health --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["baseline", "candidate"])
def test_a_silent_arm_is_unhealthy(name: str) -> None:
    verdict = held(decide(replaced(good_run(), 500, **{name: None}), PLAN, coverage=SAFE))
    assert (verdict.state, verdict.decided_by) == (S.UNHEALTHY, f"gate:{name}_alive")
    assert verdict.projection is None
    assert "first in interval 500" in verdict.reason


def test_silence_in_the_warm_up_is_forgiven() -> None:
    assert decide(replaced(good_run(), 1, candidate=None), PLAN, coverage=SAFE).state is S.PROMOTE


def test_a_dead_candidate_is_unhealthy_even_in_a_short_run() -> None:
    dead = [one.model_copy(update={"candidate": None}) for one in good_run(length=3)]
    assert decide(dead, PLAN).state is S.UNHEALTHY


def test_unhealthy_overrides_an_earlier_promotion_for_good() -> None:
    judge = Judge(LONG, coverage=SAFE)
    states = [judge.push(one).state for one in replaced(good_run(), 600, candidate=None)]
    assert states[599] is S.PROMOTE
    assert set(states[600:]) == {S.UNHEALTHY}
    assert not judge.healthy


def test_a_candidate_that_drops_everything_saves_nothing() -> None:
    a, _ = saving_run(np.random.default_rng(0), 0.5)
    for plan in (PLAN, Plan()):
        verdict = held(decide(run(a, 0 * a, units=0), plan))
        assert (verdict.state, verdict.decided_by) == (S.UNHEALTHY, "gate:candidate_empty")
        assert verdict.projection is None
    short = held(decide(run(a, 0 * a)[:5], PLAN))
    assert short.state is S.UNHEALTHY


def test_a_candidate_that_drops_critical_processes_too_is_rejected_by_name() -> None:
    a, _ = saving_run(np.random.default_rng(0), 0.5)
    course = replaced(run(a, 0 * a), 4, missed=("web-01/postgres/2214@17",))
    judge = Judge(PLAN)
    verdict = [held(judge.push(one)) for one in course][-1]
    assert (verdict.state, verdict.decided_by, verdict.decided_at) == (S.REJECT, "coverage:missed", 4)
    assert "postgres (pid 2214)" in verdict.reason
    assert verdict.projection is None
    assert not judge.healthy


def test_an_empty_baseline_is_unhealthy() -> None:
    verdict = held(decide(run([0] * 100, [10] * 100), PLAN))
    assert (verdict.state, verdict.decided_by) == (S.UNHEALTHY, "gate:baseline_empty")


def test_unequal_input_is_unhealthy() -> None:
    course = good_run()
    lost = course[400].candidate
    assert lost is not None
    course = replaced(course, 400, candidate=lost.model_copy(update={"points_in": 990}))
    verdict = held(decide(course, PLAN, coverage=SAFE))
    assert (verdict.state, verdict.decided_by) == (S.UNHEALTHY, "gate:input_parity")
    lenient = PLAN.model_copy(update={"max_parity_gap": 0.01})
    assert decide(course, lenient, coverage=SAFE).state is S.PROMOTE


def test_a_small_but_lasting_loss_of_input_is_found() -> None:
    course = [
        interval(i, arm(500, received=10_000_000), arm(250, received=9_994_000), warmup=i < 3)
        for i in range(723)
    ]
    verdict = held(decide(course, PLAN, coverage=SAFE))
    assert (verdict.state, verdict.decided_by) == (S.UNHEALTHY, "gate:sample_ratio")


def test_late_points_are_unhealthy() -> None:
    course = [one.model_copy(update={"late_points": 11}) for one in good_run()]
    verdict = held(decide(course, PLAN, coverage=SAFE))
    assert (verdict.state, verdict.decided_by) == (S.UNHEALTHY, "gate:late_points")


def test_failures_of_one_arm_are_unhealthy_and_shared_ones_are_not() -> None:
    def failing(at: set[int], arms: tuple[str, ...]) -> list[Interval]:
        made = []
        for one in good_run():
            changes = {}
            for name in arms if one.index in at else ():
                sent = getattr(one, name)
                changes[name] = sent.model_copy(update={"failed": 5})
            made.append(one.model_copy(update=changes))
        return made

    verdict = held(decide(failing(set(range(100, 110)), ("candidate",)), PLAN, coverage=SAFE))
    assert (verdict.state, verdict.decided_by) == (S.UNHEALTHY, "gate:discordant_failures")
    shared = failing(set(range(100, 400)), ("baseline", "candidate"))
    assert decide(shared, PLAN, coverage=SAFE).state is S.PROMOTE


# -- coverage ------------------------------------------------------------------------------------------------


def test_a_verified_miss_rejects_and_overrides_a_promotion() -> None:
    judge = Judge(LONG, coverage=SAFE)
    course = replaced(good_run(), 600, missed=("web-01/postgres/7@1",))
    verdicts = [judge.push(one) for one in course]
    assert verdicts[599].state is S.PROMOTE
    assert {one.state for one in verdicts[600:]} == {S.REJECT}
    assert verdicts[-1].decided_at == 600


def test_a_verified_miss_decides_even_a_short_run() -> None:
    course = replaced(good_run(length=20), 2, missed=("postgres/7@1",))
    assert held(decide(course, PLAN)).state is S.REJECT


def test_a_miss_named_by_the_report_rejects() -> None:
    report = CoverageReport.model_validate(
        SAFE.model_dump()
        | {
            "missed": [
                {
                    "name": "redis",
                    "pid": 5,
                    "start": "2026-03-01T00:00:00Z",
                    "last_seen": "2026-03-01T01:00:00Z",
                }
            ]
        }
    )
    verdict = held(decide(good_run(), PLAN, coverage=report))
    assert verdict.state is S.REJECT
    assert "redis (pid 5)" in verdict.reason


def test_no_critical_process_blocks_a_promotion() -> None:
    for plan in (PLAN, Plan()):
        verdict = held(decide(run(*saving_run(np.random.default_rng(3), 0.5), units=0), plan))
        assert (verdict.state, verdict.decided_by) == (S.INCONCLUSIVE, "coverage:no_units")
    free = Plan(require_coverage=False)
    verdict = held(decide(run(*saving_run(np.random.default_rng(3), 0.5), units=0), free))
    assert verdict.state is S.PROMOTE


def static(safety: StaticSafety) -> CoverageReport:
    return SAFE.model_copy(update={"static": (StaticFinding(name="postgres", safety=safety, why="lost"),)})


@pytest.mark.parametrize("report", [None, static(StaticSafety.UNSAFE), static(StaticSafety.UNKNOWN)])
def test_an_unsafe_unknown_or_missing_static_check_blocks(report: CoverageReport | None) -> None:
    verdict = held(decide(good_run(), PLAN, coverage=report))
    assert (verdict.state, verdict.decided_by) == (S.INCONCLUSIVE, "coverage:static")


def test_a_demanded_certificate_stands_in_for_an_unknown_check_but_not_for_an_unsafe_one() -> None:
    plan = PLAN.model_copy(update={"max_miss_rate": 0.01})
    for safety, state in ((StaticSafety.UNKNOWN, S.PROMOTE), (StaticSafety.UNSAFE, S.INCONCLUSIVE)):
        certified = static(safety).model_copy(update={"miss_rate_upper": 0.0099})
        assert held(decide(good_run(), plan, coverage=certified)).state is state
    verdict = held(decide(good_run(), plan, coverage=SAFE.model_copy(update={"miss_rate_upper": 0.2})))
    assert (verdict.state, verdict.decided_by) == (S.INCONCLUSIVE, "coverage:certificate")


def test_aggregates_block_unless_the_plan_allows_them_and_sums_agree() -> None:
    course = []
    for one in good_run():
        assert one.candidate is not None
        changed = one.candidate.model_copy(update={"critical_in_aggregate": 1})
        course.append(one.model_copy(update={"candidate": changed}))
    report = SAFE.model_copy(update={"covered": 1, "covered_in_aggregate": 1})
    verdict = held(decide(course, PLAN, coverage=report))
    assert (verdict.state, verdict.decided_by) == (S.INCONCLUSIVE, "coverage:aggregate")
    allowed = PLAN.model_copy(update={"allow_aggregate": True})
    assert held(decide(course, allowed, coverage=report)).state is S.PROMOTE
    unequal = report.model_copy(update={"unequal_aggregates": ("cpu of postgres: 3 instead of 4",)})
    verdict = held(decide(course, allowed, coverage=unequal))
    assert (verdict.state, verdict.decided_by) == (S.INCONCLUSIVE, "coverage:aggregate")


def test_coverage_told_at_the_end_gives_the_same_answer_as_told_before() -> None:
    course = good_run()
    judge = Judge(LONG)
    for one in course:
        judge.add(one)
    assert judge.update_coverage(SAFE) == decide(course, LONG, coverage=SAFE)


# -- guardrails ----------------------------------------------------------------------------------------------


def guarded(latency: float, cpu: float, seed: int = 9) -> list[Interval]:
    rng = np.random.default_rng(seed)
    base = 0.01 * np.exp(0.2 * rng.standard_normal(723))
    load = 2.0 + 0.2 * rng.standard_normal(723)
    return run(
        *saving_run(rng, 0.5),
        latency=(base, base * (1 + latency) * np.exp(0.05 * rng.standard_normal(723))),
        cpu=(load, load * (1 + cpu) * (1 + 0.02 * rng.standard_normal(723))),
    )


def test_guardrails_hold_or_reject() -> None:
    good = held(decide(guarded(0.05, 0.0), PLAN, coverage=SAFE))
    assert good.state is S.PROMOTE
    row = condition(good, "guardrail:latency_p99")
    assert row.role is ConditionRole.GUARDRAIL
    assert row.low < 0.05 < row.high < row.bound == 0.10
    slow = held(decide(guarded(0.2, 0.0), PLAN, coverage=SAFE))
    assert (slow.state, slow.decided_by) == (S.REJECT, "guardrail:latency_p99")
    busy = held(decide(guarded(0.0, 0.15), PLAN, coverage=SAFE))
    assert (busy.state, busy.decided_by) == (S.REJECT, "guardrail:cpu_seconds")


SLOW_SHARE = Plan(
    critical=("postgres",),
    guardrails=(GuardrailRule(kind=GuardrailKind.LATENCY_ABOVE, margin=0.05, threshold_seconds=0.02),),
)


def with_slow_share(extra: float) -> list[Interval]:
    rng = np.random.default_rng(2)
    common = rng.binomial(50, 0.1, 723)
    more = rng.binomial(50 - common, extra)
    return [
        one.model_copy(
            update={
                "baseline": one.baseline.model_copy(update={"latency_above": float(a) / 50}),
                "candidate": one.candidate.model_copy(update={"latency_above": float(b) / 50}),
            }
        )
        for one, a, b in zip(good_run(), common, common + more, strict=True)
        if one.baseline is not None and one.candidate is not None
    ]


@pytest.mark.parametrize(("extra", "state"), [(0.0, S.PROMOTE), (0.01, S.PROMOTE), (0.12, S.REJECT)])
def test_the_share_of_slow_payloads_is_guarded_by_its_difference(extra: float, state: VerdictState) -> None:
    course = with_slow_share(extra)
    found = decide(course, SLOW_SHARE, coverage=SAFE)
    assert found.state is state
    row = condition(found, "guardrail:latency_above")
    assert row.low is not None
    assert row.high is not None
    assert row.low <= 0.9 * extra <= row.high
    assert found == decide_columns(interval_columns(course), SLOW_SHARE, coverage=SAFE)


def test_guardrails_that_nothing_measured_are_left_out() -> None:
    verdict = decide(good_run(), PLAN, coverage=SAFE)
    assert not any(row.role is ConditionRole.GUARDRAIL for row in verdict.conditions)


# -- drift ---------------------------------------------------------------------------------------------------


def test_drift_overrides_a_promotion() -> None:
    first, second = good_run(1), good_run(2, saving=0.3)
    course = first[:400] + second[400:]
    judge = Judge(LONG, coverage=SAFE)
    states = [held(judge.push(one)).state for one in course]
    assert states[399] is S.PROMOTE
    assert states[-1] is S.DRIFT
    assert judge.verdict.projection is None


def test_one_process_more_or_less_is_no_drift() -> None:
    a = [5000] * 400 + [5002] * 323
    assert decide(run(a, [2500] * 723), PLAN, coverage=SAFE).state is S.PROMOTE


# -- order of the intervals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spoil",
    [
        lambda course: [course[1], course[0]],
        lambda course: [course[0], course[0]],
        lambda course: [course[0], course[1].model_copy(update={"start": course[0].start})],
    ],
)
def test_disorder_is_refused(spoil: Callable[[list[Interval]], list[Interval]]) -> None:
    with pytest.raises(InvalidRequestError):
        decide(spoil(good_run(length=3)), PLAN)


def test_negative_length_is_refused() -> None:
    with pytest.raises(InvalidRequestError):
        Judge(PLAN, planned_intervals=-1)


def test_columns_check_their_shape_and_order() -> None:
    columns = interval_columns(good_run(length=10))
    from dataclasses import replace

    for bad in (
        {"index": columns.index[::-1].copy()},
        {"late_points": columns.late_points[:5]},
        {"late_points": columns.late_points - 1},
    ):
        with pytest.raises(InvalidRequestError):
            replace(columns, **bad)  # type: ignore[arg-type]
    assert decide_columns(columns, PLAN) == decide(good_run(length=10), PLAN)
