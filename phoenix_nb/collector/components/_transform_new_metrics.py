"""Metrics that statements make of other metrics, behind those of their scopes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector.components._transform_edits import ByHeader, MetricEdit, MetricWork, headers_of
from phoenix_nb.collector.ottl import ROW_AXES, EvaluationError, Getter, Item, Rows
from phoenix_nb.otlp import MetricHeader, MetricType, PointKind, SummaryValue, Temporality

__all__ = ["Copy", "ExtractCount", "ExtractSum", "QuantilesToGauge", "number_columns"]

Array = npt.NDArray[Any]
_TYPE_NAMES: Final = {
    MetricType.NONE: "Empty",
    MetricType.GAUGE: "Gauge",
    MetricType.SUM: "Sum",
    MetricType.HISTOGRAM: "Histogram",
    MetricType.EXPONENTIAL_HISTOGRAM: "ExponentialHistogram",
    MetricType.SUMMARY: "Summary",
}


class Copy(MetricEdit):
    """``copy_metric``."""

    def __init__(
        self, name: Getter | None = None, description: Getter | None = None, unit: Getter | None = None
    ) -> None:
        self._getters = {
            key: getter
            for key, getter in (("name", name), ("description", description), ("unit", unit))
            if getter is not None
        }
        self._axes = frozenset({"header"}).union(*(getter.axes for getter in self._getters.values()))
        self._known: dict[int, tuple[int, str]] = {}

    def edit(self, work: MetricWork, rows: Rows, chosen: Array, order: int) -> dict[int, str]:
        """Append a copy; one whose new name cannot be computed keeps what it has so far."""
        known = work.frames.dictionaries.headers
        headers: list[int] = []
        failed: dict[int, str] = {}
        keys = rows.combination(tuple(sorted(self._axes - ROW_AXES))).tolist()
        for row in chosen.tolist():
            found = None if self._axes & ROW_AXES else self._known.get(keys[row])
            if found is None:
                found = self._made(known, rows.item(row, self._axes))
                self._known[keys[row]] = found
            headers.append(found[0])
            if found[1]:
                failed[row] = found[1]
        points, owner = work.points_of(chosen)
        work.add(chosen, order, np.array(headers, dtype=np.int32), owner, work.pick(points))
        return failed

    def _made(self, known: Any, item: Item) -> tuple[int, str]:
        header = item.metric
        try:
            for key, getter in self._getters.items():
                header = replace(header, **{key: getter.get(item)})
        except EvaluationError as exc:
            return known.intern(header), str(exc)
        return known.intern(header), ""


_HAS_TEMPORALITY: Final = (MetricType.HISTOGRAM, MetricType.EXPONENTIAL_HISTOGRAM)


class _Extract(MetricEdit, ABC):
    """A sum made of one number of each histogram or summary point."""

    name = ""
    ending = ""
    unit: str | None = None

    def __init__(self, monotonic: bool, suffix: str | None = None) -> None:
        self._monotonic = monotonic
        self._suffix = self.ending if suffix is None else suffix

    @abstractmethod
    def _number(self, value: Any) -> tuple[PointKind, int, float] | None:
        """Kind and value of the number of a point; ``None`` when it has none."""

    def edit(self, work: MetricWork, rows: Rows, chosen: Array, order: int) -> dict[int, str]:
        """Append the sums that have points; other kinds of metrics fail."""
        del rows
        good: list[int] = []
        failed: dict[int, str] = {}
        headers: list[int] = []
        known = work.frames.dictionaries.headers
        for row, header in zip(chosen.tolist(), headers_of(work, chosen), strict=True):
            temporality = (
                header.temporality
                if header.type in _HAS_TEMPORALITY
                else Temporality.CUMULATIVE
                if header.type == MetricType.SUMMARY
                else Temporality.UNSPECIFIED
            )
            if temporality == Temporality.UNSPECIFIED:
                failed[row] = (
                    f"{self.name} requires an input metric of type Histogram, ExponentialHistogram or Summary, "
                    f"got {_TYPE_NAMES[header.type]}"
                )
                continue
            made = MetricHeader(
                header.name + self._suffix,
                header.description,
                header.unit if self.unit is None else self.unit,
                MetricType.SUM,
                temporality,
                self._monotonic,
            )
            good.append(row)
            headers.append(known.intern(made))
        self._append(work, np.array(good, dtype=np.int64), headers, order)
        return failed

    def _append(self, work: MetricWork, chosen: Array, headers: list[int], order: int) -> None:
        points, owner = work.points_of(chosen)
        sides = work.sides()
        numbers = [self._number(sides[at].value) for at in work.frames.p_side[points].tolist()]
        kept = np.array([number is not None for number in numbers], dtype=np.bool_)
        points, owner = points[kept], owner[kept]
        columns = number_columns(work.pick(points), [number for number in numbers if number is not None])
        used, renumbered = np.unique(owner, return_inverse=True)
        work.add(
            chosen[used], order, np.array(headers, dtype=np.int32)[used], renumbered.reshape(-1), columns
        )


def number_columns(
    columns: dict[str, Array], numbers: Sequence[tuple[PointKind, int, float]]
) -> dict[str, Array]:
    """The columns of points that become plain numbers."""
    size = len(numbers)
    return {
        **columns,
        "p_kind": np.array([kind for kind, _, _ in numbers], dtype=np.uint8),
        "p_int": np.array([whole for _, whole, _ in numbers], dtype=np.int64),
        "p_double": np.array([number for _, _, number in numbers], dtype=np.float64),
        "p_flags": np.zeros(size, dtype=np.uint32),
        "p_side": np.full(size, -1, dtype=np.int32),
    }


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


class ExtractSum(_Extract):
    """``extract_sum_metric``."""

    name = "extract_sum_metric"
    ending = "_sum"

    def _number(self, value: Any) -> tuple[PointKind, int, float] | None:
        return None if value.sum is None else (PointKind.DOUBLE, 0, value.sum)


class ExtractCount(_Extract):
    """``extract_count_metric``."""

    name = "extract_count_metric"
    ending = "_count"
    unit = "1"

    def _number(self, value: Any) -> tuple[PointKind, int, float] | None:
        return PointKind.INT, _signed(value.count), 0.0


class QuantilesToGauge(MetricEdit):
    """``convert_summary_quantile_val_to_gauge``."""

    def __init__(self, attribute_key: str | None = None, suffix: str | None = None) -> None:
        self._key = "quantile" if attribute_key is None else attribute_key
        self._suffix = ".quantiles" if suffix is None else suffix

    def edit(self, work: MetricWork, rows: Rows, chosen: Array, order: int) -> dict[int, str]:
        """Append a gauge with one point per quantile; other kinds of metrics are left alone."""
        del rows
        by = ByHeader(work, chosen)
        summary = by.spread([header.type == MetricType.SUMMARY for header in by.headers], np.bool_)
        chosen = chosen[summary]
        known = work.frames.dictionaries
        headers = [
            known.headers.intern(
                MetricHeader(header.name + self._suffix, header.description, header.unit, MetricType.GAUGE)
            )
            for header in headers_of(work, chosen)
        ]
        points, owner = work.points_of(chosen)
        sides = work.sides()
        repeat: list[int] = []
        attributes: list[int] = []
        numbers: list[tuple[PointKind, int, float]] = []
        for at, row in enumerate(points.tolist()):
            value = sides[int(work.frames.p_side[row])].value
            assert isinstance(value, SummaryValue)  # noqa: S101 - points of summaries are summaries
            base = known.attribute_sets[int(work.frames.p_attributes[row])]
            for quantile, number in value.quantiles:
                repeat.append(at)
                attributes.append(known.attribute_sets.intern(base.with_item(self._key, quantile)))
                numbers.append((PointKind.DOUBLE, 0, number))
        places = np.array(repeat, dtype=np.int64)
        columns = number_columns(work.pick(points[places]), numbers)
        columns["p_attributes"] = np.array(attributes, dtype=np.int32)
        work.add(chosen, order, np.array(headers, dtype=np.int32), owner[places], columns)
        return {}
