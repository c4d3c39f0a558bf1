"""metricstransform: renames, copies, combines and groups metrics, and changes the labels of their points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector._regexp import Regexp, RegexpError, compile_regexp, fill_template
from phoenix_nb.collector.components._aggregate import AttributeKeys
from phoenix_nb.collector.components._base import (
    BuildError,
    ComponentKind,
    ComponentType,
    Flow,
    Setup,
    Stage,
    Stateless,
)
from phoenix_nb.collector.components._combine import Combination
from phoenix_nb.collector.components._metric_table import MetricTable
from phoenix_nb.collector.components._metrics_transform_operations import (
    Operation,
    compile_operation,
    plain_header,
)
from phoenix_nb.collector.components._metrics_transform_settings import (
    MetricsTransformSettings,
    TransformSettings,
    check,
)
from phoenix_nb.collector.components._rewrite import IdMap, exchange
from phoenix_nb.otlp import Attributes, Dictionaries, Frames, MetricHeader, Resource

__all__ = ["METRICS_TRANSFORM"]

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


class _Filter:
    """Which metrics by name, and which points by label."""

    def __init__(self, settings: TransformSettings) -> None:
        self.pattern: Regexp | None = None
        self._name = settings.include
        if settings.match_type == "regexp":
            self.pattern = compile_regexp(settings.include)
        labels = settings.experimental_match_labels
        try:
            self._labels = [(key, self._matcher(value)) for key, value in labels.items()]
        except RegexpError as exc:
            raise BuildError(str(exc)) from exc

    def _matcher(self, text: str) -> Callable[[str], bool]:
        return text.__eq__ if self.pattern is None else compile_regexp(text).search

    @property
    def by_label(self) -> bool:
        """Whether points are looked at."""
        return bool(self._labels)

    def matches_name(self, header: MetricHeader) -> bool:
        """Whether a metric's name fits."""
        return header.name == self._name if self.pattern is None else self.pattern.search(header.name)

    def matches_labels(self, attributes: Attributes) -> bool:
        """Whether a point's labels fit; what is absent or no text counts as empty."""
        for key, test in self._labels:
            value = attributes.get(key)
            if not test(value if isinstance(value, str) else ""):
                return False
        return True

    def renamed(self, template: str, name: str) -> str:
        """The new name of a metric."""
        if self.pattern is None:
            return template
        groups = self.pattern.groups(name)
        filled = "" if groups is None else fill_template(template, groups, self.pattern.names)
        return filled or template


@dataclass(frozen=True, slots=True)
class _Matched:
    """Metrics that a filter chose, and how far their points match."""

    some: Mask
    """Metrics with a matching point, or without points."""
    whole: Mask
    """Those of which every point matches."""
    sets: Mask
    """Per attribute set id whether it matches."""


class _Transform:
    """One transform on a table."""

    def __init__(self, settings: TransformSettings, setup: Setup, keys: AttributeKeys) -> None:
        self.settings = settings
        self.filter = _Filter(settings)
        self._dictionaries = setup.dictionaries
        version = ".".join(map(str, setup.version))
        self.operations: list[Operation] = [
            compile_operation(operation, setup.dictionaries, keys, version)
            for operation in settings.operations
        ]
        self._keys = keys
        self._plain = IdMap(setup.dictionaries.headers, plain_header)
        self._renames = IdMap(setup.dictionaries.headers, self.rename)
        self._combination = Combination(settings, self.filter.pattern, setup.dictionaries, keys)
        self._grouped = IdMap(setup.dictionaries.resources, self._labelled)

    def rename(self, header: MetricHeader) -> MetricHeader:
        """A header with its new name, if there is one."""
        template = self.settings.new_name
        return replace(header, name=self.filter.renamed(template, header.name)) if template else header

    @property
    def only_renames(self) -> bool:
        """Whether it does nothing but exchange headers."""
        plain = self.settings.action == "update" and not self.settings.operations
        return plain and not self.filter.by_label

    def _labelled(self, resource: Resource) -> Resource:
        attributes = resource.attributes
        for key, value in (self.settings.group_resource_labels or {}).items():
            attributes = attributes.with_item(key, value)
        return replace(resource, attributes=attributes)

    def group_resources(self, frames: Frames) -> Array:
        """Per scope block the resource of the group's block."""
        resources = frames.rm_resource[frames.sm_rm]
        made = self._grouped(resources)
        if (resources < 0).any():
            made = np.where(
                resources < 0, self._dictionaries.resources.intern(self._labelled(Resource())), made
            )
        return np.asarray(made)

    # -- matching --------------------------------------------------------------------------------------------

    def match(self, table: MetricTable) -> _Matched:
        """The metrics that this transform is about."""
        sets = self._dictionaries.attribute_sets
        named = table.of_header(self.filter.matches_name, np.bool_).astype(np.bool_) & table.m_alive
        named &= table.m_sm < table.frames.n_rows("sm")
        if not self.filter.by_label or not named.any():
            return _Matched(named, named.copy(), np.ones(len(sets), dtype=np.bool_))
        fits = sets.map(self.filter.matches_labels, np.bool_).astype(np.bool_)
        rows = table.living_points(named)
        metric = table.p_metric[rows]
        hit = fits[table.points["p_attributes"][rows]]
        count = len(table.m_sm)
        points = np.bincount(metric, minlength=count)
        hits = np.bincount(metric, weights=hit, minlength=count)
        return _Matched(named & ((points == 0) | (hits > 0)), named & (hits == points), fits)

    # -- actions ---------------------------------------------------------------------------------------------

    def apply(self, table: MetricTable, group: int) -> list[str]:
        """Change the table; ``group`` is the number of this transform among those that group."""
        matched = self.match(table)
        if not matched.some.any():
            return []
        action = self.settings.action
        if action == "update":
            return self._finish(table, matched.some, matched.whole)
        if action == "group":
            self._narrow(table, matched)
            blocks = table.frames.n_rows("sm")
            table.m_sm = np.where(matched.some, table.m_sm + np.int32((group + 1) * blocks), table.m_sm)
            return []
        if action == "insert":
            added = self._copied(table, matched)
            return self._finish(table, added, added.copy())
        added, warnings = self._combination.apply(table, matched.some, matched.sets)
        return warnings + self._finish(table, added, added.copy())

    def _all_sets(self) -> Mask:
        sets = self._dictionaries.attribute_sets
        return sets.map(self.filter.matches_labels, np.bool_).astype(np.bool_)

    def _narrow(self, table: MetricTable, matched: _Matched) -> None:
        """Metrics of which only some points match become metrics of these points, without metadata."""
        partial = matched.some & ~matched.whole
        if not partial.any():
            return
        rows = table.living_points(partial)
        table.drop_points(rows[~matched.sets[table.points["p_attributes"][rows]]])
        metrics = np.flatnonzero(partial)
        table.set_headers(metrics, self._plain(table.m_header[metrics]))

    def _copied(self, table: MetricTable, matched: _Matched) -> Mask:
        source = np.flatnonzero(matched.some)
        headers = table.m_header[source]
        partial = ~matched.whole[source]
        if partial.any():
            headers = np.where(partial, self._plain(headers), headers)
        rows = table.living_points(matched.some)
        rows = rows[matched.sets[table.points["p_attributes"][rows]]]
        columns = table.pick(rows)
        before = table.p_metric[rows]
        added = table.add_metrics(table.m_sm[source], headers)
        place = np.zeros(len(table.m_sm), dtype=np.int32)
        place[source] = added
        table.add_points(place[before], columns)
        made = np.zeros(len(table.m_sm), dtype=np.bool_)
        made[added] = True
        return made

    def _finish(self, table: MetricTable, chosen: Mask, whole: Mask) -> list[str]:
        """New names and operations; metrics whose points are all gone go too."""
        if not chosen.any():
            return []
        rows = np.flatnonzero(whole)
        if self.settings.new_name:
            table.set_headers(rows, self._renames(table.m_header[rows]))
        if not self.operations:
            return []
        warnings: list[str] = []
        empty = table.point_counts() == 0
        going = chosen.copy()
        for operation in self.operations:
            fits = (
                self._all_sets()
                if self.filter.by_label
                else np.ones(len(self._dictionaries.attribute_sets), dtype=np.bool_)
            )
            warnings.extend(operation(table, going, whole & going, fits))
        table.drop_metrics(chosen & ~empty & (table.point_counts() == 0))
        return warnings


class _MetricsTransform(Stateless):
    def __init__(self, transforms: Sequence[_Transform], dictionaries: Dictionaries) -> None:
        self._transforms = transforms
        self._renames: IdMap[MetricHeader] | None = None
        if all(transform.only_renames for transform in transforms):
            self._renames = IdMap(dictionaries.headers, self._renamed)

    def _renamed(self, header: MetricHeader) -> MetricHeader:
        for transform in self._transforms:
            if transform.filter.matches_name(header):
                header = transform.rename(header)
        return header

    def process(self, flow: Flow) -> Flow:
        frames = flow.frames
        if self._renames is not None:
            base = frames.selection[0]
            made = exchange(frames, m_header=self._renames(base.m_header))
            return flow.to(made.where())
        table = MetricTable(frames)
        warnings: list[str] = []
        groups: list[Array] = []
        for transform in self._transforms:
            warnings.extend(transform.apply(table, len(groups)))
            if transform.settings.action == "group":
                groups.append(transform.group_resources(table.frames))
        return flow.to(table.finish(groups), dict.fromkeys(warnings))


def _build(settings: MetricsTransformSettings, setup: Setup) -> Stage:
    check(settings, setup.version)
    keys = AttributeKeys(setup.dictionaries)
    return _MetricsTransform(
        [_Transform(transform, setup, keys) for transform in settings.transforms], setup.dictionaries
    )


METRICS_TRANSFORM: Final = ComponentType(
    ComponentKind.PROCESSOR,
    "metricstransform",
    MetricsTransformSettings,
    ("metrics_transform",),
    build=_build,
)
"""The metricstransform processor."""
