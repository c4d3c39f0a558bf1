"""OTTL texts: what is refused with which words, and what literals decide."""

from __future__ import annotations

import json

import pytest

from phoenix_nb.collector import compile_config, parse_config, validate_config
from phoenix_nb.collector._regexp import RegexpError, compile_regexp
from phoenix_nb.collector.ottl import (
    CONTEXTS,
    Item,
    OttlError,
    compile_condition,
    compile_statements,
    statement_functions,
)
from phoenix_nb.collector.ottl.functions._glob import GlobError, compile_glob
from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.otlp import Decoder, Dictionaries, encode_json
from tests.unit.collector.test_config_text import config


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('name = "a"', 'condition has invalid syntax: 1:6: unexpected token "="'),
        ("nope == 1", 'segment "nope" from path "nope" is not a valid path'),
        ("Nope(name)", 'undefined function "Nope"'),
        ('IsMatch(name, "(")', "missing closing ): `(`"),
        ("IsMatch(name)", "incorrect number of arguments. Expected: 2 Received: 1"),
        ('name["x"] == 1', 'the keys indexing "name" were not used by the context'),
        ("name.x == 1", 'the path section "x" was not used by the context'),
        ("not name", "unexpected token"),
        ("UUID() == name", "it depends on chance"),
        ("TraceID(name) == nil", "identifiers of spans, traces and profiles have no place in metrics"),
        ('Any(metadata, (k, v) => v == "a")', "`ottl.functions.enableLambda` feature gate to be enabled"),
        ('When(() => name == "a", 1, 2) == 1', "`ottl.functions.enableLambda` feature gate to be enabled"),
        ("Reduce(metadata, 0, (_, k, v) => 1 + 2) > 2", "invalid argument at position 2: lambda expression"),
        ('URL(name)["url.port"] == 80', "by itself the collector cannot use it either"),
        ("Any(metadata, true)", "must be a lambda expression"),
        ("resource.cache == nil", 'please replace "resource.cache" with "metric.cache"'),
        ("A_B_C == 1", "enum symbol, A_B_C, not found"),
        ("name == " + "(" * 100 + "1" + ")" * 100, "nested deeper"),
        ('name == "' + "x" * 100_001 + '"', "longer than"),
    ],
)
def test_bad_conditions_have_the_words_of_the_collector(text: str, part: str) -> None:
    with pytest.raises(OttlError) as found:
        compile_condition(text, CONTEXTS["metric"])
    assert part in str(found.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("metric.name == " + "(" * 100_000 + "1", "the text is longer than 100000 characters"),
        ("metric.name == " + "(" * 50_000 + "1", "the text is nested deeper than 60 levels"),
    ],
)
@pytest.mark.parametrize(
    "processor",
    [
        "transform:\n  metric_statements: ['set(metric.name, 1) where {}']",
        "filter:\n  metrics: {{metric: ['{}']}}",
        "filter:\n  metric_conditions: ['{}']",
    ],
)
def test_own_limits_come_first_and_show_little(processor: str, text: str, reason: str) -> None:
    problem = validate_config(config(processor.format(text)))[0]
    assert reason in problem.message[:100]
    assert "engine: otelcol" in problem.message
    assert len(problem.message) < 500


def test_a_context_that_is_no_candidate_is_not_replaced() -> None:
    text = "transform:\n  metric_statements: ['set(instrumentation_scope.name, {})']"
    problem = validate_config(config(text.format('"x"')))[0]
    assert 'inferred context "instrumentation_scope" is not a valid candidate' in problem.message
    assert not validate_config(config(text.format("metric.name")))


def test_functions_come_with_releases() -> None:
    text = 'HasPrefix(name, "a")'
    compile_condition(text, CONTEXTS["metric"])
    with pytest.raises(OttlError, match="undefined function"):
        compile_condition(text, CONTEXTS["metric"], version=(0, 124, 1))


def test_every_bad_statement_has_a_line() -> None:
    with pytest.raises(OttlError) as found:
        compile_statements(
            ["Set(metric.name, 1)", "set(metric.name)", 'set(metric.name, "x")'],
            CONTEXTS["metric"],
            statement_functions("metric"),
        )
    assert len(str(found.value).splitlines()) == 2


@pytest.mark.parametrize(
    "pattern", [r"(?=a)", r"(a)\1", r"\C", r"a{1001}", r"(?P<n", "a**", "[b-a]", "(?x)a", "a++"]
)
def test_patterns_that_go_has_not_are_refused(pattern: str) -> None:
    with pytest.raises(RegexpError):
        compile_regexp(pattern)


@pytest.mark.parametrize(
    ("pattern", "text", "template", "made"),
    [
        ("b*", "abc", "-", "-a-c-"),
        (r"(\w)(\d)", "a1 b2", "$2$1", "1a 2b"),
        (r"(?P<n>\d+)", "x12", "<${n}>", "x<12>"),
        (r"(\d)", "a1", "$1x", "a"),
        (r"(\d)", "a1", "$$1", "a$1"),
        ("a", "a", "${", "${"),
    ],
)
def test_templates_are_filled_as_by_go(pattern: str, text: str, template: str, made: str) -> None:
    assert compile_regexp(pattern).replace(text, template) == made


def test_a_pattern_that_explodes_elsewhere_does_not_here() -> None:
    assert not compile_regexp(r"^(a+)+$").search("a" * 5_000 + "!")


def _push(processors: str, *values: int) -> tuple[list[dict[str, object]], dict[int, str], tuple[str, ...]]:
    dictionaries = Dictionaries()
    engine = compile_config(parse_config(config(processors.strip())), dictionaries)
    lines = [
        json.dumps(
            {
                "resourceMetrics": [
                    {
                        "scopeMetrics": [
                            {"metrics": [{"name": "m", "gauge": {"dataPoints": [{"asInt": str(v)}]}}]}
                        ]
                    }
                ]
            }
        ).encode()
        for v in values
    ]
    output = engine.process(Decoder(dictionaries).json(lines))
    trees = [json.loads(line) for line in encode_json(output.by_exporter["nop"])]
    return trees, dict(output.refused), output.warnings


_FAILING = """
filter:
  error_mode: {mode}
  metrics: {{datapoint: ['10 / value_int > 2']}}
"""


def test_failures_refuse_or_are_logged_or_are_silent() -> None:
    trees, refused, _ = _push(_FAILING.format(mode="propagate"), 1, 0, 9)
    assert refused == {1: "failed to eval condition: 10 / value_int > 2, attempted to divide by 0"}
    assert [bool(tree.get("resourceMetrics")) for tree in trees] == [False, False, True]
    trees, refused, warnings = _push(_FAILING.format(mode="ignore"), 1, 0, 9)
    assert not refused
    assert warnings == ("failed to eval condition: 10 / value_int > 2, attempted to divide by 0",)
    assert [bool(tree.get("resourceMetrics")) for tree in trees] == [False, True, True]
    assert _push(_FAILING.format(mode="silent"), 0)[1:] == ({}, ())


def test_copies_without_end_are_refused() -> None:
    endless = """
transform:
  metric_statements:
    - context: metric
      statements: ['copy_metric(name="m")']
"""
    with pytest.raises(InvalidRequestError, match="without end"):
        _push(endless, 1)


def test_flat_statements_name_their_context() -> None:
    problem = validate_config(
        config("transform:\n  metric_statements: ['aggregate_on_attributes(\"sum\", [])']")
    )[0]
    assert "unable to infer context from statements" in problem.message
    assert problem.path == "processors::transform"


@pytest.mark.parametrize(
    ("pattern", "hits"),
    [
        ("{a", ["a"]),
        ("{a,", ["", "a"]),
        ("x{a,b", ["xa", "xb"]),
        ("{a,{b", ["a", "b"]),
        ("{a}{b", ["ab"]),
        ("{}", [""]),
        ("a}", ["a}"]),
    ],
)
def test_braces_of_globs_may_stay_open(pattern: str, hits: list[str]) -> None:
    texts = ["", "a", "b", "ab", "xa", "xb", "{a", "a}", "x{a", "}"]
    assert [text for text in texts if compile_glob(pattern).search(text)] == hits


def test_globs_are_not_nested_without_end() -> None:
    with pytest.raises(GlobError, match="nested deeper"):
        compile_glob("{" * 5_000)


def test_groups_of_a_pattern_may_share_a_name() -> None:
    pattern = compile_regexp(r"(?P<a>x)[(?P<b>y](\Q(?P<c>\E)(?:z)(?P<a>w)")
    assert pattern.names == ("", "a", "", "a")


def test_a_condition_may_depend_on_nothing() -> None:
    condition = compile_condition(
        'not (Nanoseconds(Duration("1m")) == 1) or (1 > 0 and 2 != 1)', CONTEXTS["datapoint"]
    )
    assert condition.test(Item())
