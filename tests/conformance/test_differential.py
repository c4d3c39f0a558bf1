"""Drawn configurations and payloads: the engine and the real processors must agree.

``PHOENIX_DIFFERENTIAL_PAIRS`` sets how many pairs are compared (the nightly target asks for 20,000),
``PHOENIX_DIFFERENTIAL_SEED`` where drawing begins.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from phoenix_nb.errors import ConfigError
from tests.conformance.comparing import Rules, difference
from tests.conformance.engine import start
from tests.conformance.generate.payloads import payloads
from tests.conformance.generate.registry import Component, Step, components
from tests.conformance.oracle import Refusal, chainrun_path, run_chain

_ALL = components()
_FOCUS = [(name, focus) for name, made in _ALL.items() for focus in (made.functions or ("",))]
_PAIRS = max(int(os.environ.get("PHOENIX_DIFFERENTIAL_PAIRS", "500")), 500)
_SEED = int(os.environ.get("PHOENIX_DIFFERENTIAL_SEED", "159"))
_EACH = 20
"""Pairs in which every component and function is used at least."""
_drawn: Counter[str] = Counter()
_compared: Counter[str] = Counter()


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
def _chain(draw: st.DrawFn, made: Component, focus: str) -> list[Step]:
    """A chain with one processor that uses the function, and sometimes others before it."""
    steps = [draw(made.step(focus))]
    for _ in range(draw(st.sampled_from((0, 0, 0, 1, 2)))):
        other = draw(st.sampled_from(sorted(_ALL)))
        step = draw(_ALL[other].step(""))
        if not step.any_order:
            steps.insert(0, step)
    return steps


def _check(program: Path, folder: Path, steps: list[Step], inputs: list[dict[str, Any]]) -> None:
    text = _config(steps)
    config, source, output = folder / "config.yaml", folder / "in.jsonl", folder / "out.jsonl"
    config.write_text(text)
    source.write_text("\n".join(json.dumps(tree) for tree in inputs))
    try:
        wanted = run_chain(program, config, source, output)
    except Refusal as exc:
        with pytest.raises(ConfigError):
            start(text)
        _compared["refused"] += 1
        assert str(exc)
        return
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


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("name", "focus"), _FOCUS, ids=[f"{name}-{focus or 'any'}" for name, focus in _FOCUS])
def test_engine_and_collector_agree(name: str, focus: str, tmp_path: Path) -> None:
    program = chainrun_path()
    each = max(_EACH // sum(one == focus for _, one in _FOCUS if focus) if focus else _EACH, _PAIRS // len(_FOCUS), 1)

    @seed(_SEED)
    @settings(
        max_examples=each,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(steps=_chain(_ALL[name], focus), inputs=_ALL[name].payloads or payloads())
    def agree(steps: list[Step], inputs: list[dict[str, Any]]) -> None:
        for step in steps:
            _drawn[step.type] += 1
            _drawn.update(f"{step.type}: {function}" for function in step.functions)
        _check(program, tmp_path, steps, inputs)

    agree()


def test_everything_was_drawn_often_enough() -> None:
    chainrun_path()
    if not _drawn:
        pytest.skip("the pairs were not compared in this run")
    print(f"\nseed {_SEED}; {sum(_compared.values())} comparisons: {dict(_compared)}")
    width = max(map(len, _drawn))
    for what, count in sorted(_drawn.items()):
        print(f"{what:<{width}} {count:>6}")
    by_function: Counter[str] = Counter()
    for what, count in _drawn.items():
        by_function[what.partition(": ")[2] or what] += count
    rare = {what: count for what, count in by_function.items() if count < _EACH}
    assert not rare
    assert _compared["payloads"] >= 500
