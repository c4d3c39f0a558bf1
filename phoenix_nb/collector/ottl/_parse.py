"""From text to syntax, with the collector's words for what is not OTTL."""

from __future__ import annotations

import functools
import importlib.resources
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn, TypeVar

from lark import Lark, Token, Tree, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from phoenix_nb.collector.config import quote
from phoenix_nb.collector.ottl._ast import (
    And,
    Bytes,
    Call,
    Compare,
    Condition,
    Const,
    Enum,
    Field,
    Float,
    Int,
    Lambda,
    ListLiteral,
    MapLiteral,
    Math,
    Negate,
    Nil,
    Not,
    Or,
    Path,
    Statement,
    Text,
    Value,
    walk,
)

__all__ = ["OttlSizeError", "OttlSyntaxError", "parse_condition", "parse_statement", "parse_value"]

T = TypeVar("T")
_MAX_LENGTH: Final = 100_000
_MAX_DEPTH: Final = 60
_BEGIN: Final = 100
"""Letters of a text that is too large which its error shows."""
_SHORT: Final = 1000
"""Length up to which the syntax of a text is remembered."""
_HIGH: Final = (1 << 63) - 1
_EXPECT_COMPARISON: Final = " (expected <opcomparison> Value)"
_ESCAPES: Final = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    '"': '"',
}
_ESCAPE: Final = re.compile(
    r"\\(?:([abfnrtv\\\"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3}))"
)


class OttlSyntaxError(ValueError):
    """Text that is not OTTL; the message is the collector's."""


class OttlSizeError(OttlSyntaxError):
    """A text that only this engine refuses, for its size; the message gives the reason and how the text begins."""

    def __init__(self, reason: str, text: str) -> None:
        begin = quote(text[:_BEGIN])
        super().__init__(
            f"the text {reason}, which is more than the embedded engine reads; run it with `engine: otelcol`; "
            f"it begins with {begin}…"
        )


@functools.cache
def _parser() -> Lark:
    grammar = importlib.resources.files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(
        grammar,
        parser="lalr",
        lexer="basic",
        start=["condition", "statement", "value"],
        propagate_positions=True,
        maybe_placeholders=False,
    )


def _remembered(parse: Callable[[str], T]) -> Callable[[str], T]:
    """Parse a short text once: candidates share most of theirs, and syntax never changes."""
    known = functools.lru_cache(maxsize=1024)(parse)

    @functools.wraps(parse)
    def parsed(text: str) -> T:
        return known(text) if len(text) <= _SHORT else parse(text)

    return parsed


@_remembered
def parse_condition(text: str) -> Condition:
    """A condition such as ``name == "a" and IsMatch(…)``.

    Raises:
        OttlSyntaxError: the text is not a condition.
    """
    reader = _Reader(text, "condition")
    made = reader.condition(_only(reader.tree))
    _check_names(made)
    return made


@_remembered
def parse_statement(text: str) -> Statement:
    """A statement such as ``set(name, "a") where …``.

    Raises:
        OttlSyntaxError: the text is not a statement.
    """
    reader = _Reader(text, "statement")
    parts = [child for child in reader.tree.children if isinstance(child, Tree)]
    editor = reader.call(parts[0])
    where = reader.condition(parts[1]) if len(parts) > 1 else None
    if not editor.name[0].islower():
        raise OttlSyntaxError(f"editor names must start with a lowercase letter but got '{editor.name}'")
    if editor.keys:
        raise OttlSyntaxError(f"only paths and converters may be indexed, not editors, but got {editor.name}")
    made = Statement(editor, where)
    _check_names(Statement(Call("", editor.arguments), where))
    return made


@_remembered
def parse_value(text: str) -> Value:
    """A value expression such as ``value_double * 1000.0``.

    Raises:
        OttlSyntaxError: the text is not a value.
    """
    reader = _Reader(text, "value")
    made = reader.value(_only(reader.tree))
    _check_names(made)
    return made


def _only(tree: Tree[Token]) -> Tree[Token]:
    return next(child for child in tree.children if isinstance(child, Tree))


def _check_names(node: object) -> None:
    wrong = [
        f"converter names must start with an uppercase letter but got '{found.name}'"
        for found in walk(node)
        if isinstance(found, Call) and found.name[:1].islower()
    ]
    if wrong:
        raise OttlSyntaxError("; ".join(wrong))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns Lark's tree into syntax, and misplaced parts into the collector's errors."""

    text: str
    kind: str

    @property
    def tree(self) -> Tree[Token]:
        if len(self.text) > _MAX_LENGTH:
            raise OttlSizeError(f"is longer than {_MAX_LENGTH} characters", self.text)
        _check_depth(self.text)
        try:
            return _parser().parse(self.text, start=self.kind)
        except UnexpectedCharacters as exc:
            place = int(getattr(exc, "pos_in_stream", None) or 0)
            self._fail(place, f"invalid input text {quote(self.text[place:])}")
        except UnexpectedToken as exc:
            at = len(self.text) if exc.token.type == "$END" else (exc.token.start_pos or 0)
            expected = _EXPECT_COMPARISON if self._wants_comparison(exc) else ""
            self._unexpected(at, expected)
        except UnexpectedInput as exc:
            self._unexpected(int(getattr(exc, "pos_in_stream", None) or 0))

    def _wants_comparison(self, error: UnexpectedToken) -> bool:
        return self.kind == "condition" and "COMPARE" in error.expected

    def _fail(self, at: int, text: str) -> NoReturn:
        kind = {"value": "expression"}.get(self.kind, self.kind)
        line = self.text.count("\n", 0, at) + 1
        column = at - (self.text.rfind("\n", 0, at) + 1) + 1
        raise OttlSyntaxError(f"{kind} has invalid syntax: {line}:{column}: {text}")

    def _unexpected(self, at: int, expected: str = "") -> NoReturn:
        token = self._token_at(at)
        shown = "<EOF>" if token is None else token.replace("\\", "\\\\").replace('"', '\\"')
        if token is None:
            at = len(self.text)
        self._fail(at, f'unexpected token "{shown}"{expected}')

    def _token_at(self, at: int) -> str | None:
        """The token of the collector's lexer at a place, which splits names at capitals."""
        found = _TOKEN.match(self.text, at)
        return found.group() if found else None

    def _after(self, tree: Tree[Token]) -> int:
        end = tree.meta.end_pos if not tree.meta.empty else 0
        while end < len(self.text) and self.text[end].isspace():
            end += 1
        return end

    # -- conditions ------------------------------------------------------------------------------------------

    def condition(self, tree: Tree[Token]) -> Condition:
        match tree.data:
            case "or_expr":
                return Or(tuple(self.condition(child) for child in _trees(tree)))
            case "and_expr":
                return And(tuple(self.condition(child) for child in _trees(tree)))
            case "negation":
                return Not(self.condition(_only(tree)))
            case "compare":
                left, right = _trees(tree)
                op = next(str(child) for child in tree.children if isinstance(child, Token))
                return Compare(self.value(left), op, self.value(right))
            case "boolean":
                return Const(str(tree.children[0]) == "true")
            case "group":
                return self.condition(_only(tree))
            case "call":
                made = self.call(tree)
                if made.name[0].isupper():
                    return made
            case _:
                self.value(tree)
        return self._unexpected(self._after(tree), _EXPECT_COMPARISON)

    # -- values ----------------------------------------------------------------------------------------------

    def value(self, tree: Tree[Token]) -> Value:
        match tree.data:
            case "nil":
                return Nil()
            case "string":
                return Text(self._unquote(tree))
            case "boolean":
                return Const(str(tree.children[0]) == "true")
            case "bytes_literal":
                return self._bytes(tree)
            case "enum":
                return self._enum(tree)
            case "list":
                return ListLiteral(tuple(self.value(child) for child in _trees(tree)))
            case "map":
                return MapLiteral(tuple(self._pair(child) for child in _trees(tree)))
            case "lambda":
                return Lambda()
            case "or_expr" | "and_expr" | "compare" | "negation":
                self._unexpected(self._misplaced(tree))
        return self._math(tree)

    def _misplaced(self, tree: Tree[Token]) -> int:
        token = next(child for child in tree.children if isinstance(child, Token))
        return token.start_pos or 0

    def _math(self, tree: Tree[Token]) -> Value:
        match tree.data:
            case "sum" | "product":
                children = tree.children
                made = self._operand(children[0], children[1])
                for at in range(1, len(children), 2):
                    made = Math(made, str(children[at]), self._operand(children[at + 1], children[at]))
                return made
            case "signed":
                inner = self._operand(_only(tree), tree.children[0])
                return Negate(inner) if str(tree.children[0]) == "-" else inner
            case "integer":
                return self._integer(tree)
            case "number":
                return Float(float(str(tree.children[0])))
            case "call":
                return self.call(tree)
            case "path":
                return self._path(tree)
            case "group":
                inner_tree = _only(tree)
                return self._operand(inner_tree, inner_tree)
        return self._unexpected(tree.meta.start_pos)

    def _operand(self, tree: Tree[Token] | Token, operator: Tree[Token] | Token) -> Value:
        if isinstance(tree, Tree) and tree.data in _MATH:
            return self._math(tree)
        at = operator.start_pos if isinstance(operator, Token) else operator.meta.start_pos
        return self._unexpected(at or 0, _EXPECT_COMPARISON if self.kind == "condition" else "")

    def _integer(self, tree: Tree[Token]) -> Int:
        digits = str(tree.children[0])
        if len(digits) > 30 or int(digits) > _HIGH:
            self._fail(tree.meta.start_pos, f'strconv.ParseInt: parsing "{digits}": value out of range')
        return Int(int(digits))

    def _bytes(self, tree: Tree[Token]) -> Bytes:
        digits = str(tree.children[0])[2:]
        if len(digits) % 2:
            self._fail(tree.meta.start_pos, "encoding/hex: odd length hex string")
        return Bytes(bytes.fromhex(digits))

    def _enum(self, tree: Tree[Token]) -> Enum:
        name = str(tree.children[0])
        lower = re.search("[a-z]", name)
        if lower:
            # The collector's lexer ends the capitals here, and an enum may not be followed by small letters.
            self._unexpected(tree.meta.start_pos + lower.start())
        return Enum(name)

    def _pair(self, tree: Tree[Token]) -> tuple[str, Value]:
        key = next(child for child in tree.children if isinstance(child, Token))
        return self._unquote_token(key), self.value(_only(tree))

    def _path(self, tree: Tree[Token]) -> Path:
        return Path(tuple(self._field(child) for child in _trees(tree)), tree.meta.start_pos)

    def _field(self, tree: Tree[Token]) -> Field:
        name = next(child for child in tree.children if isinstance(child, Token))
        upper = re.search("[A-Z]", name)
        if upper:
            self._unexpected((name.start_pos or 0) + upper.start())
        return Field(str(name), tuple(self._key(child) for child in _trees(tree)))

    def _key(self, tree: Tree[Token]) -> Value:
        return self.value(_only(tree))

    def call(self, tree: Tree[Token]) -> Call:
        name = next(child for child in tree.children if isinstance(child, Token))
        arguments: list[tuple[str, Value]] = []
        keys: list[Value] = []
        for child in _trees(tree):
            if child.data == "key":
                keys.append(self._key(child))
            elif child.data == "named":
                label = next(part for part in child.children if isinstance(part, Token))
                arguments.append((str(label), self._argument(_only(child))))
            else:
                arguments.append(("", self._argument(_only(child))))
        return Call(str(name), tuple(arguments), tuple(keys))

    def _argument(self, tree: Tree[Token]) -> Value:
        if tree.data == "enum":
            # A converter may be named here without a call, as in replace_pattern(…, SHA256).
            return Enum(str(tree.children[0]))
        return self.value(tree)

    def _unquote(self, tree: Tree[Token]) -> str:
        token = tree.children[0]
        assert isinstance(token, Token)  # noqa: S101 - the grammar puts a token there
        return self._unquote_token(token)

    def _unquote_token(self, token: Token) -> str:
        body = str(token)[1:-1]
        made: list[str] = []
        at = 0
        while at < len(body):
            if body[at] != "\\":
                if body[at] == "\n":
                    break
                made.append(body[at])
                at += 1
                continue
            found = _ESCAPE.match(body, at)
            if found is None:
                break
            made.append(_escape(found))
            at = found.end()
        else:
            return "".join(made)
        return self._fail(token.start_pos or 0, f"invalid quoted string {quote(str(token))}: invalid syntax")


def _escape(found: re.Match[str]) -> str:
    simple, hexa, four, eight, octal = found.groups()
    if simple:
        return _ESCAPES[simple]
    if octal:
        return chr(int(octal, 8))
    number = int(hexa or four or eight, 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"


_MATH: Final = frozenset({"sum", "product", "signed", "integer", "number", "call", "path", "group"})
_TOKEN: Final = re.compile(
    r'0x[a-fA-F0-9]+|(?:\d+\.\d*|\d*\.\d+)(?:[eE][-+]?\d+)?|\d+|"(?:\\.|[^\\"])*"|==|!=|>=|<=|=>|[-+*/=<>(){}:,.\[\]]'
    r"|[A-Z][A-Z0-9_]*|[a-z][a-z0-9_]*|\S",
    re.ASCII | re.DOTALL,
)


def _trees(tree: Tree[Token]) -> list[Tree[Token]]:
    return [child for child in tree.children if isinstance(child, Tree)]


def _check_depth(text: str) -> None:
    depth = 0
    quoted = escaped = False
    for letter in text:
        if quoted:
            quoted = escaped or letter != '"'
            escaped = letter == "\\" and not escaped
        elif letter == '"':
            quoted = True
        elif letter in "([{":
            depth += 1
            if depth > _MAX_DEPTH:
                raise OttlSizeError(f"is nested deeper than {_MAX_DEPTH} levels", text)
        elif letter in ")]}":
            depth -= 1
