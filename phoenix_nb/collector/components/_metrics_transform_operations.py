"""The operations of the metricstransform processor on the metrics that a transform chose."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector._values import truncate_to_int
from phoenix_nb.collector.components._aggregate import AttributeKeys
from phoenix_nb.collector.components._exemplars import scale_exemplar
from phoenix_nb.collector.components._metric_table import MetricTable
from phoenix_nb.collector.components._metrics_transform_settings import OperationSettings
from phoenix_nb.collector.components._rewrite import IdMap
from phoenix_nb.otlp import (
    Attributes,
    Buckets,
    Dictionaries,
    ExponentialHistogramValue,
    HistogramValue,
    MetricHeader,
    MetricType,
    PointKind,
    SidePoint,
)

__all__ = ["Operation", "compile_operation", "plain_header"]

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
Operation = Callable[[MetricTable, Mask, Mask, Mask], list[str]]
"""Acts on (table, chosen metrics, those of which all points match, matching points by row); gives warnings."""

_LOW: Final = -(1 << 63)
_LIMIT: Final = 2.0**63


def plain_header(header: MetricHeader) -> MetricHeader:
    """A header as the collector copies it when points are merged: without metadata."""
    return replace(header, metadata=Attributes.EMPTY) if len(header.metadata) else header


def compile_operation(
    settings: OperationSettings, dictionaries: Dictionaries, keys: AttributeKeys, version: str
) -> Operation:
    """An operation from its settings."""
    made: dict[str, Callable[[OperationSettings, Dictionaries, AttributeKeys, str], Operation]] = {
        "add_label": _add_label,
        "update_label": _update_label,
        "delete_label_value": _delete_label_value,
        "toggle_scalar_data_type": _toggle,
        "experimental_scale_value": _scale,
        "aggregate_labels": _aggregate_labels,
        "aggregate_label_values": _aggregate_label_values,
    }
    return made[settings.action](settings, dictionaries, keys, version)


def _text(value: object) -> str:
    """What the collector reads of a value that should be a text."""
    return value if isinstance(value, str) else ""


def _map_attributes(table: MetricTable, rows: Array, function: IdMap[Attributes]) -> None:
    if len(rows):
        before = table.points["p_attributes"][rows]
        after = function(before)
        if not np.array_equal(before, after):
            table.change("p_attributes", rows, after)


def _add_label(
    settings: OperationSettings, dictionaries: Dictionaries, keys: AttributeKeys, version: str
) -> Operation:
    del keys
    label, value = settings.new_label, settings.new_value.replace("{{version}}", version)

    def change(attributes: Attributes) -> Attributes:
        return attributes if label in attributes else attributes.with_item(label, value)

    mapped = IdMap(dictionaries.attribute_sets, change)

    def apply(table: MetricTable, chosen: Mask, whole: Mask, matching: Mask) -> list[str]:
        del chosen, matching
        _map_attributes(table, table.living_points(whole), mapped)
        return []

    return apply


def _update_label(
    settings: OperationSettings, dictionaries: Dictionaries, keys: AttributeKeys, version: str
) -> Operation:
    del keys
    label, renamed = settings.label, settings.new_label
    values = {
        action.value: action.new_value.replace("{{version}}", version) for action in settings.value_actions
    }

    def change(attributes: Attributes) -> Attributes:
        if label not in attributes:
            return attributes
        value = attributes[label]
        key = label
        if renamed:
            attributes = attributes.with_item(renamed, value).removed(label)
            key = renamed
            if renamed == label:
                # The collector copies the label onto itself and then removes it.
                value = None
        new = values.get(_text(value))
        return attributes if new is None else attributes.with_item(key, new)

    mapped = IdMap(dictionaries.attribute_sets, change)

    def apply(table: MetricTable, chosen: Mask, whole: Mask, matching: Mask) -> list[str]:
        del whole
        rows = table.living_points(chosen)
        _map_attributes(table, rows[matching[table.points["p_attributes"][rows]]], mapped)
        return []

    return apply


def _delete_label_value(
    settings: OperationSettings, dictionaries: Dictionaries, keys: AttributeKeys, version: str
) -> Operation:
    del keys, version

    def hit(attributes: Attributes) -> bool:
        return settings.label in attributes and _text(attributes[settings.label]) == settings.label_value

    def apply(table: MetricTable, chosen: Mask, whole: Mask, matching: Mask) -> list[str]:
        del chosen, matching
        rows = table.living_points(whole)
        hits = dictionaries.attribute_sets.map(hit, np.bool_)[table.points["p_attributes"][rows]]
        table.drop_points(rows[hits.astype(np.bool_)])
        return []

    return apply


def _numbers(table: MetricTable, chosen: Mask, matching: Mask) -> Array:
    types = table.of_header(lambda header: header.type in {MetricType.GAUGE, MetricType.SUM}, np.bool_)
    rows = table.living_points(chosen & types.astype(np.bool_))
    return np.asarray(rows[matching[table.points["p_attributes"][rows]]])


def _whole(values: Array) -> Array:
    fits = (values >= -_LIMIT) & (values < _LIMIT)
    made: Array = np.where(fits, values, 0.0).astype(np.int64)
    made[~fits] = _LOW
    return made


def _toggle(
    settings: OperationSettings, dictionaries: Dictionaries, keys: AttributeKeys, version: str
) -> Operation:
    del settings, dictionaries, keys, version

    def apply(table: MetricTable, chosen: Mask, whole: Mask, matching: Mask) -> list[str]:
        del whole
        rows = _numbers(table, chosen, matching)
        kinds = table.points["p_kind"][rows]
        ints, doubles = rows[kinds == PointKind.INT], rows[kinds == PointKind.DOUBLE]
        as_double = table.points["p_int"][ints].astype(np.float64)
        as_int = _whole(table.points["p_double"][doubles])
        for to_double, to_int, values_double, values_int in ((ints, doubles, as_double, as_int),):
            table.change("p_double", to_double, values_double)
            table.change("p_double", to_int, np.zeros(len(to_int)))
            table.change("p_int", to_int, values_int)
            table.change("p_int", to_double, np.zeros(len(to_double), dtype=np.int64))
            table.change("p_kind", to_double, np.full(len(to_double), PointKind.DOUBLE, dtype=np.uint8))
            table.change("p_kind", to_int, np.full(len(to_int), PointKind.INT, dtype=np.uint8))
        return []

    return apply


def _scale(
    settings: OperationSettings, dictionaries: Dictionaries, keys: AttributeKeys, version: str
) -> Operation:
    del dictionaries, keys, version
    factor = settings.experimental_scale

    def apply(table: MetricTable, chosen: Mask, whole: Mask, matching: Mask) -> list[str]:
        del whole
        rows = _numbers(table, chosen, matching)
        kinds = table.points["p_kind"][rows]
        ints, doubles = rows[kinds == PointKind.INT], rows[kinds == PointKind.DOUBLE]
        with np.errstate(over="ignore", invalid="ignore"):
            if len(ints):
                table.change("p_int", ints, _whole(table.points["p_int"][ints].astype(np.float64) * factor))
            if len(doubles):
                table.change("p_double", doubles, table.points["p_double"][doubles] * factor)
        types = table.of_header(
            lambda header: header.type in {MetricType.HISTOGRAM, MetricType.EXPONENTIAL_HISTOGRAM}, np.bool_
        )
        rows = table.living_points(chosen & types.astype(np.bool_))
        rows = rows[matching[table.points["p_attributes"][rows]]]
        if len(rows):
            scaled = [_scaled(table.side[at], factor) for at in table.points["p_side"][rows].tolist()]
            start = table.add_side(scaled)
            table.change("p_side", rows, np.arange(start, start + len(rows), dtype=np.int32))
        return []

    return apply


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _scaled(point: SidePoint, factor: float) -> SidePoint:
    value = point.value
    exemplars = tuple(scale_exemplar(raw, factor) for raw in point.exemplars)
    if isinstance(value, HistogramValue):
        value = replace(
            value,
            sum=_times(value.sum, factor),
            min=_times(value.min, factor),
            max=_times(value.max, factor),
            explicit_bounds=tuple(bound * factor for bound in value.explicit_bounds),
        )
    elif isinstance(value, ExponentialHistogramValue):
        value = replace(
            value,
            sum=_times(value.sum, factor),
            min=_times(value.min, factor),
            max=_times(value.max, factor),
            zero_threshold=value.zero_threshold * factor,
            positive=_moved(value.positive, value.scale, factor),
            negative=_moved(value.negative, value.scale, factor),
        )
    return SidePoint(value, exemplars)


def _moved(buckets: Buckets | None, scale: int, factor: float) -> Buckets | None:
    """Buckets at the place of their scaled midpoint."""
    if buckets is None or not buckets.bucket_counts:
        return buckets
    try:
        base = math.pow(2, math.pow(2, -scale))
        middle = (math.pow(base, buckets.offset) + math.pow(base, buckets.offset + 1)) / 2
        index = math.ceil(math.log(middle * factor) * math.ldexp(math.log2(math.e), scale)) - 1
    except (OverflowError, ValueError):
        # Go carries infinities and NaN here, and their conversion gives the least number.
        return replace(buckets, offset=-(1 << 31))
    whole = truncate_to_int(index) & 0xFFFFFFFF
    return replace(buckets, offset=whole - (1 << 32) if whole >> 31 else whole)


def _aggregate(
    table: MetricTable, metrics: Mask, name: str, function: str, keys: AttributeKeys
) -> tuple[Mask, list[str]]:
    """Which of the metrics can be merged; summaries cannot, and say so."""
    del function, keys
    summary = table.of_header(lambda header: header.type == MetricType.SUMMARY, np.bool_).astype(np.bool_)
    refused = metrics & summary
    headers = table.dictionaries.headers
    names = dict.fromkeys(headers[number].name for number in np.unique(table.m_header[refused]).tolist())
    warnings = [f"{name} is not supported for Summary metrics: {metric}" for metric in names]
    return metrics & ~summary, warnings


def _aggregate_labels(
    settings: OperationSettings, dictionaries: Dictionaries, keys: AttributeKeys, version: str
) -> Operation:
    del version
    kept = IdMap(dictionaries.attribute_sets, lambda attributes: attributes.only(*settings.label_set))
    plain = IdMap(dictionaries.headers, plain_header)

    def apply(table: MetricTable, chosen: Mask, whole: Mask, matching: Mask) -> list[str]:
        del matching
        metrics, warnings = _aggregate(table, whole, "aggregate_labels", settings.aggregation_type, keys)
        chosen &= ~(whole & ~metrics)
        _map_attributes(table, table.living_points(metrics), kept)
        rows = np.flatnonzero(metrics)
        table.set_headers(rows, plain(table.m_header[rows]))
        table.merge_in_place(metrics, settings.aggregation_type, keys)
        return warnings

    return apply


def _aggregate_label_values(
    settings: OperationSettings, dictionaries: Dictionaries, keys: AttributeKeys, version: str
) -> Operation:
    label, joined = settings.label, frozenset(settings.aggregated_values)
    value = settings.new_value.replace("{{version}}", version)

    def change(attributes: Attributes) -> Attributes:
        if label in attributes and _text(attributes[label]) in joined:
            return attributes.with_item(label, value)
        return attributes

    mapped = IdMap(dictionaries.attribute_sets, change)
    plain = IdMap(dictionaries.headers, plain_header)

    def apply(table: MetricTable, chosen: Mask, whole: Mask, matching: Mask) -> list[str]:
        del matching
        metrics, warnings = _aggregate(
            table, whole, "aggregate_label_values", settings.aggregation_type, keys
        )
        chosen &= ~(whole & ~metrics)
        _map_attributes(table, table.living_points(metrics), mapped)
        rows = np.flatnonzero(metrics)
        table.set_headers(rows, plain(table.m_header[rows]))
        table.merge_in_place(metrics, settings.aggregation_type, keys)
        return warnings

    return apply
