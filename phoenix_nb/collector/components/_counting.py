"""What the count and the sum connector share: conditions, the attributes of their series, and their output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector._values import attribute_from_node
from phoenix_nb.collector.components._arrange import arrange
from phoenix_nb.collector.components._counting_settings import AttributeSettings
from phoenix_nb.collector.components._grouping import combine, dense
from phoenix_nb.collector.ottl import (
    Condition,
    Rows,
)
from phoenix_nb.otlp import (
    Attributes,
    AttributeValue,
    Dictionaries,
    Frames,
    MetricHeader,
    MetricType,
    PointKind,
    Resource,
    Scope,
    Temporality,
)

__all__ = [
    "Conditions",
    "Picker",
    "Series",
    "delta_header",
    "only_attributes",
    "series_frames",
]

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


class Conditions:
    """Conditions of which one must hold; none of them always holds."""

    def __init__(self, conditions: Sequence[Condition]) -> None:
        self._conditions = conditions

    def over(self, rows: Rows, chosen: Mask) -> tuple[Mask, dict[int, str]]:
        """Where one holds among the chosen rows, and the rows where the first undecided one failed."""
        if not self._conditions:
            return chosen, {}
        undecided, true = chosen.copy(), np.zeros(len(chosen), dtype=np.bool_)
        errors: dict[int, str] = {}
        for condition in self._conditions:
            if not undecided.any():
                break
            found = condition.over(rows)
            hit = found.true & undecided
            true |= hit
            undecided &= ~hit
            if found.error is not None:
                here = np.flatnonzero((found.error >= 0) & undecided)
                for row in here.tolist():
                    errors[row] = f"failed to eval condition: {found.errors[int(found.error[row])]}"
                undecided[here] = False
        return true, errors


class Picker:
    """The attributes of the series that a row belongs to.

    Args:
        attributes: what series are told apart by.
        dictionaries: the dictionaries of the run.
        convert: what becomes of a value that is there, ``None`` when that counts as missing; absent = it stays.
    """

    def __init__(
        self,
        attributes: Sequence[AttributeSettings],
        dictionaries: Dictionaries,
        convert: Callable[[AttributeValue], str | None] | None = None,
    ) -> None:
        self._wanted = [
            (attribute.key, attribute_from_node(attribute.default_value), attribute.default_value is not None)
            for attribute in attributes
        ]
        self._dictionaries = dictionaries
        self._convert = convert
        self._known: dict[tuple[int, int, int], int] = {}

    def __call__(self, attributes: Array, scope: Array, resource: Array) -> Array:
        """Per row the attribute set id of its series; -1 where one of the attributes is missing."""
        if not self._wanted:
            return np.zeros(len(attributes), dtype=np.int32)
        found = dense(combine(dense(combine(scope + np.int32(1), attributes)).of, resource + np.int32(1)))
        first = found.first
        rows = zip(attributes[first].tolist(), scope[first].tolist(), resource[first].tolist(), strict=True)
        made = np.fromiter((self._one(key) for key in rows), dtype=np.int32, count=len(first))
        return np.asarray(made[found.of])

    def _one(self, key: tuple[int, int, int]) -> int:
        number = self._known.get(key)
        if number is None:
            number = self._known[key] = self._made(*key)
        return number

    def _made(self, attributes: int, scope: int, resource: int) -> int:
        known = self._dictionaries
        places = (
            known.attribute_sets[attributes],
            known.scopes[scope].attributes if scope >= 0 else Attributes.EMPTY,
            known.resources[resource].attributes if resource >= 0 else Attributes.EMPTY,
        )
        pairs: dict[str, AttributeValue] = {}
        for key, default, has_default in self._wanted:
            holder = next((place for place in places if key in place), None)
            found: tuple[AttributeValue, ...] = () if holder is None else (holder[key],)
            if found and self._convert is not None:
                text = self._convert(found[0])
                found = () if text is None else (text,)
            if not found and not has_default:
                return -1
            pairs.setdefault(key, found[0] if found else default)
        # Two entries of one key are one attribute, and then the collector finds one too few.
        if len(pairs) < len(self._wanted):
            return -1
        return known.attribute_sets.intern(Attributes(pairs.items()))


@dataclass(frozen=True, slots=True)
class Series:
    """The points of one output metric."""

    header: MetricHeader
    """The metric."""
    block: Array
    """Per point the resource block of the input that it describes."""
    attributes: Array
    """Per point its attribute set."""
    values: Array
    """Per point its value: int64 or float64."""
    start: Array
    """Per point its start time."""
    time: Array
    """Per point its time."""


def only_attributes(dictionaries: Dictionaries, resources: Array) -> Array:
    """Resources with nothing but their attributes."""

    def plain(number: int) -> int:
        if number < 0:
            return 0
        return dictionaries.resources.intern(Resource(dictionaries.resources[number].attributes))

    distinct, inverse = np.unique(resources, return_inverse=True)
    made = np.fromiter((plain(number) for number in distinct.tolist()), dtype=np.int32, count=len(distinct))
    return np.asarray(made[inverse.reshape(-1)])


def series_frames(frames: Frames, series: Sequence[Series], scope: Scope | None) -> Frames:
    """Payloads with a resource block for every input block that has points, and one scope block in each.

    Args:
        frames: the input.
        series: the output metrics, in order; points of one block and metric must stand together.
        scope: the scope of the output.
    """
    known = frames.dictionaries
    used = np.zeros(frames.n_resources, dtype=np.bool_)
    for one in series:
        used[one.block] = True
    blocks = np.flatnonzero(used)
    place = np.cumsum(used, dtype=np.int32) - np.int32(1)
    m_sm: list[Array] = []
    m_header: list[Array] = []
    p_metric: list[Array] = []
    metrics = 0
    for one in series:
        groups = dense(one.block)
        p_metric.append(groups.of + metrics)
        metrics += len(groups)
        m_sm.append(place[one.block[groups.first]])
        m_header.append(np.full(len(groups), known.headers.intern(one.header), dtype=np.int32))
    count = sum(len(one.block) for one in series)
    is_int = np.concatenate(
        [np.full(len(one.values), one.values.dtype == np.int64) for one in series]
        or [np.zeros(0, dtype=np.bool_)]
    )
    values = [one.values for one in series]
    scope_id = -1 if scope is None else known.scopes.intern(scope)
    zeros = np.zeros(len(blocks), dtype=np.int32)
    return arrange(
        known,
        frames.arrival,
        {
            "rm_payload": frames.rm_payload[blocks],
            "rm_resource": only_attributes(known, frames.rm_resource[blocks]),
            "rm_schema": zeros,
            "sm_rm": np.arange(len(blocks), dtype=np.int32),
            "sm_scope": np.full(len(blocks), scope_id, dtype=np.int32),
            "sm_schema": zeros,
            "m_sm": _joined(m_sm, np.int32),
            "m_header": _joined(m_header, np.int32),
            "p_metric": _joined(p_metric, np.int32),
            "p_attributes": _joined([one.attributes for one in series], np.int32),
            "p_start": _joined([one.start for one in series], np.uint64),
            "p_time": _joined([one.time for one in series], np.uint64),
            "p_kind": np.where(is_int, PointKind.INT, PointKind.DOUBLE).astype(np.uint8),
            "p_int": _joined([np.where(one.dtype == np.int64, one, 0) for one in values], np.int64),
            "p_double": _joined([np.where(one.dtype == np.int64, 0.0, one) for one in values], np.float64),
            "p_flags": np.zeros(count, dtype=np.uint32),
            "p_side": np.full(count, -1, dtype=np.int32),
        },
    )


def _joined(parts: Sequence[Array], dtype: type) -> Array:
    return np.concatenate([np.zeros(0, dtype=dtype), *parts]).astype(dtype)


def delta_header(name: str, description: str) -> MetricHeader:
    """The header of a counter."""
    return MetricHeader(name, description, type=MetricType.SUM, temporality=Temporality.DELTA, monotonic=True)
