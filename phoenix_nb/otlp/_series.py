"""Series ids: which stream a point belongs to, and what counts as one distinct series."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from phoenix_nb.otlp._pairs import Growing, PairIndex

if TYPE_CHECKING:
    from phoenix_nb.otlp._attributes import Attributes
    from phoenix_nb.otlp._dictionary import Dictionary
    from phoenix_nb.otlp._model import MetricHeader, Resource

__all__ = ["KeyParts", "SeriesIndex", "SeriesParts"]

Ids = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class SeriesParts:
    """What series are made of, by series."""

    resource: Ids
    """Resource ids, -1 when absent."""
    scope: Ids
    """Scope ids, -1 when absent."""
    header: Ids
    """Header ids."""
    attributes: Ids
    """Attribute set ids."""


@dataclass(frozen=True, slots=True)
class KeyParts:
    """What series keys are made of, by series key."""

    resource: Ids
    """Canonical resource ids, 0 for an absent resource."""
    header: Ids
    """First header ids with the metric's name."""
    attributes: Ids
    """Canonical attribute set ids."""


class SeriesIndex:
    """Numbers for series, shared by all frames of one run.

    A *series id* stands for (resource, scope, header, attribute set) exactly as sent; decisions of rules can
    be kept per series id. A *series key* stands for (resource attributes, metric name, point attributes) in
    any order, which is what users pay for and what counts as one distinct series. Safe to use from several
    threads.
    """

    def __init__(
        self,
        resources: Dictionary[Resource],
        headers: Dictionary[MetricHeader],
        attribute_sets: Dictionary[Attributes],
    ) -> None:
        self._resources = resources
        self._headers = headers
        self._attribute_sets = attribute_sets
        self._owners = PairIndex()
        self._shapes = PairIndex()
        self._series = PairIndex()
        self._key_shapes = PairIndex()
        self._keys = PairIndex()
        self._key: Growing[np.int32] = Growing(np.int32)
        self._lock = threading.RLock()

    def intern(self, owner: Ids, shape: Ids) -> Ids:
        """Series ids of points from their :meth:`owners` and :meth:`shapes`."""
        with self._lock:
            ids = self._series.intern(owner, shape)
            self._extend_keys()
            return ids

    def owners(self, resource: Ids, scope: Ids) -> Ids:
        """Ids of (resource, scope) pairs; -1 stands for an absent one."""
        return self._owners.intern(resource + 1, scope + 1)

    def shapes(self, header: Ids, attributes: Ids) -> Ids:
        """Ids of (header, attribute set) pairs."""
        return self._shapes.intern(header, attributes)

    def _extend_keys(self) -> None:
        known = len(self._key)
        if known == len(self._series):
            return
        found = self.parts(np.arange(known, len(self._series), dtype=np.int32))
        resource = np.maximum(found.resource, 0)
        names = self._headers.canonical[found.header]
        attributes = self._attribute_sets.canonical[found.attributes]
        shape = self._key_shapes.intern(names, attributes)
        self._key.extend(self._keys.intern(self._resources.canonical[resource], shape))

    def __len__(self) -> int:
        return len(self._series)

    def parts(self, series: npt.NDArray[np.integer]) -> SeriesParts:
        """What some series are made of, without a look at the others."""
        owner, shape = self._series.left.view()[series], self._series.right.view()[series]
        return SeriesParts(
            self._owners.left.view()[owner] - np.int32(1),
            self._owners.right.view()[owner] - np.int32(1),
            self._shapes.left.view()[shape],
            self._shapes.right.view()[shape],
        )

    def key_parts(self, keys: npt.NDArray[np.integer]) -> KeyParts:
        """What some series keys are made of, without a look at the others."""
        shape = self._keys.right.view()[keys]
        return KeyParts(
            self._keys.left.view()[keys],
            self._key_shapes.left.view()[shape],
            self._key_shapes.right.view()[shape],
        )

    @property
    def resource(self) -> Ids:
        """Per series id the resource id, -1 when absent."""
        return self._owners.left.view()[self._series.left.view()] - np.int32(1)

    @property
    def scope(self) -> Ids:
        """Per series id the scope id, -1 when absent."""
        return self._owners.right.view()[self._series.left.view()] - np.int32(1)

    @property
    def header(self) -> Ids:
        """Per series id the header id."""
        return self._shapes.left.view()[self._series.right.view()]

    @property
    def attributes(self) -> Ids:
        """Per series id the attribute set id."""
        return self._shapes.right.view()[self._series.right.view()]

    @property
    def key(self) -> Ids:
        """Per series id its series key."""
        return self._key.view()

    @property
    def n_keys(self) -> int:
        """How many distinct series keys exist so far."""
        return len(self._keys)

    @property
    def key_resource(self) -> Ids:
        """Per series key the canonical resource id (0 for an absent resource)."""
        return self._keys.left.view()

    @property
    def key_header(self) -> Ids:
        """Per series key the first header id with the metric's name."""
        return self._key_shapes.left.view()[self._keys.right.view()]

    @property
    def key_attributes(self) -> Ids:
        """Per series key the canonical attribute set id."""
        return self._key_shapes.right.view()[self._keys.right.view()]
