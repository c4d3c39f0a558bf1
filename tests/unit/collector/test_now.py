"""The present time of a configuration is when the payload arrived, whoever asks and however often it is replayed."""

from __future__ import annotations

import pytest

from phoenix_nb.collector import compile_config, parse_config
from phoenix_nb.otlp import (
    Attributes,
    Dictionaries,
    Frames,
    FramesBuilder,
    MetricHeader,
    MetricType,
    Resource,
    Scope,
)

SECOND = 1_000_000_000
ARRIVALS = (1_000 * SECOND, 2_000 * SECOND)


def frames(dictionaries: Dictionaries) -> Frames:
    """Two payloads, each with a point that is 5 s old and one that is 500 s old."""
    builder = FramesBuilder(dictionaries)
    for arrival in ARRIVALS:
        builder.begin_payload(arrival)
        builder.begin_resource(Resource(Attributes.of({"host": "a"})))
        builder.begin_scope(Scope("s"))
        builder.begin_metric(MetricHeader("m", type=MetricType.GAUGE))
        for age in (5, 500):
            builder.number_point(Attributes.EMPTY, 0, arrival - age * SECOND, age)
    return builder.finish()


def sent(processors: str) -> Frames:
    ident = processors.partition(":")[0]
    config = parse_config(
        f"""
receivers: {{otlp: {{protocols: {{http: {{}}}}}}}}
exporters: {{file: {{path: out.jsonl}}}}
processors: {{{processors}}}
service: {{pipelines: {{metrics: {{receivers: [otlp], processors: [{ident}], exporters: [file]}}}}}}
"""
    )
    dictionaries = Dictionaries()
    return compile_config(config, dictionaries).process(frames(dictionaries)).by_exporter["file"]


@pytest.mark.parametrize(
    "condition",
    [
        'time < Now() - Duration("1m")',
        "UnixSeconds(Now()) - UnixSeconds(time) > 60",
        "Seconds(Now() - time) > 60.0",
        "time_unix_nano < UnixNano(Now()) - 60000000000",
    ],
)
def test_old_points_are_dropped_by_their_age_at_arrival(condition: str) -> None:
    kept = sent(f"filter: {{metrics: {{datapoint: ['{condition}']}}}}")
    assert kept.p_int.tolist() == [5, 5]
    assert kept.p_payload.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("context", "statement"),
    [
        ("datapoint", "set(time, Now())"),
        ("datapoint", "set(time_unix_nano, UnixNano(Now()))"),
        # A condition on more than the point itself is tried row by row.
        ("datapoint", "set(datapoint.time, Now()) where metric.name != String(Now())"),
    ],
)
def test_points_can_be_stamped(context: str, statement: str) -> None:
    made = sent(f"transform: {{metric_statements: [{{context: {context}, statements: ['{statement}']}}]}}")
    assert made.p_time.tolist() == [ARRIVALS[0]] * 2 + [ARRIVALS[1]] * 2


@pytest.mark.parametrize("context", ["resource", "scope", "metric", "datapoint"])
def test_every_context_has_it(context: str) -> None:
    target = {"metric": "metric.description"}.get(context, f'{context}.attributes["at"]')
    made = sent(
        f"transform: {{metric_statements: [{{context: {context}, statements: ['set({target}, "
        'FormatTime(Now(), "%H:%M:%S"))\']}]}'
    )
    known = made.dictionaries
    texts = {
        "resource": [known.resources[one].attributes.get("at") for one in made.p_resource.tolist()],
        "scope": [known.scopes[one].attributes.get("at") for one in made.p_scope.tolist()],
        "metric": [known.headers[one].description for one in made.p_header.tolist()],
        "datapoint": [known.attribute_sets[one].get("at") for one in made.p_attributes.tolist()],
    }
    assert texts[context] == ["00:16:40"] * 2 + ["00:33:20"] * 2


def test_a_copy_is_named_after_its_own_payload() -> None:
    made = sent(
        "transform: {metric_statements: [{context: metric, statements: "
        "['copy_metric(name=String(UnixSeconds(Now()))) where metric.name == \"m\"']}]}"
    )
    names = [made.dictionaries.headers[header].name for header in made.m_header.tolist()]
    assert names == ["m", "1000", "m", "2000"]
