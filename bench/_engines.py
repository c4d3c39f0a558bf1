"""CPU seconds per million points of the embedded engine and of the collector's own processors, phase by phase."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections import defaultdict, deque
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench._scrapes import scrapes
from phoenix_nb.analysis import combined_output
from phoenix_nb.collector import compile_config, parse_config
from phoenix_nb.otlp import Decoder, Dictionaries, encode_json, encode_protobuf, measure
from phoenix_nb.otlp._attributes import _read_item

__all__ = ["Embedded", "Laps", "Payloads", "Phases", "RealProcessors", "fresh", "payloads_of", "simulated"]

_POINTS_PER_RUN = 400_000


@dataclass(frozen=True)
class Payloads:
    """The same payloads in every form that a side needs."""

    label: str
    """What they are, with their size."""
    points: int
    """Data points."""
    protobuf: tuple[bytes, ...]
    """Encoded requests."""
    json: bytes
    """The same as OTLP JSON, a request per line."""


def payloads_of(label: str, wires: tuple[bytes, ...]) -> Payloads:
    """Encoded requests for both sides."""
    frames = Decoder(Dictionaries()).protobuf(wires)
    return Payloads(label, frames.n_points, wires, b"\n".join(encode_json(frames)))


@cache
def simulated(processes: int, count: int) -> Payloads:
    """Simulated scrapes."""
    return payloads_of(f"{processes} processes × {count} scrapes", tuple(scrapes(processes, count)))


class Phases(ABC):
    """Figures of one side: one run gives one figure of every phase, and no figure is given twice."""

    def __init__(self) -> None:
        self._figures: defaultdict[str, deque[float]] = defaultdict(deque)

    def phase(self, name: str) -> float:
        """CPU seconds per million points of the next run."""
        if not self._figures[name]:
            for phase, figure in self.run().items():
                self._figures[phase].append(figure)
        return self._figures[name].popleft()

    @abstractmethod
    def run(self) -> dict[str, float]:
        """Run once."""


class Embedded(Phases):
    """The embedded engine.

    ``chain`` is evaluation with the output in hand, without building the chain, as on the other side. ``count`` is all
    there is for one configuration, reading it included, up to its series, points and bytes.
    """

    def __init__(self, payloads: Payloads, text: str) -> None:
        super().__init__()
        self._payloads, self._text = payloads, text

    def run(self) -> dict[str, float]:
        """Run once."""
        dictionaries = fresh()
        # What the run before left behind is not this one's to clear away; the other side does the same.
        gc.collect()
        lap = Laps(self._payloads.points)
        engine = compile_config(parse_config(self._text), dictionaries)
        build = lap.next()
        frames = Decoder(dictionaries).protobuf(self._payloads.protobuf)
        assert frames.n_points == self._payloads.points
        decode = lap.next()
        sent = combined_output(engine.process(frames))
        # The output in hand: every kept row of every column.
        whole = None if sent is None else sent.compact()
        chain = lap.next()
        if sent is not None:
            measure(sent)
        count = lap.next()
        if whole is not None:
            encode_protobuf(whole)
        encode = lap.next()
        return {
            "decode": decode,
            "chain": chain,
            "encode": encode,
            "count": build + decode + chain + count,
        }


def fresh() -> Dictionaries:
    """Dictionaries of a process that has read no attribute yet."""
    _read_item.cache_clear()
    return Dictionaries()


class Laps:
    """CPU seconds per million points since the last call."""

    def __init__(self, points: int) -> None:
        self._points = points
        self._begin = time.process_time()

    def next(self) -> float:
        """The time since then."""
        now = time.process_time()
        passed, self._begin = now - self._begin, now
        return passed / self._points * 1e6


class RealProcessors(Phases):
    """The collector's processors in one process (``chainrun``)."""

    def __init__(self, payloads: Payloads, text: str) -> None:
        super().__init__()
        self._payloads, self._text = payloads, text

    def run(self) -> dict[str, float]:
        """Run once."""
        passes = max(1, round(_POINTS_PER_RUN / self._payloads.points))
        with tempfile.TemporaryDirectory(prefix="phx-bench-") as folder:
            config, data = Path(folder) / "config.yaml", Path(folder) / "in.jsonl"
            config.write_text(self._text)
            data.write_bytes(self._payloads.json)
            done = subprocess.run(
                [_chainrun(), "-config", config, "-input", data, "-bench", str(passes)],
                capture_output=True,
                text=True,
                check=True,
                env={**os.environ, "GOMAXPROCS": "1"},
            )
        found: dict[str, float] = json.loads(done.stdout)["cpu_s_per_million_points"]
        return found


@cache
def _chainrun() -> Path:
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    found = cache_home / "phoenix" / "otelcol-0.159.0" / "chainrun"
    if not found.is_file():
        raise SystemExit("chainrun is missing: run .ci/install-otelcol first")
    return found
