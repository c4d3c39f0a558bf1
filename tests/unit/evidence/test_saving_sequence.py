"""The interval of a saving that is billed but not decided by."""

from __future__ import annotations

import numpy as np

from phoenix_nb.evidence import SavingSequence, decide
from phoenix_nb.interfaces import Plan
from tests.unit.evidence.evidence_world import run, saving_run

PLAN = Plan(require_coverage=False, warmup_intervals=0)


def pushed(a: list[float], b: list[float | None], planned: int | None) -> SavingSequence:
    sequence = SavingSequence(PLAN, planned)
    for index, (left, right) in enumerate(zip(a, b, strict=True)):
        sequence.push(left, right, index)
    return sequence


def test_it_is_the_interval_that_the_verdict_projects() -> None:
    a, b = saving_run(np.random.default_rng(1), 0.45, length=360)
    found = pushed(a.tolist(), b.tolist(), 360).interval()
    projection = decide(run(a, b, warmup=0), PLAN).projection
    assert found is not None
    assert projection is not None
    assert (found.estimate, found.low, found.high) == (
        projection.estimate,
        projection.low,
        projection.high,
    )


def test_nothing_is_claimed_without_a_length_a_pilot_or_a_steady_saving() -> None:
    a, b = (side.tolist() for side in saving_run(np.random.default_rng(1), 0.45, length=360))
    assert pushed(a, b, None).interval() is None
    assert pushed(a[:50], b[:50], 360).interval() is None
    drifting = [*b[:180], *(1.5 * value for value in b[180:])]
    assert pushed(a, drifting, 360).interval() is None


def test_silence_is_left_out_and_never_zero() -> None:
    a, b = (side.tolist() for side in saving_run(np.random.default_rng(1), 0.45, length=360))
    with_gaps: list[float | None] = [None if at % 50 == 49 else value for at, value in enumerate(b)]
    found = pushed(a, with_gaps, 360).interval()
    assert found is not None
    assert found.low < 0.45 < found.high
    assert found.high - found.low < 0.05
