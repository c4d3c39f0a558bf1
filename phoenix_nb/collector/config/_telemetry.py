"""``service::telemetry``: checked as the collector checks it; only the resource has an effect on payloads."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from phoenix_nb.collector.config._ids import quote
from phoenix_nb.collector.config._levels import LOG_LEVEL, TELEMETRY_LEVEL
from phoenix_nb.collector.config._readers import ReaderSettings, ViewSettings
from phoenix_nb.collector.config._schema import (
    ANY,
    BOOL,
    DURATION,
    INT,
    TEXT,
    Custom,
    Entries,
    Items,
    Optional,
    Refused,
    Settings,
    Struct,
    joined,
    setting,
)
from phoenix_nb.collector.config._tree import Node, plain

__all__ = ["TelemetrySettings"]


def _section(kind: type[Settings]) -> Custom:
    """A section that is decoded by itself, so that its errors stand in one for the section."""

    def decode(path: tuple[str, ...], name: str, node: Node, default: Any) -> Any:
        if not isinstance(plain(node), dict):
            return Struct(kind).decode(path, name, node, default)
        try:
            return Struct(kind).decode(path, "", node, default)
        except Refused as exc:
            text = f"'{name}' {joined(exc.errors)}"
            raise Refused(dataclasses.replace(exc.errors[-1], text=text)) from exc

    return Custom(decode)


@dataclass(frozen=True)
class _Sampling(Settings):
    enabled: bool = setting(False, BOOL)
    """Whether logs are thinned."""
    tick: int = setting(0, DURATION)
    """How long one round lasts (ns)."""
    initial: int = setting(0, INT)
    """How many entries of a round are kept."""
    thereafter: int = setting(0, INT)
    """Of how many more one is kept."""


@dataclass(frozen=True)
class _Logs(Settings):
    go_type: ClassVar[str] = "migration.LogsConfigV030"
    level: int = setting(0, LOG_LEVEL)
    """Least severity."""
    development: bool = setting(False, BOOL)
    """Whether logs are for developers."""
    encoding: str = setting("console", TEXT)
    """``console`` or ``json``."""
    disable_caller: bool = setting(False, BOOL)
    """Whether the place in the code is left out."""
    disable_stacktrace: bool = setting(False, BOOL)
    """Whether stack traces are left out."""
    disable_zap_resource: bool = setting(False, BOOL)
    """Whether the resource is left out."""
    sampling: _Sampling | None = setting(None, Optional(Struct(_Sampling)))
    """How logs are thinned."""
    output_paths: tuple[str, ...] = setting((), Items(TEXT))
    """Where logs go."""
    error_output_paths: tuple[str, ...] = setting((), Items(TEXT))
    """Where errors of logging go."""
    initial_fields: Mapping[str, object] = setting({}, Entries(ANY))
    """Added to every entry."""
    processors: tuple[object, ...] = setting((), Items(ANY))
    """Exporters of logs."""


@dataclass(frozen=True)
class _Metrics(Settings):
    go_type: ClassVar[str] = "migration.MetricsConfigV030"
    level: int = setting(1, TELEMETRY_LEVEL)
    """How much is measured."""
    readers: tuple[ReaderSettings, ...] | None = setting(None, Items(Struct(ReaderSettings)))
    """Exporters of metrics; ``None`` = the collector's own Prometheus endpoint."""
    views: tuple[ViewSettings, ...] | None = setting(None, Items(Struct(ViewSettings)))
    """Views over instruments."""


@dataclass(frozen=True)
class _Sampler(Settings):
    always_off: object = setting(None, ANY)
    """Takes none."""
    always_on: object = setting(None, ANY)
    """Takes all."""
    jaeger_remote: object = setting(None, ANY)
    """Asks a server."""
    parent_based: object = setting(None, ANY)
    """Does as the caller did."""
    trace_id_ratio_based: object = setting(None, ANY)
    """Takes a part."""


@dataclass(frozen=True)
class _Traces(Settings):
    go_type: ClassVar[str] = "migration.TracesConfigV030"
    level: int = setting(0, TELEMETRY_LEVEL)
    """How much is traced."""
    propagators: tuple[str, ...] = setting((), Items(TEXT))
    """How contexts cross processes."""
    processors: tuple[object, ...] = setting((), Items(ANY))
    """Exporters of spans."""
    limits: Mapping[str, object] = setting({}, Entries(ANY))
    """Sizes of spans."""
    sampler: _Sampler | None = setting(None, Optional(Struct(_Sampler)))
    """How traces are thinned."""


@dataclass(frozen=True)
class _Attribute(Settings):
    name: str = setting("", TEXT)
    """Its key."""
    type: object = setting(None, ANY)
    """Of what type its value is."""
    value: object = setting(None, ANY)
    """Its value."""


@dataclass(frozen=True)
class _Detectors(Settings):
    attributes: object = setting(None, ANY)
    """Which of them are kept."""


@dataclass(frozen=True)
class _Resource(Settings):
    attributes: tuple[_Attribute, ...] = setting((), Items(Struct(_Attribute)))
    """The attributes as a list."""
    attributes_list: str | None = setting(None, TEXT)
    """The attributes as one text, which the collector refuses."""
    detectors: _Detectors | None = setting(None, Optional(Struct(_Detectors)))
    """Which attributes are found out."""
    schema_url: str = setting("", TEXT)
    """The schema of the attributes."""
    legacy: Mapping[str, object] = dataclasses.field(default_factory=dict)
    """The attributes as keys of the resource itself."""

    def unmarshal(self, path: tuple[str, ...], name: str, node: dict[str, Node]) -> _Resource:
        """Every key that is no setting is an attribute."""
        values, errors, used = self._fields(path, name, node)
        if errors:
            raise Refused(*errors)
        others = {key: value for key, value in node.items() if key not in used | {"detection/development"}}
        return dataclasses.replace(self, **values, legacy=ANY.decode(path, name, others, {}))

    def problems(self) -> Iterator[str]:
        """As the collector's ``Validate``."""
        wrong = [key for key, value in self.legacy.items() if not isinstance(value, str | None)]
        if self.attributes_list is not None:
            yield "resource::attributes_list is not currently supported, please use resource::attributes"
        elif wrong:
            yield f"legacy resource attribute {quote(wrong[0])} must be string or null"
        elif self.attributes and self.legacy:
            yield "resource::attributes cannot be used together with legacy inline resource attributes"

    def pairs(self) -> dict[str, object]:
        """The attributes by key."""
        return {**{one.name: one.value for one in self.attributes}, **self.legacy}


@dataclass(frozen=True)
class TelemetrySettings(Settings):
    """Settings of the collector's own telemetry."""

    go_type: ClassVar[str] = "service.telemetry"
    logs: _Logs = setting(_Logs(), _section(_Logs))
    """Logs."""
    metrics: _Metrics = setting(_Metrics(), _section(_Metrics))
    """Metrics."""
    traces: _Traces = setting(_Traces(), _section(_Traces))
    """Traces."""
    resource: _Resource = setting(_Resource(), Struct(_Resource))
    """Attributes of the collector itself."""

    def problems(self) -> Iterator[str]:
        """As the collector's ``Validate``."""
        metrics = self.metrics
        if metrics.readers == () and metrics.level != TELEMETRY_LEVEL.words["none"]:
            yield "collector telemetry metrics reader should exist when metric level is not none"
        elif metrics.views is not None and metrics.level != TELEMETRY_LEVEL.words["detailed"]:
            yield (
                "service::telemetry::metrics::views can only be set when service::telemetry::metrics::level is detailed"
            )
