"""Traps outside the pipelines: dollars, ports, signals, components that nothing uses."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from phoenix_nb.collector._config import CollectorConfig
from phoenix_nb.collector.components import ComponentKind
from phoenix_nb.collector.components._filter_settings import FilterSettings
from phoenix_nb.collector.components._transform_settings import TransformSettings
from phoenix_nb.collector.config import ComponentId, Node, bounded_int, expand, load_yaml, plain
from phoenix_nb.collector.lint._finding import LintFinding
from phoenix_nb.collector.lint._steps import Step

__all__ = ["dollars", "ports", "signals", "unused"]

_LONE: Final = re.compile(r"(?<!\$)(?:\$\$)*\$(?![\${])(\w*)")
_DEFAULTS: Final = {
    "health_check": 13133,
    "healthcheck": 13133,
    "pprof": 1777,
    "zpages": 55679,
}
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "0.0.0.0", "[::]", "[::1]", ""})  # noqa: S104 - compared, not bound
_ANY: Final = frozenset({"0.0.0.0", "[::]", ""})  # noqa: S104 - compared, not bound


# -- dollars -----------------------------------------------------------------------------------------------------------


def dollars(config: CollectorConfig) -> Iterator[LintFinding]:
    """Dollar signs that were meant to stay and are not doubled."""
    for path, text in _leaves(load_yaml(config.text), ()):
        for found in _LONE.finditer(text):
            shown = f"${found[1]}"
            yield LintFinding(
                path=path,
                message=f"{shown} in {_short(text)} is not doubled",
                code="DOLLAR_NOT_DOUBLED",
                why="the collector expands what follows a dollar; a lone one is kept by some releases and replaced or "
                "refused by others",
                suggestion=f"${shown}",
            )
            break


def _leaves(node: Node, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(node, str):
        yield "::".join(path), node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _leaves(value, (*path, str(key)))
    elif isinstance(node, list):
        for at, value in enumerate(node):
            yield from _leaves(value, (*path, str(at)))


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}…"


# -- ports -------------------------------------------------------------------------------------------------------------


def ports(config: CollectorConfig) -> Iterator[LintFinding]:
    """Two parts that listen on one port, and exporters that send to their own collector."""
    tree = plain(expand(load_yaml(config.text), config.environment))
    if not isinstance(tree, dict):
        return
    listening: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for path, endpoint in _listeners(config, tree):
        host, port = _split(endpoint)
        if port:
            listening[port].append((path, host))
    for port, found in listening.items():
        for number, (path, host) in enumerate(found):
            for other, their in found[:number]:
                if host == their or host in _ANY or their in _ANY:
                    yield LintFinding(
                        path=path,
                        message=f"port {port} is taken by {other}",
                        code="PORT_CLASH",
                        why="the second one to start cannot listen, and the collector stops",
                        suggestion=f"give one of them another port, for example {port + 1}",
                        certain=True,
                    )
                    break
    yield from _loops(config, tree, listening)


def _listeners(config: CollectorConfig, tree: dict[str, Node]) -> Iterator[tuple[str, str]]:
    used = {ident for pipeline in config.pipelines for ident in (*pipeline.receivers, *pipeline.exporters)}
    for ident, settings in _section(tree, "receivers"):
        if ident.type == "otlp" and ident in used:
            protocols = _map(settings.get("protocols"))
            for protocol, default in (("grpc", 4317), ("http", 4318)):
                if protocol in protocols:
                    endpoint = _map(protocols[protocol]).get("endpoint", f"localhost:{default}")
                    yield f"receivers::{ident}::protocols::{protocol}::endpoint", str(endpoint)
    for ident, settings in _section(tree, "exporters"):
        if ident.type == "prometheus" and ident in used and settings.get("endpoint"):
            yield f"exporters::{ident}::endpoint", str(settings["endpoint"])
    service = _map(tree.get("service"))
    started = service.get("extensions")
    for ident, settings in _section(tree, "extensions"):
        if isinstance(started, list) and str(ident) in map(str, started) and ident.type in _DEFAULTS:
            endpoint = settings.get("endpoint") or f"localhost:{_DEFAULTS[ident.type]}"
            yield f"extensions::{ident}::endpoint", str(endpoint)
    readers = _map(_map(service.get("telemetry")).get("metrics"))
    if readers.get("level") != "none" and "readers" not in readers:
        yield "service::telemetry::metrics", "localhost:8888"


def _loops(
    config: CollectorConfig, tree: dict[str, Node], listening: Mapping[int, Sequence[tuple[str, str]]]
) -> Iterator[LintFinding]:
    used = {ident for pipeline in config.pipelines for ident in pipeline.exporters}
    for ident, settings in _section(tree, "exporters"):
        if ident not in used or ident.type not in {"otlp", "otlp_grpc", "otlphttp", "otlp_http"}:
            continue
        host, port = _split(str(settings.get("endpoint") or ""))
        own = [path for path, _ in listening.get(port, ()) if path.startswith("receivers::")]
        if host in _LOCAL and port and own:
            yield LintFinding(
                path=f"exporters::{ident}::endpoint",
                message=f"{ident} sends to {own[0]} of the same collector",
                code="EXPORT_LOOP",
                why="when both run on one host every payload comes back and goes round for ever",
                suggestion="name the backend's address, or give the receiver another port",
            )


def _section(tree: dict[str, Node], name: str) -> Iterator[tuple[ComponentId, dict[str, Node]]]:
    for key, value in _map(tree.get(name)).items():
        yield ComponentId.parse(str(key)), _map(value)


def _map(node: Node) -> dict[str, Node]:
    return node if isinstance(node, dict) else {}


def _split(endpoint: str) -> tuple[str, int]:
    rest = endpoint.partition("://")[2] or endpoint
    host, _, port = rest.partition("/")[0].rpartition(":")
    return host, bounded_int(port) if port.isdecimal() and port.isascii() else 0


# -- signals and what is not used --------------------------------------------------------------------------------------


def signals(steps: Sequence[Step]) -> Iterator[LintFinding]:
    """Processors of a metrics pipeline that have rules for other signals only."""
    for step in steps:
        settings = step.component.settings
        idle = ""
        if isinstance(settings, FilterSettings):
            others = (
                settings.logs,
                settings.spans,
                settings.traces,
                settings.log_conditions,
                settings.trace_conditions,
            )
            ours = (
                settings.metric_conditions
                or settings.metrics.by_condition
                or settings.metrics.include
                or settings.metrics.exclude
            )
            if any(others) and not ours:
                idle = "metrics or metric_conditions"
        elif (
            isinstance(settings, TransformSettings)
            and not settings.metric_statements
            and (settings.log_statements or settings.trace_statements)
        ):
            idle = "metric_statements"
        if idle:
            yield LintFinding(
                path=step.path,
                message=f"{step.component.id} has rules for other signals only and is in pipeline {step.pipeline.id}",
                code="SIGNAL_NO_EFFECT",
                why="metrics pass through it unchanged",
                suggestion=f"write the rules under {idle}",
                certain=True,
            )


def unused(config: CollectorConfig) -> Iterator[LintFinding]:
    """Components that are configured and in no pipeline."""
    used = {
        ident
        for pipeline in config.pipelines
        for ident in (*pipeline.receivers, *pipeline.processors, *pipeline.exporters)
    }
    for kind in (ComponentKind.RECEIVER, ComponentKind.PROCESSOR, ComponentKind.EXPORTER):
        for ident in config.components.get(kind, {}):
            if ident not in used:
                yield LintFinding(
                    path=f"{kind.section}::{ident}",
                    message=f"{kind.value} {ident} is in no pipeline",
                    code="UNUSED_COMPONENT",
                    why="it has no effect",
                    suggestion="name it in service::pipelines, or take it out",
                    certain=True,
                )
