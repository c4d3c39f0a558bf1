"""Changes to whole metrics: their points are merged, scaled or get other buckets."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector.components._aggregate import FUNCTIONS, POINT_COLUMNS, AttributeKeys, merge_points
from phoenix_nb.collector.components._arrange import arrange
from phoenix_nb.collector.components._exemplars import scale_exemplar
from phoenix_nb.collector.components._rewrite import IdMap
from phoenix_nb.collector.ottl import EvaluationError, Getter, Item, Rows
from phoenix_nb.otlp import (
    COLUMNS,
    Attributes,
    ExponentialHistogramValue,
    Frames,
    HistogramValue,
    MetricHeader,
    MetricType,
    PointKind,
    SidePoint,
    SummaryValue,
)

__all__ = [
    "Aggregate",
    "AggregateValue",
    "ByHeader",
    "Edit",
    "MetricEdit",
    "MetricWork",
    "Scale",
    "ToHistogram",
    "headers_of",
]

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


@dataclass(slots=True)
class _Added:
    """Metrics that one statement adds at the end of their scopes."""

    source: Array
    """Metric rows that they are made of."""
    order: int
    """Place of the statement."""
    scopes: Array
    headers: Array
    owner: Array
    """Per point its place in ``headers``."""
    points: dict[str, Array]
    side: Sequence[SidePoint]
    """What the points' ``p_side`` points into: later statements may exchange the side table."""


@dataclass(slots=True)
class MetricWork:
    """Frames while metric statements run."""

    frames: Frames
    keys: AttributeKeys
    added: list[_Added] = field(default_factory=list)
    side: list[SidePoint] | None = None

    def sides(self) -> Sequence[SidePoint]:
        """The side table as it is now."""
        return self.frames.side if self.side is None else self.side

    def add_side(self, side: SidePoint) -> int:
        """Another row of the side table."""
        if self.side is None:
            self.side = list(self.frames.side)
        self.side.append(side)
        return len(self.side) - 1

    def add(self, source: Array, order: int, headers: Array, owner: Array, points: dict[str, Array]) -> None:
        """Add metrics behind those of their scopes."""
        scopes = self.frames.m_sm[source]
        self.added.append(_Added(source, order, scopes, headers, owner, points, self.sides()))

    def settle(self) -> Mask:
        """Put what was added into the frames; returns which metric rows are new."""
        frames = self.frames
        if not self.added:
            return np.zeros(frames.n_metrics, dtype=np.bool_)
        source = np.concatenate([part.source for part in self.added])
        order = np.concatenate([np.full(len(part.source), part.order) for part in self.added])
        place = np.lexsort((order, source))
        rank = np.empty(len(place), dtype=np.int64)
        rank[place] = np.arange(len(place))
        starts = np.cumsum([0, *(len(part.source) for part in self.added)])[:-1].tolist()
        columns = {name: frames.column(name) for name in COLUMNS}
        sides = list(self.sides())
        for part in self.added:
            column = part.points["p_side"].copy()
            wide = np.flatnonzero(column >= 0)
            first = len(sides)
            sides.extend(part.side[number] for number in column[wide].tolist())
            column[wide] = np.arange(first, len(sides), dtype=np.int32)
            part.points["p_side"] = column
        m_sm = np.concatenate([part.scopes for part in self.added])[place]
        m_header = np.concatenate([part.headers for part in self.added])[place]
        owners = np.concatenate(
            [rank[part.owner + start] for part, start in zip(self.added, starts, strict=True)]
        )
        columns["p_metric"] = np.concatenate(
            [columns["p_metric"], (owners + frames.n_metrics).astype(np.int32)]
        )
        columns["m_sm"] = np.concatenate([columns["m_sm"], m_sm.astype(np.int32)])
        columns["m_header"] = np.concatenate([columns["m_header"], m_header.astype(np.int32)])
        for name in POINT_COLUMNS:
            columns[name] = np.concatenate([columns[name], *(part.points[name] for part in self.added)])
        new = np.concatenate(
            [np.zeros(frames.n_metrics, dtype=np.bool_), np.ones(len(place), dtype=np.bool_)]
        )
        moved = np.argsort(columns["m_sm"], kind="stable")
        self.frames = arrange(frames.dictionaries, frames.arrival, columns, sides)
        self.side, self.added = None, []
        return new[moved]

    def points_of(self, chosen: Array) -> tuple[Array, Array]:
        """Rows of the points of some metrics in order, and per point the place of its metric among them."""
        place = np.full(self.frames.n_metrics, -1, dtype=np.int64)
        place[chosen] = np.arange(len(chosen))
        owner = place[self.frames.p_metric]
        rows = np.flatnonzero(owner >= 0)
        return rows, owner[rows]

    def pick(self, rows: Array) -> dict[str, Array]:
        """Columns of some points."""
        return {name: self.frames.column(name)[rows] for name in POINT_COLUMNS}


class Edit(Protocol):
    """What a statement does with chosen metrics."""

    def edit(self, work: MetricWork, rows: Rows, chosen: Array, order: int) -> dict[int, str]:
        """Do it; returns the metric rows for which it failed, and why."""
        ...


class MetricEdit:
    """A function over whole metrics: it works on whole columns and is never called for one item."""

    def __call__(self, _item: Item) -> None:
        raise EvaluationError("this function changes whole metrics")


def headers_of(work: MetricWork, chosen: Array) -> list[MetricHeader]:
    """The headers of some metrics."""
    known = work.frames.dictionaries.headers
    return [known[number] for number in work.frames.m_header[chosen].tolist()]


class ByHeader:
    """What is decided per distinct header."""

    def __init__(self, work: MetricWork, chosen: Array) -> None:
        self.ids, self._of = np.unique(work.frames.m_header[chosen], return_inverse=True)
        self.headers = [work.frames.dictionaries.headers[number] for number in self.ids.tolist()]

    def spread(self, values: Sequence[Any], dtype: npt.DTypeLike) -> Array:
        """Values per header as values per metric."""
        return np.asarray(values, dtype=dtype)[self._of.reshape(-1)]


def _replaceheaders_of(
    work: MetricWork, chosen: Array, headers: Sequence[MetricHeader], by: ByHeader
) -> None:
    known = work.frames.dictionaries.headers
    column = work.frames.m_header.copy()
    column[chosen] = by.spread([known.intern(header) for header in headers], np.int32)
    work.frames = work.frames.replace(m_header=column)


# -- aggregation ------------------------------------------------------------------------------------------------------


class _Aggregation(MetricEdit, ABC):
    def __init__(self, aggregation_function: str) -> None:
        if aggregation_function not in FUNCTIONS:
            raise ValueError(
                f"invalid aggregation function: 'unsupported function: '{aggregation_function}'', "
                "valid options: sum, mean, min, max, median, count"
            )
        self._function = aggregation_function

    @abstractmethod
    def _changed(self, attributes: Attributes) -> Attributes:
        """What is left of the attributes of a point."""

    def _merge(self, work: MetricWork, chosen: Array, *, maps: bool) -> None:
        if not len(chosen):
            return
        by = ByHeader(work, chosen)
        if any(len(header.metadata) for header in by.headers):
            bare = [replace(header, metadata=Attributes.EMPTY) for header in by.headers]
            _replaceheaders_of(work, chosen, bare, by)
        frames = work.frames
        mask = np.zeros(frames.n_metrics, dtype=np.bool_)
        mask[chosen] = True
        if maps:
            change = IdMap(frames.dictionaries.attribute_sets, self._changed)
            inside = mask[frames.p_metric]
            if inside.all():
                column = change(frames.p_attributes)
            else:
                column = frames.p_attributes.copy()
                column[inside] = change(column[inside])
            frames = frames.replace(p_attributes=column)
        work.frames = merge_points(frames, mask, self._function, work.keys).compact()


class Aggregate(_Aggregation):
    """``aggregate_on_attributes``."""

    def __init__(self, aggregation_function: str, attributes: tuple[str, ...] | None = None) -> None:
        super().__init__(aggregation_function)
        self._attributes = attributes

    def _changed(self, attributes: Attributes) -> Attributes:
        return attributes.only(*(self._attributes or ()))

    def edit(self, work: MetricWork, rows: Rows, chosen: Array, order: int) -> dict[int, str]:
        """Merge the points of each metric that agree in the kept attributes and in time."""
        del rows, order
        by = ByHeader(work, chosen)
        summary = by.spread([header.type == MetricType.SUMMARY for header in by.headers], np.bool_)
        self._merge(work, chosen[~summary], maps=self._attributes is not None)
        text = "aggregate_on_attributes does not support aggregating Summary metrics"
        return dict.fromkeys(chosen[summary].tolist(), text)


class AggregateValue(_Aggregation):
    """``aggregate_on_attribute_value``."""

    def __init__(
        self, aggregation_function: str, attribute: str, values: tuple[str, ...], new_value: str
    ) -> None:
        super().__init__(aggregation_function)
        self._attribute = attribute
        self._values = frozenset(values)
        self._new = new_value

    def _changed(self, attributes: Attributes) -> Attributes:
        if self._attribute not in attributes:
            return attributes
        value = attributes.get(self._attribute)
        text = value if isinstance(value, str) else ""
        return attributes.with_item(self._attribute, self._new) if text in self._values else attributes

    def edit(self, work: MetricWork, rows: Rows, chosen: Array, order: int) -> dict[int, str]:
        """Rename listed values, then merge."""
        del rows, order
        self._merge(work, chosen, maps=True)
        return {}


# -- values -----------------------------------------------------------------------------------------------------------


class Scale(MetricEdit):
    """``scale_metric``."""

    def __init__(self, multiplier: float, unit: Getter | None = None) -> None:
        self._factor = multiplier
        self._unit = unit

    def edit(self, work: MetricWork, rows: Rows, chosen: Array, order: int) -> dict[int, str]:
        """Multiply every value; whole numbers are cut."""
        del order
        failed: dict[int, str] = {}
        units: dict[int, str] = {}
        if self._unit is not None:
            for row in chosen.tolist():
                try:
                    units[row] = str(self._unit.get(rows.item(row, self._unit.axes | {"header"})))
                except EvaluationError as exc:
                    failed[row] = f"could not get unit from ScaleArguments: {exc}"
        for row, header in zip(chosen.tolist(), headers_of(work, chosen), strict=True):
            if row in failed:
                continue
            if header.type == MetricType.EXPONENTIAL_HISTOGRAM:
                failed[row] = "exponential histograms are not supported by the 'scale_metric' function"
            elif header.type == MetricType.NONE:
                failed[row] = "unsupported metric type: 'Empty'"
        good = np.array([row for row in chosen.tolist() if row not in failed], dtype=np.int64)
        self._scale(work, good)
        if units:
            column = work.frames.m_header.copy()
            known = work.frames.dictionaries.headers
            for row in good.tolist():
                column[row] = known.intern(replace(known[int(column[row])], unit=units[row]))
            work.frames = work.frames.replace(m_header=column)
        return failed

    def _scale(self, work: MetricWork, good: Array) -> None:
        frames = work.frames
        mask = np.zeros(frames.n_metrics, dtype=np.bool_)
        mask[good] = True
        points = mask[frames.p_metric]
        kind = frames.p_kind
        with np.errstate(all="ignore"):
            doubles = np.where(
                points & (kind == PointKind.DOUBLE), frames.p_double * self._factor, frames.p_double
            )
            whole = points & (kind == PointKind.INT)
            scaled = frames.p_int.astype(np.float64) * self._factor
            fits = (scaled >= -(2.0**63)) & (scaled < 2.0**63)
            cut = np.where(fits, np.where(fits, scaled, 0.0).astype(np.int64), -(1 << 63))
        columns = {"p_double": doubles, "p_int": np.where(whole, cut, frames.p_int)}
        wide = np.flatnonzero(points & (frames.p_side >= 0) & (kind > PointKind.DOUBLE))
        if len(wide):
            sides = work.sides()
            side = frames.p_side.copy()
            for row in wide.tolist():
                side[row] = work.add_side(self._scaled(sides[int(side[row])]))
            columns["p_side"] = side
        work.frames = frames.replace(side=work.side, **columns)
        work.side = None

    def _scaled(self, side: SidePoint) -> SidePoint:
        factor, value = self._factor, side.value
        if isinstance(value, SummaryValue):
            quantiles = tuple((quantile, number * factor) for quantile, number in value.quantiles)
            return SidePoint(replace(value, sum=value.sum * factor, quantiles=quantiles), side.exemplars)
        assert isinstance(value, HistogramValue)  # noqa: S101 - other kinds were refused before

        def times(number: float | None) -> float | None:
            return None if number is None else number * factor

        made = replace(
            value,
            sum=times(value.sum),
            min=times(value.min),
            max=times(value.max),
            explicit_bounds=tuple(bound * factor for bound in value.explicit_bounds),
        )
        return SidePoint(made, tuple(scale_exemplar(raw, factor) for raw in side.exemplars))


# -- exponential histograms -------------------------------------------------------------------------------------------


def _upper(count: int, upper: float, _lower: float, bounds: Sequence[float], made: list[int]) -> None:
    at = next((at for at, bound in enumerate(bounds) if upper <= bound), len(bounds) - 1)
    made[at] += count


def _midpoint(count: int, upper: float, lower: float, bounds: Sequence[float], made: list[int]) -> None:
    middle = (upper + lower) / 2
    at = next((at for at, bound in enumerate(bounds) if middle <= bound), None)
    made[len(bounds) - 1 if at is None else max(at - 1, 0)] += count


def _uniform(count: int, upper: float, lower: float, bounds: Sequence[float], made: list[int]) -> None:
    last = len(bounds)
    start = next((at for at, bound in enumerate(bounds) if lower <= bound), last)
    end = min(next((at for at in range(start, last) if upper <= bounds[at]), last), last - 1)
    if end <= start:
        made[start] += count
        return
    share, rest = divmod(count, end - start + 1)
    for at in range(start, end + 1):
        made[at] += share + (at - start < rest)


_SPREADS: Final = {"upper": _upper, "midpoint": _midpoint, "uniform": _uniform}


class ToHistogram(MetricEdit):
    """``convert_exponential_histogram_to_histogram``."""

    def __init__(self, distribution_fn: str, explicit_bounds: tuple[float, ...]) -> None:
        if not explicit_bounds:
            raise ValueError("explicit bounds cannot be empty: []")
        if distribution_fn == "random":
            raise ValueError(
                "the random distribution is not supported by the embedded engine: it depends on chance"
            )
        if distribution_fn not in _SPREADS:
            raise ValueError(
                f"invalid distribution algorithm: {distribution_fn}, must be one of [upper, midpoint, random, uniform]"
            )
        self._spread = _SPREADS[distribution_fn]
        self._bounds = explicit_bounds

    def edit(self, work: MetricWork, rows: Rows, chosen: Array, order: int) -> dict[int, str]:
        """Exchange the buckets; other kinds of metrics are left alone."""
        del rows, order
        by = ByHeader(work, chosen)
        wanted = [header.type == MetricType.EXPONENTIAL_HISTOGRAM for header in by.headers]
        chosen = chosen[by.spread(wanted, np.bool_)]
        if not len(chosen):
            return {}
        by = ByHeader(work, chosen)
        made = [replace(one, type=MetricType.HISTOGRAM, metadata=Attributes.EMPTY) for one in by.headers]
        _replaceheaders_of(work, chosen, made, by)
        frames = work.frames
        points, _ = work.points_of(chosen)
        kind, side, flags = frames.p_kind.copy(), frames.p_side.copy(), frames.p_flags.copy()
        sides = work.sides()
        for row in points.tolist():
            side[row] = work.add_side(self._made(sides[int(side[row])]))
        kind[points] = PointKind.HISTOGRAM
        flags[points] = 0
        work.frames = frames.replace(side=work.side, p_kind=kind, p_side=side, p_flags=flags)
        work.side = None
        return {}

    def _made(self, side: SidePoint) -> SidePoint:
        value = side.value
        assert isinstance(value, ExponentialHistogramValue)  # noqa: S101 - the metric's type says so
        bounds = self._bounds
        counts = [0] * len(bounds)
        if value.zero_count > 0 and bounds[0] == 0:
            counts[0] += value.zero_count
        factor = math.ldexp(math.log(2), -value.scale)
        offset = 0 if value.positive is None else value.positive.offset
        for at, count in enumerate(() if value.positive is None else value.positive.bucket_counts):
            lower, upper = _exp((offset + at) * factor), _exp((offset + at + 1) * factor)
            if lower > bounds[-1]:
                counts[-1] += count
                continue
            fits = next(
                (b for b in range(1, len(bounds)) if lower > bounds[b - 1] and upper <= bounds[b]), None
            )
            if fits is None:
                self._spread(count, upper, lower, bounds, counts)
            else:
                counts[fits - 1] += count
        made = HistogramValue(
            count=value.count,
            sum=value.sum or 0.0,
            bucket_counts=tuple(count & ((1 << 64) - 1) for count in counts),
            explicit_bounds=bounds,
            min=value.min or 0.0,
            max=value.max or 0.0,
        )
        return SidePoint(made, side.exemplars)


def _exp(number: float) -> float:
    try:
        return math.exp(number)
    except OverflowError:
        return math.inf
