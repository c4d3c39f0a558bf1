"""Intervals from files: ``phoenix analyze`` judges them like any experiment, and refuses what is no table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from phoenix_nb.cli import main
from phoenix_nb.errors import InvalidRequestError, NotFoundError
from phoenix_nb.evidence import decide, secondary_saving
from phoenix_nb.interfaces import Plan, VerdictState, plan_hash
from phoenix_nb.lab import analyze_file, read_intervals
from tests.unit.evidence.evidence_world import ar1, run


def intervals(length: int = 303, saving: float = 0.5) -> pl.DataFrame:
    rng = np.random.default_rng(9)
    a = np.round(1000 * np.exp(0.1 * ar1(rng, 0.9, 1, length)[0]))
    b = np.round(a * (1 - saving + 0.01 * rng.standard_normal(length)))
    return pl.DataFrame({"t": np.arange(length) * 10, "baseline_points": a, "candidate_points": b})


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_file_gives_the_verdict_of_its_intervals(tmp_path: Path, suffix: str) -> None:
    table, file = intervals(), tmp_path / f"run{suffix}"
    table.write_csv(file) if suffix == ".csv" else table.write_parquet(file)
    found = analyze_file(file, Plan())
    plan = Plan(require_coverage=False)
    same = decide(run(table["baseline_points"], table["candidate_points"]), plan)
    assert found.verdict.state is same.state
    assert found.verdict.projection == same.projection
    assert found.baseline == table["baseline_points"].sum()
    assert found.reduction == pytest.approx(0.5, abs=0.01)
    assert "critical" not in found.verdict.reason


def test_times_in_a_csv_file_are_understood(tmp_path: Path) -> None:
    file = tmp_path / "run.csv"
    rows = [f"2026-03-01T00:00:{second:02d}Z,10,{5 + second % 2}" for second in range(10)]
    file.write_text("t,baseline_points,candidate_points\n" + "\n".join(rows))
    assert read_intervals(file)["t"].dtype == pl.Datetime("us", "UTC")
    assert analyze_file(file, Plan()).verdict.state.value == "TOO_SHORT"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read as a table"),
        ("t,baseline_points\n1,2\n", "no column candidate_data_points"),
        ("t,baseline_points,candidate_points\n1,2,NaN\n", "not finite"),
        ("t,baseline_points,candidate_points\n1,2,-1\n", "negative"),
        ("t,baseline_points,candidate_points\n1,2,1\n1,2,1\n", "does not rise"),
        ("t,baseline_points,candidate_points\n2,2,1\n1,2,1\n", "does not rise"),
        ("t,baseline_points,candidate_points\n1,2,many\n", "other than numbers: 'many' in row 0"),
        ("t,baseline_points,candidate_points\n", "no row"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "run.csv"
    file.write_text(text)
    with pytest.raises(InvalidRequestError, match=words):
        analyze_file(file, Plan())


@pytest.mark.parametrize("cell", ["", "0"])
def test_an_arm_that_sends_nothing_saves_nothing(tmp_path: Path, cell: str) -> None:
    file = tmp_path / "run.csv"
    file.write_text("t,baseline_points,candidate_points\n" + "".join(f"{t},10,{cell}\n" for t in range(200)))
    found = analyze_file(file, Plan())
    assert found.verdict.state is VerdictState.UNHEALTHY
    assert found.reduction is None


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read_intervals(tmp_path / "missing.csv")
    with pytest.raises(InvalidRequestError, match="neither"):
        read_intervals(tmp_path / "run.xlsx")
    broken = tmp_path / "run.parquet"
    broken.write_bytes(b"no parquet")
    with pytest.raises(InvalidRequestError, match="cannot be read"):
        read_intervals(broken)


def test_the_command_prints_one_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, plan = tmp_path / "run.csv", tmp_path / "plan.yaml"
    intervals(saving=0.3).write_csv(file)
    plan.write_text("success: {target: 0.45}\n")
    with pytest.raises(SystemExit) as ended:
        main(["analyze", str(file), "--plan", str(plan), "--json"])
    assert ended.value.code == 0
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"]["state"] == "REJECT"
    assert found["plan_hash"] == plan_hash(Plan.model_validate(found["plan"]))
    assert found["window"]["data_points"]["reduction"] == pytest.approx(0.3, abs=0.01)
    assert {one["method"].split(",")[0].split(" ")[0] for one in found["secondary"]["saving"]} == {
        "HAC",
        "stationary",
    }


def test_secondary_figures_agree_with_the_truth_and_tell_a_missed_target() -> None:
    table = intervals()
    a, b = table["baseline_points"].to_numpy(), table["candidate_points"].to_numpy()
    found = secondary_saving(a, b, target=0.4, rng=np.random.default_rng(0))
    assert found is not None
    for one in found.intervals:
        assert one.low < 0.5 < one.high
        assert one.high - one.low < 0.01
    assert found.sign_flip_p < 0.01
    at_target = secondary_saving(a, b, target=0.5, rng=np.random.default_rng(0))
    assert at_target is not None
    assert at_target.sign_flip_p > 0.01


def test_secondary_figures_need_something_to_say() -> None:
    rng = np.random.default_rng(0)
    assert secondary_saving([1.0] * 5, [1.0] * 5, target=0.4, rng=rng) is None
    assert secondary_saving([0.0] * 20, [1.0] * 20, target=0.4, rng=rng) is None
    still = secondary_saving([2.0] * 20, [1.0] * 20, target=0.4, rng=rng)
    assert still is not None
    assert {(one.low, one.high) for one in still.intervals} == {(0.5, 0.5)}
    with pytest.raises(InvalidRequestError, match="differ in length"):
        secondary_saving([1.0] * 20, [1.0] * 19, target=0.4, rng=rng)


def test_running_totals_are_pointed_out(tmp_path: Path) -> None:
    file, table = tmp_path / "run.csv", intervals()
    table.write_csv(file)
    assert analyze_file(file, Plan()).warnings == ()
    table.with_columns(pl.col("baseline_points").cum_sum()).write_csv(file)
    (said,) = analyze_file(file, Plan()).warnings
    assert said.startswith("baseline: data points never fall")
