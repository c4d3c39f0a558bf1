"""A payload's metrics and points while they are edited: rows may be marked dead, moved and added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector.components._aggregate import POINT_COLUMNS, AttributeKeys, Merge
from phoenix_nb.collector.components._arrange import arrange
from phoenix_nb.otlp import Frames, SidePoint, Temporality

__all__ = ["MetricTable"]

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
Ids = npt.NDArray[np.int32]


class MetricTable:
    """Columns of metrics and points that may be exchanged; rows are added at the end and sorted when it is done.

    Args:
        frames: the payloads.
    """

    def __init__(self, frames: Frames) -> None:
        whole = frames.compact()
        self.frames = whole
        self.dictionaries = whole.dictionaries
        self.m_sm: Ids = whole.m_sm
        self.m_header: Ids = whole.m_header
        self.m_alive: Mask = np.ones(whole.n_metrics, dtype=np.bool_)
        self.p_metric: Ids = whole.p_metric
        self.points: dict[str, Array] = {name: whole.column(name) for name in POINT_COLUMNS}
        self.p_alive: Mask = np.ones(whole.n_points, dtype=np.bool_)
        self.side: list[SidePoint] | Sequence[SidePoint] = whole.side

    # -- looking ---------------------------------------------------------------------------------------------

    def living_points(self, metrics: Mask) -> Array:
        """The places of living points of the marked metrics."""
        return np.flatnonzero(metrics.take(self.p_metric) & self.p_alive)

    def point_counts(self) -> Array:
        """Per metric its living points."""
        alive = self.p_metric if self.p_alive.all() else self.p_metric[self.p_alive]
        return np.bincount(alive, minlength=len(self.m_sm))

    def of_header(self, function: Any, dtype: npt.DTypeLike) -> Array:
        """Per metric what a function says about its header."""
        return self.dictionaries.headers.map(function, dtype).take(self.m_header)

    def payload_of(self, metrics: Array) -> Array:
        """The payloads of metric rows."""
        scopes = self.m_sm
        blocks = self.frames.n_rows("sm")
        if len(scopes) and int(scopes.max()) >= blocks:
            scopes = scopes % blocks
        return self.frames.sm_payload[scopes][metrics]

    # -- changing --------------------------------------------------------------------------------------------

    def change(self, name: str, rows: Array, values: Array) -> None:
        """Exchange a point column at some places."""
        column = self.points[name].copy()
        column[rows] = values
        self.points[name] = column

    def set_headers(self, metrics: Array, headers: Array) -> None:
        """Exchange the headers of some metric rows."""
        changed = self.m_header.copy()
        changed[metrics] = headers
        self.m_header = changed

    def drop_points(self, rows: Array) -> None:
        """Mark points dead."""
        alive = self.p_alive.copy()
        alive[rows] = False
        self.p_alive = alive

    def drop_metrics(self, metrics: Array) -> None:
        """Mark metrics dead, and with them their points."""
        alive = self.m_alive.copy()
        alive[metrics] = False
        self.m_alive = alive

    def add_metrics(self, scopes: Array, headers: Array) -> Ids:
        """Add metrics at the end of their scope blocks; gives their rows."""
        start = len(self.m_sm)
        self.m_sm = np.concatenate([self.m_sm, scopes.astype(np.int32)])
        self.m_header = np.concatenate([self.m_header, headers.astype(np.int32)])
        self.m_alive = np.concatenate([self.m_alive, np.ones(len(scopes), dtype=np.bool_)])
        return np.arange(start, start + len(scopes), dtype=np.int32)

    def add_points(self, metrics: Array, columns: Mapping[str, Array]) -> None:
        """Add points at the end of their metrics."""
        self.p_metric = np.concatenate([self.p_metric, metrics.astype(np.int32)])
        self.points = {name: np.concatenate([self.points[name], columns[name]]) for name in POINT_COLUMNS}
        self.p_alive = np.concatenate([self.p_alive, np.ones(len(metrics), dtype=np.bool_)])

    def add_side(self, side: Sequence[SidePoint]) -> int:
        """Add rows to the side table; gives the place of the first one."""
        start = len(self.side)
        self.side = [*self.side, *side]
        return start

    def pick(self, rows: Array) -> dict[str, Array]:
        """The columns of some points."""
        return {name: column.take(rows) for name, column in self.points.items()}

    def merge(
        self, rows: Array, owner: Array, function: str, keys: AttributeKeys
    ) -> tuple[Array, dict[str, Array]]:
        """What points become when those of one owner that agree in attributes and time are merged.

        Args:
            rows: the places of the points.
            owner: per point what it is merged in.
            function: how values are merged.
            keys: the numbers of attribute sets.

        Returns:
            The places of the first point of every group, and the columns of the merged points.
        """
        delta = self.of_header(lambda header: header.temporality == Temporality.DELTA, np.bool_)
        metric = self.p_metric.take(rows)
        merged = Merge(
            self.pick(rows),
            owner,
            self.payload_of(metric),
            delta[metric].astype(np.bool_),
            self.side,
            function,
            keys,
        )
        columns, side = merged.columns()
        if side:
            self.add_side(side)
        return rows[merged.groups.first], columns

    def merge_in_place(self, metrics: Mask, function: str, keys: AttributeKeys) -> None:
        """Merge the points of each marked metric."""
        rows = self.living_points(metrics)
        if not len(rows):
            return
        first, columns = self.merge(rows, self.p_metric[rows], function, keys)
        if len(first) == len(rows):
            return
        for name in ("p_int", "p_double", "p_start", "p_side"):
            self.change(name, first, columns[name])
        gone = np.zeros(len(self.p_metric), dtype=np.bool_)
        gone[rows] = True
        gone[first] = False
        self.p_alive = self.p_alive & ~gone

    # -- finishing -------------------------------------------------------------------------------------------

    def finish(self, groups: Sequence[Array] = (), *, keep_empty: bool = False) -> Frames:
        """The payloads as they are now; scope and resource blocks without metrics are gone.

        Args:
            keep_empty: whether blocks without metrics stay.
            groups: per group that metrics were moved to, the resource id of its block for each scope block of the
                frames. A metric is in block ``s`` of group ``g`` when its ``m_sm`` is ``(g + 1) * scope blocks + s``.
                These blocks come behind those of their payload and stay when they are empty.
        """
        frames, alive = self.frames, self.p_alive
        metrics = {"m_sm": self.m_sm, "m_header": self.m_header}
        place = np.cumsum(self.m_alive, dtype=np.int32) - np.int32(1)
        if not self.m_alive.all():
            alive = alive & self.m_alive.take(self.p_metric)
            metrics = {name: column[self.m_alive] for name, column in metrics.items()}
        blocks = len(frames.sm_rm)
        held = np.bincount(metrics["m_sm"], minlength=blocks)[:blocks] > 0
        resources = np.full(frames.n_resources, keep_empty, dtype=np.bool_)
        if keep_empty:
            held[:] = True
        resources[frames.sm_rm[held]] = True
        rm_place = np.cumsum(resources, dtype=np.int32) - np.int32(1)
        sm_place = np.cumsum(held, dtype=np.int32) - np.int32(1)
        columns: dict[str, Array] = {
            "rm_payload": frames.rm_payload[resources],
            "rm_resource": frames.rm_resource[resources],
            "rm_schema": frames.rm_schema[resources],
            "sm_rm": rm_place[frames.sm_rm[held]],
            "sm_scope": frames.sm_scope[held],
            "sm_schema": frames.sm_schema[held],
        }
        if groups:
            count = len(groups)
            added = np.arange(blocks * count, dtype=np.int32)
            source = added // count
            columns["rm_payload"] = np.concatenate([columns["rm_payload"], frames.sm_payload[source]])
            columns["rm_resource"] = np.concatenate(
                [columns["rm_resource"], np.stack(groups, axis=1).ravel()]
            )
            columns["rm_schema"] = _padded(columns["rm_schema"], len(added))
            columns["sm_rm"] = np.concatenate([columns["sm_rm"], added + np.int32(resources.sum())])
            columns["sm_scope"] = np.concatenate([columns["sm_scope"], frames.sm_scope[source]])
            columns["sm_schema"] = _padded(columns["sm_schema"], len(added))
            of_group = (np.arange(blocks)[None, :] * count + np.arange(count)[:, None]).ravel() + held.sum()
            sm_place = np.concatenate([sm_place, of_group.astype(np.int32)])
        metrics["m_sm"] = sm_place[metrics["m_sm"]]
        columns.update(metrics)
        columns["p_metric"] = place.take(self.p_metric)
        columns.update(self.points)
        kept = None if alive.all() else np.flatnonzero(alive)
        return arrange(self.dictionaries, frames.arrival, columns, self.side, points=kept)


def _padded(column: Array, more: int) -> Array:
    return np.concatenate([column, np.zeros(more, dtype=column.dtype)])
