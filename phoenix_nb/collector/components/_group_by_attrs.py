"""groupbyattrs: moves points to resources that have some of their attributes, and joins equal resources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector.components._arrange import arrange
from phoenix_nb.collector.components._base import (
    ComponentKind,
    ComponentType,
    Flow,
    Setup,
    Stage,
    Stateless,
)
from phoenix_nb.collector.components._grouping import Groups, combine, dense
from phoenix_nb.collector.components._rewrite import IdMap
from phoenix_nb.collector.config import TEXT, Items, Settings, setting
from phoenix_nb.otlp import Attributes, Dictionaries, Frames, Resource, Scope, Table

__all__ = ["GROUP_BY_ATTRS", "GroupByAttrsSettings"]

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class GroupByAttrsSettings(Settings):
    """Settings of the groupbyattrs processor."""

    go_type: ClassVar[str] = "groupbyattrsprocessor.Config"
    keys: tuple[str, ...] = setting((), Items(TEXT))
    """Point attributes that move to the resource; none joins equal resources and no more."""


class _Resources:
    """Resources with attributes of points put over their own: ids of resources that stand for their attributes."""

    def __init__(self, dictionaries: Dictionaries) -> None:
        self._resources = dictionaries.resources
        self._sets = dictionaries.attribute_sets
        self._known: dict[tuple[int, int], int] = {}
        self._plain = Table(dictionaries.resources, _plain, np.bool_)

    def __call__(self, payload: Array, resource: Array, taken: Array) -> Array:
        """Per row the id of the resource that results; ``taken`` is the attribute set that is put over it."""
        found = dense(combine(resource + np.int32(1), taken))
        first = found.first
        made, over = resource[first], taken[first]
        for row in np.flatnonzero((over > 0) | (made < 0) | ~self._plain.array()[made]).tolist():
            made[row] = self._made(int(made[row]), int(over[row]))
        canonical = self._resources.canonical[made]
        same = dense(canonical)
        results = made.take(found.of)
        if np.array_equal(made[same.first].take(same.of), made):
            return results
        # Equal attributes in another order are one resource, the one that came first in the payload.
        same = dense(combine(payload, canonical.take(found.of)))
        return results[same.first].take(same.of)

    def _made(self, resource: int, taken: int) -> int:
        number = self._known.get((resource, taken))
        if number is None:
            known = self._resources[resource] if resource >= 0 else Resource()
            base = known.attributes
            for key, value in self._sets[taken].items():
                base = base.with_item(key, value)
            # Only the attributes are copied: dropped counts and entities are lost.
            number = self._known[resource, taken] = self._resources.intern(Resource(base))
        return number


def _plain(resource: Resource) -> bool:
    """Whether there is nothing but attributes to it."""
    return not resource.dropped_attributes_count and not resource.entity_refs


def _taken(attributes: Attributes, keys: tuple[str, ...]) -> Attributes:
    """The attributes that move to the resource, in the order of the configured keys."""
    taken = attributes.only(*keys)
    order = tuple(key for key in keys if key in taken)
    return taken if taken.keys() == order else Attributes((key, taken[key]) for key in order)


class _GroupByAttrs(Stateless):
    def __init__(self, keys: tuple[str, ...], dictionaries: Dictionaries) -> None:
        self._keys = keys
        self._resources = _Resources(dictionaries)
        sets = dictionaries.attribute_sets
        self._taken: IdMap[Attributes] = IdMap(sets, lambda attributes: _taken(attributes, keys))
        self._left: IdMap[Attributes] = IdMap(sets, lambda attributes: attributes.removed(*keys))
        self._libraries: dict[tuple[str, str], int] = {}
        self._names: dict[tuple[str, int], int] = {}
        self._library_numbers = Table(dictionaries.scopes, self._library, np.int32)
        self._name_numbers = Table(dictionaries.headers, self._name, np.int32)

    def process(self, flow: Flow) -> Flow:
        frames = flow.frames
        return flow.to(self._grouped(frames)) if frames.n_resources else flow

    def _grouped(self, frames: Frames) -> Frames:
        known = frames.dictionaries
        metric = frames.p_metric
        attributes = frames.p_attributes
        if self._keys and len(metric):
            # Rows with equal (metric, taken attributes) go the same way, so all that follows is about such pieces.
            taken = self._taken(attributes)
            pieces = dense(combine(metric, taken))
            attributes = self._left(attributes)
            piece_metric, piece_taken = metric[pieces.first], taken[pieces.first]
        else:
            pieces = dense(metric)
            piece_metric = metric[pieces.first]
            piece_taken = np.zeros(len(pieces), dtype=np.int32)
        payload = frames.m_payload.take(piece_metric)
        resource = self._resources(payload, frames.m_resource.take(piece_metric), piece_taken)
        blocks = dense(combine(payload, resource))
        libraries = np.append(self._library_numbers.array(), np.int32(self._library(Scope())))
        scope = frames.m_scope.take(piece_metric)
        scopes = dense(combine(blocks.of, libraries.take(scope)))
        names = self._name_numbers.array()
        header = frames.m_header.take(piece_metric)
        metrics = dense(combine(scopes.of, names.take(header)))
        return arrange(
            known,
            frames.arrival,
            {
                "rm_payload": payload[blocks.first],
                "rm_resource": resource[blocks.first],
                "rm_schema": np.zeros(len(blocks), dtype=np.int32),
                "sm_rm": blocks.of[scopes.first],
                "sm_scope": scope[scopes.first],
                "sm_schema": np.zeros(len(scopes), dtype=np.int32),
                "m_sm": scopes.of[metrics.first],
                "m_header": header[metrics.first],
                **self._points(frames, metrics, pieces, attributes),
            },
            frames.side,
        )

    @staticmethod
    def _points(frames: Frames, metrics: Groups, pieces: Groups, attributes: Array) -> dict[str, Array]:
        names = ("p_start", "p_time", "p_kind", "p_int", "p_double", "p_flags", "p_side")
        return {
            "p_metric": metrics.of.take(pieces.of),
            "p_attributes": attributes,
            **{name: frames.column(name) for name in names},
        }

    def _library(self, scope: Scope) -> int:
        """Scopes are one when name and version agree."""
        return self._libraries.setdefault((scope.name, scope.version), len(self._libraries))

    def _name(self, header: Any) -> int:
        """Metrics are one when name and type agree; the first one's unit and temporality win."""
        return self._names.setdefault((header.name, header.type), len(self._names))


def _build(settings: GroupByAttrsSettings, setup: Setup) -> Stage:
    return _GroupByAttrs(tuple(dict.fromkeys(key for key in settings.keys if key)), setup.dictionaries)


GROUP_BY_ATTRS: Final = ComponentType(
    ComponentKind.PROCESSOR, "groupbyattrs", GroupByAttrsSettings, build=_build
)
"""The groupbyattrs processor."""
