"""Settings of the transform processor, and what they compile to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from phoenix_nb.collector.components._matching import TEXTS
from phoenix_nb.collector.components._ottl_settings import (
    ERROR_MODE,
    OttlSettings,
    all_compiled,
    context_word,
    texts_or_groups,
)
from phoenix_nb.collector.components._transform_functions import TRANSFORM_FUNCTIONS
from phoenix_nb.collector.config import (
    ANY,
    BOOL,
    Optional,
    Settings,
    quote,
    setting,
)
from phoenix_nb.collector.ottl import (
    CONTEXTS,
    Condition,
    Context,
    Inference,
    OttlError,
    OttlLimitError,
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


@dataclass(frozen=True)
class StatementGroup(Settings):
    """Statements of one context that run together."""

    go_type: ClassVar[str] = "common.ContextStatements"
    context: str = setting("", context_word("common.ContextID", _CONTEXTS))
    """Their context; empty = inferred, and then every path must name its own."""
    conditions: tuple[str, ...] = setting((), TEXTS)
    """When they run: when one holds, or always when there is none."""
    statements: tuple[str, ...] = setting((), TEXTS)
    """The statements, in order."""
    error_mode: str | None = setting(None, Optional(ERROR_MODE))
    """What a failure does; ``None`` = as the processor says."""


_GROUPS: Final = texts_or_groups(
    StatementGroup,
    lambda texts: StatementGroup(statements=texts),
    where="'' ",
    empty="'' invalid {} item: empty statement list items are not supported",
)


@dataclass(frozen=True)
class TransformSettings(OttlSettings):
    """Settings of the transform processor."""

    go_type: ClassVar[str] = "transformprocessor.Config"
    error_mode: str | None = setting(None, ERROR_MODE)
    """What a failing statement does; ``None`` = the default of the release."""
    metric_statements: tuple[StatementGroup, ...] = setting((), _GROUPS)
    """Groups of statements that run one after the other."""
    trace_statements: tuple[StatementGroup, ...] = setting((), _GROUPS)
    """Of spans; only their syntax is looked at."""
    log_statements: tuple[StatementGroup, ...] = setting((), _GROUPS)
    """Of logs; only their syntax is looked at."""
    profile_statements: object = setting(None, ANY)
    """Of profiles; not looked at."""
    flatten_data: bool = setting(False, BOOL)
    """Of logs; without effect on metrics."""


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
        raise OttlError(
            "the exemplar context is not supported by the embedded engine: exemplars pass through it unread"
        )
    context = CONTEXTS.get(name)
    if context is None or name == "instrumentation_scope":
        listed = " ".join(group.statements)
        raise OttlError(f'unknown context "{name}" for statements: [{listed}]')
    texts = group.statements
    if not inferred:
        texts = tuple(prefixed_text(text, context, statement=True) for text in texts)
    functions = statement_functions(name, TRANSFORM_FUNCTIONS)
    statements = compile_statements(texts, context, functions, version=version)

    def compiled(text: str) -> Condition:
        return compile_condition(text, context, prefixed=inferred, on_points=True, version=version)

    conditions = all_compiled(group.conditions, compiled)
    return CompiledGroup(context, conditions, statements, group.error_mode)


def _inferred(group: StatementGroup, version: tuple[int, int, int]) -> str:
    names = " ".join(map(quote, _OURS))
    statements = " ".join(map(quote, group.statements))
    conditions = " ".join(map(quote, group.conditions))
    try:
        name = _inference(version).of(group.statements, group.conditions)
    except OttlLimitError:
        raise
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
