"""The expressions of ``match_type: expr``: over the name and type of a metric and the labels of a point."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from phoenix_nb.collector._regexp import RegexpError, compile_regexp
from phoenix_nb.collector._values import format_float
from phoenix_nb.collector.config import bounded_int
from phoenix_nb.otlp import Attributes, MetricHeader, MetricType

__all__ = ["ExprError", "ExprEvaluationError", "PointTest", "compile_expr"]

PointTest: TypeAlias = Callable[[MetricHeader, Attributes], bool]
"""Whether an expression holds for a point; may raise :class:`ExprEvaluationError`."""


class ExprError(ValueError):
    """A text that is no expression; the message is the collector's."""


class ExprEvaluationError(ValueError):
    """An expression that fails for a point."""


_TYPES: Final = {
    MetricType.NONE: "Empty",
    MetricType.GAUGE: "Gauge",
    MetricType.SUM: "Sum",
    MetricType.HISTOGRAM: "Histogram",
    MetricType.EXPONENTIAL_HISTOGRAM: "ExponentialHistogram",
    MetricType.SUMMARY: "Summary",
}


@dataclass(frozen=True, slots=True)
class _Scope:
    header: MetricHeader
    attributes: Attributes

    def label(self, key: object) -> str:
        value = self.attributes.get(str(key))
        return value if isinstance(value, str) else ""


_Node: TypeAlias = Callable[[_Scope], Any]
_TOKEN: Final = re.compile(
    r"\s+|(?P<number>\d+\.\d+|\d+)|(?P<text>\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`)"
    r"|(?P<op>==|!=|<=|>=|&&|\|\||[-+*/%!<>()\[\],?:.])|(?P<name>[A-Za-z_][A-Za-z0-9_]*)",
    re.DOTALL,
)
_HIGH: Final = (1 << 63) - 1
_WORDS: Final = {"and": "&&", "or": "||", "not": "!"}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(source: str) -> list[_Token]:
    made: list[_Token] = []
    at = 0
    while at < len(source):
        found = _TOKEN.match(source, at)
        if found is None:
            raise ExprError(_pointed(f"unrecognized character: U+{ord(source[at]):04X}", source, at))
        if found.lastgroup:
            text = found.group()
            if found.lastgroup == "name" and text in _WORDS:
                made.append(_Token("op", _WORDS[text], at))
            else:
                made.append(_Token(found.lastgroup, text, at))
        at = found.end()
    made.append(_Token("end", "", len(source)))
    return made


def _pointed(message: str, source: str, at: int) -> str:
    """A message with the place it is about, as the expression language shows it."""
    line = source.count("\n", 0, at) + 1
    start = source.rfind("\n", 0, at) + 1
    # The end of the text is shown on its last letter.
    column = min(at, max(len(source) - 1, 0)) - start
    shown = source[start:].partition("\n")[0]
    return f"{message} ({line}:{column + 1})\n | {shown}\n | {'.' * column}^"


def compile_expr(source: str) -> PointTest:
    """An expression that says yes or no about a point.

    Raises:
        ExprError: it is none.
    """
    parser = _Parser(source)
    node = parser.whole()

    def test(header: MetricHeader, attributes: Attributes) -> bool:
        found = node(_Scope(header, attributes))
        if not isinstance(found, bool):
            raise ExprEvaluationError(f"interface conversion: interface {{}} is {_go(found)}, not bool")
        return found

    return test


def _go(value: object) -> str:
    return {str: "string", int: "int", float: "float64", type(None): "nil"}.get(type(value), "[]interface {}")


class _Parser:
    def __init__(self, source: str) -> None:
        self._source = source
        self._tokens = _tokens(source)
        self._at = 0

    def _peek(self) -> _Token:
        return self._tokens[self._at]

    def _next(self) -> _Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _take(self, *ops: str) -> str | None:
        token = self._peek()
        if token.kind == "op" and token.text in ops:
            self._at += 1
            return token.text
        return None

    def _word(self, *words: str) -> str | None:
        token = self._peek()
        if token.kind == "name" and token.text in words:
            self._at += 1
            return token.text
        return None

    def _fail(self, token: _Token) -> ExprError:
        names = {"op": "Operator", "name": "Identifier", "number": "Number", "text": "String"}
        shown = "EOF" if token.kind == "end" else f"{names[token.kind]}({token.text!r})".replace("'", '"')
        return ExprError(_pointed(f"unexpected token {shown}", self._source, token.at))

    def _expect(self, op: str) -> None:
        if self._take(op) is None:
            raise self._fail(self._peek())

    def whole(self) -> _Node:
        node = self._or()
        if self._peek().kind != "end":
            raise self._fail(self._peek())
        return node

    def _or(self) -> _Node:
        parts = [self._and()]
        while self._take("||"):
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else lambda scope: any(_truth(part(scope)) for part in parts)

    def _and(self) -> _Node:
        parts = [self._comparison()]
        while self._take("&&"):
            parts.append(self._comparison())
        return parts[0] if len(parts) == 1 else lambda scope: all(_truth(part(scope)) for part in parts)

    def _comparison(self) -> _Node:
        left = self._sum()
        while True:
            negated = False
            if (
                self._peek().text == "!"
                and self._tokens[self._at + 1].kind == "name"
                and self._tokens[self._at + 1].text in _RELATIONS
            ):
                self._next()
                negated = True
            op = self._take("==", "!=", "<", "<=", ">", ">=") or self._word(*_RELATIONS)
            if op is None:
                return left
            left = self._joined(left, op, self._sum(), negated=negated)

    def _joined(self, left: _Node, op: str, right: _Node, *, negated: bool) -> _Node:
        relate = _COMPARISONS.get(op) or _RELATIONS[op]
        if negated:
            return lambda scope: not relate(left(scope), right(scope))
        return lambda scope: relate(left(scope), right(scope))

    def _sum(self) -> _Node:
        left = self._unary()
        while op := self._take("+", "-"):
            left = _added(left, op, self._unary())
        return left

    def _unary(self) -> _Node:
        if self._take("!"):
            inner = self._unary()
            return lambda scope: not _truth(inner(scope))
        if self._take("-"):
            inner = self._unary()
            return lambda scope: -_number(inner(scope))
        return self._primary()

    def _primary(self) -> _Node:
        token = self._next()
        if token.kind == "number":
            number: object = float(token.text) if "." in token.text else bounded_int(token.text)
            if isinstance(number, int) and number > _HIGH:
                raise ExprError(
                    _pointed(f"invalid integer literal: {token.text:.30}", self._source, token.at)
                )
            return lambda _scope: number
        if token.kind == "text":
            text = _unquoted(token.text)
            return lambda _scope: text
        if token.kind == "op" and token.text == "(":
            inner = self._or()
            self._expect(")")
            return inner
        if token.kind == "op" and token.text == "[":
            return self._list()
        if token.kind == "name":
            return self._named(token)
        raise self._fail(token)

    def _list(self) -> _Node:
        items: list[_Node] = []
        while self._take("]") is None:
            if items:
                self._expect(",")
            items.append(self._or())
        return lambda scope: [item(scope) for item in items]

    def _named(self, token: _Token) -> _Node:
        constants = {"true": True, "false": False, "nil": None}
        if token.text in constants:
            value = constants[token.text]
            return lambda _scope: value
        if token.text == "MetricName":
            return lambda scope: scope.header.name
        if token.text == "MetricType":
            return lambda scope: _TYPES[scope.header.type]
        function = _FUNCTIONS.get(token.text)
        if function is None or self._peek().text != "(":
            raise ExprError(_pointed(f"unknown name {token.text}", self._source, token.at))
        self._expect("(")
        argument = self._or()
        self._expect(")")
        return lambda scope: function(scope, argument(scope))


def _unquoted(text: str) -> str:
    if text[0] == "`":
        return text[1:-1]
    escapes = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'"}
    return re.sub(r"\\(.)", lambda found: escapes.get(found[1], found[0]), text[1:-1], flags=re.DOTALL)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ExprEvaluationError(f"interface conversion: interface {{}} is {_go(value)}, not bool")
    return value


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ExprEvaluationError(f"invalid operation: - {_go(value)}")
    return value


def _added(left: _Node, op: str, right: _Node) -> _Node:
    def node(scope: _Scope) -> Any:
        a, b = left(scope), right(scope)
        if op == "+" and isinstance(a, str) and isinstance(b, str):
            return a + b
        return _number(a) + _number(b) if op == "+" else _number(a) - _number(b)

    return node


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def _ordered(op: str) -> Callable[[Any, Any], bool]:
    def relate(left: Any, right: Any) -> bool:
        both_text = isinstance(left, str) and isinstance(right, str)
        if not both_text:
            left, right = _number(left), _number(right)
        return bool(left < right if op == "<" else left <= right)

    return relate


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ExprEvaluationError(f"interface conversion: interface {{}} is {_go(value)}, not string")
    return value


def _matches(left: Any, right: Any) -> bool:
    try:
        return compile_regexp(_text(right)).search(_text(left))
    except RegexpError as exc:
        raise ExprEvaluationError(str(exc)) from exc


def _is_in(left: Any, right: Any) -> bool:
    if right is None:
        return False
    if not isinstance(right, list):
        raise ExprEvaluationError(f'operator "in" not defined on {_go(right)}')
    return any(_same(left, item) for item in right)


_COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": _same,
    "!=": lambda left, right: not _same(left, right),
    "<": _ordered("<"),
    "<=": _ordered("<="),
    ">": lambda left, right: _ordered("<")(right, left),
    ">=": lambda left, right: _ordered("<=")(right, left),
}
_RELATIONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "matches": _matches,
    "contains": lambda left, right: _text(right) in _text(left),
    "startsWith": lambda left, right: _text(left).startswith(_text(right)),
    "endsWith": lambda left, right: _text(left).endswith(_text(right)),
    "in": _is_in,
}


def _len(_scope: _Scope, value: Any) -> int:
    if isinstance(value, Sequence):
        return len(value)
    raise ExprEvaluationError(f"invalid argument for len (type {_go(value)})")


def _string(_scope: _Scope, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return format_float(value) if isinstance(value, float) else str(value)


_FUNCTIONS: Final[dict[str, Callable[[_Scope, Any], Any]]] = {
    "HasLabel": lambda scope, key: str(key) in scope.attributes,
    "Label": lambda scope, key: scope.label(key),
    "len": _len,
    "lower": lambda _scope, value: _text(value).lower(),
    "upper": lambda _scope, value: _text(value).upper(),
    "trim": lambda _scope, value: _text(value).strip(),
    "string": _string,
}
