"""What a Prometheus backend makes of what its exporter gets: series that differ only in what it drops become one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from phoenix_nb.analysis._output_difference import series_text
from phoenix_nb.collector import CollectorConfig, prometheus_view
from phoenix_nb.collector.components import PROMETHEUS_EXPORTERS, ComponentKind, PassiveSettings
from phoenix_nb.collector.config import ComponentId
from phoenix_nb.otlp import Frames

__all__ = ["BackendView", "Merged", "backend_view"]


@dataclass(frozen=True, slots=True)
class Merged:
    """A metric of the backend of which several series are sent under one name and the same labels."""

    metric: str
    """Its name in the backend."""
    sent: int
    """Series that are sent."""
    kept: int
    """Series that the backend tells apart; of the others it keeps one point of several, or refuses them."""
    example: str
    """One of the series sent that is not alone."""


@dataclass(frozen=True, slots=True)
class BackendView:
    """What is behind one exporter."""

    exporter: str
    """Its id."""
    sent: int
    """Series that are sent, a histogram counted once."""
    kept: int
    """Series that the backend tells apart."""
    merged: tuple[Merged, ...]
    """Metrics that lose series, the one that loses most first."""
    unnamed: tuple[str, ...]
    """Metrics of which no valid name can be made; they are not exported."""


def backend_view(config: CollectorConfig, exporter: str, sent: Sequence[Frames]) -> BackendView | None:
    """What the backend makes of everything an exporter got; ``None`` when it is no Prometheus exporter.

    Args:
        config: the configuration.
        exporter: id of the exporter.
        sent: what it got.
    """
    component = config.components[ComponentKind.EXPORTER][ComponentId.parse(exporter)]
    settings = component.settings
    known = component.type is not None and component.type.name in PROMETHEUS_EXPORTERS
    if not known or not sent or not isinstance(settings, PassiveSettings):
        return None
    frames = Frames.concat(sent)
    view = prometheus_view(frames, settings)
    by_metric: dict[str, list[tuple[int, ...]]] = {}
    for one in view.series:
        by_metric.setdefault(one.name, []).append(one.series)
    index = frames.dictionaries.series
    merged = []
    for name, groups in by_metric.items():
        several = next((group for group in groups if len(group) > 1), None)
        if several is not None:
            example = series_text(frames.dictionaries, int(index.key[several[0]]))
            merged.append(Merged(name, sum(map(len, groups)), len(groups), example))
    return BackendView(
        exporter,
        sum(len(one.series) for one in view.series),
        len(view.series),
        tuple(sorted(merged, key=lambda one: (one.kept - one.sent, one.metric))),
        view.unnamed,
    )
