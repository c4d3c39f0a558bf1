"""Recorded configurations through our supervised collector: the same output, the same refusals."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phoenix_nb.otelcol import OtelcolEngine
from phoenix_nb.otlp import Decoder, Dictionaries
from tests.conformance.comparing import Rules, difference
from tests.conformance.engine import lines_of, payloads_of
from tests.conformance.places import SHARED

Tree = dict[str, Any]

_CASES = sorted(
    path.parent for path in (SHARED / "otelcol" / "collector_cases" / "cases").glob("*/case.json")
)
_ABSENT = ("resourcedetection_env",)
"""The collector is built without this processor."""
_ALWAYS = (
    *("count_points", "fanout_two_arms", "filter_drop_everything", "filter_err_propagate", "interval_flush"),
    *("passthrough", "routing_resource", "signaltometrics_sum", "t_where_propagate"),
)
_EVERY = int(os.environ.get("PHOENIX_COLLECTOR_CASES_EVERY", "5"))
"""One case in so many runs, besides the ones that always do: each starts a process of its own."""
_OWN_RESOURCE = "  telemetry:\n    resource:\n      service.instance.id: oracle\n"
_TIMED = {"batch_and_limiter", "chain_interval", "chain_old_names"}
"""Cases in which something is sent later than it was received; when it comes is not the same twice."""
_ORDERS = {
    "exact": frozenset[str](),
    "points": frozenset({"points"}),
    "any": frozenset({"resources", "scopes", "metrics", "points"}),
}


def _chosen() -> list[Any]:
    made = []
    for folder in _CASES:
        case = json.loads((folder / "case.json").read_text())
        if case["steps"] is None and folder.name not in (*_TIMED, *_ABSENT):
            made.append(pytest.param(folder, id=folder.name))
    made = [one for at, one in enumerate(made) if at % _EVERY == 0 or one.id in _ALWAYS]
    return made or [pytest.param(None, marks=pytest.mark.skip("no shared data"))]


@pytest.mark.parametrize("folder", _chosen())
def test_what_every_exporter_gets_is_what_was_recorded(
    folder: Path, start: Callable[..., OtelcolEngine]
) -> None:
    case: Tree = json.loads((folder / "case.json").read_text())
    inputs = lines_of(folder.parent.parent / "inputs" / case["inputs_file"])
    dictionaries = Dictionaries()
    # The recordings were made by a collector with this resource, which signal_to_metrics shows.
    text = (folder / "config.yaml").read_text().replace("service:\n", f"service:\n{_OWN_RESOURCE}")
    engine = start(text, dictionaries, case["env"])
    decoder = Decoder(dictionaries)
    output = engine.process(decoder.json(inputs))
    assert not output.failure
    for number, response in enumerate(case["responses"]):
        wanted = response.get("message", "").removesuffix("…")
        assert output.refused.get(number, "").startswith(wanted)
        assert (number in output.refused) == (response["status"] != 200)
    wanted_by: dict[str, list[Tree]] = defaultdict(list)
    for line in lines_of(folder / "outputs.jsonl.gz"):
        entry = json.loads(line)
        if entry["payload"].get("resourceMetrics"):
            wanted_by[entry["exporter"]].append(entry["payload"])
    got_by = {name: payloads_of(frames) for name, frames in output.by_exporter.items()}
    for name, frames in engine.flush().by_exporter.items():
        got_by[name] += payloads_of(frames)
    compare = case["compare"]
    timed = not compare.get("ignore_time", False)
    rules = Rules(any_order=_ORDERS[compare["order"]], start=timed, time=timed)
    assert {name: len(trees) for name, trees in got_by.items() if trees} == {
        name: len(trees) for name, trees in wanted_by.items()
    }
    for name, trees in wanted_by.items():
        found = got_by[name]
        if compare.get("payloads") == "any":
            trees, found = sorted(trees, key=_text), sorted(found, key=_text)
        for left, right in zip(trees, found, strict=True):
            assert difference(left, right, rules) is None


def _text(tree: Tree) -> str:
    return json.dumps(tree, sort_keys=True)
