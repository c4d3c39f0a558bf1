"""``phoenix collector test``, its files, and the pytest plugin."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

pytest_plugins = ["pytester"]

Phoenix = Callable[..., Any]

_EXAMPLES = Path(__file__).resolve().parents[3] / "docs" / "pipeline-tests"
_CONFIG = """
  receivers: {otlp: {protocols: {grpc: }}}
  processors: {filter: {metrics: {datapoint: ['attributes["k"] == "drop"']}}}
  exporters: {debug: }
  service: {pipelines: {metrics: {receivers: [otlp], processors: [filter], exporters: [debug]}}}
"""
_INPUT = "[{metric: m, value: 5, attributes: {k: keep}}, {metric: m, value: 7.5, attributes: {k: drop}}]"


def _file(folder: Path, expect: str, *, name: str = "a.pipeline-test.yaml", given: str = _INPUT) -> Path:
    path = folder / name
    path.write_text(f"config: |{_CONFIG}tests:\n  - name: one\n    input: {given}\n    expect: {expect}\n")
    return path


def test_shipped_examples_pass(phoenix: Phoenix) -> None:
    done = phoenix("collector", "test", _EXAMPLES, "--json")
    found = json.loads(done.out)
    assert done.code == 0, found
    assert found["passed"] >= 5
    assert {Path(one["file"]).name for one in found["tests"]} == {
        path.name for path in _EXAMPLES.glob("*.pipeline-test.yaml")
    }


@pytest.mark.parametrize(
    "expect",
    [
        "{points: 1, series: {min: 1, max: 1}, payloads: {max: 1}}",
        "{present: [{metric: 'm*', attributes: {k: 'k*'}}], absent: [{attributes: {k: drop}}]}",
        "{absent: [{attributes: {k: null}}], present: [{attributes: {other: null}}]}",
        "{values: [{metric: m, value: 5.4, tolerance: 0.5}]}",
        "{output: [{metric: m, value: 5, time: 0, attributes: {k: keep}}]}",
    ],
)
def test_what_is_true_passes(phoenix: Phoenix, tmp_path: Path, expect: str) -> None:
    assert phoenix("collector", "test", _file(tmp_path, expect)).code == 0


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        ("{points: 2}", "points: expected 2, got 1"),
        ("{series: {min: 2}}", "series: expected at least 2, got 1"),
        ("{payloads: {max: 0}}", "payloads: expected at most 0, got 1"),
        ("{present: [{attributes: {k: drop}}]}", "no series matches *{k=drop}; of this metric there are:"),
        ("{present: [{metric: n}]}", "metrics in the output: m"),
        ("{absent: [{metric: m}]}", "1 series matches m{}, expected none:\n      m{k=keep}"),
        ("{values: [{metric: m, value: 5.6, tolerance: 0.5}]}", "m{k=keep}: expected 5.6 ± 0.5, got 5"),
        (
            "{output: [{metric: m, value: 6, attributes: {k: keep}}]}",
            "  - m{k=keep} = 6\n    + m{k=keep} = 5",
        ),
        # An integer point is not a double one.
        ("{output: [{metric: m, value: 5.0, attributes: {k: keep}}]}", "  - m{k=keep} = 5.0"),
        ("{lint_free: true}", "MEMORY_LIMITER_MISSING"),
    ],
)
def test_what_is_not_true_fails_readably(phoenix: Phoenix, tmp_path: Path, expect: str, said: str) -> None:
    done = phoenix("collector", "test", _file(tmp_path, expect))
    assert done.code == 1
    assert "FAIL" in done.out
    assert said in done.out
    assert "0 passed, 1 failed" in done.out


def test_recording_as_input(phoenix: Phoenix, tmp_path: Path) -> None:
    point = {"timeUnixNano": "1", "asInt": "1"}
    payload = {
        "resourceMetrics": [
            {"scopeMetrics": [{"metrics": [{"name": "m", "gauge": {"dataPoints": [point]}}]}]}
        ]
    }
    (tmp_path / "in.jsonl").write_text(json.dumps(payload))
    file = _file(tmp_path, "{points: 1}", given="{recording: in.jsonl}")
    assert phoenix("collector", "test", file).code == 0


def test_junit_report(phoenix: Phoenix, tmp_path: Path) -> None:
    _file(tmp_path, "{points: 1}")
    _file(tmp_path, "{points: 2}", name="b.pipeline-test.yaml")
    _file(tmp_path, "{points: 1}", name="c.pipeline-test.yaml", given="{recording: nowhere.jsonl}")
    done = phoenix("collector", "test", tmp_path, "--junit", "out.xml")
    assert done.code == 1
    root = ET.fromstring((tmp_path / "out.xml").read_text())
    assert root.attrib == {"tests": "3", "failures": "1", "errors": "1"}
    assert [len(suite) for suite in root] == [1, 1, 1]
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.text == "points: expected 2, got 1"


def test_report_never_overwrites_a_test(phoenix: Phoenix, tmp_path: Path) -> None:
    file = _file(tmp_path, "{points: 1}")
    before = file.read_bytes()
    done = phoenix("collector", "test", tmp_path, "--junit", file.name)
    assert done.code == 1
    assert "is the same file as the input" in done.err
    assert done.out == ""
    assert file.read_bytes() == before


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_report_in_a_folder_that_takes_no_file(phoenix: Phoenix, tmp_path: Path) -> None:
    done = phoenix("collector", "test", _file(tmp_path, "{points: 1}"), "--junit", "/proc/out.xml")
    assert done.code == 1
    assert "hint: no file can be created in this folder" in done.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("config: [", "is not YAML"),
        ("- 1", "is not a pipeline test"),
        ("config: process-baseline-v1\ntests: []", "tests: "),
        ("config: x\ntests: [{name: a, input: [], expect: {}}]", "a test that cannot fail"),
        (
            "config: x\ntests: [{name: a, input: [], expect: {point: 1}}]",
            "tests::0::expect::point: no such key is known",
        ),
        (
            "config: x\ntests: [{name: a, input: [{metric: m, value: 1, attributes: {k: [1]}}], expect: {points: 1}}]",
            "tests::0::input::0::0::attributes::k: this value is of the wrong kind",
        ),
        (
            "config: x\ntests: [{name: a, input: [[{metric: m}]], expect: {points: 1}}]",
            "tests::0::input::0::0::value: ",
        ),
        (
            "config: nowhere.yaml\ntests: [{name: a, input: [], expect: {points: 0}}]",
            "bad.pipeline-test.yaml: config: there is no file nowhere.yaml",
        ),
        ("config: x\ntests: 5", "tests: should be a list"),
        ("config: x\ntests: []", "tests: should have at least 1 entry"),
        (
            "config: x\ntests: [{name: a, input: 5, expect: {points: 0}}]",
            "input: should be a mapping or a list",
        ),
        (
            "config: x\ntests: [{name: a, input: [], expect: {points: many}}]",
            "points: should be a whole number or a mapping",
        ),
        (
            "config: x\ntests: [" + "{name: a, input: [], expect: {points: 0}}, " * 2 + "]",
            "two tests named 'a'",
        ),
    ],
)
def test_what_is_no_test_file_is_refused(phoenix: Phoenix, tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bad.pipeline-test.yaml"
    path.write_text(text)
    done = phoenix("collector", "test", path)
    assert done.code == 1
    assert said in done.err
    assert "Traceback" not in done.err


def test_only_what_is_wrong_is_told(phoenix: Phoenix, tmp_path: Path) -> None:
    path = tmp_path / "bad.pipeline-test.yaml"
    path.write_text("config: x\ntests: [{name: a, input: [{metric: m}], expect: {points: 0}}]")
    done = phoenix("collector", "test", path)
    # Not that there is no test, nor that the input is no recording.
    assert [line for line in done.err.splitlines() if line.startswith("  ")] == [
        "  tests::0::input::0::0::value: is missing"
    ]


def test_findings_about_the_configuration_are_sentences(phoenix: Phoenix, tmp_path: Path) -> None:
    path = _file(tmp_path, "{points: 1}")
    path.write_text(
        path.read_text().replace("datapoint:", "datapointt:").replace("debug: }", "debug: {nope: 1}}")
    )
    done = phoenix("collector", "test", path)
    assert done.code == 1
    told = [line for line in done.out.splitlines() if line.startswith("  ")]
    assert len(told) == 2
    assert told[0].startswith("  cannot be run: processors::filter::metrics::datapointt: ")
    assert told[0].endswith("(and 1 more)")
    assert told[1].startswith("  exporters::debug")


def test_a_folder_without_tests_and_no_file(phoenix: Phoenix, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = phoenix("collector", "test", tmp_path / "empty")
    assert done.code == 1
    assert "holds no pipeline test" in done.err
    assert phoenix("collector", "test").code == 2


def test_pytest_collects_test_files(pytester: pytest.Pytester) -> None:
    _file(pytester.path, "{points: 1}")
    _file(pytester.path, "{points: 2}", name="b.pipeline-test.yaml")
    (pytester.path / "c.pipeline-test.yaml").write_text("config: x")
    module = "phoenix_nb.pytest_pipelines"
    installed = any(one.value == module for one in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", module]
    plugin += ["-o", "asyncio_default_fixture_loop_scope=function"]
    result = pytester.runpytest_inprocess(*plugin, "-v", "--continue-on-collection-errors")
    result.assert_outcomes(passed=1, failed=1, errors=1)
    result.stdout.fnmatch_lines(["*points: expected 2, got 1*"])
    assert "Traceback" not in result.stdout.str()
