"""Settings of the transform processor, and what they compile to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from phoenix_nb.collector.components._filter_settings import ERROR_MODE
from phoenix_nb.collector.components._matching import TEXTS
from phoenix_nb.collector.components._transform_functions import TRANSFORM_FUNCTIONS
from phoenix_nb.collector.config import (
    ANY,
    BOOL,
    Custom,
    DecodeError,
    Items,
    Node,
    Optional,
    Refused,
    Settings,
    Struct,
    Word,
    plain,
    quote,
    setting,
)
from phoenix_nb.collector.ottl import (
    CONTEXTS,
    Condition,
    Context,
    Inference,
    OttlError,
    Statement,
    check_condition_syntax,
    check_statement_syntax,
    compile_condition,
    compile_statements,
    prefixed_text,
    statement_functions,
)

__all__ = ["CompiledGroup", "TransformSettings", "check_settings", "compile_groups"]

_CONTEXTS: Final = (
    "resource",
    "scope",
    "span",
    "spanevent",
    "metric",
    "datapoint",
    "exemplar",
    "log",
    "profile",
)
_OURS: Final = ("metric", "datapoint", "exemplar", "resource", "scope")


def _context(text: str) -> str:
    if text.lower() not in _CONTEXTS:
        raise ValueError(f"unknown context {text.lower()}")
    return text.lower()


@dataclass(frozen=True)
class StatementGroup(Settings):
    """Statements of one context that run together."""

    go_type: ClassVar[str] = "common.ContextStatements"
    context: str = setting("", Word("common.ContextID", _context))
    """Their context; empty = inferred, and then every path must name its own."""
    conditions: tuple[str, ...] = setting((), TEXTS)
    """When they run: when one holds, or always when there is none."""
    statements: tuple[str, ...] = setting((), TEXTS)
    """The statements, in order."""
    error_mode: str | None = setting(None, Optional(ERROR_MODE))
    """What a failure does; ``None`` = as the processor says."""


_GROUPS: Final = Items(Struct(StatementGroup))
_MIXED: Final = (
    "configuring multiple configuration styles is not supported, please use only Basic configuration "
    "or only Advanced configuration"
)


def _groups(path: tuple[str, ...], name: str, node: Node, default: Any) -> Any:
    """A list of texts, or a list of groups; never both."""
    value = plain(node)
    if value is None:
        return default
    if isinstance(value, list) and value:
        key = path[-1]
        texts = [isinstance(entry, str) for entry in value]
        if any(entry is None for entry in value):
            text = f"invalid {key} item: empty statement list items are not supported"
            raise Refused(DecodeError(path, f"'' {text}", bare=True))
        if all(texts):
            return (StatementGroup(statements=tuple(map(str, value))),)
        if any(texts):
            raise Refused(DecodeError(path, f"'' {_MIXED}", bare=True))
    return _GROUPS.decode(path, name, node, default)


@dataclass(frozen=True)
class TransformSettings(Settings):
    """Settings of the transform processor."""

    go_type: ClassVar[str] = "transformprocessor.Config"
    error_mode: str | None = setting(None, ERROR_MODE)
    """What a failing statement does; ``None`` = the default of the release."""
    metric_statements: tuple[StatementGroup, ...] = setting((), Custom(_groups))
    """Groups of statements that run one after the other."""
    trace_statements: tuple[StatementGroup, ...] = setting((), Custom(_groups))
    """Of spans; only their syntax is looked at."""
    log_statements: tuple[StatementGroup, ...] = setting((), Custom(_groups))
    """Of logs; only their syntax is looked at."""
    profile_statements: object = setting(None, ANY)
    """Of profiles; not looked at."""
    flatten_data: bool = setting(False, BOOL)
    """Of logs; without effect on metrics."""

    def unmarshal(self, path: tuple[str, ...], name: str, node: dict[str, Node]) -> Settings:
        """As every part that reads itself: its errors are wrapped once more."""
        from phoenix_nb.collector.config import nested

        try:
            return super().unmarshal(path, name, node)
        except Refused as exc:
            if exc.errors[0].bare:
                raise
            raise nested(exc.errors) from exc


@dataclass(frozen=True, slots=True)
class CompiledGroup:
    """Statements of one context with the conditions before them."""

    context: Context
    """Where they run."""
    conditions: Sequence[tuple[str, Condition]]
    """When they run, with their texts; empty = always."""
    statements: Sequence[Statement]
    """What runs, in order."""
    mode: str | None
    """What a failure does; ``None`` = as the processor says."""


def _inference(version: tuple[int, int, int]) -> Inference:
    return Inference({name: statement_functions(name, TRANSFORM_FUNCTIONS) for name in _OURS}, version)


def compile_groups(settings: TransformSettings, version: tuple[int, int, int]) -> list[CompiledGroup]:
    """What the settings do.

    Raises:
        OttlError: texts that the collector refuses, or a context that this engine does not run.
    """
    made: list[CompiledGroup] = []
    errors: list[str] = []
    for group in settings.metric_statements:
        try:
            made.append(_compiled(group, version))
        except OttlError as exc:
            errors.append(str(exc))
    if errors:
        raise OttlError("; ".join(errors))
    return made


def _compiled(group: StatementGroup, version: tuple[int, int, int]) -> CompiledGroup:
    inferred = not group.context
    name = _inferred(group, version) if inferred else group.context
    if name == "exemplar":
        raise OttlError("the exemplar context is not supported by the embedded engine")
    context = CONTEXTS.get(name)
    if context is None or name == "instrumentation_scope":
        listed = " ".join(group.statements)
        raise OttlError(f'unknown context "{name}" for statements: [{listed}]')
    texts = group.statements
    if not inferred:
        texts = tuple(prefixed_text(text, context, statement=True) for text in texts)
    functions = statement_functions(name, TRANSFORM_FUNCTIONS)
    statements = compile_statements(texts, context, functions, version=version)
    conditions: list[tuple[str, Condition]] = []
    errors: list[str] = []
    for text in group.conditions:
        try:
            found = compile_condition(text, context, prefixed=inferred, on_points=True, version=version)
            conditions.append((text, found))
        except OttlError as exc:
            errors.append(str(exc))
    if errors:
        raise OttlError("\n".join(errors))
    return CompiledGroup(context, conditions, statements, group.error_mode)


def _inferred(group: StatementGroup, version: tuple[int, int, int]) -> str:
    names = " ".join(map(quote, _OURS))
    statements = " ".join(map(quote, group.statements))
    conditions = " ".join(map(quote, group.conditions))
    try:
        name = _inference(version).of(group.statements, group.conditions)
    except OttlError as exc:
        raise OttlError(
            f"unable to infer a valid context ([{names}]) from statements [{statements}] and conditions "
            f"[{conditions}]: {exc}"
        ) from exc
    if not name:
        # The collector hands its arguments over in the wrong order here.
        raise OttlError(
            f"unable to infer context from statements [{names}] and conditions [{statements}], path's first segment "
            f"must be a valid context name [{conditions}], and at least one context must be capable of parsing all "
            "statements"
        )
    if name not in _OURS:
        raise OttlError(
            f'context "{name}" inferred from the statements [{statements}] and conditions [{conditions}] is not a '
            f"supported context: [{names}]"
        )
    return name


_OTHER_FUNCTIONS: Final = frozenset(
    {"set_semconv_span_name", "IsRootSpan", "ParseCEF", "ParseCLF", "ParseELF", "ParseLEEF"}
)


def check_settings(
    settings: TransformSettings, version: tuple[int, int, int]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """As the collector's ``Validate``."""
    errors: list[str] = []
    known = {*statement_functions("metric"), *_OTHER_FUNCTIONS}
    for group in settings.trace_statements:
        errors.extend(_syntax(group, known, version))
    try:
        compile_groups(settings, version)
    except OttlError as exc:
        errors.append(str(exc))
    for group in settings.log_statements:
        errors.extend(_syntax(group, known, version))
    if errors:
        yield (), "; ".join(errors)


def _syntax(group: StatementGroup, known: set[str], version: tuple[int, int, int]) -> Iterator[str]:
    """Mistakes in the syntax of statements for other signals; paths are not known here."""
    for text in group.statements:
        try:
            check_statement_syntax(text, known)
        except OttlError as exc:
            yield str(exc)
    for text in group.conditions:
        try:
            check_condition_syntax(text, version)
        except OttlError as exc:
            yield str(exc)
