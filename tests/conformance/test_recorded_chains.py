"""Chains of processors against what the real processors gave for the same payloads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conformance.comparing import Rules, difference
from tests.conformance.engine import lines_of, start
from tests.conformance.places import SHARED
from tests.conformance.support import skip_refused, skip_unsupported

_CASES = SHARED / "otelcol" / "cases"
_RULES = Rules(any_order=frozenset({"points"}))
_NAMES = sorted(path.name for path in (_CASES / "cases").glob("*") if path.is_dir())


@pytest.mark.parametrize("name", _NAMES or [pytest.param("", marks=pytest.mark.skip("no shared data"))])
def test_chain_gives_what_the_collector_gave(name: str, shared_dir: Path) -> None:
    folder = shared_dir / "otelcol" / "cases" / "cases" / name
    text = (folder / "config.yaml").read_text()
    expectations = sorted(folder.glob("*.out.jsonl.gz"))
    assert expectations
    for path in expectations:
        inputs = lines_of(shared_dir / "otelcol" / "cases" / "inputs" / path.name.replace(".out.", "."))
        expected = [json.loads(line) for line in lines_of(path)]
        assert len(inputs) == len(expected)
        with skip_unsupported():
            run = start(text)
        for at, (line, wanted) in enumerate(zip(inputs, expected, strict=True)):
            sent, refused = run.push(line)
            (got,) = sent.values()
            if isinstance(wanted, dict):
                assert refused == wanted["error"], f"{path.name} payload {at}"
                continue
            assert refused is None, f"{path.name} payload {at}: {refused}"
            wanted = [tree for tree in wanted if tree.get("resourceMetrics")]
            assert len(got) == len(wanted), f"{path.name} payload {at}"
            for left, right in zip(wanted, got, strict=True):
                found = difference(left, right, _RULES)
                assert found is None, f"{path.name} payload {at}: {found}"


_INVALID = _CASES / "invalid.json"
_REFUSED = json.loads(_INVALID.read_text()) if _INVALID.is_file() else []


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case["name"]) for case in _REFUSED]
    or [pytest.param(None, marks=pytest.mark.skip("no shared data"))],
)
def test_refused_chain_has_the_words_of_the_collector(case: dict[str, str]) -> None:
    from phoenix_nb.collector import validate_config

    problems = validate_config(case["config"])
    errors = [problem for problem in problems if problem.severity.value == "error"]
    if any(problem.code == "COMPONENT_UNSUPPORTED" for problem in errors):
        skip_refused(errors)
    wanted = case["error"]
    # What chainrun prints begins with the component's place; the whole collector says the same with another beginning.
    text = wanted.partition(": ")[2]
    found = [problem.collector_text for problem in errors]
    assert any(_same(text, item) for item in found), f"expected {wanted}\nfound {found}"


def _same(wanted: str, found: str) -> bool:
    # How often "decoding failed" is repeated depends on how deep the decoder was called.
    return found.endswith(wanted.rsplit("\n\n", 1)[-1])
