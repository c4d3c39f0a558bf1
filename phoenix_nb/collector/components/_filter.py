"""filter: drops resources, metrics and points for which a condition holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector.components._base import (
    BuildError,
    ComponentKind,
    ComponentType,
    Flow,
    Setup,
    Stage,
    Stateless,
)
from phoenix_nb.collector.components._filter_settings import (
    ConditionGroup,
    FilterSettings,
    MetricMatch,
    resolve_group,
)
from phoenix_nb.collector.components._matching import attributes_matcher, text_matcher
from phoenix_nb.collector.ottl import CONTEXTS, Condition, OttlError, Rows, compile_condition
from phoenix_nb.otlp import Frames, MetricHeader, Resource

__all__ = ["FILTER"]

Mask = npt.NDArray[np.bool_]
_IGNORE_SINCE: Final = (0, 153, 0)


@dataclass(frozen=True, slots=True)
class _Rule:
    """Conditions of one context: a row for which one holds is dropped."""

    level: str
    conditions: Sequence[Condition]
    mode: str

    def judge(self, frames: Frames) -> tuple[Mask, Mask | None, tuple[str, ...]]:
        """Which rows are dropped, where evaluation failed for good, and what to log."""
        rows = Rows(frames, self.level)
        undecided = np.ones(len(rows), dtype=np.bool_)
        dropped = np.zeros(len(rows), dtype=np.bool_)
        failed: Mask | None = None
        errors: dict[str, None] = {}
        for condition in self.conditions:
            if not undecided.any():
                break
            found = condition.over(rows)
            hit = found.true & undecided
            dropped |= hit
            undecided &= ~hit
            if found.failed is None:
                continue
            here = found.failed & undecided
            if here.any():
                errors.update(dict.fromkeys(found.errors))
                if self.mode == "propagate":
                    failed = here if failed is None else failed | here
                    undecided &= ~here
        shown = () if self.mode == "silent" else tuple(f"failed to eval condition: {text}" for text in errors)
        return dropped, failed, shown


class _FilterStage(Stateless):
    """Rules by level, outermost first; a row that is gone never reaches the rules below it."""

    def __init__(self, rules: Sequence[_Rule]) -> None:
        self._rules = rules

    def process(self, flow: Flow) -> Flow:
        before = flow.frames
        broken: dict[int, str] = {}
        frames, warnings = before, list[str]()
        for rule in self._rules:
            dropped, failed, errors = rule.judge(frames)
            warnings.extend(errors)
            if failed is not None:
                payload = getattr(frames, f"{rule.level}_payload")
                for number in np.unique(payload[failed]).tolist():
                    broken.setdefault(number, "; ".join(errors))
            frames = _without(frames, rule.level, dropped)
        made = flow if frames is before and not warnings else flow.to(frames, dict.fromkeys(warnings))
        return made.refuse(broken)


def _without(frames: Frames, level: str, dropped: Mask) -> Frames:
    kept = ~dropped
    if level == "p":
        return frames.where(kept)
    if level == "m":
        return frames.where(metrics=kept)
    if level == "sm":
        return frames.where(scopes=kept)
    return frames.where(resources=kept)


class _MatchStage(Stateless):
    """Include and exclude blocks: resources by attributes, metrics by name."""

    def __init__(
        self,
        resources: Sequence[tuple[Callable[[Resource], bool], bool]],
        metrics: Sequence[tuple[Callable[[str], bool], bool]],
    ) -> None:
        self._resources = resources
        self._metrics = metrics

    def _keeps_resource(self, resource: Resource) -> bool:
        return all(test(resource) is wanted for test, wanted in self._resources)

    def _keeps_metric(self, header: MetricHeader) -> bool:
        return all(test(header.name) is wanted for test, wanted in self._metrics)

    def process(self, flow: Flow) -> Flow:
        frames = flow.frames
        known = frames.dictionaries
        resources: Mask | None = None
        if self._resources:
            # One more place at the end for -1: a resource that the sender left out counts as empty.
            table = np.append(
                known.resources.map(self._keeps_resource, np.bool_), self._keeps_resource(Resource())
            )
            resources = table[frames.rm_resource].astype(np.bool_)
        metrics: Mask | None = None
        if self._metrics:
            metrics = known.headers.map(self._keeps_metric, np.bool_)[frames.m_header].astype(np.bool_)
        return flow.to(frames.where(metrics=metrics, resources=resources))


def _match_stage(include: MetricMatch | None, exclude: MetricMatch | None) -> Stage:
    resources: list[tuple[Callable[[Resource], bool], bool]] = []
    metrics: list[tuple[Callable[[str], bool], bool]] = []
    for match, wanted in ((include, True), (exclude, False)):
        if match is None:
            continue
        if match.match_type == "expr":
            raise BuildError(
                "match_type expr is not supported by the embedded engine; write the expressions as OTTL conditions"
            )
        by_attributes = attributes_matcher(match.match_type, match.resource_attributes)
        if by_attributes is not None:
            resources.append((lambda resource, test=by_attributes: test(resource.attributes), wanted))  # type: ignore[misc]
        names = text_matcher(match.match_type, match.metric_names)
        if match.metric_names:
            metrics.append((names, wanted))
    return _MatchStage(resources, metrics)


def _rules(settings: FilterSettings, mode: str) -> list[_Rule]:
    rules = [
        _rule(ConditionGroup(context=name, conditions=texts), mode)
        for name in ("resource", "metric", "datapoint")
        if (texts := getattr(settings.metrics, name))
    ]
    groups: list[ConditionGroup] = []
    for group in settings.metric_conditions:
        last = groups[-1] if groups else None
        # Plain texts come as groups of one; neighbours of one context run together.
        if last is not None and not group.context and not last.context and _same_context(last, group):
            groups[-1] = ConditionGroup(conditions=(*last.conditions, *group.conditions))
        else:
            groups.append(group)
    return rules + [_rule(group, mode) for group in groups]


def _same_context(first: ConditionGroup, second: ConditionGroup) -> bool:
    same_mode = first.error_mode == second.error_mode
    return same_mode and resolve_group(first)[0] is resolve_group(second)[0]


def _rule(group: ConditionGroup, mode: str) -> _Rule:
    context, inferred = resolve_group(group)
    conditions = [
        compile_condition(text, context, prefixed=inferred, on_points=not inferred)
        for text in group.conditions
    ]
    return _Rule(CONTEXTS[context.name].level, conditions, group.error_mode or mode)


def _build(settings: FilterSettings, setup: Setup) -> Stage:
    metrics = settings.metrics
    if metrics.include is not None or metrics.exclude is not None:
        return _match_stage(metrics.include, metrics.exclude)
    default = "ignore" if setup.version >= _IGNORE_SINCE else "propagate"
    try:
        return _FilterStage(_rules(settings, settings.error_mode or default))
    except OttlError as exc:
        raise BuildError(str(exc)) from exc


FILTER: Final = ComponentType(ComponentKind.PROCESSOR, "filter", FilterSettings, build=_build)
"""The filter processor."""
