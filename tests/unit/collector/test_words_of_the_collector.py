"""Refused configurations: the words are those that ``otelcol validate`` of release 0.159.0 prints for the same text."""

from __future__ import annotations

import pytest

from phoenix_nb.collector import validate_config
from phoenix_nb.interfaces.pipeline import Severity

UNREADABLE = (
    "failed to get config: cannot unmarshal the configuration: "
    "decoding failed due to the following error(s):\n\n"
)
HEAD = "receivers: {nop: }\nexporters: {nop: }\n"
PLAIN = "service: {pipelines: {metrics: {receivers: [nop], exporters: [nop]}}}\n"


def refused(text: str) -> list[str]:
    found = [problem for problem in validate_config(text) if problem.severity is Severity.ERROR]
    return [problem.collector_text for problem in found]


@pytest.mark.parametrize(
    ("lists", "name"),
    [
        ("receivers: nop, exporters: [nop]", "receivers"),
        ("receivers: [nop], processors: batch, exporters: [nop]", "processors"),
        ("receivers: [nop], processors: '', exporters: [nop]", "processors"),
        ("receivers: [nop], exporters: 'nop,nop'", "exporters"),
    ],
)
def test_a_text_is_no_list_of_components(lists: str, name: str) -> None:
    text = f"{HEAD}processors: {{batch: }}\nservice: {{pipelines: {{metrics: {{{lists}}}}}}}\n"
    assert refused(text) == [
        f"{UNREADABLE}'service.pipelines[metrics].{name}' source data must be an array or slice, got string"
    ]


def test_a_text_is_no_list_of_extensions() -> None:
    text = f"{HEAD}extensions: {{pprof: }}\n{PLAIN.replace('{pipelines', '{extensions: pprof, pipelines')}"
    assert refused(text) == [
        f"{UNREADABLE}'service.extensions' source data must be an array or slice, got string"
    ]


@pytest.mark.parametrize(
    ("connector", "pair", "stays"),
    [
        ("forward: ", "traces metrics", False),
        ("forward: ", "metrics logs", False),
        ("forward: ", "logs logs", True),
        ("count: ", "traces metrics", True),
        ("count: ", "metrics logs", False),
        ("count: ", "logs logs", False),
    ],
)
def test_a_connector_joins_the_signals_that_it_is_for(connector: str, pair: str, stays: bool) -> None:
    taken, given = pair.split()
    name = connector.partition(":")[0]
    text = (
        f"{HEAD}connectors: {{{connector}}}\nservice: {{pipelines: {{"
        f"{taken}/a: {{receivers: [nop], exporters: [{name}]}}, "
        f"{given}/b: {{receivers: [{name}], exporters: [nop]}}}}}}\n"
    )
    lonely = (
        f'failed to build pipelines: connector "{name}" used as exporter in [{taken}/a] pipeline '
        "but not used in any supported receiver pipeline"
    )
    assert refused(text)[:1] == ([] if stays else [lonely])


def test_a_connector_needs_a_partner_for_each_of_its_signals() -> None:
    text = (
        f"{HEAD}connectors: {{forward: }}\nservice: {{pipelines: {{"
        "traces: {receivers: [nop], exporters: [forward]}, traces/b: {receivers: [forward], exporters: [nop]}, "
        "metrics/b: {receivers: [forward], exporters: [nop]}}}\n"
    )
    lonely = (
        'failed to build pipelines: connector "forward" used as receiver in [metrics/b] pipeline '
        "but not used in any supported exporter pipeline"
    )
    assert refused(text) == [lonely]
