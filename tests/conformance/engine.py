"""Running configurations in the embedded engine the way the reference cases were recorded."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import yaml

from phoenix_nb.collector import DEFAULT_VERSION, Clock, EmbeddedEngine, compile_config, parse_config
from phoenix_nb.otlp import Decoder, Dictionaries, Frames, encode_json

__all__ = ["Run", "lines_of", "one_component", "payloads_of", "start"]

Tree = dict[str, Any]


def lines_of(path: Path) -> list[bytes]:
    """The lines of a text file that may be compressed."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [line for line in raw.splitlines() if line.strip()]


def payloads_of(frames: Frames) -> list[Tree]:
    """Payloads as trees of OTLP JSON; those from which nothing is left are left out, as nothing is sent."""
    trees = [json.loads(line) for line in encode_json(frames)]
    return [tree for tree in trees if tree.get("resourceMetrics")]


class Run:
    """One engine with its own dictionaries."""

    def __init__(self, engine: EmbeddedEngine, dictionaries: Dictionaries) -> None:
        self.engine = engine
        self.decoder = Decoder(dictionaries)
        self.warnings: list[str] = []

    def push(self, payload: Tree | bytes) -> tuple[dict[str, list[Tree]], str | None]:
        """What each exporter gets from one payload, and the error that the sender gets."""
        raw = payload if isinstance(payload, bytes) else orjson.dumps(payload)
        output = self.engine.process(self.decoder.json([raw]))
        self.warnings.extend(output.warnings)
        sent = {name: payloads_of(frames) for name, frames in output.by_exporter.items()}
        return sent, output.refused.get(0)

    def advance(self, seconds: float) -> dict[str, list[Tree]]:
        """What each exporter gets because time passes."""
        advance = getattr(self.engine, "advance", None)
        if advance is None:
            return {name: [] for name in self.engine.exporters}
        by_exporter: Mapping[str, Frames] = advance(int(seconds * 1e9)).by_exporter
        return {name: payloads_of(frames) for name, frames in by_exporter.items()}

    def flush(self) -> dict[str, list[Tree]]:
        """What each exporter gets at a shutdown."""
        return {name: payloads_of(frames) for name, frames in self.engine.flush().by_exporter.items()}

    def all(self, payloads: Sequence[bytes], *, chunk: int) -> Iterator[dict[str, Frames]]:
        """What each exporter gets from many payloads, a chunk at a time."""
        frames = self.decoder.json(payloads)
        for part in frames.chunks(chunk):
            yield dict(self.engine.process(part).by_exporter)


def start(
    text: str,
    *,
    environment: Mapping[str, str] | None = None,
    version: str = DEFAULT_VERSION,
    gates: Mapping[str, bool] | None = None,
) -> Run:
    """An engine for a whole configuration.

    Raises:
        UnsupportedComponentError: it uses a component that the engine does not run.
        ConfigError: it is refused.
    """
    dictionaries = Dictionaries()
    config = parse_config(text, environment=environment, collector_version=version, feature_gates=gates)
    return Run(compile_config(config, dictionaries, clock=Clock.MANUAL), dictionaries)


def one_component(kind: str, name: str, settings: Any) -> str:
    """A whole configuration around the settings of one processor, connector or receiver; dollars are doubled."""
    tree: Tree = {
        "receivers": {"nop": None},
        "exporters": {"nop": None},
        "service": {"pipelines": {"metrics": {"receivers": ["nop"], "processors": [], "exporters": ["nop"]}}},
    }
    pipelines = tree["service"]["pipelines"]
    settings = _doubled(settings)
    match kind:
        case "processor":
            tree["processors"] = {name: settings}
            pipelines["metrics"]["processors"] = [name]
        case "connector":
            tree["connectors"] = {name: settings}
            pipelines["metrics"]["exporters"] = [name]
            pipelines["metrics/out"] = {"receivers": [name], "exporters": ["nop"]}
        case _:
            tree["receivers"] = {name: settings}
            pipelines["metrics"]["receivers"] = [name]
    return yaml.safe_dump(tree, sort_keys=False)


def _doubled(node: Any) -> Any:
    if isinstance(node, str):
        return node.replace("$", "$$")
    if isinstance(node, dict):
        return {key: _doubled(value) for key, value in node.items()}
    return [_doubled(item) for item in node] if isinstance(node, list) else node
