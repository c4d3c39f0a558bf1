"""resourcedetection: adds attributes of the collector's surroundings to every resource.

An offline engine has no surroundings, so they are given by the user: the ``env`` detector reads
``OTEL_RESOURCE_ATTRIBUTES`` of the environment that the configuration is expanded with, and every other detector
reads ``PHOENIX_RESOURCE_ATTRIBUTES_<DETECTOR>`` in the same form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Final
from urllib.parse import unquote

from phoenix_nb.collector.components._base import (
    BuildError,
    ComponentKind,
    ComponentType,
    Flow,
    Setup,
    Stage,
    Stateless,
)
from phoenix_nb.collector.components._rewrite import IdMap, map_resources
from phoenix_nb.collector.config import ANY, BOOL, DURATION, TEXT, Items, Node, Settings, quote, setting
from phoenix_nb.otlp import Attributes, AttributeValue, Dictionaries, Resource

__all__ = ["RESOURCE_DETECTION", "ResourceDetectionSettings"]

_DETECTORS: Final = """
akamai aks alibaba_ecs azure consul digitalocean docker dynatrace ec2 ecs eks elasticbeanstalk gcp heroku hetzner
ibmcloud_classic ibmcloud_vpc k8snode k8s_api kubeadm lambda nova openstack_nova openshift oraclecloud scaleway system
tencent_cvm upcloud vultr
"""
_CLIENT: Final = """
auth compression compression_params cookies disable_keep_alives endpoint force_attempt_http2 headers
http2_ping_timeout http2_read_idle_timeout idle_conn_timeout max_conns_per_host max_idle_conns
max_idle_conns_per_host middlewares proxy_url read_buffer_size refresh_interval tls write_buffer_size
"""
_FREE: Final = frozenset((_DETECTORS + _CLIENT).split())
_NO_LIST_SINCE: Final = (0, 142, 0)
_SOURCES: Final = ("cname", "dns", "lookup", "os")


@dataclass(frozen=True)
class ResourceDetectionSettings(Settings):
    """Settings of the resourcedetection processor."""

    go_type: ClassVar[str] = "resourcedetectionprocessor.Config"
    detectors: tuple[str, ...] = setting(("env",), Items(TEXT))
    """What is asked, in order; the first answer for a key counts."""
    override: bool = setting(True, BOOL)
    """Whether attributes that a resource has are exchanged."""
    attributes: tuple[str, ...] = setting((), Items(TEXT))
    """Keys that may be added, in releases before 0.142; none = all."""
    timeout: int = setting(5_000_000_000, DURATION)
    """Nanoseconds that a detector may take."""
    others: Mapping[str, object] = setting({}, ANY, key="")
    """Settings of detectors and of the client."""

    def unmarshal(self, path: tuple[str, ...], name: str, node: dict[str, Node]) -> Settings:
        """The settings; those of single detectors are kept as they are."""
        free = {key: value for key, value in node.items() if key in _FREE}
        rest = {key: value for key, value in node.items() if key not in _FREE and key != "others"}
        made = super().unmarshal(path, name, {**rest, **({"": ""} if "others" in node else {})})
        assert isinstance(made, ResourceDetectionSettings)  # noqa: S101 - unmarshal keeps the class
        return replace(made, others=ANY.decode(path, name, free, {}))

    def problems(self) -> Iterator[str]:
        """As the collector's ``Validate``."""
        system = self.others.get("system")
        sources = system.get("hostname_sources") if isinstance(system, Mapping) else None
        if "system" in self.detectors or sources:
            for source in sources if isinstance(sources, list) else ():
                if source not in _SOURCES:
                    yield f"hostname_sources contains invalid value: {quote(str(source))}"
                    return


def _parse(text: str) -> dict[str, str]:
    """``key=value`` pairs with commas between them, percent-encoded where needed."""
    made: dict[str, str] = {}
    for part in text.split(","):
        if not part.strip():
            continue
        key, equals, value = part.partition("=")
        if not equals:
            raise BuildError(
                f"{part.strip()!r} is no attribute: write key=value pairs with commas between them"
            )
        made[unquote(key.strip())] = unquote(value.strip())
    return made


def _detected(settings: ResourceDetectionSettings, environment: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for detector in settings.detectors:
        name = "OTEL_RESOURCE_ATTRIBUTES"
        if detector != "env":
            name = f"PHOENIX_RESOURCE_ATTRIBUTES_{detector.upper()}"
            if name not in environment:
                raise BuildError(
                    f"the embedded engine cannot ask the detector {quote(detector)}; give what it would answer in the "
                    f"environment variable {name} as key=value pairs, or use engine: otelcol"
                )
        for key, value in _parse(environment.get(name, "")).items():
            found.setdefault(key, value)
    allowed = settings.attributes
    return {key: value for key, value in found.items() if not allowed or key in allowed}


def _check(
    settings: ResourceDetectionSettings, version: tuple[int, int, int]
) -> Iterator[tuple[tuple[str, ...], str]]:
    if settings.attributes and version >= _NO_LIST_SINCE:
        yield ("attributes",), "'resourcedetectionprocessor.Config' has invalid keys: attributes"


class _ResourceDetection(Stateless):
    def __init__(self, found: Mapping[str, str], dictionaries: Dictionaries, *, override: bool) -> None:
        def change(resource: Resource) -> Resource:
            made: dict[str, AttributeValue] = dict(resource.attributes.items())
            for key, value in found.items():
                if override or key not in made:
                    made[key] = value
            if made == dict(resource.attributes.items()):
                return resource
            return replace(resource, attributes=Attributes(made.items()))

        self._map = IdMap(dictionaries.resources, change)
        self._empty = lambda: dictionaries.resources.intern(change(Resource()))

    def process(self, flow: Flow) -> Flow:
        made = map_resources(flow.frames, self._map, self._empty)
        return flow if made is flow.frames else flow.to(made)


def _build(settings: ResourceDetectionSettings, setup: Setup) -> Stage:
    # A check has no environment, and asks nobody, as in the collector.
    found = {} if setup.environment is None else _detected(settings, setup.environment)
    return _ResourceDetection(found, setup.dictionaries, override=settings.override)


RESOURCE_DETECTION: Final = ComponentType(
    ComponentKind.PROCESSOR,
    "resourcedetection",
    ResourceDetectionSettings,
    ("resource_detection",),
    build=_build,
    check=_check,
)
"""The resourcedetection processor."""
