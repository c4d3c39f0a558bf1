"""``simulate`` and ``record``: complete files or none."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phoenix_nb.otlp import Dictionaries
from phoenix_nb.sources import read_recording

Phoenix = Callable[..., Any]


def payloads(path: Path) -> int:
    return sum(frames.n_payloads for frames in read_recording(path, Dictionaries()))


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.zst", "a.jsonl.gz", "a.parquet"])
def test_simulate_gives_the_same_bytes(phoenix: Phoenix, tmp_path: Path, name: str) -> None:
    words = ("simulate", "realistic", "--seed", "3", "--scrapes", "4", "--every", "10s", "--output")
    assert phoenix(*words, tmp_path / name).code == 0
    (tmp_path / "again").mkdir()
    assert phoenix(*words, tmp_path / "again" / name).code == 0
    assert (tmp_path / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    assert payloads(tmp_path / name) == 4


def test_optimize_never_overwrites_its_recording(phoenix: Phoenix, tmp_path: Path) -> None:
    recording = tmp_path / "host.jsonl"
    assert phoenix("simulate", "realistic", "--scrapes", "2", "--output", recording).code == 0
    before = recording.read_bytes()
    (tmp_path / "link.jsonl").symlink_to(recording)
    done = phoenix("optimize", "--recording", recording, "--out", "link.jsonl")
    assert done.code == 1
    assert "the output link.jsonl is the same file as the input" in done.err
    assert recording.read_bytes() == before


def test_unknown_recording_is_told_every_ending(phoenix: Phoenix) -> None:
    done = phoenix("collector", "lint", "process-baseline-v1", "--input", "nowhere.jsonl")
    assert done.code == 1
    assert ".jsonl, .jsonl.zst, .jsonl.gz or .parquet" in done.err


def test_another_seed_gives_other_bytes(phoenix: Phoenix, tmp_path: Path) -> None:
    for seed in ("1", "2"):
        phoenix("simulate", "realistic", "--seed", seed, "--scrapes", "2", "--output", f"{seed}.jsonl")
    assert (tmp_path / "1.jsonl").read_bytes() != (tmp_path / "2.jsonl").read_bytes()


def test_simulate_tells_programs(phoenix: Phoenix, tmp_path: Path) -> None:
    outcome = phoenix("simulate", "realistic", "--scrapes", "2", "--output", "a.jsonl", "--json")
    told = json.loads(outcome.out)
    assert told["payloads"] == 2
    assert told["bytes"] == (tmp_path / "a.jsonl").stat().st_size
    assert told["points"] > 0


@pytest.mark.skipif(sys.platform != "linux", reason="the /proc reader needs Linux")
def test_record_this_machine(phoenix: Phoenix, tmp_path: Path) -> None:
    outcome = phoenix("record", "--every", "100ms", "--duration", "300ms", "--output", "host.jsonl.zst")
    assert outcome.code == 0
    assert "3 scrapes" in outcome.out
    assert payloads(tmp_path / "host.jsonl.zst") == 3


def test_record_a_simulation(phoenix: Phoenix, tmp_path: Path) -> None:
    words = (
        "record",
        "--source",
        "sim:realistic",
        "--every",
        "10s",
        "--duration",
        "1m",
        "--output",
        "s.jsonl",
    )
    assert phoenix(*words).code == 0
    assert payloads(tmp_path / "s.jsonl") == 6


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("simulate", "nope", "--output", "x.jsonl"), "no load profile is called 'nope'"),
        (("simulate", "realistic", "--output", "x.txt"), "not named like a recording"),
        (("simulate", "realistic", "--output", "nowhere/x.jsonl"), "the folder does not exist"),
        (("record", "--source", "sim:realistic", "--output", "x.jsonl"), "--duration"),
        (("record", "--source", "sim:nope", "--duration", "1m", "--output", "x.jsonl"), "'nope'"),
        (("record", "--source", "nope", "--output", "x.jsonl"), "no source or file"),
        (("record", "--duration", "1s", "--output", "x.txt"), "not named like a recording"),
    ],
)
def test_refused_recordings_leave_nothing(
    phoenix: Phoenix, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    outcome = phoenix(*words)
    assert outcome.code == 1
    assert says in outcome.err
    assert "hint: " in outcome.err
    assert "Traceback" not in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_a_recording_is_not_recorded_again(phoenix: Phoenix, tmp_path: Path) -> None:
    phoenix("simulate", "realistic", "--scrapes", "1", "--output", "a.jsonl")
    outcome = phoenix("record", "--source", "a.jsonl", "--output", "b.jsonl")
    assert outcome.code == 1
    assert "is a recording already" in outcome.err
    assert not (tmp_path / "b.jsonl").exists()


@pytest.mark.parametrize("name", ["x.jsonl", "x.parquet"])
def test_a_full_disk_leaves_nothing(
    phoenix: Phoenix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    outcome = phoenix("simulate", "realistic", "--scrapes", "2", "--output", name)
    assert outcome.code == 1
    assert "No space left on device [STORAGE_FAILED]" in outcome.err
    assert "the disk is full" in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_simulation_leaves_nothing(
    phoenix: Phoenix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from phoenix_nb.sources import RecordingWriter

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(RecordingWriter, "write", interrupted)
    monkeypatch.setattr("phoenix_nb.cli._errors.leave_on_next_interrupt", lambda: None)
    outcome = phoenix("simulate", "realistic", "--scrapes", "2", "--output", "x.jsonl")
    assert outcome.code == 130
    assert "interrupted" in outcome.err
    assert list(tmp_path.iterdir()) == []
