"""Formats of Go's ``Sprintf``, as far as texts, numbers and truth values need them."""

from __future__ import annotations

import re
from typing import Final

from phoenix_nb.collector.config import quote
from phoenix_nb.collector.ottl._runtime import OttlError, Value, show
from phoenix_nb.collector.ottl.functions._format_numbers import Layout, fraction, padded, whole

__all__ = ["format_text"]

_VERB: Final = re.compile(
    r"%(?P<flags>[-+# 0]*)(?P<width>\d{0,4})(?P<precision>\.\d{0,4})?(?P<verb>.)", re.DOTALL
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
            made.append(_filled(verb, _layout(found), values[used]))
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


def _layout(found: re.Match[str]) -> Layout:
    flags, precision = found["flags"], found["precision"]
    return Layout(
        plus="+" in flags,
        space=" " in flags,
        left="-" in flags,
        zeros="0" in flags and "-" not in flags,
        width=int(found["width"] or 0),
        precision=None if precision is None else int(precision[1:] or 0),
    )


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


def _filled(verb: str, layout: Layout, value: Value) -> str:
    kind = _kind(value)
    # The plus of %+v asks for the names of fields, not for a sign.
    text = _shown(verb, layout.without_plus() if verb == "v" else layout, value)
    if text is not None:
        return text
    if value is None:
        return f"%!{verb}(<nil>)"
    return f"%!{verb}({kind}={_shown('v', layout, value)})"


def _shown(verb: str, layout: Layout, value: Value) -> str | None:
    """The value laid out; ``None`` when the verb does not go with its kind."""
    if value is None:
        return padded("<nil>", layout) if verb == "v" else None
    if isinstance(value, bool):
        return padded(show(value), layout) if verb in "vt" else None
    if isinstance(value, int):
        return whole(verb, layout, value)
    if isinstance(value, float):
        return fraction(verb, layout, value)
    assert isinstance(value, str)  # noqa: S101 - other kinds were refused
    if verb in "xX":
        return _hexadecimal(verb, layout, value)
    if verb not in "vsq":
        return None
    text = value if layout.precision is None else value[: layout.precision]
    return padded(quote(text, plain=layout.plus) if verb == "q" else text, layout)


def _hexadecimal(verb: str, layout: Layout, value: str) -> str:
    """The bytes of a text; the precision counts bytes."""
    data = value.encode()[: layout.precision]
    text = data.hex(" ") if layout.space else data.hex()
    return padded(text.upper() if verb == "X" else text, layout)
