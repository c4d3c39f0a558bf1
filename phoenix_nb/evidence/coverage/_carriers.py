"""What the attributes of a point say about the process it belongs to, once per distinct set of attributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.evidence.coverage._selectors import CriticalSelector
from phoenix_nb.otlp import Attributes, Dictionaries, Frames

__all__ = ["Carriers"]

Ids = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_OWN_KEYS: Final = ("process.", "host.")
_HOST_KEYS: Final = ("host.name", "host.id")
_NAME_KEYS: Final = ("process.executable.name", "process.command", "process.executable.path")


class Carriers:
    """Numbers for what carries a process: a resource, or one with point attributes that name a process.

    Processors may move ``process.*`` attributes from the resource to the points; both places count.
    Everything is evaluated once per carrier and then broadcast to points.
    """

    def __init__(self, dictionaries: Dictionaries, selectors: Sequence[CriticalSelector]) -> None:
        self._dictionaries = dictionaries
        self._selectors = tuple(selectors)
        self._of_resource = np.zeros(0, dtype=np.int64)
        self._flagged = np.zeros(0, dtype=np.bool_)
        self._pairs: dict[tuple[int, int], int] = {}
        self._hosts: dict[str, int] = {"": 0}
        self._host_names: list[str] = [""]
        self._pid: list[int] = []
        self._host: list[int] = []
        self._selected: list[tuple[bool, ...]] = []
        self._arrays: tuple[Mask, Mask] | None = None
        self.names: list[str] = []
        """Per carrier the process name; empty when it has none."""

    def of(self, frames: Frames) -> Ids:
        """Per point its carrier."""
        return self.of_ids(np.maximum(frames.p_resource, 0), frames.p_attributes)

    def of_ids(self, resource: npt.NDArray[np.int32], attributes: npt.NDArray[np.int32]) -> Ids:
        """Per pair of resource id and attribute set id its carrier."""
        self._extend()
        carrier: Ids = self._of_resource[resource]
        flagged = self._flagged[attributes]
        if flagged.any():
            at = np.flatnonzero(flagged)
            width = len(self._flagged)
            codes, back = np.unique(
                resource[at].astype(np.int64) * width + attributes[at], return_inverse=True
            )
            ids = [self._intern(int(code) // width, int(code) % width) for code in codes.tolist()]
            carrier = carrier.copy()
            carrier[at] = np.array(ids, dtype=np.int64)[back]
        return carrier

    def _extend(self) -> None:
        sets = self._dictionaries.attribute_sets
        known = len(self._flagged)
        if known < len(sets):
            fresh = [any(key.startswith(_OWN_KEYS) for key in sets[i]) for i in range(known, len(sets))]
            self._flagged = np.concatenate([self._flagged, np.array(fresh, dtype=np.bool_)])
        resources = len(self._dictionaries.resources)
        known = len(self._of_resource)
        if known < resources:
            ids = [self._intern(i, 0) for i in range(known, resources)]
            self._of_resource = np.concatenate([self._of_resource, np.array(ids, dtype=np.int64)])

    def _intern(self, resource: int, attributes: int) -> int:
        found = self._pairs.get((resource, attributes))
        if found is not None:
            return found
        own = self._dictionaries.resources[resource].attributes
        point = self._dictionaries.attribute_sets[attributes] if attributes else None
        pid = _first(own, point, ("process.pid",))
        host = _first(own, point, _HOST_KEYS)
        name = _first(own, point, _NAME_KEYS)
        number = len(self._pid)
        self._pid.append(pid if isinstance(pid, int) and not isinstance(pid, bool) else -1)
        self._host.append(self._host_id(host if isinstance(host, str) else ""))
        self.names.append(name if isinstance(name, str) else "")
        self._selected.append(tuple(selector.matches(own, point) for selector in self._selectors))
        self._pairs[resource, attributes] = number
        self._arrays = None
        return number

    def _host_id(self, name: str) -> int:
        found = self._hosts.setdefault(name, len(self._host_names))
        if found == len(self._host_names):
            self._host_names.append(name)
        return found

    def _built(self) -> tuple[Mask, Mask]:
        if self._arrays is None:
            selected: Mask = np.array(self._selected, dtype=np.bool_).reshape(
                len(self._selected), len(self._selectors)
            )
            self._arrays = (selected, np.asarray(selected.any(axis=1), dtype=np.bool_))
        return self._arrays

    @property
    def matched(self) -> Mask:
        """Per carrier whether any selector means it, shape (carriers,)."""
        return self._built()[1]

    @property
    def selected(self) -> Mask:
        """Per carrier and selector whether it is meant, shape (carriers, selectors)."""
        return self._built()[0]

    def pid(self, carrier: int) -> int:
        """The process id; -1 when the carrier has none."""
        return self._pid[carrier]

    def host(self, carrier: int) -> int:
        """The number of the host; 0 when the carrier names none."""
        return self._host[carrier]

    def host_name(self, number: int) -> str:
        """The name behind a host number; empty for 0."""
        return self._host_names[number]

    def host_number(self, name: str) -> int:
        """The number of a host name; 0 for an empty or unknown one."""
        return self._hosts.get(name, 0)

    def chosen(self, carrier: int) -> tuple[int, ...]:
        """Indices of the selectors that mean the carrier."""
        return tuple(i for i, hit in enumerate(self._selected[carrier]) if hit)


def _first(own: Attributes, point: Attributes | None, keys: tuple[str, ...]) -> object:
    for key in keys:
        for place in (own, point):
            value = None if place is None else place.get(key)
            if value is not None:
                return value
    return None
