"""Wrong usage is exit 2, and the global options are taken anywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from phoenix_nb.cli._main import _global_options_first

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
