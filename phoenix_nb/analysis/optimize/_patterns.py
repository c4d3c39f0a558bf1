"""Names and globs as regular expressions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

__all__ = ["any_of", "glob_body", "glob_pattern", "literal", "name_pattern"]

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
    return f"(?s)^{glob_body(glob, any_one='.', of_set=_set, sign=literal)}$"


def glob_body(glob: str, *, any_one: str, of_set: Callable[[str], str], sign: Callable[[str], str]) -> str:
    """The parts of a glob as regular expressions, one after the other.

    Args:
        glob: as ``fnmatch`` reads it.
        any_one: what ``?`` becomes.
        of_set: what a set of characters becomes, given what stands between its brackets.
        sign: what any other character becomes.
    """
    made, at = [], 0
    while at < len(glob):
        found = glob[at]
        at += 1
        if found == "*":
            made.append(".*")
        elif found == "?":
            made.append(any_one)
        elif found == "[" and (end := _set_end(glob, at)) is not None:
            made.append(of_set(glob[at:end]))
            at = end + 1
        else:
            made.append(sign(found))
    return "".join(made)


def _set(inside: str) -> str:
    inner = inside.replace("\\", "\\\\").replace("[", "\\[")
    return f"[^{inner[1:]}]" if inner.startswith("!") else f"[{_first_literal(inner)}]"


def _set_end(glob: str, start: int) -> int | None:
    """Where a character set ends; ``None`` when it does not, so that its bracket is an ordinary sign."""
    at = start + 1 if glob[start : start + 1] == "!" else start
    end = glob.find("]", at + 1)
    return None if end < 0 else end


def _first_literal(inner: str) -> str:
    return f"\\{inner}" if inner.startswith("^") else inner


def any_of(patterns: Iterable[str]) -> str:
    """One regular expression for whole texts, each of which one of the patterns matches."""
    return f"^(?:{'|'.join(patterns)})$"
