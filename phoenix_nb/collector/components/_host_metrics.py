"""host_metrics: parsed and checked here, honoured by :mod:`phoenix_nb.collector.receiving` and the host source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from phoenix_nb.collector.components._base import BuildError, ComponentKind, ComponentType
from phoenix_nb.collector.components._matching import (
    REGEXP_CACHE,
    TEXTS,
    RegexpCache,
    text_matcher,
)
from phoenix_nb.collector.components._shapes import shape_of
from phoenix_nb.collector.config import (
    BOOL,
    DURATION,
    TEXT,
    Custom,
    DecodeError,
    Node,
    Refused,
    Settings,
    Struct,
    joined,
    plain,
    quote,
    setting,
)

__all__ = [
    "HOST_METRICS",
    "HostMetricsSettings",
    "ProcessMatch",
    "ProcessScraperSettings",
    "name_matcher",
]

_SECOND: Final = 1_000_000_000
SCRAPERS: Final = (
    "cpu",
    "disk",
    "filesystem",
    "load",
    "memory",
    "network",
    "nfs",
    "paging",
    "process",
    "processes",
    "system",
)
"""Scrapers that the receiver has."""


@dataclass(frozen=True)
class ProcessMatch(Settings):
    """Processes by the name of their executable."""

    go_type: ClassVar[str] = "processscraper.MatchConfig"
    match_type: str = setting("", TEXT)
    """``strict`` or ``regexp``."""
    regexp: RegexpCache | None = setting(None, REGEXP_CACHE)
    """A cache that changes no result."""
    names: tuple[str, ...] = setting((), TEXTS)
    """Names or patterns; empty = no rule."""


def _switches(path: tuple[str, ...], name: str, node: Node, default: Any) -> Any:
    """A map of names to their settings, checked against the names the scraper has."""
    if plain(node) is None:
        return default
    key = name.rsplit(".", 1)[-1]
    return shape_of("scrapers/process", key).decode(path, name, node, default)


SWITCHES: Final = Custom(_switches)


@dataclass(frozen=True)
class ProcessScraperSettings(Settings):
    """Settings of the process scraper."""

    go_type: ClassVar[str] = "processscraper.Config"
    metrics: Mapping[str, Mapping[str, object]] = setting({}, SWITCHES)
    """Per metric its settings, such as ``enabled``; only what was configured."""
    resource_attributes: Mapping[str, Mapping[str, object]] = setting({}, SWITCHES)
    """Per resource attribute its settings; only what was configured."""
    include: ProcessMatch = setting(ProcessMatch(), Struct(ProcessMatch))
    """Which processes are scraped."""
    exclude: ProcessMatch = setting(ProcessMatch(), Struct(ProcessMatch))
    """Which of them are not."""
    mute_process_all_errors: bool = setting(False, BOOL)
    """No error is reported."""
    mute_process_name_error: bool = setting(False, BOOL)
    """Unreadable names are not reported."""
    mute_process_io_error: bool = setting(False, BOOL)
    """Unreadable disk counters are not reported."""
    mute_process_cgroup_error: bool = setting(False, BOOL)
    """Unreadable control groups are not reported."""
    mute_process_exe_error: bool = setting(False, BOOL)
    """Unreadable executables are not reported."""
    mute_process_user_error: bool = setting(False, BOOL)
    """Unknown users are not reported."""
    scrape_process_delay: int = setting(0, DURATION)
    """Nanoseconds a process must live before it is scraped."""


def _scrapers(path: tuple[str, ...], name: str, node: Node, default: Any) -> Any:
    del name
    node = plain(node)
    if node is None:
        return default
    if not isinstance(node, dict):
        raise Refused(DecodeError(path, "'scrapers' expected a map", bare=True))
    made: dict[str, object] = {}
    for key, value in node.items():
        if key not in SCRAPERS:
            raise Refused(DecodeError((*path, key), f"'' invalid scraper key: {key}"))
        try:
            if key == "process":
                made[key] = Struct(ProcessScraperSettings).decode((*path, key), "", value, None)
            else:
                made[key] = shape_of(f"scrapers/{key}").decode((*path, key), "", value, {})
        except Refused as exc:
            text = f"'' error reading settings for scraper type {quote(key)}: {joined(exc.errors)}"
            first = exc.errors[0]
            raise Refused(DecodeError(first.path, text, unknown_key=first.unknown_key)) from exc
    return made


@dataclass(frozen=True)
class HostMetricsSettings(Settings):
    """Settings of the host metrics receiver."""

    go_type: ClassVar[str] = "hostmetricsreceiver.Config"
    collection_interval: int = setting(60 * _SECOND, DURATION)
    """Nanoseconds between scrapes."""
    initial_delay: int = setting(_SECOND, DURATION)
    """Nanoseconds before the first scrape."""
    timeout: int = setting(0, DURATION)
    """Nanoseconds a scrape may take; 0 = no limit."""
    root_path: str = setting("", TEXT)
    """Where the host's root is mounted; empty = ``/``."""
    metadata_collection_interval: int = setting(300 * _SECOND, DURATION)
    """Nanoseconds between reports of entities."""
    scrapers: Mapping[str, object] = setting({}, Custom(_scrapers))
    """Per scraper its settings."""

    def unmarshal(self, path: tuple[str, ...], name: str, node: dict[str, Node]) -> Settings:
        """Known keys; the receiver itself ignores unknown ones at this level."""
        known = {key: value for key, value in node.items() if key in _KEYS}
        return super().unmarshal(path, name, known)

    def problems(self) -> Iterator[str]:
        """As the collector's ``Validate``."""
        if self.collection_interval <= 0:
            yield '"collection_interval": requires positive value'
        if self.timeout < 0:
            yield '"timeout": requires positive value'

    @property
    def process(self) -> ProcessScraperSettings | None:
        """Settings of the process scraper; ``None`` when it is off."""
        found = self.scrapers.get("process")
        return found if isinstance(found, ProcessScraperSettings) else None


_KEYS: Final = frozenset(
    {
        "collection_interval",
        "initial_delay",
        "timeout",
        "root_path",
        "metadata_collection_interval",
        "scrapers",
    }
)


def _check(
    settings: HostMetricsSettings, version: tuple[int, int, int]
) -> Iterator[tuple[tuple[str, ...], str]]:
    if not settings.scrapers:
        name = "host_metrics" if version >= (0, 151, 0) else "hostmetrics"
        yield (), f"must specify at least one scraper when using {name} receiver"


def name_matcher(role: str, match: ProcessMatch) -> Callable[[str], bool] | None:
    """What decides about processes by the name of their executable; ``None`` when there is no rule.

    Args:
        role: ``include`` or ``exclude``, for the message.
        match: the rule.

    Raises:
        BuildError: a way to match or a pattern that the collector refuses when it creates the scraper.
    """
    if not match.names:
        return None
    try:
        return text_matcher(match.match_type, match.names)
    except BuildError as exc:
        raise BuildError(
            f'failed to create scraper "process": error creating process {role} filters: {exc}'
        ) from exc


HOST_METRICS: Final = ComponentType(
    ComponentKind.RECEIVER, "host_metrics", HostMetricsSettings, ("hostmetrics",), check=_check
)
"""The host metrics receiver."""
