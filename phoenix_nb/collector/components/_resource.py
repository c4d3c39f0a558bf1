"""resource: acts on the attributes of resources."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from phoenix_nb.collector.components._actions import ActionSettings, Deletion, compile_actions
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
        self._apply = apply
        self._map = IdMap.of_many(dictionaries.resources, self._changed)
        self._empty = lambda: dictionaries.resources.intern(self._changed([Resource()])[0])

    def _changed(self, resources: Sequence[Resource]) -> list[Resource]:
        maps = [resource.attributes for resource in resources]
        apply = self._apply
        changed = apply.many(maps) if isinstance(apply, Deletion) else list(map(apply, maps))
        made: list[Resource] = []
        # A deletion gives the same attributes again and again; the list of them keeps each alive.
        plain: dict[int, Resource] = {}
        for resource, before, after in zip(resources, maps, changed, strict=True):
            if after is before:
                made.append(resource)
            elif resource.dropped_attributes_count or resource.entity_refs:
                made.append(Resource(after, resource.dropped_attributes_count, resource.entity_refs))
            else:
                found = plain.get(id(after))
                if found is None:
                    found = plain[id(after)] = Resource(after)
                made.append(found)
        return made

    def process(self, flow: Flow) -> Flow:
        made = map_resources(flow.frames, self._map, self._empty)
        return flow if made is flow.frames else flow.to(made)


def _build(settings: ResourceSettings, setup: Setup) -> Stage:
    return _ResourceStage(setup.dictionaries, compile_actions(settings.attributes))


RESOURCE: Final = ComponentType(ComponentKind.PROCESSOR, "resource", ResourceSettings, build=_build)
"""The resource processor."""
