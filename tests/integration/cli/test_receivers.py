"""What the hostmetrics receiver of a configuration says counts from the first payload on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from phoenix_nb.otlp import Dictionaries
from phoenix_nb.simulation import simulate
from phoenix_nb.sources import read_recording, write_recording
from tests.command_line import Phoenix

TEXT = """
receivers:
  hostmetrics:
    collection_interval: {every}
    scrapers:
      process:
        mute_process_all_errors: true
        {process}
exporters:
  otlp: {{endpoint: "localhost:4317"}}
service:
  pipelines:
    metrics: {{receivers: [hostmetrics], exporters: [otlp]}}
"""
EXCLUDE = "exclude: {names: [postgres], match_type: strict}"


def pipeline(folder: Path, name: str, process: str = "", every: str = "10s") -> str:
    (folder / f"{name}.yaml").write_text(TEXT.format(process=process, every=every))
    return f"{name}.yaml"


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight minutes of a simulated host, a scrape every ten seconds."""
    path = tmp_path_factory.mktemp("recording") / "host.jsonl"
    write_recording(path, simulate("realistic", seed=2, scrapes=48, every=10.0))
    return path


def names_in(path: Path) -> set[object]:
    known = Dictionaries()
    for _ in read_recording(path, known):
        pass
    return {name for one in known.resources if (name := one.attributes.get("process.executable.name"))}


def compared(phoenix: Phoenix, *words: str | Path) -> dict[str, Any]:
    outcome = phoenix("--workspace", ":memory:", "compare", *words, "--json", "--no-keep-payloads")
    assert outcome.code == 0, outcome.err
    told: dict[str, Any] = json.loads(outcome.out)
    return told


def test_excluding_a_critical_process_saves_and_is_rejected(
    phoenix: Phoenix, tmp_path: Path, recording: Path
) -> None:
    arms = pipeline(tmp_path, "all"), pipeline(tmp_path, "without", EXCLUDE)
    told = compared(phoenix, *arms, "--source", recording, "--critical", "postgres,nginx")
    assert 0 < told["window"]["points"]["reduction"] < 1
    assert told["verdict"]["state"] == "REJECT"
    assert {one["name"] for one in told["coverage"]["missed"]} == {"postgres"}
    (applied,) = told["applied"]
    assert "candidate" in applied
    assert "postgres" in applied


def test_excluding_what_is_not_critical_loses_nothing_critical(
    phoenix: Phoenix, tmp_path: Path, recording: Path
) -> None:
    arms = pipeline(tmp_path, "all"), pipeline(tmp_path, "without", EXCLUDE)
    told = compared(phoenix, *arms, "--source", recording, "--critical", "nginx")
    assert told["window"]["points"]["reduction"] > 0
    assert told["verdict"]["state"] != "REJECT" or told["verdict"]["decided_by"].startswith("saving")
    assert not told["coverage"]["missed"]


def test_twice_the_interval_sends_half_the_points_and_loses_no_lasting_process(
    phoenix: Phoenix, tmp_path: Path, recording: Path
) -> None:
    arms = pipeline(tmp_path, "fast"), pipeline(tmp_path, "slow", every="20s")
    told = compared(phoenix, *arms, "--source", recording, "--critical", "postgres,nginx")
    assert told["window"]["points"]["reduction"] == pytest.approx(0.5, abs=0.02)
    # An interval of analysis holds two scrapes of the one and one of the other.
    assert told["intervals"] == 24
    assert not told["coverage"]["missed"]
    assert told["coverage"]["covered"] == told["coverage"]["critical_units"] > 0
    assert told["verdict"]["state"] not in {"REJECT", "UNHEALTHY", "DRIFT"}


def test_a_faster_candidate_sends_more(phoenix: Phoenix, tmp_path: Path, recording: Path) -> None:
    arms = pipeline(tmp_path, "slow", every="30s"), pipeline(tmp_path, "fast")
    told = compared(phoenix, *arms, "--source", recording)
    assert told["window"]["points"]["reduction"] == pytest.approx(-2.0, abs=0.1)


def test_receivers_that_ask_for_the_same_are_the_same(
    phoenix: Phoenix, tmp_path: Path, recording: Path
) -> None:
    arms = pipeline(tmp_path, "one", EXCLUDE, "60s"), pipeline(tmp_path, "two", EXCLUDE, "1m")
    told = compared(phoenix, *arms, "--source", recording)
    assert {pair["reduction"] for pair in told["window"].values()} == {0}
    # The shorter interval of the two, here both, is the period of the source.
    assert told["intervals"] == 48


def test_a_metric_that_the_source_lacks_is_no_saving_and_is_named(
    phoenix: Phoenix, tmp_path: Path, recording: Path
) -> None:
    more = pipeline(tmp_path, "more", "metrics: {process.threads: {enabled: true}}")
    told = compared(phoenix, pipeline(tmp_path, "all"), more, "--source", recording)
    assert told["window"]["points"]["reduction"] == 0
    assert any("process.threads, which the candidate asks for" in one for one in told["warnings"])


def test_the_host_gives_each_arm_the_metrics_that_it_asks_for(phoenix: Phoenix, tmp_path: Path) -> None:
    more = pipeline(tmp_path, "more", "metrics: {process.threads: {enabled: true}}")
    less = pipeline(tmp_path, "less", "metrics: {process.memory.virtual: {enabled: false}}")
    told = compared(phoenix, more, less, "--source", "host", "--every", "200ms", "--duration", "1s")
    # One metric with one point per process more in the one, one less in the other.
    points = told["window"]["points"]
    assert points["candidate"] < points["baseline"]
    assert not any("process.threads" in one for one in told["warnings"])
    assert told["applied"] == [
        "The candidate's hostmetrics receiver does not collect process.memory.virtual, process.threads."
    ]


@pytest.mark.parametrize(
    ("process", "source", "path"),
    [
        (
            "metrics: {process.cpu.time: {attributes: []}}",
            "sim:realistic",
            "receivers::hostmetrics::scrapers::process::metrics::process.cpu.time::attributes",
        ),
        (
            "include: {names: [a], match_type: glob}",
            "sim:realistic",
            "receivers::hostmetrics::scrapers::process::include",
        ),
        ("", "host", "receivers::hostmetrics::root_path"),
    ],
)
def test_what_cannot_be_honoured_is_refused_before_the_run(
    phoenix: Phoenix, tmp_path: Path, process: str, source: str, path: str
) -> None:
    plain, other = pipeline(tmp_path, "plain"), pipeline(tmp_path, "other", process)
    if not process:
        text = (tmp_path / other).read_text().replace("    scrapers:", "    root_path: /host\n    scrapers:")
        (tmp_path / other).write_text(text)
    outcome = phoenix("--workspace", ":memory:", "compare", plain, other, "--source", source, "--json")
    assert outcome.code == 1
    told = json.loads(outcome.out)["error"]
    assert told["code"] == "CONFIG_INVALID"
    assert told["details"]["path"] == path
    assert path in told["message"]
    assert told["hint"]


def test_run_diff_and_explain_see_the_receiver(phoenix: Phoenix, tmp_path: Path, recording: Path) -> None:
    everything, without = pipeline(tmp_path, "all"), pipeline(tmp_path, "without", EXCLUDE)
    ran = phoenix("collector", "run", without, "--input", recording, "--output", "out.jsonl", "--json")
    assert ran.code == 0, ran.err
    assert names_in(recording) - names_in(tmp_path / "out.jsonl") == {"postgres"}
    sent = json.loads(ran.out)["outputs"][0]["points"]
    explained = phoenix("collector", "explain", without, "--input", recording, "--json")
    (step,) = json.loads(explained.out)["steps"]
    assert step["component"] == "hostmetrics"
    assert step["points_after"] == sent < step["points_before"]
    assert [one["name"] for one in step["by_process"]] == ["postgres"]
    slow = pipeline(tmp_path, "slow", every="30s")
    differing = json.loads(phoenix("collector", "diff", everything, slow, "--input", recording, "--json").out)
    assert differing["second"]["payloads"] * 3 == differing["first"]["payloads"]
    assert differing["applied"][0].startswith("B's hostmetrics receiver scrapes every 30s")


def test_a_recording_that_breaks_off_says_what_and_where(
    phoenix: Phoenix, tmp_path: Path, recording: Path
) -> None:
    lines = recording.read_bytes().splitlines(keepends=True)
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(b"".join(lines[:40]) + lines[40][:500])
    arms = pipeline(tmp_path, "one"), pipeline(tmp_path, "two", EXCLUDE)
    outcome = phoenix("--workspace", ":memory:", "compare", *arms, "--source", cut, "--json")
    assert outcome.code == 1
    told = json.loads(outcome.out)["error"]
    assert told["code"] == "RUN_FAILED"
    assert told["details"]["cause"] == "PAYLOAD_DECODE"
    assert told["details"]["line"] == 41
    assert told["details"]["path"] == str(cut)
    for words in ("PAYLOAD_DECODE", "line 41"):
        assert words in told["message"]
        assert words in outcome.err
