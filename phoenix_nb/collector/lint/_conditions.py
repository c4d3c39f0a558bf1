"""Traps in conditions and statements."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from phoenix_nb.collector.components._attributes import AttributesSettings
from phoenix_nb.collector.components._filter_settings import FilterSettings
from phoenix_nb.collector.lint._finding import LintFinding
from phoenix_nb.collector.lint._known_names import DOUBLE_METRICS, INT_METRICS, is_resource_key
from phoenix_nb.collector.lint._steps import Rule, Step, attributes_in, metric_names
from phoenix_nb.collector.ottl import _ast as ast
from phoenix_nb.otlp import PointKind

__all__ = ["attribute_owners", "filter_logic", "value_kinds"]

_KEEP_WORDS: Final = re.compile(r"(^|[^a-z])(keep|include|allow|only|retain|select)", re.IGNORECASE)
_VALUES: Final = {"value_double": PointKind.INT, "value_int": PointKind.DOUBLE}
_USUAL: Final = {"value_double": INT_METRICS, "value_int": DOUBLE_METRICS}


# -- filters that do the opposite --------------------------------------------------------------------------------------


def filter_logic(steps: Sequence[Step]) -> Iterator[LintFinding]:
    """Filters that drop everything, nothing, or what they were meant to keep."""
    for step in steps:
        if not isinstance(step.component.settings, FilterSettings):
            continue
        yield from _drops_all(step)
        yield from _never(step)
        yield from _by_facts(step)
        yield from _inverted(step)


def _drops_all(step: Step) -> Iterator[LintFinding]:
    unequal: dict[tuple[str, str], list[tuple[Rule, str]]] = defaultdict(list)
    for rule in step.rules:
        for compare in _alternatives(rule.tree):
            if isinstance(compare, ast.Compare) and compare.op == "!=":
                left, right = _sides(compare)
                if right is not None:
                    unequal[rule.context, left].append((rule, right))
    for (_, left), found in unequal.items():
        values = sorted({value for _, value in found})
        if len(values) > 1:
            yield LintFinding(
                path=found[1][0].path,
                message=f"{left} is always unequal to one of {', '.join(values)}: everything is dropped",
                code="FILTER_DROPS_ALL",
                why="one condition that holds is enough to drop, and a value cannot equal two things at once",
                suggestion=f"in one condition: {' and '.join(f'{left} != {value}' for value in values)}",
                certain=True,
            )


def _never(step: Step) -> Iterator[LintFinding]:
    for rule in step.rules:
        for both in (node for node in _alternatives(rule.tree) if isinstance(node, ast.And)):
            equal: dict[str, set[str]] = defaultdict(set)
            for one in both.conditions:
                if isinstance(one, ast.Compare) and one.op == "==":
                    left, right = _sides(one)
                    if right is not None:
                        equal[left].add(right)
            for left, values in equal.items():
                if len(values) > 1:
                    yield LintFinding(
                        path=rule.path,
                        message=f"{left} cannot equal {' and '.join(sorted(values))} at once: nothing is dropped",
                        code="FILTER_NEVER",
                        why="`and` asks for both, and a value equals one thing only",
                        suggestion="use `or`, or one condition for each",
                        certain=True,
                    )


def _by_facts(step: Step) -> Iterator[LintFinding]:
    facts = step.facts
    if facts is None or not facts.points_in:
        return
    if not facts.points_out:
        yield LintFinding(
            path=step.path,
            message=f"{step.component.id} drops every point of the input",
            code="FILTER_DROPS_ALL",
            why="a filter drops what its conditions match; these match everything here",
            suggestion="turn the condition around: say what is to go, not what is to stay",
            certain=True,
        )
    elif facts.points_out == facts.points_in:
        yield LintFinding(
            path=step.path,
            message=f"{step.component.id} drops nothing of the input",
            code="FILTER_DROPS_NOTHING",
            why="no condition holds for any of it: names, contexts or value kinds may not be those of the data",
            suggestion="compare the names and contexts in the conditions with what the payloads hold",
            certain=True,
        )


def _inverted(step: Step) -> Iterator[LintFinding]:
    if step.facts is not None or not _KEEP_WORDS.search(step.component.id.name):
        return
    for rule in step.rules:
        positive = isinstance(rule.tree, (ast.Compare, ast.Call)) and not (
            isinstance(rule.tree, ast.Compare) and rule.tree.op == "!="
        )
        if positive:
            yield LintFinding(
                path=rule.path,
                message=f"{step.component.id} is named after what it keeps, and drops what it names",
                code="FILTER_INVERTED",
                why="the filter processor drops what matches; it keeps the rest",
                suggestion=f"not ({rule.text})",
            )


def _alternatives(tree: object) -> list[object]:
    """The conditions of which one is enough."""
    if isinstance(tree, ast.Or):
        return [inner for one in tree.conditions for inner in _alternatives(one)]
    return [tree]


def _sides(compare: ast.Compare) -> tuple[str, str | None]:
    """The path as text and the literal as text; ``None`` when it is not a path and a literal."""
    for path, value in ((compare.left, compare.right), (compare.right, compare.left)):
        if isinstance(path, ast.Path) and isinstance(value, (ast.Text, ast.Int, ast.Float)):
            literal = f'"{value.value}"' if isinstance(value, ast.Text) else str(value.value)
            return _path_text(path), literal
    return "", None


def _path_text(path: ast.Path) -> str:
    parts = []
    for one in path.fields:
        keys = "".join(f'["{key.value}"]' for key in one.keys if isinstance(key, ast.Text))
        parts.append(one.name + keys)
    return ".".join(parts)


# -- attributes of the wrong owner -------------------------------------------------------------------------------------


def attribute_owners(steps: Sequence[Step]) -> Iterator[LintFinding]:
    """Resource attributes that are looked for on points, and the other way round."""
    moved: set[str] = set()
    everything_moved = False
    for step in steps:
        for rule in step.rules:
            targets = _targets(rule)
            for one in attributes_in(rule.tree, rule.context):
                if one.owner == "datapoint" and (one.key in moved or everything_moved or one.key in targets):
                    continue
                yield from _owner(step, rule.path, one.owner, one.key, one.written)
            moved |= targets
            everything_moved |= _merges_into_points(rule)
        settings = step.component.settings
        if isinstance(settings, AttributesSettings):
            for at, action in enumerate(settings.actions):
                if action.action.lower() in {"insert", "upsert"}:
                    moved.add(action.key)
                elif action.key and action.key not in moved and not everything_moved:
                    path = f"{step.path}::actions::{at}::key"
                    yield from _owner(step, path, "datapoint", action.key, f"key {action.key}")


def _targets(rule: Rule) -> set[str]:
    """The point attributes that a statement sets."""
    if not isinstance(rule.tree, ast.Statement) or rule.tree.editor.name != "set":
        return set()
    target = rule.tree.editor.arguments[0][1]
    return {one.key for one in attributes_in(target, rule.context) if one.owner == "datapoint"}


def _merges_into_points(rule: Rule) -> bool:
    if not isinstance(rule.tree, ast.Statement) or rule.tree.editor.name not in {
        "merge_maps",
        "set",
        "flatten",
    }:
        return False
    target = rule.tree.editor.arguments[0][1]
    if not isinstance(target, ast.Path) or target.fields[-1].name != "attributes" or target.fields[-1].keys:
        return False
    return rule.context == "datapoint" and target.fields[0].name in {"attributes", "datapoint"}


def _owner(step: Step, path: str, owner: str, key: str, written: str) -> Iterator[LintFinding]:
    facts = step.facts
    if owner == "datapoint":
        certain = facts is not None and facts.points_in > 0
        if facts is not None and certain:
            wrong = key not in facts.point_keys and key in facts.resource_keys
        else:
            wrong = is_resource_key(key)
        if wrong:
            suggestion = (
                f'use the resource processor, or write resource.attributes["{key}"]'
                if written.startswith("key ")
                else f'resource.attributes["{key}"]'
            )
            yield LintFinding(
                path=path,
                message=f"{written} is looked for on the point; {key} is an attribute of the resource",
                code="RESOURCE_ATTRIBUTE_ON_POINT",
                why="the point does not have it: the value is nil, `==` never holds and `!=` always does",
                suggestion=suggestion,
                certain=certain,
            )
    elif owner == "resource" and facts is not None and key in facts.point_keys - facts.resource_keys:
        yield LintFinding(
            path=path,
            message=f"{written} is looked for on the resource; {key} is an attribute of the points",
            code="POINT_ATTRIBUTE_ON_RESOURCE",
            why="no resource has it: the value is nil, `==` never holds and `!=` always does",
            suggestion=f'attributes["{key}"] in the datapoint context',
            certain=True,
        )


# -- value_double on whole numbers, value_int on doubles ---------------------------------------------------------------


def value_kinds(steps: Sequence[Step]) -> Iterator[LintFinding]:
    """Comparisons with the number that the points do not hold."""
    for step in steps:
        for rule in step.rules:
            fields = {found.fields[-1].name for found in ast.walk(rule.tree) if isinstance(found, ast.Path)}
            used = sorted(fields & set(_VALUES))
            # Who looks at both has thought of it.
            if len(used) == 1 and rule.where is not None and used[0] in _fields(rule.where):
                yield from _value_kind(step, rule, used[0])


def _fields(tree: object) -> set[str]:
    return {found.fields[-1].name for found in ast.walk(tree) if isinstance(found, ast.Path)}


def _value_kind(step: Step, rule: Rule, used: str) -> Iterator[LintFinding]:
    names = metric_names(rule.tree, rule.context)
    facts = step.facts
    certain = facts is not None and facts.points_in > 0
    if facts is not None and certain:
        wrong = [name for name in names or sorted(facts.kinds) if facts.holds(_VALUES[used], (name,))]
        suspicious = bool(wrong)
    else:
        wrong = sorted(set(names) & _USUAL[used])
        suspicious = bool(wrong) or not names
    if not suspicious:
        return
    other = "value_int" if used == "value_double" else "value_double"
    kind = "whole numbers" if used == "value_double" else "doubles"
    shown = ", ".join(wrong[:3]) + (f" and {len(wrong) - 3} more" if len(wrong) > 3 else "")
    message = (
        f"{used} is read of {shown}, whose points are {kind}"
        if wrong
        else f"{used} is read of every metric, also of those whose points are {kind}"
    )
    yield LintFinding(
        path=rule.path,
        message=message,
        code="VALUE_DOUBLE_ON_INT" if used == "value_double" else "VALUE_INT_ON_DOUBLE",
        why=f"{used} of a point that holds the other kind reads as 0",
        suggestion=f"name the metrics in the condition, and use {other} for those with {kind}",
        certain=certain,
    )
