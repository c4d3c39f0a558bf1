"""The few parts of the protobuf wire format that the payload model needs by itself."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

__all__ = [
    "bytes_field",
    "fields",
    "fixed64_field",
    "lone_entries",
    "spans",
    "varint",
    "varint_field",
    "varint_size",
    "varint_sizes",
    "zigzag",
]

_MAX_FIELD = (1 << 29) - 1
_FIRST_FIELD = 0x0A
_FIXED_SIZES = {1: 8, 5: 4}


def varint(value: int) -> bytes:
    """``value`` (0 … 2^64-1) as a base-128 varint."""
    if value < 0x80:
        return bytes((value,))
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def varint_size(value: int) -> int:
    """How many bytes :func:`varint` needs."""
    return max(1, (value.bit_length() + 6) // 7)


def varint_sizes(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """:func:`varint_size` of each value below 2^42 (lengths and 32-bit numbers)."""
    sizes = np.ones(values.shape, dtype=np.int64)
    top = int(values.max(initial=0))
    limit = 0x80
    while limit <= top:
        sizes += values >= limit
        limit <<= 7
    return sizes


def zigzag(value: int) -> int:
    """The sint encoding of a signed number."""
    return value << 1 if value >= 0 else ((-value) << 1) - 1


def varint_field(number: int, value: int) -> bytes:
    """A varint field; negative values as 64-bit two's complement."""
    return varint(number << 3) + varint(value & 0xFFFFFFFFFFFFFFFF)


def bytes_field(number: int, value: bytes) -> bytes:
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(value)) + value


def fixed64_field(number: int, raw: bytes) -> bytes:
    """A 64-bit field from its eight little-endian bytes."""
    return varint(number << 3 | 1) + raw


def _read_varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(raw):
            message = "a varint is cut off"
            raise ValueError(message)
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
        shift += 7
        if shift > 63:
            message = "a varint is longer than ten bytes"
            raise ValueError(message)


def lone_entries(raw: bytes) -> list[bytes] | None:
    """The entries of a message that holds nothing but a repeated field 1; ``None`` for one of another form.

    Entries are shorter than 16 KiB, as nearly all attributes are.
    """
    found = []
    at, end = 0, len(raw)
    try:
        while at < end:
            size = raw[at + 1]
            if raw[at] != _FIRST_FIELD:
                return None
            at += 2
            if size > 0x7F:
                high = raw[at]
                if high > 0x7F:
                    return None
                size = size & 0x7F | high << 7
                at += 1
            found.append(raw[at : at + size])
            at += size
    except IndexError:
        return None
    return found if at == end else None


def spans(raw: bytes, begin: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
    """The fields of a message inside a buffer as ``(number, wire type, begin, end)`` of their contents.

    Raises:
        ValueError: these bytes are not a protobuf message.
    """
    at = begin
    while at < stop:
        tag, at = _read_varint(raw, at)
        number, kind = tag >> 3, tag & 7
        if not 0 < number <= _MAX_FIELD:
            message = f"field number {number} is not possible"
            raise ValueError(message)
        if kind == 2:
            size, at = _read_varint(raw, at)
            end = at + size
        elif kind == 0:
            _, end = _read_varint(raw, at)
        elif kind in _FIXED_SIZES:
            end = at + _FIXED_SIZES[kind]
        else:
            message = f"wire type {kind} of field {number} is not used by OTLP"
            raise ValueError(message)
        if end > stop:
            message = f"field {number} is cut off"
            raise ValueError(message)
        yield number, kind, at, end
        at = end


def fields(raw: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """The fields of one message as ``(number, wire type, value)``.

    Varints and fixed numbers come as unsigned ints, length-delimited fields as bytes.

    Raises:
        ValueError: the bytes are not a protobuf message.
    """
    for number, kind, begin, end in spans(raw, 0, len(raw)):
        if kind == 2:
            yield number, kind, raw[begin:end]
        elif kind == 0:
            yield number, kind, _read_varint(raw, begin)[0]
        else:
            yield number, kind, int.from_bytes(raw[begin:end], "little")
