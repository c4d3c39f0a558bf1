"""Where the saving comes from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from phoenix_nb.analysis._ledger import Ledger
from phoenix_nb.analysis._meter import ExperimentMeter
from phoenix_nb.analysis._process_class import process_class
from phoenix_nb.interfaces.evidence import Arm
from phoenix_nb.otlp import Attributes, Dictionaries, attribute_text

__all__ = ["AttributionRow", "Dimension", "attribution"]

Ids = npt.NDArray[np.int64]


class Dimension(StrEnum):
    """What totals are grouped by."""

    METRIC = "metric"
    PROCESS = "process"
    """``process.executable.name``."""
    OWNER = "owner"
    """``process.owner``."""
    CLASS = "class"
    """Kind of process, told by its name: database, web server, shell and helper, …"""
    INSTANCE = "instance"
    """Name and pid of one process."""
    HOST = "host"
    """``host.name``."""


_KEYS = {
    Dimension.PROCESS: "process.executable.name",
    Dimension.OWNER: "process.owner",
    Dimension.HOST: "host.name",
}


@dataclass(frozen=True, slots=True)
class AttributionRow:
    """The part of one group in both arms and in the saving."""

    name: str
    """The group; empty for series that do not carry it."""
    baseline_points: int
    """Data points of the baseline."""
    candidate_points: int
    """Data points of the candidate."""
    baseline_series: int
    """Distinct series of the baseline."""
    candidate_series: int
    """Distinct series of the candidate."""
    share_of_baseline: float
    """Its fraction of the baseline's points; 0 when the baseline has none."""
    share_of_saving: float | None
    """Its fraction of the points saved, negative where points were added; ``None`` when nothing was saved."""

    @property
    def saved_points(self) -> int:
        """Baseline minus candidate."""
        return self.baseline_points - self.candidate_points


def group_series(dictionaries: Dictionaries, dimension: Dimension) -> tuple[Ids, list[str]]:
    """Per series id its group, and the names of the groups; group 0 is the empty name."""
    series = dictionaries.series
    names: dict[str, int] = {"": 0}

    def number(value: object) -> int:
        return names.setdefault(value, len(names)) if isinstance(value, str) else 0

    if dimension is Dimension.METRIC:
        of_header = np.array([number(header.name) for header in dictionaries.headers], dtype=np.int64)
        found = of_header[series.header] if len(series) else np.zeros(0, dtype=np.int64)
        return found, list(names)
    of_resource = np.array(
        [number(_group(r.attributes, dimension)) for r in dictionaries.resources], dtype=np.int64
    )
    of_set = np.array([number(_group(a, dimension)) for a in dictionaries.attribute_sets], dtype=np.int64)
    if not len(series):
        return np.zeros(0, dtype=np.int64), list(names)
    own = of_resource[np.maximum(series.resource, 0)]
    # Processors may have moved the attribute to the points.
    return np.where(own > 0, own, of_set[series.attributes]), list(names)


def _group(attributes: Attributes, dimension: Dimension) -> str | None:
    """The group that these attributes belong to; ``None`` when they do not say."""
    if dimension in _KEYS:
        value = attributes.get(_KEYS[dimension])
        return value if isinstance(value, str) else None
    name = attributes.get(_KEYS[Dimension.PROCESS])
    if not isinstance(name, str):
        return None
    if dimension is Dimension.CLASS:
        return process_class(name)
    pid = attributes.get("process.pid")
    return name if pid is None else f"{name} {attribute_text(pid)}"


def _totals(ledger: Ledger, dictionaries: Dictionaries, group: Ids, groups: int) -> tuple[Ids, Ids]:
    """Points and distinct series per group."""
    points = ledger.padded()[: len(group)]
    used = np.flatnonzero(points)
    total = np.zeros(groups, dtype=np.int64)
    np.add.at(total, group[used], points[used])
    pairs = np.unique((group[used] << 32) | dictionaries.series.key[used])
    return total, np.bincount(pairs >> 32, minlength=groups).astype(np.int64)


def attribution(
    meter: ExperimentMeter, dimension: Dimension = Dimension.METRIC
) -> tuple[AttributionRow, ...]:
    """Where the saving in data points comes from, largest part first."""
    known = meter.dictionaries
    group, names = group_series(known, dimension)
    before, before_series = _totals(meter.ledgers[Arm.BASELINE], known, group, len(names))
    after, after_series = _totals(meter.ledgers[Arm.CANDIDATE], known, group, len(names))
    total, saved = int(before.sum()), int(before.sum() - after.sum())
    rows = [
        AttributionRow(
            name=name,
            baseline_points=int(before[at]),
            candidate_points=int(after[at]),
            baseline_series=int(before_series[at]),
            candidate_series=int(after_series[at]),
            share_of_baseline=int(before[at]) / total if total else 0.0,
            share_of_saving=int(before[at] - after[at]) / saved if saved else None,
        )
        for at, name in enumerate(names)
        if before[at] or after[at]
    ]
    return tuple(sorted(rows, key=lambda row: (-row.saved_points, -row.baseline_points, row.name)))
