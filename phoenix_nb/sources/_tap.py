"""The host source as some configurations together want it: the superset of what their hostmetrics receivers collect."""

from __future__ import annotations

from collections.abc import Sequence

from phoenix_nb.collector.components import ProcessMatch
from phoenix_nb.collector.receiving import PROCESS_ATTRIBUTES, ReceiverAsks, ReceiverGroup
from phoenix_nb.errors import ConfigError
from phoenix_nb.simulation import ALL_PROCESS_METRICS, DEFAULT_PROCESS_METRICS
from phoenix_nb.sources._host_scraper import HostScraperSettings, NameFilter

__all__ = ["tap_settings"]

_NANOS = 1e9


def tap_settings(receivers: ReceiverGroup, *, collector_version: str) -> HostScraperSettings:
    """How the host is scraped so that every one of these receivers finds in it what it would have collected.

    Metrics and resource attributes are those that any of them has on, the delay is the shortest; a rule for names
    counts only when all have the same one. Where there is no hostmetrics receiver, the scraper's defaults count.

    Args:
        receivers: of the configurations that are fed.
        collector_version: the version in the scope.

    Raises:
        ConfigError: one has no process scraper, or they read different root file systems.
    """
    given = list(receivers.asks.values())
    asks = [one for one in given if one is not None]
    if not asks:
        return HostScraperSettings(collector_version=collector_version)
    for one in asks:
        _require_process(one)
        if one.root_path != asks[0].root_path:
            path = f"{one.path}::root_path"
            raise ConfigError(
                f"{path}: the host is scraped once, under one root: {asks[0].root_path} and {one.root_path} differ",
                hint="give both configurations the same root_path",
                details={"path": path},
            )
    everybody = len(asks) == len(given)
    names = ALL_PROCESS_METRICS if everybody else ALL_PROCESS_METRICS - DEFAULT_PROCESS_METRICS
    off = frozenset(name for name in names if not any(one.metric_on(name) for one in asks))
    muted = frozenset.intersection(*(one.muted for one in asks)) if everybody else frozenset()
    return HostScraperSettings(
        metrics=ALL_PROCESS_METRICS - off,
        include=_shared([one.include for one in asks]) if everybody else None,
        exclude=_shared([one.exclude for one in asks]) if everybody else None,
        scrape_process_delay=min(one.delay for one in asks) / _NANOS if everybody else 0.0,
        cgroup=any(one.attribute_on("process.cgroup") for one in asks),
        without_attributes=frozenset(
            key
            for key, by_default in PROCESS_ATTRIBUTES.items()
            if by_default and everybody and not any(one.attribute_on(key) for one in asks)
        ),
        collector_version=collector_version,
        root_path=asks[0].root_path,
        mute_process_all_errors="all" in muted,
        mute_process_name_error="name" in muted,
        mute_process_exe_error="exe" in muted,
        mute_process_io_error="io" in muted,
        mute_process_user_error="user" in muted,
        mute_process_cgroup_error="cgroup" in muted,
    )


def _require_process(asks: ReceiverAsks) -> None:
    if "process" not in asks.scrapers:
        path = f"{asks.path}::scrapers"
        raise ConfigError(
            f"{path}: there is no process scraper, and the host source has no other",
            hint="add scrapers::process, or use a recording that holds what the other scrapers give",
            details={"path": path},
        )


def _shared(matches: Sequence[ProcessMatch]) -> NameFilter | None:
    first = matches[0]
    rules = {(one.match_type, frozenset(one.names)) for one in matches}
    if not first.names or len(rules) > 1:
        return None
    return NameFilter(names=first.names, match_type="regexp" if first.match_type == "regexp" else "strict")
