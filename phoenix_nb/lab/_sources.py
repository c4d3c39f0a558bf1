"""The source that an experiment asks for."""

from __future__ import annotations

from phoenix_nb.collector.receiving import ReceiverGroup
from phoenix_nb.interfaces import Clock, Experiment
from phoenix_nb.otlp import Dictionaries
from phoenix_nb.otlp.contracts import Source
from phoenix_nb.sources import SourceKind, make_source, parse_source_spec, tap_settings

__all__ = ["default_length", "open_source"]

_DEFAULTS = {SourceKind.HOST: (1.0, 60.0), SourceKind.SIMULATION: (10.0, 7200.0)}
"""Seconds between scrapes, and seconds to run, where nobody says."""


def default_length(
    source: str, every: float | None, duration: float | None
) -> tuple[float | None, float | None]:
    """Scrape period and length of a run; a recording has its own and runs to its end.

    Raises:
        InvalidRequestError: the specification cannot be read.
        NotFoundError: no profile or file has this name.
    """
    usual_every, usual_duration = _DEFAULTS.get(parse_source_spec(source).kind, (None, None))
    return (
        usual_every if every is None else every,
        usual_duration if duration is None else duration,
    )


def open_source(
    experiment: Experiment,
    dictionaries: Dictionaries,
    clock: Clock,
    receivers: ReceiverGroup,
    *,
    collector_version: str,
) -> Source:
    """Build the source of an experiment, as many payloads long as its duration says.

    The host gives the superset of what both arms' receivers collect; other sources give what they hold.

    Raises:
        ConfigError: the host cannot give what a receiver asks for.
        InvalidRequestError: a value that the source cannot take.
        NotFoundError: no profile or file has this name.
    """
    config = experiment.config
    host = parse_source_spec(config.source).kind is SourceKind.HOST
    every, duration = default_length(config.source, config.every_seconds, config.duration_seconds)
    scrapes = None if every is None or duration is None else max(1, round(duration / every))
    return make_source(
        config.source,
        dictionaries,
        clock,
        every=every,
        scrapes=scrapes,
        seed=config.seed,
        settings=tap_settings(receivers, collector_version=collector_version) if host else None,
    )
