"""Names and globs as regular expressions."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["any_of", "glob_pattern", "literal", "name_pattern", "set_end"]

_SPECIAL = re.compile(r"([\\.+*?()|\[\]{}^$])")
_DIGITS = re.compile(r"[0-9]+")


def literal(text: str) -> str:
    """A regular expression that matches exactly this text, in RE2 as in every other dialect."""
    return _SPECIAL.sub(r"\\\1", text)


def name_pattern(name: str) -> str:
    """The name with every run of digits standing for any other one: ``job-17`` is ``job-[0-9]+``."""
    parts = _DIGITS.split(name)
    return "[0-9]+".join(literal(part) for part in parts)


def glob_pattern(glob: str) -> str:
    """A glob as a regular expression over the whole text, as ``fnmatch`` reads it."""
    made, at = ["(?s)^"], 0
    while at < len(glob):
        sign = glob[at]
        at += 1
        if sign == "*":
            made.append(".*")
        elif sign == "?":
            made.append(".")
        elif sign == "[" and (end := set_end(glob, at)) is not None:
            inner = glob[at:end].replace("\\", "\\\\").replace("[", "\\[")
            made.append(f"[^{inner[1:]}]" if inner.startswith("!") else f"[{_first_literal(inner)}]")
            at = end + 1
        else:
            made.append(literal(sign))
    return "".join(made) + "$"


def set_end(glob: str, start: int) -> int | None:
    """Where a character set ends; ``None`` when it does not, so that its bracket is an ordinary sign."""
    at = start + 1 if glob[start : start + 1] == "!" else start
    end = glob.find("]", at + 1)
    return None if end < 0 else end


def _first_literal(inner: str) -> str:
    return f"\\{inner}" if inner.startswith("^") else inner


def any_of(patterns: Iterable[str]) -> str:
    """One regular expression for whole texts, each of which one of the patterns matches."""
    return f"^(?:{'|'.join(patterns)})$"
