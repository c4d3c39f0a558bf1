"""Components that change no payload: receivers, exporters, extensions and the forward connector.

Their settings are checked against ``settings.json``, which lists the keys and types that release 0.159.0 accepts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from phoenix_nb.collector.components._base import (
    ComponentKind,
    ComponentType,
    Flow,
    Setup,
    Stage,
    Stateless,
)
from phoenix_nb.collector.components._host_metrics import HOST_METRICS
from phoenix_nb.collector.components._shapes import shape_of
from phoenix_nb.collector.config import ANY, Node, Settings, setting

__all__ = ["FORWARD", "PassiveSettings", "passive_types"]

_SPELLINGS: Final[Mapping[ComponentKind, tuple[tuple[str, ...], ...]]] = {
    ComponentKind.RECEIVER: (("otlp",), ("nop",)),
    ComponentKind.EXPORTER: (
        ("debug",),
        ("nop",),
        ("file",),
        ("otlp_grpc", "otlp"),
        ("otlp_http", "otlphttp"),
        ("prometheus",),
        ("prometheus_remote_write", "prometheusremotewrite"),
    ),
    ComponentKind.EXTENSION: (("health_check", "healthcheck"), ("pprof",), ("zpages",)),
}


@dataclass(frozen=True)
class PassiveSettings(Settings):
    """Settings that were checked and have no effect on payloads."""

    values: Mapping[str, object] = setting({}, ANY)
    """What was configured."""

    def unmarshal(self, path: tuple[str, ...], name: str, node: dict[str, Node]) -> PassiveSettings:
        """Check the keys against the list of the type."""
        made = shape_of(self.go_type).decode(path, name, node, {})
        return type(self)(values=made)


Check = Callable[[Any, tuple[int, int, int]], Iterable[tuple[tuple[str, ...], str]]]


def _need_endpoint(
    settings: PassiveSettings, version: tuple[int, int, int]
) -> Iterator[tuple[tuple[str, ...], str]]:
    del version
    if not settings.values.get("endpoint"):
        yield (), 'requires a non-empty "endpoint"'


def _otlp_http(
    settings: PassiveSettings, version: tuple[int, int, int]
) -> Iterator[tuple[tuple[str, ...], str]]:
    del version
    keys = ("endpoint", "traces_endpoint", "metrics_endpoint", "logs_endpoint", "profiles_endpoint")
    if not any(settings.values.get(key) for key in keys):
        yield (), "at least one endpoint must be specified"


def _file(settings: PassiveSettings, version: tuple[int, int, int]) -> Iterator[tuple[tuple[str, ...], str]]:
    del version
    if not settings.values.get("path"):
        yield (), "path must be non-empty"
    form = settings.values.get("format", "json")
    if form not in {"json", "proto"} and "encoding" not in settings.values:
        yield (), "format type is not supported"


def _otlp_receiver(
    settings: PassiveSettings, version: tuple[int, int, int]
) -> Iterator[tuple[tuple[str, ...], str]]:
    del version
    protocols = settings.values.get("protocols")
    if not isinstance(protocols, Mapping) or not protocols:
        yield (), "must specify at least one protocol when using the OTLP receiver"


_CHECKS: Final[Mapping[tuple[ComponentKind, str], Check]] = {
    (ComponentKind.RECEIVER, "otlp"): _otlp_receiver,
    (ComponentKind.EXPORTER, "otlp_grpc"): _need_endpoint,
    (ComponentKind.EXPORTER, "otlp_http"): _otlp_http,
    (ComponentKind.EXPORTER, "file"): _file,
}


def passive_types() -> tuple[ComponentType, ...]:
    """Every type that is only checked."""
    made = [HOST_METRICS]
    for kind, spellings in _SPELLINGS.items():
        for name, *aliases in spellings:
            settings = type("PassiveSettings", (PassiveSettings,), {"go_type": f"{kind.section}/{name}"})
            made.append(ComponentType(kind, name, settings, tuple(aliases), check=_CHECKS.get((kind, name))))
    return tuple(made)


@dataclass(frozen=True)
class ForwardSettings(Settings):
    """The forward connector has no settings."""

    go_type: ClassVar[str] = "forwardconnector.Config"


class _Forward(Stateless):
    def process(self, flow: Flow) -> Flow:
        return flow


def _forward(settings: ForwardSettings, setup: Setup) -> Stage:
    del settings, setup
    return _Forward()


FORWARD: Final = ComponentType(ComponentKind.CONNECTOR, "forward", ForwardSettings, build=_forward)
"""Passes payloads from one pipeline to others."""
