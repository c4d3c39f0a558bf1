"""Wrong usage is exit 2, and the global options are taken anywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args, get_type_hints

import pytest

from phoenix_nb.cli._aa import run_aa
from phoenix_nb.cli._main import _global_options_first
from phoenix_nb.cli._optimize import _KINDS, optimize
from phoenix_nb.interfaces import EngineKind, OptimizationStrategy, RuleKind

Phoenix = Callable[..., Any]


@pytest.mark.parametrize(
    "words",
    [
        ("compare",),
        ("compare", "process-baseline-v1"),
        ("compare", "a", "b", "--every", "fast"),
        ("compare", "a", "b", "--duration", "0s"),
        ("compare", "a", "b", "--seed", "-1"),
        ("compare", "a", "b", "--no-such-option"),
        ("simulate", "realistic"),
        ("simulate", "realistic", "--scrapes", "0", "--output", "x.jsonl"),
        ("simulate", "realistic", "--every", "-1s", "--output", "x.jsonl"),
        ("record",),
        ("report", "run"),
        ("experiment", "show"),
        ("no-such-command",),
        ("--no-such-option",),
    ],
)
def test_wrong_usage(phoenix: Phoenix, words: tuple[str, ...]) -> None:
    outcome = phoenix(*words)
    assert outcome.code == 2
    assert outcome.out == ""
    assert "Usage: phoenix" in outcome.err
    assert "Traceback" not in outcome.err


def test_help_and_version(phoenix: Phoenix) -> None:
    helped = phoenix("--help")
    assert helped.code == 0
    for command in ("demo", "compare", "simulate", "record", "report", "pipeline", "experiment", "doctor"):
        assert command in helped.out
    assert phoenix("--version").out.startswith("phoenix ")


def test_global_options_may_come_last() -> None:
    words, debug = _global_options_first(["compare", "a", "b", "--workspace", ":memory:", "--debug"])
    assert words == ["--workspace", ":memory:", "--debug", "compare", "a", "b"]
    assert debug
    words, debug = _global_options_first(["compare", "--", "--debug"])
    assert words == ["compare", "--", "--debug"]
    assert not debug


def test_debug_shows_the_traceback(phoenix: Phoenix) -> None:
    outcome = phoenix("pipeline", "show", "nope", "--debug")
    assert outcome.code == 1
    assert "Traceback" in outcome.err
    assert "error: there is no pipeline 'nope'" in outcome.err


def test_commands_know_the_words_of_the_interfaces() -> None:
    assert {*get_args(get_args(get_type_hints(optimize, include_extras=True)["strategy"])[0])} == {
        *OptimizationStrategy
    }
    assert {*_KINDS} == {*RuleKind}
    assert {*get_args(get_args(get_type_hints(run_aa, include_extras=True)["engine"])[0])} == {*EngineKind}
