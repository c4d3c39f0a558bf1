"""Formats of Go's ``Sprintf``, as far as texts, numbers, truth values and lists of them need them."""

from __future__ import annotations

import re
from typing import Final

from phoenix_nb.collector.config import quote
from phoenix_nb.collector.ottl._runtime import Counts, GoList, OttlError, Value, kind_of
from phoenix_nb.collector.ottl.functions._format_numbers import Layout, fraction, padded, whole

__all__ = ["format_text"]

_VERB: Final = re.compile(
    r"%(?P<flags>[-+# 0]*)(?P<width>\d{0,4})(?P<precision>\.\d{0,4})?(?P<verb>.)", re.DOTALL
)
_VERBS: Final = frozenset("vsdqxXfFeEgGtbocOUT%")
_WITH_SHARP: Final = frozenset("sdqxXtbocOUT")
"""Verbs that the flag ``#`` may stand before; with ``%#v`` and fractions it asks for Go's own way of writing them."""
_OF_COUNTS: Final = frozenset("vdxXoObcUq")
"""Verbs for counts of buckets: others name their kind in Go, which is not that of other whole numbers."""
_PLAIN: Final = Layout(plus=False, space=False, left=False, zeros=False, width=0, precision=None)


def format_text(pattern: str, values: list[Value], *, check: bool = False) -> str:
    """The pattern with its placeholders filled.

    Args:
        pattern: with ``%s``, ``%d``, ``%v``, ``%q``, ``%x``, ``%f``, ``%e``, ``%g``, ``%t``, ``%b``, ``%o``, ``%c``,
            ``%U``, ``%T`` and ``%%``; some of them also in capitals or after ``#``.
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
        if verb not in _VERBS or ("#" in found["flags"] and verb not in _WITH_SHARP):
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
        sharp="#" in flags,
    )


def _extra(value: Value) -> str:
    return "<nil>" if value is None else f"{kind_of(value)}={_filled('v', _PLAIN, value)}"


def _filled(verb: str, layout: Layout, value: Value) -> str:
    if verb == "T":
        kind = kind_of(value)
        return padded(kind if value is None else kind[: layout.precision], layout)
    if verb == "v":
        # The plus of %+v asks for the names of fields, not for a sign.
        layout = layout.without_plus()
    if isinstance(value, Counts) and verb not in _OF_COUNTS:
        raise OttlError(f"Format cannot show counts with %{verb} in the embedded engine")
    if isinstance(value, GoList):
        return f"[{' '.join(_entry(verb, layout, entry) for entry in value)}]"
    text = _shown(verb, layout, value)
    if text is not None:
        return text
    if value is None:
        return f"%!{verb}(<nil>)"
    return f"%!{verb}({kind_of(value)}={_shown('v', layout, value)})"


def _entry(verb: str, layout: Layout, value: Value) -> str:
    """An entry of a list; nil is the same for every verb there."""
    return "<nil>" if value is None else _filled(verb, layout, value)


def _shown(verb: str, layout: Layout, value: Value) -> str | None:
    """The value laid out; ``None`` when the verb does not go with its kind.

    Raises:
        OttlError: a value that this engine cannot show, such as a map: the collector shows where it is in memory.
    """
    if value is None:
        return padded("<nil>", layout) if verb == "v" else None
    if isinstance(value, bool):
        return padded("true" if value else "false", layout) if verb in "vt" else None
    if isinstance(value, int):
        return whole(verb, layout, value)
    if isinstance(value, float) and not layout.sharp:
        return fraction(verb, layout, value)
    if isinstance(value, bytes):
        return _bytes(verb, layout, value)
    if not isinstance(value, str):
        message = f"Format cannot show a value of the kind {kind_of(value)} in the embedded engine"
        raise OttlError(message)
    if verb in "xX":
        return _hexadecimal(verb, layout, value.encode())
    if verb not in "vsq":
        return None
    text = value if layout.precision is None else value[: layout.precision]
    return padded(_quoted(text, layout) if verb == "q" else text, layout)


def _bytes(verb: str, layout: Layout, value: bytes) -> str | None:
    """Bytes: hexadecimal, as the text that they are, or one by one."""
    if verb in "xX":
        return _hexadecimal(verb, layout, value)
    if verb in "sq":
        try:
            return _shown(verb, layout, value.decode())
        except UnicodeDecodeError as exc:
            raise OttlError("Format cannot show bytes that are no text in the embedded engine") from exc
    shown = (
        whole(verb, layout, number) or f"%!{verb}(uint8={whole('v', layout, number)})" for number in value
    )
    return f"[{' '.join(shown)}]"


def _quoted(text: str, layout: Layout) -> str:
    """In back quotes where they are asked for and where the text fits between them."""
    if layout.sharp and all(
        letter == "\t" or (letter >= " " and letter not in "`\x7f\ufeff") for letter in text
    ):
        return f"`{text}`"
    return quote(text, plain=layout.plus)


def _hexadecimal(verb: str, layout: Layout, value: bytes) -> str:
    """Bytes, also those of a text; the precision counts them."""
    data = value[: layout.precision]
    text = data.hex(" ") if layout.space else data.hex()
    if layout.sharp and text:
        text = "0x" + (text.replace(" ", " 0x") if layout.space else text)
    return padded(text.upper() if verb == "X" else text, layout)
