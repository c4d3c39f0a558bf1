"""Another judge's published numbers, and what becomes of its known failures: statistics reference, section 3.5."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from scipy import stats

from bench.evidence import mann_whitney_judge
from phoenix_nb.evidence import analyze_table, discordant_evalue
from phoenix_nb.evidence._paired import Kind, PairedSequence, Rules
from phoenix_nb.interfaces.evidence import VerdictState
from phoenix_nb.interfaces.plan import Plan
from tests.unit.evidence.evidence_world import ar1

S = VerdictState


def judged(control: Sequence[float], experiment: Sequence[float], tolerance: float = 0.25) -> str:
    return mann_whitney_judge(np.array(control, dtype=float), np.array(experiment, dtype=float), tolerance)


@pytest.mark.parametrize(
    ("control", "experiment", "tolerance", "expected"),
    [
        ((1, 2.2, 1.1, 2.5, 3), (20, 22, 21, 25, 30), 0.10, "High"),
        ((10, 20.2, 10.1, 20.5, 30), (2, 2, 2, 2, 3), 0.10, "Low"),
        ((1, 2, 3), (3, 1, 2), 0.25, "Pass"),
        # The two failures that its users report: something appears where there was nothing, and passes.
        ((0, 0, 0, 0, 0, 0), (0, 1, 2, 1, 0, 0), 0.25, "Pass"),
        ((0,) * 10, (0, 0.048, 0, 0.18, 0.089, 0, 0.098, 0.035, 0, 0), 0.25, "Pass"),
    ],
)
def test_the_restated_judge_says_what_it_is_known_to_say(
    control: Sequence[float], experiment: Sequence[float], tolerance: float, expected: str
) -> None:
    assert judged(control, experiment, tolerance) == expected


def test_its_level_and_its_estimate() -> None:
    assert stats.norm.ppf(0.01) == pytest.approx(-2.326348, abs=1e-6)
    differences = np.subtract.outer([10.0, 20.0, 30.0, 40.0], [1.0, 2.0, 3.0, 4.0])
    assert np.median(differences) == 22.5
    differences = np.subtract.outer([20.0, 22, 21, 25, 30], [1, 2.2, 1.1, 2.5, 3])
    assert np.median(differences) == pytest.approx(20.0, abs=0.01)


def test_its_summaries_are_those_of_the_libraries_used_here() -> None:
    values = np.array([1.0, 1, 1, 10, 10, 10])
    assert values.mean() == 5.5
    assert values.std(ddof=1) == pytest.approx(4.9295, abs=5e-5)
    ramp = np.arange(0, 3.75, 0.5)
    assert np.quantile(ramp, [0.05, 0.5]) == pytest.approx([0.175, 1.75])
    nist = [95.1772, 95.1567, 95.1937, 95.1959, 95.1442, 95.0610]
    nist += [95.1591, 95.1195, 95.1772, 95.0925, 95.1990, 95.1682]
    assert np.quantile(nist, 0.9) == pytest.approx(95.19568, abs=1e-6)
    low, high = np.array([1.0, 1, 1, 2, 2, 2]), np.array([5.0, 5, 5, 10, 10, 10])
    pooled = math.sqrt((low.var(ddof=1) + high.var(ddof=1)) / 2)
    assert (high.mean() - low.mean()) / pooled == pytest.approx(3.03821, abs=1e-4)
    pairs = [0.5 * (a == b) + (a > b) for a, b in itertools.product(low, low)]
    assert np.mean(pairs) == 0.5


# -- our verdict must do better on each of its failures -------------------------------------------------------


@pytest.mark.parametrize(
    ("control", "experiment"),
    [
        ((0, 0, 0, 0, 0, 0), (0, 1, 2, 1, 0, 0)),
        ((0,) * 10, (0, 0.048, 0, 0.18, 0.089, 0, 0.098, 0.035, 0, 0)),
    ],
)
@pytest.mark.parametrize("repeats", [1, 20, 100])
def test_something_where_there_was_nothing_is_never_a_pass(
    control: Sequence[float], experiment: Sequence[float], repeats: int
) -> None:
    a, b = np.tile(control, repeats), np.tile(experiment, repeats)
    columns = {"t": np.arange(len(a)), "baseline_points": a, "candidate_points": b}
    found = analyze_table(pl.DataFrame(columns), Plan())
    # Without any baseline the saving is not estimable; nothing is promoted and nothing projected.
    assert found.state in {S.TOO_SHORT, S.UNHEALTHY, S.INCONCLUSIVE}
    assert found.projection is None
    failures = int(np.count_nonzero(b))
    # As failures they are harm: only the candidate has any.
    assert (discordant_evalue(0, failures) >= 20.0) == (failures >= 8)


@pytest.mark.parametrize("phi", [0.0, 0.3, 0.6, 0.8, 0.9])
def test_equal_arms_that_remember_are_no_harm_in_sixty_points(phi: float) -> None:
    rng = np.random.default_rng(7)
    for _ in range(30):
        a, b = (10.0 + ar1(rng, phi, 1, 60)[0] for _ in range(2))
        columns = {"t": np.arange(60), "baseline_points": a, "candidate_points": b}
        # The other judge fails up to 45 % of these; sixty intervals are a pilot and no claim.
        assert analyze_table(pl.DataFrame(columns), Plan()).state is S.TOO_SHORT


def test_three_per_cent_more_under_a_load_ten_times_the_noise_is_seen() -> None:
    rng = np.random.default_rng(11)
    runs, length, seen = 100, 720, {"ours": 0, "theirs": 0}
    for _ in range(runs):
        load = 10.0 + ar1(rng, 0.8, 1, length)[0]
        a, b = (load * (1.0 + grown) + 0.1 * rng.standard_normal(length) for grown in (0.0, 0.03))
        sequence = PairedSequence(Kind.RATIO, 1.0, Rules(length, 60, 0.05))
        sequence.fix_rejection(0.05)
        sequence.fill(a, b, np.arange(length))
        seen["ours"] += sequence.bad_at is not None
        seen["theirs"] += mann_whitney_judge(a[:60], b[:60]) != "Pass"
    assert seen["ours"] >= 0.95 * runs
    assert seen["theirs"] <= 0.25 * runs
