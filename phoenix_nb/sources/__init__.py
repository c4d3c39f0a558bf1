"""Where raw payloads come from: this host, a simulated one, or a recording."""

from __future__ import annotations

from phoenix_nb.sources._host import HostSource
from phoenix_nb.sources._host_scraper import HostScraper, HostScraperSettings, NameFilter
from phoenix_nb.sources._recording import (
    RECORDING_SUFFIXES,
    RecordingSource,
    RecordingWriter,
    is_recording,
    read_recording,
    scrape_period,
    write_recording,
)
from phoenix_nb.sources._simulation import SimulationSource
from phoenix_nb.sources._spec import SourceKind, SourceSpec, make_source, parse_source_spec
from phoenix_nb.sources._tap import tap_settings

__all__ = [
    "RECORDING_SUFFIXES",
    "HostScraper",
    "HostScraperSettings",
    "HostSource",
    "NameFilter",
    "RecordingSource",
    "RecordingWriter",
    "SimulationSource",
    "SourceKind",
    "SourceSpec",
    "is_recording",
    "make_source",
    "parse_source_spec",
    "read_recording",
    "scrape_period",
    "tap_settings",
    "write_recording",
]
