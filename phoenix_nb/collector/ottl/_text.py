"""From text to bound conditions, values and statements, with the collector's words for what is refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from phoenix_nb.collector.config import quote
from phoenix_nb.collector.ottl import _ast as ast
from phoenix_nb.collector.ottl._bind import LATEST, Binder, BindError
from phoenix_nb.collector.ottl._by_series import by_series
from phoenix_nb.collector.ottl._conditions import Condition, bind_condition
from phoenix_nb.collector.ottl._context import CONTEXTS, ENUMS, Context
from phoenix_nb.collector.ottl._function import FunctionTable
from phoenix_nb.collector.ottl._parse import (
    OttlSizeError,
    OttlSyntaxError,
    parse_condition,
    parse_statement,
    parse_value,
)
from phoenix_nb.collector.ottl._statements import Statement, bind_statement
from phoenix_nb.collector.ottl._value import ValueExpression
from phoenix_nb.collector.ottl.functions import converters_of

__all__ = [
    "Inference",
    "OttlError",
    "OttlLimitError",
    "check_condition_syntax",
    "check_statement_syntax",
    "compile_condition",
    "compile_statements",
    "compile_value",
    "infer_context",
    "prefixed_text",
]

_SHOWN: Final = ("metric", "datapoint", "resource", "scope")
_NONE: Final[Mapping[str, int]] = {}


class OttlError(ValueError):
    """A text that the collector refuses; the message is the collector's."""


class OttlLimitError(OttlError):
    """A text that only this engine refuses, for its size; the message needs nothing around it."""


def _refused(what: str, text: str, reason: OttlSyntaxError | BindError) -> OttlError:
    if isinstance(reason, OttlSizeError):
        return OttlLimitError(str(reason))
    return OttlError(f"unable to parse OTTL {what} {quote(text)}: {reason}")


def compile_condition(
    text: str,
    context: Context,
    *,
    prefixed: bool = False,
    on_points: bool = False,
    version: tuple[int, int, int] = LATEST,
) -> Condition:
    """A condition bound to a context.

    Args:
        text: the condition.
        context: where it is used.
        prefixed: whether every path must name its context.
        on_points: whether the metric context has the functions over a metric's points.
        version: the collector release whose rules apply.

    Raises:
        OttlError: the text is not a condition of that context.
    """
    binder = Binder(context, converters_of(context.name, on_points=on_points), prefixed, version)
    try:
        node = parse_condition(text)
        _check_keys(node, version)
        return by_series(bind_condition(node, binder))
    except (OttlSyntaxError, BindError) as exc:
        raise _refused("condition", text, exc) from exc


_KEYS_SINCE: Final = (0, 155, 0)


def _check_keys(node: object, version: tuple[int, int, int]) -> None:
    """Before 0.155 keys had to be literals."""
    if version >= _KEYS_SINCE:
        return
    for found in ast.walk(node):
        keys = found.keys if isinstance(found, ast.Call) else ()
        if isinstance(found, ast.Path):
            keys = tuple(key for field in found.fields for key in field.keys)
        for key in keys:
            if not isinstance(key, (ast.Text, ast.Int)):
                raise BindError("has invalid syntax: keys that are no literals came with release 0.155.0")


def check_condition_syntax(text: str, version: tuple[int, int, int] = LATEST) -> None:
    """Check the syntax of a condition of any signal; names are not looked at.

    Raises:
        OttlError: the text is not a condition.
    """
    try:
        _check_keys(parse_condition(text), version)
    except (OttlSyntaxError, BindError) as exc:
        raise _refused("condition", text, exc) from exc


def check_statement_syntax(text: str, known: Collection[str]) -> None:
    """Check the syntax of a statement of any signal, and that its functions exist at all.

    Raises:
        OttlError: the text is not a statement.
    """
    try:
        node = parse_statement(text)
    except OttlSyntaxError as exc:
        raise _refused("statement", text, exc) from exc
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and part.name not in known:
            raise _refused("statement", text, BindError(f"undefined function {quote(part.name)}"))


def compile_value(
    text: str,
    context: Context,
    *,
    prefixed: bool = False,
    functions: FunctionTable | None = None,
    version: tuple[int, int, int] = LATEST,
) -> ValueExpression:
    """A value expression bound to a context.

    Args:
        text: the expression.
        context: where it is used.
        prefixed: whether every path must name its context.
        functions: the converters it may use; ``None`` = all that the context has.
        version: the collector release whose rules apply.

    Raises:
        OttlError: the text is not a value of that context.
    """
    table = converters_of(context.name) if functions is None else functions
    try:
        return ValueExpression(Binder(context, table, prefixed, version).value(parse_value(text)))
    except (OttlSyntaxError, BindError) as exc:
        raise _refused("value expression", text, exc) from exc


def compile_statements(
    texts: Sequence[str],
    context: Context,
    functions: FunctionTable,
    *,
    prefixed: bool = True,
    version: tuple[int, int, int] = LATEST,
) -> list[Statement]:
    """Statements bound to a context.

    Raises:
        OttlError: texts are not statements of that context; one line for each.
    """
    binder = Binder(context, functions, prefixed, version)
    made: list[Statement] = []
    errors: list[OttlError] = []
    for text in texts:
        try:
            node = parse_statement(text)
            _check_keys(node, version)
            made.append(bind_statement(text, node, binder))
        except (OttlSyntaxError, BindError) as exc:
            errors.append(_refused("statement", text, exc))
    if errors:
        limits = any(isinstance(error, OttlLimitError) for error in errors)
        raise (OttlLimitError if limits else OttlError)("\n".join(map(str, errors)))
    return made


# -- contexts ---------------------------------------------------------------------------------------------------------


def prefixed_text(text: str, context: Context, *, statement: bool) -> str:
    """A text in which every path names its context; paths without one belong to ``context``.

    Raises:
        OttlError: the text is no statement or condition.
    """
    node = _parsed(text, statement=statement)
    names = {context.name, *context.lower}
    places = sorted(
        {
            found.start
            for found in ast.walk(node)
            if isinstance(found, ast.Path) and _context_of(found) not in names
        }
    )
    for place in reversed(places):
        text = f"{text[:place]}{context.name}.{text[place:]}"
    return text


def _parsed(text: str, *, statement: bool) -> ast.Statement | ast.Condition:
    try:
        return parse_statement(text) if statement else parse_condition(text)
    except OttlSizeError as exc:
        raise OttlLimitError(str(exc)) from exc
    except OttlSyntaxError as exc:
        raise OttlError(str(exc)) from exc


def _context_of(path: ast.Path) -> str:
    """What a path names as its context: a first part that others follow."""
    return path.fields[0].name if len(path.fields) > 1 and not path.fields[0].keys else ""


@dataclass(frozen=True, slots=True)
class Inference:
    """The contexts that may be chosen, with the functions of each."""

    functions: Mapping[str, FunctionTable]
    """Per context the functions that texts may use."""
    version: tuple[int, int, int] = LATEST
    """The collector release whose rules apply."""

    def of(self, statements: Sequence[str], conditions: Sequence[str]) -> str:
        """The context that texts name; empty when they name none.

        Raises:
            OttlError: a text cannot be parsed, or no context has everything that is used.
        """
        nodes = [_parsed(text, statement=True) for text in statements]
        nodes += [_parsed(text, statement=False) for text in conditions]
        found = [part for node in nodes for part in ast.walk(node)]
        named = [_context_of(part) for part in found if isinstance(part, ast.Path)]
        if not any(named):
            return ""
        chosen = min(named, key=lambda name: _PRIORITY.get(name, len(_PRIORITY)))
        calls = dict.fromkeys(part.name for part in found if isinstance(part, ast.Call))
        enums = dict.fromkeys(part.name for part in found if isinstance(part, ast.Enum))
        if not chosen or not (calls or enums):
            return chosen
        problem = self._missing(chosen, calls, enums)
        if not problem:
            return chosen
        # A context that is no candidate has no others below it that could be taken in its place.
        others = self.functions if chosen in self.functions else ()
        for name in sorted(others, key=lambda name: _PRIORITY.get(name, len(_PRIORITY))):
            if name in CONTEXTS and chosen in CONTEXTS[name].lower and not self._missing(name, calls, enums):
                return name
        raise OttlError(problem)

    def _missing(self, context: str, calls: Mapping[str, None], enums: Mapping[str, None]) -> str:
        functions = self.functions.get(context)
        if functions is None:
            return f'inferred context "{context}" is not a valid candidate'
        for name in calls:
            function = functions.get(name)
            if function is None or function.since > self.version:
                return f'inferred context "{context}" does not support the function "{name}"'
        known = ENUMS.get(context, _NONE)
        for name in enums:
            if name not in known and name not in functions:
                return f'inferred context "{context}" does not support the enum symbol "{name}"'
        return ""


_PRIORITY: Final[Mapping[str, int]] = {
    name: at
    for at, name in enumerate(
        (
            "log",
            "exemplar",
            "datapoint",
            "metric",
            "spanevent",
            "span",
            "profile",
            "scope",
            "instrumentation_scope",
            "resource",
        )
    )
}


def infer_context(texts: Sequence[str], inference: Inference | None = None) -> Context:
    """The context of conditions whose paths all name one.

    Raises:
        OttlError: a text is no condition, or no context fits.
    """
    known = inference or _CONDITIONS
    name = known.of((), texts)
    shown = " ".join(quote(one) for one in _SHOWN)
    listed = " ".join(quote(text) for text in texts)
    if not name:
        raise OttlError(
            "unable to infer context from conditions, path's first segment must be a valid context name: "
            f"[{shown}], and at least one context must be capable of parsing all conditions: [{listed}]"
        )
    if name not in known.functions:
        raise OttlError(
            f'context "{name}" inferred from the conditions [{listed}] is not a supported context: [{shown}]'
        )
    return CONTEXTS[name]


_CONDITIONS: Final = Inference({name: converters_of(name, on_points=True) for name in _SHOWN})
