"""Each trap is found where it is, with and without payloads, and sound configurations are left alone."""

from __future__ import annotations

import textwrap
from typing import Any

import orjson
import pytest

from phoenix_nb.collector import Clock, catalog, compile_config, parse_config
from phoenix_nb.collector.lint import FactsCollector, LintFinding, lint_config
from phoenix_nb.otlp import Decoder, Dictionaries

_AROUND = """
receivers: {{otlp: {{protocols: {{grpc: }}}}}}
processors:
  memory_limiter: {{check_interval: 1s, limit_mib: 512}}
{processors}
exporters: {{debug: }}
service: {{pipelines: {{metrics: {{receivers: [otlp], processors: [{order}], exporters: [debug]}}}}}}
"""


def _config(processors: str, *order: str) -> str:
    return _AROUND.format(
        processors=textwrap.indent(textwrap.dedent(processors), "  "),
        order=", ".join(("memory_limiter", *order)),
    )


def _codes(found: tuple[LintFinding, ...]) -> dict[str, bool]:
    return {one.code: one.certain for one in found}


def _lint(text: str) -> dict[str, bool]:
    return _codes(lint_config(parse_config(text)))


def _process(
    name: str, time: int, value: dict[str, object], metric: str = "process.memory.usage"
) -> dict[str, Any]:
    attribute = {"key": "process.executable.name", "value": {"stringValue": name}}
    point = {
        "timeUnixNano": str(time),
        **value,
        "attributes": [{"key": "state", "value": {"stringValue": "user"}}],
    }
    metrics = [{"name": metric, "gauge": {"dataPoints": [point]}}]
    return {"resource": {"attributes": [attribute]}, "scopeMetrics": [{"metrics": metrics}]}


_PAYLOAD = {"resourceMetrics": [_process("a", 1, {"asInt": "5"}), _process("b", 2, {"asInt": "7"})]}


def _lint_with(text: str, payload: object = _PAYLOAD) -> dict[str, bool]:
    dictionaries, facts = Dictionaries(), FactsCollector()
    config = parse_config(text)
    engine = compile_config(config, dictionaries, clock=Clock.MANUAL, watch=facts)
    engine.process(Decoder(dictionaries).json([orjson.dumps(payload)]))
    return _codes(lint_config(config, facts.facts))


@pytest.mark.parametrize("name", catalog.names())
def test_catalogue_is_free_of_traps(name: str) -> None:
    assert lint_config(parse_config(catalog.load(name).yaml)) == ()


@pytest.mark.parametrize(
    ("processors", "order", "code", "certain"),
    [
        (
            """filter: {metrics: {metric: ['name != "a"', 'name != "b"']}}""",
            ("filter",),
            "FILTER_DROPS_ALL",
            True,
        ),
        (
            """filter: {metrics: {metric: ['name == "a" and name == "b"']}}""",
            ("filter",),
            "FILTER_NEVER",
            True,
        ),
        (
            """filter/keep: {metrics: {metric: ['IsMatch(name, "^process")']}}""",
            ("filter/keep",),
            "FILTER_INVERTED",
            False,
        ),
        (
            """filter: {metrics: {datapoint: ['attributes["process.executable.name"] == "sh"']}}""",
            ("filter",),
            "RESOURCE_ATTRIBUTE_ON_POINT",
            False,
        ),
        (
            """attributes: {actions: [{key: process.pid, action: delete}]}""",
            ("attributes",),
            "RESOURCE_ATTRIBUTE_ON_POINT",
            False,
        ),
        (
            """filter: {metrics: {datapoint: ['metric.name == "process.memory.usage" and value_double < 5.0']}}""",
            ("filter",),
            "VALUE_DOUBLE_ON_INT",
            False,
        ),
        (
            """filter: {metrics: {datapoint: ['metric.name == "process.cpu.time" and value_int == 0']}}""",
            ("filter",),
            "VALUE_INT_ON_DOUBLE",
            False,
        ),
        (
            """
            metricstransform:
              transforms: [{include: '^a(.*)', match_type: regexp, action: update, new_name: 'b$1'}]
            """,
            ("metricstransform",),
            "DOLLAR_NOT_DOUBLED",
            False,
        ),
        (
            """
            transform:
              metric_statements: [{context: metric, statements: ['aggregate_on_attributes("sum", [])']}]
            """,
            ("transform",),
            "AGGREGATION_TIMESTAMPS",
            False,
        ),
        (
            """batch: {}\nfilter: {metrics: {metric: ['name == "a"']}}""",
            ("batch", "filter"),
            "BATCH_BEFORE_FILTER",
            True,
        ),
        (
            """
            resource: {attributes: [{key: process.pid, action: delete}]}
            filter: {metrics: {resource: ['attributes["process.pid"] == 1']}}
            """,
            ("resource", "filter"),
            "ORDER_REMOVED_ATTRIBUTE",
            True,
        ),
        (
            """
            metricstransform: {transforms: [{include: a, action: update, new_name: b}]}
            filter: {metrics: {metric: ['name == "a"']}}
            """,
            ("metricstransform", "filter"),
            "ORDER_RENAMED_METRIC",
            False,
        ),
        ("""deltatorate: {metrics: [a]}""", ("deltatorate",), "ORDER_RATE_WITHOUT_DELTA", False),
        (
            """filter: {logs: {log_record: ['body == "x"']}}""",
            ("filter",),
            "SIGNAL_NO_EFFECT",
            True,
        ),
        ("""filter/other: {metrics: {metric: ['name == "a"']}}""", (), "UNUSED_COMPONENT", True),
    ],
)
def test_trap_is_found_in_the_text(processors: str, order: tuple[str, ...], code: str, certain: bool) -> None:
    found = _lint(_config(processors, *order))
    assert found.get(code) is certain, found


def test_doubled_dollars_are_fine() -> None:
    rename = "{include: '^a(.*)$$', match_type: regexp, action: update, new_name: 'b$$1'}"
    text = f"metricstransform: {{transforms: [{rename}]}}"
    assert _lint(_config(text, "metricstransform")) == {}


def test_missing_and_late_memory_limiter() -> None:
    text = _config("batch: {}", "batch")
    assert _lint(text) == {}
    assert _lint(text.replace("[memory_limiter, batch]", "[batch, memory_limiter]")) == {
        "MEMORY_LIMITER_NOT_FIRST": True
    }
    assert "MEMORY_LIMITER_MISSING" in _lint(text.replace("[memory_limiter, batch]", "[batch]"))


def test_ports_that_clash_and_exports_to_oneself() -> None:
    text = """
receivers:
  otlp: {protocols: {grpc: {endpoint: 0.0.0.0:4317}}}
  otlp/2: {protocols: {grpc: }}
processors: {memory_limiter: {check_interval: 1s, limit_mib: 512}}
exporters: {otlp: {endpoint: localhost:4317}}
service:
  pipelines: {metrics: {receivers: [otlp, otlp/2], processors: [memory_limiter], exporters: [otlp]}}
"""
    found = {one.code: one for one in lint_config(parse_config(text))}
    assert set(found) == {"PORT_CLASH", "EXPORT_LOOP"}
    assert found["PORT_CLASH"].path == "receivers::otlp/2::protocols::grpc::endpoint"
    assert "otlp::protocols::grpc" in found["PORT_CLASH"].message
    assert _lint(
        text.replace(
            "otlp/2: {protocols: {grpc: }}", "otlp/2: {protocols: {grpc: {endpoint: 'localhost:5'}}}"
        )
    ) == {"EXPORT_LOOP": False}


def test_payloads_make_findings_certain_or_take_them_away() -> None:
    on_point = _config(
        """filter: {metrics: {datapoint: ['attributes["process.executable.name"] == "a"']}}""", "filter"
    )
    assert _lint_with(on_point) == {"RESOURCE_ATTRIBUTE_ON_POINT": True, "FILTER_DROPS_NOTHING": True}
    on_resource = _config("""filter: {metrics: {resource: ['attributes["state"] == "user"']}}""", "filter")
    assert _lint_with(on_resource) == {"POINT_ATTRIBUTE_ON_RESOURCE": True, "FILTER_DROPS_NOTHING": True}
    value = _config("""filter: {metrics: {datapoint: ['value_double < 6.0']}}""", "filter")
    assert _lint_with(value) == {"VALUE_DOUBLE_ON_INT": True, "FILTER_DROPS_ALL": True}
    doubles = {"resourceMetrics": [_process("a", 1, {"asDouble": 5.0}), _process("b", 1, {"asDouble": 7.0})]}
    assert _lint_with(value, doubles) == {}


def test_aggregation_over_different_times_and_resources() -> None:
    strip = "resource: {attributes: [{key: process.executable.name, action: delete}]}\ngroupbyattrs: {}\n"
    merge = """
transform:
  metric_statements: [{context: metric, statements: ['aggregate_on_attributes("sum", [])']}]
"""
    grid = """
transform/time:
  metric_statements: [{context: datapoint, statements: ['set(time, TruncateTime(time, Duration("1s")))']}]
"""
    assert _lint_with(_config(merge, "transform")) == {"AGGREGATION_ACROSS_RESOURCES": True}
    ungrouped = _lint(_config(strip + merge, "resource", "transform"))
    assert ungrouped == {
        "AGGREGATION_TIMESTAMPS": False,
        "AGGREGATION_ACROSS_RESOURCES": False,
        "UNUSED_COMPONENT": True,
    }
    assert _lint_with(_config(strip + merge, "resource", "groupbyattrs", "transform")) == {
        "AGGREGATION_TIMESTAMPS": True
    }
    sound = _config(strip + grid + merge, "resource", "groupbyattrs", "transform/time", "transform")
    assert _lint_with(sound) == {}
    assert _lint(sound) == {}


def test_states_of_one_process_may_be_added() -> None:
    merge = """
transform:
  metric_statements:
    - context: metric
      statements: ['aggregate_on_attributes("sum", []) where name == "process.cpu.time"']
"""
    two = _process("a", 1, {"asDouble": 1.0}, "process.cpu.time")
    points = two["scopeMetrics"][0]["metrics"][0]["gauge"]["dataPoints"]
    points.append({"timeUnixNano": "1", "asDouble": 2.0})
    assert _lint_with(_config(merge, "transform"), {"resourceMetrics": [two]}) == {}
    assert "AGGREGATED_COUNTER" not in _lint(_config(merge, "transform"))
    grouped = _lint(_config(f"groupbyattrs: {{}}\n{merge}", "groupbyattrs", "transform"))
    assert grouped["AGGREGATED_COUNTER"] is False


def test_attribute_that_was_copied_to_the_point_is_there() -> None:
    text = _config(
        """
        transform:
          metric_statements:
            - context: datapoint
              statements:
                - set(attributes["process.executable.name"], resource.attributes["process.executable.name"])
        filter: {metrics: {datapoint: ['attributes["process.executable.name"] == "a"']}}
        """,
        "transform",
        "filter",
    )
    assert _lint(text) == {}
    assert _lint_with(text) == {}


_BEHIND_PROMETHEUS = """
receivers: {{hostmetrics: {{scrapers: {{{scraper}: }}}}}}
processors:
  memory_limiter: {{check_interval: 1s, limit_mib: 512}}
  transform: {{metric_statements: ['set(datapoint.attributes["pid"], resource.attributes["process.pid"])']}}
exporters: {{{exporter}}}
service:
  pipelines:
    metrics: {{receivers: [hostmetrics], processors: [memory_limiter{more}], exporters: [{name}]}}
"""


@pytest.mark.parametrize(
    ("scraper", "exporter", "more", "found"),
    [
        ("process", "prometheus: {endpoint: 'localhost:9000'}", "", True),
        ("process", "prometheusremotewrite: {endpoint: 'http://h/api'}", "", True),
        ("process", "prometheus: {endpoint: 'localhost:9000'}", ", transform", False),
        ("memory", "prometheus: {endpoint: 'localhost:9000'}", "", False),
        ("process", "debug: {}", "", False),
        (
            "process",
            "prometheus: {endpoint: 'localhost:9000', resource_to_telemetry_conversion: {enabled: true}}",
            "",
            False,
        ),
    ],
)
def test_processes_that_prometheus_cannot_tell_apart(
    scraper: str, exporter: str, more: str, found: bool
) -> None:
    text = _BEHIND_PROMETHEUS.format(
        scraper=scraper, exporter=exporter, more=more, name=exporter.partition(":")[0]
    )
    assert ("PROMETHEUS_MERGES_PROCESSES" in _lint(text)) is found
