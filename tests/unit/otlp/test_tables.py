"""Facts about entries of dictionaries are found once for each entry."""

from __future__ import annotations

import numpy as np

from phoenix_nb.otlp import (
    Attributes,
    Dictionaries,
    FramesBuilder,
    MetricHeader,
    MetricType,
    Resource,
    Scope,
    Table,
)
from phoenix_nb.otlp._dictionary import Dictionary


def test_a_table_asks_for_each_value_once_and_grows_with_its_dictionary() -> None:
    known: Dictionary[str] = Dictionary(size=len, identity=str.encode)
    asked: list[str] = []

    def length(text: str) -> int:
        asked.append(text)
        return len(text)

    table = Table(known, length, np.int32)
    assert table.array().tolist() == []
    for text in ("a", "bbb"):
        known.intern(text)
    first = table.array()
    known.intern("cc")
    assert table.array().tolist() == [1, 3, 2]
    assert first.tolist() == [1, 3]
    assert asked == ["a", "bbb", "cc"]
    assert table.array().dtype == np.int32


def test_types_of_headers_follow_the_headers() -> None:
    known = Dictionaries()
    assert known.typeless().tolist() == known.header_types().tolist() == known.data_sizes().tolist() == []
    known.headers.intern(MetricHeader("a", type=MetricType.NONE))
    assert known.typeless().tolist() == [True]
    known.headers.intern(MetricHeader("b", type=MetricType.SUM, monotonic=True))
    assert known.typeless().tolist() == [True, False]
    assert known.header_types().tolist() == [MetricType.NONE, MetricType.SUM]
    assert known.data_sizes().tolist() == [0, 2]


def test_parts_of_series_are_what_their_points_were_sent_with() -> None:
    known = Dictionaries()
    builder = FramesBuilder(known).begin_payload()
    for resource in (None, Resource(Attributes.of({"a": 1})), Resource()):
        builder.begin_resource(resource).begin_scope(Scope("s") if resource else None)
        builder.begin_metric(MetricHeader("m"))
        for label in ("x", "y"):
            builder.number_point(Attributes.of({"label": label}), 0, 1, 1.0)
    frames = builder.finish()
    parts = known.series.parts(frames.p_series)
    assert parts.resource.tolist() == frames.p_resource.tolist()
    assert parts.scope.tolist() == frames.p_scope.tolist()
    assert parts.header.tolist() == frames.p_header.tolist()
    assert parts.attributes.tolist() == frames.p_attributes.tolist()
    index = known.series
    alone = index.parts(np.array([3]))
    assert (alone.resource[0], alone.scope[0]) == (index.resource[3], index.scope[3])
    assert (alone.header[0], alone.attributes[0]) == (index.header[3], index.attributes[3])
