"""Attributes of the usual form read for thousands of messages at once, column by column.

Usual is: entries shorter than 16 KiB with a text or a small number as value, in the shortest encoding. Everything else
is left to the readers of single messages, which also know what to say about broken ones.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["Items", "read_items", "read_lists"]

Longs = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Objects = npt.NDArray[np.object_]

_FIRST: Final = 0x0A
_SECOND: Final = 0x12
_TEXT: Final = 0x0A
_NUMBER: Final = 0x18
_LENGTH: Final = struct.Struct("<I")
_MOST_ENTRIES: Final = 256
_MOST_DIGITS: Final = 9
# Readers look a few bytes past the end of the last message.
_MARGIN: Final = bytes(16)


@dataclass(frozen=True, slots=True)
class Items:
    """What distinct encoded entries hold; arrays by entry."""

    wires: Objects
    names: list[str]
    """Distinct keys."""
    keys: Longs
    """Which of the names."""
    values: Objects
    canonical: Objects
    """The bytes that identify key, type and value."""


def read_lists(raws: Sequence[bytes]) -> tuple[pa.BinaryArray, Longs]:
    """The entries of messages that hold nothing but a repeated field 1, one after another.

    Returns:
        All entries in order, and per message how many there are; -1 for a message of another form, whose entries are
        left out.
    """
    sizes = np.fromiter(map(len, raws), dtype=np.int64, count=len(raws))
    buffer = b"".join((*raws, _MARGIN))
    data = np.frombuffer(buffer, dtype=np.uint8)
    end = np.cumsum(sizes)
    at = end - sizes
    counts = np.zeros(len(raws), dtype=np.int64)
    live = np.flatnonzero(sizes)
    owners, begins, ends = [], [], []
    for _ in range(_MOST_ENTRIES):
        if not len(live):
            break
        here = at[live]
        begin, size, good = _length(data, here + 1)
        stop = begin + size
        good &= (data[here] == _FIRST) & (stop <= end[live])
        counts[live[~good]] = -1
        live, begin, stop = live[good], begin[good], stop[good]
        counts[live] += 1
        owners.append(live)
        begins.append(begin)
        ends.append(stop)
        at[live] = stop
        live = live[stop < end[live]]
    counts[live] = -1
    if not owners:
        return pa.array([], type=pa.binary()), counts
    owner, begin, stop = np.concatenate(owners), np.concatenate(begins), np.concatenate(ends)
    kept = counts[owner] >= 0
    begin, stop = begin[kept], stop[kept]
    order = np.argsort(begin)
    return _spans(buffer, begin[order], stop[order]), counts


def read_items(wires: pa.BinaryArray, single: Callable[[bytes], tuple[Any, ...]]) -> Items:
    """What encoded ``KeyValue`` messages hold.

    Args:
        wires: the messages.
        single: reads one message that has not the usual form: key, value and canonical form come first.
    """
    raws = wires.to_pylist()
    own = np.empty((2, len(raws)), dtype=np.object_)
    items = Items(_objects(raws), [], np.zeros(len(raws), dtype=np.int64), *own)
    usual = _read_usual(items, raws)
    known = {name: number for number, name in enumerate(items.names)}
    for row in np.flatnonzero(~usual).tolist():
        name, items.values[row], items.canonical[row] = single(raws[row])[:3]
        items.keys[row] = known.setdefault(name, len(known))
    items.names[:] = known
    return items


def _read_usual(items: Items, raws: Sequence[bytes]) -> Mask:
    """Fill in the entries of the usual form, and tell which they are."""
    sizes = np.fromiter(map(len, raws), dtype=np.int64, count=len(raws))
    buffer = b"".join((*raws, _MARGIN))
    data = np.frombuffer(buffer, dtype=np.uint8)
    end = np.cumsum(sizes)
    at = end - sizes
    key_at, key_size, usual = _length(data, at + 1)
    key_end = np.minimum(key_at + key_size, end)
    value_at, value_size, good = _length(data, key_end + 1)
    usual &= good & (data[at] == _FIRST) & (data[key_end] == _SECOND) & (value_at + value_size == end)
    value_at = np.minimum(value_at, end)
    kind = data[value_at]
    text_at, text_size, good = _length(data, value_at + 1)
    texts: Mask = usual & good & (kind == _TEXT) & (value_size > 1) & (text_at + text_size == end)
    number, good = _numbers(data, value_at + 1, end)
    numbers: Mask = usual & good & (kind == _NUMBER)
    rows = np.flatnonzero(texts | numbers)
    keys = _spans(buffer, key_at[rows], key_end[rows]).dictionary_encode()
    contents = _spans(buffer, text_at[texts], end[texts])
    try:
        items.values[texts] = _objects(contents.cast(pa.string()).to_pylist())
        items.names.extend(key.decode() for key in keys.dictionary.to_pylist())
    except (UnicodeDecodeError, pa.ArrowInvalid):
        items.names.clear()
        return np.zeros(len(end), dtype=np.bool_)  # who reads them one by one finds out which it is
    found = number[numbers]
    items.values[numbers] = _objects(found.tolist())
    items.canonical[texts] = _objects(
        [b"s" + _LENGTH.pack(len(text)) + text for text in contents.to_pylist()]
    )
    items.canonical[numbers] = _objects([b"i" + one for one in _eights(found)])
    index = np.asarray(keys.indices)
    items.keys[rows] = index
    heads = [b"k" + _LENGTH.pack(len(key)) + key for key in keys.dictionary.to_pylist()]
    items.canonical[rows] = _objects(heads)[index] + items.canonical[rows]
    return texts | numbers


def _objects(values: Sequence[Any]) -> Objects:
    made = np.empty(len(values), dtype=np.object_)
    made[:] = values
    return made


def _eights(numbers: Longs) -> list[bytes]:
    packed = numbers.astype("<i8").tobytes()
    return [packed[at : at + 8] for at in range(0, len(packed), 8)]


def _length(data: Bytes, at: Longs) -> tuple[Longs, Longs, Mask]:
    """Lengths of one or two bytes: where what they count begins, how long it is, and whether that can be relied on."""
    low = data[at].astype(np.int64)
    long = low > 0x7F
    if not long.any():
        return at + 1, low, np.ones(len(at), dtype=np.bool_)
    high = data[at + 1].astype(np.int64)
    size = np.where(long, low & 0x7F | high << 7, low)
    # A second byte of zero is a longer form than needed, which is left to the readers of single messages.
    return at + 1 + long, size, ~long | ((high > 0) & (high < 0x80))


def _numbers(data: Bytes, at: Longs, end: Longs) -> tuple[Longs, Mask]:
    """Varints that fill the bytes up to ``end``, and which of them are below 2^63 and as short as can be."""
    size = end - at
    good = (size > 0) & (size <= _MOST_DIGITS)
    value = np.zeros(len(at), dtype=np.int64)
    for step in range(int(size[good].max(initial=0))):
        inside = good & (step < size)
        digit = data[np.where(inside, at + step, 0)].astype(np.int64)
        last = step == size - 1
        good &= ~inside | (np.where(last, digit < 0x80, digit > 0x7F) & ~(last & (digit == 0) & (step > 0)))
        value |= np.where(inside, (digit & 0x7F) << 7 * step, 0)
    return value, good


def _spans(buffer: bytes, begin: Longs, stop: Longs) -> pa.BinaryArray:
    """Parts of a buffer, which follow each other, as a column."""
    edges = np.empty(2 * len(begin) + 1, dtype=np.int32)
    edges[0:-1:2] = begin
    edges[1::2] = stop
    edges[-1] = stop[-1] if len(stop) else 0
    both = pa.BinaryArray.from_buffers(
        pa.binary(), 2 * len(begin), [None, pa.py_buffer(edges), pa.py_buffer(buffer)]
    )
    return both.take(pa.array(np.arange(0, 2 * len(begin), 2)))
