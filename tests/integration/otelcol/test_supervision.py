"""A collector under supervision: crashes, hangs, clashes, refusals, and nothing that outlives its owner."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from phoenix_nb.collector import catalog
from phoenix_nb.errors import ClosedError, ConfigError, InvalidRequestError, UnavailableError
from phoenix_nb.otelcol import (
    CollectorBinary,
    CollectorState,
    OtelcolEngine,
    Patience,
    probe_collector,
    rewrite,
    validate_with_collector,
)
from phoenix_nb.otlp import Dictionaries, encode_json
from phoenix_nb.testing.contracts import PipelineEngineContract, sample_frames

ENVIRONMENT = {"PATH": os.defpath}
PASS = """
receivers: {otlp: {protocols: {grpc: {endpoint: 127.0.0.1:4317}}}}
exporters: {debug: {}}
service: {pipelines: {metrics: {receivers: [otlp], exporters: [debug]}}}
"""
NAMED = """
receivers: {hostmetrics: {scrapers: {process: {}}}}
processors:
  filter/small:
    error_mode: ignore
    metrics: {datapoint: ['resource.attributes["process.executable.name"] == "nginx"']}
  batch:
exporters: {otlp/backend: {endpoint: nowhere.invalid:4317}, debug: {}}
extensions: {health_check: {endpoint: 0.0.0.0:13133}}
service:
  extensions: [health_check]
  pipelines: {metrics: {receivers: [hostmetrics], processors: [filter/small, batch], exporters: [otlp/backend, debug]}}
"""
REFUSING = """
receivers: {otlp: {protocols: {http: {}}}}
processors:
  filter:
    error_mode: propagate
    metrics: {datapoint: ['Substring(resource.attributes["process.executable.name"], 0, 6) == "nginx"']}
exporters: {debug: {}}
service: {pipelines: {metrics: {receivers: [otlp], processors: [filter], exporters: [debug]}}}
"""
Start = Callable[..., OtelcolEngine]


class TestOtelcolEngine(PipelineEngineContract):
    @pytest.fixture(params=[PASS, NAMED.replace(", batch]", "]")], ids=["pass", "filter"])
    def make(self, request: pytest.FixtureRequest, start: Start) -> Callable[[Dictionaries], OtelcolEngine]:
        return lambda dictionaries: start(request.param, dictionaries)

    @pytest.fixture
    def subject(self, make: Callable[[Dictionaries], OtelcolEngine]) -> OtelcolEngine:
        return make(Dictionaries())


def test_what_passes_is_what_was_sent(start: Start) -> None:
    dictionaries = Dictionaries()
    frames = sample_frames(dictionaries, 6)
    output = start(PASS, dictionaries).process(frames)
    assert not output.regrouped
    assert encode_json(output.by_exporter["debug"]) == encode_json(frames)


def test_a_pipeline_is_run_as_written_with_its_costs(start: Start) -> None:
    dictionaries = Dictionaries()
    frames = sample_frames(dictionaries, 4)
    engine = start(NAMED, dictionaries)
    assert engine.exporters == ("otlp/backend", "debug")
    output = engine.process(frames)
    assert output.regrouped
    kept = [resource.attributes.get("process.executable.name") for resource in dictionaries.resources]
    for name in engine.exporters:
        sent = output.by_exporter[name]
        assert sent.n_points == frames.n_points * 2 // 3
        assert "nginx" not in {kept[number] for number in np.unique(sent.rm_resource).tolist()}
    measures = output.measures
    assert measures is not None
    assert len(measures.latency_seconds) == len(measures.cpu_seconds) == len(measures.rss_bytes) == 4
    assert all(one > 0 for one in measures.latency_seconds)
    assert sum(one or 0.0 for one in measures.cpu_seconds) > 0
    assert all(one is not None and one > 1_000_000 for one in measures.rss_bytes)
    told = engine.telemetry()
    assert told is not None
    assert told.accepted_points == frames.n_points
    assert told.refused_points == 0
    assert told.filtered_points == {"filter/small": frames.n_points // 3}
    assert told.outgoing_points["filter/small"] == told.batched_points["batch"] == frames.n_points * 2 // 3
    assert told.sent_points == dict.fromkeys(engine.exporters, frames.n_points * 2 // 3)
    assert told.cpu_seconds is not None
    assert told.rss_bytes is not None
    assert told.queue_size is None


def test_a_killed_collector_is_silent_and_says_why(start: Start) -> None:
    dictionaries = Dictionaries()
    frames = sample_frames(dictionaries, 2)
    engine = start(PASS, dictionaries)
    assert not engine.process(frames).failure
    os.kill(engine.pid, signal.SIGKILL)
    output = engine.process(frames)
    assert "SIGKILL" in output.failure
    assert not output.by_exporter
    assert engine.state is CollectorState.FAILED
    assert engine.process(frames).failure == output.failure
    assert engine.flush().failure == output.failure
    assert engine.telemetry() is None


def test_a_collector_that_hangs_is_ended(collector: CollectorBinary) -> None:
    dictionaries = Dictionaries()
    engine = OtelcolEngine(
        collector, rewrite(PASS, ENVIRONMENT), dictionaries, ENVIRONMENT, patience=Patience(answer=0.5)
    )
    os.kill(engine.pid, signal.SIGSTOP)
    output = engine.process(sample_frames(dictionaries, 1))
    assert "did not answer" in output.failure
    assert not psutil.pid_exists(engine.pid)
    engine.close()


def test_refused_payloads_are_refused_and_not_empty(start: Start) -> None:
    dictionaries = Dictionaries()
    frames = sample_frames(dictionaries, 3)
    output = start(REFUSING, dictionaries).process(frames)
    assert sorted(output.refused) == [0, 1, 2]
    assert "invalid range for substring" in output.refused[0]
    assert output.by_exporter["debug"].n_points == 0
    assert not output.failure


def test_two_arms_at_once_keep_out_of_each_others_way(start: Start) -> None:
    results: dict[str, list[bytes]] = {}

    def arm(name: str, text: str) -> None:
        dictionaries = Dictionaries()
        engine = start(text, dictionaries)
        sent = [engine.process(sample_frames(dictionaries, 1, first=number)) for number in range(5)]
        results[name] = [raw for one in sent for raw in encode_json(one.by_exporter["debug"])]

    threads = [threading.Thread(target=arm, args=(name, text)) for name, text in (("a", PASS), ("b", NAMED))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results["a"] == encode_json(sample_frames(Dictionaries(), 5))
    assert sum(map(len, results["b"])) < sum(map(len, results["a"]))


def test_a_port_that_was_taken_meanwhile_is_chosen_anew(collector: CollectorBinary) -> None:
    from phoenix_nb.otelcol._run import free_ports

    asked = []
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        def ports(count: int) -> list[int]:
            asked.append(count)
            free = free_ports(count)
            first = int(taken.getsockname()[1])
            return {1: [first, free[1]], 2: [free[0], first]}.get(len(asked), free)

        dictionaries = Dictionaries()
        engine = OtelcolEngine(collector, rewrite(PASS, ENVIRONMENT), dictionaries, ENVIRONMENT, ports=ports)
        assert len(asked) == 3
        assert not engine.process(sample_frames(dictionaries, 1)).failure
        engine.close()


def test_what_the_collector_refuses_is_told_in_its_words(start: Start, collector: CollectorBinary) -> None:
    text = PASS.replace("exporters: [debug]", "processors: [filter], exporters: [debug]") + (
        "processors: {filter: {metrics: {datapoint: ['nonsense(']}}}\n"
    )
    answer = validate_with_collector(collector, text, environment=ENVIRONMENT)
    assert not answer.valid
    assert answer.exit_code == 1
    assert answer.reason.startswith("processors::filter: ")
    with pytest.raises(ConfigError, match="processors::filter: ") as refused:
        start(text, Dictionaries())
    assert " ".join(answer.reason.split()) in refused.value.message


def test_a_stopped_engine_takes_nothing_more(start: Start) -> None:
    dictionaries = Dictionaries()
    frames = sample_frames(dictionaries, 1)
    engine = start(PASS, dictionaries)
    with pytest.raises(InvalidRequestError, match="other dictionaries"):
        engine.process(sample_frames(Dictionaries(), 1))
    engine.process(frames)
    assert not engine.flush().failure
    assert engine.state is CollectorState.STOPPED
    assert not psutil.pid_exists(engine.pid)
    with pytest.raises(ClosedError):
        engine.process(frames)


_OWNER = """
import sys, time
from pathlib import Path
from phoenix_nb.otelcol import OtelcolEngine, probe_collector, rewrite
from phoenix_nb.otlp import Dictionaries
engine = OtelcolEngine(probe_collector(Path(sys.argv[1])), rewrite(sys.argv[2], {}), Dictionaries(), {"PATH": ""})
print(engine.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("who", ["owner", "guard"])
def test_nothing_outlives_its_owner_however_it_ends(collector: CollectorBinary, who: str) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", _OWNER, str(collector.path), PASS], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    with owner, owner.stdout:
        process = psutil.Process(int(owner.stdout.readline()))
        guard = process.parent()
        assert guard is not None
        if who == "guard" and not sys.platform.startswith("linux"):
            owner.kill()
            pytest.skip("only Linux ends a process with its parent")
        (owner if who == "owner" else guard).kill()
        gone = _gone(process)
        owner.kill()
    assert gone
    assert _gone(guard)


def _gone(process: psutil.Process) -> bool:
    """Whether a process ends within ten seconds; one that nobody has collected yet has ended too."""
    for _ in range(500):
        try:
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def test_a_program_that_is_no_collector_is_told_apart() -> None:
    with pytest.raises(UnavailableError, match="cannot be used as a collector"):
        probe_collector(Path(sys.executable))


@pytest.mark.parametrize("name", catalog.names())
def test_every_catalogue_pipeline_is_accepted_by_the_collector(collector: CollectorBinary, name: str) -> None:
    answer = validate_with_collector(collector, catalog.load(name).yaml, environment=ENVIRONMENT)
    assert (answer.exit_code, answer.text) == (0, "")
