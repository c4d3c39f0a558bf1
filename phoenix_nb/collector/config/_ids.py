"""Ids of components and pipelines: ``type[/name]``."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

__all__ = ["SIGNALS", "ComponentId", "IdError", "quote"]

SIGNALS: Final = ("traces", "metrics", "logs", "profiles")
"""What a pipeline may carry."""
_TYPE: Final = re.compile(r"[a-zA-Z][0-9a-zA-Z_]{0,62}", re.ASCII)

_ESCAPES: Final = {
    "\\": "\\\\",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}


class IdError(ValueError):
    """An id that breaks the rules; the message is the collector's."""


def quote(text: str, mark: str = '"', *, plain: bool = False) -> str:
    """A text in quotes, as the collector's messages and formats show it: Go's escapes for what cannot be printed.

    Args:
        text: what is quoted.
        mark: the quotation mark; the only one that is escaped.
        plain: escape what is not ASCII, too.
    """
    escapes = {**_ESCAPES, mark: f"\\{mark}"}
    return mark + "".join(escapes.get(one) or _shown(one, plain=plain) for one in text) + mark


def _shown(character: str, *, plain: bool) -> str:
    if character.isprintable() and (character.isascii() or not plain):
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


@dataclass(frozen=True, slots=True, order=True)
class ComponentId:
    """The id of a component, or of a pipeline with its signal as type."""

    type: str
    """Which kind of component it is."""
    name: str = ""
    """What tells two of one type apart; may be empty."""

    def __str__(self) -> str:
        return f"{self.type}/{self.name}" if self.name else self.type

    @classmethod
    def parse(cls, text: str) -> ComponentId:
        """From its text; blanks around both parts are ignored.

        Raises:
            IdError: a part is empty or has characters that are not allowed.
        """
        kind, name = _split(text)
        if not _TYPE.fullmatch(kind):
            raise IdError(f"in {quote(text)} id: invalid character(s) in type {quote(kind)}")
        return cls(kind, name)

    @classmethod
    def parse_pipeline(cls, text: str) -> ComponentId:
        """From the text of a pipeline id.

        Raises:
            IdError: an empty part or an unknown signal.
        """
        signal, name = _split(text)
        if signal not in SIGNALS:
            raise IdError(f"in {quote(text)} id: unknown pipeline signal: {quote(signal)}")
        return cls(signal, name)


def _split(text: str) -> tuple[str, str]:
    kind, slash, name = text.partition("/")
    kind, name = kind.strip(), name.strip()
    if not kind:
        if slash:
            raise IdError(f"in {quote(text)} id: the part before / should not be empty")
        raise IdError("id must not be empty")
    if slash:
        if not name:
            raise IdError(f"in {quote(text)} id: the part after / should not be empty")
        size = len(name.encode())
        if size > 1024:
            raise IdError(
                f"in {quote(name)} id: name {quote(name)} is longer than 1024 characters ({size} characters)"
            )
        if any(unicodedata.category(letter)[0] in "ZCS" for letter in name):
            raise IdError(f"in {quote(name)} id: invalid character(s) in name {quote(name)}")
    return kind, name
