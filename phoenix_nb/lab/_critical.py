"""Which services run here, for people who have not yet said what is critical."""

from __future__ import annotations

from collections import Counter

import re2

from phoenix_nb.collector import catalog
from phoenix_nb.interfaces import Clock
from phoenix_nb.otlp import Dictionaries
from phoenix_nb.runtime import SystemClock
from phoenix_nb.sources import HostScraper, HostScraperSettings

__all__ = ["running_services"]

_SERVICES = "PHOENIX_CRITICAL_PROCESSES"
_RUNTIMES = "PHOENIX_HIGH_PROCESSES"
_MOST = 8


def running_services(pipeline: str, *, clock: Clock | None = None) -> tuple[str, ...]:
    """Executable names that run here now and that a catalogue pipeline means to protect, most frequent first.

    Well-known services come first; where none runs, application runtimes (at least the interpreter of this very
    process) stand in. At most eight names; none holds a character that a selector would read as a pattern.

    Args:
        pipeline: a catalogue pipeline that lists what it protects.
        clock: times of the scrape; the system's when omitted.

    Raises:
        NotFoundError: the catalogue has no such pipeline.
        SourceError: the processes of this machine cannot be listed.
    """
    parameters = {one.name: one.default for one in catalog.load(pipeline).metadata.parameters}
    names = _names(clock or SystemClock())
    for group in (_SERVICES, _RUNTIMES):
        pattern = parameters.get(group)
        if pattern is None:
            continue
        wanted = re2.compile(f"^({pattern})")
        found = [name for name, _ in names.most_common() if wanted.search(name)]
        if found:
            return tuple(found[:_MOST])
    return ()


def _names(clock: Clock) -> Counter[str]:
    """How many processes there are of each executable name, for names without pattern characters."""
    dictionaries = Dictionaries()
    scraper = HostScraper(dictionaries, HostScraperSettings(), clock.unix_nano)
    try:
        frames = scraper.scrape()
    finally:
        scraper.close()
    found: Counter[str] = Counter()
    for number in frames.rm_resource.tolist():
        name = dictionaries.resources[number].attributes.get("process.executable.name")
        if isinstance(name, str) and name and not set(name) & set("*?[]:,"):
            found[name] += 1
    return found
