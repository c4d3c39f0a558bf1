"""Settings of the metricstransform processor and what its factory refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from phoenix_nb.collector._regexp import RegexpError, compile_regexp
from phoenix_nb.collector.components._aggregate import FUNCTIONS
from phoenix_nb.collector.components._base import BuildError
from phoenix_nb.collector.config import FLOAT, TEXT, Entries, Items, Settings, Struct, quote, setting

__all__ = ["MetricsTransformSettings", "OperationSettings", "TransformSettings", "check"]

_ACTIONS: Final = ("insert", "update", "combine", "group")
_MATCHES: Final = ("strict", "regexp")
_CASES: Final = ("lower", "upper")
_LENIENT: Final = (0, 124, 1)
"""The newest release known to combine without an aggregation type: the first value stays."""
_OPERATIONS: Final = (
    "add_label",
    "update_label",
    "delete_label_value",
    "toggle_scalar_data_type",
    "experimental_scale_value",
    "aggregate_labels",
    "aggregate_label_values",
)


@dataclass(frozen=True)
class ValueAction(Settings):
    """A label value and what it becomes."""

    go_type: ClassVar[str] = "metricstransformprocessor.valueAction"
    value: str = setting("", TEXT)
    """The value."""
    new_value: str = setting("", TEXT)
    """What it becomes."""


@dataclass(frozen=True)
class OperationSettings(Settings):
    """One step on the metrics that a transform chose."""

    go_type: ClassVar[str] = "metricstransformprocessor.operation"
    action: str = setting("", TEXT)
    """What to do."""
    label: str = setting("", TEXT)
    """The label it acts on."""
    new_label: str = setting("", TEXT)
    """The label's new name."""
    label_set: tuple[str, ...] = setting((), Items(TEXT))
    """Labels that stay when points are merged."""
    aggregation_type: str = setting("", TEXT)
    """How values are merged; empty = the first one stays."""
    aggregated_values: tuple[str, ...] = setting((), Items(TEXT))
    """Label values that become one."""
    new_value: str = setting("", TEXT)
    """The value of a new label, or of the values that become one."""
    value_actions: tuple[ValueAction, ...] = setting((), Items(Struct(ValueAction)))
    """Label values to exchange."""
    experimental_scale: float = setting(0.0, FLOAT)
    """What values are multiplied by."""
    label_value: str = setting("", TEXT)
    """The label value whose points are dropped."""


@dataclass(frozen=True)
class TransformSettings(Settings):
    """Which metrics, and what becomes of them."""

    go_type: ClassVar[str] = "metricstransformprocessor.transform"
    include: str = setting("", TEXT)
    """A metric name or a pattern over names."""
    match_type: str = setting("", TEXT)
    """``strict`` or ``regexp``; empty = strict."""
    experimental_match_labels: Mapping[str, str] = setting({}, Entries(TEXT))
    """Labels that points must have, with a value or a pattern."""
    action: str = setting("", TEXT)
    """``update``, ``insert``, ``combine`` or ``group``."""
    new_name: str = setting("", TEXT)
    """The new metric name; may refer to groups of the pattern."""
    group_resource_labels: Mapping[str, str] | None = setting(None, Entries(TEXT))
    """Resource attributes of the group."""
    aggregation_type: str = setting("", TEXT)
    """How points of combined metrics are merged."""
    submatch_case: str = setting("", TEXT)
    """``lower`` or ``upper``: the case of labels that come from groups of the pattern."""
    operations: tuple[OperationSettings, ...] = setting((), Items(Struct(OperationSettings)))
    """Steps, in order."""


@dataclass(frozen=True)
class MetricsTransformSettings(Settings):
    """Settings of the metricstransform processor."""

    go_type: ClassVar[str] = "metricstransformprocessor.Config"
    transforms: tuple[TransformSettings, ...] = setting((), Items(Struct(TransformSettings)))
    """The transforms, in order."""


def _listed(words: tuple[str, ...]) -> str:
    return "[" + " ".join(quote(word) for word in words) + "]"


def check(settings: MetricsTransformSettings, version: tuple[int, int, int]) -> None:
    """Refuse what the collector's factory of a release refuses.

    Raises:
        BuildError: the first thing that is wrong, in the collector's words.
    """
    for transform in settings.transforms:
        problem = next(_problems(transform, version), None)
        if problem is not None:
            raise BuildError(problem)


def _problems(transform: TransformSettings, version: tuple[int, int, int]) -> Iterator[str]:
    action = transform.action
    if not transform.include:
        yield 'missing required field "include"'
    if transform.match_type and transform.match_type not in _MATCHES:
        yield f'"match_type" must be in {_listed(_MATCHES)}'
    if transform.match_type == "regexp":
        try:
            compile_regexp(transform.include)
        except RegexpError as exc:
            yield f'"include", {exc}'
    if action not in _ACTIONS:
        yield f'"action" must be in {_listed(_ACTIONS)}'
    if action in {"insert", "combine"} and not transform.new_name:
        yield f'missing required field "new_name" while "action" is {action}'
    if action == "combine" and not transform.aggregation_type and version > _LENIENT:
        yield 'missing required field "aggregation_type" while "action" is combine'
    if action == "group" and transform.group_resource_labels is None:
        yield 'missing required field "group_resource_labels" while "action" is group'
    if transform.aggregation_type and transform.aggregation_type not in FUNCTIONS:
        yield f'"aggregation_type" must be in {_listed(FUNCTIONS)}'
    if transform.submatch_case and transform.submatch_case not in _CASES:
        yield f'"submatch_case" must be in {_listed(_CASES)}'
    for number, operation in enumerate(transform.operations, 1):
        for text in _operation_problems(operation):
            yield f"operation {number}: {text}"


def _operation_problems(operation: OperationSettings) -> Iterator[str]:
    action = operation.action
    if action not in _OPERATIONS:
        yield f'"action" must be in {_listed(_OPERATIONS)}'
    needed = (
        ("update_label", "label", operation.label),
        ("add_label", "new_label", operation.new_label),
        ("add_label", "new_value", operation.new_value),
        ("experimental_scale_value", "experimental_scale", operation.experimental_scale),
    )
    for where, name, value in needed:
        if action == where and not value:
            yield f'missing required field "{name}" while "action" is {where}'
    if operation.aggregation_type and operation.aggregation_type not in FUNCTIONS:
        yield f'"aggregation_type" must be in {_listed(FUNCTIONS)}'
