"""Numbers as Go's ``Sprintf`` lays them out."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from phoenix_nb.collector._values import format_float
from phoenix_nb.collector.config import quote

__all__ = ["Layout", "fraction", "padded", "whole"]


@dataclass(frozen=True, slots=True)
class Layout:
    """What stands between the percent sign and the verb."""

    plus: bool
    """A sign for positive numbers, too; for quotes: only ASCII."""
    space: bool
    """A blank where a sign would be; between the bytes of a text."""
    left: bool
    """Padded on the right."""
    zeros: bool
    """Padded with zeros."""
    width: int
    """Letters at least."""
    precision: int | None
    """Digits or letters; ``None`` when none is given."""
    sharp: bool = False
    """With a prefix that tells the base."""

    def without_plus(self) -> Layout:
        """The same without the sign."""
        return replace(self, plus=False)

    def sign(self) -> str:
        """In front of a number that is not negative."""
        return "+" if self.plus else " " if self.space else ""


def padded(text: str, layout: Layout) -> str:
    """A text brought to the width."""
    if layout.left:
        return text.ljust(layout.width)
    return text.rjust(layout.width, "0" if layout.zeros else " ")


def whole(verb: str, layout: Layout, value: int) -> str | None:
    """A whole number; ``None`` when the verb does not go with one."""
    if verb == "q":
        return padded(quote(_letter(value), "'", plain=layout.plus), layout)
    if verb == "c":
        return padded(_letter(value), layout)
    blanks = replace(layout, zeros=False)
    if verb == "U":
        return padded(_code_point(value, layout), blanks)
    form = {"v": "d", "d": "d", "x": "x", "X": "X", "b": "b", "o": "o", "O": "o"}.get(verb)
    if form is None:
        return None
    if layout.precision == 0 and value == 0:
        return padded("", blanks)
    sign = "-" if value < 0 else layout.sign()
    digits = layout.precision or 0
    if layout.precision is None and layout.zeros:
        digits = layout.width - len(sign)
    text = format(abs(value), form).rjust(digits, "0")
    if layout.sharp and form in _PREFIXES:
        text = _PREFIXES[form] + text
    elif layout.sharp and form == "o" and not text.startswith("0"):
        text = f"0{text}"
    return padded(sign + ("0o" if verb == "O" else "") + text, blanks)


_PREFIXES: Final = {"b": "0b", "x": "0x", "X": "0X"}


def _letter(value: int) -> str:
    known = 0 <= value < 0x110000 and not 0xD800 <= value < 0xE000
    return chr(value) if known else "\ufffd"


def _code_point(value: int, layout: Layout) -> str:
    """``U+`` with four digits at least, and the letter itself where it is asked for and can be seen."""
    number = value % (1 << 64)
    text = f"U+{number:0{max(4, layout.precision or 0)}X}"
    if not layout.sharp or number >= 0x110000 or 0xD800 <= number < 0xE000:
        return text
    letter = chr(number)
    seen = letter in "'\\" or quote(letter, "'") == f"'{letter}'"
    return f"{text} '{letter}'" if seen else text


def fraction(verb: str, layout: Layout, value: float) -> str | None:
    """A number with a fraction; ``None`` when the verb does not go with one."""
    if verb not in "vfFeEgGxXb":
        return None
    if math.isinf(value):
        sign = "-" if value < 0 else " " if layout.space and not layout.plus else "+"
        return padded(sign + "Inf", replace(layout, zeros=False))
    if math.isnan(value):
        return padded(layout.sign() + "NaN", replace(layout, zeros=False))
    text = _digits(verb.lower() if verb in "EFG" else verb, layout.precision, abs(value))
    if verb in "EG":
        text = text.upper()
    sign = "-" if math.copysign(1.0, value) < 0 else layout.sign()
    if sign and layout.zeros:
        return sign + text.rjust(layout.width - 1, "0")
    return padded(sign + text, layout)


def _digits(verb: str, precision: int | None, value: float) -> str:
    if verb == "b":
        mantissa, exponent = _parts(value)
        return f"{mantissa}p{exponent:+d}"
    if verb in "xX":
        text = _hexadecimal(value, precision)
        return text.upper() if verb == "X" else text
    if verb in "vg":
        return format_float(value) if precision is None else format(value, f".{precision}g")
    return format(value, f".{6 if precision is None else precision}{verb}")


def _parts(value: float) -> tuple[int, int]:
    """The mantissa as a whole number of 53 bits (fewer for the smallest numbers), and its exponent of two."""
    fraction_part, exponent = math.frexp(value)
    if value == 0 or exponent < -1021:
        return int(math.ldexp(value, 1074)), -1074
    return int(math.ldexp(fraction_part, 53)), exponent - 53


def _hexadecimal(value: float, precision: int | None) -> str:
    """Sixteenths with an exponent of two: one digit, which is 1 except for zero, then the fraction."""
    if value == 0:
        return f"0x0{'.' + '0' * precision if precision else ''}p+00"
    mantissa, exponent = _parts(value)
    shift = 53 - mantissa.bit_length()
    mantissa, exponent = mantissa << shift, exponent - shift + 52
    if precision is not None and precision < 13:
        # Halves go to the even neighbour.
        cut = 52 - 4 * precision
        half, rest = 1 << (cut - 1), mantissa & ((1 << cut) - 1)
        mantissa >>= cut
        if rest > half or (rest == half and mantissa & 1):
            mantissa += 1
        mantissa <<= cut
        if mantissa >> 53:
            mantissa, exponent = mantissa >> 1, exponent + 1
    digits = f"{mantissa & ((1 << 52) - 1):013x}"
    digits = digits.rstrip("0") if precision is None else digits[:precision].ljust(precision, "0")
    return f"0x1{'.' + digits if digits else ''}p{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
