"""Payloads with everything that may go wrong: odd types, missing parts, equal names, extreme numbers."""

from __future__ import annotations

import base64
from typing import Any

from hypothesis import strategies as st

__all__ = ["attributes", "payloads"]

Tree = dict[str, Any]
KEYS = ("a", "b", "state", "pid", "svc.name", "Path")
NAMES = ("process.cpu.time", "process.memory.usage", "mem", "x")
T0 = 1_700_000_000_000_000_000
_TEXTS = st.sampled_from(
    (
        "",
        "a",
        "b",
        "user",
        "kworker/0:1",
        "postgres",
        "12",
        "3.5",
        "true",
        "a=1 b=2",
        "grüße",
        "Ünï",
        '{"k":[1]}',
        "a.b_c",
        "x,y,z",
        "10.1.2.3",
        "YWJj",
        "2024-05-06 07:08:09",
        "2024-02-30T01:02:03+05:30",
        'x,"y, z",7',
        "worker 7 busy",
    )
)
_INTS = st.sampled_from((0, 1, 2, -1, 5, 12, 1000, 2**53 + 1, 2**63 - 1, -(2**63)))
_DOUBLES = st.sampled_from((0.0, -0.0, 1.0, 2.5, -3.75, 12.0, 1e-7, 1e21, 0.1, 1e300))


def _scalar() -> st.SearchStrategy[Tree]:
    return st.one_of(
        _TEXTS.map(lambda text: {"stringValue": text}),
        _TEXTS.map(lambda text: {"stringValue": text}),
        _INTS.map(lambda number: {"intValue": str(number)}),
        _DOUBLES.map(lambda number: {"doubleValue": number}),
        st.booleans().map(lambda flag: {"boolValue": flag}),
        st.sampled_from((b"", b"\x01\xff", b"abc")).map(
            lambda raw: {"bytesValue": base64.b64encode(raw).decode()}
        ),
        st.just({}),
    )


def _value() -> st.SearchStrategy[Tree]:
    inner = st.lists(_scalar(), max_size=3).map(lambda items: {"arrayValue": {"values": items}})
    pairs = st.dictionaries(st.sampled_from(("k", "n", "a")), st.one_of(_scalar(), inner), max_size=2)
    maps = pairs.map(lambda found: {"kvlistValue": {"values": _pairs(found)}})
    return st.one_of(_scalar(), _scalar(), _scalar(), inner, maps)


def _pairs(found: dict[str, Tree]) -> list[Tree]:
    return [{"key": key, "value": value} for key, value in found.items()]


def attributes(most: int = 4) -> st.SearchStrategy[list[Tree]]:
    """Attributes from a small pool of keys."""
    return st.dictionaries(st.sampled_from(KEYS), _value(), max_size=most).map(_pairs)


@st.composite
def _point(draw: st.DrawFn) -> Tree:
    made: Tree = {"attributes": draw(attributes(3))}
    start = draw(st.sampled_from((0, T0 - 10**9, T0)))
    if start:
        made["startTimeUnixNano"] = str(start)
    time = draw(st.sampled_from((0, T0, T0, T0 + 1, T0 + 60 * 10**9)))
    if time:
        made["timeUnixNano"] = str(time)
    if draw(st.integers(0, 9)) == 0:
        made["flags"] = 1
    return made


@st.composite
def _number(draw: st.DrawFn) -> Tree:
    made: Tree = draw(_point())
    kind = draw(st.sampled_from(("int", "int", "double", "double", "none")))
    if kind == "int":
        made["asInt"] = str(draw(_INTS))
    elif kind == "double":
        made["asDouble"] = draw(st.one_of(_DOUBLES, st.sampled_from(("NaN", "Infinity"))))
    if draw(st.integers(0, 19)) == 0:
        made["exemplars"] = [{"asInt": "3", "timeUnixNano": str(T0)}]
    return made


@st.composite
def _histogram(draw: st.DrawFn) -> Tree:
    made: Tree = draw(_point())
    bounds = draw(st.sampled_from(([], [1.0], [1.0, 5.0], [0.0, 10.0, 100.0])))
    counts = [str(draw(st.integers(0, 5))) for _ in range(len(bounds) + 1)] if bounds else []
    made |= {"count": str(sum(map(int, counts))), "explicitBounds": bounds, "bucketCounts": counts}
    if draw(st.booleans()):
        made["sum"] = draw(_DOUBLES)
    if draw(st.booleans()):
        made |= {"min": 0.5, "max": 7.0}
    return made


@st.composite
def _exponential(draw: st.DrawFn) -> Tree:
    made: Tree = draw(_point())
    counts = [str(draw(st.integers(0, 4))) for _ in range(draw(st.integers(0, 4)))]
    made |= {
        "count": str(sum(map(int, counts))),
        "scale": draw(st.integers(-1, 2)),
        "zeroCount": str(draw(st.integers(0, 2))),
        "positive": {"offset": draw(st.integers(-2, 2)), "bucketCounts": counts},
        "negative": {},
    }
    if draw(st.booleans()):
        made["sum"] = draw(_DOUBLES)
    return made


@st.composite
def _summary(draw: st.DrawFn) -> Tree:
    made: Tree = draw(_point())
    made |= {"count": str(draw(st.integers(0, 9))), "sum": draw(_DOUBLES)}
    made["quantileValues"] = [
        {"quantile": quantile, "value": draw(_DOUBLES)}
        for quantile in draw(st.sampled_from(((), (0.5,), (0.5, 0.99))))
    ]
    return made


@st.composite
def _metric(draw: st.DrawFn) -> Tree:
    kind = draw(
        st.sampled_from(
            ("gauge", "gauge", "sum", "sum", "sum", "histogram", "exponentialHistogram", "summary", "none")
        )
    )
    made: Tree = {
        "name": draw(st.sampled_from(NAMES)),
        "unit": draw(st.sampled_from(("", "s", "By"))),
        "description": draw(st.sampled_from(("", "text"))),
    }
    if draw(st.integers(0, 9)) == 0:
        made["metadata"] = [{"key": "m", "value": {"stringValue": "v"}}]
    points = {
        "gauge": _number(),
        "sum": _number(),
        "histogram": _histogram(),
        "exponentialHistogram": _exponential(),
        "summary": _summary(),
    }
    if kind == "none":
        return made
    data: Tree = {"dataPoints": draw(st.lists(points[kind], max_size=4))}
    if kind in {"sum", "histogram", "exponentialHistogram"}:
        data["aggregationTemporality"] = draw(st.sampled_from((0, 1, 2, 2)))
    if kind == "sum":
        data["isMonotonic"] = draw(st.booleans())
    made[kind] = data
    return made


@st.composite
def _scope(draw: st.DrawFn) -> Tree:
    made: Tree = {"metrics": draw(st.lists(_metric(), min_size=1, max_size=3))}
    if draw(st.integers(0, 4)):
        made["scope"] = {
            "name": draw(st.sampled_from(("", "lib.a", "lib.b"))),
            "version": draw(st.sampled_from(("", "1"))),
            "attributes": draw(attributes(2)),
        }
    return made


@st.composite
def _resource(draw: st.DrawFn) -> Tree:
    made: Tree = {"scopeMetrics": draw(st.lists(_scope(), min_size=1, max_size=2))}
    if draw(st.integers(0, 5)):
        made["resource"] = {"attributes": draw(attributes())}
    if draw(st.integers(0, 3)) == 0:
        made["schemaUrl"] = "https://opentelemetry.io/schemas/1.9.0"
    return made


def payloads(most: int = 2) -> st.SearchStrategy[list[Tree]]:
    """A few payloads in order."""
    one = st.lists(_resource(), min_size=1, max_size=3).map(lambda items: {"resourceMetrics": items})
    return st.lists(one, min_size=1, max_size=most)
