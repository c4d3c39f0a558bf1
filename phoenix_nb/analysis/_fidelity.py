"""Whether series that the candidate keeps still hold the values of the source, point by point."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.analysis._ledger import point_values
from phoenix_nb.interfaces.evidence import Fidelity, MetricFidelity
from phoenix_nb.otlp import Dictionaries, Frames, attribute_text

__all__ = ["FidelityCounter"]

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_EDGES: Final = np.concatenate([[0.0], np.geomspace(1e-12, 1e12, 961), [np.inf]])
"""Upper ends of the bins that relative errors are counted in: 6 % apart, the first for equality."""


@dataclass(slots=True)
class _Metric:
    compared: int = 0
    differing: int = 0
    largest: float = 0.0


@dataclass(slots=True)
class FidelityCounter:
    """Compares what an arm sent with the payloads it was sent for.

    Points belong together when series and time are equal, or, where an arm only changed what is told of a process, when
    host, pid, metric, attributes and time are. What an arm moved in time or merged is not compared. Memory grows with
    distinct resources, not with the run.

    Args:
        dictionaries: shared by the frames.
    """

    dictionaries: Dictionaries
    _errors: Ids = field(default_factory=lambda: np.zeros(len(_EDGES), dtype=np.int64))
    _metrics: dict[int, _Metric] = field(default_factory=lambda: defaultdict(_Metric))
    _unmatched: int = 0
    _process: Ids = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    _processes: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def add(self, raw: Frames, sent: Frames) -> None:
        """Compare the output for some payloads with these."""
        if not sent.n_points or not raw.n_points:
            self._unmatched += sent.n_points
            return
        if sent is raw:
            self._count(point_values(raw), point_values(raw), raw.p_header.astype(np.int64))
            return
        place = _same(*_codes(raw.p_series_key, sent.p_series_key, raw, sent))
        if (place < 0).any():
            place = np.where(place >= 0, place, self._by_process(raw, sent))
        matched = place >= 0
        self._unmatched += int(np.count_nonzero(~matched))
        before = point_values(raw)[place[matched]]
        after = point_values(sent)[matched]
        self._count(before, after, sent.p_header[matched].astype(np.int64))

    def _by_process(self, raw: Frames, sent: Frames) -> Ids:
        """Per point of ``sent`` the one point of ``raw`` of the same process, metric, attributes and time, or -1."""
        self._learn()
        index = self.dictionaries.series
        keys = np.concatenate([raw.p_series_key, sent.p_series_key])
        process = self._process[np.maximum(index.key_resource[keys], 0)]
        alike = np.stack([process, index.key_header[keys], index.key_attributes[keys]])
        _, code = np.unique(alike, axis=1, return_inverse=True)
        code = code.reshape(-1)
        ours, theirs = _codes(code[: raw.n_points], code[raw.n_points :], raw, sent)
        # What is there twice, or belongs to no process, cannot be told apart.
        ours = np.where(process[: raw.n_points] >= 0, ours, -1)
        _, back, counts = np.unique(ours, return_inverse=True, return_counts=True)
        ours = np.where(counts[back.reshape(-1)] == 1, ours, -1)
        return _same(ours, np.where(process[raw.n_points :] >= 0, theirs, -2))

    def _learn(self) -> None:
        resources = self.dictionaries.resources
        fresh = []
        for number in range(len(self._process), len(resources)):
            attributes = resources[number].attributes
            pid = attributes.get("process.pid")
            host, ident = (attribute_text(attributes.get(key, "")) for key in ("host.name", "host.id"))
            fresh.append(
                -1
                if pid is None
                else self._processes.setdefault((host, ident, attribute_text(pid)), len(self._processes))
            )
        self._process = np.concatenate([self._process, np.array(fresh, dtype=np.int64)])

    def _count(self, before: Floats, after: Floats, header: Ids) -> None:
        number = ~(np.isnan(before) & np.isnan(after))
        before, after, header = before[number], after[number], header[number]
        if not len(before):
            return
        with np.errstate(divide="ignore", invalid="ignore"):
            error = np.abs(after - before) / np.abs(before)
        # 0/0 and ∞/∞ are equality; anything else against nothing is as wrong as can be.
        error[before == after] = 0.0
        error[np.isnan(error)] = np.inf
        self._errors += np.bincount(np.searchsorted(_EDGES, error), minlength=len(_EDGES))
        names = self.dictionaries.headers.canonical[header]
        for name in np.unique(names).tolist():
            mine = error[names == name]
            one = self._metrics[name]
            one.compared += len(mine)
            one.differing += int(np.count_nonzero(mine))
            one.largest = max(one.largest, float(mine.max()))

    def report(self) -> Fidelity:
        """What was found so far."""
        compared = int(self._errors.sum())
        rank = np.searchsorted(np.cumsum(self._errors), 0.99 * compared) if compared else 0
        rows = [
            MetricFidelity(
                metric=self.dictionaries.headers[name].name,
                compared=one.compared,
                differing=one.differing,
                max_relative_error=one.largest,
            )
            for name, one in self._metrics.items()
        ]
        return Fidelity(
            compared=compared,
            differing=compared - int(self._errors[0]),
            not_comparable=self._unmatched,
            max_relative_error=max((one.largest for one in self._metrics.values()), default=0.0),
            p99_relative_error=float(_EDGES[int(rank)]),
            by_metric=tuple(sorted(rows, key=lambda row: (-row.differing, row.metric))),
        )


def _codes(
    ours: npt.NDArray[np.integer[Any]], theirs: npt.NDArray[np.integer[Any]], raw: Frames, sent: Frames
) -> tuple[Ids, Ids]:
    """Per point a number for its key and time, comparable between both frames."""
    _, time = np.unique(np.concatenate([raw.p_time, sent.p_time]), return_inverse=True)
    key = np.concatenate([ours, theirs]).astype(np.int64)
    code = key * (int(time.max()) + 1) + time.reshape(-1)
    return code[: raw.n_points], code[raw.n_points :]


def _same(ours: Ids, theirs: Ids) -> Ids:
    """Per code of ``theirs`` the place of an equal one in ``ours``, the first of several; -1 when there is none."""
    order = np.argsort(ours, kind="stable")
    place = np.minimum(np.searchsorted(ours[order], theirs), len(order) - 1)
    return np.where(ours[order][place] == theirs, order[place], -1)
