"""Whole configurations against what the whole collector process gave for the same payloads."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from phoenix_nb.collector import validate_config
from phoenix_nb.interfaces.pipeline import Severity
from tests.conformance.comparing import Rules, difference
from tests.conformance.engine import lines_of, start
from tests.conformance.places import SHARED
from tests.conformance.support import skip_refused, skip_unsupported

_FOLDER = SHARED / "otelcol" / "collector_cases"
_NAMES = sorted(path.parent.name for path in (_FOLDER / "cases").glob("*/case.json"))
_ORDERS = {
    "exact": frozenset[str](),
    "points": frozenset({"points"}),
    "any": frozenset({"resources", "scopes", "metrics", "points"}),
}
_OVERLAY = "\n  telemetry:\n    resource:\n      service.instance.id: oracle\n"
"""What the recording put over every configuration; all of them end with their service section."""
Tree = dict[str, Any]


@pytest.mark.parametrize("name", _NAMES or [pytest.param("", marks=pytest.mark.skip("no shared data"))])
def test_configuration_gives_what_the_collector_gave(name: str, shared_dir: Path) -> None:
    folder = shared_dir / "otelcol" / "collector_cases" / "cases" / name
    case: Tree = json.loads((folder / "case.json").read_text())
    inputs = lines_of(shared_dir / "otelcol" / "collector_cases" / "inputs" / case["inputs_file"])
    with skip_unsupported():
        run = start(
            (folder / "config.yaml").read_text() + _OVERLAY,
            environment=case["env"],
            version=case["collector_version"],
            gates=dict.fromkeys(case["gates"], True),
        )
    steps = case["steps"] or list(range(len(inputs)))
    got: dict[tuple[Any, str], list[Tree]] = defaultdict(list)
    responses = iter(case["responses"])
    for at, step in enumerate(steps):
        if isinstance(step, dict) and "wait" in step:
            for exporter, trees in run.advance(step["wait"]).items():
                got[at, exporter].extend(trees)
            continue
        sent, refused = run.push(inputs[step["push"] if isinstance(step, dict) else step])
        response = next(responses)
        if response["status"] == 200:
            assert refused is None, f"step {at}: {refused}"
        else:
            text = response["message"].removesuffix("…")
            assert refused is not None
            assert refused.startswith(text), f"step {at}: expected {text}\nfound {refused}"
        for exporter, trees in sent.items():
            got[at, exporter].extend(trees)
    for exporter, trees in run.flush().items():
        got["shutdown", exporter].extend(trees)

    wanted: dict[tuple[Any, str], list[Tree]] = defaultdict(list)
    for line in lines_of(folder / "outputs.jsonl.gz"):
        entry = json.loads(line)
        if entry["payload"].get("resourceMetrics"):
            wanted[entry["step"], entry["exporter"]].append(entry["payload"])
    compare = case["compare"]
    if not compare["steps"]:
        # When a tick came is only known roughly; what came, and in which order, is known.
        got, wanted = _without_steps(got), _without_steps(wanted)
    # Where times are the wall clock of the recording, so are starts.
    timed = not compare.get("ignore_time", False)
    rules = Rules(any_order=_ORDERS[compare["order"]], time=timed, start=timed)
    assert {key: len(trees) for key, trees in got.items() if trees} == {
        key: len(trees) for key, trees in wanted.items()
    }
    for key, trees in wanted.items():
        for at, (left, right) in enumerate(zip(trees, got[key], strict=True)):
            found = difference(left, right, rules)
            assert found is None, f"{key} payload {at}: {found}"


def _without_steps(found: dict[tuple[Any, str], list[Tree]]) -> dict[tuple[Any, str], list[Tree]]:
    made: dict[tuple[Any, str], list[Tree]] = defaultdict(list)
    for (_, exporter), trees in found.items():
        made["any step", exporter].extend(trees)
    return made


_INVALID = _FOLDER / "invalid.json"
_REFUSED: list[Tree] = json.loads(_INVALID.read_text())["cases"] if _INVALID.is_file() else []


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case["name"]) for case in _REFUSED]
    or [pytest.param({}, marks=pytest.mark.skip("no shared data"))],
)
def test_refused_configuration_has_the_words_of_the_collector(case: Tree) -> None:
    errors = [problem for problem in validate_config(case["config"]) if problem.severity is Severity.ERROR]
    if any(problem.code == "COMPONENT_UNSUPPORTED" for problem in errors):
        skip_refused(errors)
    assert errors
    found = [f"Error: {problem.collector_text}\n" for problem in errors]
    texts = [case["stderr"], *case.get("variants", ())]
    if case["name"] == "unknown_processor":
        # The collector lists what its build has, in random order; the list here is of this engine.
        texts, found = ([text.partition("(valid")[0] for text in some] for some in (texts, found))
    if not case["stable"]:
        # Names of contexts come in random order.
        texts, found = (
            [" ".join(sorted(re.findall(r'"(?:\\.|[^"\\])*"|\w+', text))) for text in some]
            for some in (texts, found)
        )
    assert found[0] in texts
