"""attributes: acts on the attributes of points."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from phoenix_nb.collector.components._actions import ActionSettings, compile_actions
from phoenix_nb.collector.components._base import (
    BuildError,
    ComponentKind,
    ComponentType,
    Flow,
    Setup,
    Stage,
    Stateless,
)
from phoenix_nb.collector.components._matching import (
    MATCHES,
    REGEXP_CACHE,
    TEXTS,
    AttributeMatch,
    RegexpCache,
    text_matcher,
)
from phoenix_nb.collector.components._rewrite import IdMap, exchange
from phoenix_nb.collector.config import ANY, TEXT, Items, Optional, Settings, Struct, setting
from phoenix_nb.otlp import Attributes, Dictionaries, MetricHeader

__all__ = ["ATTRIBUTES", "AttributesSettings", "MatchSettings"]


@dataclass(frozen=True)
class Library(Settings):
    """An instrumentation scope to match."""

    go_type: ClassVar[str] = "filterconfig.InstrumentationLibrary"
    name: str = setting("", TEXT)
    """Its name."""
    version: str | None = setting(None, Optional(TEXT))
    """Its version; ``None`` matches any."""


@dataclass(frozen=True)
class MatchSettings(Settings):
    """What a processor acts on; only metric names count for metrics."""

    go_type: ClassVar[str] = "filterconfig.MatchProperties"
    match_type: str = setting("", TEXT)
    """``strict`` or ``regexp``."""
    regexp: RegexpCache | None = setting(None, REGEXP_CACHE)
    """A cache that changes no result."""
    services: tuple[str, ...] = setting((), TEXTS)
    """Of spans."""
    span_names: tuple[str, ...] = setting((), TEXTS)
    """Of spans."""
    log_bodies: tuple[str, ...] = setting((), TEXTS)
    """Of logs."""
    log_severity_texts: tuple[str, ...] = setting((), TEXTS)
    """Of logs."""
    log_severity_number: object = setting(None, ANY)
    """Of logs."""
    metric_names: tuple[str, ...] = setting((), TEXTS)
    """Of metrics."""
    attributes: tuple[AttributeMatch, ...] = setting((), MATCHES)
    """Of spans and logs."""
    resources: tuple[AttributeMatch, ...] = setting((), MATCHES)
    """Accepted for metrics, and without effect on them, as in the collector."""
    libraries: tuple[Library, ...] = setting((), Items(Struct(Library)))
    """Of spans and logs."""
    span_kinds: tuple[str, ...] = setting((), TEXTS)
    """Of spans."""


@dataclass(frozen=True)
class AttributesSettings(Settings):
    """Settings of the attributes processor."""

    go_type: ClassVar[str] = "attributesprocessor.Config"
    include: MatchSettings | None = setting(None, Optional(Struct(MatchSettings)))
    """What it acts on; ``None`` = everything."""
    exclude: MatchSettings | None = setting(None, Optional(Struct(MatchSettings)))
    """What it leaves alone."""
    actions: tuple[ActionSettings, ...] = setting((), Items(Struct(ActionSettings)))
    """What it does, in order."""

    def problems(self) -> Iterator[str]:
        """As the collector's ``Validate``."""
        if not self.actions:
            yield 'missing required field "actions"'


class _AttributesStage(Stateless):
    def __init__(
        self,
        dictionaries: Dictionaries,
        apply: Callable[[Attributes], Attributes],
        acts: Callable[[str], bool] | None,
    ) -> None:
        self._map = IdMap(dictionaries.attribute_sets, apply)
        self._dictionaries = dictionaries
        self._acts = acts

    def process(self, flow: Flow) -> Flow:
        frames = flow.frames
        base = frames.selection[0]
        old = base.p_attributes
        if self._acts is None:
            new = self._map(old)
        else:
            acts = self._acts

            def chosen(header: MetricHeader) -> bool:
                return acts(header.name)

            by_header = self._dictionaries.headers.map(chosen, np.bool_)
            mask = by_header[base.p_header].astype(np.bool_)
            new = old.copy()
            new[mask] = self._map(old[mask])
        return flow if np.array_equal(new, old) else flow.to(exchange(frames, p_attributes=new))


def _name_test(match: MatchSettings | None) -> Callable[[str], bool] | None:
    if match is None:
        return None
    if (
        match.log_bodies
        or match.log_severity_texts
        or match.span_names
        or match.services
        or match.span_kinds
        or match.attributes
        or match.libraries
        or match.log_severity_number is not None
    ):
        raise BuildError(
            '"span_names", "span_kinds", "log_bodies", "log_severity_texts", "log_severity_number", "services", '
            '"attributes" and "libraries" are not valid for metrics'
        )
    if not match.metric_names and not match.resources:
        raise BuildError('at least one of "metric_names" or "resources" field must be specified')
    return text_matcher(match.match_type, match.metric_names) if match.metric_names else None


def _build(settings: AttributesSettings, setup: Setup) -> Stage:
    apply = compile_actions(settings.actions)
    include, exclude = _name_test(settings.include), _name_test(settings.exclude)
    acts: Callable[[str], bool] | None = None
    if include is not None or exclude is not None:

        def acts(name: str) -> bool:
            return (include is None or include(name)) and not (exclude is not None and exclude(name))

    return _AttributesStage(setup.dictionaries, apply, acts)


ATTRIBUTES: Final = ComponentType(ComponentKind.PROCESSOR, "attributes", AttributesSettings, build=_build)
"""The attributes processor."""
