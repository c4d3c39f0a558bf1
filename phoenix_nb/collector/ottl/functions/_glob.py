"""Globs as the collector's editors match them: ``*``, ``?``, classes and alternatives over the whole text."""

from __future__ import annotations

import functools
import re
from typing import Final

from phoenix_nb.collector._regexp import Regexp, RegexpError, compile_regexp

__all__ = ["GlobError", "compile_glob"]


_MOST_DEPTH: Final = 100


class GlobError(ValueError):
    """A pattern that is no glob."""


@functools.lru_cache(maxsize=4096)
def compile_glob(pattern: str) -> Regexp:
    """A glob as a regular expression over the whole text.

    Raises:
        GlobError: the pattern is no glob.
    """
    reader = _Reader(pattern)
    body = reader.alternatives(nested=False)
    try:
        return compile_regexp(f"(?s)^(?:{body})$")
    except RegexpError as exc:
        raise GlobError(str(exc)) from exc


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def alternatives(self, *, nested: bool) -> str:
        """What the pattern is from here on; braces that are not closed end with the text."""
        parts = [""]
        while self._at < len(self._text):
            letter = self._text[self._at]
            self._at += 1
            if letter == "*":
                parts[-1] += ".*"
            elif letter == "?":
                parts[-1] += "."
            elif letter == "[":
                parts[-1] += self._class()
            elif letter == "{":
                parts[-1] += f"(?:{self._inner()})"
            elif nested and letter == ",":
                parts.append("")
            elif nested and letter == "}":
                break
            elif letter == "\\":
                if self._at < len(self._text):
                    parts[-1] += re.escape(self._text[self._at])
                    self._at += 1
            else:
                parts[-1] += re.escape(letter)
        return "|".join(parts)

    def _inner(self) -> str:
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise GlobError(f"the pattern is nested deeper than {_MOST_DEPTH} levels")
        made = self.alternatives(nested=True)
        self._depth -= 1
        return made

    def _class(self) -> str:
        inverse = self._text.startswith("!", self._at)
        self._at += inverse
        letters: list[str] = []
        while True:
            if self._at >= len(self._text):
                raise GlobError("unexpected end of input")
            letter = self._text[self._at]
            self._at += 1
            if letter == "]":
                break
            if letter == "\\" and self._at < len(self._text):
                letter = self._text[self._at]
                self._at += 1
            letters.append(letter)
        if not letters:
            raise GlobError("empty character class")
        start = "[^" if inverse else "["
        if len(letters) == 3 and letters[1] == "-":
            if letters[0] > letters[2]:
                raise GlobError("hi character should be greater than lo character")
            return f"{start}{re.escape(letters[0])}-{re.escape(letters[2])}]"
        return start + "".join(re.escape(letter) for letter in letters) + "]"
