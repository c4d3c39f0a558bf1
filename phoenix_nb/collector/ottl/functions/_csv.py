"""``ParseCSV``: one row with a header, by the rules of Go's reader."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from phoenix_nb.collector.ottl._context import Item
from phoenix_nb.collector.ottl._function import Function, param
from phoenix_nb.collector.ottl._getters import Getter
from phoenix_nb.collector.ottl._runtime import OttlError, Value
from phoenix_nb.otlp import KeyValues

__all__ = ["PARSE_CSV"]

Run = Callable[[Item], Value]
_BARE: Final = 'bare " in non-quoted-field'
_QUOTE: Final = 'extraneous or missing " in quoted-field'


class _Rows:
    """Reads row after row of a text; lines end with a newline."""

    def __init__(self, text: str, comma: str, *, lazy: bool) -> None:
        self._text, self._at = text, 0
        self._comma, self._lazy = comma, lazy

    def _line(self) -> str:
        """The next line with its end; empty at the end of the text."""
        end = self._text.find("\n", self._at) + 1
        line = self._text[self._at : end] if end else self._text[self._at :].removesuffix("\r")
        self._at = end or len(self._text)
        return line[:-2] + "\n" if line.endswith("\r\n") else line

    def row(self) -> tuple[list[str], str] | None:
        """The fields of the next row and what is wrong behind them; ``None`` at the end."""
        line = "\n"
        while line == "\n":
            line = self._line()
        if not line:
            return None
        fields: list[str] = []
        at = 0
        while True:
            if not line.startswith('"', at):
                end = line.find(self._comma, at)
                field = line[at:end] if end >= 0 else line[at:].removesuffix("\n")
                if '"' in field and not self._lazy:
                    return fields, _BARE
                fields.append(field)
                if end < 0:
                    return fields, ""
                at = end + 1
                continue
            field, rest, wrong = self._quoted(line, at + 1)
            if wrong:
                return fields, wrong
            fields.append(field)
            if rest is None:
                return fields, ""
            line, at = rest

    def _quoted(self, line: str, at: int) -> tuple[str, tuple[str, int] | None, str]:
        """A field behind its opening quote, line and place of another field if one follows, and what is wrong."""
        parts: list[str] = []
        while True:
            quote = line.find('"', at)
            if quote < 0:
                parts.append(line[at:])
                line, at = self._line(), 0
                if line:
                    continue
                return "".join(parts), None, "" if self._lazy else _QUOTE
            parts.append(line[at:quote])
            at = quote + 1
            if line.startswith('"', at):
                parts.append('"')
                at += 1
            elif line.startswith(self._comma, at):
                return "".join(parts), (line, at + 1), ""
            elif at == len(line) or (at == len(line) - 1 and line.endswith("\n")):
                return "".join(parts), None, ""
            elif self._lazy:
                parts.append('"')
            else:
                return "".join(parts), None, _QUOTE


def _fields(text: str, comma: str, *, lazy: bool) -> list[str]:
    """The fields of all lines, where a further line goes on with the last field of the one before."""
    if comma in '"\r\n\ufffd\0':
        raise OttlError("read csv line: csv: invalid field or comment delimiter")
    rows = _Rows(text, comma, lazy=lazy)
    made: list[str] = []
    while (found := rows.row()) is not None:
        fields, wrong = found
        if not fields:
            raise OttlError(f"read csv line: {wrong}")
        if made:
            made[-1] += f"\n{fields.pop(0)}"
        made.extend(fields)
    if not made:
        raise OttlError("no csv lines found")
    return made


def _parse_csv(
    target: Getter,
    header: Getter,
    delimiter: str | None = None,
    header_delimiter: str | None = None,
    mode: str | None = None,
) -> Run:
    for name, given in (("delimiter", delimiter), ("header_delimiter", header_delimiter)):
        if given is not None and len(given) != 1:
            raise ValueError(f"invalid arguments: {name} must be a single character")
    comma = delimiter or ","
    head = header_delimiter or comma
    if mode not in {None, "strict", "lazyQuotes", "ignoreQuotes"}:
        raise ValueError(f"unknown mode: {mode}")

    def evaluate(item: Item) -> Value:
        text, names = str(target.get(item)), str(header.get(item))
        if not names:
            raise OttlError("headers must not be an empty string")
        keys = names.split(head)
        fields = (
            text.split(comma) if mode == "ignoreQuotes" else _fields(text, comma, lazy=mode == "lazyQuotes")
        )
        if len(fields) != len(keys):
            raise OttlError(
                f"map csv headers: wrong number of fields: expected {len(keys)}, found {len(fields)}"
            )
        return KeyValues(dict(zip(keys, fields, strict=True)).items())

    return evaluate


PARSE_CSV: Final = Function(
    "ParseCSV",
    (
        param("target", "string"),
        param("header", "string"),
        param("delimiter", "text", optional=True),
        param("header_delimiter", "text", optional=True),
        param("mode", "text", optional=True),
    ),
    _parse_csv,
)
"""A row of values separated by commas as a map."""
