"""The steps of a pipeline as the rules read them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from phoenix_nb.collector._config import CollectorConfig, Component, Pipeline
from phoenix_nb.collector._watched import Place
from phoenix_nb.collector.components import ComponentKind
from phoenix_nb.collector.components._filter_settings import FilterSettings
from phoenix_nb.collector.components._transform_settings import TransformSettings
from phoenix_nb.collector.lint._facts import StepFacts
from phoenix_nb.collector.ottl import OttlError, infer_context
from phoenix_nb.collector.ottl import _ast as ast
from phoenix_nb.collector.ottl._parse import OttlSyntaxError, parse_condition, parse_statement

__all__ = ["Attribute", "Rule", "Step", "attributes_in", "metric_names", "steps_of"]

_CONTEXTS: Final = {"resource", "instrumentation_scope", "scope", "metric", "datapoint"}
_PLAIN_PATTERN: Final = re.compile(r"\^?([\w.]+)\$?")


@dataclass(frozen=True, slots=True)
class Rule:
    """One OTTL text."""

    path: str
    """Where it is."""
    text: str
    """As written."""
    context: str
    """The context that it runs in."""
    tree: ast.Statement | ast.Condition
    """What it means."""

    @property
    def where(self) -> ast.Condition | None:
        """When it acts."""
        return self.tree.where if isinstance(self.tree, ast.Statement) else self.tree


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute that a rule names."""

    owner: str
    """``resource``, ``scope`` or ``datapoint``."""
    key: str
    """Its key."""
    written: str
    """As people write it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One processor of one pipeline."""

    pipeline: Pipeline
    """The pipeline."""
    number: int
    """Its place in the pipeline, from 0."""
    component: Component
    """The processor."""
    facts: StepFacts | None
    """What payloads showed here; ``None`` without payloads."""
    rules: tuple[Rule, ...] = field(default=())
    """Its OTTL texts."""

    @property
    def type(self) -> str:
        """Its type as first published."""
        return self.component.type.name if self.component.type is not None else self.component.id.type

    @property
    def path(self) -> str:
        """Where its settings are."""
        return f"processors::{self.component.id}"

    @property
    def place(self) -> str:
        """Where it stands in its pipeline."""
        return f"service::pipelines::{self.pipeline.id}::processors::{self.number}"

    @property
    def measured(self) -> StepFacts | None:
        """What payloads showed here; ``None`` when none had points."""
        return self.facts if self.facts is not None and self.facts.points_in > 0 else None


def steps_of(config: CollectorConfig, facts: dict[Place, StepFacts] | None) -> list[list[Step]]:
    """The steps of every metrics pipeline, in order."""
    processors = config.components.get(ComponentKind.PROCESSOR, {})
    return [
        [
            Step(
                pipeline,
                number,
                processors[ident],
                None if facts is None else facts.get(Place(ident, pipeline.id), StepFacts()),
                tuple(_rules(processors[ident])),
            )
            for number, ident in enumerate(pipeline.processors)
        ]
        for pipeline in config.metrics_pipelines
    ]


def _rules(component: Component) -> Iterator[Rule]:
    path = f"processors::{component.id}"
    settings = component.settings
    if isinstance(settings, FilterSettings):
        for context in ("resource", "metric", "datapoint"):
            for at, text in enumerate(getattr(settings.metrics, context)):
                yield from _rule(f"{path}::metrics::{context}::{at}", text, context, statement=False)
        for number, conditions in enumerate(settings.metric_conditions):
            for at, text in enumerate(conditions.conditions):
                where = f"{path}::metric_conditions::{number}::{at}"
                yield from _rule(where, text, conditions.context, statement=False)
    elif isinstance(settings, TransformSettings):
        for number, group in enumerate(settings.metric_statements):
            where = f"{path}::metric_statements::{number}"
            context = group.context or _inferred(group.statements, group.conditions)
            for at, text in enumerate(group.conditions):
                yield from _rule(f"{where}::conditions::{at}", text, context, statement=False)
            for at, text in enumerate(group.statements):
                yield from _rule(f"{where}::statements::{at}", text, context, statement=True)


def _inferred(statements: tuple[str, ...], conditions: tuple[str, ...]) -> str:
    names = set()
    for text in statements:
        names.update(_named_contexts(parse_statement(text)))
    for text in conditions:
        names.update(_named_contexts(parse_condition(text)))
    order = ("datapoint", "metric", "scope", "instrumentation_scope", "resource")
    return next((name for name in order if name in names), "metric")


def _named_contexts(tree: object) -> set[str]:
    return {found.fields[0].name for found in ast.walk(tree) if isinstance(found, ast.Path)} & _CONTEXTS


def _rule(path: str, text: str, context: str, *, statement: bool) -> Iterator[Rule]:
    try:
        tree = parse_statement(text) if statement else parse_condition(text)
        yield Rule(path, text, context or infer_context([text]).name, tree)
    except (OttlSyntaxError, OttlError):
        # A text of another signal, or one that only the real collector reads.
        return


def attributes_in(tree: object, context: str) -> list[Attribute]:
    """The attributes that a text names with a fixed key."""
    found = []
    for path in ast.walk(tree):
        if not isinstance(path, ast.Path):
            continue
        fields = path.fields
        owner = context
        prefix = ""
        if fields[0].name in _CONTEXTS and len(fields) > 1:
            owner, prefix, fields = fields[0].name, f"{fields[0].name}.", fields[1:]
        last = fields[0]
        if last.name == "attributes" and last.keys and isinstance(last.keys[0], ast.Text):
            key = last.keys[0].value
            found.append(Attribute(owner, key, f'{prefix}attributes["{key}"]'))
    return found


def metric_names(tree: object, context: str) -> list[str]:
    """The metric names that a text compares with, or that it matches with a pattern without special signs."""
    names: list[str] = []

    def is_name(value: object) -> bool:
        if not isinstance(value, ast.Path):
            return False
        words = [one.name for one in value.fields]
        return words == ["metric", "name"] or (context == "metric" and words == ["name"])

    def look(node: object) -> None:
        if isinstance(node, ast.Compare) and node.op == "==":
            for left, right in ((node.left, node.right), (node.right, node.left)):
                if is_name(left) and isinstance(right, ast.Text):
                    names.append(right.value)
        elif isinstance(node, ast.Call) and node.name == "IsMatch" and len(node.arguments) == 2:
            target, pattern = (value for _, value in node.arguments)
            if is_name(target) and isinstance(pattern, ast.Text):
                plain = _PLAIN_PATTERN.fullmatch(pattern.value.replace("\\.", "."))
                if plain:
                    names.append(plain[1])
        elif isinstance(node, (ast.And, ast.Or)):
            for one in node.conditions:
                look(one)
        elif isinstance(node, ast.Statement):
            look(node.where)

    look(tree)
    return names
