"""signaltometrics: makes sums, gauges and histograms out of points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector._values import truncate_to_int
from phoenix_nb.collector.components._arrange import arrange
from phoenix_nb.collector.components._base import (
    ComponentKind,
    ComponentType,
    Flow,
    Setup,
    Stage,
    Stateless,
)
from phoenix_nb.collector.components._counting import Conditions
from phoenix_nb.collector.components._counting_settings import compile_any_path
from phoenix_nb.collector.components._expo_histogram import ExponentialCollector
from phoenix_nb.collector.components._grouping import combine, dense
from phoenix_nb.collector.components._rewrite import IdMap
from phoenix_nb.collector.components._signal_to_metrics_attributes import Chosen, Keys, KeysError
from phoenix_nb.collector.components._signal_to_metrics_settings import (
    MetricSettings,
    SignalToMetricsSettings,
    compile_expression,
)
from phoenix_nb.collector.ottl import Rows, ValueExpression
from phoenix_nb.otlp import (
    Dictionaries,
    Frames,
    HistogramValue,
    MetricHeader,
    MetricType,
    PointKind,
    Resource,
    Scope,
    SidePoint,
    Temporality,
)

__all__ = ["SIGNAL_TO_METRICS"]

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
_NAME: Final = "github.com/open-telemetry/opentelemetry-collector-contrib/connector/signaltometricsconnector"
_INSTANCE: Final = "service.instance.id"
_PREFIX: Final = "signal_to_metrics."
_OLD_PREFIX: Final = "signaltometrics."
_OLD: Final = (0, 124, 1)
"""The newest release known to use the old prefix, and to add the collector's name too."""
_OLD_KEYS: Final = (_INSTANCE, "service.name", "service.namespace")
_WRAP: Final = 1 << 64


@dataclass(frozen=True, slots=True)
class _Taken:
    """What one definition takes from the points."""

    order: Array
    """Per value its place among everything that the connector does, for equal metrics and new resources."""
    payload: Array
    resource: Array
    attributes: Array
    values: list[Any]
    counts: list[int]


class _Definition:
    """One metric to make."""

    def __init__(self, settings: MetricSettings, setup: Setup) -> None:
        known = setup.dictionaries
        self.settings = settings
        self.kind = _kind(settings)
        self.header = _header(settings, self.kind)
        self._chosen = Chosen(settings.attributes, setup.version)
        resources = self._chosen_resources = Chosen(settings.include_resource_attributes, setup.version)
        old = setup.version <= _OLD
        own = [
            ((_OLD_PREFIX if old else _PREFIX) + key, setup.resource[key])
            for key in (_OLD_KEYS if old else (_INSTANCE,))
            if setup.resource.get(key)
        ]
        every = not settings.include_resource_attributes

        def filtered(resource: Resource, keys: Keys = ()) -> Resource:
            made = resource.attributes if every else resources.pick(resource.attributes, keys)
            for key, value in own:
                made = made.with_item(key, value)
            return Resource(made)

        self._filtered = filtered
        self._resources = IdMap(known.resources, filtered)
        self._attributes = IdMap(known.attribute_sets, self._chosen.pick)
        self._conditions = Conditions(
            [compile_any_path(text, "datapoint", setup.version) for text in settings.conditions]
        )
        source: Any = getattr(settings, self.kind)
        self.value = compile_expression(source.value, setup.version)
        count = getattr(source, "count", "")
        self.count: ValueExpression | None = compile_expression(count, setup.version) if count else None

    def take(
        self, frames: Frames, place: int, errors: dict[int, str], logged: dict[str, None], mode: str
    ) -> _Taken:
        """The values of the points that match."""
        known = frames.dictionaries
        matches = known.attribute_sets.map(self._chosen.matches, np.bool_)[frames.p_attributes].astype(
            np.bool_
        )
        true, failed = self._conditions.over(Rows(frames, "p"), matches)
        for row, text in failed.items():
            if mode == "propagate":
                errors.setdefault(int(frames.p_payload[row]), f"failed to evaluate conditions: {text}")
            elif mode != "silent":
                logged[text] = None
        rows = np.flatnonzero(true)
        resources = self._resources_of(frames, rows, errors)
        attributes = self._attributes_of(frames, np.flatnonzero(matches), errors)
        part = frames.where(true, keep_empty=True)
        numbers, counts, good = self._values(Rows(part, "p"), frames.p_payload[rows], errors, logged, mode)
        resource, rows = resources[good], rows[good]
        # The collector goes metric by metric, and in each definition by definition.
        order = frames.p_metric[rows].astype(np.int64) * (1 << 16) + place
        return _Taken(
            order,
            frames.p_payload[rows],
            known.resources.canonical[resource],
            known.attribute_sets.canonical[attributes[rows]],
            numbers,
            counts,
        )

    def _attributes_of(self, frames: Frames, rows: Array, errors: dict[int, str]) -> Array:
        """Per point the attributes that stay; only those of the given points are told."""
        if not self._chosen.expressions:
            return np.asarray(self._attributes(frames.p_attributes))
        known = frames.dictionaries.attribute_sets
        made = np.zeros(frames.n_points, dtype=np.int32)
        points, numbers = Rows(frames, "p"), frames.p_attributes
        by_keys: dict[tuple[int, Keys], int] = {}
        for row in rows.tolist():
            try:
                key = int(numbers[row]), self._chosen.keys_at(points, row)
            except KeysError as exc:
                errors.setdefault(int(frames.p_payload[row]), f"failed to resolve attributes: {exc}")
                continue
            if key not in by_keys:
                by_keys[key] = known.intern(self._chosen.pick(known[key[0]], key[1]))
            made[row] = by_keys[key]
        return made

    def _resources_of(self, frames: Frames, rows: Array, errors: dict[int, str]) -> Array:
        """Per given point its new resource; the first point of a resource decides which attributes it keeps."""
        numbers = np.maximum(frames.p_resource[rows], 0)
        if not self._chosen_resources.expressions:
            return np.asarray(self._resources(numbers))
        known = frames.dictionaries.resources
        points = Rows(frames, "p")
        blocks, first, of = np.unique(
            frames.sm_rm[frames.m_sm[frames.p_metric[rows]]], return_index=True, return_inverse=True
        )
        made = np.zeros(len(blocks), dtype=np.int32)
        for block, at in enumerate(first.tolist()):
            row = int(rows[at])
            try:
                keys = self._chosen_resources.keys_at(points, row)
            except KeysError as exc:
                text = f"failed to resolve resource attributes: {exc}"
                errors.setdefault(int(frames.p_payload[row]), text)
                continue
            made[block] = known.intern(self._filtered(known[int(numbers[at])], keys))
        return made[of.reshape(-1)]

    def _values(
        self, rows: Rows, payload: Array, errors: dict[int, str], logged: dict[str, None], mode: str
    ) -> tuple[list[Any], list[int], Array]:
        found = self.value.over(rows)
        counted = None if self.count is None else self.count.over(rows)
        histogram = self.kind in {"histogram", "exponential_histogram"}
        numbers: list[Any] = []
        counts: list[int] = []
        good: list[int] = []
        for row, value in enumerate(found.values):
            text = found.errors.get(row)
            count: Any = 1
            if counted is not None:
                count = counted.values[row]
                text = text or counted.errors.get(row)
                if isinstance(count, float):
                    count = truncate_to_int(count)
            plain = isinstance(value, (int, float)) and not isinstance(value, bool)
            number: Any = value
            if self.kind == "gauge" and (value is None and (text is None or "key not found in map" in text)):
                continue
            if text is None and (not plain or not isinstance(count, int)):
                text = f"failed to parse {self.kind} OTTL value into int64 or float64: {value!r}"
            if text is not None:
                if mode == "propagate":
                    errors.setdefault(int(payload[row]), text)
                elif mode != "silent":
                    logged[text] = None
                continue
            if histogram and not count:
                continue
            numbers.append(float(number) if histogram else number)
            counts.append(count)
            good.append(row)
        return numbers, counts, np.array(good, dtype=np.int64)


def _kind(settings: MetricSettings) -> str:
    kinds = ("histogram", "exponential_histogram", "sum", "gauge")
    return next(kind for kind in kinds if getattr(settings, kind) is not None)


_TYPES: Final = {
    "histogram": MetricType.HISTOGRAM,
    "exponential_histogram": MetricType.EXPONENTIAL_HISTOGRAM,
    "sum": MetricType.SUM,
    "gauge": MetricType.GAUGE,
}


def _header(settings: MetricSettings, kind: str) -> MetricHeader:
    return MetricHeader(
        settings.name,
        settings.description,
        settings.unit,
        _TYPES[kind],
        Temporality.UNSPECIFIED if kind == "gauge" else Temporality.DELTA,
        settings.sum is not None and settings.sum.monotonic,
    )


class _SignalToMetrics(Stateless):
    def __init__(
        self, definitions: Sequence[_Definition], dictionaries: Dictionaries, mode: str, *, named: bool
    ) -> None:
        self._definitions = definitions
        self._dictionaries = dictionaries
        self._mode = mode
        self._named = named
        self._scope = dictionaries.scopes.intern(Scope(_NAME))

    def process(self, flow: Flow) -> Flow:
        frames = flow.frames.compact()
        errors: dict[int, str] = {}
        logged: dict[str, None] = {}
        if not self._named:
            logged[
                "signaltometrics: the collector adds its random service.instance.id to resources; here it is left out "
                "(set service::telemetry::resource to fix it)"
            ] = None
        taken: dict[MetricHeader, list[_Taken]] = {}
        makers: dict[MetricHeader, _Definition] = {}
        for place, definition in enumerate(self._definitions):
            made = definition.take(frames, place, errors, logged, self._mode)
            key = replace(definition.header, monotonic=False)
            taken.setdefault(key, []).append(made)
            makers.setdefault(key, definition)
        out = self._output(frames, [(makers[key], parts) for key, parts in taken.items()])
        return flow.to(out, logged).refuse(errors)

    def _output(self, frames: Frames, made: list[tuple[_Definition, list[_Taken]]]) -> Frames:
        known = self._dictionaries
        merged = [(definition, _in_order(parts)) for definition, parts in made]
        order = np.concatenate([np.zeros(0, dtype=np.int64), *(one.order for _, one in merged)])
        payload = np.concatenate([np.zeros(0, dtype=np.int64), *(one.payload for _, one in merged)])
        resource = np.concatenate([np.zeros(0, dtype=np.int64), *(one.resource for _, one in merged)])
        sequence = np.argsort(order, kind="stable")
        blocks = dense(combine(payload[sequence], resource[sequence]))
        of_row = np.empty(len(sequence), dtype=np.int32)
        of_row[sequence] = blocks.of
        first = sequence[blocks.first]
        columns: dict[str, list[Array]] = {name: [] for name in ("m_sm", "m_header", *_POINTS)}
        side: list[SidePoint] = []
        at = metrics = 0
        for definition, one in merged:
            block = of_row[at : at + len(one.order)]
            at += len(one.order)
            groups = dense(combine(block, one.attributes))
            owner = dense(block[groups.first])
            columns["m_sm"].append(block[groups.first][owner.first])
            header = known.headers.intern(definition.header)
            columns["m_header"].append(np.full(len(owner), header, dtype=np.int32))
            columns["p_metric"].append(owner.of + metrics)
            metrics += len(owner)
            columns["p_attributes"].append(one.attributes[groups.first])
            columns["p_time"].append(frames.arrival[one.payload[groups.first].astype(np.int64)])
            for name, values in _points(definition, one, groups.of, len(groups), side).items():
                columns[name].append(values)
        count = len(first)
        rows = np.arange(count, dtype=np.int32)
        zeros = np.zeros(count, dtype=np.int32)
        points = {name: _joined(columns[name], dtype) for name, dtype in _POINTS.items()}
        total = len(points["p_metric"])
        return arrange(
            known,
            frames.arrival,
            {
                "rm_payload": payload[first].astype(np.int32),
                "rm_resource": resource[first].astype(np.int32),
                "rm_schema": zeros,
                "sm_rm": rows,
                "sm_scope": np.full(count, self._scope, dtype=np.int32),
                "sm_schema": zeros,
                "m_sm": _joined(columns["m_sm"], np.int32),
                "m_header": _joined(columns["m_header"], np.int32),
                **points,
                "p_start": np.zeros(total, dtype=np.uint64),
                "p_flags": np.zeros(total, dtype=np.uint32),
            },
            side,
        )


_POINTS: Final[dict[str, type]] = {
    "p_metric": np.int32,
    "p_attributes": np.int32,
    "p_time": np.uint64,
    "p_kind": np.uint8,
    "p_int": np.int64,
    "p_double": np.float64,
    "p_side": np.int32,
}


def _joined(parts: Sequence[Array], dtype: type) -> Array:
    return np.concatenate([np.zeros(0, dtype=dtype), *parts]).astype(dtype)


def _in_order(parts: list[_Taken]) -> _Taken:
    """What several definitions of one metric take, in the order in which the collector takes it."""
    if len(parts) == 1:
        return parts[0]
    order = np.concatenate([part.order for part in parts])
    sequence = np.argsort(order, kind="stable")
    values = [value for part in parts for value in part.values]
    counts = [count for part in parts for count in part.counts]
    return _Taken(
        order[sequence],
        np.concatenate([part.payload for part in parts])[sequence],
        np.concatenate([part.resource for part in parts])[sequence],
        np.concatenate([part.attributes for part in parts])[sequence],
        [values[at] for at in sequence.tolist()],
        [counts[at] for at in sequence.tolist()],
    )


def _points(
    definition: _Definition, taken: _Taken, of: Array, count: int, side: list[SidePoint]
) -> dict[str, Array]:
    """The values of the points of one metric."""
    kind = definition.kind
    if kind in {"histogram", "exponential_histogram"}:
        return _histograms(definition, taken, of, count, side)
    values = taken.values
    whole = np.array([isinstance(value, int) for value in values], dtype=np.bool_)
    ints = np.array([value if isinstance(value, int) else 0 for value in values], dtype=np.int64)
    doubles: Array = np.array(
        [value if isinstance(value, float) else 0.0 for value in values], dtype=np.float64
    )
    last = np.zeros(count, dtype=np.int64)
    last[of] = np.arange(len(of))
    first = np.zeros(count, dtype=np.int64)
    first[of[::-1]] = np.arange(len(of))[::-1]
    as_int: Array = np.zeros(count, dtype=np.int64)
    as_double: Array = np.zeros(count)
    if kind == "gauge":
        as_int, as_double, is_int = ints[last], doubles[last], whole[last]
    else:
        np.add.at(as_int, of, ints)
        as_double = np.bincount(of, weights=doubles, minlength=count)
        is_int = whole[first]
    return {
        "p_kind": np.where(is_int, PointKind.INT, PointKind.DOUBLE),
        "p_int": np.where(is_int, as_int, 0),
        "p_double": np.where(is_int, 0.0, as_double),
        "p_side": np.full(count, -1, dtype=np.int32),
    }


def _histograms(
    definition: _Definition, taken: _Taken, of: Array, count: int, side: list[SidePoint]
) -> dict[str, Array]:
    values, counts = np.array(taken.values, dtype=np.float64), np.array(taken.counts, dtype=np.int64)
    start = len(side)
    settings = definition.settings
    explicit = settings.histogram
    if explicit is not None:
        bounds = explicit.bounds
        sums = np.bincount(of, weights=values * counts, minlength=count)
        table = np.zeros((count, len(bounds) + 1), dtype=np.int64)
        np.add.at(table, (of, np.searchsorted(np.array(bounds), values)), counts)
        for number in range(count):
            row = tuple(int(one) % _WRAP for one in table[number].tolist())
            side.append(SidePoint(HistogramValue(sum(row) % _WRAP, float(sums[number]), row, bounds)))
        kind = PointKind.HISTOGRAM
    else:
        assert settings.exponential_histogram is not None  # noqa: S101 - one of the two is there
        size = settings.exponential_histogram.max_size or 160
        collectors = [ExponentialCollector(size) for _ in range(count)]
        for number, value, times in zip(of.tolist(), values.tolist(), counts.tolist(), strict=True):
            collectors[number].add(value, times)
        side.extend(SidePoint(collector.value()) for collector in collectors)
        kind = PointKind.EXPONENTIAL_HISTOGRAM
    return {
        "p_kind": np.full(count, kind),
        "p_int": np.zeros(count, dtype=np.int64),
        "p_double": np.zeros(count),
        "p_side": np.arange(start, start + count),
    }


def _build(settings: SignalToMetricsSettings, setup: Setup) -> Stage:
    return _SignalToMetrics(
        [_Definition(one, setup) for one in settings.datapoints],
        setup.dictionaries,
        settings.error_mode or "propagate",
        named=_INSTANCE in setup.resource,
    )


SIGNAL_TO_METRICS: Final = ComponentType(
    ComponentKind.CONNECTOR,
    "signaltometrics",
    SignalToMetricsSettings,
    ("signal_to_metrics",),
    build=_build,
    makes_metrics=True,
)
"""The signaltometrics connector."""
