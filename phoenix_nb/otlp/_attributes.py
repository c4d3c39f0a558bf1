"""Attribute maps: immutable, ordered, typed, and exact to the byte."""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Self, TypeAlias

import numpy as np
import numpy.typing as npt
import xxhash

from phoenix_nb.errors import InvalidRequestError, PayloadDecodeError
from phoenix_nb.otlp._pairs import distinct_rows
from phoenix_nb.otlp._plain import read_items, read_lists
from phoenix_nb.otlp._wire import (
    bytes_field,
    fields,
    fixed64_field,
    varint_field,
    varint_size,
)

__all__ = ["AttributeValue", "Attributes", "KeyValues", "attribute_text"]

AttributeValue: TypeAlias = "str | bool | int | float | bytes | tuple[AttributeValue, ...] | KeyValues | None"
"""A value of an attribute; ``None`` is an empty value, which OTLP keeps apart from an absent key."""

_MAX_DEPTH = 64
_FEW = 4
"""So many messages with the same keys are not worth the columns."""
_INT_LOW, _INT_HIGH = -(1 << 63), (1 << 63) - 1
_DOUBLE = struct.Struct("<d")
_LENGTH = struct.Struct("<I")


class KeyValues:
    """An ordered map of typed values, as OTLP sends it.

    Two maps are equal when they encode to the same bytes: order matters, and 1, 1.0, ``True`` and ``"1"``
    differ. :attr:`digest` forgets the order and is what identifies a series. Duplicate keys, which only
    malformed senders make, are kept; look-ups answer with the first.
    """

    __slots__ = ("_digest", "_encoded", "_index", "_keys", "_size", "_values", "_wires")

    EMPTY: ClassVar[Self]

    def __init__(self, items: Iterable[tuple[str, AttributeValue]] = ()) -> None:
        pairs = tuple(items)
        self._keys = tuple(key for key, _ in pairs)
        self._values = tuple(value for _, value in pairs)
        self._wires: tuple[bytes, ...] | None = None
        self._encoded: bytes | None = None
        self._digest: bytes | None = None
        self._size: int | None = None
        self._index: dict[str, AttributeValue] | None = None

    @classmethod
    def of(cls, values: Mapping[str, object] | Iterable[tuple[str, object]] = ()) -> Self:
        """From plain Python values; lists become arrays and mappings become nested maps.

        Raises:
            InvalidRequestError: a value that OTLP cannot carry.
        """
        pairs = values.items() if isinstance(values, Mapping) else values
        return cls((key, _normalise(key, value)) for key, value in pairs)

    @classmethod
    def from_wires(cls, wires: Iterable[bytes]) -> Self:
        """From encoded ``KeyValue`` messages, which are kept as they are.

        Raises:
            PayloadDecodeError: a message that is not a ``KeyValue``.
        """
        raw = tuple(wires)
        made = cls()
        if not raw:
            return made
        keys, made._values, canonical, sizes = zip(*map(_read_item, raw), strict=True)
        made._keys = _shared(keys)
        made._wires = raw
        made._digest = xxhash.xxh3_128_digest(b"".join(sorted(canonical)))
        made._size = sum(sizes)
        return made

    @classmethod
    def from_lists(cls, raws: Sequence[bytes]) -> list[Self | None]:
        """From many encoded messages of which the entries are field 1.

        Returns:
            ``None`` for a message with other fields too, or with keys that only few of the messages have.

        Raises:
            PayloadDecodeError: an entry that is not a ``KeyValue``.
        """
        entries, counts = read_lists(raws)
        coded = entries.dictionary_encode()
        items = read_items(coded.dictionary, _read_item)
        index = np.asarray(coded.indices)
        begins = np.cumsum(np.maximum(counts, 0)) - counts
        found: list[Self | None] = [None] * len(raws)
        for width in np.unique(counts[counts > 0]).tolist():
            rows = np.flatnonzero(counts == width)
            table = index[begins[rows, np.newaxis] + np.arange(width)]
            for members in _alike(items.keys[table], len(items.names)):
                keys = _shared(tuple(items.names[key] for key in items.keys[table[members[0]]].tolist()))
                order = _canonical_order(keys)
                if order is None:
                    continue
                columns = table[members].T
                values, wires = (
                    zip(*(of.take(column).tolist() for column in columns), strict=True)
                    for of in (items.values, items.wires)
                )
                canonical = zip(*(items.canonical.take(columns[at]).tolist() for at in order), strict=True)
                digests = map(xxhash.xxh3_128_digest, map(b"".join, canonical))
                places = rows[members].tolist()
                for row, own, entries_of, digest in zip(places, values, wires, digests, strict=True):
                    made: Self = object.__new__(cls)
                    made._keys = keys
                    made._values, made._wires, made._digest = own, entries_of, digest
                    made._encoded = raw = raws[row]
                    made._size = len(raw)
                    made._index = None
                    found[row] = made
        return found

    @property
    def encoded(self) -> bytes:
        """All entries as a repeated field 1."""
        if self._encoded is None:
            return b"".join(bytes_field(1, wire) for wire in self.wires)
        return self._encoded

    @property
    def wires(self) -> tuple[bytes, ...]:
        """Each entry as an encoded ``KeyValue`` message."""
        if self._wires is None:
            self._wires = tuple(_encode_key_value(key, value) for key, value in self.items())
        return self._wires

    @property
    def digest(self) -> bytes:
        """16 bytes that are equal for equal typed contents in any order, in every process and version."""
        if self._digest is None:
            self._digest = xxhash.xxh3_128_digest(_canonical_map(self))
        return self._digest

    @property
    def wire_size(self) -> int:
        """Bytes of all entries as a repeated field with a one-byte tag."""
        if self._size is None:
            self._size = sum(1 + varint_size(len(wire)) + len(wire) for wire in self.wires)
        return self._size

    def get(self, key: str, default: AttributeValue = None) -> AttributeValue:
        """The value of ``key``, or ``default`` when the key is absent."""
        return self._lookup().get(key, default)

    def __getitem__(self, key: str) -> AttributeValue:
        return self._lookup()[key]

    def __contains__(self, key: object) -> bool:
        return key in self._lookup()

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def keys(self) -> tuple[str, ...]:
        """The keys in order."""
        return self._keys

    def values(self) -> tuple[AttributeValue, ...]:
        """The values in order."""
        return self._values

    def items(self) -> tuple[tuple[str, AttributeValue], ...]:
        """The pairs in order."""
        return tuple(zip(self._keys, self._values, strict=True))

    def with_item(self, key: str, value: AttributeValue) -> Self:
        """The same map with ``key`` set: in its place when it is there, at the end otherwise."""
        value = _normalise(key, value)
        if key not in self._keys:
            return self._from_parts(
                (*self._keys, key), (*self._values, value), (*self.wires, _encode_key_value(key, value))
            )
        at = self._keys.index(key)
        wires = self.wires
        return self._from_parts(
            self._keys,
            (*self._values[:at], value, *self._values[at + 1 :]),
            (*wires[:at], _encode_key_value(key, value), *wires[at + 1 :]),
        )

    def without(self, *keys: str) -> Self:
        """The same map without ``keys``; absent ones are ignored."""
        return self._select([i for i, key in enumerate(self._keys) if key not in keys])

    def removed(self, *keys: str) -> Self:
        """The same map with each of ``keys`` removed as the collector does: the last entry takes its place."""
        order = list(range(len(self._keys)))
        names = list(self._keys)
        for key in keys:
            if key in names:
                at = names.index(key)
                names[at], order[at] = names[-1], order[-1]
                names.pop()
                order.pop()
        return self._select(order)

    @staticmethod
    def column(maps: Iterable[KeyValues], key: str) -> list[AttributeValue]:
        """The value of one key in many maps, ``None`` where it is absent."""
        # Neighbours mostly have the same keys in the same order, and then it is one and the same tuple.
        last: tuple[str, ...] = ()
        at = -1
        made: list[AttributeValue] = []
        add = made.append
        for found in maps:
            if found._keys is not last:  # noqa: SLF001 - of this class
                last = found._keys  # noqa: SLF001 - of this class
                at = last.index(key) if key in last else -1
            add(found._values[at] if at >= 0 else None)  # noqa: SLF001 - of this class
        return made

    def taking(self, places: Sequence[int]) -> Self:
        """The entries at ``places`` of the present order, as they are encoded."""
        wires = self.wires
        return self._from_parts(
            _shared(tuple([self._keys[at] for at in places])),
            tuple([self._values[at] for at in places]),
            tuple([wires[at] for at in places]),
        )

    def only(self, *keys: str) -> Self:
        """The same map with nothing but ``keys``, in the present order."""
        return self._select([i for i, key in enumerate(self._keys) if key in keys])

    def same_as(self, other: KeyValues) -> bool:
        """Whether both hold the same typed contents, in any order."""
        return self.digest == other.digest

    def to_dict(self) -> dict[str, object]:
        """Plain Python values: tuples as lists, nested maps as dicts."""
        return (
            {key: _plain(value) for key, value in reversed(self.items())}
            if len(self) > len(self._lookup())
            else {key: _plain(value) for key, value in self.items()}
        )

    def _select(self, kept: list[int]) -> Self:
        if len(kept) == len(self._keys):
            return self
        return self.taking(kept)

    @classmethod
    def _from_parts(
        cls, keys: tuple[str, ...], values: tuple[AttributeValue, ...], wires: tuple[bytes, ...]
    ) -> Self:
        made: Self = object.__new__(cls)
        made._keys, made._values, made._wires = keys, values, wires
        made._encoded = made._digest = made._size = made._index = None
        return made

    def _lookup(self) -> dict[str, AttributeValue]:
        if self._index is None:
            # Built backwards so that the first of two equal keys wins, as the collector's look-up does.
            self._index = dict(zip(reversed(self._keys), reversed(self._values), strict=True))
        return self._index

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, KeyValues):
            return NotImplemented
        return self.wires == other.wires

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        inner = ", ".join(f"{key!r}: {value!r}" for key, value in self.items())
        return f"{type(self).__name__}({{{inner}}})"

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self).from_wires, (self.wires,))


class Attributes(KeyValues):
    """The attributes of a resource, a scope, a metric or a point."""

    __slots__ = ()


KeyValues.EMPTY = KeyValues()
Attributes.EMPTY = Attributes()


def _normalise(key: str, value: object, depth: int = 0) -> AttributeValue:
    if depth > _MAX_DEPTH:
        raise InvalidRequestError(f"attribute {key!r} is nested deeper than {_MAX_DEPTH} levels")
    if value is None or isinstance(value, (bool, float, bytes, KeyValues)):
        return value if not isinstance(value, float) else float(value)
    if isinstance(value, str):
        return _utf8(key, str(value))
    if isinstance(value, int):
        if not _INT_LOW <= value <= _INT_HIGH:
            raise InvalidRequestError(
                f"attribute {key!r} holds {value}, which does not fit into 64 signed bits",
                hint="send it as a string or as a double",
            )
        return int(value)
    if isinstance(value, (list, tuple)):
        return tuple(_normalise(key, item, depth + 1) for item in value)
    if isinstance(value, Mapping):
        return KeyValues((_utf8(key, name), _normalise(key, item, depth + 1)) for name, item in value.items())
    raise InvalidRequestError(f"attribute {key!r} holds a {type(value).__name__}, which OTLP cannot carry")


def _utf8(key: str, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise InvalidRequestError(f"attribute {key!r} holds text that is not valid Unicode") from exc
    return text


def _plain(value: AttributeValue) -> object:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.to_dict() if isinstance(value, KeyValues) else value


def _encode_key_value(key: str, value: AttributeValue) -> bytes:
    head = bytes_field(1, key.encode()) if key else b""
    return head + bytes_field(2, _encode_value(value))


def _encode_value(value: AttributeValue) -> bytes:
    if isinstance(value, str):
        return bytes_field(1, value.encode())
    if isinstance(value, bool):
        return varint_field(2, int(value))
    if isinstance(value, int):
        return varint_field(3, value)
    if isinstance(value, float):
        return fixed64_field(4, _DOUBLE.pack(value))
    if isinstance(value, bytes):
        return bytes_field(7, value)
    if isinstance(value, tuple):
        return bytes_field(5, b"".join(bytes_field(1, _encode_value(item)) for item in value))
    if isinstance(value, KeyValues):
        return bytes_field(6, b"".join(bytes_field(1, wire) for wire in value.wires))
    return b""


def _parse_common(raw: bytes) -> tuple[str, AttributeValue, bytes] | None:
    """Key, value and canonical form of a short key with a short text or number, as nearly all attributes are."""
    try:
        key_end = 2 + raw[1]
        size = raw[key_end + 1]
        at = key_end + 2
        if raw[0] != 0x0A or raw[1] > 0x7F or raw[key_end] != 0x12 or size > 0x7F or at + size != len(raw):
            return None
        key = raw[2:key_end]
        kind = raw[at]
        if kind == 0x0A and raw[at + 1] == size - 2:
            text = raw[at + 2 :]
            canonical = b"".join((b"k", _LENGTH.pack(len(key)), key, b"s", _LENGTH.pack(len(text)), text))
            return key.decode(), text.decode(), canonical
        if kind == 0x18 and 2 <= size <= 10:
            number = 0
            for step, byte in enumerate(raw[at + 1 :]):
                number |= (byte & 0x7F) << 7 * step
                if (byte < 0x80) is not (step == size - 2):
                    return None
            return key.decode(), number, _framed(b"k", key) + b"i" + number.to_bytes(8, "little", signed=True)
    except (IndexError, UnicodeDecodeError):
        pass
    return None


def _parse_key_value(raw: bytes, depth: int) -> tuple[str, AttributeValue]:
    common = _parse_common(raw)
    if common is not None:
        return common[:2]
    key = ""
    value: AttributeValue = None
    try:
        for number, _kind, content in fields(raw):
            if number == 1 and isinstance(content, bytes):
                key = content.decode()
            elif number == 2 and isinstance(content, bytes):
                value = _parse_value(content, depth)
    except UnicodeDecodeError as exc:
        raise PayloadDecodeError(
            "an attribute holds text that is not UTF-8",
            hint="OTLP strings must be UTF-8; send bytes as bytesValue",
        ) from exc
    except ValueError as exc:
        if isinstance(exc, PayloadDecodeError):
            raise
        raise PayloadDecodeError(f"an attribute is not a KeyValue message: {exc}") from exc
    return key, value


@functools.lru_cache(maxsize=1 << 12)
def _shared(keys: tuple[str, ...]) -> tuple[str, ...]:
    """One tuple for equal keys: a thousand resources have the same ones."""
    return keys


def _alike(keys: npt.NDArray[np.int64], names: int) -> list[npt.NDArray[np.intp]]:
    """The rows of each run of keys that more than a few rows have."""
    _, inverse = distinct_rows([(column, names) for column in keys.T])
    sizes = np.bincount(inverse)
    groups = np.split(np.argsort(inverse, kind="stable"), np.cumsum(sizes)[:-1])
    return [group for group in groups if len(group) > _FEW]


@functools.lru_cache(maxsize=1 << 12)
def _canonical_order(keys: tuple[str, ...]) -> tuple[int, ...] | None:
    """The places of distinct keys in the order of their canonical forms; ``None`` when a key comes twice."""
    if len(set(keys)) < len(keys):
        return None
    heads = [_framed(b"k", key.encode()) for key in keys]
    return tuple(sorted(range(len(keys)), key=heads.__getitem__))


@functools.lru_cache(maxsize=1 << 16)
def _read_item(wire: bytes) -> tuple[str, AttributeValue, bytes, int]:
    """Key, value, canonical form and size in a map of one encoded ``KeyValue``.

    Remembered, because most entries of a resource are those of a thousand others.
    """
    size = len(wire)
    size += 2 if size < 0x80 else 1 + varint_size(size)
    common = _parse_common(wire)
    if common is not None:
        return (*common, size)
    key, value = _parse_key_value(wire, 0)
    return key, value, _canonical_item(key, value), size


def _parse_value(raw: bytes, depth: int) -> AttributeValue:
    if depth > _MAX_DEPTH:
        raise PayloadDecodeError(f"an attribute is nested deeper than {_MAX_DEPTH} levels")
    value: AttributeValue = None
    seen = 0
    for number, kind, content in fields(raw):
        expected = _VALUE_KINDS.get(number)
        if expected is None:
            continue
        if expected != kind:
            raise PayloadDecodeError(f"an attribute value has wire type {kind} where OTLP has {expected}")
        if seen and seen != number:
            raise PayloadDecodeError("an attribute value carries two members of its oneof")
        seen = number
        if isinstance(content, bytes):
            value = _parse_delimited(number, content, depth)
        elif number == 2:
            value = bool(content)
        elif number == 3:
            value = content - (1 << 64) if content >> 63 else content
        else:
            value = _DOUBLE.unpack(content.to_bytes(8, "little"))[0]
    return value


_VALUE_KINDS = {1: 2, 2: 0, 3: 0, 4: 1, 5: 2, 6: 2, 7: 2}


def _parse_delimited(number: int, content: bytes, depth: int) -> AttributeValue:
    if number == 1:
        return content.decode()
    if number == 7:
        return content
    inner = [item for n, _kind, item in fields(content) if n == 1 and isinstance(item, bytes)]
    if number == 5:
        return tuple(_parse_value(item, depth + 1) for item in inner)
    made = KeyValues(_parse_key_value(item, depth + 1) for item in inner)
    made._wires = tuple(inner)  # noqa: SLF001 - this module owns the class; the bytes must survive unchanged
    return made


def _framed(tag: bytes, body: bytes) -> bytes:
    return tag + _LENGTH.pack(len(body)) + body


def _canonical(value: AttributeValue) -> bytes:
    if isinstance(value, str):
        return _framed(b"s", value.encode())
    if isinstance(value, bool):
        return b"t" if value else b"f"
    if isinstance(value, int):
        return b"i" + value.to_bytes(8, "little", signed=True)
    if isinstance(value, float):
        return b"d" + _DOUBLE.pack(value)
    if isinstance(value, bytes):
        return _framed(b"b", value)
    if isinstance(value, tuple):
        return _framed(b"a", b"".join(map(_canonical, value)))
    return b"n" if value is None else _framed(b"m", _canonical_map(value))


def _canonical_item(key: str, value: AttributeValue) -> bytes:
    return _framed(b"k", key.encode()) + _canonical(value)


def _canonical_map(value: KeyValues) -> bytes:
    return b"".join(sorted(_canonical_item(key, item) for key, item in value.items()))


def attribute_text(value: AttributeValue) -> str:
    """A value as the collector prints it in text: strings bare, everything else as JSON."""
    if isinstance(value, str):
        return value
    if type(value) is int:  # not a bool
        return str(value)
    import base64

    import orjson

    def tree(item: AttributeValue) -> object:
        if isinstance(item, bytes):
            return base64.b64encode(item).decode()
        if isinstance(item, tuple):
            return [tree(inner) for inner in item]
        if isinstance(item, KeyValues):
            return {key: tree(inner) for key, inner in item.items()}
        return item

    if value is None:
        return ""
    plain = tree(value)
    return plain if isinstance(plain, str) else orjson.dumps(plain).decode()
