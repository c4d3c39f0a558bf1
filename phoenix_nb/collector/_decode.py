"""First step of the check: from text to components with settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from phoenix_nb.collector._config import Component, Pipeline
from phoenix_nb.collector._problem import UNSUPPORTED, ConfigProblem, on_one_line
from phoenix_nb.collector._values import attribute_from_node, text_of
from phoenix_nb.collector.components import ComponentKind, find_type, is_known, supported_types
from phoenix_nb.collector.config import (
    ComponentId,
    DecodeError,
    Expanded,
    ExpansionError,
    IdError,
    Node,
    Refused,
    Struct,
    YamlError,
    decode_settings,
    expand,
    joined,
    load_yaml,
    plain,
    quote,
    type_name,
)
from phoenix_nb.collector.config._telemetry import TelemetrySettings
from phoenix_nb.interfaces.pipeline import Severity

__all__ = ["Decoded", "decode"]

_RESOLVE: Final = "failed to get config: cannot resolve the configuration: "
_UNMARSHAL: Final = "failed to get config: cannot unmarshal the configuration: "
_PIPELINE_KEYS: Final = ("receivers", "processors", "exporters")
_OTELCOL_HINT: Final = "run it with `engine: otelcol`, or take the component out"
_FOREIGN: Final = (
    "a component of another distribution needs its binary: PHOENIX_COLLECTOR_BINARY, and engine: otelcol"
)


@dataclass
class Decoded:
    """What was understood, and what was not."""

    components: dict[ComponentKind, dict[ComponentId, Component]] = field(default_factory=dict)
    """Every component by section."""
    pipelines: list[Pipeline] = field(default_factory=list)
    """The service's pipelines."""
    extensions: list[ComponentId] = field(default_factory=list)
    """Extensions that the service starts."""
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)
    """What the collector tells about itself."""
    resource: dict[str, str] = field(default_factory=dict)
    """Attributes of the collector itself."""
    problems: list[ConfigProblem] = field(default_factory=list)
    """Everything that is wrong; when there are errors nothing later is checked."""


def decode(text: str, environment: Mapping[str, str]) -> Decoded:
    """Read, expand and decode a configuration."""
    made = Decoded()
    unset: set[str] = set()
    try:
        tree = load_yaml(text)
    except YamlError as exc:
        made.problems.append(_yaml_problem(exc))
        return made
    if tree is not None and not isinstance(tree, dict):
        message = f"retrieved value (type={type_name(tree)}) cannot be used as a Conf"
        made.problems.append(
            ConfigProblem(
                path="",
                message=message,
                code="CONFIG_YAML",
                hint="a collector configuration is a map with receivers, processors, exporters and service",
                collector_text=_RESOLVE + message,
            )
        )
        return made
    try:
        expanded = expand(tree or {}, environment, unset)
    except ExpansionError as exc:
        made.problems.append(
            ConfigProblem(
                path="",
                message=str(exc),
                code="CONFIG_EXPANSION",
                hint="references are ${env:NAME} or ${env:NAME:-default}; a literal dollar sign is $$",
                collector_text=_RESOLVE + str(exc),
            )
        )
        return made
    for name in sorted(unset):
        made.problems.append(
            ConfigProblem(
                path="",
                message=f"environment variable {name} is not set and counts as empty",
                code="CONFIG_UNSET_VARIABLE",
                severity=Severity.WARNING,
                hint="set it, or give a default with ${env:NAME:-default}",
            )
        )
    assert isinstance(expanded, dict)  # noqa: S101 - expansion keeps the shape of maps
    _Decoder(made).top(expanded)
    return made


def _yaml_problem(error: YamlError) -> ConfigProblem:
    message = on_one_line(str(error))
    code = "CONFIG_TOO_LARGE" if "MiB" in message else "CONFIG_YAML"
    whole = (
        f"{_RESOLVE}retrieved value (type=string) cannot be used as a Conf: "
        f"assuming string type since contents are not valid YAML: {error}"
    )
    return ConfigProblem(
        path="",
        message=message,
        code=code,
        hint="check indentation, quotes and brackets near that line",
        collector_text=whole,
    )


class _Decoder:
    def __init__(self, made: Decoded) -> None:
        self._made = made

    def top(self, tree: dict[str, Node]) -> None:
        sections = {kind.section: kind for kind in ComponentKind}
        for name, kind in sections.items():
            self._section(kind, tree.get(name))
        self._service(tree.get("service"))
        unknown = sorted(set(tree) - set(sections) - {"service"})
        if unknown:
            self._refuse(
                unknown[0] if len(unknown) == 1 else "",
                f"'otelcol.configSettings' has invalid keys: {', '.join(unknown)}",
                code="CONFIG_KEY",
            )

    def _refuse(self, path: str, text: str, *, code: str, hint: str = "") -> None:
        leaf = text.rsplit("\n", 1)[-1]
        self._made.problems.append(
            ConfigProblem(
                path=path,
                message=leaf,
                code=code,
                hint=hint,
                collector_text=f"{_UNMARSHAL}decoding failed due to the following error(s):\n\n{text}",
            )
        )

    def _section(self, kind: ComponentKind, node: Node) -> None:
        section = kind.section
        found: dict[ComponentId, Component] = {}
        self._made.components[kind] = found
        node = node.value if isinstance(node, Expanded) else node
        if node is None:
            return
        if not isinstance(node, dict):
            self._refuse(
                section,
                f"'{section}' expected a map, got {quote(type_name(node))}",
                code="CONFIG_VALUE",
                hint=f"{section} is a map of component ids to their settings",
            )
            return
        for key, settings in node.items():
            try:
                ident = ComponentId.parse(key)
            except IdError as exc:
                self._refuse(f"{section}::{key}", f"'{section}' {_wrapped(str(exc))}", code="CONFIG_ID")
                continue
            if ident in found:
                self._refuse(
                    f"{section}::{key}",
                    f"'{section}' {_wrapped(f'duplicate name {quote(key)} after unmarshaling {ident}')}",
                    code="CONFIG_ID",
                )
                continue
            component = self._component(kind, ident, settings)
            if component is not None:
                found[ident] = component

    def _component(self, kind: ComponentKind, ident: ComponentId, node: Node) -> Component | None:
        section = kind.section
        entry = find_type(kind, ident.type)
        if entry is None:
            if is_known(kind, ident.type):
                return Component(ident, kind, None, None)
            if ident.type == "logging":
                text = "the logging exporter has been deprecated, use the debug exporter instead"
            else:
                valid = " ".join(supported_types(kind))
                text = (
                    f"unknown type: {quote(ident.type)} for id: {quote(str(ident))} (valid values: [{valid}])"
                )
            self._refuse(
                f"{section}::{ident}",
                f"'{section}' {text}",
                code="COMPONENT_UNKNOWN",
                hint=_similar(ident.type, supported_types(kind)),
            )
            return None
        settings, errors = decode_settings(entry.settings, node)
        if settings is None:
            head = f"'{section}' error reading configuration for {quote(str(ident))}: "
            for error in errors:
                self._setting_error(f"{section}::{ident}", head, error, errors)
            return None
        return Component(ident, kind, entry, settings)

    def _setting_error(self, where: str, head: str, error: DecodeError, errors: list[DecodeError]) -> None:
        path = "::".join((where, *error.path))
        bare = len(errors) == 1 and error.bare
        body = error.text if bare else joined(errors)
        leaf = error.text.rsplit("\n", 1)[-1]
        self._made.problems.append(
            ConfigProblem(
                path=path,
                message=leaf,
                code="CONFIG_KEY" if error.unknown_key else "CONFIG_VALUE",
                hint="remove the key or correct its spelling" if error.unknown_key else "",
                collector_text=f"{_UNMARSHAL}decoding failed due to the following error(s):\n\n{head}{body}",
            )
        )

    # -- service ---------------------------------------------------------------------------------------------

    def _service(self, node: Node) -> None:
        node = node.value if isinstance(node, Expanded) else node
        if node is None:
            return
        if not isinstance(node, dict):
            self._refuse(
                "service",
                f"'service' expected a map or struct, got {quote(type_name(node))}",
                code="CONFIG_VALUE",
            )
            return
        self._telemetry(node.get("telemetry"))
        self._made.extensions = self._ids("service.extensions", "service::extensions", node.get("extensions"))
        self._pipelines(node.get("pipelines"))
        unknown = sorted(set(node) - {"pipelines", "extensions", "telemetry"})
        if unknown:
            self._refuse("service", f"'service' has invalid keys: {', '.join(unknown)}", code="CONFIG_KEY")

    def _telemetry(self, node: Node) -> None:
        name, path = "service.telemetry", ("service", "telemetry")
        try:
            made = Struct(TelemetrySettings).decode(path, name, node, TelemetrySettings())
        except Refused as exc:
            for error in exc.errors:
                code = "CONFIG_KEY" if error.unknown_key else "CONFIG_VALUE"
                self._refuse("::".join(error.path), error.text, code=code)
            return
        self._made.telemetry = made
        # A null takes an attribute away that the collector would set itself.
        self._made.resource = {
            key: "" if value is None else text_of(attribute_from_node(value))
            for key, value in made.resource.pairs().items()
        }

    def _pipelines(self, node: Node) -> None:
        node = node.value if isinstance(node, Expanded) else node
        if node is None:
            return
        if not isinstance(node, dict):
            self._refuse(
                "service::pipelines",
                f"'service.pipelines' expected a map, got {quote(type_name(node))}",
                code="CONFIG_VALUE",
            )
            return
        seen: set[ComponentId] = set()
        for key, value in node.items():
            try:
                ident = ComponentId.parse_pipeline(key)
            except IdError as exc:
                self._refuse(f"service::pipelines::{key}", f"'service.pipelines' {exc}", code="CONFIG_ID")
                continue
            if ident in seen:
                self._refuse(
                    f"service::pipelines::{key}",
                    f"'service.pipelines' duplicate name {quote(key)} after unmarshaling {ident}",
                    code="CONFIG_ID",
                )
                continue
            seen.add(ident)
            self._pipeline(ident, value)

    def _pipeline(self, ident: ComponentId, node: Node) -> None:
        name, path = f"service.pipelines[{ident}]", f"service::pipelines::{ident}"
        value = plain(node)
        if value is None:
            value = {}
        if not isinstance(value, dict):
            self._refuse(
                path, f"'{name}' expected a map or struct, got {quote(type_name(value))}", code="CONFIG_VALUE"
            )
            return
        unknown = sorted(set(value) - set(_PIPELINE_KEYS))
        if unknown:
            self._refuse(path, f"'{name}' has invalid keys: {', '.join(unknown)}", code="CONFIG_KEY")
        lists = [self._ids(f"{name}.{key}", f"{path}::{key}", value.get(key)) for key in _PIPELINE_KEYS]
        self._made.pipelines.append(Pipeline(ident, *map(tuple, lists)))

    def _ids(self, name: str, path: str, node: Node) -> list[ComponentId]:
        value = plain(node)
        if value is None:
            return []
        if not isinstance(value, list):
            kind = type_name(value).partition("[")[0]
            self._refuse(
                path, f"'{name}' source data must be an array or slice, got {kind}", code="CONFIG_VALUE"
            )
            return []
        made = []
        for at, item in enumerate(value):
            where = f"{path}::{at}"
            if not isinstance(item, str):
                self._refuse(
                    where,
                    f"'{name}[{at}]' expected a map or struct, got {quote(type_name(item))}",
                    code="CONFIG_VALUE",
                )
                continue
            try:
                made.append(ComponentId.parse(item))
            except IdError as exc:
                self._refuse(where, f"'{name}[{at}]' {exc}", code="CONFIG_ID")
        return made


def unsupported(component: Component, *, used: bool) -> ConfigProblem:
    """The finding about a component that only the real collector runs."""
    kind = component.kind
    return ConfigProblem(
        path=f"{kind.section}::{component.id}",
        message=f'{kind.value} "{component.id}" is not supported by the embedded engine',
        code=UNSUPPORTED,
        severity=Severity.ERROR if used else Severity.WARNING,
        hint=_OTELCOL_HINT if used else "it is in no metrics pipeline; its settings were not checked",
    )


def _wrapped(text: str) -> str:
    return f"decoding failed due to the following error(s):\n\n'' {text}"


def _similar(wanted: str, names: tuple[str, ...]) -> str:
    import difflib

    close = difflib.get_close_matches(wanted, names, n=1)
    return f"did you mean {close[0]}?" if close else _FOREIGN
