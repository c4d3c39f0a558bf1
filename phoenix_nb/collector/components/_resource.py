"""resource: acts on the attributes of resources."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from phoenix_nb.collector.components._actions import ActionSettings, compile_actions
from phoenix_nb.collector.components._base import (
    ComponentKind,
    ComponentType,
    Flow,
    Setup,
    Stage,
    Stateless,
)
from phoenix_nb.collector.components._rewrite import IdMap, map_resources
from phoenix_nb.collector.config import Items, Settings, Struct, setting
from phoenix_nb.otlp import Attributes, Dictionaries, Resource

__all__ = ["RESOURCE", "ResourceSettings"]


@dataclass(frozen=True)
class ResourceSettings(Settings):
    """Settings of the resource processor."""

    go_type: ClassVar[str] = "resourceprocessor.Config"
    attributes: tuple[ActionSettings, ...] = setting((), Items(Struct(ActionSettings)))
    """What it does, in order."""

    def problems(self) -> Iterator[str]:
        """As the collector's ``Validate``."""
        if not self.attributes:
            yield 'missing required field "attributes"'


class _ResourceStage(Stateless):
    def __init__(self, dictionaries: Dictionaries, apply: Callable[[Attributes], Attributes]) -> None:
        plain: dict[Attributes, Resource] = {}

        def change(resource: Resource) -> Resource:
            made = apply(resource.attributes)
            if made is resource.attributes:
                return resource
            if resource.dropped_attributes_count or resource.entity_refs:
                return Resource(made, resource.dropped_attributes_count, resource.entity_refs)
            # A deletion gives the same attributes again and again.
            found = plain.get(made)
            if found is None:
                found = plain[made] = Resource(made)
            return found

        self._map = IdMap(dictionaries.resources, change)
        self._empty = lambda: dictionaries.resources.intern(change(Resource()))

    def process(self, flow: Flow) -> Flow:
        made = map_resources(flow.frames, self._map, self._empty)
        return flow if made is flow.frames else flow.to(made)


def _build(settings: ResourceSettings, setup: Setup) -> Stage:
    return _ResourceStage(setup.dictionaries, compile_actions(settings.attributes))


RESOURCE: Final = ComponentType(ComponentKind.PROCESSOR, "resource", ResourceSettings, build=_build)
"""The resource processor."""
