"""metricsgeneration: makes new metrics from one metric and a number, or from two metrics of a resource."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector.components._aggregate import POINT_COLUMNS
from phoenix_nb.collector.components._base import (
    ComponentKind,
    ComponentType,
    Flow,
    Setup,
    Stage,
    Stateless,
)
from phoenix_nb.collector.components._grouping import combine, dense
from phoenix_nb.collector.components._metric_table import MetricTable
from phoenix_nb.collector.config import FLOAT, TEXT, Items, Settings, Struct, quote, setting
from phoenix_nb.otlp import (
    AttributeValue,
    Dictionaries,
    KeyValues,
    MetricHeader,
    MetricType,
    PointKind,
)

__all__ = ["METRICS_GENERATION", "MetricsGenerationSettings"]

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
_TYPES: Final = ("calculate", "scale")
_OPERATIONS: Final = ("add", "divide", "multiply", "percent", "subtract")
_GATE: Final = "metricsgeneration.MatchAttributes"


@dataclass(frozen=True)
class RuleSettings(Settings):
    """How one metric is made."""

    go_type: ClassVar[str] = "metricsgenerationprocessor.Rule"
    name: str = setting("", TEXT)
    """Its name."""
    unit: str = setting("", TEXT)
    """Its unit."""
    type: str = setting("", TEXT)
    """``calculate`` from two metrics or ``scale`` one."""
    metric1: str = setting("", TEXT)
    """The first operand."""
    metric2: str = setting("", TEXT)
    """The second operand."""
    operation: str = setting("", TEXT)
    """What is done with them."""
    scale_by: float = setting(0.0, FLOAT)
    """The second operand of ``scale``."""


def _listed(words: Sequence[str]) -> str:
    return "[" + " ".join(quote(word) for word in words) + "]"


@dataclass(frozen=True)
class MetricsGenerationSettings(Settings):
    """Settings of the metricsgeneration processor."""

    go_type: ClassVar[str] = "metricsgenerationprocessor.Config"
    rules: tuple[RuleSettings, ...] = setting((), Items(Struct(RuleSettings)))
    """The rules, in order."""

    def problems(self) -> Iterator[str]:
        """As the collector's ``Validate``: the first one only."""
        found = (text for rule in self.rules for text in _problems(rule))
        first = next(found, None)
        if first is not None:
            yield first


def _problems(rule: RuleSettings) -> Iterator[str]:
    if not rule.name:
        yield 'missing required field "name"'
    if not rule.type:
        yield 'missing required field "type"'
    if rule.type not in _TYPES:
        yield f'"type" must be in {_listed(_TYPES)}'
    if not rule.metric1:
        yield 'missing required field "metric1"'
    if rule.type == "calculate" and not rule.metric2:
        yield 'missing required field "metric2" for generation type "calculate"'
    if rule.type == "scale" and not rule.scale_by > 0:
        yield 'field "scale_by" required to be greater than 0 for generation type "scale"'
    if rule.operation and rule.operation not in _OPERATIONS:
        yield f'"operation" must be in {_listed(_OPERATIONS)}'
    for field in ("metric1", "metric2"):
        if rule.name == getattr(rule, field):
            yield f'value of field "name" may not match value of field "{field}"'


class _MetricsGeneration(Stateless):
    def __init__(
        self, rules: Sequence[RuleSettings], dictionaries: Dictionaries, *, by_attributes: bool
    ) -> None:
        self._rules = rules
        self._dictionaries = dictionaries
        self._by_attributes = by_attributes
        self._joined: dict[tuple[int, int], int] = {}

    def process(self, flow: Flow) -> Flow:
        table = MetricTable(flow.frames)
        before = len(table.m_sm)
        # Names are looked up among the metrics that came in, but rules also work on what earlier rules made.
        seen = {
            name: self._last(table, name)
            for rule in self._rules
            for name in (rule.metric1, rule.metric2)
            if name
        }
        for rule in self._rules:
            self._apply(table, rule, seen)
        return flow if len(table.m_sm) == before else flow.to(table.finish(keep_empty=True))

    def _last(self, table: MetricTable, name: str) -> Array:
        """Per resource block the last metric of a name; -1 = none."""
        frames = table.frames
        rows = np.flatnonzero(table.of_header(lambda header: header.name == name, np.bool_))
        made = np.full(frames.n_resources, -1, dtype=np.int64)
        made[frames.sm_rm[table.m_sm[rows]]] = rows
        return made

    def _apply(self, table: MetricTable, rule: RuleSettings, seen: dict[str, Array]) -> None:
        if rule.operation not in _OPERATIONS:
            return
        frames = table.frames
        block = frames.sm_rm[table.m_sm]
        sources = table.of_header(
            lambda header: header.name == rule.metric1 and header.type in {MetricType.GAUGE, MetricType.SUM},
            np.bool_,
        ).astype(np.bool_)
        sources &= seen[rule.metric1][block] >= 0
        if rule.type == "calculate":
            second = seen[rule.metric2][block]
            sources &= second >= 0
            if self._by_attributes:
                self._pairs(table, rule, sources, second)
                return
            operand = _first_values(table)[second]
        else:
            operand = np.full(len(block), rule.scale_by)
        rows = table.living_points(sources)
        columns = table.pick(rows)
        self._add(table, rule, table.p_metric[rows], columns, operand[table.p_metric[rows]])

    def _pairs(self, table: MetricTable, rule: RuleSettings, sources: Mask, second: Array) -> None:
        """Every point of the first metric with every point of the second whose common attributes are equal."""
        rows = table.living_points(sources)
        number = table.of_header(
            lambda header: header.type in {MetricType.GAUGE, MetricType.SUM}, np.bool_
        ).astype(np.bool_)
        other = second[table.p_metric[rows]]
        counts = np.where(number[other], table.point_counts()[other], 0)
        begins = np.searchsorted(table.p_metric, other)
        left = np.repeat(np.arange(len(rows)), counts)
        offset = np.arange(len(left)) - np.repeat(np.cumsum(counts) - counts, counts)
        right = begins[left] + offset
        mine = table.points["p_attributes"][rows[left]]
        theirs = table.points["p_attributes"][right]
        pairs = dense(combine(mine, theirs))
        found = zip(mine[pairs.first].tolist(), theirs[pairs.first].tolist(), strict=True)
        joined = np.fromiter((self._join(*pair) for pair in found), dtype=np.int32, count=len(pairs))[
            pairs.of
        ]
        kept = joined >= 0
        columns = table.pick(rows[left[kept]])
        columns["p_attributes"] = joined[kept]
        self._add(table, rule, table.p_metric[rows[left[kept]]], columns, _values(table)[right[kept]])

    def _join(self, mine: int, theirs: int) -> int:
        number = self._joined.get((mine, theirs))
        if number is None:
            sets = self._dictionaries.attribute_sets
            first, second = sets[mine], sets[theirs]
            number = -1
            if all(_alike(value, second[key]) for key, value in first.items() if key in second):
                for key, value in second.items():
                    first = first.with_item(key, value)
                number = sets.intern(first)
            self._joined[mine, theirs] = number
        return number

    def _add(
        self, table: MetricTable, rule: RuleSettings, metric: Array, columns: dict[str, Array], operand: Array
    ) -> None:
        values = np.where(
            columns["p_kind"] == PointKind.INT, columns["p_int"].astype(np.float64), columns["p_double"]
        )
        kept = np.ones(len(values), dtype=np.bool_)
        with np.errstate(all="ignore"):
            if rule.operation == "add":
                values = values + operand
            elif rule.operation == "subtract":
                values = values - operand
            elif rule.operation == "multiply":
                values = values * operand
            else:
                kept = operand != 0
                values = values / operand
                if rule.operation == "percent":
                    values = values * 100
        columns = {name: columns[name][kept] for name in POINT_COLUMNS}
        columns["p_double"] = values[kept]
        columns["p_int"] = np.zeros(len(columns["p_double"]), dtype=np.int64)
        columns["p_kind"] = np.full(len(columns["p_double"]), PointKind.DOUBLE, dtype=np.uint8)
        made = dense(metric[kept])
        sources = metric[kept][made.first]
        headers = self._dictionaries.headers
        new = [
            headers.intern(MetricHeader(rule.name, unit=rule.unit, type=headers[number].type))
            for number in table.m_header[sources].tolist()
        ]
        added = table.add_metrics(table.m_sm[sources], np.array(new, dtype=np.int32))
        table.add_points(added[made.of], columns)


def _values(table: MetricTable) -> Array:
    points = table.points
    return np.where(points["p_kind"] == PointKind.INT, points["p_int"].astype(np.float64), points["p_double"])


def _first_values(table: MetricTable) -> Array:
    """Per metric the value of its first point; 0 when it has none or none that is a number."""
    made = np.zeros(len(table.m_sm))
    # Written backwards, so that the first point stays.
    made[table.p_metric[::-1]] = _values(table)[::-1]
    return made


def _alike(first: AttributeValue, second: AttributeValue) -> bool:
    """Go compares plain values with their types; lists and maps cannot be compared and never are."""
    if isinstance(first, (tuple, KeyValues, bytes)) or isinstance(second, (tuple, KeyValues, bytes)):
        return False
    return type(first) is type(second) and first == second


def _build(settings: MetricsGenerationSettings, setup: Setup) -> Stage:
    by_attributes = setup.gates.get(_GATE, False)
    return _MetricsGeneration(settings.rules, setup.dictionaries, by_attributes=by_attributes)


METRICS_GENERATION: Final = ComponentType(
    ComponentKind.PROCESSOR, "metricsgeneration", MetricsGenerationSettings, build=_build
)
"""The metricsgeneration processor."""
