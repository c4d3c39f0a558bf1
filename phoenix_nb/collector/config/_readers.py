"""What reads the collector's own metrics, and the views over them: checked for keys and types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from phoenix_nb.collector.config._schema import (
    ANY,
    BOOL,
    INT,
    TEXT,
    Entries,
    Items,
    Optional,
    Settings,
    Struct,
    setting,
)

__all__ = ["ReaderSettings", "ViewSettings"]


@dataclass(frozen=True)
class _Choice(Settings):
    included: tuple[str, ...] = setting((), Items(TEXT))
    """What is taken."""
    excluded: tuple[str, ...] = setting((), Items(TEXT))
    """What is left out."""


@dataclass(frozen=True)
class _Prometheus(Settings):
    host: str = setting("", TEXT)
    """Where it listens."""
    port: int = setting(0, INT)
    """On which port."""
    with_resource_constant_labels: _Choice | None = setting(None, Optional(Struct(_Choice)))
    """Which attributes of the resource become labels."""
    without_scope_info: bool = setting(False, BOOL)
    """Whether scopes are left out."""
    without_type_suffix: bool = setting(False, BOOL)
    """Whether names do without a suffix for the type."""
    without_units: bool = setting(False, BOOL)
    """Whether names do without units."""


@dataclass(frozen=True)
class _Otlp(Settings):
    certificate: str = setting("", TEXT)
    """Whom it trusts."""
    client_certificate: str = setting("", TEXT)
    """Who it is."""
    client_key: str = setting("", TEXT)
    """The key of its certificate."""
    compression: str = setting("", TEXT)
    """How payloads are packed."""
    default_histogram_aggregation: str = setting("", TEXT)
    """What histograms become."""
    endpoint: str = setting("", TEXT)
    """Where it sends to."""
    headers: object = setting(None, ANY)
    """What it sends along, as a list or as a map."""
    headers_list: str = setting("", TEXT)
    """The same as one text."""
    insecure: bool = setting(False, BOOL)
    """Whether it sends without TLS."""
    protocol: str = setting("", TEXT)
    """How it sends."""
    temporality_preference: str = setting("", TEXT)
    """Which temporality sums have."""
    timeout: int = setting(0, INT)
    """How long it waits (ms)."""


@dataclass(frozen=True)
class _PullExporter(Settings):
    prometheus: _Prometheus | None = setting(None, Optional(Struct(_Prometheus)))
    """An endpoint to scrape."""


@dataclass(frozen=True)
class _PushExporter(Settings):
    console: Mapping[str, object] = setting({}, Entries(ANY))
    """Prints them."""
    otlp: _Otlp | None = setting(None, Optional(Struct(_Otlp)))
    """Sends them."""


@dataclass(frozen=True)
class _Pull(Settings):
    exporter: _PullExporter = setting(_PullExporter(), Struct(_PullExporter))
    """Who asks."""


@dataclass(frozen=True)
class _Periodic(Settings):
    exporter: _PushExporter = setting(_PushExporter(), Struct(_PushExporter))
    """Where they go."""
    interval: int = setting(0, INT)
    """How often (ms)."""
    timeout: int = setting(0, INT)
    """How long one round may take (ms)."""


@dataclass(frozen=True)
class ReaderSettings(Settings):
    """One reader of the collector's own metrics."""

    periodic: _Periodic | None = setting(None, Optional(Struct(_Periodic)))
    """Sends by itself."""
    pull: _Pull | None = setting(None, Optional(Struct(_Pull)))
    """Waits to be asked."""
    producers: tuple[object, ...] = setting((), Items(ANY))
    """Other sources."""


@dataclass(frozen=True)
class ViewSettings(Settings):
    """One view over instruments."""

    selector: Mapping[str, object] = setting({}, Entries(ANY))
    """Which instruments."""
    stream: Mapping[str, object] = setting({}, Entries(ANY))
    """What becomes of them."""
