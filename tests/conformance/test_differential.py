"""Drawn configurations and payloads: the engine and the real processors must agree.

``PHOENIX_DIFFERENTIAL_PAIRS`` sets how many pairs are compared (the nightly target asks for 20,000),
``PHOENIX_DIFFERENTIAL_SEED`` where drawing begins;
``PHOENIX_DIFFERENTIAL_SHRINK=1`` makes a failing pair small, which takes minutes.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st

from phoenix_nb.errors import ConfigError
from tests.conformance.comparing import Rules, difference
from tests.conformance.engine import start
from tests.conformance.generate.payloads import payloads
from tests.conformance.generate.registry import Step, components
from tests.conformance.oracle import NotEndedError, RefusalError, chainrun_path, run_chain

_ALL = components()
_PAIRS = int(os.environ.get("PHOENIX_DIFFERENTIAL_PAIRS", "500"))
_SEED = int(os.environ.get("PHOENIX_DIFFERENTIAL_SEED", "159"))
_PHASES = (
    (Phase.generate, Phase.shrink)
    if os.environ.get("PHOENIX_DIFFERENTIAL_SHRINK") == "1"
    else (Phase.generate,)
)
_EACH = 20
"""Pairs in which every component and function is used at least."""
_SHARING = 5
"""Functions that share the chain of a pair, each in a processor of its own."""
_drawn: Counter[str] = Counter()
_compared: Counter[str] = Counter()


def _groups() -> list[tuple[tuple[str, str], ...]]:
    """Everything that has to be drawn, in groups for one chain each; what must be last is alone in its group."""
    wanted = [(name, focus) for name, made in _ALL.items() for focus in (made.functions or ("",))]
    last = [(name, focus) for name, focus in wanted if focus in _ALL[name].last]
    others = [entry for entry in wanted if entry not in last]
    count = max(-(-len(wanted) // _SHARING), len(last), 1)
    made: list[list[tuple[str, str]]] = [others[at::count] for at in range(count)]
    for group, entry in zip(made, last, strict=False):
        group.append(entry)
    return [tuple(group) for group in made if group]


_GROUPS = _groups()


def _doubled(node: Any) -> Any:
    if isinstance(node, str):
        return node.replace("$", "$$")
    if isinstance(node, dict):
        return {key: _doubled(value) for key, value in node.items()}
    return [_doubled(item) for item in node] if isinstance(node, list) else node


def _config(steps: list[Step]) -> str:
    names = [f"{step.type}/{at}" for at, step in enumerate(steps)]
    tree = {
        "receivers": {"nop": None},
        "processors": {name: _doubled(step.settings) for name, step in zip(names, steps, strict=True)},
        "exporters": {"nop": None},
        "service": {
            "pipelines": {"metrics": {"receivers": ["nop"], "processors": names, "exporters": ["nop"]}}
        },
    }
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)


@st.composite
def _chain(draw: st.DrawFn, group: tuple[tuple[str, str], ...]) -> list[Step]:
    """A chain with one processor for each function; what drops whole metrics and points comes late."""
    steps = [draw(_ALL[name].step(focus)) for name, focus in group]
    return sorted(steps, key=lambda step: (step.any_order, step.type == "filter"))


def _check(program: Path, folder: Path, steps: list[Step], inputs: list[dict[str, Any]]) -> None:
    text = _config(steps)
    config, source, output = folder / "config.yaml", folder / "in.jsonl", folder / "out.jsonl"
    config.write_text(text)
    source.write_text("\n".join(json.dumps(tree) for tree in inputs))
    try:
        wanted = run_chain(program, config, source, output)
    except RefusalError:
        with pytest.raises(ConfigError):
            start(text)
        _compared["refused"] += 1
        return
    _compared["pairs"] += 1
    run = start(text)
    # The JSON of the other side has no negative zero.
    order = frozenset({"points"} if steps[-1].any_order else ())
    rules = Rules(any_order=order, negative_zero=False)
    for at, (tree, expected) in enumerate(zip(inputs, wanted, strict=True)):
        sent, refused = run.push(tree)
        got = sent["nop"]
        _compared["payloads"] += 1
        if isinstance(expected, dict):
            assert refused is not None, f"payload {at} should be refused: {expected['error'][:400]}\n{text}"
            continue
        assert refused is None, f"payload {at} should not be refused: {refused}\n{text}"
        left = [one for one in expected if one.get("resourceMetrics")]
        assert len(left) == len(got), f"payload {at}: {len(left)} expected, {len(got)} found\n{text}"
        for one, other in zip(left, got, strict=True):
            found = difference(one, other, rules)
            assert found is None, f"payload {at}: {found}\n{text}"


def _payloads_of(group: tuple[tuple[str, str], ...]) -> st.SearchStrategy[list[dict[str, Any]]]:
    special = [made for name, _ in group if (made := _ALL[name].payloads) is not None]
    return st.one_of(payloads(), *special)


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("group", _GROUPS, ids=[group[0][1] or group[0][0] for group in _GROUPS])
def test_engine_and_collector_agree(group: tuple[tuple[str, str], ...], tmp_path: Path) -> None:
    program = chainrun_path()

    @seed(_SEED)
    @settings(
        max_examples=max(_EACH, -(-_PAIRS // len(_GROUPS))),
        deadline=None,
        database=None,
        phases=_PHASES,
        suppress_health_check=list(HealthCheck),
    )
    @given(steps=_chain(group), inputs=_payloads_of(group))
    def agree(steps: list[Step], inputs: list[dict[str, Any]]) -> None:
        try:
            _check(program, tmp_path, steps, inputs)
        except NotEndedError:
            # A shared text that a replacement makes longer for every point: there is nothing to compare with.
            _compared["not ended"] += 1
            assume(False)
        for step in steps:
            _drawn[step.type] += 1
            _drawn.update(f"{step.type}: {function}" for function in step.functions)

    agree()


def test_everything_was_drawn_often_enough() -> None:
    chainrun_path()
    if not _drawn:
        pytest.skip("the pairs were not compared in this run")
    print(f"\nseed {_SEED}: {dict(_compared)}")
    width = max(map(len, _drawn))
    for what, count in sorted(_drawn.items()):
        print(f"{what:<{width}} {count:>6}")
    by_function: Counter[str] = Counter()
    for what, count in _drawn.items():
        by_function[what.partition(": ")[2] or what] += count
    rare = {what: count for what, count in by_function.items() if count < _EACH}
    assert not rare
    assert _compared["pairs"] >= min(_PAIRS, 500)
    assert _compared["not ended"] <= _compared["pairs"] / 50
