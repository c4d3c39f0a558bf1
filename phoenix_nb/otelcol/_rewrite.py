"""The same pipelines between our own receiver and our own exporters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from phoenix_nb.collector.config import (
    ExpansionError,
    Node,
    YamlError,
    expand,
    load_yaml,
    parse_duration,
    plain,
)
from phoenix_nb.errors import ConfigError
from phoenix_nb.otelcol._cut import cut_sections

__all__ = ["RECEIVER", "BatchPlace", "Rewritten", "rewrite"]

RECEIVER: Final = "otlp/phoenix"
"""Id of the receiver that stands for all others."""
_VALIDATE: Final = "`phoenix collector validate` shows every finding"
_BATCH_TIMEOUT: Final = 0.2
_LARGEST_REQUEST: Final = 1 << 30
_SYNCHRONOUS: Final = frozenset(
    {
        *("attributes", "filter", "redaction", "resource", "transform"),
        *("memory_limiter", "memorylimiter"),
        *("cumulative_to_delta", "cumulativetodelta"),
        *("delta_to_cumulative", "deltatocumulative"),
        *("delta_to_rate", "deltatorate"),
        *("group_by_attrs", "groupbyattrs"),
        *("metrics_transform", "metricstransform"),
        *("metrics_generation", "metricsgeneration"),
        *("metric_start_time", "metricstarttime"),
        *("count", "forward", "routing", "sum", "signal_to_metrics", "signaltometrics"),
    }
)
"""Components that have sent on what becomes of a payload by the time it is acknowledged."""


@dataclass(frozen=True, slots=True)
class BatchPlace:
    """A batch processor in a metrics pipeline."""

    id: str
    """Its id."""
    before: tuple[str | None, ...]
    """What feeds it in each pipeline: a processor's id, :data:`RECEIVER`, or ``None`` when that cannot be counted."""
    timeout: float
    """Seconds after which it sends what it has."""


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A configuration made ready to be run beside others on one host."""

    text: str
    """The user's text without receivers, exporters, extensions and telemetry; all else as it was."""
    exporters: tuple[str, ...]
    """Ids of the exporters of metrics pipelines, in the order of the text."""
    batches: tuple[BatchPlace, ...]
    """Batch processors of metrics pipelines: what they hold comes later than the acknowledgement."""
    regroups: bool
    """Whether a component may send later, or in other groups, than it receives."""
    pipelines: Mapping[str, Mapping[str, tuple[str, ...]]]
    """Per pipeline its receivers, processors and exporters, the replaced ones included."""
    extensions: tuple[str, ...]
    """Extensions that a processor or connector still names."""
    replaced: Mapping[str, str]
    """Per exporter id of the user the id that stands for it."""
    resource: Node
    """``service::telemetry::resource`` as written."""

    def overlay(self, receiver: int, sink: int, telemetry: int) -> str:
        """What has to be laid over :attr:`text`, as YAML.

        Args:
            receiver: TCP port that the collector listens on for payloads.
            sink: port of the server that takes what exporters send.
            telemetry: port for the collector's own metrics.
        """
        http = {"endpoint": f"127.0.0.1:{receiver}", "max_request_body_size": _LARGEST_REQUEST}
        reader = {
            "host": "127.0.0.1",
            "port": telemetry,
            "without_scope_info": True,
            "without_type_suffix": True,
            "without_units": True,
        }
        own: dict[str, object] = {
            "logs": {"level": "info", "encoding": "console"},
            "metrics": {"level": "normal", "readers": [{"pull": {"exporter": {"prometheus": reader}}}]},
        }
        if self.resource is not None:
            own["resource"] = self.resource
        made = {
            "receivers": {RECEIVER: {"protocols": {"http": http}}},
            "exporters": {
                name: {
                    "endpoint": f"http://127.0.0.1:{sink}",
                    "metrics_endpoint": f"http://127.0.0.1:{sink}/{number}",
                    "compression": "none",
                    "encoding": "proto",
                    "timeout": "60s",
                    # Without a queue an answer to the sender means that everything has arrived.
                    "sending_queue": {"enabled": False},
                    "retry_on_failure": {"enabled": False},
                }
                for number, name in enumerate(self.replaced.values())
            },
            "service": {
                "extensions": list(self.extensions),
                "pipelines": {name: dict(parts) for name, parts in self.pipelines.items()},
                "telemetry": own,
            },
        }
        return json.dumps(made, indent=1, default=str)


def rewrite(text: str, environment: Mapping[str, str], *, exporter_type: str = "otlp_http") -> Rewritten:
    """Prepare a configuration.

    Only where payloads come from and go to is replaced: receivers, exporters, extensions that open ports, telemetry.
    Processors and connectors, with everything they say, are left to the collector to read.

    Args:
        text: the YAML of a whole configuration.
        environment: the variables that ``${env:…}`` may use.
        exporter_type: how the collector spells the OTLP/HTTP exporter.

    Raises:
        ConfigError: the text is not YAML, or its service section cannot be understood.
    """
    tree = _read(text)
    service = _section(_expanded({"service": tree.get("service")}, environment), "service")
    connectors = _expanded({"connectors": tree.get("connectors")}, environment)
    names = frozenset(_section(connectors, "connectors"))
    pipelines = {key: _pipeline(key, value) for key, value in _section(service, "pipelines").items()}
    exporters = tuple(
        dict.fromkeys(
            name
            for key, parts in pipelines.items()
            if _type(key) == "metrics"
            for name in parts["exporters"]
            if name not in names
        )
    )
    if not any(_type(key) == "metrics" for key in pipelines):
        raise ConfigError(
            "the configuration has no metrics pipeline",
            hint="add service::pipelines::metrics with receivers and exporters",
        )
    # Exporters of metrics pipelines come first, so that the sink's numbers are places in the list of them.
    ordered = dict.fromkeys((*exporters, *_others(pipelines, names)))
    replaced = {name: f"{exporter_type}/{number}" for number, name in enumerate(ordered)}
    wanted = _texts([tree.get("processors"), tree.get("connectors")])
    extensions = tuple(
        name for name in _names("service::extensions", service.get("extensions")) if name in wanted
    )
    processors = _section(_settings(tree.get("processors"), environment), "processors")
    paths = [("receivers",), ("exporters",), ("service", "telemetry")]
    if not extensions:
        paths.append(("extensions",))
    return Rewritten(
        text=cut_sections(text, paths),
        exporters=exporters,
        batches=tuple(_batches(pipelines, names, processors)),
        regroups=any(
            _type(part) not in _SYNCHRONOUS
            for key, parts in pipelines.items()
            if _type(key) == "metrics"
            for part in (*parts["processors"], *(name for name in parts["exporters"] if name in names))
        ),
        pipelines={
            key: {
                "receivers": _sources(parts["receivers"], names),
                "processors": parts["processors"],
                "exporters": tuple(replaced.get(name, name) for name in parts["exporters"]),
            }
            for key, parts in pipelines.items()
        },
        extensions=extensions,
        replaced=replaced,
        resource=_resource(tree),
    )


def _read(text: str) -> dict[str, Node]:
    try:
        tree = load_yaml(text)
    except YamlError as error:
        raise ConfigError(
            f"the configuration is not YAML: {error}",
            hint="check indentation, quotes and brackets near that line",
        ) from error
    if not isinstance(tree, dict):
        raise ConfigError(
            "the configuration is not a map",
            hint="a collector configuration is a map with receivers, processors, exporters and service",
        )
    return tree


def _expanded(tree: dict[str, Node], environment: Mapping[str, str]) -> dict[str, Node]:
    try:
        made = plain(expand(tree, environment))
    except ExpansionError as error:
        raise ConfigError(
            f"the configuration cannot be expanded: {error}",
            hint="references are ${env:NAME} or ${env:NAME:-default}; a literal dollar sign is $$",
        ) from error
    return made if isinstance(made, dict) else {}


def _settings(node: Node, environment: Mapping[str, str]) -> dict[str, Node]:
    """Processors as far as they can be read here; references to files are the collector's alone."""
    try:
        return _expanded({"processors": node}, environment)
    except ConfigError:
        return {"processors": node}


def _section(tree: dict[str, Node], key: str) -> dict[str, Node]:
    value = tree.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigError(f"{key}: a map is expected", hint=_VALIDATE, details={"path": key})
    return value


def _pipeline(key: str, value: Node) -> dict[str, tuple[str, ...]]:
    where = f"service::pipelines::{key}"
    if value is not None and not isinstance(value, dict):
        raise ConfigError(f"{where}: a map is expected", hint=_VALIDATE, details={"path": where})
    parts = value or {}
    return {
        name: tuple(_names(f"{where}::{name}", parts.get(name)))
        for name in ("receivers", "processors", "exporters")
    }


def _names(where: str, value: Node) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        value = [*value.split(",")]
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ConfigError(
            f"{where}: a list of component ids is expected", hint=_VALIDATE, details={"path": where}
        )
    return [one.strip() for one in value if isinstance(one, str)]


def _type(ident: str) -> str:
    return ident.split("/", 1)[0].strip()


def _others(
    pipelines: Mapping[str, Mapping[str, tuple[str, ...]]], connectors: frozenset[str]
) -> Iterator[str]:
    for parts in pipelines.values():
        yield from (name for name in parts["exporters"] if name not in connectors)


def _sources(receivers: tuple[str, ...], connectors: frozenset[str]) -> tuple[str, ...]:
    kept = tuple(name for name in receivers if name in connectors)
    return kept if len(kept) == len(receivers) else (*kept, RECEIVER)


def _batches(
    pipelines: Mapping[str, Mapping[str, tuple[str, ...]]],
    connectors: frozenset[str],
    settings: Mapping[str, Node],
) -> Iterator[BatchPlace]:
    feeds: dict[str, list[str | None]] = {}
    metrics = [parts for key, parts in pipelines.items() if _type(key) == "metrics"]
    uses = [name for parts in metrics for name in parts["processors"]]
    for parts in metrics:
        chain = parts["processors"]
        for number, name in enumerate(chain):
            if _type(name) != "batch":
                continue
            before: str | None
            if number:
                # Counters are per id: one that several pipelines share cannot be told apart.
                before = chain[number - 1] if uses.count(chain[number - 1]) == 1 else None
            else:
                before = None if any(one in connectors for one in parts["receivers"]) else RECEIVER
            feeds.setdefault(name, []).append(before)
    for name, before_all in feeds.items():
        yield BatchPlace(name, tuple(before_all), _timeout(settings.get(name)))


def _timeout(settings: Node) -> float:
    """Seconds; a text that cannot be read is left to the collector to refuse."""
    value = settings.get("timeout") if isinstance(settings, dict) else None
    if not isinstance(value, str):
        return _BATCH_TIMEOUT
    try:
        return parse_duration(value) / 1e9
    except ValueError:
        return _BATCH_TIMEOUT


def _texts(node: Node | list[Node]) -> set[str]:
    if isinstance(node, dict):
        return {text for value in node.values() for text in _texts(value)}
    if isinstance(node, list):
        return {text for value in node for text in _texts(value)}
    return {node} if isinstance(node, str) else set()


def _resource(tree: Mapping[str, Node]) -> Node:
    service = tree.get("service")
    telemetry = service.get("telemetry") if isinstance(service, dict) else None
    return telemetry.get("resource") if isinstance(telemetry, dict) else None
