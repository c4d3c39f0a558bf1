"""What two configurations make of the same recording."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from phoenix_nb.analysis import OutputDifference, combined_output, output_difference, uncounted_exporters
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
    """What the receivers ask for and the recording does not hold, and exporters that were left out."""


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
    warnings: list[str] = []
    for name, text in texts.items():
        narrower = receivers.narrower(name, dictionaries, period)
        own = [narrower.apply(frames)[0] for frames in payloads]
        with open_engine(text, dictionaries, engine=engine, collector_version=collector_version) as made:
            sent, uncounted = _sent(made, own, exporter)
        outputs.append(sent)
        warnings.extend(
            f"{name} gives {one} points that its other exporters do not get; they are left out (--exporter {one})"
            for one in uncounted
        )
    return ConfigDifference(
        output_difference(dictionaries, *outputs), receivers.applied, (*receivers.warnings, *warnings)
    )


def _sent(
    engine: NamedEngine, payloads: list[Frames], exporter: str | None
) -> tuple[list[Frames], list[str]]:
    """What counts of what was sent, and the exporters that do not although they got something else."""
    wanted = None if exporter is None else chosen_exporter(engine.exporters, exporter)
    counted: list[Frames] = []
    uncounted: dict[str, None] = {}
    for _, output in engine_outputs(engine, iter(payloads)):
        frames = combined_output(output, wanted)
        if frames is not None:
            counted.append(frames)
        if wanted is None:
            uncounted.update(dict.fromkeys(uncounted_exporters(output)))
    return counted, list(uncounted)
