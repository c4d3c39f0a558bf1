"""Regular expressions with the collector's semantics: RE2 as Go has it."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from itertools import accumulate, repeat
from typing import Any, Final

import re2

__all__ = ["Regexp", "RegexpError", "compile_regexp", "expand_template", "fill_template"]

_MAX_PATTERN: Final = 100_000
_MANY: Final = 64
_LITERAL: Final = re.compile("[A-Za-z0-9_ /:@%=-]*")
"""Patterns that stand for nothing but themselves."""
_MOST_LETTERS: Final = 256
_MOST_KNOWN: Final = 10_000
_TEXTS: Final = (
    ("missing )", "missing closing )"),
    ("unexpected )", "unexpected )"),
    ("no argument for repetition operator", "missing argument to repetition operator"),
    ("bad repetition operator", "invalid nested repetition operator"),
    ("invalid repetition size", "invalid repeat count"),
    ("missing ]", "missing closing ]"),
    ("invalid character class range", "invalid character class range"),
    ("invalid perl operator", "invalid or unsupported Perl syntax"),
    ("invalid named capture group", "invalid named capture"),
    ("invalid escape sequence", "invalid escape sequence"),
    ("invalid UTF-8", "invalid UTF-8"),
    ("invalid character class", "invalid character class range"),
    ("pattern too large", "expression too large"),
)


class RegexpError(ValueError):
    """A pattern that the collector refuses; the message is its own."""


class Regexp:
    """A compiled pattern over UTF-8 text."""

    __slots__ = ("_compiled", "_known", "pattern")

    def __init__(self, pattern: str, compiled: Any) -> None:
        self.pattern = pattern
        self._compiled = compiled
        self._known: dict[str, bool] = {}

    def search(self, text: str) -> bool:
        """Whether the pattern matches anywhere."""
        found = self._known.get(text)
        if found is None:
            found = self._compiled.search(text) is not None
            # The same keys and names come again and again; what is long or rare is not worth keeping.
            if len(text) < _MOST_LETTERS and len(self._known) < _MOST_KNOWN:
                self._known[text] = found
        return found

    def search_all(self, texts: Sequence[object]) -> list[bool]:
        """Whether the pattern matches each of many texts; what is no text is not matched."""
        distinct = [text for text in dict.fromkeys(texts) if isinstance(text, str)]
        hits = self._hits(distinct)
        if len(distinct) == len(texts):
            return hits
        known: dict[object, bool] = dict(zip(distinct, hits, strict=True))
        return list(map(known.get, texts, repeat(False)))

    def _hits(self, texts: list[str]) -> list[bool]:
        if len(texts) < _MANY:
            return [self.search(text) for text in texts]
        if _LITERAL.fullmatch(self.pattern):
            wanted = self.pattern
            return [wanted in text for text in texts]
        # The same expressions run in Arrow's kernel, which spares a call per text.
        import pyarrow as pa
        import pyarrow.compute as pc

        try:
            found = pc.match_substring_regex(pa.array(texts, pa.string()), self.pattern)
        except (pa.ArrowException, UnicodeEncodeError):
            return [self.search(text) for text in texts]
        hits: list[bool] = found.to_numpy(zero_copy_only=False).tolist()
        return hits

    def groups(self, text: str) -> tuple[str, ...] | None:
        """The texts of all groups of the first match, the whole match first; absent groups are empty."""
        found = self._compiled.search(text)
        if found is None:
            return None
        return tuple("" if item is None else item for item in (found.group(0), *found.groups()))

    @property
    def names(self) -> tuple[str, ...]:
        """The group names by number, the empty name for the whole match and unnamed groups."""
        index = self._compiled.groupindex
        if len(_NAME.findall(self.pattern)) > len(index):
            # Go lets several groups have one name.
            return ("", *_group_names(self.pattern))
        made = [""] * (self._compiled.groups + 1)
        for name, number in index.items():
            made[number] = name
        return tuple(made)

    def replace(self, text: str, template: str) -> str:
        """The text with every match replaced by the template, whose ``$1`` and ``${name}`` stand for groups."""
        parts: list[str] = []
        last = 0
        names = self.names
        for spans in self.spans(text):
            start, end = spans[0]
            parts += (text[last:start], expand_template(template, text, spans, names))
            last = end
        return "".join((*parts, text[last:]))

    def spans(self, text: str) -> list[tuple[tuple[int, int], ...]]:
        """Per match the spans of all groups, the whole match first, -1 for absent groups.

        Empty matches directly after a match are left out, as in Go.
        """
        # The library encodes a text at every call, and takes bytes as they are.
        raw = text.encode()
        made: list[tuple[tuple[int, int], ...]] = []
        at, end_before = 0, -1
        while at <= len(raw):
            found = self._compiled.search(raw, at)
            if found is None:
                break
            start, end = found.span()
            # Without a letter between them two empty places are one; inside of a letter there is none.
            if not (start == end and (start == end_before or _inside(raw, start))):
                made.append(tuple(found.span(number) for number in range(self._compiled.groups + 1)))
                end_before = end
            at = end if end > start else end + 1
            while _inside(raw, at):
                at += 1
        return made if text.isascii() else _by_letters(raw, made)


def _inside(raw: bytes, at: int) -> bool:
    """Whether a place is inside of an encoded letter."""
    return at < len(raw) and raw[at] & 0xC0 == 0x80


def _by_letters(
    raw: bytes, spans: Sequence[tuple[tuple[int, int], ...]]
) -> list[tuple[tuple[int, int], ...]]:
    """Spans of bytes as spans of letters."""
    letters = [0, *accumulate(int(byte & 0xC0 != 0x80) for byte in raw)]
    return [
        tuple((letters[start], letters[end]) if start >= 0 else (start, end) for start, end in groups)
        for groups in spans
    ]


def expand_template(template: str, text: str, spans: Sequence[tuple[int, int]], names: Sequence[str]) -> str:
    """A replacement template filled from one match.

    Args:
        template: ``$1``, ``$name``, ``${name}`` are groups, ``$$`` is a dollar sign; ``$1x`` is the group ``1x``.
        text: what was searched.
        spans: where the groups are, the whole match first, -1 for absent ones.
        names: their names.
    """
    groups = [text[start:end] if start >= 0 else "" for start, end in spans]
    return fill_template(template, groups, names)


def fill_template(template: str, groups: Sequence[str], names: Sequence[str]) -> str:
    """A replacement template filled from the texts of groups."""
    made: list[str] = []
    rest = template
    while "$" in rest:
        before, _, rest = rest.partition("$")
        made.append(before)
        if rest.startswith("$"):
            made.append("$")
            rest = rest[1:]
            continue
        name, after = _reference(rest)
        if name:
            rest = after
            made.append(_group(name, groups, names))
        else:
            made.append("$")
    made.append(rest)
    return "".join(made)


def _reference(text: str) -> tuple[str, str]:
    """The name that a reference begins with and what follows it; an empty name when it is none."""
    brace = text.startswith("{")
    body = text[1:] if brace else text
    end = 0
    while end < len(body) and (body[end] == "_" or body[end].isalpha() or body[end].isdecimal()):
        end += 1
    if brace and body[end : end + 1] != "}":
        return "", text
    return body[:end], body[end + brace :]


def _group(name: str, groups: Sequence[str], names: Sequence[str]) -> str:
    # Numbers with a leading zero, or of more than eight digits, are names to the collector.
    if name.isascii() and name.isdecimal() and len(name) < 9 and (name == "0" or not name.startswith("0")):
        number = int(name)
        return groups[number] if number < len(groups) else ""
    # Of several groups of one name the first that took part counts.
    return next((groups[at] for at, known in enumerate(names) if known == name and groups[at]), "")


def _options() -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 64 << 20
    return options


@functools.lru_cache(maxsize=4096)
def compile_regexp(pattern: str) -> Regexp:
    """Compile a pattern.

    Raises:
        RegexpError: not a pattern of Go's regular expressions.
    """
    if len(pattern) > _MAX_PATTERN:
        raise RegexpError("error parsing regexp: expression too large")
    if _has_any_byte(pattern):
        raise RegexpError("error parsing regexp: invalid escape sequence: `\\C`")
    try:
        return Regexp(pattern, re2.compile(pattern, _options()))
    except re2.error as exc:
        raw = exc.args[0] if exc.args else ""
        raise RegexpError(f"error parsing regexp: {_text(raw, pattern)}") from exc


_NAME: Final = re.compile(r"\(\?P?<(\w+)>")
_SKIPPED: Final = re.compile(r"\\Q.*?(?:\\E|$)|\\.|\[\^?\]?(?:\[:\w+:\]|\\.|[^\]\\])*\]", re.DOTALL)


def _group_names(pattern: str) -> list[str]:
    """The names of all groups by number, empty where they have none."""
    # What is quoted or inside of brackets begins no group.
    bare = _SKIPPED.sub("", pattern)
    found = re.finditer(r"\((?:\?P?<(?P<name>\w+)>|(?!\?))", bare)
    return [one["name"] or "" for one in found]


def _has_any_byte(pattern: str) -> bool:
    r"""Whether ``\C`` occurs, which RE2 in C++ knows and Go does not."""
    at = 0
    quoted = False
    while at < len(pattern) - 1:
        if pattern[at] == "\\":
            step = pattern[at + 1]
            if quoted:
                quoted = step != "E"
            elif step == "C":
                return True
            elif step == "Q":
                quoted = True
            at += 2
        else:
            at += 1
    return False


def _text(raw: object, pattern: str) -> str:
    message = raw.decode(errors="replace") if isinstance(raw, bytes) else str(raw)
    kind, _, rest = message.partition(": ")
    for ours, theirs in _TEXTS:
        if kind == ours:
            # Go shows the whole expression where a closing bracket is missing.
            shown = pattern if ours == "missing )" else rest or pattern
            return f"{theirs}: `{shown}`"
    if kind.startswith("trailing"):
        return "trailing backslash at end of expression: ``"
    return message
