"""What a Prometheus backend would see of payloads: names, labels, and series that fall together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from phoenix_nb.collector._values import text_of
from phoenix_nb.collector.components._passive import PassiveSettings
from phoenix_nb.collector.components._prometheus_names import label_name, metric_name
from phoenix_nb.otlp import Attributes, Frames, Resource, Scope

__all__ = ["PROMETHEUS_EXPORTERS", "BackendSeries", "PrometheusView", "prometheus_view", "resource_labels"]

PROMETHEUS_EXPORTERS = frozenset({"prometheus", "prometheus_remote_write"})
"""Types of the exporters that have such a backend, as first published."""
_JOB = "service.name"
_SPACE = "service.namespace"
_INSTANCE = "service.instance.id"
_NO_SUFFIXES = frozenset({"UnderscoreEscapingWithoutSuffixes", "NoTranslation"})


@dataclass(frozen=True, slots=True)
class BackendSeries:
    """One series of the backend."""

    name: str
    """Its metric name."""
    labels: tuple[tuple[str, str], ...]
    """Its labels, sorted by name."""
    series: tuple[int, ...]
    """The series ids that become it; more than one is a collision."""


@dataclass(frozen=True, slots=True)
class PrometheusView:
    """What the backend sees."""

    series: tuple[BackendSeries, ...]
    """Every series, in order of first appearance."""
    unnamed: tuple[str, ...] = ()
    """Metrics of which no valid name can be made; they are not exported."""

    @property
    def collisions(self) -> tuple[BackendSeries, ...]:
        """Series that several input series fall into; the backend keeps one point of them, or refuses them."""
        return tuple(one for one in self.series if len(one.series) > 1)


@dataclass(frozen=True, slots=True)
class _Rules:
    resource_labels: bool
    without_service: bool
    scope_labels: bool
    suffixes: bool
    namespace: str
    fixed: tuple[tuple[str, str], ...]


def _conversion(settings: Mapping[str, object]) -> Mapping[str, object]:
    found = settings.get("resource_to_telemetry_conversion")
    return found if isinstance(found, Mapping) else {}


def resource_labels(settings: Mapping[str, object]) -> bool:
    """Whether an exporter with these settings makes labels of the attributes of resources too."""
    return _conversion(settings).get("enabled") is True


def _rules(settings: Mapping[str, object]) -> _Rules:
    strategy = settings.get("translation_strategy")
    suffixes = settings.get("add_metric_suffixes", True) is not False
    if isinstance(strategy, str) and strategy:
        suffixes = strategy not in _NO_SUFFIXES
    fixed = settings.get("const_labels") or settings.get("external_labels")
    return _Rules(
        resource_labels=resource_labels(settings),
        without_service=_conversion(settings).get("exclude_service_attributes") is True,
        scope_labels=not (settings.get("without_scope_info") or settings.get("disable_scope_info")),
        suffixes=suffixes,
        namespace=str(settings.get("namespace") or ""),
        fixed=tuple((str(key), str(value)) for key, value in fixed.items())
        if isinstance(fixed, Mapping)
        else (),
    )


def prometheus_view(frames: Frames, settings: PassiveSettings | Mapping[str, object]) -> PrometheusView:
    """What a backend behind a ``prometheus`` or ``prometheusremotewrite`` exporter sees of payloads.

    Names are escaped with underscores, as both exporters do by default. Histograms and summaries count as one series
    here, although a backend stores one for every bucket or quantile.

    Args:
        frames: what the exporter receives.
        settings: the exporter's settings.
    """
    rules = _rules(settings.values if isinstance(settings, PassiveSettings) else settings)
    known, index = frames.dictionaries, frames.dictionaries.series
    distinct, first = np.unique(frames.p_series, return_index=True)
    distinct = distinct[np.argsort(first)]
    parts = index.parts(distinct)
    columns = (distinct, index.key[distinct], parts.header, parts.resource, parts.scope, parts.attributes)
    found: dict[tuple[str, tuple[tuple[str, str], ...]], list[int]] = {}
    keys: dict[tuple[str, tuple[tuple[str, str], ...]], set[int]] = {}
    unnamed: dict[str, None] = {}
    for number, key, of_header, resource, scope, attributes in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        header = known.headers[of_header]
        name = metric_name(header, namespace=rules.namespace, suffixes=rules.suffixes)
        if not name.strip("_"):
            unnamed[header.name] = None
            continue
        labels = _labels(
            rules,
            known.resources[resource].attributes if resource >= 0 else Resource().attributes,
            known.scopes[scope] if scope >= 0 else Scope(),
            known.attribute_sets[attributes],
        )
        # Series that differ in nothing that tells series apart are one already.
        same = keys.setdefault((name, labels), set())
        if key not in same:
            same.add(key)
            found.setdefault((name, labels), []).append(number)
    made = tuple(BackendSeries(name, labels, tuple(numbers)) for (name, labels), numbers in found.items())
    return PrometheusView(made, tuple(unnamed))


def _labels(
    rules: _Rules, resource: Attributes, scope: Scope, attributes: Attributes
) -> tuple[tuple[str, str], ...]:
    values = dict(attributes.items())
    if rules.resource_labels:
        hidden = {_JOB, _SPACE, _INSTANCE} if rules.without_service else set()
        # An attribute of the resource takes the place of the point's own.
        values.update((key, value) for key, value in resource.items() if key not in hidden)
    made: dict[str, list[str]] = {}
    for key in sorted(values):
        name = label_name(key)
        if name:
            made.setdefault(name, []).append(text_of(values[key]))
    if rules.scope_labels:
        made["otel_scope_name"] = [scope.name]
        made["otel_scope_version"] = [scope.version]
    if _JOB in resource:
        space = f"{text_of(resource[_SPACE])}/" if _SPACE in resource else ""
        made["job"] = [space + text_of(resource[_JOB])]
    if _INSTANCE in resource:
        made["instance"] = [text_of(resource[_INSTANCE])]
    for key, text in rules.fixed:
        made.setdefault(key, [text])
    # Attributes that become one label are joined, in the order of their keys; an empty label is no label.
    joined = ((name, ";".join(texts)) for name, texts in made.items())
    return tuple(sorted((name, text) for name, text in joined if text))
