"""The embedded engine against the collector's own processors in one process, same payloads, CPU per million points."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench._measure import Row, compare
from bench._scrapes import scrapes
from phoenix_nb.analysis import combined_output
from phoenix_nb.collector import compile_config, parse_config
from phoenix_nb.otlp import Decoder, Dictionaries, Frames, encode_json, encode_protobuf, measure
from phoenix_nb.otlp._attributes import _read_item

_HEAD = "receivers: {otlp: {protocols: {http: {}}}}\nexporters: {file: {path: out.jsonl}}\n"
_IDENTITY = r"^process\.(pid|parent_pid|command_line|command|executable\.path|owner)$$"
_CHAINS: dict[str, tuple[str, float | None]] = {
    "pass-through": ("batch: {send_batch_size: 0}", None),
    "three OTTL conditions": (
        """
  filter:
    metrics:
      datapoint:
        - IsMatch(resource.attributes["process.executable.name"], "^(sh|bash|sleep|python)")
        - metric.name == "process.disk.io" and attributes["direction"] == "read"
        - IsMatch(resource.attributes["process.command_line"], "--worker") and metric.name != "process.cpu.time"
""",
        0.1,
    ),
    "filter on value": (
        """
  filter:
    metrics:
      datapoint:
        - metric.name == "process.memory.usage" and value_int < 20000000
        - metric.name == "process.cpu.time" and value_double < 0.5
""",
        0.25,
    ),
    "strip, group, aggregate": (
        f"""
  resource:
    attributes:
      - {{pattern: '{_IDENTITY}', action: delete}}
  groupbyattrs: {{}}
  transform:
    metric_statements:
      - context: metric
        statements: ['aggregate_on_attributes("sum")']
""",
        0.1,
    ),
    "metricstransform combine": (
        f"""
  resource:
    attributes:
      - {{pattern: '{_IDENTITY}', action: delete}}
  metricstransform:
    transforms:
      - include: ^process\\.memory\\.(?P<kind>.*)$$
        match_type: regexp
        action: combine
        aggregation_type: sum
        new_name: process.memory
        operations:
          - {{action: aggregate_labels, label_set: [kind], aggregation_type: sum}}
""",
        0.1,
    ),
    "cumulativetodelta": ("cumulativetodelta: {}", 0.1),
    "rename": (
        """
  metricstransform:
    transforms:
      - include: ^process\\.(.*)$$
        match_type: regexp
        action: update
        new_name: host.process.$${1}
""",
        0.1,
    ),
}
"""Name, processors, and the largest ratio that is the goal."""
_FAR_LESS = {("strip, group, aggregate", 5000): 0.02}
"""The goal where the collector grows faster than linearly."""


@dataclass(frozen=True)
class _Payloads:
    """The same payloads in every form that a side needs."""

    label: str
    processes: int
    points: int
    protobuf: tuple[bytes, ...]
    json: bytes


@cache
def _payloads(processes: int, count: int) -> _Payloads:
    wires = tuple(scrapes(processes, count))
    frames = Decoder(Dictionaries()).protobuf(wires)
    return _Payloads(
        f"{processes} processes × {count} scrapes",
        processes,
        frames.n_points,
        wires,
        b"\n".join(encode_json(frames)),
    )


def _config(processors: str) -> str:
    body = processors if processors.startswith("\n") else f"\n  {processors}\n"
    names = [
        line.strip().partition(":")[0] for line in body.splitlines() if line[:3].strip() and line[:2] == "  "
    ]
    listed = ", ".join(name for name in names if name)
    return (
        f"{_HEAD}processors:{body}"
        f"service: {{pipelines: {{metrics: {{receivers: [otlp], processors: [{listed}], exporters: [file]}}}}}}\n"
    )


def _frames(payloads: _Payloads) -> tuple[Dictionaries, list[Frames]]:
    # A fresh process has read no attribute yet.
    _read_item.cache_clear()
    dictionaries = Dictionaries()
    return dictionaries, [Decoder(dictionaries).protobuf(payloads.protobuf)]


def _touch(frames: Frames) -> int:
    """Hold the output in hand: every kept row of every column."""
    return int(frames.n_points + len(frames.p_time) + len(frames.p_int) + len(frames.p_series_key))


class _Ours:
    """CPU seconds per million points of the embedded engine, by phase."""

    def __init__(self, payloads: _Payloads, text: str) -> None:
        self._payloads = payloads
        self._config = parse_config(text)

    def decode(self) -> float:
        begin = time.process_time()
        _, frames = _frames(self._payloads)
        assert sum(one.n_points for one in frames) == self._payloads.points
        return self._per_million(time.process_time() - begin)

    def evaluate(self) -> float:
        dictionaries, frames = _frames(self._payloads)
        begin = time.process_time()
        self._run(dictionaries, frames)
        return self._per_million(time.process_time() - begin)

    def encode(self) -> float:
        dictionaries, frames = _frames(self._payloads)
        outputs = self._run(dictionaries, frames)
        begin = time.process_time()
        for one in outputs:
            encode_protobuf(one)
        return self._per_million(time.process_time() - begin)

    def count(self) -> float:
        """Decode, evaluate, count series, points and bytes."""
        begin = time.process_time()
        dictionaries, frames = _frames(self._payloads)
        for one in self._run(dictionaries, frames):
            measure(one)
        return self._per_million(time.process_time() - begin)

    def _run(self, dictionaries: Dictionaries, frames: list[Frames]) -> list[Frames]:
        engine = compile_config(self._config, dictionaries)
        outputs = []
        for one in frames:
            sent = combined_output(engine.process(one))
            if sent is not None:
                _touch(sent)
                outputs.append(sent)
        return outputs

    def _per_million(self, seconds: float) -> float:
        return seconds / self._payloads.points * 1e6


def _chainrun() -> Path:
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    found = cache_home / "phoenix" / "otelcol-0.159.0" / "chainrun"
    if not found.is_file():
        raise SystemExit("chainrun is missing: run .ci/install-otelcol first")
    return found


@contextmanager
def _files(payloads: _Payloads, text: str) -> Iterator[tuple[Path, Path]]:
    with tempfile.TemporaryDirectory(prefix="phx-bench-") as folder:
        config, data = Path(folder) / "config.yaml", Path(folder) / "in.jsonl"
        config.write_text(text)
        data.write_bytes(payloads.json)
        yield config, data


class _Theirs:
    """The same of the collector's processors; one run gives every phase."""

    def __init__(self, payloads: _Payloads, text: str) -> None:
        self._payloads, self._text = payloads, text
        self._last: dict[str, float] = {}

    def phase(self, name: str) -> float:
        if name not in self._last:
            self._last = self._measure()
        return self._last.pop(name)

    def _measure(self) -> dict[str, float]:
        passes = max(1, round(400_000 / self._payloads.points))
        with _files(self._payloads, self._text) as (config, data):
            done = subprocess.run(
                [_chainrun(), "-config", config, "-input", data, "-bench", str(passes)],
                capture_output=True,
                text=True,
                check=True,
                env={**os.environ, "GOMAXPROCS": "1"},
            )
        found: dict[str, float] = json.loads(done.stdout)["cpu_s_per_million_points"]
        return found


def _rows(payloads: _Payloads, name: str, repeats: int) -> Iterator[Row]:
    processors, goal = _CHAINS[name]
    text = _config(processors)
    ours, theirs = _Ours(payloads, text), _Theirs(payloads, text)
    most = _FAR_LESS.get((name, payloads.processes), goal)
    shared = {"peer_name": "the real processors", "unit": "CPU s per million points", "repeats": repeats}
    what = f"{name}, {payloads.label}"
    yield compare(f"{what}: evaluate", ours.evaluate, lambda: theirs.phase("chain"), most=most, **shared)  # type: ignore[arg-type]
    yield compare(f"{what}: decode", ours.decode, lambda: theirs.phase("decode"), **shared)  # type: ignore[arg-type]
    yield compare(f"{what}: encode", ours.encode, lambda: theirs.phase("encode"), **shared)  # type: ignore[arg-type]
    yield compare(  # type: ignore[call-overload]
        f"{what}: decode, evaluate, count against decode, chain, encode",
        ours.count,
        lambda: theirs.phase("all"),
        most=1.0,
        **shared,
    )


def run(repeats: int) -> list[Row]:
    """The rows."""
    repeats = min(repeats, 3)
    found: list[Row] = []
    for processes, count in ((200, 60), (5000, 4)):
        payloads = _payloads(processes, count)
        for name in _CHAINS:
            found.extend(_rows(payloads, name, repeats))
    return found
