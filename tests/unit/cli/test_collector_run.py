"""``phoenix collector run``: lines in, lines out, in order, and nothing half-written."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phoenix_nb.collector import EmbeddedEngine

Phoenix = Callable[..., Any]

_CONFIG = """
receivers: {otlp: {protocols: {http: }}}
processors:
  filter: {metrics: {datapoint: ['attributes["k"] == "drop"']}}
exporters: {otlp_http: {endpoint: http://localhost:4318}}
service: {pipelines: {metrics: {receivers: [otlp], processors: [filter], exporters: [otlp_http]}}}
"""
_TWO = """
receivers: {otlp: {protocols: {http: }}}
processors:
  filter: {metrics: {datapoint: ['attributes["k"] == "drop"']}}
exporters: {otlp_http/a: {endpoint: http://localhost:4318}, otlp_http/b: {endpoint: http://localhost:4318}}
service:
  pipelines:
    metrics/all: {receivers: [otlp], exporters: [otlp_http/a]}
    metrics/some: {receivers: [otlp], processors: [filter], exporters: [otlp_http/b]}
"""
_TIMER = """
receivers: {otlp: {protocols: {http: }}}
processors: {interval: {interval: 60s}}
exporters: {otlp_http: {endpoint: http://localhost:4318}}
service: {pipelines: {metrics: {receivers: [otlp], processors: [interval], exporters: [otlp_http]}}}
"""


def _payload(value: int, key: str) -> dict[str, Any]:
    point = {
        "timeUnixNano": str(10**18 + value),
        "asInt": str(value),
        "attributes": [{"key": "k", "value": {"stringValue": key}}],
    }
    metric = {"name": "m", "gauge": {"dataPoints": [point]}}
    return {"resourceMetrics": [{"resource": {}, "scopeMetrics": [{"scope": {}, "metrics": [metric]}]}]}


def _write(path: Path, *payloads: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(payload) + "\n" for payload in payloads))
    return path


def _values(path: Path) -> list[int]:
    return [
        int(
            json.loads(line)["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]["gauge"]["dataPoints"][0][
                "asInt"
            ]
        )
        for line in path.read_text().splitlines()
    ]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return _write(
        tmp_path / "in.jsonl", _payload(1, "keep"), _payload(2, "drop"), _payload(3, "keep"), _payload(4, "x")
    )


def _config(folder: Path, text: str) -> Path:
    path = folder / "c.yaml"
    path.write_text(text)
    return path


def test_lines_come_out_in_order_and_empty_payloads_write_none(
    phoenix: Phoenix, tmp_path: Path, recording: Path
) -> None:
    done = phoenix(
        "collector", "run", _config(tmp_path, _CONFIG), "--input", recording, "--output", "out.jsonl"
    )
    assert done.code == 0, done.err
    assert done.out == ""
    assert _values(tmp_path / "out.jsonl") == [1, 3, 4]


def test_json_tells_what_went_through(phoenix: Phoenix, tmp_path: Path, recording: Path) -> None:
    done = phoenix(
        "collector", "run", _config(tmp_path, _CONFIG), "--input", recording, "--output", "o.jsonl", "--json"
    )
    found = json.loads(done.out)
    assert (found["payloads"], found["points"]) == (4, 4)
    assert found["outputs"] == [{"exporter": "otlp_http", "path": "o.jsonl", "payloads": 3, "points": 3}]


def test_several_exporters_fill_a_folder(phoenix: Phoenix, tmp_path: Path, recording: Path) -> None:
    config = _config(tmp_path, _TWO)
    assert phoenix("collector", "run", config, "--input", recording, "--output", "out").code == 0
    assert _values(tmp_path / "out" / "otlp_http_a.jsonl") == [1, 2, 3, 4]
    assert _values(tmp_path / "out" / "otlp_http_b.jsonl") == [1, 3, 4]
    one = phoenix(
        "collector", "run", config, "--input", recording, "--output", "b.jsonl", "--exporter", "otlp_http/b"
    )
    assert one.code == 0
    assert _values(tmp_path / "b.jsonl") == [1, 3, 4]


def test_timers_fire_when_asked(phoenix: Phoenix, tmp_path: Path) -> None:
    recording = _write(tmp_path / "in.jsonl", *(_payload(value, "k") for value in (1, 2, 3)))
    config = _config(tmp_path, _TIMER)
    words = ("collector", "run", config, "--input", recording, "--output", "out.jsonl")
    assert phoenix(*words).code == 0
    assert _values(tmp_path / "out.jsonl") == [3]
    assert phoenix(*words, "--ticks", "every-input").code == 0
    assert _values(tmp_path / "out.jsonl") == [1, 2, 3]


def test_broken_line_is_named_and_nothing_is_written(phoenix: Phoenix, tmp_path: Path) -> None:
    recording = _write(tmp_path / "in.jsonl", *(_payload(value, "k") for value in range(40)))
    with recording.open("a") as file:
        file.write('\n{"resourceMetrics": 5}\n')
    done = phoenix("collector", "run", _config(tmp_path, _TWO), "--input", recording, "--output", "folder")
    assert done.code == 1
    assert "line 42" in done.err
    assert "Traceback" not in done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.yaml", "in.jsonl"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--output", "o.jsonl", "--exporter", "nope"), "no metrics pipeline has an exporter 'nope'"),
        (("--output", "o.txt"), "not named like a recording"),
        (("--output", "nowhere/o.jsonl"), "does not exist"),
        (("--output", "o.jsonl", "--engine", "otelcol", "--ticks", "every-input"), "own clock"),
        (("--output", "o.jsonl", "--collector-version", "latest"), "not a collector release"),
    ],
)
def test_what_makes_no_sense_is_refused(
    phoenix: Phoenix, tmp_path: Path, recording: Path, words: tuple[str, ...], said: str
) -> None:
    done = phoenix("collector", "run", _config(tmp_path, _CONFIG), "--input", recording, *words)
    assert done.code == 1
    assert said in done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.yaml", "in.jsonl"]


def _linked(recording: Path) -> Path:
    (recording.parent / "link.jsonl").symlink_to(recording)
    return recording.parent / "link.jsonl"


def _linked_hard(recording: Path) -> Path:
    (recording.parent / "link.jsonl").hardlink_to(recording)
    return recording.parent / "link.jsonl"


@pytest.mark.parametrize("name", [lambda one: one, lambda one: Path(".", one.name), _linked, _linked_hard])
def test_recording_is_never_overwritten(
    phoenix: Phoenix, tmp_path: Path, recording: Path, name: Callable[[Path], Path]
) -> None:
    before, other = recording.read_bytes(), name(recording)
    # Had it been read first, this would be what is told.
    recording.write_bytes(b"no payload")
    for given, output in ((recording, other), (other, recording)):
        done = phoenix("collector", "run", _config(tmp_path, _CONFIG), "--input", given, "--output", output)
        assert done.code == 1
        assert f"the output {output} is the same file as the input {given}" in done.err
        assert "hint: name another file" in done.err
        assert recording.read_bytes() == b"no payload"
    recording.write_bytes(before)
    done = phoenix("collector", "run", _config(tmp_path, _CONFIG), "--input", other, "--output", "o.jsonl")
    assert done.code == 0


def test_recording_in_the_folder_of_the_output_is_never_overwritten(phoenix: Phoenix, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    recording = _write(tmp_path / "out" / "otlp_http_b.jsonl", _payload(1, "keep"), _payload(2, "drop"))
    before = recording.read_bytes()
    config = _config(tmp_path, _TWO)
    done = phoenix("collector", "run", config, "--input", recording, "--output", "out")
    assert done.code == 1
    assert f"is the same file as the input {recording}" in done.err
    assert recording.read_bytes() == before
    assert list((tmp_path / "out").iterdir()) == [recording]
    words = ("--output", "out/other.jsonl", "--exporter", "otlp_http/b")
    assert phoenix("collector", "run", config, "--input", recording, *words).code == 0


def test_interrupt_after_the_end_keeps_the_output(
    phoenix: Phoenix, tmp_path: Path, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def close(_: EmbeddedEngine) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(EmbeddedEngine, "close", close)
    config = _config(tmp_path, _CONFIG)
    done = phoenix("collector", "run", config, "--input", recording, "--output", "out.jsonl")
    assert done.code == 130
    assert "nothing was written" not in done.err
    assert _values(tmp_path / "out.jsonl") == [1, 3, 4]


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_folder_that_takes_no_file_is_no_missing_one(
    phoenix: Phoenix, tmp_path: Path, recording: Path
) -> None:
    config = _config(tmp_path, _CONFIG)
    done = phoenix("collector", "run", config, "--input", recording, "--output", "/proc/o.jsonl")
    assert done.code == 1
    assert "hint: no file can be created in this folder" in done.err


def test_help_says_where_the_engines_differ(phoenix: Phoenix) -> None:
    assert "batch" in phoenix("collector", "run", "--help").out


def test_nothing_in_is_nothing_out(phoenix: Phoenix, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").touch()
    done = phoenix(
        "collector", "run", _config(tmp_path, _CONFIG), "--input", "in.jsonl", "--output", "out.jsonl"
    )
    assert done.code == 0
    assert (tmp_path / "out.jsonl").read_bytes() == b""


def test_payload_without_points_ends_at_the_receiver(phoenix: Phoenix, tmp_path: Path) -> None:
    empty = {"resourceMetrics": [{"resource": {}, "scopeMetrics": [{"metrics": [{"name": "m"}]}]}]}
    recording = _write(tmp_path / "in.jsonl", _payload(1, "k"), empty, _payload(2, "k"))
    words = ("collector", "run", _config(tmp_path, _CONFIG), "--input", recording, "--output", "out.jsonl")
    assert phoenix(*words).code == 0
    assert _values(tmp_path / "out.jsonl") == [1, 2]


def test_missing_input_is_wrong_usage(phoenix: Phoenix, tmp_path: Path) -> None:
    assert phoenix("collector", "run", _config(tmp_path, _CONFIG), "--output", "o.jsonl").code == 2
