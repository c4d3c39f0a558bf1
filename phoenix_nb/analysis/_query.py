"""Queries over an arm's output: groups, time bins, aggregations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.interfaces.monitoring import (
    Aggregation,
    DataPoint,
    MetricSeries,
    MetricsQuery,
    MetricsResult,
)
from phoenix_nb.otlp import Dictionaries, Frames, PointKind, attribute_text

__all__ = ["QueryRun"]

Ids = npt.NDArray[np.int64]
_NANO: Final = 1_000_000_000
_REDUCE: Final[Mapping[Aggregation, Callable[[npt.NDArray[np.float64]], Any]]] = {
    Aggregation.AVG: np.mean,
    Aggregation.SUM: np.sum,
    Aggregation.MIN: np.min,
    Aggregation.MAX: np.max,
    Aggregation.COUNT: len,
    Aggregation.P50: lambda values: np.quantile(values, 0.50),
    Aggregation.P95: lambda values: np.quantile(values, 0.95),
    Aggregation.P99: lambda values: np.quantile(values, 0.99),
}


@dataclass(slots=True)
class QueryRun:
    """Answers one query from payloads that are added in order.

    Points without a number (histograms, summaries) are counted, and left out of every other aggregation.

    Args:
        query: what is asked.
        dictionaries: what the ids of the frames mean.
    """

    query: MetricsQuery
    dictionaries: Dictionaries
    _groups: dict[tuple[str, tuple[str, ...]], int] = field(default_factory=dict)
    _units: dict[str, str] = field(default_factory=dict)
    _known: dict[int, int] = field(default_factory=dict)
    _values: dict[tuple[int, int], list[npt.NDArray[np.float64]]] = field(default_factory=dict)
    _read: int = 0

    def add(self, frames: Frames) -> None:
        """Take more payloads.

        Raises:
            InvalidRequestError: the answer has grown over its limit.
        """
        if not frames.n_points:
            return
        time = frames.p_time.astype(np.int64)
        wanted = self._group(frames) >= 0
        if self.query.start_time is not None:
            wanted &= time >= _nanos(self.query.start_time)
        if self.query.end_time is not None:
            wanted &= time < _nanos(self.query.end_time)
        if self.query.aggregation is not Aggregation.COUNT:
            wanted &= (frames.p_kind == PointKind.INT) | (frames.p_kind == PointKind.DOUBLE)
        rows = np.flatnonzero(wanted)
        self._read += len(rows)
        if not len(rows):
            return
        group = self._group(frames)[rows]
        moment = self._bins(frames, time, rows)
        values = np.where(frames.p_kind == PointKind.INT, frames.p_int, frames.p_double)[rows]
        order = np.lexsort((moment, group))
        group, moment, values = group[order], moment[order], values[order]
        edges = np.flatnonzero((np.diff(group) != 0) | (np.diff(moment) != 0)) + 1
        starts = np.concatenate([[0], edges, [len(rows)]])
        for low, high in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
            key = (int(group[low]), int(moment[low]))
            self._values.setdefault(key, []).append(values[low:high].astype(np.float64))
        if len(self._values) > self.query.limit:
            raise InvalidRequestError(
                f"the answer has more than {self.query.limit:,} values",
                hint="ask for fewer metrics, a longer step, fewer groups or a shorter time; or raise the limit",
                details={"limit": self.query.limit},
            )

    def _bins(self, frames: Frames, time: Ids, rows: Ids) -> Ids:
        step = self.query.step_seconds
        if step is not None:
            length = max(1, round(step * _NANO))
            return time[rows] // length * length
        # One value per payload: its newest point stands for it, so that jitter makes no bins of its own.
        newest = np.zeros(frames.n_payloads, dtype=np.int64)
        np.maximum.at(newest, frames.p_payload, time)
        return newest[frames.p_payload[rows]]

    def _group(self, frames: Frames) -> Ids:
        """Per point its group, or -1 when the query does not want it."""
        series, inverse = np.unique(frames.p_series, return_inverse=True)
        found = np.fromiter((self._group_of(int(one)) for one in series), dtype=np.int64, count=len(series))
        made: Ids = found[inverse.reshape(-1)]
        return made

    def _group_of(self, series: int) -> int:
        known = self._known.get(series)
        if known is None:
            known = self._known[series] = self._decide(series)
        return known

    def _decide(self, series: int) -> int:
        parts = self.dictionaries.series.parts(np.array([series]))
        header = self.dictionaries.headers[int(parts.header[0])]
        if self.query.metric_names and header.name not in self.query.metric_names:
            return -1
        resource = int(parts.resource[0])
        of_resource = self.dictionaries.resources[resource].attributes if resource >= 0 else None
        of_point = self.dictionaries.attribute_sets[int(parts.attributes[0])]

        def text(key: str) -> str | None:
            if key in of_point:
                return attribute_text(of_point.get(key))
            if of_resource is not None and key in of_resource:
                return attribute_text(of_resource.get(key))
            return None

        if any(text(key) != value for key, value in self.query.filters.items()):
            return -1
        labels = tuple(text(key) or "" for key in self.query.group_by)
        count = self.query.aggregation is Aggregation.COUNT
        self._units.setdefault(header.name, "1" if count else header.unit)
        return self._groups.setdefault((header.name, labels), len(self._groups))

    def result(self) -> MetricsResult:
        """The answer over everything that was added."""
        reduce = _REDUCE[self.query.aggregation]
        by_group: dict[int, list[DataPoint]] = {}
        for (group, moment), parts in sorted(self._values.items(), key=lambda entry: entry[0]):
            value = float(reduce(np.concatenate(parts)))
            by_group.setdefault(group, []).append(DataPoint(time=_time(moment), value=value))
        series = [
            MetricSeries(
                name=name,
                unit=self._units[name],
                labels=dict(zip(self.query.group_by, labels, strict=True)),
                points=tuple(by_group[group]),
            )
            for (name, labels), group in sorted(self._groups.items())
            if group in by_group
        ]
        return MetricsResult(series=tuple(series), points_read=self._read)


def _nanos(moment: datetime) -> int:
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return ((delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds) * 1000


def _time(nanoseconds: int) -> datetime:
    seconds, rest = divmod(nanoseconds, _NANO)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
