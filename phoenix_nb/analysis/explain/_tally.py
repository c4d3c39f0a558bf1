"""Counting what goes into a step and what comes out, as a whole and by group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phoenix_nb.analysis._attribution import Dimension, group_series
from phoenix_nb.collector import Place
from phoenix_nb.otlp import Dictionaries, Frames, KeyValues, measure, point_bytes

__all__ = ["Change", "StepChange", "Tally"]

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Change:
    """One group before and after a step."""

    name: str
    """The metric, the process or the label; empty for series without it."""
    series_before: int
    """Distinct series that went in."""
    series_after: int
    """Distinct series that came out."""
    points_before: int
    """Data points that went in."""
    points_after: int
    """Data points that came out."""
    bytes_before: int
    """Bytes of these points alone; what points share (metric, resource) counts for the step only."""
    bytes_after: int
    """The same of those that came out."""

    @property
    def same(self) -> bool:
        """Whether the step changed nothing of it."""
        return (
            self.series_before == self.series_after
            and self.points_before == self.points_after
            and self.bytes_before == self.bytes_after
        )


@dataclass(frozen=True, slots=True)
class StepChange:
    """What one step did."""

    pipeline: str
    """The pipeline; empty for connectors."""
    component: str
    """Its id."""
    series_before: int
    """Distinct series that went in."""
    series_after: int
    """Distinct series that came out."""
    points_before: int
    """Data points that went in."""
    points_after: int
    """Data points that came out."""
    bytes_before: int
    """Uncompressed OTLP bytes that went in."""
    bytes_after: int
    """Uncompressed OTLP bytes that came out."""
    by_metric: tuple[Change, ...]
    """Metrics that it changed, most removed points first."""
    by_process: tuple[Change, ...]
    """Processes, by executable name, that it changed, likewise."""
    by_label: tuple[Change, ...]
    """Labels whose series it changed, likewise."""


class _Side:
    """One side of a step: points and their bytes per series id, and all bytes."""

    def __init__(self, dictionaries: Dictionaries) -> None:
        self._known = dictionaries
        self.points: Ids = np.zeros(0, dtype=np.int64)
        self.own: Ids = np.zeros(0, dtype=np.int64)
        self.bytes = 0

    def add(self, frames: Frames) -> None:
        self.bytes += int(measure(frames).bytes.sum())
        if not frames.n_points:
            return
        self.widen()
        series = frames.p_series
        size = len(self.points)
        self.points += np.bincount(series, minlength=size)
        # Whole numbers far below 2**53: sums of doubles are exact.
        self.own += np.bincount(series, weights=point_bytes(frames), minlength=size).astype(np.int64)

    def widen(self) -> None:
        """Make room for every series that is known now."""
        more = len(self._known.series) - len(self.points)
        if more > 0:
            self.points = np.pad(self.points, (0, more))
            self.own = np.pad(self.own, (0, more))

    def keys(self) -> Ids:
        """Distinct series keys."""
        return np.unique(self._known.series.key[np.flatnonzero(self.points)])


class Tally:
    """Both sides of one step; an observer of the engine."""

    def __init__(self, place: Place, dictionaries: Dictionaries) -> None:
        self.place = place
        self._known = dictionaries
        self.before = _Side(dictionaries)
        self.after = _Side(dictionaries)

    def __call__(self, before: Frames | None, after: Sequence[Frames]) -> None:
        if before is not None:
            self.before.add(before)
        for frames in after:
            self.after.add(frames)

    def change(self) -> StepChange:
        """What the step did."""
        self.before.widen()
        self.after.widen()
        return StepChange(
            pipeline="" if self.place.pipeline is None else str(self.place.pipeline),
            component=str(self.place.component),
            series_before=len(self.before.keys()),
            series_after=len(self.after.keys()),
            points_before=int(self.before.points.sum()),
            points_after=int(self.after.points.sum()),
            bytes_before=self.before.bytes,
            bytes_after=self.after.bytes,
            by_metric=self._by(Dimension.METRIC),
            by_process=self._by(Dimension.PROCESS),
            by_label=self._by_label(),
        )

    def _by(self, dimension: Dimension) -> tuple[Change, ...]:
        group, names = group_series(self._known, dimension)
        sides = [self._grouped(side, group, len(names)) for side in (self.before, self.after)]
        return _changed(
            Change(name, *(int(side[what][at]) for what in range(3) for side in sides))
            for at, name in enumerate(names)
        )

    def _grouped(self, side: _Side, group: Ids, groups: int) -> tuple[Ids, Ids, Ids]:
        """Series, points and bytes per group."""
        used = np.flatnonzero(side.points)
        points = np.bincount(group[used], weights=side.points[used], minlength=groups).astype(np.int64)
        own = np.bincount(group[used], weights=side.own[used], minlength=groups).astype(np.int64)
        pairs = np.unique((group[used] << 32) | self._known.series.key[used])
        return np.bincount(pairs >> 32, minlength=groups).astype(np.int64), points, own

    def _by_label(self) -> tuple[Change, ...]:
        index = self._known.series
        if not len(index):
            return ()
        resources = [one.attributes for one in self._known.resources]
        sets: list[KeyValues] = list(self._known.attribute_sets)
        used = np.flatnonzero(self.before.points + self.after.points)
        of_resource = {int(one) for one in np.unique(index.resource[used]) if one >= 0}
        labels = {key for at in of_resource for key in resources[at]}
        labels |= {key for at in np.unique(index.attributes[used]).tolist() for key in sets[at]}
        rows = []
        for label in sorted(labels):
            here = np.array([label in one for one in resources], dtype=np.bool_)
            there = np.array([label in one for one in sets], dtype=np.bool_)
            carries = (here[np.maximum(index.resource, 0)] & (index.resource >= 0)) | there[index.attributes]
            sides = [self._grouped(side, carries.astype(np.int64), 2) for side in (self.before, self.after)]
            rows.append(Change(label, *(int(side[what][1]) for what in range(3) for side in sides)))
        return _changed(rows)


def _changed(rows: Iterable[Change]) -> tuple[Change, ...]:
    """Those that changed, most removed points first."""
    kept = [row for row in rows if not row.same]
    return tuple(
        sorted(
            kept,
            key=lambda row: (
                row.points_after - row.points_before,
                row.series_after - row.series_before,
                row.name,
            ),
        )
    )
