"""What two configurations make of the same recording."""

from __future__ import annotations

from pathlib import Path

from phoenix_nb.analysis import OutputDifference, combined_output, output_difference
from phoenix_nb.interfaces import EngineKind
from phoenix_nb.lab._collector_engines import NamedEngine, chosen_exporter, open_engine
from phoenix_nb.lab._collector_run import engine_outputs
from phoenix_nb.otlp import Dictionaries, Frames
from phoenix_nb.sources import read_recording

__all__ = ["diff_configs"]


def diff_configs(
    first: str,
    second: str,
    *,
    source: Path,
    exporter: str | None = None,
    engine: EngineKind = EngineKind.EMBEDDED,
    collector_version: str | None = None,
) -> OutputDifference:
    """Send a recording through two configurations and compare what leaves them.

    Args:
        first: collector YAML.
        second: collector YAML.
        source: the recording.
        exporter: id of the only exporter that counts, in both; all that send something otherwise.
        engine: what runs them.
        collector_version: release whose rules apply; the setting's when ``None``.

    Raises:
        ConfigError: a configuration is refused.
        NotFoundError: one has no such exporter.
        PayloadDecodeError: a line is not an OTLP request.
        SourceError: the recording cannot be read.
        RunFailedError: the real collector failed.
    """
    dictionaries = Dictionaries()
    # Decoded once: both engines share the frames.
    payloads = list(read_recording(source, dictionaries))
    outputs = []
    for text in (first, second):
        with open_engine(text, dictionaries, engine=engine, collector_version=collector_version) as made:
            outputs.append(_sent(made, payloads, exporter))
    return output_difference(dictionaries, *outputs)


def _sent(engine: NamedEngine, payloads: list[Frames], exporter: str | None) -> list[Frames]:
    wanted = None if exporter is None else chosen_exporter(engine.exporters, exporter)
    found = (combined_output(sent, wanted) for _, sent in engine_outputs(engine, iter(payloads)))
    return [frames for frames in found if frames is not None]
