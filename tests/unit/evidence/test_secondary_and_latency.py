"""Secondary intervals, corrections for many tests, latency quantiles."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.evidence import (
    adjusted_p_values,
    exceedance_difference,
    exceedance_from_histogram,
    hac_interval,
    log_quantile_difference,
    quantile_bucket,
    samples_for_quantile,
    sign_flip_p_value,
    stationary_block_length,
    stationary_bootstrap_interval,
)
from tests.unit.evidence.evidence_world import ar1
from tests.unit.evidence.test_sequences import MAVRO


@pytest.mark.parametrize(("lags", "expected"), [(0, 6.00773e-5), (4, 1.2531e-4), (10, 1.6369e-4)])
def test_hac_of_mavro(lags: int, expected: float) -> None:
    found = hac_interval(2.0 + np.array(MAVRO) / 1e5, lags=lags)
    error = (found.high - found.estimate) / float(stats.t.ppf(0.975, 49))
    assert error == pytest.approx(expected, rel=1e-4)
    assert found.estimate == pytest.approx(2.001856, abs=1e-9)


def test_bootstrap_agrees_with_hac_on_white_noise() -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal(400)
    one, two = hac_interval(x, lags=0), stationary_bootstrap_interval(x, rng, mean_block=1.0)
    assert two.high - two.low == pytest.approx(one.high - one.low, rel=0.1)


def test_longer_memory_asks_for_longer_blocks() -> None:
    rng = np.random.default_rng(2)
    lengths = [
        float(np.mean([stationary_block_length(row) for row in ar1(rng, phi, 20, 720)]))
        for phi in (0.0, 0.5, 0.9)
    ]
    assert lengths[0] < lengths[1] < lengths[2]
    assert stationary_block_length(np.ones(50)) == 1.0


def test_sign_flips() -> None:
    rng = np.random.default_rng(3)
    assert sign_flip_p_value([1.0] * 5, rng) == 2 / 32
    assert sign_flip_p_value([0.0] * 5, rng) == 1.0
    assert sign_flip_p_value(1.0 + 0.1 * rng.standard_normal(40), rng) < 0.001
    assert sign_flip_p_value(rng.standard_normal(40), rng) > 0.01


def test_holm_and_benjamini_hochberg() -> None:
    holm = adjusted_p_values((0.01, 0.04, 0.03, 0.005, 0.55, 0.6))
    assert holm == pytest.approx([0.05, 0.12, 0.12, 0.03, 1, 1])
    screened = adjusted_p_values((0.898, 0.138, 0.007, 0.964, 0.538, 0.006, 0.138), "fdr_bh")
    assert screened == pytest.approx([0.964, 0.2415, 0.0245, 0.964, 0.7532, 0.0245, 0.2415])
    assert adjusted_p_values(()) == []


def test_quantiles_need_samples() -> None:
    assert samples_for_quantile(0.99) == 397
    fast = np.random.default_rng(4).lognormal(-5, 0.3, 500)
    assert log_quantile_difference(fast, 1.1 * fast) == pytest.approx(math.log(1.1))
    assert log_quantile_difference(fast[:396], fast) is None


def test_exceedance_shares() -> None:
    assert exceedance_difference([1.0, 2.0], [1.0, 3.0], 2.5) == 0.5
    assert exceedance_difference([], [1.0], 1.0) is None
    assert exceedance_from_histogram([1.0, 2.0, 5.0], [1, 1, 7, 1], 2.0) == 0.8
    assert exceedance_from_histogram([1.0, 2.0], [1, 1, 1], 1.5) is None
    assert exceedance_from_histogram([1.0], [0, 0], 1.0) is None


def test_a_histogram_gives_a_bucket_never_a_value() -> None:
    assert quantile_bucket([1.0, 2.0, 5.0], [1, 1, 7, 1], 0.5) == (2.0, 5.0)
    assert quantile_bucket([1.0, 2.0, 5.0], [1, 1, 7, 1], 0.99) == (5.0, math.inf)
    assert quantile_bucket([1.0], [3, 0], 0.5) == (-math.inf, 1.0)
    assert quantile_bucket([1.0], [0, 0], 0.5) is None


@pytest.mark.parametrize(
    "call",
    [
        lambda: hac_interval([1.0, 2.0]),
        lambda: hac_interval([1.0, 2.0, 3.0], lags=3),
        lambda: stationary_block_length([1.0, math.nan, 1.0, 2.0]),
        lambda: adjusted_p_values((1.5,)),
        lambda: samples_for_quantile(1.0),
        lambda: log_quantile_difference([0.0] * 400, [1.0] * 400),
        lambda: quantile_bucket([2.0, 1.0], [1, 1, 1], 0.5),
        lambda: quantile_bucket([1.0], [1], 0.5),
        lambda: quantile_bucket([1.0], [1, -1], 0.5),
        lambda: quantile_bucket([1.0], [1, 1], 0.0),
    ],
)
def test_bad_input_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(InvalidRequestError):
        call()
