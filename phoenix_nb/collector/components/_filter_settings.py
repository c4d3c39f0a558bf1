"""Settings of the filter processor, with the checks that the collector makes on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from phoenix_nb.collector.components._matching import (
    MATCHES,
    REGEXP_CACHE,
    TEXTS,
    AttributeMatch,
    RegexpCache,
)
from phoenix_nb.collector.components._ottl_settings import (
    ERROR_MODE,
    OttlSettings,
    all_compiled,
    context_word,
    texts_or_groups,
)
from phoenix_nb.collector.config import (
    ANY,
    TEXT,
    Node,
    Optional,
    Settings,
    Struct,
    plain,
    setting,
)
from phoenix_nb.collector.ottl import (
    CONTEXTS,
    Condition,
    OttlError,
    check_condition_syntax,
    compile_condition,
    infer_context,
    prefixed_text,
)

__all__ = [
    "FilterSettings",
    "MetricMatch",
    "Rules",
    "check_settings",
    "compile_rules",
    "plain_map",
]

CONTEXT: Final = context_word(
    "condition.ContextID",
    ("resource", "scope", "span", "spanevent", "metric", "datapoint", "log", "profile"),
)


@dataclass(frozen=True)
class MetricMatch(Settings):
    """Metrics by name, expression or resource attributes: the older way."""

    go_type: ClassVar[str] = "filterconfig.MetricMatchProperties"
    match_type: str = setting("", TEXT)
    """``strict``, ``regexp`` or ``expr``."""
    regexp: RegexpCache | None = setting(None, REGEXP_CACHE)
    """A cache that changes no result."""
    metric_names: tuple[str, ...] = setting((), TEXTS)
    """Names or patterns; empty = any."""
    expressions: tuple[str, ...] = setting((), TEXTS)
    """Expressions, for ``expr`` only."""
    resource_attributes: tuple[AttributeMatch, ...] = setting((), MATCHES)
    """Attributes that the resource must have; empty = any."""


@dataclass(frozen=True)
class MetricFilters(Settings):
    """The ``metrics`` block."""

    go_type: ClassVar[str] = "filterprocessor.MetricFilters"
    include: MetricMatch | None = setting(None, Optional(Struct(MetricMatch)))
    """What is kept; ``None`` = everything."""
    exclude: MetricMatch | None = setting(None, Optional(Struct(MetricMatch)))
    """What of it is dropped."""
    regexp: RegexpCache | None = setting(None, REGEXP_CACHE)
    """A cache that changes no result."""
    resource: tuple[str, ...] = setting((), TEXTS)
    """Conditions on resources; one that holds drops."""
    metric: tuple[str, ...] = setting((), TEXTS)
    """Conditions on metrics."""
    datapoint: tuple[str, ...] = setting((), TEXTS)
    """Conditions on points."""

    @property
    def by_condition(self) -> bool:
        """Whether any OTTL condition is given."""
        return bool(self.resource or self.metric or self.datapoint)


@dataclass(frozen=True)
class ConditionGroup(Settings):
    """Conditions that run together; one that holds drops."""

    go_type: ClassVar[str] = "condition.ContextConditions"
    context: str = setting("", CONTEXT)
    """Their context; empty = inferred for each, and then every path must name its own."""
    conditions: tuple[str, ...] = setting((), TEXTS)
    """The conditions."""
    error_mode: str | None = setting(None, Optional(ERROR_MODE))
    """What a failure does; ``None`` = as the processor says."""


_GROUPS: Final = texts_or_groups(ConditionGroup, lambda texts: ConditionGroup(conditions=texts))


@dataclass(frozen=True)
class FilterSettings(OttlSettings):
    """Settings of the filter processor."""

    go_type: ClassVar[str] = "filterprocessor.Config"
    error_mode: str | None = setting(None, ERROR_MODE)
    """What a failing condition does; ``None`` = the default of the release."""
    metrics: MetricFilters = setting(MetricFilters(), Struct(MetricFilters))
    """Rules of the older form."""
    metric_conditions: tuple[ConditionGroup, ...] = setting((), _GROUPS)
    """Groups of conditions that run one after the other."""
    logs: Mapping[str, object] | None = setting(None, ANY)
    """Of logs; only the syntax of conditions is looked at."""
    spans: Mapping[str, object] | None = setting(None, ANY)
    """Of spans; not looked at."""
    traces: Mapping[str, object] | None = setting(None, ANY)
    """Of spans; only the syntax of conditions is looked at."""
    profiles: Mapping[str, object] | None = setting(None, ANY)
    """Of profiles; not looked at."""
    log_conditions: object = setting(None, ANY)
    """Of logs; not looked at."""
    trace_conditions: object = setting(None, ANY)
    """Of spans; not looked at."""
    profile_conditions: object = setting(None, ANY)
    """Of profiles; not looked at."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Conditions that run together, by context, with their texts."""

    conditions: Mapping[str, Sequence[tuple[str, Condition]]]
    """Conditions of ``resource``, ``scope``, ``metric`` and ``datapoint``."""
    mode: str | None
    """What a failure does; ``None`` = as the processor says."""


def compile_rules(settings: FilterSettings, version: tuple[int, int, int]) -> list[Rules]:
    """What the settings say, one entry per pass over the payload.

    Raises:
        OttlError: conditions that the collector refuses.
    """
    if settings.metric_conditions:
        return [_group(group, version) for group in settings.metric_conditions]
    made: dict[str, list[tuple[str, Condition]]] = {}
    errors: list[str] = []
    for name in ("resource", "metric", "datapoint"):
        try:
            made[name] = _bound(getattr(settings.metrics, name), name, version, prefixed=False)
        except OttlError as exc:
            errors.append(str(exc))
    if errors:
        raise OttlError("; ".join(errors))
    return [Rules(made, None)] if any(made.values()) else []


def _bound(
    texts: Sequence[str], context: str, version: tuple[int, int, int], *, prefixed: bool
) -> list[tuple[str, Condition]]:
    def compiled(text: str) -> Condition:
        return compile_condition(text, CONTEXTS[context], prefixed=prefixed, on_points=True, version=version)

    return all_compiled(texts, compiled)


def _group(group: ConditionGroup, version: tuple[int, int, int]) -> Rules:
    if group.context:
        if group.context not in CONTEXTS or group.context == "instrumentation_scope":
            listed = " ".join(group.conditions)
            raise OttlError(f'unknown context "{group.context}" for conditions: [{listed}]')
        context = CONTEXTS[group.context]
        texts = [prefixed_text(text, context, statement=False) for text in group.conditions]
        return Rules({group.context: _bound(texts, group.context, version, prefixed=True)}, group.error_mode)
    made: dict[str, list[tuple[str, Condition]]] = {}
    for text in group.conditions:
        context = infer_context([text])
        made.setdefault(context.name, []).extend(_bound([text], context.name, version, prefixed=True))
    return Rules(made, group.error_mode)


_NEW_TEXTS: Final = (0, 146, 0)
_OF_SIGNAL: Final = {
    "logs": ("logs", ("resource", "log_record"), "logs", '"logs.resource", "logs.log"', "logs"),
    "traces": (
        "spans",
        ("resource", "span", "spanevent"),
        "spans",
        '"traces.resource", "traces.span", "traces.spanevent"',
        "span",
    ),
}


def check_settings(
    settings: FilterSettings, version: tuple[int, int, int]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """As the collector's ``Validate``: the first kind of mistake that is found."""
    metrics = settings.metrics
    legacy = metrics.include is not None or metrics.exclude is not None
    if settings.metric_conditions and (metrics.by_condition or legacy):
        yield (
            (),
            (
                'cannot use context inferred metric conditions "metric_conditions" and the settings '
                '"metrics.resource", "metrics.metric", "metrics.datapoint", "metrics.include", "metrics.exclude" '
                "at the same time"
            ),
        )
        return
    try:
        if settings.metric_conditions:
            compile_rules(settings, version)
    except OttlError as exc:
        yield (), str(exc)
        return
    mixed = _mixed(settings, version, legacy=legacy)
    if mixed:
        yield (), mixed
        return
    errors = list(_other_signals(settings, version))
    if not settings.metric_conditions:
        try:
            compile_rules(settings, version)
        except OttlError as exc:
            errors.append(str(exc))
    if errors:
        yield (), "; ".join(errors)


def _mixed(settings: FilterSettings, version: tuple[int, int, int], *, legacy: bool) -> str:
    old = "cannot use ottl conditions and include/exclude for {} at the same time"
    for name, (block, keys, signal, shown, short) in _OF_SIGNAL.items():
        conditions = plain_map(getattr(settings, name))
        matches = plain_map(getattr(settings, block))
        if any(key in conditions for key in keys) and ("include" in matches or "exclude" in matches):
            if version < _NEW_TEXTS:
                return old.format(signal)
            settings_name = "the span settings" if short == "span" else "the settings"
            return f'cannot use {shown} and {settings_name} "{block}.include", "{block}.exclude" at the same time'
    if settings.metrics.by_condition and legacy:
        if version < _NEW_TEXTS:
            return old.format("metrics")
        return (
            'cannot use "metrics.resource", "metrics.metric", "metrics.datapoint" and the settings '
            '"metrics.include", "metrics.exclude" at the same time'
        )
    return ""


def plain_map(node: Node) -> Mapping[str, object]:
    """A map of settings that were not decoded; empty when it is none."""
    found = plain(node)
    return found if isinstance(found, Mapping) else {}


def _other_signals(settings: FilterSettings, version: tuple[int, int, int]) -> Iterator[str]:
    """Mistakes in the syntax of conditions for other signals; their names are not known here."""
    for name, (_, keys, *_rest) in _OF_SIGNAL.items():
        conditions = plain_map(getattr(settings, name))
        for key in keys:
            texts = conditions.get(key)
            for text in texts if isinstance(texts, list) else ():
                try:
                    check_condition_syntax(str(text), version)
                except OttlError as exc:
                    yield str(exc)
