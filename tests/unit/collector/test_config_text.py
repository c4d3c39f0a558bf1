"""Configurations as text: what is read, what is refused, and that hostile input costs little."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix_nb.collector import parse_config, validate_config
from phoenix_nb.collector.config import MAX_BYTES, ComponentId, IdError
from phoenix_nb.collector.lint import lint_config
from phoenix_nb.errors import ConfigError, UnsupportedComponentError
from phoenix_nb.interfaces.pipeline import Severity

HEAD = "receivers: {nop: }\nexporters: {nop: }\n"


def config(processors: str, *, order: str = "") -> str:
    names = order or ", ".join(
        line.split(":")[0].strip() for line in processors.splitlines() if line and not line.startswith("  ")
    )
    body = "".join(f"  {line}\n" for line in processors.splitlines())
    return (
        f"{HEAD}processors:\n{body}"
        f"service: {{pipelines: {{metrics: {{receivers: [nop], processors: [{names}], exporters: [nop]}}}}}}\n"
    )


def first(text: str, **more: Any) -> tuple[str, str, str]:
    problem = validate_config(text, **more)[0]
    return problem.path, problem.message, problem.code


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("batch", ("batch", "")),
        ("batch/a b".replace(" ", "_"), ("batch", "a_b")),
        (" batch / x ", ("batch", "x")),
    ],
)
def test_ids_are_types_and_names(text: str, made: tuple[str, str]) -> None:
    found = ComponentId.parse(text)
    assert (found.type, found.name) == made


@pytest.mark.parametrize(
    "text", ["", "/x", "batch/", "1batch", "ba-tch", "batch/a b", "b" * 64, "batch/" + "x" * 1025]
)
def test_bad_ids_are_refused(text: str) -> None:
    with pytest.raises(IdError):
        ComponentId.parse(text)


def test_variables_are_typed_where_they_are_used() -> None:
    text = config("batch:\n  send_batch_size: ${env:SIZE}\n  timeout: ${env:WAIT:-3s}")
    assert not validate_config(text, environment={"SIZE": "0100"})
    path, message, _ = first(text, environment={"SIZE": '"100"'})
    assert path == "processors::batch::send_batch_size"
    assert "expected type 'uint32'" in message or "cannot parse" in message


def test_unset_variable_is_a_warning() -> None:
    problems = validate_config(config("batch:\n  timeout: ${env:NOT_SET:-1s}\n  send_batch_size: ${NOPE}"))
    assert [problem.code for problem in problems if problem.severity is Severity.WARNING] == [
        "CONFIG_UNSET_VARIABLE"
    ]


def test_endless_references_end() -> None:
    _, message, code = first(config("batch:\n  timeout: ${env:A}"), environment={"A": "${env:A}"})
    assert (message, code) == ("too many recursive expansions", "CONFIG_EXPANSION")


@pytest.mark.parametrize(
    ("processors", "path", "part"),
    [
        ("batch:\n  sized: 1", "processors::batch::sized", "has invalid keys: sized"),
        ("batch: [1]", "processors::batch", "expected"),
        ("batch:\n  timeout: {a: 1}", "processors::batch::timeout", "expected"),
        (
            "filter:\n  metrics: {datapoints: [a]}",
            "processors::filter::metrics::datapoints",
            "invalid keys: datapoints",
        ),
        ("filter:\n  error_mode: loud", "processors::filter::error_mode", "unknown error mode loud"),
        (
            "transform:\n  metric_statements: [{context: galaxy}]",
            "processors::transform::metric_statements::0::context",
            "unknown context galaxy",
        ),
        ("memory_limiter:\n  limit_mib: -1", "processors::memory_limiter::limit_mib", "overflows uint"),
        ("filtering: {}", "processors::filtering", "unknown type"),
    ],
)
def test_keys_and_types_are_strict(processors: str, path: str, part: str) -> None:
    found, message, _ = first(config(processors))
    assert found == path
    assert part in message


def test_a_known_type_that_the_engine_lacks_is_named() -> None:
    text = config("tail_sampling: {}").replace("metrics:", "metrics:", 1)
    with pytest.raises(UnsupportedComponentError, match="tail_sampling"):
        parse_config(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x]\n"
        + "".join(f"k{n}: &b{n} [{', '.join([f'*b{n - 1}' if n else '*a'] * 9)}]\n" for n in range(12)),
        "x: [" * 20_000,
        "{" * 50_000,
        "receivers: \x00",
        "\ufeff- 1",
        "a: 1\na: 2",
        "a: b: c",
        "- 1",
        "just text",
        "!!python/object/apply:os.system ['true']",
    ],
    ids=["bomb", "deep", "braces", "nul", "bom", "twice", "nested", "list", "scalar", "tag"],
)
def test_hostile_text_is_an_error_and_no_crash(text: str) -> None:
    problems = validate_config(text)
    assert problems
    assert all(problem.message for problem in problems)
    with pytest.raises(ConfigError):
        parse_config(text)


def test_too_much_text_is_refused_unread() -> None:
    _, message, code = first("a: " + "x" * (MAX_BYTES + 1))
    assert code == "CONFIG_TOO_LARGE"
    assert "MiB" in message


def test_cycles_and_lonely_connectors_are_found() -> None:
    text = (
        f"{HEAD}connectors: {{forward: }}\nservice: {{pipelines: {{metrics: "
        "{receivers: [forward], exporters: [forward]}}}\n"
    )
    assert first(text)[2] == "CONFIG_CYCLE"
    lonely = text.replace("receivers: [forward]", "receivers: [nop]")
    assert first(lonely)[2] == "CONFIG_CONNECTOR"


@pytest.mark.parametrize("first_out", ["forward/aside, forward/back", "forward/back, forward/aside"])
def test_a_cycle_is_found_beside_what_it_feeds(first_out: str) -> None:
    text = f"""{HEAD}connectors: {{forward/on: , forward/back: , forward/aside: }}
service:
  pipelines:
    metrics/aside: {{receivers: [forward/aside], exporters: [nop]}}
    metrics/in: {{receivers: [nop, forward/back], exporters: [forward/on]}}
    metrics/round: {{receivers: [forward/on], exporters: [{first_out}]}}
"""
    _, message, code = first(text)
    assert code == "CONFIG_CYCLE"
    assert {part.split('"')[1] for part in message.split(" -> ")} == {"forward/on", "forward/back"}


@pytest.mark.parametrize(
    "processors",
    [
        "batch:\n  timeout: DIGITSs",
        "filter:\n  metrics: {include: {match_type: expr, expressions: ['1 == DIGITS']}}",
        "transform:\n  metric_statements: ['set(datapoint.attributes[\"a\"], DIGITS)']",
    ],
)
def test_numbers_too_long_to_be_read_are_refused(processors: str) -> None:
    assert validate_config(config(processors.replace("DIGITS", "1" * 5000)))


def test_a_port_too_long_to_be_read_is_no_port_of_others() -> None:
    text = "receivers: {otlp: {protocols: {http: {endpoint: 'localhost:PORT'}}}}\nexporters: {nop: }\n"
    text += "service: {pipelines: {metrics: {receivers: [otlp], exporters: [nop]}}}\n"
    codes = [
        {finding.code for finding in lint_config(parse_config(text.replace("PORT", port)))}
        for port in ("1" * 5000, "8888")
    ]
    assert ["PORT_CLASH" in some for some in codes] == [False, True]
