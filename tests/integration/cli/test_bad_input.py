"""Bad input: a clear error with a hint, no traceback, nothing half-written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import zstandard

from phoenix_nb.lab import write_simulation

Phoenix = Callable[..., Any]

BASELINE, CANDIDATE = "process-baseline-v1", "process-priority-v1"
CONFIG = """
receivers:
  hostmetrics:
    scrapers: {process: {}}
processors:
  batch: {}
exporters:
  otlp: {endpoint: "localhost:4317"}
service:
  pipelines:
    metrics: {receivers: [hostmetrics], processors: [batch], exporters: [otlp]}
"""


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Sequence[str]:
    """Twelve good payloads."""
    path = tmp_path_factory.mktemp("good") / "good.jsonl"
    write_simulation("realistic", path, seed=1, scrapes=12, every=10.0)
    return path.read_text(encoding="utf-8").splitlines()


def written(path: Path, lines: Sequence[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def refused(phoenix: Phoenix, *words: str | Path) -> str:
    """Standard error of a command that must refuse; its folder must not get a report."""
    outcome = phoenix("--workspace", ":memory:", *words)
    assert outcome.code == 1, outcome.out
    assert outcome.out == ""
    assert outcome.err.startswith("error: ")
    assert "\nhint: " in outcome.err
    assert "Traceback" not in outcome.err
    assert not Path("out").exists()
    return str(outcome.err)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((BASELINE, "nope", "--source", "sim:realistic"), "there is no pipeline 'nope'"),
        (("nope.yaml", CANDIDATE, "--source", "sim:realistic"), "there is no file nope.yaml"),
        ((BASELINE, CANDIDATE, "--source", "sim:nope"), "no load profile is called 'nope'"),
        ((BASELINE, CANDIDATE, "--source", "nope.jsonl"), "no source or file 'nope.jsonl'"),
        ((BASELINE, CANDIDATE, "--source", "."), "is a folder"),
        (
            (BASELINE, CANDIDATE, "--source", "sim:realistic", "--plan", "nope.yaml"),
            "there is no file nope.yaml",
        ),
        ((BASELINE, CANDIDATE, "--source", "sim:realistic", "--critical", "re:("), "re:("),
    ],
)
def test_names_that_nothing_answers_to(phoenix: Phoenix, words: tuple[str, ...], says: str) -> None:
    assert says in refused(phoenix, "compare", *words, "--out", "out")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("receivers: [\nprocessors", "yaml: line "),
        ("", "CONFIG_INVALID"),
        (CONFIG.replace("batch", "nosuch"), "processors::nosuch: 'processors' unknown type: \"nosuch\""),
        (CONFIG.replace("batch: {}", "batch: {no_such_key: 3}"), "processors::batch::no_such_key"),
    ],
)
def test_configurations(phoenix: Phoenix, tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    told = refused(phoenix, "compare", BASELINE, "mine.yaml", "--source", "sim:realistic", "--out", "out")
    assert says in told
    assert told.startswith("error: mine.yaml")
    checked = phoenix("pipeline", "validate", "mine.yaml")
    assert checked.code == 1
    assert re.search(r"\[[A-Z_]+\]$", checked.out.splitlines()[0])


def test_a_valid_configuration_is_silent(phoenix: Phoenix, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(CONFIG)
    checked = phoenix("pipeline", "validate", "mine.yaml")
    assert (checked.code, checked.out, checked.err) == (0, "", "")
    assert json.loads(phoenix("pipeline", "validate", "mine.yaml", "--json").out)["valid"]


@pytest.mark.parametrize(
    "text", ["success: {target: 2}", "no_such_key: 1", "critical: postgres", "a: [", "- 1"]
)
def test_plans(phoenix: Phoenix, tmp_path: Path, text: str) -> None:
    (tmp_path / "plan.yaml").write_text(text)
    words = (
        "compare",
        BASELINE,
        CANDIDATE,
        "--source",
        "sim:realistic",
        "--plan",
        "plan.yaml",
        "--out",
        "out",
    )
    assert "[PLAN_INVALID]" in refused(phoenix, *words)


def test_recordings_name_the_line(phoenix: Phoenix, tmp_path: Path, lines: Sequence[str]) -> None:
    cases = {
        "truncated": ([*lines[:5], lines[5][:1000]], "line 6 is not an OTLP metrics request"),
        "other": ([*lines[:3], '{"hello": "world"}', *lines[3:]], "line 4 is not an OTLP metrics request"),
        "text": (["hello"], "line 1 is not an OTLP metrics request"),
        "literal": ([lines[0].replace('"asDouble":', '"asDouble":NaN,"x":', 1)], "line 1 is not an OTLP"),
        "empty": ([], "holds no payload"),
        "blank": (["", ""], "holds no payload"),
    }
    for name, (content, says) in cases.items():
        path = written(tmp_path / f"{name}.jsonl", content)
        assert says in refused(phoenix, "compare", BASELINE, CANDIDATE, "--source", path, "--out", "out"), (
            name
        )


def test_points_without_any_time(phoenix: Phoenix, tmp_path: Path, lines: Sequence[str]) -> None:
    timeless = written(
        tmp_path / "timeless.jsonl", [re.sub(r'"timeUnixNano":"[0-9]+",?', "", line) for line in lines]
    )
    told = refused(phoenix, "compare", BASELINE, CANDIDATE, "--source", timeless)
    assert "no data point of the source has a time" in told


def test_recordings_that_are_cut_off(phoenix: Phoenix, tmp_path: Path, lines: Sequence[str]) -> None:
    packed = zstandard.compress("\n".join(lines).encode())
    (tmp_path / "cut.jsonl.zst").write_bytes(packed[: len(packed) // 2])
    (tmp_path / "cut.parquet").write_bytes(packed)
    for name, says in (("cut.jsonl.zst", "ends too early"), ("cut.parquet", "not a readable Parquet file")):
        assert says in refused(phoenix, "compare", BASELINE, CANDIDATE, "--source", name, "--out", "out")


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        (
            lambda lines: [line for line in lines for _ in range(2)],
            "have the same series and time as another one",
        ),
        (lambda lines: [*lines[:8], *lines[2:5], *lines[8:]], "a clock that had jumped back"),
        (
            lambda lines: [
                re.sub(r'"asDouble":[0-9.e+-]+', '"asDouble":"NaN"', line, count=3) for line in lines
            ],
            "are not finite numbers",
        ),
        (
            lambda lines: [
                re.sub(r'"asDouble":[0-9.e+-]+', '"asDouble":"-Infinity"', line, count=1) for line in lines
            ],
            "are not finite numbers",
        ),
    ],
    ids=["duplicates", "clock", "nan", "infinity"],
)
def test_strange_payloads_are_judged_and_warned_of(
    phoenix: Phoenix,
    tmp_path: Path,
    lines: Sequence[str],
    change: Callable[[Sequence[str]], list[str]],
    warning: str,
) -> None:
    path = written(tmp_path / "strange.jsonl", change(lines))
    outcome = phoenix("--workspace", ":memory:", "compare", BASELINE, CANDIDATE, "--source", path, "--json")
    assert outcome.code == 0
    told = json.loads(outcome.out)
    assert told["verdict"]["state"] not in {"PROMOTE", "REJECT"}
    assert any(warning in one for one in told["warnings"])
    assert warning in outcome.err


def test_a_selector_that_matches_nothing_is_warned_of(
    phoenix: Phoenix, tmp_path: Path, lines: Sequence[str]
) -> None:
    path = written(tmp_path / "a.jsonl", lines)
    words = (
        "--workspace",
        ":memory:",
        "compare",
        BASELINE,
        CANDIDATE,
        "--source",
        path,
        "--critical",
        "nope*",
    )
    outcome = phoenix(*words)
    assert outcome.code == 0
    assert "warning: The critical selector 'nope*' matched no process." in outcome.err
    assert "no process matched nope*" in outcome.out


@pytest.mark.parametrize("out", ["file", "file/below", "/proc/nowhere"])
def test_an_unwritable_report_folder_is_found_before_the_run(
    phoenix: Phoenix, tmp_path: Path, out: str
) -> None:
    (tmp_path / "file").write_text("")
    words = ("compare", BASELINE, CANDIDATE, "--source", "sim:realistic", "--out", out)
    outcome = phoenix(*words)
    # A file where a folder belongs is wrong usage already for the option itself.
    assert outcome.code == (2 if out == "file" else 1)
    assert "Traceback" not in outcome.err
    if out != "file":
        assert "cannot be written" in outcome.err
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_an_unwritable_workspace(phoenix: Phoenix, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for target in ("file", "file/below"):
        outcome = phoenix("--workspace", target, "experiment", "list")
        assert outcome.code == 1
        assert outcome.err.startswith("error: ")
        assert "\nhint: " in outcome.err


def test_errors_for_programs(phoenix: Phoenix) -> None:
    outcome = phoenix(
        "--workspace", ":memory:", "compare", BASELINE, "nope", "--source", "sim:realistic", "--json"
    )
    assert outcome.code == 1
    told = json.loads(outcome.out)["error"]
    assert told["code"] == "NOT_FOUND"
    assert told["hint"]
