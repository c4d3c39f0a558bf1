"""Formats of Go's ``Sprintf``, as far as texts, numbers and truth values need them."""

from __future__ import annotations

import re
from typing import Final

from phoenix_nb.collector._values import format_float
from phoenix_nb.collector.config import quote
from phoenix_nb.collector.ottl._runtime import OttlError, Value, show

__all__ = ["format_text"]

_VERB: Final = re.compile(
    r"%(?P<flags>[-+# 0]*)(?P<width>\d{0,4})(?:\.(?P<precision>\d{0,4}))?(?P<verb>.)", re.DOTALL
)
_VERBS: Final = frozenset("vsdqxXfegtbo%")


def format_text(pattern: str, values: list[Value], *, check: bool = False) -> str:
    """The pattern with its placeholders filled.

    Args:
        pattern: with ``%s``, ``%d``, ``%v``, ``%q``, ``%x``, ``%f``, ``%e``, ``%g``, ``%t``, ``%b``, ``%o`` and ``%%``.
        values: what to fill in, in order.
        check: only look whether the pattern can be filled here.

    Raises:
        ValueError: a placeholder that this engine does not know.
        OttlError: a value that this engine cannot show.
    """
    made: list[str] = []
    last = used = 0
    for found in _VERB.finditer(pattern):
        made.append(pattern[last : found.start()])
        last = found.end()
        verb = found["verb"]
        if verb not in _VERBS or "#" in found["flags"]:
            message = f"the placeholder {found.group()} is not supported by the embedded engine"
            raise ValueError(message)
        if verb == "%":
            made.append("%")
            continue
        if used >= len(values):
            made.append(f"%!{verb}(MISSING)")
            continue
        if not check:
            made.append(_filled(found, values[used]))
        used += 1
    rest = pattern[last:]
    if "%" in rest:
        message = f"the pattern {quote(pattern)} is not supported by the embedded engine"
        raise ValueError(message)
    made.append(rest)
    if used < len(values) and not check:
        extra = ", ".join(_extra(value) for value in values[used:])
        made.append(f"%!(EXTRA {extra})")
    return "".join(made)


def _kind(value: Value) -> str:
    for kind, name in ((bool, "bool"), (int, "int64"), (float, "float64"), (str, "string")):
        if isinstance(value, kind):
            return name
    if value is None:
        return "<nil>"
    raise OttlError("Format cannot show a value of this kind in the embedded engine")


def _extra(value: Value) -> str:
    kind = _kind(value)
    return "<nil>" if value is None else f"{kind}={show(value)}"


def _filled(found: re.Match[str], value: Value) -> str:
    verb = found["verb"]
    kind = _kind(value)
    text = _number_or_text(verb, found["precision"], value, found["flags"])
    if text is None:
        if value is None:
            return f"%!{verb}(<nil>)"
        shown = _padded(
            show(value), found["flags"], found["width"], numeric=not isinstance(value, (str, bool))
        )
        return f"%!{verb}({kind}={shown})"
    return _padded(text, found["flags"], found["width"], numeric=not isinstance(value, (str, bool)))


def _number_or_text(verb: str, precision: str | None, value: Value, flags: str) -> str | None:
    if value is None:
        return "<nil>" if verb == "v" else None
    if isinstance(value, bool):
        return show(value) if verb in "vt" else None
    if isinstance(value, int):
        return _whole(verb, value, flags)
    if isinstance(value, float):
        return _fraction(verb, precision, value, flags)
    assert isinstance(value, str)  # noqa: S101 - other kinds were refused
    if precision and verb in "vsq":
        value = value[: int(precision)]
    if verb in "vs":
        return value
    if verb == "q":
        return quote(value)
    if verb in "xX":
        made = value.encode().hex()
        return made.upper() if verb == "X" else made
    return None


def _signed(text: str, flags: str) -> str:
    if text.startswith("-"):
        return text
    return f"+{text}" if "+" in flags else f" {text}" if " " in flags else text


def _whole(verb: str, value: int, flags: str) -> str | None:
    forms = {"v": "d", "d": "d", "x": "x", "X": "X", "b": "b", "o": "o"}
    if verb == "q":
        return _quoted_character(value)
    form = forms.get(verb)
    return None if form is None else _signed(format(value, form), flags)


def _quoted_character(code: int) -> str:
    """A whole number as the character with that code, in single quotes; what is no character is U+FFFD."""
    known = 0 <= code < 0x110000 and not 0xD800 <= code < 0xE000
    return quote(chr(code) if known else "\ufffd", "'")


def _fraction(verb: str, precision: str | None, value: float, flags: str) -> str | None:
    if verb == "v":
        text = format_float(value) if precision is None else _cut("g", precision, value)
        return _signed(text.removeprefix("+"), flags)
    if verb not in "feg":
        return None
    if value != value or value in (float("inf"), float("-inf")):
        return "+Inf" if value == float("inf") else format_float(value)
    if verb == "g" and precision is None:
        return _signed(format_float(value), flags)
    return _signed(_cut(verb, precision, value), flags)


def _cut(verb: str, precision: str | None, value: float) -> str:
    digits = 6 if precision is None else int(precision or 0)
    return format(value, f".{digits}{verb}")


def _padded(text: str, flags: str, width: str, *, numeric: bool) -> str:
    size = int(width or 0)
    if len(text) >= size:
        return text
    if "-" in flags:
        return text.ljust(size)
    if "0" in flags:
        if numeric and text[:1] in "+-":
            return text[0] + text[1:].rjust(size - 1, "0")
        return text.rjust(size, "0")
    return text.rjust(size)
