"""What two configurations make of the same recording."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from phoenix_nb.analysis import OutputDifference, combined_output, output_difference
from phoenix_nb.interfaces import EngineKind
from phoenix_nb.lab._collector_engines import NamedEngine, chosen_exporter, open_engine
from phoenix_nb.lab._collector_run import engine_outputs
from phoenix_nb.lab._receivers import Receivers
from phoenix_nb.otlp import Dictionaries, Frames
from phoenix_nb.sources import read_recording, scrape_period

__all__ = ["ConfigDifference", "diff_configs"]


@dataclass(frozen=True, slots=True)
class ConfigDifference:
    """What two configurations make of one recording."""

    output: OutputDifference
    """What they send."""
    applied: tuple[str, ...]
    """What their hostmetrics receivers leave out of the recording, a sentence each."""
    warnings: tuple[str, ...]
    """What the receivers ask for and the recording does not hold."""


def diff_configs(
    first: str,
    second: str,
    *,
    source: Path,
    exporter: str | None = None,
    engine: EngineKind = EngineKind.EMBEDDED,
    collector_version: str | None = None,
) -> ConfigDifference:
    """Send a recording through two configurations and compare what leaves them.

    Each gets what its hostmetrics receiver would have collected; the faster one takes every payload.

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
    texts = {"A": first, "B": second}
    receivers = Receivers({**texts}, engine=engine, collector_version=collector_version)
    payloads = list(receivers.seen(read_recording(source, dictionaries)))
    period = scrape_period(payloads[0])
    outputs = []
    for name, text in texts.items():
        narrower = receivers.narrower(name, dictionaries, period)
        own = [narrower.apply(frames)[0] for frames in payloads]
        with open_engine(text, dictionaries, engine=engine, collector_version=collector_version) as made:
            outputs.append(_sent(made, own, exporter))
    return ConfigDifference(output_difference(dictionaries, *outputs), receivers.applied, receivers.warnings)


def _sent(engine: NamedEngine, payloads: list[Frames], exporter: str | None) -> list[Frames]:
    wanted = None if exporter is None else chosen_exporter(engine.exporters, exporter)
    found = (combined_output(sent, wanted) for _, sent in engine_outputs(engine, iter(payloads)))
    return [frames for frames in found if frames is not None]
