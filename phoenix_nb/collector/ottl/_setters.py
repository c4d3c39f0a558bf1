"""Setters: how a value is written into an item, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from phoenix_nb.collector.ottl._context import BUCKETS, EXEMPLARS, NUMBERS, POINTS, QUANTILES, Axis, Item
from phoenix_nb.collector.ottl._runtime import (
    Counts,
    Duration,
    GoList,
    OttlError,
    Part,
    Points,
    Time,
    Value,
    kind_of,
)
from phoenix_nb.otlp import (
    Attributes,
    AttributeValue,
    Buckets,
    ExponentialHistogramValue,
    HistogramValue,
    KeyValues,
    MetricType,
    PointKind,
    SidePoint,
    SummaryValue,
    Temporality,
)

__all__ = ["Put", "check_kind", "put_in", "setter_of", "stored"]

Put = Callable[[Item, Value], None]
"""Writes a value; may raise :class:`OttlError` after having written a part, as the collector does."""

_U64: Final = (1 << 64) - 1
_POINT_NAMES: Final = {
    PointKind.HISTOGRAM: "pmetric.HistogramDataPoint",
    PointKind.EXPONENTIAL_HISTOGRAM: "pmetric.ExponentialHistogramDataPoint",
    PointKind.SUMMARY: "pmetric.SummaryDataPoint",
}


def check_kind(value: Value, kind: type, name: str) -> Any:
    """The value when it is of a kind.

    Raises:
        OttlError: it is nil or of another kind.
    """
    if value is None:
        raise OttlError("setting a value to nil is not supported")
    if isinstance(value, bool) and kind is not bool:
        raise OttlError(f"expects {name} but got bool")
    if not isinstance(value, kind):
        raise OttlError(f"expects {name} but got {kind_of(value)}")
    return value


def stored(value: Value, current: AttributeValue = None) -> AttributeValue:
    """A value as an attribute holds it.

    Raises:
        OttlError: an attribute cannot hold it.
    """
    if isinstance(value, (Time, Duration, Points, Part, Counts)):
        raise OttlError(
            f"unsupported type {kind_of(value)} for set operation; current value type is {_type_name(current)}"
        )
    if isinstance(value, Attributes):
        return KeyValues(value.items())
    if isinstance(value, GoList):
        made, error = _stored_list(value)
        if error is not None:
            raise error
        return made
    return value


def _stored_list(values: GoList) -> tuple[tuple[AttributeValue, ...], OttlError | None]:
    """A list as an attribute holds it; an entry that it cannot hold is nil, and only the last one can be an error."""
    made: list[AttributeValue] = []
    error: OttlError | None = None
    for value in values:
        entry: AttributeValue = None
        error = None
        if type(value) is GoList:
            entry, error = _stored_list(value)
        else:
            try:
                entry = stored(value)
            except OttlError as exc:
                error = exc
        made.append(entry)
    return tuple(made), error


def _type_name(value: AttributeValue) -> str:
    names = (
        (bool, "Bool"),
        (int, "Int"),
        (float, "Double"),
        (str, "Str"),
        (bytes, "Bytes"),
        (tuple, "Slice"),
        (KeyValues, "Map"),
    )
    return next((name for kind, name in names if isinstance(value, kind)), "Empty")


def _whole_map(value: Value, kind: type[KeyValues]) -> KeyValues:
    if value is None:
        return kind.EMPTY
    if not isinstance(value, KeyValues):
        raise OttlError(f"unsupported type provided for setting a pcommon.Map: {kind_of(value)}")
    return value if type(value) is kind else kind(value.items())


def put_in(target: KeyValues, keys: list[Value], value: Value) -> tuple[KeyValues, OttlError | None]:
    """A map with a value written under keys; what could be made is returned beside the error."""
    first = keys[0]
    if not isinstance(first, str):
        found = OttlError(
            "cannot set map value: unable to resolve a string index in map: could not resolve key for map/slice, "
            f"expecting 'string' but got '{kind_of(first)}'"
            if first is not None and not isinstance(first, int)
            else "cannot set map value: unable to resolve a string index in map: invalid key type"
        )
        return target, found
    if first not in target:
        target = target.with_item(first, None)
    made, error = _put(target.get(first), keys[1:], value)
    return target.with_item(first, made), error


def _put(current: AttributeValue, keys: list[Value], value: Value) -> tuple[AttributeValue, OttlError | None]:
    if not keys:
        if type(value) is GoList:
            return _stored_list(value)
        try:
            return stored(value, current), None
        except OttlError as exc:
            return current, exc
    key = keys[0]
    if isinstance(current, KeyValues):
        if not isinstance(key, str):
            return current, OttlError("unable to resolve a string index in map: invalid key type")
        inner = current if key in current else current.with_item(key, None)
        made, error = _put(inner.get(key), keys[1:], value)
        return inner.with_item(key, made), error
    if isinstance(current, tuple):
        if isinstance(key, bool) or not isinstance(key, int):
            return current, OttlError("unable to resolve an integer index in slice: invalid key type")
        if not 0 <= key < len(current):
            return current, OttlError(f"index {key} out of bounds")
        made, error = _put(current[key], keys[1:], value)
        return (*current[:key], made, *current[key + 1 :]), error
    if current is None:
        if isinstance(key, str):
            made, error = _put(None, keys[1:], value)
            return KeyValues([(key, made)]), error
        if isinstance(key, int) and not isinstance(key, bool):
            if key > _MAX_PADDING:
                return current, OttlError(f"index {key} out of bounds")
            made, error = _put(None, keys[1:], value)
            return (*([None] * max(key, 0)), made), error
        return current, OttlError("neither a string nor an int index was given, this is an error in the OTTL")
    return current, OttlError(f"type {_type_name(current)} does not support string indexing")


_MAX_PADDING: Final = 100_000


# -- maps that may be indexed -----------------------------------------------------------------------------------------


def _map_put(
    read: Callable[[Item], KeyValues], write: Callable[[Item, Any], None], kind: type[KeyValues]
) -> Put:
    del read

    def put(item: Item, value: Value) -> None:
        write(item, _whole_map(value, kind))

    return put


def _write_resource(item: Item, value: Any) -> None:
    item.resource = replace(item.resource, attributes=value)


def _write_scope(item: Item, value: Any) -> None:
    item.scope = replace(item.scope, attributes=value)


def _write_attributes(item: Item, value: Any) -> None:
    item.attributes = value


def _write_metadata(item: Item, value: Any) -> None:
    item.metric = replace(item.metric, metadata=value)


def _write_cache(item: Item, value: Any) -> None:
    item.cache = value


_MAPS: Final[
    Mapping[tuple[str, str], tuple[Callable[[Item], Any], Callable[[Item, Any], None], type[KeyValues], Axis]]
] = {
    ("resource", "attributes"): (
        lambda item: item.resource.attributes,
        _write_resource,
        Attributes,
        "resource",
    ),
    ("scope", "attributes"): (lambda item: item.scope.attributes, _write_scope, Attributes, "scope"),
    ("datapoint", "attributes"): (lambda item: item.attributes, _write_attributes, Attributes, "attributes"),
    ("metric", "metadata"): (lambda item: item.metric.metadata, _write_metadata, Attributes, "header"),
    ("", "cache"): (lambda item: item.cache, _write_cache, KeyValues, "cache"),
}


# -- single values ----------------------------------------------------------------------------------------------------


def _resource_dropped(item: Item, value: Value) -> None:
    count = check_kind(value, int, "int64") & 0xFFFFFFFF
    item.resource = replace(item.resource, dropped_attributes_count=count)


def _resource_schema(item: Item, value: Value) -> None:
    item.resource_schema = check_kind(value, str, "string")


def _scope_field(name: str) -> Put:
    def put(item: Item, value: Value) -> None:
        item.scope = replace(item.scope, **{name: check_kind(value, str, "string")})

    return put


def _scope_dropped(item: Item, value: Value) -> None:
    count = check_kind(value, int, "int64") & 0xFFFFFFFF
    item.scope = replace(item.scope, dropped_attributes_count=count)


def _scope_schema(item: Item, value: Value) -> None:
    item.scope_schema = check_kind(value, str, "string")


def _header_field(name: str) -> Put:
    def put(item: Item, value: Value) -> None:
        item.metric = replace(item.metric, **{name: check_kind(value, str, "string")})

    return put


def _nothing(_item: Item, _value: Value) -> None:
    """The type of a metric cannot be set, and that is no error."""


_TEMPORAL: Final = (MetricType.SUM, MetricType.HISTOGRAM, MetricType.EXPONENTIAL_HISTOGRAM)


def _temporality(item: Item, value: Value) -> None:
    number = check_kind(value, int, "int64")
    if item.metric.type in _TEMPORAL:
        if not 0 <= number <= 2:
            raise OttlError(f"an aggregation temporality of {number} cannot be kept by the embedded engine")
        item.metric = replace(item.metric, temporality=Temporality(number))


def _monotonic(item: Item, value: Value) -> None:
    flag = check_kind(value, bool, "bool")
    if item.metric.type == MetricType.SUM:
        item.metric = replace(item.metric, monotonic=flag)


def _point_nanos(name: str) -> Put:
    def put(item: Item, value: Value) -> None:
        setattr(item.point, name, check_kind(value, int, "int64") & _U64)

    return put


def _point_time(name: str) -> Put:
    def put(item: Item, value: Value) -> None:
        setattr(item.point, name, check_kind(value, Time, "time.Time").nanos & _U64)

    return put


def _need_number(item: Item) -> None:
    if item.point.kind > PointKind.DOUBLE:
        raise OttlError(f"expects pmetric.NumberDataPoint but got {_POINT_NAMES[item.point.kind]}")


def _value_double(item: Item, value: Value) -> None:
    number = check_kind(value, float, "float64")
    _need_number(item)
    item.point.kind, item.point.as_int, item.point.as_double = PointKind.DOUBLE, 0, number


def _value_int(item: Item, value: Value) -> None:
    number = check_kind(value, int, "int64")
    _need_number(item)
    item.point.kind, item.point.as_int, item.point.as_double = PointKind.INT, number, 0.0


def _flags(item: Item, value: Value) -> None:
    item.point.flags = check_kind(value, int, "int64") & 0xFFFFFFFF


def _side(item: Item, kinds: tuple[type, ...], name: str) -> Any:
    side = item.point.side
    value = None if side is None else side.value
    if not isinstance(value, kinds):
        found = _POINT_NAMES.get(item.point.kind, "pmetric.NumberDataPoint")
        raise OttlError(
            f"unsupported data point type: {found}" if not name else f"expects {name} but got {found}"
        )
    return value


def _change(item: Item, **changes: Any) -> None:
    side = item.point.side
    item.point.side = SidePoint(replace(side.value, **changes), side.exemplars)


_ANY: Final = (HistogramValue, ExponentialHistogramValue, SummaryValue)
_HISTOGRAM: Final = ((HistogramValue,), "pmetric.HistogramDataPoint")
_EXPONENTIAL: Final = ((ExponentialHistogramValue,), "pmetric.ExponentialHistogramDataPoint")


def _count(item: Item, value: Value) -> None:
    number = check_kind(value, int, "int64") & _U64
    _side(item, _ANY, "")
    _change(item, count=number)


def _sum(item: Item, value: Value) -> None:
    number = check_kind(value, float, "float64")
    _side(item, _ANY, "")
    _change(item, sum=number)


def _whole_numbers(value: Value) -> tuple[int, ...]:
    if value is None:
        return ()
    numbers = value if isinstance(value, tuple) else (None,)
    found = [one & _U64 for one in numbers if isinstance(one, int) and not isinstance(one, bool)]
    if len(found) < len(numbers):
        raise OttlError("invalid type provided for setting a slice of uint64")
    return tuple(found)


def _bucket_counts(item: Item, value: Value) -> None:
    _side(item, *_HISTOGRAM)
    _change(item, bucket_counts=_whole_numbers(value))


def _bounds(item: Item, value: Value) -> None:
    _side(item, *_HISTOGRAM)
    if value is not None and not (isinstance(value, tuple) and all(isinstance(v, float) for v in value)):
        raise OttlError("invalid value type provided for a slice of float64")
    _change(item, explicit_bounds=tuple(value or ()))


def _signed32(number: int) -> int:
    number &= 0xFFFFFFFF
    return number - (1 << 32) if number >> 31 else number


def _scale(item: Item, value: Value) -> None:
    number = check_kind(value, int, "int64")
    _side(item, *_EXPONENTIAL)
    _change(item, scale=_signed32(number))


def _zero_count(item: Item, value: Value) -> None:
    number = check_kind(value, int, "int64")
    _side(item, *_EXPONENTIAL)
    _change(item, zero_count=number & _U64)


def _buckets(side: str, part: str) -> Put:
    def put(item: Item, value: Value) -> None:
        if part == "offset":
            made: Any = _signed32(check_kind(value, int, "int64"))
            _side(item, *_EXPONENTIAL)
        else:
            _side(item, *_EXPONENTIAL)
            made = _whole_numbers(value)
        before = getattr(item.point.side.value, side) or Buckets()
        _change(item, **{side: replace(before, **{part: made})})

    return put


def _same_list(value: Value, kind: str) -> None:
    """Refuse anything but a list of a kind: there is only one in reach, which is written to itself."""
    if not isinstance(value, Points) or value.kind != kind:
        raise OttlError(f"expects {kind} but got {kind_of(value)}")


def _data_points(item: Item, value: Value) -> None:
    if item.metric.type != MetricType.NONE:
        _same_list(value, POINTS.get(item.metric.type, NUMBERS))


def _exemplars(item: Item, value: Value) -> None:
    if item.point.kind == PointKind.SUMMARY:
        raise OttlError("unsupported data point type: pmetric.SummaryDataPoint")
    _same_list(value, EXEMPLARS)


def _quantiles(item: Item, value: Value) -> None:
    _side(item, (SummaryValue,), "pmetric.SummaryDataPoint")
    _same_list(value, QUANTILES)


def _side_buckets(side: str) -> Put:
    def put(item: Item, value: Value) -> None:
        if not isinstance(value, Part):
            raise OttlError(f"expects {BUCKETS} but got {kind_of(value)}")
        _side(item, *_EXPONENTIAL)
        _change(item, **{side: value.value or Buckets()})

    return put


_SETTERS: Final[Mapping[tuple[str, str], tuple[Put, Axis]]] = {
    ("resource", "dropped_attributes_count"): (_resource_dropped, "resource"),
    ("resource", "schema_url"): (_resource_schema, "resource_schema"),
    ("scope", "name"): (_scope_field("name"), "scope"),
    ("scope", "version"): (_scope_field("version"), "scope"),
    ("scope", "dropped_attributes_count"): (_scope_dropped, "scope"),
    ("scope", "schema_url"): (_scope_schema, "scope_schema"),
    ("metric", "name"): (_header_field("name"), "header"),
    ("metric", "description"): (_header_field("description"), "header"),
    ("metric", "unit"): (_header_field("unit"), "header"),
    ("metric", "type"): (_nothing, "header"),
    ("metric", "data_points"): (_data_points, "header"),
    ("metric", "aggregation_temporality"): (_temporality, "header"),
    ("metric", "is_monotonic"): (_monotonic, "header"),
    ("datapoint", "start_time_unix_nano"): (_point_nanos("start"), "point"),
    ("datapoint", "time_unix_nano"): (_point_nanos("time"), "point"),
    ("datapoint", "start_time"): (_point_time("start"), "point"),
    ("datapoint", "time"): (_point_time("time"), "point"),
    ("datapoint", "value_double"): (_value_double, "point"),
    ("datapoint", "value_int"): (_value_int, "point"),
    ("datapoint", "flags"): (_flags, "point"),
    ("datapoint", "count"): (_count, "point"),
    ("datapoint", "sum"): (_sum, "point"),
    ("datapoint", "bucket_counts"): (_bucket_counts, "point"),
    ("datapoint", "explicit_bounds"): (_bounds, "point"),
    ("datapoint", "scale"): (_scale, "point"),
    ("datapoint", "zero_count"): (_zero_count, "point"),
    ("datapoint", "exemplars"): (_exemplars, "point"),
    ("datapoint", "quantile_values"): (_quantiles, "point"),
    ("datapoint", "positive"): (_side_buckets("positive"), "point"),
    ("datapoint", "negative"): (_side_buckets("negative"), "point"),
    ("datapoint", "positive.offset"): (_buckets("positive", "offset"), "point"),
    ("datapoint", "positive.bucket_counts"): (_buckets("positive", "bucket_counts"), "point"),
    ("datapoint", "negative.offset"): (_buckets("negative", "offset"), "point"),
    ("datapoint", "negative.bucket_counts"): (_buckets("negative", "bucket_counts"), "point"),
}
_OWNERS: Final = {"instrumentation_scope": "scope"}


def setter_of(
    owner: str, name: str, keys: list[Callable[[Item], Value]], *, strict: bool
) -> tuple[Put, Axis] | None:
    """How a path is written and what that changes; ``None`` when this engine cannot write it.

    Args:
        owner: the context that the path belongs to.
        name: the path after it.
        keys: getters of the keys behind it.
        strict: whether a value of the wrong kind is an error, as since release 0.153.
    """
    owner = "" if name == "cache" else _OWNERS.get(owner, owner)
    found = _MAPS.get((owner, name))
    if found is not None:
        read, write, kind, axis = found
        if not keys:
            return _map_put(read, write, kind), axis

        def put(item: Item, value: Value) -> None:
            made, error = put_in(read(item), [key(item) for key in keys], value)
            write(item, made)
            if error is not None:
                raise error

        return put, axis
    single = _SETTERS.get((owner, name))
    if single is None or strict:
        return single
    inner, axis = single

    def lenient(item: Item, value: Value) -> None:
        try:
            inner(item, value)
        except OttlError:
            return

    return lenient, axis
