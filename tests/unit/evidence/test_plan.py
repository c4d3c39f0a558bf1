"""Plans: defaults, strictness, hash."""

from __future__ import annotations

import pytest

from phoenix_nb.errors import PlanError
from phoenix_nb.interfaces.plan import GuardrailKind, Plan, SuccessMetric, parse_plan, plan_hash


def test_defaults_are_those_of_the_design() -> None:
    plan = parse_plan("")
    assert plan == Plan()
    assert (plan.success.metric, plan.success.target, plan.alpha) == (SuccessMetric.DATA_POINTS, 0.40, 0.05)
    assert (plan.warmup_intervals, plan.grace_intervals, plan.pilot_intervals, plan.min_blocks) == (
        3,
        2,
        60,
        6,
    )
    assert plan.required_metrics == ("process.cpu.time", "process.memory.usage")
    assert {rule.kind: rule.margin for rule in plan.guardrails} == {
        GuardrailKind.LATENCY_P99: 0.10,
        GuardrailKind.CPU_SECONDS: 0.05,
    }
    assert plan.max_miss_rate is None
    assert not plan.allow_aggregate


def test_yaml_is_read() -> None:
    plan = parse_plan(
        """
        success: {metric: series, target: 0.55}
        alpha: 0.01
        critical: [postgres, "re:^java$", postgres]
        planned_intervals: 720
        guardrails:
          - {kind: cpu_seconds, margin: 0.2}
        """
    )
    assert plan.success.metric is SuccessMetric.SERIES
    assert plan.critical == ("postgres", "re:^java$")
    assert [rule.margin for rule in plan.guardrails] == [0.2]


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ("colour: red", "colour", "no such key"),
        ("guardrails: [{kind: latency_above, margin: 0.1}]", "guardrails::0", "threshold_seconds"),
        (
            "guardrails: [{kind: cpu_seconds, margin: 0.1, threshold_seconds: 1}]",
            "guardrails::0",
            "threshold_seconds",
        ),
        ("success: {target: '0.4'}", "success::target", "number is needed"),
        ("success: {target: 1.5}", "success::target", "less than 1"),
        ("critical: postgres", "critical", "list is needed"),
        ("critical: ['']", "critical", "empty"),
        ("alpha: .nan", "alpha", "less than 0.5"),
        ("planned_intervals: 1.5", "planned_intervals", "whole number"),
        ("planned_intervals: true", "planned_intervals", "whole number"),
        ("guardrails: [{kind: cpu_seconds, margin: .inf}]", "guardrails::0::margin", "finite"),
        ("guardrails: [{kind: weather, margin: 1}]", "guardrails::0::kind", "latency_p99"),
        (
            "guardrails: [{kind: cpu_seconds, margin: 1}, {kind: cpu_seconds, margin: 2}]",
            "guardrails",
            "guarded twice",
        ),
        ("alpha: 0.1\nalpha: 0.2", "line 2", "there twice"),
        ("[1", "line 1", "expected"),
        ("- 1", "", "mapping"),
        ("critical: [2026-01-01]", "", "texts, numbers"),
        ("a: !!python/name:os.system x", "line 1", "tag"),
        ("\x00", "", "unacceptable"),
    ],
)
def test_bad_plans_name_the_key(text: str, path: str, words: str) -> None:
    with pytest.raises(PlanError) as caught:
        parse_plan(text)
    problems = caught.value.details["problems"]
    assert isinstance(problems, list)
    first = problems[0]
    assert isinstance(first, dict)
    assert first["path"] == path
    assert words in str(first["message"])
    assert caught.value.hint


def test_every_problem_is_listed() -> None:
    with pytest.raises(PlanError) as caught:
        parse_plan("success: {target: 2, x: 1}\nalpha: x")
    problems = caught.value.details["problems"]
    assert isinstance(problems, list)
    assert len(problems) == 3


def test_hash_is_stable_and_sees_every_value() -> None:
    assert plan_hash(Plan()) == plan_hash(parse_plan("{}"))
    assert len(plan_hash(Plan())) == 64
    assert plan_hash(parse_plan("alpha: 0.04")) != plan_hash(Plan())
    # Saying a default is the same plan as leaving it out.
    assert plan_hash(parse_plan("alpha: 0.05")) == plan_hash(Plan())
