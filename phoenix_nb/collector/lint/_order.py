"""Traps in the order of a pipeline's steps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from phoenix_nb.collector.components._attributes import AttributesSettings
from phoenix_nb.collector.components._metrics_transform_settings import MetricsTransformSettings
from phoenix_nb.collector.components._resource import ResourceSettings
from phoenix_nb.collector.lint._finding import LintFinding
from phoenix_nb.collector.lint._steps import Rule, Step, attributes_in, metric_names
from phoenix_nb.collector.ottl import _ast as ast

__all__ = ["aggregations", "limiter_and_batch", "removed_names"]

_AGGREGATING = ("aggregate_on_attributes", "aggregate_on_attribute_value")
_REDUCING = ("filter",)
_STRIPPING = ("delete_key", "delete_keys", "delete_matching_keys", "keep_keys", "keep_matching_keys")


# -- memory_limiter and batch ------------------------------------------------------------------------------------------


def limiter_and_batch(steps: Sequence[Step], pipeline: str) -> Iterator[LintFinding]:
    """A pipeline without protection, or with it in the wrong place."""
    types = [step.type for step in steps]
    if "memory_limiter" not in types:
        yield LintFinding(
            path=f"service::pipelines::{pipeline}::processors",
            message=f"pipeline {pipeline} has no memory_limiter",
            code="MEMORY_LIMITER_MISSING",
            why="a burst of processes or a slow backend makes the collector grow until the system kills it",
            suggestion="put a memory_limiter (check_interval: 1s, limit_mib: 512) first",
            certain=True,
        )
    elif types[0] != "memory_limiter":
        yield LintFinding(
            path=steps[types.index("memory_limiter")].place,
            message=f"memory_limiter comes after {steps[0].component.id}",
            code="MEMORY_LIMITER_NOT_FIRST",
            why="it makes senders wait when memory is short: what ran before it has used its memory already, "
            "and what a batch holds was acknowledged and is lost",
            suggestion="put memory_limiter first",
            certain=True,
        )
    if "batch" in types:
        at = types.index("batch")
        later = [step for step in steps[at + 1 :] if step.type in _REDUCING]
        if later:
            yield LintFinding(
                path=steps[at].place,
                message=f"batch comes before {later[0].component.id}",
                code="BATCH_BEFORE_FILTER",
                why="batches are filled with what is dropped afterwards, so what is sent is smaller than it should be",
                suggestion="put batch last",
                certain=True,
            )


# -- names that are gone -----------------------------------------------------------------------------------------------


def removed_names(steps: Sequence[Step]) -> Iterator[LintFinding]:
    """Rules that look for what an earlier step took away."""
    removed: dict[tuple[str, str], Step] = {}
    renamed: dict[str, Step] = {}
    for step in steps:
        for rule in step.rules:
            for one in attributes_in(rule.tree, rule.context):
                by = removed.get((one.owner, one.key))
                if by is not None and (one.owner, one.key) not in _set_keys(rule):
                    yield LintFinding(
                        path=rule.path,
                        message=f"{one.written} was removed by {by.component.id} before",
                        code="ORDER_REMOVED_ATTRIBUTE",
                        why="the value is nil here: `==` never holds and `!=` always does",
                        suggestion=f"put {step.component.id} before {by.component.id}"
                        if by is not step
                        else "use the attribute before it is removed",
                        certain=step.facts is None or _gone(step, one.owner, one.key),
                    )
            for name in metric_names(rule.tree, rule.context):
                by = renamed.get(name)
                if by is not None and (step.facts is None or name not in step.facts.kinds):
                    yield LintFinding(
                        path=rule.path,
                        message=f"metric {name} was renamed by {by.component.id} before",
                        code="ORDER_RENAMED_METRIC",
                        why="no metric has that name here",
                        suggestion=f"use the new name, or put {step.component.id} before {by.component.id}",
                        certain=step.facts is not None,
                    )
            for key in _set_keys(rule):
                removed.pop(key, None)
            for key in _deleted_keys(rule):
                removed[key] = step
        for key in _action_keys(step):
            removed[key] = step
        for name in _renames(step):
            renamed[name] = step


def _gone(step: Step, owner: str, key: str) -> bool:
    facts = step.facts
    return facts is not None and key not in (facts.resource_keys if owner == "resource" else facts.point_keys)


def _editor(rule: Rule) -> ast.Call | None:
    return rule.tree.editor if isinstance(rule.tree, ast.Statement) else None


def _set_keys(rule: Rule) -> set[tuple[str, str]]:
    editor = _editor(rule)
    if editor is None or editor.name != "set":
        return set()
    return {(one.owner, one.key) for one in attributes_in(editor.arguments[0][1], rule.context)}


def _deleted_keys(rule: Rule) -> Iterator[tuple[str, str]]:
    """What a statement removes of every item, whatever its values."""
    editor = _editor(rule)
    if editor is None or editor.name != "delete_key" or rule.where is not None or len(editor.arguments) < 2:
        return
    target, key = editor.arguments[0][1], editor.arguments[1][1]
    owner = _owner_of(target, rule.context)
    if owner and isinstance(key, ast.Text):
        yield owner, key.value


def _owner_of(target: ast.Value, context: str) -> str:
    """Whose attributes a path names; empty when it names no attributes."""
    if not isinstance(target, ast.Path) or target.fields[-1].name != "attributes":
        return ""
    first = target.fields[0].name
    return context if first == "attributes" else first


def _action_keys(step: Step) -> Iterator[tuple[str, str]]:
    settings = step.component.settings
    if isinstance(settings, ResourceSettings):
        owner, actions = "resource", settings.attributes
    elif isinstance(settings, AttributesSettings) and settings.include is None and settings.exclude is None:
        owner, actions = "datapoint", settings.actions
    else:
        return
    for action in actions:
        if action.action.lower() == "delete" and action.key:
            yield owner, action.key


def _renames(step: Step) -> Iterator[str]:
    settings = step.component.settings
    if isinstance(settings, MetricsTransformSettings):
        for one in settings.transforms:
            whole = not one.experimental_match_labels and one.match_type in {"", "strict"}
            if one.action == "update" and one.new_name and whole and one.new_name != one.include:
                yield one.include


# -- aggregations that cannot merge ------------------------------------------------------------------------------------


def aggregations(steps: Sequence[Step]) -> Iterator[LintFinding]:
    """Aggregations whose points stay apart, and sums of counters that fall."""
    same_times = stripped = grouped = delta = False
    for step in steps:
        for path, what in _aggregating(step):
            sets_time = same_times or _sets_time(step)
            yield from _times(step, path, what, expected=not sets_time)
            if not grouped:
                yield from _resources(step, path, what, stripped=stripped)
            if "sum" in what and grouped and not delta and step.facts is None and _counters(step):
                yield LintFinding(
                    path=path,
                    message=f"{what} adds counters of different processes",
                    code="AGGREGATED_COUNTER",
                    why="when one process ends the sum falls, which backends read as a reset and add up once more",
                    suggestion="put cumulativetodelta before it",
                )
        same_times |= _sets_time(step)
        stripped |= _strips_resources(step)
        grouped |= step.type in {"groupbyattrs", "metricstransform"}
        delta |= step.type == "cumulativetodelta"
        if step.type == "cumulativetodelta" and any(
            True for other in steps[: step.number] for _ in _aggregating(other)
        ):
            yield LintFinding(
                path=step.place,
                message=f"{step.component.id} comes after an aggregation",
                code="ORDER_DELTA_AFTER_AGGREGATION",
                why="the sum of counters falls when one of its members ends; the difference of such sums is wrong",
                suggestion=f"put {step.component.id} before the aggregation",
            )
        if step.type == "deltatorate" and not delta:
            yield LintFinding(
                path=step.place,
                message=f"{step.component.id} has no cumulativetodelta before it",
                code="ORDER_RATE_WITHOUT_DELTA",
                why="deltatorate changes delta sums only; cumulative counters pass unchanged",
                suggestion=f"put cumulativetodelta before {step.component.id}",
            )


def _aggregating(step: Step) -> Iterator[tuple[str, str]]:
    for rule in step.rules:
        editor = _editor(rule)
        if editor is not None and editor.name in _AGGREGATING:
            kind = next((value.value for _, value in editor.arguments if isinstance(value, ast.Text)), "")
            yield rule.path, f'{editor.name}("{kind}")'
    settings = step.component.settings
    if isinstance(settings, MetricsTransformSettings):
        for number, one in enumerate(settings.transforms):
            for at, operation in enumerate(one.operations):
                if operation.action in {"aggregate_labels", "aggregate_label_values"}:
                    path = f"{step.path}::transforms::{number}::operations::{at}"
                    yield path, f"{operation.action} ({operation.aggregation_type})"


def _sets_time(step: Step) -> bool:
    for rule in step.rules:
        editor = _editor(rule)
        if editor is not None and editor.name == "set":
            target = editor.arguments[0][1]
            if isinstance(target, ast.Path) and target.fields[-1].name in {"time", "time_unix_nano"}:
                return True
    return False


def _counters(step: Step) -> bool:
    names = [name for rule in step.rules for name in metric_names(rule.tree, rule.context)]
    return any(re.search(r"cpu\.time|disk\.io|network\.io|paging\.faults", name) for name in names)


def _times(step: Step, path: str, what: str, *, expected: bool) -> Iterator[LintFinding]:
    facts = step.measured
    if not expected or (facts is not None and not facts.mixed_times):
        return
    yield LintFinding(
        path=path,
        message=f"{what} meets points with different times",
        code="AGGREGATION_TIMESTAMPS",
        why="only points with equal times are merged, and the process scraper gives every process a time of its own",
        suggestion='before it, in the datapoint context: set(time, TruncateTime(time, Duration("1s")))',
        certain=facts is not None,
    )


def _strips_resources(step: Step) -> bool:
    """Whether it takes attributes of resources away, as one does who wants to merge them."""
    if any(owner == "resource" for owner, _ in _action_keys(step)):
        return True
    for rule in step.rules:
        editor = _editor(rule)
        if editor is None or editor.name not in _STRIPPING or not editor.arguments:
            continue
        if _owner_of(editor.arguments[0][1], rule.context) == "resource":
            return True
    return False


def _resources(step: Step, path: str, what: str, *, stripped: bool) -> Iterator[LintFinding]:
    facts = step.measured
    if facts is not None:
        if facts.shared_metrics or facts.points_out < facts.points_in:
            return
    elif not stripped:
        return
    yield LintFinding(
        path=path,
        message=f"{what} merges points of one resource only",
        code="AGGREGATION_ACROSS_RESOURCES",
        why="every process is a resource of its own, so points of different processes are in different metrics",
        suggestion="delete the resource attributes that tell processes apart, then put groupbyattrs before it",
        certain=facts is not None,
    )
