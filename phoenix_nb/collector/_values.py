"""Values as the collector prints, converts and parses them."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import struct
from typing import Final

from phoenix_nb.otlp import AttributeValue, KeyValues

__all__ = [
    "attribute_from_node",
    "format_float",
    "go_float",
    "go_json",
    "hash_value",
    "int_of",
    "json_float",
    "parse_float",
    "parse_int",
    "remove_key",
    "text_of",
    "truncate_to_int",
]

_INT: Final = re.compile(r"[-+]?[0-9]+", re.ASCII)
_FLOAT: Final = re.compile(
    r"[-+]?(inf(inity)?|nan|(0[xX]_?)?[0-9a-fA-F_]*\.?[0-9a-fA-F_]*([eEpP][-+]?[0-9]+)?)",
    re.ASCII | re.IGNORECASE,
)
_LOW, _HIGH = -(1 << 63), (1 << 63) - 1


def attribute_from_node(node: object) -> AttributeValue:
    """A configured value as an attribute value; lists become arrays and maps become maps."""
    if isinstance(node, dict):
        return KeyValues((key, attribute_from_node(value)) for key, value in node.items())
    if isinstance(node, (list, tuple)):
        return tuple(attribute_from_node(value) for value in node)
    if isinstance(node, int) and not isinstance(node, bool) and not _LOW <= node <= _HIGH:
        return node - (1 << 64) if node > 0 else node + (1 << 64)
    if node is None or isinstance(node, (str, bool, int, float, bytes)):
        return node
    return str(node)


def remove_key(pairs: dict[str, AttributeValue], key: str) -> None:
    """Remove a key as the collector does: the last entry takes the place."""
    if key not in pairs:
        return
    last, value = pairs.popitem()
    if last == key:
        return
    kept = [(last, value) if name == key else (name, old) for name, old in pairs.items()]
    pairs.clear()
    pairs.update(kept)


def format_float(value: float, style: str = "g") -> str:
    """The shortest text that gives the same number, in Go's ``f``, ``e`` or ``g`` style."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    digits, exponent = _shortest(value)
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    if style == "g":
        style = "e" if exponent < -4 or exponent >= 6 else "f"
    if style == "e":
        mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
        return f"{sign}{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    if len(digits) <= exponent + 1:
        return sign + digits + "0" * (exponent + 1 - len(digits))
    return f"{sign}{digits[: exponent + 1]}.{digits[exponent + 1 :]}"


def _shortest(value: float) -> tuple[str, int]:
    """The significant digits and the decimal exponent of the first one."""
    if value == 0:
        return "0", 0
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, part = mantissa.partition(".")
    part = "" if part == "0" else part
    digits = (whole + part).lstrip("0")
    lead = len(whole) - 1 if whole.strip("0") else -(len(part) - len(part.lstrip("0")) + 1)
    return digits.rstrip("0") or "0", lead + int(exponent or 0)


def json_float(value: float) -> str:
    """A finite number as Go's JSON encoder writes it."""
    size = abs(value)
    if size and (size < 1e-6 or size >= 1e21):
        text = format_float(value, "e")
        # e-09 becomes e-9.
        return text[:-2] + text[-1] if text[-4:-1] == "e-0" else text
    return format_float(value, "f")


def go_float(value: float) -> str:
    """A number as the collector turns it into text."""
    if math.isnan(value) or math.isinf(value):
        return f"json: unsupported value: {format_float(value, 'g')}"
    return json_float(value)


def go_json(value: AttributeValue) -> str:
    """A value as Go's JSON encoder writes it: keys sorted, ``<``, ``>`` and ``&`` escaped.

    Raises:
        ValueError: it holds a number that JSON has not.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            message = f"json: unsupported value: {format_float(value)}"
            raise ValueError(message)
        return json_float(value)
    if isinstance(value, bytes):
        # The collector holds empty bytes as nil.
        return f'"{base64.b64encode(value).decode()}"' if value else "null"
    if isinstance(value, str):
        return _json_text(value)
    if isinstance(value, tuple):
        return "[" + ",".join(go_json(item) for item in value) + "]"
    plain = {key: value.get(key) for key in value}
    # Go sorts keys by bytes, which for UTF-8 is the order of code points.
    return "{" + ",".join(f"{_json_text(key)}:{go_json(plain[key])}" for key in sorted(plain)) + "}"


def _json_text(text: str) -> str:
    made = json.dumps(text, ensure_ascii=False)
    for mark, escape in (
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("&", "\\u0026"),
        ("\u2028", "\\u2028"),
        ("\u2029", "\\u2029"),
    ):
        made = made.replace(mark, escape)
    return made.replace("\x7f", "\x7f")


def text_of(value: AttributeValue) -> str:
    """A value as text: strings bare, numbers short, bytes in base64, maps and arrays as JSON, nothing empty."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return go_float(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    try:
        return go_json(value)
    except ValueError:
        return ""


def truncate_to_int(value: float) -> int:
    """Go's conversion of a double to int64 on amd64: out of range and NaN give the least number."""
    if math.isnan(value) or math.isinf(value):
        return _LOW
    whole = int(value)
    return whole if _LOW <= whole <= _HIGH else _LOW


def parse_int(text: str) -> int | None:
    """A decimal integer of 64 bits, or ``None``."""
    if len(text) > 64 or not _INT.fullmatch(text):
        return None
    value = int(text)
    return value if _LOW <= value <= _HIGH else None


def parse_float(text: str) -> float | None:
    """A number as Go parses it, or ``None``; out of range is ``None`` too."""
    if not text or len(text) > 2000 or not _FLOAT.fullmatch(text):
        return None
    lower = text.lower().lstrip("+-")
    try:
        if lower.startswith("0x"):
            value = float.fromhex(text.replace("_", "")) if "p" in lower else None
        elif "_" in text:
            value = None
        else:
            value = float(text)
    except (ValueError, OverflowError):
        return None
    if value is not None and math.isinf(value) and not lower.startswith("inf"):
        return None
    return value


def int_of(value: AttributeValue) -> int | None:
    """A value as an integer by the rules of the convert action, or ``None``."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return truncate_to_int(value)
    return parse_int(value) if isinstance(value, str) else None


def hash_value(value: AttributeValue) -> str:
    """SHA-256 of a value's bytes as hexadecimal text; empty for kinds without one."""
    if isinstance(value, str):
        raw = value.encode()
    elif isinstance(value, bool):
        raw = b"\x01" if value else b"\x00"
    elif isinstance(value, int):
        raw = value.to_bytes(8, "little", signed=True)
    elif isinstance(value, float):
        raw = struct.pack("<d", value)
    else:
        return ""
    return hashlib.sha256(raw).hexdigest()
