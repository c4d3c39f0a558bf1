"""The host source as a collector configuration wants it: what its hostmetrics receiver would scrape."""

from __future__ import annotations

from collections.abc import Mapping

from phoenix_nb.collector import CollectorConfig
from phoenix_nb.collector.components import (
    ComponentKind,
    HostMetricsSettings,
    ProcessMatch,
    ProcessScraperSettings,
)
from phoenix_nb.errors import ConfigError, InvalidRequestError
from phoenix_nb.interfaces import Value
from phoenix_nb.simulation import DEFAULT_PROCESS_METRICS
from phoenix_nb.sources._host_scraper import HostScraperSettings, NameFilter

__all__ = ["ReceiverPlan", "receiver_plan"]

_NANOS = 1e9


class ReceiverPlan(Value):
    """How the host is scraped for one hostmetrics receiver."""

    receiver: str
    """The receiver's id."""
    every: float
    """Seconds between scrapes."""
    initial_delay: float
    """Seconds before the first scrape."""
    settings: HostScraperSettings
    """What the process scraper emits."""
    left_out: tuple[str, ...] = ()
    """Scrapers of the receiver that the host source does not have."""


def receiver_plan(config: CollectorConfig, receiver: str | None = None) -> ReceiverPlan:
    """The plan of a configuration's hostmetrics receiver.

    Args:
        config: a checked configuration.
        receiver: the receiver's id; needed only when there are several.

    Raises:
        InvalidRequestError: there is no such receiver, or several and none was named.
        ConfigError: it has no process scraper, or asks for something that the host source does not do.
    """
    found = {
        str(ident): component.settings
        for ident, component in config.components.get(ComponentKind.RECEIVER, {}).items()
        if isinstance(component.settings, HostMetricsSettings)
    }
    if receiver is None and len(found) > 1:
        raise InvalidRequestError(
            f"the configuration has {len(found)} hostmetrics receivers",
            hint=f"name one of {', '.join(found)}",
        )
    name = receiver if receiver is not None else next(iter(found), "host_metrics")
    settings = found.get(name)
    if settings is None:
        raise InvalidRequestError(
            f"the configuration has no hostmetrics receiver {name!r}",
            hint=f"it has {', '.join(found) or 'none'}",
        )
    process = settings.process
    if process is None:
        raise ConfigError(
            f"{name} has no process scraper, and the host source has no other",
            hint="add scrapers::process, or use engine: otelcol",
        )
    return ReceiverPlan(
        receiver=name,
        every=settings.collection_interval / _NANOS,
        initial_delay=max(settings.initial_delay, 0) / _NANOS,
        settings=_scraper_settings(name, settings, process, config.collector_version),
        left_out=tuple(key for key in settings.scrapers if key != "process"),
    )


def _scraper_settings(
    name: str, receiver: HostMetricsSettings, process: ProcessScraperSettings, version: str
) -> HostScraperSettings:
    attributes = {key: value.get("enabled") for key, value in process.resource_attributes.items()}
    return HostScraperSettings(
        metrics=_metrics(name, process.metrics),
        include=_filter(process.include),
        exclude=_filter(process.exclude),
        scrape_process_delay=max(process.scrape_process_delay, 0) / _NANOS,
        cgroup=attributes.pop("process.cgroup", False) is True,
        without_attributes=frozenset(key for key, enabled in attributes.items() if enabled is False),
        collector_version=version,
        root_path=receiver.root_path or "/",
        mute_process_all_errors=process.mute_process_all_errors,
        mute_process_name_error=process.mute_process_name_error,
        mute_process_exe_error=process.mute_process_exe_error,
        mute_process_io_error=process.mute_process_io_error,
        mute_process_user_error=process.mute_process_user_error,
        mute_process_cgroup_error=process.mute_process_cgroup_error,
    )


def _metrics(name: str, switches: Mapping[str, Mapping[str, object]]) -> frozenset[str]:
    chosen = set(DEFAULT_PROCESS_METRICS)
    for metric, settings in switches.items():
        more = sorted(key for key, value in settings.items() if key != "enabled" and value is not None)
        if more:
            raise ConfigError(
                f"{name}: the host source cannot aggregate {metric} at the source ({', '.join(more)})",
                hint="aggregate in the pipeline, or use engine: otelcol",
            )
        if settings.get("enabled") is True:
            chosen.add(metric)
        elif settings.get("enabled") is False:
            chosen.discard(metric)
    # On this system the scraper has no such metric whatever the switch says.
    return frozenset(chosen - {"process.handles"})


def _filter(match: ProcessMatch) -> NameFilter | None:
    if not match.names:
        return None
    kind = "regexp" if match.match_type == "regexp" else "strict"
    return NameFilter(names=match.names, match_type=kind)
