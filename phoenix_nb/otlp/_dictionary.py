"""Append-only dictionaries: each distinct resource, scope, header and attribute set is parsed once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar, cast

import numpy as np
import numpy.typing as npt

from phoenix_nb.otlp._attributes import Attributes
from phoenix_nb.otlp._model import MetricHeader, MetricType, Resource, Scope, resource_wire, scope_wire
from phoenix_nb.otlp._pairs import Growing
from phoenix_nb.otlp._series import SeriesIndex
from phoenix_nb.otlp._wire import varint_size

__all__ = ["Dictionaries", "Dictionary", "Table"]

T = TypeVar("T", bound=Hashable)
Ids = npt.NDArray[np.int32]


class Dictionary(Generic[T]):
    """Gives every distinct value a small number, in order of first appearance, for ever.

    Ids are never reused and nothing is evicted, so they can be compared across all frames that share the dictionary.
    Safe to use from several threads.
    """

    def __init__(self, *, size: Callable[[T], int], identity: Callable[[T], bytes]) -> None:
        self._size = size
        self._identity = identity
        self._values: list[T] = []
        self._ids: dict[T, int] = {}
        self._raw: dict[Hashable, int] = {}
        self._by_identity: dict[bytes, int] = {}
        self._sizes: Growing[np.int64] = Growing(np.int64)
        self._canonical: Growing[np.int32] = Growing(np.int32)
        self._lock = threading.RLock()

    def intern(self, value: T) -> int:
        """The id of ``value``, which is added when it is new."""
        found = self._ids.get(value)
        return self._add(value) if found is None else found

    def _add(self, value: T) -> int:
        with self._lock:
            found = self._ids.get(value)
            if found is not None:
                return found
            number = len(self._values)
            self._publish({value: number})
            return number

    def intern_raw(self, raw: Hashable, parse: Callable[[], T]) -> int:
        """The id behind a raw form (wire bytes, text); ``parse`` runs only when the raw form is new."""
        found = self._raw.get(raw)
        if found is None:
            # A new raw form is mostly a new value too, so it is not looked up without the lock first.
            found = self._raw[raw] = self._add(parse())
        return found

    def intern_raws(self, raws: Sequence[Hashable], parse: Callable[[list[Any]], list[T]]) -> list[int]:
        """The ids behind many raw forms, of which those that are new are parsed and added together."""
        numbers = [self._raw.get(raw, -1) for raw in raws]
        if min(numbers, default=0) >= 0:
            return numbers
        places = [at for at, number in enumerate(numbers) if number < 0]
        new = list(zip(places, parse([raws[at] for at in places]), strict=True))
        with self._lock:
            added: dict[T, int] = {}
            for at, value in new:
                number = self._ids.get(value, -1)
                if number < 0:
                    number = added.setdefault(value, len(self._values) + len(added))
                numbers[at] = number
            self._publish(added)
            self._raw.update((raws[at], numbers[at]) for at, _ in new)
        return numbers

    def _publish(self, added: dict[T, int]) -> None:
        """Make new values visible; the caller holds the lock."""
        identities = [self._identity(value) for value in added]
        sizes = [self._size(value) for value in added]
        self._sizes.extend(np.array(sizes, dtype=np.int64))
        first = self._by_identity.setdefault
        canonical = [
            first(identity, number) for identity, number in zip(identities, added.values(), strict=True)
        ]
        self._canonical.extend(np.array(canonical, dtype=np.int32))
        # The values become visible last, so that a reader without the lock never sees half of them.
        self._values.extend(added)
        self._ids.update(added)

    @property
    def values(self) -> Sequence[T]:
        """All values, by id. Do not change it; it grows while others intern."""
        return self._values

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """Per id the encoded bytes of the value, without a tag and length of its own."""
        return self._sizes.view()

    @property
    def canonical(self) -> Ids:
        """Per id the first id with the same identity (contents in any order; for headers the name alone)."""
        return self._canonical.view()

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, number: int) -> T:
        if number < 0:
            raise IndexError(number)
        return self._values[number]

    def __iter__(self) -> Iterator[T]:
        return iter(tuple(self._values))

    def __contains__(self, value: object) -> bool:
        return cast("T", value) in self._ids

    def map(self, function: Callable[[T], object], dtype: npt.DTypeLike) -> npt.NDArray[np.generic]:
        """``function`` of every value as an array by id: evaluate on the dictionary, then broadcast to points."""
        values = tuple(self._values)
        return np.fromiter((cast("int", function(value)) for value in values), dtype=dtype, count=len(values))


class Table(Generic[T]):
    """A function of every value of a dictionary, as an array by id; each value is asked for once.

    Args:
        dictionary: the values.
        function: gives the same for the same value every time.
        dtype: the type of what it gives.
    """

    def __init__(
        self, dictionary: Dictionary[T], function: Callable[[T], object], dtype: npt.DTypeLike
    ) -> None:
        self._dictionary = dictionary
        self._function = function
        self._known: npt.NDArray[Any] = np.zeros(0, dtype=dtype)

    def array(self) -> npt.NDArray[Any]:
        """By id; do not write to it."""
        known = self._known
        values = self._dictionary.values
        count = len(values)
        if count > len(known):
            new = [self._function(values[number]) for number in range(len(known), count)]
            # One assignment, so that other threads see the array before or the array after.
            known = self._known = np.concatenate([known, np.array(new, dtype=known.dtype)])
        return known


def _text_size(text: str) -> int:
    size = len(text.encode())
    return 1 + varint_size(size) + size if size else 0


def _header_size(header: MetricHeader) -> int:
    return (
        _text_size(header.name)
        + _text_size(header.description)
        + _text_size(header.unit)
        + header.metadata.wire_size
    )


def _resource_size(resource: Resource) -> int:
    return resource.attributes.wire_size + (
        len(resource_wire(replace(resource, attributes=Attributes.EMPTY)))
        if resource.dropped_attributes_count or resource.entity_refs
        else 0
    )


class Dictionaries:
    """The dictionaries that all frames of one run share.

    Resource id 0 is the empty resource, attribute set 0 the empty set and schema URL 0 the empty text.
    """

    def __init__(self) -> None:
        self.resources: Dictionary[Resource] = Dictionary(
            size=_resource_size, identity=lambda value: value.attributes.digest
        )
        self.scopes: Dictionary[Scope] = Dictionary(
            size=lambda value: len(scope_wire(value)), identity=scope_wire
        )
        self.headers: Dictionary[MetricHeader] = Dictionary(
            size=_header_size, identity=lambda value: value.name.encode()
        )
        self.attribute_sets: Dictionary[Attributes] = Dictionary(
            size=lambda value: value.wire_size, identity=lambda value: value.digest
        )
        self.schema_urls: Dictionary[str] = Dictionary(size=_text_size, identity=str.encode)
        self.resources.intern(Resource())
        self.attribute_sets.intern(Attributes.EMPTY)
        self.schema_urls.intern("")
        self.series = SeriesIndex(self.resources, self.headers, self.attribute_sets)
        self._header_types = Table(self.headers, lambda header: header.type, np.uint8)
        self._typeless = Table(self.headers, lambda header: header.type == MetricType.NONE, np.bool_)
        self._data_sizes = Table(
            self.headers, lambda header: 2 * bool(header.temporality) + 2 * header.monotonic, np.int64
        )

    def header_types(self) -> npt.NDArray[np.uint8]:
        """Per header id its :class:`MetricType`."""
        return self._header_types.array()

    def typeless(self) -> npt.NDArray[np.bool_]:
        """Per header id whether the metric has no data member."""
        return self._typeless.array()

    def data_sizes(self) -> npt.NDArray[np.int64]:
        """Per header id the encoded bytes of what its data holds besides the points."""
        return self._data_sizes.array()
