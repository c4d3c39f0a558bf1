"""Ctrl-C in the middle: exit 130, a consistent state, and the next command works."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from phoenix_nb.otlp import Dictionaries
from phoenix_nb.sources import read_recording

Phoenix = Callable[..., Any]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sends signals and records through /proc")

START = [sys.executable, "-c", "from phoenix_nb.cli import main; main()"]
LONG = (
    "compare",
    "process-baseline-v1",
    "process-priority-v1",
    "--source",
    "host",
    "--every",
    "100ms",
    "--duration",
    "10m",
)


class Started:
    """A command in a process of its own."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [*START, *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition; the test's own timeout ends a wait that never ends."""
        while not condition():
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.05)

    def interrupted(self, times: int = 1) -> tuple[int, str]:
        for _ in range(times):
            self.process.send_signal(signal.SIGINT)
            time.sleep(0.1)
        _, err = self.process.communicate(timeout=60)
        return self.process.returncode, err


Start = Callable[..., Started]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts commands in the test's folder; none of them outlives the test."""
    running: list[Started] = []

    def start(*words: str) -> Started:
        running.append(Started(tmp_path, *words))
        return running[-1]

    yield start
    for one in running:
        with one.process as process:
            process.kill()


DROPPED = """
import os, signal, sys, time
from phoenix_nb.cli._errors import guarded
from phoenix_nb.cli._interrupts import heed_interrupts
from phoenix_nb.cli._progress import counted

class Finalized:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0)

def in_a_finalizer():
    Finalized()
    time.sleep(600)

def in_a_library():
    with counted("simulating", None, "scrapes") as progress:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0)
        except KeyboardInterrupt:
            pass
        progress(1)
        time.sleep(600)

heed_interrupts()
sys.exit(guarded({work}, debug=False))
"""


@pytest.mark.parametrize("work", ["in_a_finalizer", "in_a_library"])
def test_one_that_something_drops(work: str) -> None:
    words = [sys.executable, "-c", DROPPED.replace("{work}", work)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 130
    assert done.stderr == "interrupted; what was acknowledged is kept\n"


@pytest.mark.parametrize("times", [1, 2])
def test_a_comparison(phoenix: Phoenix, start: Start, tmp_path: Path, times: int) -> None:
    started = start(*LONG)
    store = tmp_path / ".phoenix" / "store.duckdb"
    journal = tmp_path / ".phoenix" / "store.duckdb.wal"
    started.until(lambda: store.exists() and journal.exists() and journal.stat().st_size > 200_000)
    code, err = started.interrupted(times)
    assert code == 130
    assert "Traceback" not in err
    assert "interrupted" in err
    listed = phoenix("experiment", "list", "--json")
    assert listed.code == 0, listed.err
    [one] = json.loads(listed.out)
    assert one["state"] in {"cancelled", "failed"}
    assert one["state_reason"]
    if times == 1:
        assert one["state"] == "cancelled"
        assert "interrupted at the terminal" in one["state_reason"]
    again = phoenix(
        "compare",
        "process-baseline-v1",
        "process-priority-v1",
        "--source",
        "sim:realistic",
        "--duration",
        "1m",
    )
    assert again.code == 0
    assert phoenix("experiment", "delete", one["experiment_id"]).code == 0


def test_a_recording_keeps_what_is_whole(start: Start, tmp_path: Path) -> None:
    started = start("record", "--every", "100ms", "--duration", "10m", "--output", "host.jsonl")
    started.until(lambda: any(one.stat().st_size > 300_000 for one in tmp_path.iterdir()))
    code, err = started.interrupted()
    assert code == 130
    assert "every scrape taken so far is in the file" in err
    assert [one.name for one in tmp_path.iterdir()] == ["host.jsonl"]
    assert sum(frames.n_payloads for frames in read_recording(tmp_path / "host.jsonl", Dictionaries())) >= 1


def test_a_simulation_leaves_no_file(start: Start, tmp_path: Path) -> None:
    started = start("simulate", "stress", "--scrapes", "100000", "--output", "sim.jsonl")
    started.until(lambda: any(tmp_path.iterdir()))
    code, err = started.interrupted()
    assert code == 130
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_a_collector_run_writes_nothing(start: Start, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "in.jsonl")  # Nobody writes into it: the command waits for its first payload.
    words = ("--input", "in.jsonl", "--output", "out.jsonl")
    started = start("collector", "run", "process-baseline-v1", *words)
    started.until(lambda: any(one.name.endswith(".part") for one in tmp_path.iterdir()))
    code, err = started.interrupted()
    assert code == 130
    assert err.splitlines()[-1] == "interrupted; nothing was written"
    assert [one.name for one in tmp_path.iterdir()] == ["in.jsonl"]


@pytest.mark.kernel
def test_a_report(phoenix: Phoenix, start: Start, tmp_path: Path) -> None:
    words = ("--source", "sim:realistic", "--duration", "1m", "--out", "out")
    started = start("compare", "process-baseline-v1", "process-priority-v1", *words)
    # The report's staging folder appears when its own process is about to start.
    started.until(lambda: any((tmp_path / "out").glob(".rep_*/comparison.json")))
    code, err = started.interrupted()
    assert code == 130
    assert "Traceback" not in err
    assert list((tmp_path / "out").iterdir()) == []
    listed = phoenix("experiment", "list", "--json")
    assert listed.code == 0, listed.err
    [one] = json.loads(listed.out)
    assert one["state"] == "completed"
    assert phoenix("report", "run", "comparison", "--out", "again").code == 0
