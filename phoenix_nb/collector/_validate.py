"""The check of a configuration, in the two steps of ``otelcol validate``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from phoenix_nb.collector._config import CollectorConfig, Component, Pipeline
from phoenix_nb.collector._decode import Decoded, decode, unsupported
from phoenix_nb.collector._graph import build_graph
from phoenix_nb.collector._problem import ConfigProblem, on_one_line, refusal
from phoenix_nb.collector.components import BuildError, ComponentKind, Router, Setup, gate_problems
from phoenix_nb.collector.config import ComponentId, quote, walk_problems
from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.interfaces.pipeline import Severity
from phoenix_nb.otlp import Dictionaries

__all__ = ["DEFAULT_VERSION", "parse_config", "validate_config", "version_of"]

DEFAULT_VERSION: Final = "0.159.0"
"""The collector release whose rules apply unless another one is named."""


def parse_config(
    text: str,
    *,
    environment: Mapping[str, str] | None = None,
    collector_version: str = DEFAULT_VERSION,
    feature_gates: Mapping[str, bool] | None = None,
) -> CollectorConfig:
    """A valid configuration.

    Args:
        text: the YAML of a whole collector configuration.
        environment: the variables that ``${env:…}`` may use.
        collector_version: release whose defaults apply.
        feature_gates: gates that are switched on or off, by name; the others are as the release has them.

    Raises:
        ConfigError: the configuration is refused; ``details["problems"]`` lists every finding.
        UnsupportedComponentError: only because of components that this engine does not run.
    """
    gates = feature_gates or {}
    decoded, problems = _check(text, environment or {}, collector_version, gates)
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise refusal(problems)
    return CollectorConfig(
        text=text,
        collector_version=collector_version,
        components=decoded.components,
        pipelines=tuple(decoded.pipelines),
        feature_gates=gates,
        resource=decoded.resource,
        environment=environment or {},
        warnings=tuple(problems),
    )


def validate_config(
    text: str,
    *,
    environment: Mapping[str, str] | None = None,
    collector_version: str = DEFAULT_VERSION,
    feature_gates: Mapping[str, bool] | None = None,
) -> list[ConfigProblem]:
    """Every finding about a configuration, errors first; empty when it is valid.

    The collector stops at the step that fails, and so does this check: settings that cannot be read hide rules that
    are broken, and those hide what cannot be built.
    """
    return _check(text, environment or {}, collector_version, feature_gates or {})[1]


def version_of(text: str) -> tuple[int, int, int]:
    """A release as numbers.

    Raises:
        InvalidRequestError: not three numbers with dots.
    """
    parts = text.removeprefix("v").split(".")
    if len(parts) != 3 or not all(part.isdecimal() and len(part) < 9 for part in parts):
        raise InvalidRequestError(
            f"{text!r} is not a collector release", hint=f"write it like {DEFAULT_VERSION}"
        )
    major, minor, patch = map(int, parts)
    return major, minor, patch


def _check(
    text: str, environment: Mapping[str, str], collector_version: str, gates: Mapping[str, bool]
) -> tuple[Decoded, list[ConfigProblem]]:
    version = version_of(collector_version)
    decoded = decode(text, environment)
    found = list(decoded.problems)
    used = _used(decoded)
    found.extend(
        unsupported(component, used=(component.kind, component.id) in used)
        for components in decoded.components.values()
        for component in components.values()
        if component.type is None
    )
    for step in (_rules, _build):
        if any(
            problem.severity is Severity.ERROR and problem.code != "COMPONENT_UNSUPPORTED"
            for problem in found
        ):
            break
        found.extend(step(decoded, version, gates))
    unique = list(dict.fromkeys(found))
    return decoded, sorted(unique, key=lambda problem: problem.severity is not Severity.ERROR)


def _used(decoded: Decoded) -> set[tuple[ComponentKind, ComponentId]]:
    """Components that a metrics pipeline names."""
    connectors = decoded.components.get(ComponentKind.CONNECTOR, {})
    used: set[tuple[ComponentKind, ComponentId]] = set()
    for pipeline in decoded.pipelines:
        if pipeline.id.type != "metrics":
            continue
        for ident in (*pipeline.receivers, *pipeline.exporters):
            if ident in connectors:
                used.add((ComponentKind.CONNECTOR, ident))
        used.update((ComponentKind.RECEIVER, ident) for ident in pipeline.receivers)
        used.update((ComponentKind.PROCESSOR, ident) for ident in pipeline.processors)
        used.update((ComponentKind.EXPORTER, ident) for ident in pipeline.exporters)
    return used


# -- first step: the rules of single settings and of the whole --------------------------------------------------


def _rule(path: str, message: str, code: str = "CONFIG_INVALID", hint: str = "") -> ConfigProblem:
    return ConfigProblem(
        path=path,
        message=on_one_line(message),
        code=code,
        hint=hint,
        collector_text=f"{path}: {message}" if path else message,
    )


def _rules(
    decoded: Decoded, version: tuple[int, int, int], gates: Mapping[str, bool]
) -> Iterator[ConfigProblem]:
    for message in gate_problems(gates, version):
        yield _rule("", message)
    yield from _whole(decoded)
    for kind in (
        ComponentKind.RECEIVER,
        ComponentKind.EXPORTER,
        ComponentKind.PROCESSOR,
        ComponentKind.CONNECTOR,
        ComponentKind.EXTENSION,
    ):
        for component in decoded.components.get(kind, {}).values():
            yield from _component_rules(component, version)
    for path, message in walk_problems(decoded.telemetry, ("service", "telemetry")):
        yield _rule("::".join(path), message)
    yield from _service_rules(decoded.pipelines)


def _component_rules(component: Component, version: tuple[int, int, int]) -> Iterator[ConfigProblem]:
    if component.type is None or component.settings is None:
        return
    head = f"{component.kind.section}::{component.id}"
    for path, message in walk_problems(component.settings):
        yield _rule("::".join((head, *path)), message)
    if component.type.check is not None:
        for path, message in component.type.check(component.settings, version):
            yield _rule("::".join((head, *path)), message)


def _whole(decoded: Decoded) -> Iterator[ConfigProblem]:
    components = decoded.components
    if not any(components.values()):
        yield _rule("", "empty configuration file", hint="it needs receivers, exporters and a service")
        return
    receivers = components.get(ComponentKind.RECEIVER, {})
    exporters = components.get(ComponentKind.EXPORTER, {})
    connectors = components.get(ComponentKind.CONNECTOR, {})
    if not receivers:
        yield _rule("", "no receiver configuration specified in config")
        return
    if not exporters:
        yield _rule("", "no exporter configuration specified in config")
        return
    for ident in connectors:
        for kind, others in (("exporter", exporters), ("receiver", receivers)):
            if ident in others:
                name = quote(str(ident))
                other = quote(f"{ident}/connector")
                yield _rule(
                    f"connectors::{ident}",
                    f"ambiguous ID: Found both {name} {kind} and {name} connector. Change one of the components' IDs "
                    f"to eliminate ambiguity (e.g. rename {name} connector to {other})",
                )
    extensions = components.get(ComponentKind.EXTENSION, {})
    for ident in decoded.extensions:
        if ident not in extensions:
            yield _reference("service::extensions", "extension", ident)
    for pipeline in decoded.pipelines:
        path = f"service::pipelines::{pipeline.id}"
        processors = components.get(ComponentKind.PROCESSOR, {})
        for ident in pipeline.receivers:
            if ident not in receivers and ident not in connectors:
                yield _reference(path, "receiver", ident)
        for ident in pipeline.processors:
            if ident not in processors:
                yield _reference(path, "processor", ident)
        for ident in pipeline.exporters:
            if ident not in exporters and ident not in connectors:
                yield _reference(path, "exporter", ident)


def _reference(path: str, kind: str, ident: ComponentId) -> ConfigProblem:
    return _rule(
        path,
        f"references {kind} {quote(str(ident))} which is not configured",
        "CONFIG_REFERENCE",
        f"add it under {kind}s, or take it out of the list",
    )


def _service_rules(pipelines: list[Pipeline]) -> Iterator[ConfigProblem]:
    if not pipelines:
        yield _rule("service::pipelines", "service must have at least one pipeline")
    for pipeline in pipelines:
        path = f"service::pipelines::{pipeline.id}"
        if not pipeline.receivers:
            yield _rule(path, "must have at least one receiver")
        elif not pipeline.exporters:
            yield _rule(path, "must have at least one exporter")
        else:
            twice = _first_repeated(pipeline.processors)
            if twice is not None:
                yield _rule(path, f"references processor {quote(str(twice))} multiple times")
        if pipeline.id.type == "profiles":
            yield _rule(
                "service::pipelines",
                f"pipeline {quote(str(pipeline.id))}: profiling signal support is at alpha level, gated under the "
                '"service.profilesSupport" feature gate',
            )


def _first_repeated(idents: Sequence[ComponentId]) -> ComponentId | None:
    seen: set[ComponentId] = set()
    for ident in idents:
        if ident in seen:
            return ident
        seen.add(ident)
    return None


# -- second step: what can be built ------------------------------------------------------------------------------


def _build(
    decoded: Decoded, version: tuple[int, int, int], gates: Mapping[str, bool]
) -> Iterator[ConfigProblem]:
    connectors = decoded.components.get(ComponentKind.CONNECTOR, {})
    graph, problems = build_graph(decoded.pipelines, connectors)
    yield from problems
    yield from _signals(decoded)
    dictionaries = Dictionaries()
    processors = decoded.components.get(ComponentKind.PROCESSOR, {})
    for pipeline in decoded.pipelines:
        if pipeline.id.type != "metrics":
            continue
        for ident in pipeline.processors:
            component = processors[ident]
            if component.type is None or component.type.build is None:
                continue
            try:
                component.type.build(component.settings, Setup(ident, dictionaries, version, gates))
            except BuildError as exc:
                message = (
                    f"failed to build pipelines: failed to create {quote(str(ident))} processor, "
                    f"in pipeline {quote(str(pipeline.id))}: {exc}"
                )
                yield ConfigProblem(
                    path=f"processors::{ident}",
                    message=" ".join(message.split("\n")),
                    code="CONFIG_BUILD",
                    collector_text=message,
                )
    if problems:
        return
    for ident, component in connectors.items():
        if component.type is None or component.type.build is None or not graph.feeds.get(ident):
            continue
        try:
            stage = component.type.build(component.settings, Setup(ident, dictionaries, version, gates))
        except BuildError as exc:
            yield _connector_problem(ident, str(exc))
            continue
        missing = (
            [one for one in stage.pipelines if one not in graph.feeds[ident]]
            if isinstance(stage, Router)
            else []
        )
        if missing:
            names = ", ".join(quote(str(one)) for one in missing)
            yield _connector_problem(ident, f"pipeline not found: missing consumer: {names}")


def _connector_problem(ident: ComponentId, text: str) -> ConfigProblem:
    return ConfigProblem(
        path=f"connectors::{ident}",
        message=" ".join(text.split("\n")),
        code="CONFIG_BUILD",
        collector_text=f"failed to build pipelines: {text}",
    )


def _signals(decoded: Decoded) -> Iterator[ConfigProblem]:
    """Components in pipelines of a signal that they do not work on; the collector creates exporters first."""
    for pipeline in decoded.pipelines:
        signal = pipeline.id.type
        for kind, idents in (
            (ComponentKind.EXPORTER, pipeline.exporters),
            (ComponentKind.PROCESSOR, pipeline.processors),
            (ComponentKind.RECEIVER, pipeline.receivers),
        ):
            known = decoded.components.get(kind, {})
            for ident in idents:
                entry = known[ident].type if ident in known else None
                if entry is None or signal in entry.signals or signal == "profiles":
                    continue
                where = (
                    f"in pipeline {quote(str(pipeline.id))}"
                    if kind is ComponentKind.PROCESSOR
                    else f"for data type {quote(signal)}"
                )
                comma = "," if kind is ComponentKind.PROCESSOR else ""
                message = (
                    f"failed to build pipelines: failed to create {quote(str(ident))} {kind.value}{comma} {where}: "
                    "telemetry type is not supported"
                )
                yield ConfigProblem(
                    path=f"service::pipelines::{pipeline.id}::{kind.section}",
                    message=message,
                    code="SIGNAL_UNSUPPORTED",
                    hint=f"it works on {', '.join(sorted(entry.signals))}: take it out of this pipeline",
                    collector_text=message,
                )
