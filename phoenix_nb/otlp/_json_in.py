"""OTLP JSON to OTLP protobuf, by the rules of the real collector's receiver.

Field names in lowerCamelCase or snake_case; 64-bit integers as text or as plain integers, never with a
fraction or an exponent; doubles as numbers or as text including NaN and Infinity; ids in hex, bytes in
base64, enums as numbers or names; unknown fields are ignored and ``null`` means absent.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import math
import re
import struct
from collections.abc import Callable
from typing import Any, Final

import orjson

from phoenix_nb.errors import PayloadDecodeError
from phoenix_nb.otlp._wire import bytes_field, varint, zigzag

__all__ = ["request_from_json"]

_MAX_DEPTH: Final = 100
_U64: Final = struct.Struct("<Q")
_I64: Final = struct.Struct("<q")
_F64: Final = struct.Struct("<d")
_ZERO: Final = bytes(8)
_INTEGER: Final = re.compile(r"[+-]?[0-9]+\Z")
_NEGATIVE_ZERO: Final = re.compile(rb"[:,\[]\s*-0\s*[,}\]]")
_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|-0(?=\s*[,}\]])')
_ENUMS: Final = {
    "AGGREGATION_TEMPORALITY_UNSPECIFIED": 0,
    "AGGREGATION_TEMPORALITY_DELTA": 1,
    "AGGREGATION_TEMPORALITY_CUMULATIVE": 2,
}

Encoder = Callable[[Any, int], bytes]
"""From a JSON value and its depth to one encoded field; empty for a default that is not sent."""


class _RefusedError(Exception):
    """A value that OTLP JSON does not allow, and where it stands."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.path: list[str] = []


def request_from_json(text: bytes | str) -> bytes:
    """One OTLP JSON metrics request as an encoded ``ExportMetricsServiceRequest``.

    Raises:
        PayloadDecodeError: the text is not JSON or not an OTLP metrics request; ``details["path"]`` says where.
    """
    try:
        tree = orjson.loads(_keep_negative_zero(text))
    except orjson.JSONDecodeError as exc:
        raise PayloadDecodeError(
            f"it is not JSON: {exc.msg} at character {exc.pos}",
            hint="one OTLP JSON request per line is expected; the last line of a file may be cut off",
            details={"position": exc.pos},
        ) from exc
    if not isinstance(tree, dict):
        raise PayloadDecodeError(
            f"it is a JSON {_kind(tree)}, not an object",
            hint='a request looks like {"resourceMetrics":[…]}',
        )
    if tree and not ("resourceMetrics" in tree or "resource_metrics" in tree):
        raise PayloadDecodeError("it has no resourceMetrics", hint=_other_signal(tree), details={"path": ""})
    try:
        return _REQUEST(tree, 0)
    except _RefusedError as exc:
        path = ".".join(exc.path)
        raise PayloadDecodeError(
            f"{path}: {exc}", hint="see the OTLP JSON mapping", details={"path": path}
        ) from exc


def _keep_negative_zero(text: bytes | str) -> bytes | str:
    """The collector writes -0.0 as ``-0``, which the parser would take for the integer 0."""
    raw = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    if _NEGATIVE_ZERO.search(raw) is None:
        return text
    return _TOKEN.sub(lambda match: b"-0.0" if match.group() == b"-0" else match.group(), raw)


def _other_signal(tree: dict[str, Any]) -> str:
    if "resourceSpans" in tree or "resource_spans" in tree:
        return "these are traces; only metrics are read"
    if "resourceLogs" in tree or "resource_logs" in tree:
        return "these are logs; only metrics are read"
    return 'a request looks like {"resourceMetrics":[…]}'


def _kind(value: object) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "number", float: "number"}
    return names.get(type(value), "null")


# -- scalars -----------------------------------------------------------------------------------------------


def _integer(value: Any, low: int, high: int) -> int:
    if type(value) is int:
        number = value
    elif type(value) is str and _INTEGER.match(value) and len(value) < 30:
        number = int(value)
    else:
        message = f"an integer is expected, not {value!r:.60}"
        raise _RefusedError(message)
    if not low <= number <= high:
        message = f"{number} does not fit: {low} … {high} is allowed"
        raise _RefusedError(message)
    return number


def _u64(value: Any) -> int:
    return _integer(value, 0, (1 << 64) - 1)


def _number(value: Any) -> float:
    if type(value) is float or type(value) is int:
        try:
            return float(value)
        except OverflowError as exc:
            message = f"{value} does not fit into a double"
            raise _RefusedError(message) from exc
    # As Go reads it: no spaces, no digits of other scripts, nothing that is too large.
    if type(value) is str and value.isascii() and value.strip() == value:
        lower = value.lower()
        with contextlib.suppress(ValueError, OverflowError):
            hexadecimal = lower.lstrip("+-").startswith("0x") and "p" in lower
            number = float.fromhex(lower.replace("_", "")) if hexadecimal else float(lower)
            if not math.isinf(number) or "inf" in lower:
                return number
    message = f"a number is expected, not {value!r:.60}"
    raise _RefusedError(message)


def _tag(number: int, wire: int) -> bytes:
    return varint(number << 3 | wire)


def _fixed64(number: int) -> Encoder:
    tag = _tag(number, 1)

    def encode(value: Any, _depth: int) -> bytes:
        parsed = _u64(value)
        return tag + _U64.pack(parsed) if parsed else b""

    return encode


def _sfixed64(number: int) -> Encoder:
    tag = _tag(number, 1)
    return lambda value, _depth: tag + _I64.pack(_integer(value, -(1 << 63), (1 << 63) - 1))


def _double(number: int, *, always: bool) -> Encoder:
    tag = _tag(number, 1)

    def encode(value: Any, _depth: int) -> bytes:
        raw = _F64.pack(_number(value))
        return tag + raw if always or raw != _ZERO else b""

    return encode


def _varint(number: int, parse: Callable[[Any], int], *, always: bool = False) -> Encoder:
    tag = _tag(number, 0)

    def encode(value: Any, _depth: int) -> bytes:
        parsed = parse(value)
        return tag + varint(parsed & 0xFFFFFFFFFFFFFFFF) if parsed or always else b""

    return encode


def _bool(value: Any) -> int:
    if type(value) is not bool:
        message = f"true or false is expected, not {value!r:.60}"
        raise _RefusedError(message)
    return int(value)


def _enum(value: Any) -> int:
    if type(value) is str and value in _ENUMS:
        return _ENUMS[value]
    return _integer(value, 0, 2)


def _uint32(value: Any) -> int:
    return _integer(value, 0, (1 << 32) - 1)


def _sint32(value: Any) -> int:
    return zigzag(_integer(value, -(1 << 31), (1 << 31) - 1))


def _string(number: int, *, always: bool = False) -> Encoder:
    tag = _tag(number, 2)

    def encode(value: Any, _depth: int) -> bytes:
        if type(value) is not str:
            message = f"a string is expected, not {value!r:.60}"
            raise _RefusedError(message)
        raw = value.encode()
        return tag + varint(len(raw)) + raw if raw or always else b""

    return encode


def _base64(number: int) -> Encoder:
    def encode(value: Any, _depth: int) -> bytes:
        try:
            return bytes_field(number, base64.b64decode(value, validate=True))
        except (binascii.Error, TypeError, ValueError) as exc:
            message = "base64 text is expected"
            raise _RefusedError(message) from exc

    return encode


def _hex(number: int) -> Encoder:
    def encode(value: Any, _depth: int) -> bytes:
        try:
            raw = bytes.fromhex(value)
        except (TypeError, ValueError) as exc:
            message = "hexadecimal text is expected"
            raise _RefusedError(message) from exc
        return bytes_field(number, raw) if raw else b""

    return encode


# -- messages ----------------------------------------------------------------------------------------------


class _Message:
    """Encodes a JSON object as one message, fields in the order of their numbers."""

    def __init__(self, *fields: tuple[str, int, Encoder], one_of: tuple[int, ...] = ()) -> None:
        self._fields: dict[str, tuple[int, Encoder]] = {}
        self._one_of = frozenset(one_of)
        for name, number, encoder in fields:
            self.add(name, number, encoder)

    def add(self, name: str, number: int, encoder: Encoder) -> None:
        """Know one more field, by its camelCase and its snake_case name."""
        snake = re.sub(r"([A-Z])", lambda match: "_" + match.group(1).lower(), name)
        self._fields[name] = self._fields[snake] = (number, encoder)

    def __call__(self, tree: Any, depth: int) -> bytes:
        if type(tree) is not dict:
            message = f"an object is expected, not {tree!r:.60}"
            raise _RefusedError(message)
        if depth > _MAX_DEPTH:
            message = f"it is nested deeper than {_MAX_DEPTH} levels"
            raise _RefusedError(message)
        parts: dict[int, bytes] = {}
        known = self._fields
        key = ""
        try:
            for key, value in tree.items():
                found = known.get(key)
                if found is not None and value is not None:
                    parts[found[0]] = found[1](value, depth + 1)
        except _RefusedError as exc:
            exc.path.insert(0, key)
            raise
        if self._one_of and len(self._one_of & parts.keys()) > 1:
            both = [name for name in tree if name in known and known[name][0] in self._one_of]
            message = f"only one of {' and '.join(both)} may be given"
            raise _RefusedError(message)
        if len(parts) > 1:
            return b"".join([parts[number] for number in sorted(parts)])
        return b"".join(parts.values())


def _message(number: int, body: Encoder) -> Encoder:
    tag = _tag(number, 2)

    def encode(value: Any, depth: int) -> bytes:
        raw = body(value, depth)
        return tag + varint(len(raw)) + raw

    return encode


def _items(value: Any) -> list[Any]:
    if type(value) is not list:
        message = f"an array is expected, not {value!r:.60}"
        raise _RefusedError(message)
    return value


def _repeated(number: int, body: Encoder) -> Encoder:
    tag = _tag(number, 2)

    def encode(value: Any, depth: int) -> bytes:
        parts = []
        try:
            for item in _items(value):
                raw = body(item, depth)
                parts.append(tag + varint(len(raw)) + raw)
        except _RefusedError as exc:
            if type(value) is list:
                exc.path.insert(0, str(len(parts)))
            raise
        return b"".join(parts)

    return encode


def _packed(number: int, pack: Callable[[Any], bytes]) -> Encoder:
    def encode(value: Any, _depth: int) -> bytes:
        raw = b"".join(pack(item) for item in _items(value))
        return bytes_field(number, raw) if raw else b""

    return encode


_VALUE = _Message(
    ("stringValue", 1, _string(1, always=True)),
    ("boolValue", 2, _varint(2, _bool, always=True)),
    ("intValue", 3, _varint(3, lambda value: _integer(value, -(1 << 63), (1 << 63) - 1), always=True)),
    ("doubleValue", 4, _double(4, always=True)),
    ("bytesValue", 7, _base64(7)),
    one_of=(1, 2, 3, 4, 5, 6, 7),
)
_KEY_VALUE = _Message(("key", 1, _string(1)), ("value", 2, _message(2, _VALUE)))
_VALUE.add("arrayValue", 5, _message(5, _Message(("values", 1, _repeated(1, _VALUE)))))
_VALUE.add("kvlistValue", 6, _message(6, _Message(("values", 1, _repeated(1, _KEY_VALUE)))))


_REMEMBERED: Final = 16384
"""How many distinct attribute lists are remembered per place before the memory starts anew."""


def _attributes(number: int) -> Encoder:
    """Attribute lists repeat endlessly: a list that was seen before costs one serialisation."""
    general = _repeated(number, _KEY_VALUE)
    known: dict[bytes, bytes] = {}

    def encode(value: Any, depth: int) -> bytes:
        if type(value) is not list:
            return general(value, depth)
        try:
            text = orjson.dumps(value)
        except orjson.JSONEncodeError:  # nested deeper than orjson writes: refused by the general way
            return general(value, depth)
        raw = known.get(text)
        if raw is None:
            raw = general(value, depth)
            if len(known) >= _REMEMBERED:
                known.clear()
            known[text] = raw
        return raw

    return encode


_EXEMPLAR = _Message(
    ("timeUnixNano", 2, _fixed64(2)),
    ("asDouble", 3, _double(3, always=True)),
    ("spanId", 4, _hex(4)),
    ("traceId", 5, _hex(5)),
    ("asInt", 6, _sfixed64(6)),
    ("filteredAttributes", 7, _attributes(7)),
    one_of=(3, 6),
)
_GENERAL_POINT = _Message(
    ("startTimeUnixNano", 2, _fixed64(2)),
    ("timeUnixNano", 3, _fixed64(3)),
    ("asDouble", 4, _double(4, always=True)),
    ("exemplars", 5, _repeated(5, _EXEMPLAR)),
    ("asInt", 6, _sfixed64(6)),
    ("attributes", 7, _attributes(7)),
    ("flags", 8, _varint(8, _uint32)),
    one_of=(4, 6),
)
_POINT_ATTRIBUTES: Final = _attributes(7)


def _number_point(tree: Any, depth: int) -> bytes:
    """The usual shape of a number point without detours; every other shape goes the general way.

    It gives exactly what ``_GENERAL_POINT`` gives: tests compare the two.
    """
    if type(tree) is not dict or ("asInt" in tree) is ("asDouble" in tree):
        return _GENERAL_POINT(tree, depth)
    parts = b""
    left = len(tree) - 1
    for name, tag in (("startTimeUnixNano", b"\x11"), ("timeUnixNano", b"\x19")):
        text = tree.get(name)
        if text is None:
            continue
        if type(text) is not str or not (text.isdigit() and text.isascii() and len(text) < 20):
            return _GENERAL_POINT(tree, depth)
        left -= 1
        number = int(text)
        if number:
            parts += tag + _U64.pack(number)
    tail = b""
    attributes = tree.get("attributes")
    if attributes is not None:
        left -= 1
    if left:
        return _GENERAL_POINT(tree, depth)
    if attributes is not None:
        try:
            tail = _POINT_ATTRIBUTES(attributes, depth + 1)
        except _RefusedError as exc:
            exc.path.insert(0, "attributes")
            raise
    value = tree.get("asDouble")
    if type(value) is float or type(value) is int:
        return parts + b"\x21" + _F64.pack(value) + tail
    value = tree.get("asInt")
    if type(value) is str and len(value) < 19 and value.isdigit() and value.isascii():
        return parts + b"\x31" + _I64.pack(int(value)) + tail
    return _GENERAL_POINT(tree, depth)


_HISTOGRAM_POINT = _Message(
    ("startTimeUnixNano", 2, _fixed64(2)),
    ("timeUnixNano", 3, _fixed64(3)),
    ("count", 4, _fixed64(4)),
    ("sum", 5, _double(5, always=True)),
    ("bucketCounts", 6, _packed(6, lambda value: _U64.pack(_u64(value)))),
    ("explicitBounds", 7, _packed(7, lambda value: _F64.pack(_number(value)))),
    ("exemplars", 8, _repeated(8, _EXEMPLAR)),
    ("attributes", 9, _attributes(9)),
    ("flags", 10, _varint(10, _uint32)),
    ("min", 11, _double(11, always=True)),
    ("max", 12, _double(12, always=True)),
)
_BUCKETS = _Message(
    ("offset", 1, _varint(1, _sint32)), ("bucketCounts", 2, _packed(2, lambda value: varint(_u64(value))))
)
_EXPONENTIAL_POINT = _Message(
    ("attributes", 1, _attributes(1)),
    ("startTimeUnixNano", 2, _fixed64(2)),
    ("timeUnixNano", 3, _fixed64(3)),
    ("count", 4, _fixed64(4)),
    ("sum", 5, _double(5, always=True)),
    ("scale", 6, _varint(6, _sint32)),
    ("zeroCount", 7, _fixed64(7)),
    ("positive", 8, _message(8, _BUCKETS)),
    ("negative", 9, _message(9, _BUCKETS)),
    ("flags", 10, _varint(10, _uint32)),
    ("exemplars", 11, _repeated(11, _EXEMPLAR)),
    ("min", 12, _double(12, always=True)),
    ("max", 13, _double(13, always=True)),
    ("zeroThreshold", 14, _double(14, always=False)),
)
_QUANTILE = _Message(("quantile", 1, _double(1, always=False)), ("value", 2, _double(2, always=False)))
_SUMMARY_POINT = _Message(
    ("startTimeUnixNano", 2, _fixed64(2)),
    ("timeUnixNano", 3, _fixed64(3)),
    ("count", 4, _fixed64(4)),
    ("sum", 5, _double(5, always=False)),
    ("quantileValues", 6, _repeated(6, _QUANTILE)),
    ("attributes", 7, _attributes(7)),
    ("flags", 8, _varint(8, _uint32)),
)
_TEMPORALITY = ("aggregationTemporality", 2, _varint(2, _enum))
_METRIC = _Message(
    ("name", 1, _string(1)),
    ("description", 2, _string(2)),
    ("unit", 3, _string(3)),
    ("gauge", 5, _message(5, _Message(("dataPoints", 1, _repeated(1, _number_point))))),
    (
        "sum",
        7,
        _message(
            7,
            _Message(
                ("dataPoints", 1, _repeated(1, _number_point)),
                _TEMPORALITY,
                ("isMonotonic", 3, _varint(3, _bool)),
            ),
        ),
    ),
    ("histogram", 9, _message(9, _Message(("dataPoints", 1, _repeated(1, _HISTOGRAM_POINT)), _TEMPORALITY))),
    (
        "exponentialHistogram",
        10,
        _message(10, _Message(("dataPoints", 1, _repeated(1, _EXPONENTIAL_POINT)), _TEMPORALITY)),
    ),
    ("summary", 11, _message(11, _Message(("dataPoints", 1, _repeated(1, _SUMMARY_POINT))))),
    ("metadata", 12, _attributes(12)),
    one_of=(5, 7, 9, 10, 11),
)
_SCOPE = _Message(
    ("name", 1, _string(1)),
    ("version", 2, _string(2)),
    ("attributes", 3, _attributes(3)),
    ("droppedAttributesCount", 4, _varint(4, _uint32)),
)


def _strings(number: int) -> Encoder:
    one = _string(number, always=True)
    return lambda value, depth: b"".join(one(item, depth) for item in _items(value))


_ENTITY = _Message(
    ("schemaUrl", 1, _string(1)),
    ("type", 2, _string(2)),
    ("idKeys", 3, _strings(3)),
    ("descriptionKeys", 4, _strings(4)),
)
_RESOURCE = _Message(
    ("attributes", 1, _attributes(1)),
    ("droppedAttributesCount", 2, _varint(2, _uint32)),
    ("entityRefs", 3, _repeated(3, _ENTITY)),
)
_SCOPE_METRICS = _Message(
    ("scope", 1, _message(1, _SCOPE)), ("metrics", 2, _repeated(2, _METRIC)), ("schemaUrl", 3, _string(3))
)
_RESOURCE_METRICS = _Message(
    ("resource", 1, _message(1, _RESOURCE)),
    ("scopeMetrics", 2, _repeated(2, _SCOPE_METRICS)),
    ("schemaUrl", 3, _string(3)),
)
_REQUEST = _Message(("resourceMetrics", 1, _repeated(1, _RESOURCE_METRICS)))
