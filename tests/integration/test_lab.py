"""The laboratory as notebooks use it: open, compare, look, close, open again."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import phoenix_nb
from phoenix_nb.errors import (
    ClosedError,
    ConfigError,
    DeadlineExceededError,
    InvalidRequestError,
    NotFoundError,
    PhoenixError,
    PlanError,
    RunFailedError,
    StoreBusyError,
    TransitionError,
)
from phoenix_nb.interfaces import ExperimentState, PipelineFilter, Plan, SimulationState, VerdictState
from phoenix_nb.lab import Lab

SIMULATED: dict[str, Any] = {"source": "sim:realistic", "every": "10s", "duration": "5m", "seed": 7}
BASELINE, CANDIDATE = "process-baseline-v1", "process-minimal-v1"


@pytest.fixture
def lab() -> Iterator[Lab]:
    with phoenix_nb.connect(":memory:") as opened:
        yield opened


def test_a_workspace_keeps_what_happened_in_it(tmp_path: Path) -> None:
    with phoenix_nb.connect(tmp_path) as lab:
        run = lab.compare(BASELINE, CANDIDATE, **SIMULATED).wait(timeout=60)
        before, table = run.results, run.intervals
    with phoenix_nb.connect(tmp_path) as lab:
        again = lab.experiment(run.id)
        assert again.results == before
        assert again.intervals.equals(table)
        assert [one.id for one in lab.experiments()] == [run.id]
        again.delete()
        assert lab.experiments() == []


def test_a_second_process_is_told_who_has_the_workspace(tmp_path: Path) -> None:
    code = f"import phoenix_nb; phoenix_nb.connect({str(tmp_path)!r})"
    with phoenix_nb.connect(tmp_path):
        other = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
        )
    assert other.returncode != 0
    assert f"belongs to process {os.getpid()}" in other.stderr
    with phoenix_nb.connect(tmp_path), pytest.raises(StoreBusyError):
        phoenix_nb.connect(tmp_path)


def test_a_killed_process_leaves_a_run_that_says_so(tmp_path: Path) -> None:
    code = textwrap.dedent(f"""
        import time, phoenix_nb
        lab = phoenix_nb.connect({str(tmp_path)!r})
        run = lab.compare({BASELINE!r}, {CANDIDATE!r}, source="host", every=0.2, duration=600)
        while len(run.intervals) < 3:
            time.sleep(0.05)
        print(run.id, len(run.intervals), flush=True)
        time.sleep(600)
    """)
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        experiment_id, acknowledged = child.stdout.readline().split()
    finally:
        child.send_signal(signal.SIGKILL)
        child.communicate()
    with phoenix_nb.connect(tmp_path) as lab:
        run = lab.experiment(experiment_id)
        assert run.status is ExperimentState.FAILED
        assert "ended before the run did" in run.experiment.state_reason
        assert len(run.intervals) >= int(acknowledged)
        with pytest.raises(RunFailedError, match="ended before"):
            run.wait(timeout=10)


def test_waiting_may_end_before_the_run(lab: Lab) -> None:
    run = lab.compare(BASELINE, CANDIDATE, source="host", every=0.2, duration=600)
    with pytest.raises(DeadlineExceededError):
        run.wait(timeout=0.5)
    assert not run.experiment.terminal
    assert "running" in repr(run) or "deploying" in repr(run)
    with pytest.raises(TransitionError):
        run.delete()
    ended = run.stop()
    assert ended.experiment.terminal
    run.delete()


def test_pause_makes_a_gap_and_abort_keeps_its_reason(lab: Lab) -> None:
    run = lab.compare(BASELINE, CANDIDATE, source="host", every=0.1, duration=600)
    while run.status is not ExperimentState.RUNNING:
        pass
    assert run.pause().status is ExperimentState.PAUSED
    assert run.resume().status is ExperimentState.RUNNING
    ended = run.abort("lunch").experiment
    assert ended.state is ExperimentState.CANCELLED
    assert ended.state_reason.endswith("lunch")


def test_the_same_file_is_one_pipeline(lab: Lab, tmp_path: Path) -> None:
    from phoenix_nb.collector import catalog

    mine = tmp_path / "mine.yaml"
    mine.write_text(catalog.load(CANDIDATE).yaml)
    runs = [lab.compare(BASELINE, str(mine), **SIMULATED).wait(timeout=60) for _ in range(2)]
    assert runs[0].results.window == runs[1].results.window
    stored = lab.call(lab.services.pipelines.list_pipelines, PipelineFilter())
    assert stored.total_count == 1
    assert stored.pipelines[0].name.startswith("mine-")


def test_the_table_has_one_row_per_interval(lab: Lab) -> None:
    run = lab.compare(BASELINE, CANDIDATE, **SIMULATED).wait(timeout=60)
    table, window = run.intervals, run.results.window
    assert len(table) == run.results.intervals == 30
    assert int(table["baseline_points"].sum()) == window.points.baseline
    assert int(table["candidate_points"].sum()) == window.points.candidate
    assert table["warmup"].sum() == 3


def test_a_run_explains_itself(lab: Lab) -> None:
    run = lab.compare(BASELINE, CANDIDATE, **SIMULATED, critical="postgres*").wait(timeout=60)
    assert run.id not in repr(run)
    assert "completed, 30 of 30 intervals, too short" in repr(run)
    page = run._repr_html_()
    assert page is not None
    assert "postgres" in page
    assert run.verdict is not None
    assert str(run.verdict).startswith("TOO_SHORT: ")
    answer = run.to_json()
    assert answer["projection"] is None
    assert answer["projection_reason"]


def test_bad_requests_store_nothing(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("receivers: [\n")
    (tmp_path / "plan.yaml").write_text("succes: {}\n")
    refused: list[tuple[type[PhoenixError], dict[str, Any]]] = [
        (NotFoundError, {"candidate": "no-such-pipeline"}),
        (NotFoundError, {"candidate": str(tmp_path / "missing.yaml")}),
        (ConfigError, {"candidate": str(tmp_path / "broken.yaml")}),
        (NotFoundError, {"source": "sim:no-such-profile"}),
        (NotFoundError, {"source": str(tmp_path / "missing.jsonl")}),
        (InvalidRequestError, {"every": "0s"}),
        (InvalidRequestError, {"duration": "soon"}),
        (InvalidRequestError, {"seed": -1}),
        (PlanError, {"plan": tmp_path / "plan.yaml"}),
        (PlanError, {"critical": ["re:("]}),
    ]
    for error, changes in refused:
        asked: dict[str, Any] = {"baseline": BASELINE, "candidate": CANDIDATE, **SIMULATED, **changes}
        with pytest.raises(error) as caught:
            lab.compare(**asked)
        assert caught.value.hint or caught.value.details, caught.value
    assert lab.experiments() == []


def test_promotion_is_recorded_and_taken_back(lab: Lab) -> None:
    run = lab.compare(BASELINE, CANDIDATE, **SIMULATED).wait(timeout=60)
    with pytest.raises(TransitionError):
        run.promote()
    run.promote(override="a person decided")
    assert run.experiment.promoted
    current = lab.call(lab.services.operator.current_deployment, "local")
    assert current is not None
    assert current.pipeline_id == CANDIDATE
    run.rollback("second thoughts")
    assert not run.experiment.promoted
    assert lab.call(lab.services.operator.current_deployment, "local") is None


def test_equal_arms_are_never_a_saving(lab: Lab) -> None:
    plan = Plan(critical=("postgres*",))
    run = lab.compare(BASELINE, BASELINE, source="sim:realistic", duration="30m", seed=3, plan=plan)
    verdict = run.wait(timeout=100).verdict
    assert verdict is not None
    assert verdict.state not in (VerdictState.PROMOTE, VerdictState.REJECT)
    assert run.results.window.points.reduction == 0


def test_simulations_run_and_stop(lab: Lab) -> None:
    quick = lab.simulate("realistic", duration="2m", every="10s", pace=None).wait(timeout=60)
    assert quick.status is SimulationState.STOPPED
    assert quick.metrics.scrapes == 13  # at 0, 10, … 120 s
    assert "stopped" in repr(quick)
    slow = lab.simulate("high-churn", duration="1h")
    assert slow.stop().status is SimulationState.STOPPED
    with pytest.raises(NotFoundError):
        lab.simulate("no-such-profile")


async def test_it_works_inside_a_running_loop() -> None:
    def work() -> VerdictState:
        with phoenix_nb.connect(":memory:") as lab:
            verdict = lab.compare(BASELINE, CANDIDATE, **SIMULATED).wait(timeout=60).verdict
            assert verdict is not None
            return verdict.state

    # A notebook's main thread has a loop of its own that is running; so has this one.
    assert work() is VerdictState.TOO_SHORT
    assert await asyncio.to_thread(work) is VerdictState.TOO_SHORT


def test_a_closed_laboratory_says_so(lab: Lab) -> None:
    run = lab.compare(BASELINE, CANDIDATE, **SIMULATED).wait(timeout=60)
    lab.close()
    lab.close()
    assert "closed" in repr(run)
    assert repr(lab) == "Lab(memory, closed)"
    with pytest.raises(ClosedError):
        _ = run.status


def test_closing_ends_what_still_runs(tmp_path: Path) -> None:
    with phoenix_nb.connect(tmp_path) as lab:
        run = lab.compare(BASELINE, CANDIDATE, source="host", every=0.2, duration=600)
    with phoenix_nb.connect(tmp_path) as lab:
        ended = lab.experiment(run.id).experiment
        assert ended.state is ExperimentState.CANCELLED
        assert "closed" in ended.state_reason
