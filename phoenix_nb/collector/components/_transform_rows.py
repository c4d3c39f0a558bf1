"""Statements one row after the other, exactly as the collector runs them.

Needed where a statement changes what rows share (their metric, scope or resource), or adds metrics while points are
visited: then the order of rows decides, and whole columns cannot be computed at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from phoenix_nb.collector.components._arrange import arrange
from phoenix_nb.collector.components._transform_settings import CompiledGroup
from phoenix_nb.collector.ottl import EvaluationError, Item, Point, Rows, intern_axis
from phoenix_nb.otlp import COLUMNS, Frames, KeyValues, MetricHeader, Resource, Scope

__all__ = ["run_by_rows"]

_FIELDS: Final = (
    ("resource", "rm", "resource"),
    ("resource_schema", "rm", "resource_schema"),
    ("scope", "sm", "scope"),
    ("scope_schema", "sm", "scope_schema"),
    ("header", "m", "metric"),
    ("attributes", "p", "attributes"),
)
_COLUMNS: Final = {
    "resource": "rm_resource",
    "resource_schema": "rm_schema",
    "scope": "sm_scope",
    "scope_schema": "sm_schema",
    "header": "m_header",
    "attributes": "p_attributes",
}
_POINT: Final = (
    ("p_start", "start"),
    ("p_time", "time"),
    ("p_kind", "kind"),
    ("p_int", "as_int"),
    ("p_double", "as_double"),
    ("p_flags", "flags"),
)
_MOST_METRICS: Final = 1_000_000


@dataclass(slots=True)
class _State:
    """Everything as it is now; rows from the end on are new."""

    frames: Frames
    rows: Rows
    values: dict[str, dict[int, Any]] = field(default_factory=dict)
    points: dict[int, Point] = field(default_factory=dict)
    new_metrics: list[int] = field(default_factory=list)
    """Scope rows of new metrics."""
    new_points: list[int] = field(default_factory=list)
    """Metric rows of new points."""
    points_of: dict[int, list[int]] = field(default_factory=dict)
    """Points of new metrics."""

    def value(self, axis: str, row: int) -> Any:
        found = self.values.setdefault(axis, {})
        if row not in found:
            found[row] = self._stored(axis, row)
        return found[row]

    def _stored(self, axis: str, row: int) -> Any:
        known = self.frames.dictionaries
        number = int(self.frames.column(_COLUMNS[axis])[row])
        if axis == "resource":
            return known.resources[number] if number >= 0 else Resource()
        if axis == "scope":
            return known.scopes[number] if number >= 0 else Scope()
        if axis == "header":
            return known.headers[number]
        if axis == "attributes":
            return known.attribute_sets[number]
        return known.schema_urls[number]

    def point(self, row: int) -> Point:
        found = self.points.get(row)
        if found is None:
            found = self.points[row] = self.rows.point(row)
        return found


class _Host:
    """A metric with its points and its scope, for functions that add metrics."""

    def __init__(self, state: _State, scope: int, points: Sequence[int]) -> None:
        self._state = state
        self._scope = scope
        self._points = points

    def points(self) -> Iterator[tuple[KeyValues, Point]]:
        """Attributes and contents of every point of the metric, as they are now."""
        for row in self._points:
            yield self._state.value("attributes", row), self._state.point(row)

    def append(self, header: MetricHeader, points: Sequence[tuple[Any, Point]]) -> None:
        """Add a metric at the end of the scope."""
        state = self._state
        metric = state.frames.n_metrics + len(state.new_metrics)
        if len(state.new_metrics) >= _MOST_METRICS:
            raise EvaluationError("the statements add metrics without end")
        state.new_metrics.append(self._scope)
        state.values.setdefault("header", {})[metric] = header
        rows = []
        for attributes, point in points:
            row = state.frames.n_points + len(state.new_points)
            state.new_points.append(metric)
            state.values.setdefault("attributes", {})[row] = attributes
            state.points[row] = point
            rows.append(row)
        state.points_of[metric] = rows


def run_by_rows(frames: Frames, group: CompiledGroup, mode: str) -> tuple[Frames, dict[int, str], list[str]]:
    """Run a group of statements; returns the frames, the payloads that are refused and why, and what to log."""
    frames = frames.compact()
    runner = _Runner(_State(frames, Rows(frames, "p")), group, mode)
    return runner.run()


class _Runner:
    def __init__(self, state: _State, group: CompiledGroup, mode: str) -> None:
        self._state = state
        self._group = group
        self._mode = mode
        self._refused: dict[int, str] = {}
        self._logged: dict[str, None] = {}

    def run(self) -> tuple[Frames, dict[int, str], list[str]]:
        frames = self._state.frames
        level = self._group.context.level
        m_first = np.searchsorted(frames.m_sm, np.arange(frames.n_rows("sm") + 1)).tolist()
        p_first = np.searchsorted(frames.p_metric, np.arange(frames.n_metrics + 1)).tolist()
        payloads = frames.sm_payload.tolist()
        for sm, rm in enumerate(frames.sm_rm.tolist()):
            payload = payloads[sm]
            if payload in self._refused:
                continue
            failed = (
                self._one(rm, sm, -1, -1, ())
                if level == "sm"
                else self._metrics(rm, sm, range(m_first[sm], m_first[sm + 1]), p_first)
            )
            if failed:
                self._refused[payload] = failed
        return self._finished(), self._refused, list(self._logged)

    def _metrics(self, rm: int, sm: int, metrics: range, p_first: list[int]) -> str:
        state = self._state
        queue = list(metrics)
        seen = len(state.new_metrics)
        at = 0
        while at < len(queue):
            metric = queue[at]
            at += 1
            points = state.points_of.get(metric)
            if points is None:
                points = list(range(p_first[metric], p_first[metric + 1]))
            rows = [-1] if self._group.context.level == "m" else points
            for row in rows:
                failed = self._one(rm, sm, metric, row, points)
                if failed:
                    return failed
                # Metrics that were added are visited too.
                added = len(state.new_metrics)
                queue.extend(range(state.frames.n_metrics + seen, state.frames.n_metrics + added))
                seen = added
        return ""

    def _one(self, rm: int, sm: int, metric: int, point: int, points: Sequence[int]) -> str:
        """Every statement for one row; the error that refuses the payload, if any."""
        state = self._state
        frames = state.frames
        arrived = int(frames.arrival[frames.rm_payload[rm]])
        item = Item(cache=KeyValues.EMPTY, now=arrived, host=_Host(state, sm, points))
        owners = {"rm": rm, "sm": sm, "m": metric, "p": point}
        for axis, level, name in _FIELDS:
            if owners[level] >= 0:
                setattr(item, name, state.value(axis, owners[level]))
        if point >= 0:
            item.point = state.point(point)
        if metric >= 0:
            # Functions may ask how many points there are, or look at their attributes.
            needed = points if self._needs_points else ()
            item.points = tuple(state.value("attributes", row) for row in needed)
        active = self._active(item)
        if isinstance(active, str):
            return active
        if not active:
            return ""
        for statement in self._group.statements:
            try:
                if statement.where is None or statement.where.test(item):
                    statement.run(item)
            except EvaluationError as exc:
                if self._mode == "propagate":
                    return f"failed to execute statement: {statement.text}, {exc}"
                if self._mode == "ignore":
                    self._logged[f"failed to execute statement: {statement.text}, {exc}"] = None
            for axis, level, name in _FIELDS:
                if owners[level] >= 0:
                    state.values[axis][owners[level]] = getattr(item, name)
        return ""

    @property
    def _needs_points(self) -> bool:
        return any("points" in statement.axes for statement in self._group.statements) or any(
            "points" in condition.axes for _, condition in self._group.conditions
        )

    def _active(self, item: Item) -> bool | str:
        if not self._group.conditions:
            return True
        for text, condition in self._group.conditions:
            try:
                if condition.test(item):
                    return True
            except EvaluationError as exc:
                message = f"failed to eval condition: {text}, {exc}"
                if self._mode == "propagate":
                    return message
                if self._mode == "ignore":
                    self._logged[message] = None
        return False

    # -- back to columns -------------------------------------------------------------------------------------

    def _finished(self) -> Frames:
        state = self._state
        frames = state.frames
        columns = {name: frames.column(name) for name in COLUMNS}
        if state.new_metrics:
            columns = self._with_new_rows(columns)
        rows = state.rows
        holder = Item()
        for axis, _level, name in _FIELDS:
            values = state.values.get(axis)
            if not values:
                continue
            column = columns[_COLUMNS[axis]].copy()
            old = frames.n_rows(_level)
            for row, value in values.items():
                setattr(holder, name, value)
                column[row] = intern_axis(rows, axis, holder, int(column[row]) if row < old else 0)
            columns[_COLUMNS[axis]] = column
        if state.points:
            changed = {name: columns[name].copy() for name, _ in _POINT}
            side = columns["p_side"].copy()
            for row, point in state.points.items():
                for name, attribute in _POINT:
                    changed[name][row] = getattr(point, attribute)
                number = int(side[row])
                if point.side is not None and (number < 0 or rows.side(number) is not point.side):
                    side[row] = rows.add_side(point.side)
            columns.update(changed, p_side=side)
        return arrange(frames.dictionaries, frames.arrival, columns, rows.sides)

    def _with_new_rows(self, columns: dict[str, Any]) -> dict[str, Any]:
        state = self._state
        metrics, points = len(state.new_metrics), len(state.new_points)
        made = {}
        for name, column in columns.items():
            more = metrics if name.startswith("m_") else points if name.startswith("p_") else 0
            tail = np.zeros(more, dtype=column.dtype)
            if name == "m_sm":
                tail = np.array(state.new_metrics, dtype=column.dtype)
            elif name == "p_metric":
                tail = np.array(state.new_points, dtype=column.dtype)
            elif name == "p_side":
                tail -= 1
            made[name] = np.concatenate([column, tail]) if more else column
        return made
