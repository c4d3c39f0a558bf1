"""Functions that turn a text into a digest or into another alphabet."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Final

import xxhash

from phoenix_nb.collector.ottl._context import Item
from phoenix_nb.collector.ottl._function import Function, converter, param
from phoenix_nb.collector.ottl._getters import Getter, decode_base64
from phoenix_nb.collector.ottl._runtime import OttlError, Value, kind_of

__all__ = ["HASHES"]

_M64: Final = (1 << 64) - 1
_M32: Final = (1 << 32) - 1


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


@converter("FNV", param("target", "string"))
def _fnv(target: str) -> Value:
    made = 0xCBF29CE484222325
    for byte in target.encode():
        made = ((made ^ byte) * 0x100000001B3) & _M64
    return _signed(made)


def _digest(name: str, make: Callable[[bytes], str]) -> Function:
    @converter(name, param("target", "string"))
    def digest(target: str) -> Value:
        return make(target.encode())

    return digest


def _rotate(value: int, by: int, bits: int) -> int:
    mask = (1 << bits) - 1
    return ((value << by) | (value >> (bits - by))) & mask


def _murmur32(data: bytes) -> str:
    first, second = 0xCC9E2D51, 0x1B873593
    made = 0
    whole = len(data) // 4 * 4
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at : at + 4], "little")
        k = _rotate(k * first & _M32, 15, 32) * second & _M32
        made = (_rotate(made ^ k, 13, 32) * 5 + 0xE6546B64) & _M32
    if whole < len(data):
        k = int.from_bytes(data[whole:], "little")
        made ^= _rotate(k * first & _M32, 15, 32) * second & _M32
    made ^= len(data)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        made = ((made ^ (made >> shift)) * factor) & _M32
    return made.to_bytes(4, "little").hex()


def _finish64(value: int) -> int:
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53, 1):
        value = ((value ^ (value >> 33)) * factor) & _M64
    return value


def _murmur128(data: bytes) -> str:
    first, second = 0x87C37B91114253D5, 0x4CF5AD432745937F
    low = high = 0
    whole = len(data) // 16 * 16
    for at in range(0, whole, 16):
        k1 = int.from_bytes(data[at : at + 8], "little")
        k2 = int.from_bytes(data[at + 8 : at + 16], "little")
        low ^= _rotate(k1 * first & _M64, 31, 64) * second & _M64
        low = ((_rotate(low, 27, 64) + high) * 5 + 0x52DCE729) & _M64
        high ^= _rotate(k2 * second & _M64, 33, 64) * first & _M64
        high = ((_rotate(high, 31, 64) + low) * 5 + 0x38495AB5) & _M64
    tail = data[whole:]
    if len(tail) > 8:
        k2 = int.from_bytes(tail[8:], "little")
        high ^= _rotate(k2 * second & _M64, 33, 64) * first & _M64
    if tail:
        k1 = int.from_bytes(tail[:8], "little")
        low ^= _rotate(k1 * first & _M64, 31, 64) * second & _M64
    low ^= len(data)
    high ^= len(data)
    low = (low + high) & _M64
    high = (high + low) & _M64
    low, high = _finish64(low), _finish64(high)
    low = (low + high) & _M64
    high = (high + low) & _M64
    return (low.to_bytes(8, "little") + high.to_bytes(8, "little")).hex()


@converter("Hex", param("target", "bytes_like"))
def _hex(target: bytes | None) -> Value:
    return (target or b"").hex()


@converter("Base64Decode", param("target", "string"))
def _decode64(target: str) -> Value:
    return _from_base64(target, "base64")


_VARIANTS: Final = ("base64", "base64-raw", "base64-url", "base64-raw-url")


def _from_base64(text: str, variant: str) -> str:
    # Line breaks inside are ignored, as by Go.
    text = text.replace("\r", "").replace("\n", "")
    if variant.endswith(("url",)):
        if "+" in text or "/" in text:
            raise OttlError("illegal base64 data")
        text = text.replace("-", "+").replace("_", "/")
    if "raw" in variant:
        if "=" in text:
            raise OttlError("illegal base64 data")
        text += "=" * (-len(text) % 4)
    return decode_base64(text).decode(errors="replace")


def _encode64(target: Getter, variant: Getter | None = None) -> Callable[[Item], Value]:
    def evaluate(item: Item) -> Value:
        raw = str(target.get(item)).encode()
        name = "base64" if variant is None else str(variant.get(item))
        if name not in _VARIANTS:
            raise OttlError(f"unsupported base64 variant: {name}")
        made = base64.urlsafe_b64encode(raw) if "url" in name else base64.b64encode(raw)
        text = made.decode()
        return text.rstrip("=") if "raw" in name else text

    return evaluate


_TEXT_ENCODINGS: Final = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "ascii": "ascii",
    "us-ascii": "ascii",
}


def _decode(target: Getter, encoding: Getter) -> Callable[[Item], Value]:
    if encoding.constant:
        name = str(encoding.get(Item()))
        if name not in _VARIANTS and name.lower() not in _TEXT_ENCODINGS:
            raise ValueError(f"the encoding {name} is not supported by the embedded engine")

    def evaluate(item: Item) -> Value:
        value = target.get(item)
        name = str(encoding.get(item))
        if not isinstance(value, (str, bytes)):
            raise OttlError(f"unsupported type provided to Decode function: {kind_of(value)}")
        if name in _VARIANTS:
            text = value if isinstance(value, str) else value.decode("latin-1")
            try:
                return _from_base64(text, name)
            except OttlError as exc:
                raise OttlError(f"could not decode: {exc}") from exc
        known = _TEXT_ENCODINGS.get(name.lower())
        if known is None:
            raise OttlError(f"unsupported encoding '{name}'")
        return value if isinstance(value, str) else value.decode(known, errors="replace")

    return evaluate


HASHES: Final[tuple[Function, ...]] = (
    _fnv,
    _digest("MD5", lambda raw: hashlib.md5(raw, usedforsecurity=False).hexdigest()),
    _digest("SHA1", lambda raw: hashlib.sha1(raw, usedforsecurity=False).hexdigest()),
    _digest("SHA256", lambda raw: hashlib.sha256(raw).hexdigest()),
    _digest("SHA512", lambda raw: hashlib.sha512(raw).hexdigest()),
    _digest("Murmur3Hash", _murmur32),
    _digest("Murmur3Hash128", _murmur128),
    _digest("XXH3", xxhash.xxh3_64_hexdigest),
    _digest("XXH128", xxhash.xxh3_128_hexdigest),
    _hex,
    _decode64,
    Function(
        "Base64Encode", (param("target", "string"), param("variant", "string", optional=True)), _encode64
    ),
    Function("Decode", (param("target", "any"), param("encoding", "string")), _decode),
)
"""Every function that makes digests or changes alphabets."""
