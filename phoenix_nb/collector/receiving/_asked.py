"""What the hostmetrics receiver of a configuration asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

import yaml

from phoenix_nb.collector._config import CollectorConfig
from phoenix_nb.collector._validate import parse_config
from phoenix_nb.collector.components import (
    ComponentKind,
    HostMetricsSettings,
    ProcessMatch,
    ProcessScraperSettings,
)
from phoenix_nb.collector.config import ExpansionError, Node, YamlError, YamlTime, expand, load_yaml, plain
from phoenix_nb.errors import ConfigError

__all__ = [
    "DEFAULT_PROCESS_METRICS",
    "PROCESS_ATTRIBUTES",
    "ReceiverAsks",
    "receiver_asks",
    "receivers_only",
]

DEFAULT_PROCESS_METRICS: Final = frozenset(
    {"process.cpu.time", "process.disk.io", "process.memory.usage", "process.memory.virtual"}
)
"""Metrics of the process scraper that are on unless a configuration switches them off."""
PROCESS_ATTRIBUTES: Final[Mapping[str, bool]] = {
    "process.cgroup": False,
    "process.command": True,
    "process.command_line": True,
    "process.executable.name": True,
    "process.executable.path": True,
    "process.owner": True,
    "process.parent_pid": True,
    "process.pid": True,
}
"""Resource attributes of the process scraper, and whether they are on by default."""
_MUTES: Final = ("all", "name", "exe", "io", "user", "cgroup")
_AGGREGATE: Final = "aggregate in the pipeline instead, for example with metricstransform aggregate_labels"


@dataclass(frozen=True, slots=True)
class ReceiverAsks:
    """What one configuration's hostmetrics receiver asks for."""

    receiver: str
    """Its id, the one with the process scraper where there are several."""
    interval: int
    """Nanoseconds between scrapes."""
    scrapers: frozenset[str]
    """Scrapers that are on, of every hostmetrics receiver in use."""
    metrics: Mapping[str, bool]
    """Process metrics that the configuration names, and whether they are on; the others are as by default."""
    attributes: Mapping[str, bool]
    """Likewise the resource attributes of processes."""
    include: ProcessMatch
    """Which processes are scraped; no names = all."""
    exclude: ProcessMatch
    """Which of them are not."""
    delay: int
    """Nanoseconds that a process must have lived."""
    muted: frozenset[str]
    """Kinds of refused reads that are not logged: ``all``, ``name``, ``exe``, ``io``, ``user``, ``cgroup``."""
    root_path: str
    """Root of the file system whose ``/proc`` is read."""

    @property
    def path(self) -> str:
        """Where it is configured, as the collector writes paths."""
        return f"receivers::{self.receiver}"

    def metric_on(self, name: str) -> bool:
        """Whether a process metric is collected."""
        return "process" in self.scrapers and self.metrics.get(name, name in DEFAULT_PROCESS_METRICS)

    def attribute_on(self, name: str) -> bool:
        """Whether a resource attribute of processes is collected."""
        return self.attributes.get(name, PROCESS_ATTRIBUTES.get(name, True))

    def is_muted(self, kind: str) -> bool:
        """Whether refused reads of this kind are not logged."""
        return bool({"all", kind} & self.muted)


def receiver_asks(config: CollectorConfig) -> ReceiverAsks | None:
    """What the hostmetrics receiver of a configuration's metrics pipelines asks for; ``None`` when they use none.

    Raises:
        ConfigError: it asks for something that cannot be had from recorded payloads: aggregation at the source,
            attributes for some metrics only, two process scrapers that differ; ``details["path"]`` says where.
    """
    used = {ident for pipeline in config.metrics_pipelines for ident in pipeline.receivers}
    found = {
        str(ident): component.settings
        for ident, component in config.components.get(ComponentKind.RECEIVER, {}).items()
        if ident in used and isinstance(component.settings, HostMetricsSettings)
    }
    if not found:
        return None
    scrapers = frozenset(scraper for settings in found.values() for scraper in settings.scrapers)
    made = [
        _asks(name, settings, settings.process, scrapers)
        for name, settings in found.items()
        if settings.process is not None
    ]
    if not made:
        name, settings = next(iter(found.items()))
        return _asks(name, settings, ProcessScraperSettings(), scrapers)
    for other in made[1:]:
        if _substance(other) != _substance(made[0]):
            _refuse(
                f"{other.path}::scrapers::process",
                f"two process scrapers that differ ({made[0].receiver} and {other.receiver}) cannot be told apart"
                " in one stream of payloads",
                "compare one of them at a time: a pipeline each, in two configurations",
            )
    return made[0]


def text_asks(
    text: str, environment: Mapping[str, str], *, collector_version: str, any_components: bool
) -> ReceiverAsks | None:
    """What the hostmetrics receiver of collector YAML asks for; ``None`` without one.

    Args:
        text: the configuration.
        environment: for ``${env:…}``.
        collector_version: release whose rules apply.
        any_components: whether it may hold what only the real collector understands; its receivers count all the same.

    Raises:
        ConfigError: it is refused, or asks for something that cannot be honoured; ``details["path"]`` says where.
    """
    try:
        parsed = parse_config(text, environment=environment, collector_version=collector_version)
    except ConfigError:
        if not any_components:
            raise
        alone = receivers_only(text, environment)
        parsed = parse_config(alone, environment=environment, collector_version=collector_version)
    return receiver_asks(parsed)


def receivers_only(text: str, environment: Mapping[str, str]) -> str:
    """The same configuration with its hostmetrics receivers alone, for what only the real collector understands.

    Raises:
        ConfigError: the text is not YAML, or cannot be expanded.
    """
    try:
        tree = plain(expand(load_yaml(text), environment))
    except (YamlError, ExpansionError) as exc:
        raise ConfigError(
            f"the configuration cannot be read: {exc}",
            hint="`phoenix collector validate` shows every finding",
        ) from exc
    root = _map(tree)
    service = _map(root.get("service"))
    kept = {
        name: settings
        for name, settings in _map(root.get("receivers")).items()
        if name.split("/", 1)[0].strip() in {"hostmetrics", "host_metrics"}
    }
    pipelines = {}
    for name, parts in _map(service.get("pipelines")).items():
        listed = _map(parts).get("receivers")
        using = [one for one in listed if one in kept] if isinstance(listed, list) else []
        if name.split("/", 1)[0].strip() == "metrics":
            pipelines[name] = {"receivers": using or ["nop"], "exporters": ["nop"]}
    made = {
        "receivers": {**kept, "nop": None},
        "exporters": {"nop": None},
        "service": {"pipelines": pipelines},
    }
    return yaml.safe_dump(_writable(made), sort_keys=False, allow_unicode=True)


def _map(node: Node) -> dict[str, Node]:
    return node if isinstance(node, dict) else {}


def _writable(node: object) -> object:
    if isinstance(node, dict):
        return {key: _writable(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_writable(value) for value in node]
    if isinstance(node, YamlTime):
        return node.text
    # It was expanded once; a second expansion must find the same text.
    return node.replace("$", "$$") if isinstance(node, str) else node


def _asks(
    name: str, receiver: HostMetricsSettings, process: ProcessScraperSettings, scrapers: frozenset[str]
) -> ReceiverAsks:
    where = f"receivers::{name}::scrapers::process"
    for metric, settings in process.metrics.items():
        for key, value in settings.items():
            if key != "enabled" and value is not None:
                _refuse(
                    f"{where}::metrics::{metric}::{key}",
                    f"{metric} cannot be aggregated at the source: payloads hold every attribute",
                    _AGGREGATE,
                )
    for attribute, settings in process.resource_attributes.items():
        for key, value in settings.items():
            if key != "enabled" and value:
                _refuse(
                    f"{where}::resource_attributes::{attribute}::{key}",
                    "resources cannot be left out by the value of an attribute at the source",
                    "use include and exclude of the process scraper, or a filter processor",
                )
    return ReceiverAsks(
        receiver=name,
        interval=receiver.collection_interval,
        scrapers=scrapers,
        metrics=_switches(process.metrics),
        attributes=_switches(process.resource_attributes),
        include=process.include,
        exclude=process.exclude,
        delay=max(process.scrape_process_delay, 0),
        muted=frozenset(
            kind
            for kind in _MUTES
            if getattr(process, f"mute_process_{kind}_error" + ("s" if kind == "all" else ""))
        ),
        root_path=receiver.root_path or "/",
    )


def _switches(settings: Mapping[str, Mapping[str, object]]) -> dict[str, bool]:
    return {
        name: enabled for name, one in settings.items() if isinstance(enabled := one.get("enabled"), bool)
    }


def _substance(asks: ReceiverAsks) -> tuple[object, ...]:
    return (
        asks.interval,
        {
            name: asks.metric_on(name)
            for name in asks.metrics
            if asks.metric_on(name) is not (name in DEFAULT_PROCESS_METRICS)
        },
        {name: on for name, on in asks.attributes.items() if on is not PROCESS_ATTRIBUTES.get(name, True)},
        (asks.include.match_type, frozenset(asks.include.names)),
        (asks.exclude.match_type, frozenset(asks.exclude.names)),
        asks.delay,
    )


def _refuse(path: str, why: str, hint: str) -> NoReturn:
    raise ConfigError(f"{path}: {why}", hint=hint, details={"path": path})
