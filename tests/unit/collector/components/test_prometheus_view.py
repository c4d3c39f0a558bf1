"""What a Prometheus backend sees."""

from __future__ import annotations

import pytest

from phoenix_nb.collector import prometheus_view
from phoenix_nb.collector.components._prometheus_names import label_name, metric_name
from phoenix_nb.otlp import (
    Attributes,
    Dictionaries,
    Frames,
    FramesBuilder,
    MetricHeader,
    MetricType,
    Resource,
    Scope,
    Temporality,
)


def _counter(name: str, unit: str) -> MetricHeader:
    return MetricHeader(
        name, unit=unit, type=MetricType.SUM, temporality=Temporality.CUMULATIVE, monotonic=True
    )


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (_counter("process.cpu.time", "s"), "process_cpu_time_seconds_total"),
        (_counter("process.disk.io", "By"), "process_disk_io_bytes_total"),
        (_counter("requests.total", "1"), "requests_total"),
        (_counter("page.faults", "{faults}"), "page_faults_total"),
        (MetricHeader("process.cpu.utilization", unit="1"), "process_cpu_utilization_ratio"),
        (MetricHeader("speed", unit="m/s"), "speed_meters_per_second"),
        (MetricHeader("2xx.seconds", unit="s"), "_2xx_seconds"),
        (MetricHeader("odd", unit="By/µ"), "odd_bytes"),
        (MetricHeader("größe"), "gr_e"),
    ],
)
def test_names_carry_unit_and_type(header: MetricHeader, name: str) -> None:
    assert metric_name(header) == name


def test_names_without_suffixes_and_with_a_namespace() -> None:
    header = _counter("process.cpu.time", "s")
    assert metric_name(header, suffixes=False) == "process_cpu_time"
    assert metric_name(header, namespace="host") == "host_process_cpu_time_seconds_total"


@pytest.mark.parametrize(
    ("key", "name"),
    [("process.pid", "process_pid"), ("1st", "key_1st"), ("ä", ""), ("", ""), ("a__b", "a__b")],
)
def test_keys_become_labels(key: str, name: str) -> None:
    assert label_name(key) == name


def _two_processes(dictionaries: Dictionaries) -> Frames:
    built = FramesBuilder(dictionaries).begin_payload(1)
    for pid in (1, 2):
        attributes = {"process.pid": pid, "service.name": "web", "service.namespace": "shop"}
        built.begin_resource(Resource(Attributes.of(attributes))).begin_scope(Scope("sc", "1"))
        built.begin_metric(_counter("process.cpu.time", "s"))
        built.number_point(Attributes.of({"state": "user"}), 0, 1, 1.0)
    return built.finish()


def test_processes_fall_together_without_their_resource() -> None:
    frames = _two_processes(Dictionaries())
    view = prometheus_view(frames, {})
    assert [one.series for one in view.collisions] == [(0, 1)]
    assert dict(view.series[0].labels) == {
        "job": "shop/web",
        "otel_scope_name": "sc",
        "otel_scope_version": "1",
        "state": "user",
    }


def test_conversion_keeps_processes_apart() -> None:
    frames = _two_processes(Dictionaries())
    settings: dict[str, object] = {
        "resource_to_telemetry_conversion": {"enabled": True, "exclude_service_attributes": True},
        "without_scope_info": True,
        "const_labels": {"region": "x"},
    }
    view = prometheus_view(frames, settings)
    assert not view.collisions
    assert [dict(one.labels) for one in view.series] == [
        {"job": "shop/web", "process_pid": pid, "region": "x", "state": "user"} for pid in ("1", "2")
    ]
