"""Settings of the filter processor, with the checks that the collector makes on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from phoenix_nb.collector.components._matching import (
    MATCHES,
    REGEXP_CACHE,
    TEXTS,
    AttributeMatch,
    RegexpCache,
)
from phoenix_nb.collector.config import (
    ANY,
    TEXT,
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
    setting,
)
from phoenix_nb.collector.ottl import CONTEXTS, Context, OttlError, compile_condition, infer_context

__all__ = ["ConditionGroup", "FilterSettings", "MetricMatch", "resolve_group"]

_MODES: Final = ("ignore", "propagate", "silent")


def _mode(text: str) -> str:
    if text.lower() not in _MODES:
        raise ValueError(f"unknown error mode {text.lower()}")
    return text.lower()


ERROR_MODE: Final = Word("ottl.ErrorMode", _mode)


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
    """Conditions of one context that run together; one that holds drops."""

    go_type: ClassVar[str] = "filterprocessor.ContextConditions"
    context: str = setting("", TEXT)
    """Their context; empty = inferred, and then every path must name its own."""
    conditions: tuple[str, ...] = setting((), TEXTS)
    """The conditions."""
    error_mode: str | None = setting(None, Optional(ERROR_MODE))
    """What a failure does; ``None`` = as the processor says."""


_GROUPS: Final = Items(Struct(ConditionGroup))


def _conditions(path: tuple[str, ...], name: str, node: Node, default: Any) -> Any:
    """A list of texts, or a list of groups; never both."""
    value = plain(node)
    if value is None:
        return default
    if isinstance(value, list):
        texts = [isinstance(entry, str) for entry in value]
        if value and all(texts):
            return tuple(ConditionGroup(conditions=(str(entry),)) for entry in value)
        if any(texts):
            raise Refused(
                DecodeError(
                    path,
                    "configuring multiple configuration styles is not supported, please use only Basic configuration "
                    "or only Advanced configuration",
                    bare=True,
                )
            )
    return _GROUPS.decode(path, name, node, default)


@dataclass(frozen=True)
class FilterSettings(Settings):
    """Settings of the filter processor."""

    go_type: ClassVar[str] = "filterprocessor.Config"
    error_mode: str | None = setting(None, ERROR_MODE)
    """What a failing condition does; ``None`` = the default of the release."""
    metrics: MetricFilters = setting(MetricFilters(), Struct(MetricFilters))
    """Rules of the older form."""
    metric_conditions: tuple[ConditionGroup, ...] = setting((), Custom(_conditions))
    """Groups of conditions that run one after the other."""
    logs: Mapping[str, object] | None = setting(None, ANY)
    """Of logs; not looked at."""
    spans: Mapping[str, object] | None = setting(None, ANY)
    """Of spans; not looked at."""
    traces: Mapping[str, object] | None = setting(None, ANY)
    """Of spans; not looked at."""
    profiles: Mapping[str, object] | None = setting(None, ANY)
    """Of profiles; not looked at."""
    log_conditions: object = setting(None, ANY)
    """Of logs; not looked at."""
    trace_conditions: object = setting(None, ANY)
    """Of spans; not looked at."""
    profile_conditions: object = setting(None, ANY)
    """Of profiles; not looked at."""

    def problems(self) -> Iterator[str]:
        """As the collector's ``Validate``."""
        metrics = self.metrics
        if metrics.by_condition and (metrics.include is not None or metrics.exclude is not None):
            yield (
                'cannot use "metrics.resource", "metrics.metric", "metrics.datapoint" and the settings '
                '"metrics.include", "metrics.exclude" at the same time'
            )
            return
        for name in ("resource", "metric", "datapoint"):
            for text in getattr(metrics, name):
                try:
                    compile_condition(text, CONTEXTS[name], on_points=True)
                except OttlError as exc:
                    yield str(exc)
                    break
        for group in self.metric_conditions:
            try:
                context, inferred = resolve_group(group)
                for text in group.conditions:
                    compile_condition(text, context, prefixed=inferred, on_points=not inferred)
            except OttlError as exc:
                yield str(exc)


def resolve_group(group: ConditionGroup) -> tuple[Context, bool]:
    """The context of a group, and whether it was inferred.

    Raises:
        OttlError: the context is unknown, or none fits.
    """
    if not group.context:
        return infer_context(group.conditions), True
    known = CONTEXTS.get(group.context)
    if known is None:
        raise OttlError(f'unknown context "{group.context}"')
    return known, False
