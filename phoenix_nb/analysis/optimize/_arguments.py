"""Selectors of command lines as conditions on ``process.command_args``, where a recording holds no joined text.

A selector sees the arguments joined by one space, as the process scraper joins them. OTTL cannot join a list; a
condition sees it as JSON: ``["/usr/bin/java","-jar"]``. A glob is translated to that text. It may match a little more
(spare a process too many), never less.
"""

from __future__ import annotations

import re
from typing import Final

from phoenix_nb.analysis.optimize._patterns import glob_body, literal
from phoenix_nb.evidence.coverage import CriticalSelector

__all__ = ["arguments_pattern"]

_ANY_ONE: Final = r'(?:[^"\\]|\\u[0-9a-fA-F]{4}|\\.|",")'
"""One character of the joined text: plain, escaped, or the space between two arguments."""
_SHORT: Final = {'"': r"\\\"", "\\": r"\\\\", "\n": r"\\n", "\t": r"\\t", "\r": r"\\r"}
_SIMPLE: Final = re.compile(r"(?:[A-Za-z0-9_/:=,@%-]|\.[*+]|\\\.)+")
"""Regular expressions that find in the JSON text what they find in the joined one."""


def arguments_pattern(selector: CriticalSelector) -> str | None:
    """A regular expression over the JSON text that matches wherever the selector does; ``None``: there is none."""
    if selector.regex:
        return selector.pattern if _SIMPLE.fullmatch(selector.pattern) else None
    return _glob(selector.pattern)


def _glob(glob: str) -> str:
    body = glob_body(glob, any_one=_ANY_ONE, of_set=lambda _: _ANY_ONE, sign=_character)
    return rf'(?s)^\["?{body}"?\]$'


def _character(sign: str) -> str:
    if sign == " ":
        return '(?: |",")'
    if sign in _SHORT:
        return _SHORT[sign]
    if sign in "<>&" or not sign.isprintable():
        # Encoders differ in which of these they escape.
        return _ANY_ONE
    return literal(sign)
