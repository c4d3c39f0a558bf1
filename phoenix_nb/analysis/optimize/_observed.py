"""What a stretch of payloads showed, one row per distinct series: the table that rules are searched on."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.analysis._ledger import point_values
from phoenix_nb.otlp import Dictionaries, Frames, MetricType, Temporality, attribute_text

__all__ = ["Observed", "observe"]

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_NAME = "process.executable.name"
_NANO = 1_000_000_000
_COLUMNS: Final[tuple[Callable[[Frames], npt.NDArray[np.generic]], ...]] = (
    lambda one: one.p_series_key,
    lambda one: one.p_time,
    lambda one: one.p_start,
)


@dataclass(frozen=True, slots=True)
class Observed:
    """Distinct series of some payloads, arrays of shape (series,) in the order of their keys."""

    dictionaries: Dictionaries
    """What the ids mean."""
    key: Ids
    """Series keys, increasing."""
    resource: Ids
    """Resource ids; 0 stands for an absent one too."""
    metric: Ids
    """Numbers of :attr:`metrics`."""
    attributes: Ids
    """Ids of point attribute sets."""
    name: Ids
    """Numbers of :attr:`names`; -1 for series that belong to no process."""
    points: Ids
    """Data points."""
    oldest: Floats
    """Seconds since its start that the newest point of a series shows; infinite where there is no start time."""
    last: Floats
    """Value of the newest point; 0 where it has none."""
    weight: Floats
    """Part of its metric's total, divided by the number of metrics; all weights together are 1."""
    payload_resources: tuple[Ids, ...]
    """Per payload its distinct resource ids, in order."""
    scrapes: tuple[Ids, Ids]
    """Pairs of a row and a payload that has a point of it: rows and payload numbers, each pair once."""
    metrics: tuple[str, ...]
    """Metric names, in order of first appearance."""
    names: tuple[str, ...]
    """Executable names, likewise."""

    def __len__(self) -> int:
        return len(self.key)

    def seen_every(self, factor: int) -> Flags:
        """Which series are there when only each ``factor``-th payload is collected, the first one among them."""
        rows, payloads = self.scrapes
        seen = np.zeros(len(self), dtype=np.bool_)
        seen[rows[payloads % factor == 0]] = True
        return seen

    def metric_weight(self, metric: str) -> float:
        """Weight of all series of a metric."""
        return float(self.weight[self.metric == self.metrics.index(metric)].sum())


def observe(frames: Sequence[Frames], dictionaries: Dictionaries) -> Observed:
    """Tabulate payloads, given in order.

    A series counts by its *amount*: what a cumulative monotonic sum grew by, the sum of the absolute values of
    anything else. A sum that began in these payloads grew from zero.

    Args:
        frames: payloads over the same dictionaries.
        dictionaries: these.
    """
    parts = [one for one in frames if one.n_points]
    keys, times, starts = (
        np.concatenate([np.zeros(0, dtype=np.int64), *(column(one).astype(np.int64) for one in parts)])
        for column in _COLUMNS
    )
    values = np.nan_to_num(
        np.concatenate([point_values(one) for one in parts] or [np.zeros(0)]), posinf=0.0, neginf=0.0
    )
    ordinals = _ordinals(frames)
    order = np.lexsort((times, keys))
    ordinals = ordinals[order]
    keys, times, starts, values = keys[order], times[order], starts[order], values[order]
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    last = np.append(first[1:], len(keys))[: len(first)] - 1
    found = keys[first]
    index = dictionaries.series
    header = index.key_header[found].astype(np.int64)
    cumulative = np.array(
        [
            one.type is MetricType.SUM and one.monotonic and one.temporality is Temporality.CUMULATIVE
            for one in dictionaries.headers
        ],
        dtype=np.bool_,
    )
    begin = int(times.min()) if len(times) else 0
    amount = np.add.reduceat(np.abs(values), first) if len(first) else np.zeros(0)
    grown = _growth(values, first, fresh=starts[first] >= begin)
    sums = cumulative[header] if len(header) else np.zeros(0, dtype=np.bool_)
    amount = np.where(sums, grown, amount)
    names, name = _names(dictionaries, index.key_resource[found])
    metrics, metric = _metrics(dictionaries, header)
    points = last - first + 1
    age = np.where(starts[last] > 0, (times[last] - starts[last]) / _NANO, np.inf)
    return Observed(
        dictionaries=dictionaries,
        key=found,
        resource=index.key_resource[found].astype(np.int64),
        metric=metric,
        attributes=index.key_attributes[found].astype(np.int64),
        name=name,
        points=points,
        oldest=age,
        last=values[last],
        weight=_weights(amount, points, metric, len(metrics)),
        payload_resources=_payload_resources(frames),
        scrapes=_scrapes(np.repeat(np.arange(len(first)), points), ordinals),
        metrics=metrics,
        names=names,
    )


def _ordinals(frames: Sequence[Frames]) -> Ids:
    """Per point the number of its payload, counted over all frames."""
    found, before = [np.zeros(0, dtype=np.int64)], 0
    for one in frames:
        if one.n_points:
            found.append(one.p_payload.astype(np.int64) + before)
        before += one.n_payloads
    return np.concatenate(found)


def _scrapes(rows: Ids, payloads: Ids) -> tuple[Ids, Ids]:
    if not len(rows):
        return rows, payloads
    width = int(payloads.max()) + 1
    pairs = np.unique(rows * width + payloads)
    return pairs // width, pairs % width


def _payload_resources(frames: Sequence[Frames]) -> tuple[Ids, ...]:
    found = []
    for one in frames:
        resources = np.maximum(one.rm_resource, 0).astype(np.int64)
        pairs = np.unique(np.stack([one.rm_payload.astype(np.int64), resources]), axis=1)
        edges = np.searchsorted(pairs[0], np.arange(one.n_payloads + 1))
        found += [pairs[1][low:high] for low, high in itertools.pairwise(edges.tolist())]
    return tuple(found)


def _growth(values: Floats, first: Ids, *, fresh: Flags) -> Floats:
    """What cumulative sums grew by; a fall is a reset, after which the sum counts from zero."""
    steps = np.diff(values, prepend=0.0)
    steps = np.where(steps < 0, values, steps)
    steps[first] = np.where(fresh, values[first], 0.0)
    return np.add.reduceat(steps, first) if len(first) else np.zeros(0)


def _names(dictionaries: Dictionaries, resource: npt.NDArray[np.int32]) -> tuple[tuple[str, ...], Ids]:
    known: dict[str, int] = {}
    of_resource: dict[int, int] = {}
    for number in dict.fromkeys(resource.tolist()):
        value = dictionaries.resources[number].attributes.get(_NAME)
        of_resource[number] = -1 if value is None else known.setdefault(attribute_text(value), len(known))
    return tuple(known), np.array([of_resource[number] for number in resource.tolist()], dtype=np.int64)


def _metrics(dictionaries: Dictionaries, header: Ids) -> tuple[tuple[str, ...], Ids]:
    known: dict[str, int] = {}
    of_header = {
        number: known.setdefault(dictionaries.headers[number].name, len(known))
        for number in dict.fromkeys(header.tolist())
    }
    return tuple(known), np.array([of_header[number] for number in header.tolist()], dtype=np.int64)


def _weights(amount: Floats, points: Ids, metric: Ids, metrics: int) -> Floats:
    weight = np.zeros(len(amount))
    for number in range(metrics):
        mine = metric == number
        total = float(amount[mine].sum())
        # A metric that is zero everywhere is worth as much as its points.
        share = amount[mine] / total if total > 0 else points[mine] / float(points[mine].sum())
        weight[mine] = share / metrics
    return weight
