"""Components that change no payload: receivers, exporters, extensions and the forward connector.

Their settings are checked against ``settings.json``, which lists the keys and types that release 0.159.0 accepts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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
from phoenix_nb.collector.components._exporter_rules import (
    Findings,
    grpc_endpoint_problem,
    grpc_server_problem,
    present,
    queue_problems,
    retry_problems,
    server_tls_problem,
    tls_problems,
)
from phoenix_nb.collector.components._host_metrics import HOST_METRICS
from phoenix_nb.collector.components._shapes import shape_of
from phoenix_nb.collector.config import ANY, Node, Settings, quote, setting

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


_Version = tuple[int, int, int]
Check = Callable[[Any, _Version], Iterable[tuple[tuple[str, ...], str]]]


def _otlp_grpc(settings: PassiveSettings, version: _Version) -> Findings:
    del version
    values = present(settings.values)
    if values.get("timeout", 0) < 0:
        yield ("timeoutconfig",), "'timeout' must be non-negative"
    yield from queue_problems(values)
    yield from retry_problems(values)
    endpoint = values.get("endpoint") or ""
    unreachable = grpc_endpoint_problem(endpoint)
    if unreachable:
        yield ("clientconfig",), unreachable
    yield from tls_problems(values)
    if not endpoint:
        yield (), 'requires a non-empty "endpoint"'


def _otlp_http(settings: PassiveSettings, version: _Version) -> Findings:
    del version
    values = present(settings.values)
    yield from _parameters(values)
    yield from tls_problems(values)
    yield from queue_problems(values)
    yield from retry_problems(values)
    keys = ("endpoint", "traces_endpoint", "metrics_endpoint", "logs_endpoint", "profiles_endpoint")
    if not any(values.get(key) for key in keys):
        yield (), "at least one endpoint must be specified"


def _parameters(values: Mapping[str, Any]) -> Findings:
    """Levels that a compression does not have."""
    compression = values.get("compression", "gzip")
    level = (values.get("compression_params") or {}).get("level", 0)
    leveled = compression in {"gzip", "zlib", "deflate"} and -2 <= level <= 9
    if level and not leveled and compression not in {"", "none", "zstd"}:
        yield (
            ("clientconfig",),
            f"unsupported parameters {{Level:{level}}} for compression type {quote(compression)}",
        )


def _debug(settings: PassiveSettings, version: _Version) -> Findings:
    del version
    values = present(settings.values)
    own_logger, paths = values.get("use_internal_logger", True), values.get("output_paths")
    level = values.get("verbosity", 0)
    if not 0 <= level <= 2:
        yield (), f"verbosity level {quote('None' if level == -1 else '')} is not supported"
    elif own_logger and paths is not None:
        yield (), "output_paths is not supported when use_internal_logger is true"
    elif paths is not None and not paths:
        yield (), "output_paths must not be empty when use_internal_logger is false"
    yield from queue_problems(values)


def _file(settings: PassiveSettings, version: _Version) -> Findings:
    del version
    values = present(settings.values)
    path = values.get("path") or ""
    form = values.get("format", "json")
    if not path:
        yield (), "path must be non-empty"
    elif values.get("append") and values.get("rotation") is not None:
        yield (), "append and rotation enabled at the same time is not supported"
    elif form not in {"json", "proto"} and "encoding" not in values:
        yield (), "format type is not supported"
    elif values.get("compression", "") not in {"", "zstd"}:
        yield (), "compression is not supported"
    elif values.get("flush_interval", 0) < 0:
        yield (), "flush_interval must be larger than zero"
    elif (values.get("group_by") or {}).get("enabled"):
        if path.count("*") != 1:
            yield (), "path must contain exactly one * when group_by is enabled"
        elif path.startswith("*"):
            yield (), "path must not start with * when group_by is enabled"
        elif values["group_by"].get("resource_attribute") == "":
            yield (), "resource_attribute must not be empty when group_by is enabled"
    elif values.get("directory_permissions") and not values.get("create_directory"):
        yield (), "directory_permissions requires create_directory to be true"


def _prometheus(settings: PassiveSettings, version: _Version) -> Findings:
    del version
    text = server_tls_problem(present(settings.values).get("tls"))
    if text:
        yield ("serverconfig", "tls"), text


def _otlp_receiver(settings: PassiveSettings, version: _Version) -> Findings:
    del version
    protocols = settings.values.get("protocols")
    if not isinstance(protocols, Mapping) or not protocols:
        yield (), "must specify at least one protocol when using the OTLP receiver"
        return
    for protocol, head in (("grpc", ""), ("http", "serverconfig::")):
        server = present(protocols).get(protocol)
        if not isinstance(server, Mapping):
            continue
        sizes = grpc_server_problem(server) if protocol == "grpc" else ""
        tls = server_tls_problem(server.get("tls"))
        found = [*([sizes] if sizes else []), *([f"{head}tls: {tls}"] if tls else [])]
        if found:
            yield ("protocols", protocol), "\n".join(found)


_CHECKS: Final[Mapping[tuple[ComponentKind, str], Check]] = {
    (ComponentKind.RECEIVER, "otlp"): _otlp_receiver,
    (ComponentKind.EXPORTER, "debug"): _debug,
    (ComponentKind.EXPORTER, "otlp_grpc"): _otlp_grpc,
    (ComponentKind.EXPORTER, "otlp_http"): _otlp_http,
    (ComponentKind.EXPORTER, "file"): _file,
    (ComponentKind.EXPORTER, "prometheus"): _prometheus,
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
