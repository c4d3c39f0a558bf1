"""``compare`` and what it leaves: the object for programs, the page for people, the workspace."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Phoenix = Callable[..., Any]

SHORT = ("process-baseline-v1", "process-priority-v1", "--source", "sim:realistic", "--duration", "2m")


def test_the_object_for_programs(phoenix: Phoenix) -> None:
    outcome = phoenix("--workspace", ":memory:", "compare", *SHORT, "--critical", "postgres*", "--json")
    assert outcome.code == 0
    told = json.loads(outcome.out)
    assert told["experiment_id"].startswith("exp_")
    assert len(told["plan_hash"]) == 64
    assert told["intervals"] == 12
    assert set(told["verdict"]) == {"state", "decided_by", "reason"}
    assert told["verdict"]["state"] == "TOO_SHORT"
    for figures in ("points", "series", "bytes"):
        pair = told["window"][figures]
        assert pair["reduction"] == pytest.approx(1 - pair["candidate"] / pair["baseline"])
    assert told["projection"] is None
    assert "intervals" in told["projection_reason"]
    assert told["coverage"]["critical_units"] > 0
    assert told["coverage"]["missed"] == []
    assert 0 < told["coverage"]["miss_rate_upper"] < 1
    for row in told["cost"]:
        assert {"price_model", "basis", "kind", "every", "hosts", "low", "high", "currency", "as_of"} <= set(
            row
        )
        assert row["every"] == 60
        assert row["basis"] == "marginal"
        if row["saving_per_month"] is None:
            assert row["reason"]
        else:
            saved = row["baseline_per_month"] - row["candidate_per_month"]
            assert row["saving_per_month"] == pytest.approx(saved)
    assert told["report"] is None


def test_what_people_read(phoenix: Phoenix) -> None:
    outcome = phoenix("--workspace", ":memory:", "compare", *SHORT, "--critical", "postgres*,nope*")
    assert outcome.code == 0
    assert outcome.out.startswith("◔ TOO_SHORT: ")
    assert "Blocked by duration:t_min" in outcome.out
    assert "Measured in this window: 12 intervals, exact" in outcome.out
    assert "Projected for typical operation: nothing." in outcome.out
    assert "postgres" in outcome.out
    assert "Cost per month, marginal" in outcome.out
    assert "warning: The critical selector 'nope*' matched no process." in outcome.err
    assert "\u00a0" not in outcome.out


def test_check_and_account(phoenix: Phoenix) -> None:
    words = (
        "--workspace",
        ":memory:",
        "compare",
        *SHORT,
        "--check",
        "--account",
        "--cost-every",
        "30s",
        "--json",
    )
    outcome = phoenix(*words)
    assert outcome.code == 3
    rows = json.loads(outcome.out)["cost"]
    assert {row["basis"] for row in rows} == {"account"}
    assert {row["every"] for row in rows} == {30.0}


def test_a_plan_file_decides_what_counts(phoenix: Phoenix, tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text("success: {metric: bytes, target: 0.2}\ncritical: ['postgres*']\n")
    words = ("--workspace", ":memory:", "compare", *SHORT, "--json")
    default = json.loads(phoenix(*words).out)
    planned = json.loads(phoenix(*words, "--plan", "plan.yaml").out)
    assert default["plan_hash"] != planned["plan_hash"]
    assert planned["coverage"]["critical_units"] > 0


def test_the_same_seed_gives_the_same_figures(phoenix: Phoenix) -> None:
    words = ("--workspace", ":memory:", "compare", *SHORT, "--seed", "5", "--json")
    first, second = (json.loads(phoenix(*words).out) for _ in range(2))
    assert first["experiment_id"] != second["experiment_id"]
    assert {**first, "experiment_id": ""} == {**second, "experiment_id": ""}


def test_a_workspace_remembers(phoenix: Phoenix, tmp_path: Path) -> None:
    made = json.loads(phoenix("compare", *SHORT, "--name", "first one", "--json").out)["experiment_id"]
    assert (tmp_path / ".phoenix").is_dir()
    listed = json.loads(phoenix("experiment", "list", "--json").out)
    assert [(one["experiment_id"], one["name"], one["state"]) for one in listed] == [
        (made, "first one", "completed")
    ]
    assert made in phoenix("experiment", "list").out
    shown = phoenix("experiment", "show", "latest").out
    assert "first one" in shown
    assert "TOO_SHORT" in shown
    assert json.loads(phoenix("experiment", "show", made, "--json").out)["results"]["intervals"] == 12
    table = phoenix("experiment", "intervals", made).out.splitlines()
    assert len(table) == 13
    assert table[0].startswith("interval,start,end,warmup,baseline_points")
    assert len(json.loads(phoenix("experiment", "intervals", made, "--json").out)) == 12

    refused = phoenix("experiment", "promote", made)
    assert refused.code == 1
    assert "[ILLEGAL_TRANSITION]" in refused.err
    assert (
        "is now what is deployed on local"
        in phoenix("experiment", "promote", made, "--override", "I know").out
    )
    kept = phoenix("experiment", "delete", made)
    assert kept.code == 1
    assert "roll it back first" in kept.err
    assert phoenix("experiment", "rollback", made, "--reason", "changed my mind").code == 0
    again = phoenix("experiment", "rollback", made)
    assert again.code == 1
    assert "[ILLEGAL_TRANSITION]" in again.err
    assert phoenix("experiment", "delete", "latest").code == 1
    assert phoenix("experiment", "delete", made).code == 0
    assert json.loads(phoenix("experiment", "list", "--json").out) == []
    gone = phoenix("experiment", "show", "latest")
    assert gone.code == 1
    assert "holds no experiment" in gone.err


@pytest.mark.kernel
def test_reports(phoenix: Phoenix, tmp_path: Path) -> None:
    made = json.loads(phoenix("compare", *SHORT, "--out", "out", "--json").out)
    assert Path(made["report"]["html"]) == tmp_path / "out" / "comparison.html"
    assert Path(made["report"]["notebook"]).is_file()
    page = Path(made["report"]["html"]).read_text(encoding="utf-8")
    assert "TOO_SHORT" in page or "Too short" in page
    again = phoenix("report", "run", "comparison", "--experiment", made["experiment_id"], "--out", "again")
    assert again.code == 0
    assert (tmp_path / "again" / "comparison.html").is_file()
    listed = json.loads(phoenix("report", "list", "--json").out)
    assert [one["experiment_id"] for one in listed] == [made["experiment_id"]] * 2
    assert "comparison.html" in phoenix("report", "list").out
