"""Merging points that agree in attributes and time, as the collector's aggregations do."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector._values import go_json
from phoenix_nb.collector.components._aggregate_side import histogram_key, merge_side
from phoenix_nb.collector.components._grouping import Groups, combine, dense, distinct, time_numbers
from phoenix_nb.otlp import Attributes, Dictionaries, Frames, MetricType, PointKind, SidePoint, Temporality

__all__ = ["FUNCTIONS", "POINT_COLUMNS", "AttributeKeys", "Merge", "merge_points"]

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
Ids = npt.NDArray[np.int32]

FUNCTIONS: Final = ("sum", "mean", "min", "max", "median", "count")
"""The aggregation functions; any other text leaves the first point's value."""
POINT_COLUMNS: Final = (
    "p_attributes",
    "p_start",
    "p_time",
    "p_kind",
    "p_int",
    "p_double",
    "p_flags",
    "p_side",
)
"""The columns of points, their metric left out."""
_LOW: Final = -(1 << 63)
_LIMIT: Final = 2.0**63


class AttributeKeys:
    """Numbers of attribute sets that the collector's aggregation cannot tell apart.

    It compares their JSON texts: 1 and 1.0 are one, bytes and their base64 text are one. A number that JSON has not
    makes the whole key empty, time included: number 0 stands for that.
    """

    def __init__(self, dictionaries: Dictionaries) -> None:
        self._sets = dictionaries.attribute_sets
        self._known: Ids = np.full(64, -1, dtype=np.int32)
        self._texts: dict[str, int] = {}

    def __call__(self, ids: Ids) -> Ids:
        """The numbers of attribute set ids."""
        if not len(ids):
            return ids
        top = int(ids.max())
        if top >= len(self._known):
            bigger = np.full(max(top + 1, 2 * len(self._known)), -1, dtype=np.int32)
            bigger[: len(self._known)] = self._known
            self._known = bigger
        made = self._known.take(ids)
        if int(made.min()) < 0:
            for number in distinct(ids[made < 0]).tolist():
                self._known[number] = self._key(self._sets[number])
            made = self._known.take(ids)
        return made

    def _key(self, attributes: Attributes) -> int:
        try:
            text = go_json(attributes)
        except ValueError:
            return 0
        return self._texts.setdefault(text, len(self._texts) + 1)


class Merge:
    """Points merged by one function.

    Args:
        points: the columns of the points that take part (``POINT_COLUMNS``).
        owner: per point what it is merged in; points of different owners never meet.
        payload: per point its payload.
        delta: per point whether its metric is of delta temporality, which keeps start times apart.
        side: what ``p_side`` points into.
        function: one of :data:`FUNCTIONS`, or any other text for the first value.
        keys: the numbers of attribute sets.
    """

    def __init__(
        self,
        points: Mapping[str, Array],
        owner: Array,
        payload: Array,
        delta: Mask,
        side: Sequence[SidePoint],
        function: str,
        keys: AttributeKeys,
    ) -> None:
        self._points = points
        self._side = side
        self._function = function
        self.groups: Groups = self._grouped(owner, payload, delta, keys)
        """The groups of the points."""

    def _grouped(self, owner: Array, payload: Array, delta: Mask, keys: AttributeKeys) -> Groups:
        points = self._points
        attributes = keys(points["p_attributes"])
        times = time_numbers(points["p_time"], payload)
        broken = attributes == 0
        if broken.any():
            times = np.where(broken, np.int32(0), times)
            delta = delta & ~broken
        found = dense(combine(dense(combine(owner, attributes)).of, times))
        if delta.any():
            starts = np.where(delta, time_numbers(points["p_start"], payload), np.int32(0))
            found = dense(combine(found.of, starts))
        histograms = (points["p_kind"] >= PointKind.HISTOGRAM) & ~broken
        if histograms.any():
            known: dict[object, int] = {}
            extra = np.zeros(len(times), dtype=np.int32)
            rows = np.flatnonzero(histograms)
            sides, flags = points["p_side"][rows].tolist(), points["p_flags"][rows].tolist()
            for at, number, flag in zip(rows.tolist(), sides, flags, strict=True):
                key = histogram_key(self._side[number].value, flag)
                extra[at] = known.setdefault(key, len(known) + 1)
            found = dense(combine(found.of, extra))
        return found

    def columns(self) -> tuple[dict[str, Array], list[SidePoint]]:
        """What the first point of each group becomes: columns by group, and new rows for the end of the side table."""
        first = self.groups.first
        made = {name: self._points[name].take(first) for name in POINT_COLUMNS}
        if len(first) == len(self.groups.of):
            return made, []
        sizes = np.bincount(self.groups.of, minlength=len(first))
        several = sizes > 1
        kind = made["p_kind"]
        if self._function in FUNCTIONS:
            self._numbers(made, sizes, several)
        numbers = several & ((kind == PointKind.INT) | (kind == PointKind.DOUBLE))
        starts = self._points["p_start"]
        if numbers.any() and (starts != starts.take(first).take(self.groups.of)).any():
            earliest = starts[first]
            np.minimum.at(earliest, self.groups.of, starts)
            made["p_start"] = np.where(numbers, earliest, made["p_start"])
        side = self._histograms(made, several & (kind >= PointKind.HISTOGRAM))
        return made, side

    # -- numbers ---------------------------------------------------------------------------------------------

    def _numbers(self, made: dict[str, Array], sizes: Array, several: Mask) -> None:
        points = self._points
        ints, doubles, kinds = points["p_int"], points["p_double"], points["p_kind"]
        fraction = several & (made["p_kind"] == PointKind.DOUBLE)
        if fraction.any():
            whole_here = kinds == PointKind.INT
            values = np.where(whole_here, ints.astype(np.float64), doubles) if whole_here.any() else doubles
            result = self._double(values, sizes, made["p_double"])
            made["p_double"] = np.where(fraction, result, made["p_double"])
        whole = several & (made["p_kind"] == PointKind.INT)
        if whole.any():
            numbers = ints
            if self._function not in {"sum", "mean"} and (kinds == PointKind.DOUBLE).any():
                # A sum reads the wrong member of a double point, which is 0; the others convert.
                numbers = np.where(kinds == PointKind.DOUBLE, _truncated(doubles), ints)
            made["p_int"] = np.where(whole, self._int(numbers, sizes, made["p_int"]), made["p_int"])

    def _double(self, values: Array, sizes: Array, first: Array) -> Array:
        function, of, count = self._function, self.groups.of, len(sizes)
        if function in {"sum", "mean"}:
            # A left fold in row order, as the collector adds.
            total: Array = np.bincount(of, weights=values, minlength=count)
            zero = total == 0
            if zero.any():
                # Starting from 0.0 loses the sign where only negative zeros are added.
                negative = (values == 0) & np.signbit(values)
                only = np.bincount(of, weights=negative, minlength=count) == sizes
                total[zero & only] = -0.0
            return total if function == "sum" else total / sizes
        if function == "count":
            return sizes.astype(np.float64)
        if function == "median":
            return _median(values, of, sizes, lambda low, high: (low + high) / 2)
        best = first.copy()
        highest = function == "max"
        with np.errstate(invalid="ignore"):
            (np.maximum if highest else np.minimum).at(best, of, values)
        bound = math.inf if highest else -math.inf
        if np.isnan(best).any():
            # Go's Max and Min prefer their infinity to a NaN.
            best[np.bincount(of, weights=values == bound, minlength=count) > 0] = bound
        zero = best == 0
        if zero.any():
            wanted = (values == 0) & (np.signbit(values) != highest)
            there = np.bincount(of, weights=wanted, minlength=count) > 0
            best[zero & there] = 0.0 if highest else -0.0
        return best

    def _int(self, values: Array, sizes: Array, first: Array) -> Array:
        function, of = self._function, self.groups.of
        if function in {"sum", "mean"}:
            total = np.zeros(len(sizes), dtype=np.int64)
            np.add.at(total, of, values)
            return total if function == "sum" else _quotient(total, sizes)
        if function == "count":
            return sizes.astype(np.int64)
        if function == "median":
            return _median(values, of, sizes, lambda low, high: _quotient(low + high, np.int64(2)))
        best = first.copy()
        (np.maximum if function == "max" else np.minimum).at(best, of, values)
        return best

    # -- histograms ------------------------------------------------------------------------------------------

    def _histograms(self, made: dict[str, Array], several: Mask) -> list[SidePoint]:
        if not several.any():
            return []
        side, starts, of = self._points["p_side"], self._points["p_start"], self.groups.of
        members: dict[int, list[int]] = {}
        for at in np.flatnonzero(several[of]).tolist():
            members.setdefault(int(of[at]), []).append(at)
        fresh: list[SidePoint] = []
        for number, rows in members.items():
            points = [self._side[int(side[at])] for at in rows]
            merged, start = merge_side(points, [int(starts[at]) for at in rows])
            made["p_side"][number] = len(self._side) + len(fresh)
            made["p_start"][number] = start
            fresh.append(merged)
        return fresh


def _truncated(values: Array) -> Array:
    """Go's conversion to int64 on amd64: what does not fit becomes the least number."""
    fits = (values >= -_LIMIT) & (values < _LIMIT)
    made: Array = np.where(fits, values, 0.0).astype(np.int64)
    made[~fits] = _LOW
    return made


def _quotient(left: Array, right: Any) -> Array:
    """Division that cuts towards zero."""
    quotient = left // right
    quotient += ((left % right != 0) & (left < 0)).astype(np.int64)
    return np.asarray(quotient)


def _median(values: Array, of: Ids, sizes: Array, middle: Callable[[Array, Array], Array]) -> Array:
    # Go sorts NaN before every number.
    order = np.lexsort((values, ~np.isnan(values), of))
    ordered = values[order]
    begins = np.cumsum(sizes) - sizes
    high = ordered[begins + sizes // 2]
    low = ordered[begins + np.maximum(sizes // 2 - 1, 0)]
    return np.where(sizes % 2 == 1, high, middle(low, high))


def merge_points(frames: Frames, metrics: Mask, function: str, keys: AttributeKeys) -> Frames:
    """Frames in which points of the marked metric rows that agree in attributes and time are one.

    Sums, gauges and histograms are merged; points of summaries vanish and typeless metrics stay. The merged point
    stands where the first of its group stood.

    Args:
        frames: the payloads; ``p_attributes`` already as they shall be.
        metrics: per metric row whether its points are merged.
        function: one of :data:`FUNCTIONS`; any other text keeps the first value.
        keys: the numbers of attribute sets, kept by the caller.
    """
    whole = frames.compact()
    known = whole.dictionaries
    summaries = metrics & (known.header_types()[whole.m_header] == MetricType.SUMMARY)
    metric = whole.p_metric
    rows = np.flatnonzero((metrics & ~summaries).take(metric))
    deltas = known.headers.map(lambda header: header.temporality == Temporality.DELTA, np.bool_)
    everything = len(rows) == len(metric)
    owner = metric if everything else metric.take(rows)
    merged = Merge(
        {name: whole.column(name) if everything else whole.column(name).take(rows) for name in POINT_COLUMNS},
        owner,
        whole.m_payload.take(owner),
        deltas.astype(np.bool_).take(whole.m_header).take(owner),
        whole.side,
        function,
        keys,
    )
    kept = np.ones(whole.n_points, dtype=np.bool_)
    kept[rows] = merged.groups.is_first
    if summaries.any():
        kept &= ~summaries.take(metric)
    if kept.all():
        return frames
    made, side = merged.columns()
    at = rows[merged.groups.first]
    columns = {}
    for name in ("p_int", "p_double", "p_start", "p_side"):
        column = whole.column(name).copy()
        column[at] = made[name]
        columns[name] = column
    changed = whole.replace(side=(*whole.side, *side) if side else None, **columns)
    return changed.where(kept, keep_empty=True)
