"""A/A runs on the command line and the gate they put in front of comparisons; plans checked before a run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from phoenix_nb.cli import main
from phoenix_nb.errors import ConflictError, InvalidRequestError
from phoenix_nb.evidence import decide, equal_arms_differ, require_equal_arms
from phoenix_nb.interfaces import (
    Context,
    CoverageReport,
    EngineKind,
    Experiment,
    ExperimentList,
    ExperimentResults,
    ExperimentState,
    ExperimentStore,
    PairTotals,
    Plan,
    Verdict,
    WindowTotals,
)
from phoenix_nb.lab import check_plan_on
from phoenix_nb.services.experiments._calibrated import require_calibrated_source
from phoenix_nb.testing import TypedMock
from phoenix_nb.testing.samples import T0, sample_experiment
from tests.unit.evidence.evidence_world import run, saving_run

PLAN = Plan(require_coverage=False)


def verdict(bias: float, length: int = 363) -> Verdict:
    a, b = saving_run(np.random.default_rng(4), bias, length=length, noise=0.001)
    return decide(run(a, b), PLAN)


def test_a_biased_pair_differs_and_an_even_one_does_not() -> None:
    assert equal_arms_differ(verdict(0.02))
    assert equal_arms_differ(verdict(-0.02))
    assert not equal_arms_differ(verdict(0.0))
    assert not equal_arms_differ(verdict(0.02, length=40))
    assert not equal_arms_differ(decide(run([1000] * 200, [1000] * 200), PLAN))


def test_the_gate_opens_for_a_reason() -> None:
    with pytest.raises(ConflictError, match="equal arms different") as refused:
        require_equal_arms(verdict(0.02))
    assert refused.value.details["low"] == pytest.approx(0.02, abs=0.005)
    require_equal_arms(verdict(0.02), override_reason="the arms sit on different disks, and that is known")
    require_equal_arms(verdict(0.0))


def experiment(number: int, candidate: str, found: Verdict | None = None, **config: object) -> Experiment:
    made = sample_experiment(number)
    empty = PairTotals(baseline=1, candidate=1, reduction=0.0)
    results = None
    if found is not None:
        results = ExperimentResults(
            plan_hash="0",
            intervals=found.intervals,
            verdict=found,
            window=WindowTotals(points=empty, series=empty, bytes=empty),
            coverage=CoverageReport(),
            analyzed_at=T0,
        )
    return made.model_copy(
        update={
            "baseline_pipeline": "pip_a",
            "candidate_pipeline": candidate,
            "results": results,
            "config": made.config.model_copy(update={"source": "host", **config}),
            "state": ExperimentState.COMPLETED if found else ExperimentState.PENDING,
        }
    )


async def asked(wanted: Experiment, *stored: Experiment) -> None:
    store = TypedMock(ExperimentStore)
    store.on("list_experiments").returns(ExperimentList(experiments=stored, total_count=len(stored)))
    await require_calibrated_source(Context.background(), store.object, wanted)


async def test_a_comparison_starts_only_where_equal_arms_are_equal() -> None:
    bad, good = experiment(2, "pip_a", verdict(0.02)), experiment(3, "pip_a", verdict(0.0))
    wanted = experiment(1, "pip_b")
    with pytest.raises(ConflictError):
        await asked(wanted, bad)
    # The newest A/A run counts, and only one of the same source and engine.
    await asked(wanted, good, bad)
    await asked(wanted)
    await asked(wanted, experiment(4, "pip_b", verdict(0.02)))
    await asked(experiment(1, "pip_b", engine=EngineKind.OTELCOL), bad)
    await asked(experiment(1, "pip_b", source="sim:realistic"), bad)
    await asked(experiment(1, "pip_b", aa_override="known bias"), bad)
    await asked(experiment(5, "pip_a"), bad)


def test_aa_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--workspace", str(tmp_path), "aa", "--source", "sim:realistic", "--duration", "20m", "--json"]
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0
    found = json.loads(capsys.readouterr().out)
    assert found["may_start"] is True
    assert found["calibration"]["intervals"] == 117
    assert found["calibration"]["bias"] == found["swapped"]["bias"] == 0.0
    assert found["experiment_id"].startswith("exp_")


@pytest.mark.parametrize(("planned", "code"), [(5000, 0), (12, 1)])
def test_plan_check_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], planned: int, code: int
) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(f"success: {{target: 0.3}}\nplanned_intervals: {planned}\n")
    with pytest.raises(SystemExit) as ended:
        main(["plan", "check", str(file), "--duration", "30m", "--runs", "20", "--json"])
    assert ended.value.code == code
    found = json.loads(capsys.readouterr().out)
    assert found["long_enough"] is (code == 0)
    assert {row["saving"] for row in found["rows"]} >= {0.27, 0.3, 0.33}


def test_plan_check_on_a_run_that_was_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text("planned_intervals: 5000\n")
    words = ["--workspace", str(tmp_path / "kept")]
    pair = ["process-baseline-v1", "process-priority-v1"]
    for more in (
        ["compare", *pair, "--source", "sim:realistic", "--duration", "20m", "--json"],
        ["plan", "check", str(file), "--experiment", "latest", "--runs", "5", "--json"],
    ):
        with pytest.raises(SystemExit) as ended:
            main([*words, *more])
        assert ended.value.code == 0
        printed = json.loads(capsys.readouterr().out)
    assert printed["seen_intervals"] == 117
    # The built-in engine is no collector, so nothing is known of the guardrails.
    assert any("could not be simulated" in one for one in printed["warnings"])


def test_a_plan_is_not_checked_on_something_endless() -> None:
    with pytest.raises(InvalidRequestError, match="has an end"):
        check_plan_on(Plan(), "host")
    with pytest.raises(InvalidRequestError, match="too few"):
        check_plan_on(Plan(), "sim:realistic", duration=300.0)
