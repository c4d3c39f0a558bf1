"""Lists that are written down, and lists of one kind: each row is what the real processors gave."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix_nb.collector.ottl import (
    CONTEXTS,
    EvaluationError,
    Item,
    OttlError,
    Point,
    compile_condition,
    compile_value,
)
from phoenix_nb.otlp import HistogramValue, KeyValues, PointKind, SidePoint
from tests.unit.collector.running import TIME, key_values, payload_of, run_processor

_DATAPOINT = CONTEXTS["datapoint"]
_ITEM = Item(
    attributes=KeyValues([("l", (1, "a")), ("m", KeyValues([("z", 1)]))]),
    point=Point(time=TIME),
)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ('String([1, 2.50, {"a": nil}])', "[1,2.5,{}]"),
        ('String({"a": [{"b": nil}]})', '{"a":[{"b":null}]}'),
        ('String([attributes["l"], [1, attributes["m"]]])', "[{},[1,{}]]"),
        ('String([time, Duration("1s"), 0x0102])', '["2023-11-14T22:13:20Z",1000000000,"AQI="]'),
        ('String([Split("a b", " "), Sort([2, 1]), Keys({"a": 1})])', '[["a","b"],[1,2],{}]'),
        ('Concat([[{"a": 1}], 2, {"b": nil}], "-")', '[{}]-2-{"b":null}'),
        ('IsMatch([{"a": 1}], "^.[{][}].$")', True),
        ('Index([["a"], 2], ["a"])', 0),
        ('Coalesce([[attributes["l"]]])[0][1]', "a"),
        ('Len([{"a": 1}])', 1),
    ],
)
def test_what_lists_become(text: str, made: object) -> None:
    assert compile_value(text, _DATAPOINT).get(_ITEM) == made


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ('SliceToMap([{"n": "a", "v": 1}], ["n"], ["v"])', "<Invalid value type pcommon.Map>"),
        (
            'SliceToMap([{"a": 1}, [{"b": 2}]])',
            "<Invalid value type pcommon.Map>; <Invalid value type pcommon.Map>",
        ),
        ('ContainsValue([{"a": 1}], {"a": 1})', "<Invalid value type pcommon.Map>"),
        ('{"a": [[{"b": 1}]]}', "<Invalid value type pcommon.Map>"),
        ("Keys([1])", "expected pcommon.Map but got []interface {}"),
        ("Int([1])", "unsupported type: []interface {}"),
    ],
)
def test_literal_lists_that_are_refused(text: str, kinds: str) -> None:
    with pytest.raises(OttlError) as found:
        compile_value(text, _DATAPOINT)
    assert str(found.value).endswith(f": {kinds}")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('SliceToMap([attributes["l"]])', "pcommon.Slice"),
        ('SliceToMap(Coalesce([[{"a": 1}]]))', "pcommon.Map"),
        ("SliceToMap([time])", "time.Time"),
        ('SliceToMap([Split("a b", " ")])', "[]string"),
        ('{"a": attributes["l"]}', "pcommon.Slice"),
        ('{"a": [attributes["l"]]}', "pcommon.Slice"),
        ('{"a": Split("a b", " ")}', "[]string"),
        ('{"a": time}', "time.Time"),
        ('Index([attributes["m"]], 1)', "pcommon.Map"),
        ('Sort([attributes["l"], 1])', "pcommon.Slice"),
        ('Sort([Split("a b", " ")])', "[]string"),
    ],
)
def test_lists_that_fail(text: str, kind: str) -> None:
    value = compile_value(text, _DATAPOINT)
    with pytest.raises(EvaluationError, match="Invalid value type") as found:
        value.get(_ITEM)
    assert kind in str(found.value)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('[{"a": 1}] == [{"a": 1}]', True),
        ('attributes["l"] == [1, "a"]', True),
        ('Keys(attributes["m"]) == ["z"]', True),
        ('Sort(["b", "a"]) == ["a", "b"]', True),
        ('Split("a b", " ") == ["a", "b"]', False),
        ('["a", "b"] != Split("a b", " ")', True),
        ('[Split("a b", " ")] == [["a", "b"]]', False),
    ],
)
def test_lists_are_compared(text: str, holds: bool) -> None:
    assert compile_condition(text, _DATAPOINT).test(_ITEM) is holds


_BUCKETS = Item(
    point=Point(
        kind=PointKind.HISTOGRAM,
        side=SidePoint(HistogramValue(count=3, bucket_counts=(1, 2), explicit_bounds=(1.5,))),
    )
)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ('Format("%T %T", [bucket_counts, explicit_bounds])', "[]uint64 []float64"),
        ('Format("%v %d", [explicit_bounds, bucket_counts])', "[1.5] [1 2]"),
        ("String([bucket_counts, explicit_bounds])", "[[1,2],[1.5]]"),
        ("Index(bucket_counts, 2)", 1),
        ("Sort(explicit_bounds)", (1.5,)),
    ],
)
def test_buckets(text: str, made: object) -> None:
    assert compile_value(text, _DATAPOINT).get(_BUCKETS) == made


def test_buckets_are_like_no_list() -> None:
    assert compile_condition("bucket_counts != [1, 2] and explicit_bounds != [1.5]", _DATAPOINT).test(
        _BUCKETS
    )


@pytest.mark.parametrize(
    ("statement", "made"),
    [
        (
            'set(datapoint.attributes["r"], [[1, datapoint.time], datapoint.attributes["l"], 2])',
            [[1, None], [3], 2],
        ),
        ('set(datapoint.attributes["r"], Split("a b", " "))', ["a", "b"]),
        ('append(datapoint.attributes["r"], values=[[datapoint.value_int], {"a": 1}])', [[7], {"a": 1}]),
    ],
)
def test_lists_are_written(statement: str, made: object) -> None:
    point = {"timeUnixNano": str(TIME), "asInt": "7", "attributes": key_values({"l": [3]})}
    payload = payload_of({"name": "m", "gauge": {"dataPoints": [point]}})
    (found,) = run_processor("transform", {"metric_statements": [statement]}, [payload])
    points: Any = found["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]["gauge"]["dataPoints"]
    assert points[0]["attributes"][1:] == key_values({"r": made})
