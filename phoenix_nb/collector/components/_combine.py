"""The combine action of metricstransform: several metrics of a scope become one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector._regexp import Regexp
from phoenix_nb.collector.components._aggregate import AttributeKeys
from phoenix_nb.collector.components._grouping import combine, dense
from phoenix_nb.collector.components._metric_table import MetricTable
from phoenix_nb.collector.components._metrics_transform_settings import TransformSettings
from phoenix_nb.collector.components._rewrite import IdMap
from phoenix_nb.otlp import Attributes, Dictionaries, MetricHeader, MetricType, Temporality

__all__ = ["Combination"]

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
_TYPES = {
    MetricType.NONE: "Empty",
    MetricType.GAUGE: "Gauge",
    MetricType.SUM: "Sum",
    MetricType.HISTOGRAM: "Histogram",
    MetricType.EXPONENTIAL_HISTOGRAM: "ExponentialHistogram",
    MetricType.SUMMARY: "Summary",
}
_TEMPORALITIES = {
    Temporality.UNSPECIFIED: "Unspecified",
    Temporality.DELTA: "Delta",
    Temporality.CUMULATIVE: "Cumulative",
}


class Combination:
    """Combines the metrics that a transform chose.

    Args:
        settings: the transform.
        pattern: its pattern, whose groups become labels; ``None`` when it matches one name.
        dictionaries: the dictionaries of the run.
        keys: the numbers of attribute sets.
    """

    def __init__(
        self,
        settings: TransformSettings,
        pattern: Regexp | None,
        dictionaries: Dictionaries,
        keys: AttributeKeys,
    ) -> None:
        self._settings = settings
        self._pattern = pattern
        self._dictionaries = dictionaries
        self._keys = keys
        self._header = IdMap(dictionaries.headers, self._combined_header)
        self._key_sets: dict[frozenset[str], int] = {}
        self._labelled: dict[tuple[int, int], int] = {}

    def _combined_header(self, header: MetricHeader) -> MetricHeader:
        return replace(header, name=self._settings.new_name, metadata=Attributes.EMPTY)

    def apply(self, table: MetricTable, chosen: Mask, fits: Mask) -> tuple[Mask, list[str]]:
        """Replace the chosen metrics of every scope block by one.

        Args:
            table: what is changed.
            chosen: the metrics with a matching point.
            fits: per attribute set whether it matches.

        Returns:
            The new metrics, and why those of some scope blocks cannot be combined.
        """
        metrics = np.flatnonzero(chosen)
        blocks = dense(table.m_sm[metrics])
        possible, warnings = self._possible(table, metrics, blocks.of, blocks.first)
        metrics = metrics[possible[blocks.of]]
        made = np.zeros(len(table.m_sm), dtype=np.bool_)
        if not len(metrics):
            return made, warnings
        blocks = dense(table.m_sm[metrics])
        used = np.zeros(len(table.m_sm), dtype=np.bool_)
        used[metrics] = True
        rows = table.living_points(used)
        if not fits.all():
            rows = rows[fits.take(table.points["p_attributes"].take(rows))]
        block_of = np.zeros(len(table.m_sm), dtype=np.int32)
        block_of[metrics] = blocks.of
        owner = block_of.take(table.p_metric.take(rows))
        self._label(table, rows)
        first, columns = table.merge(rows, owner, self._settings.aggregation_type, self._keys)
        targets = owner[np.searchsorted(rows, first)]
        added = table.add_metrics(
            table.m_sm[metrics[blocks.first]], self._header(table.m_header[metrics[blocks.first]])
        )
        table.add_points(added[targets], columns)
        table.drop_metrics(metrics)
        made = np.zeros(len(table.m_sm), dtype=np.bool_)
        made[added] = True
        return made, warnings

    # -- labels from the name --------------------------------------------------------------------------------

    def _label(self, table: MetricTable, rows: Array) -> None:
        """Give points the groups of their metric's name as labels."""
        if self._pattern is None or len(self._pattern.names) < 2 or not len(rows):
            return
        header = table.m_header.take(table.p_metric.take(rows))
        attributes = table.points["p_attributes"].take(rows)
        pairs = dense(combine(header, attributes))
        found = zip(header[pairs.first].tolist(), attributes[pairs.first].tolist(), strict=True)
        new = np.fromiter((self._pair(*pair) for pair in found), dtype=np.int32, count=len(pairs))
        table.change("p_attributes", rows, new.take(pairs.of))

    def _pair(self, header: int, attributes: int) -> int:
        number = self._labelled.get((header, attributes))
        if number is None:
            sets = self._dictionaries.attribute_sets
            made = sets[attributes]
            for key, value in self._groups(self._dictionaries.headers[header].name):
                made = made.with_item(key, value)
            number = self._labelled[header, attributes] = sets.intern(made)
        return number

    def _groups(self, name: str) -> list[tuple[str, str]]:
        assert self._pattern is not None  # noqa: S101 - the caller asks only with a pattern
        groups = self._pattern.groups(name) or ()
        made = []
        for number, (key, value) in enumerate(zip(self._pattern.names, groups, strict=False)):
            if self._settings.submatch_case == "lower":
                value = value.lower()
            elif self._settings.submatch_case == "upper":
                value = value.upper()
            if number and value:
                made.append((key or f"${number}", value))
        return made

    # -- what can be combined --------------------------------------------------------------------------------

    def _possible(
        self, table: MetricTable, metrics: Array, block: Array, first: Array
    ) -> tuple[Mask, list[str]]:
        """Per scope block whether its chosen metrics can be combined, and why not."""
        headers = self._dictionaries.headers
        header = table.m_header[metrics]
        shapes: dict[object, int] = {}
        shape = headers.map(lambda one: shapes.setdefault(_shape(one), len(shapes)), np.int32)[header]
        summary = headers.map(lambda one: one.type == MetricType.SUMMARY, np.bool_)[header].astype(np.bool_)
        labels = self._label_keys(table, metrics)
        leader = first.take(block)
        bad = summary | (shape != shape.take(leader)) | (labels != labels.take(leader))
        possible = np.ones(len(first), dtype=np.bool_)
        warnings: dict[str, None] = {}
        if bad.any():
            possible[block[bad]] = False
            for number in np.flatnonzero(~possible).tolist():
                members = metrics[block == number]
                warnings[self._reason(table, members, labels[block == number])] = None
        return possible, list(warnings)

    def _label_keys(self, table: MetricTable, metrics: Array) -> Array:
        """Per metric a number for the set of label keys of its points."""
        sets = self._dictionaries.attribute_sets
        known = self._key_sets
        of_set = sets.map(lambda one: known.setdefault(frozenset(one), len(known)), np.int32)
        used = np.zeros(len(table.m_sm), dtype=np.bool_)
        used[metrics] = True
        rows = table.living_points(used)
        empty = known.setdefault(frozenset(), len(known))
        made = np.full(len(table.m_sm), empty, dtype=np.int32)
        metric, keys = table.p_metric.take(rows), of_set.take(table.points["p_attributes"].take(rows))
        made[metric] = keys
        mixed = np.unique(metric[made.take(metric) != keys])
        names = list(known)
        for number in mixed.tolist():
            together = frozenset[str]().union(
                *(names[key] for key in np.unique(keys[metric == number]).tolist())
            )
            made[number] = known.setdefault(together, len(known))
        return made[metrics]

    def _reason(self, table: MetricTable, metrics: Array, labels: Array) -> str:
        """The collector's words for metrics that cannot be combined."""
        headers = [self._dictionaries.headers[number] for number in table.m_header[metrics].tolist()]
        for header in headers:
            if header.type == MetricType.SUMMARY:
                return f"summary metrics cannot be combined: {header.name}"
        first = headers[0]
        names = list(self._key_sets)
        for header, label in zip(headers[1:], labels[1:].tolist(), strict=True):
            for what, mine, other in (
                ("are of different types", _TYPES[first.type], _TYPES[header.type]),
                ("have different units", first.unit, header.unit),
                ("have different attributes", _keys(names[int(labels[0])]), _keys(names[label])),
                (
                    "have different aggregation temporalities",
                    _TEMPORALITIES[first.temporality],
                    _TEMPORALITIES[header.temporality],
                ),
                ("have different monotonicity", str(first.monotonic).lower(), str(header.monotonic).lower()),
            ):
                if mine != other:
                    pair = f"{first.name} ({mine}) and {header.name} ({other})"
                    return f"metrics cannot be combined as they {what}: {pair}"
        return ""


def _shape(header: MetricHeader) -> object:
    return (header.type, header.unit, header.temporality, header.monotonic)


def _keys(labels: frozenset[str]) -> str:
    return "map[" + " ".join(f"{key}:{{}}" for key in sorted(labels)) + "]"
