"""The reference numbers of the statistics reference, sections 2.5, 3.1 to 3.3 and 3.6."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.evidence import (
    block_length,
    discordant_evalue,
    noninferiority_evalue,
    ratio_sequence,
    sample_ratio_p_value,
    t_evalue,
    t_sequence,
    zero_miss_upper,
)
from phoenix_nb.evidence._blocks import lag1_autocorrelation
from phoenix_nb.evidence._boundaries import (
    bernoulli_interval,
    msprt_two_arms,
    normal_mixture_bound,
    normal_mixture_log_evidence,
    normal_mixture_rho,
)
from phoenix_nb.evidence._counts import log_discordant_evalue
from phoenix_nb.evidence._ratio import RatioMoments, RatioPath
from phoenix_nb.evidence._t_sequence import mixture_phi, unit_radii, unit_radius

Y = [0.52, 0.47, 0.55, 0.50, 0.49, 0.53, 0.51, 0.46, 0.54, 0.50]
# fmt: off
MAVRO = [  # the filter transmittance data of NIST StRD: 2 + these / 100 000
    180, 170, 180, 190, 180, 170, 150, 140, 150, 150,
    170, 180, 180, 190, 190, 210, 200, 160, 140, 130,
    130, 150, 150, 160, 150, 140, 130, 140, 150, 140,
    150, 160, 150, 160, 190, 200, 200, 210, 220, 230,
    240, 250, 270, 260, 260, 260, 270, 260, 250, 240,
]
# fmt: on


# -- 3.1 boundaries ------------------------------------------------------------------------------------------


def test_two_sided_normal_mixture() -> None:
    rho = normal_mixture_rho(100)
    assert rho == pytest.approx(12.60056, abs=5e-6)
    assert normal_mixture_log_evidence(10, 100, rho) == pytest.approx(-0.6510052, abs=1e-6)
    expected = {10: 12.1907532, 50: 21.8041235, 100: 30.35209, 500: 70.5039040, 1000: 102.5122868}
    for v, bound in expected.items():
        assert normal_mixture_bound(v, 100) == pytest.approx(bound, abs=1e-6)


def test_one_sided_normal_mixture() -> None:
    rho = normal_mixture_rho(100, one_sided=True)
    assert normal_mixture_log_evidence(10, 100, rho, one_sided=True) == pytest.approx(-0.06502391, abs=1e-6)
    expected = {10: 11.4926818, 50: 19.9452605, 100: 27.66071, 500: 64.6185137, 1000: 94.3939162}
    for v, bound in expected.items():
        assert normal_mixture_bound(v, 100, one_sided=True) == pytest.approx(bound, abs=2e-6)


@pytest.mark.parametrize(
    ("successes", "trials", "t_opt", "low", "high"),
    [
        (700, 1000, 100, 0.651629, 0.745949),
        (15, 50, 50, 0.129556, 0.511896),
        (5, 50, 50, 0.013021, 0.269264),
        (1, 50, 50, 0.0, 0.13489),
        (100, 200, 1, 0.328923, 0.671076),
        (0, 299, 100, 0.0, 0.0114328),
        (0, 1000, 500, 0.0, 0.0036307),
        (3, 1000, 500, 0.0000747, 0.0112207),
    ],
)
def test_bernoulli_sequence(successes: int, trials: int, t_opt: float, low: float, high: float) -> None:
    found_low, found_high = bernoulli_interval(successes, trials, t_opt)
    # The reference prints truncated digits.
    assert found_low == pytest.approx(low, abs=2e-6)
    assert found_high == pytest.approx(high, abs=2e-6)


def test_bernoulli_sequence_is_symmetric() -> None:
    low, high = bernoulli_interval(5, 50, 50)
    mirrored = bernoulli_interval(45, 50, 50)
    assert mirrored[0] == pytest.approx(1 - high, abs=1e-9)
    assert mirrored[1] == pytest.approx(1 - low, abs=1e-9)
    assert bernoulli_interval(50, 50, 50)[1] == 1.0


def test_two_arm_mixture_test() -> None:
    assert msprt_two_arms(100, 0.5, 1.0, 0.01) == pytest.approx(6.557443, abs=1e-6)
    assert msprt_two_arms(1000, 0.1, 1.0, 0.01) == pytest.approx(3.278722, abs=1e-6)
    assert msprt_two_arms(1000, 0.2, 1.0, 0.01) == pytest.approx(1698.419852, abs=1e-6)


# -- 3.2 the anytime-valid t sequence ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "t", "phi", "expected"),
    [
        (10, 2.5, 4.0, 3.020442956657646),
        (30, 3.0, 10.0, 9.396662495879749),
        (50, 1.0, 5.0, 0.47700935806836875),
    ],
)
def test_evalue_closed_form(n: int, t: float, phi: float, expected: float) -> None:
    rng = np.random.default_rng(n)
    y = rng.standard_normal(n)
    theta = float(y.mean() - t * y.std(ddof=1) / math.sqrt(n))
    n_opt = phi * (2 * math.log(20) + math.log(1 + 2 * math.log(20)))
    assert t_evalue(y, theta, n_opt=n_opt)[-1] == pytest.approx(expected, rel=1e-9)


def test_t_sequence_reference() -> None:
    frame = t_sequence(Y, alpha=0.05, n_opt=12)
    assert mixture_phi(12, 0.05) == pytest.approx(1.5120673175, abs=1e-9)
    radius, mean = frame["radius"].to_list(), frame["mean"].to_list()
    assert all(math.isinf(value) for value in radius[:5])
    assert (mean[5], radius[5]) == (pytest.approx(0.51), pytest.approx(0.07889531009, abs=1e-10))
    assert (mean[7], radius[7]) == (pytest.approx(0.50375), pytest.approx(0.04794868637, abs=1e-10))
    assert (mean[9], radius[9]) == (pytest.approx(0.507), pytest.approx(0.03638909427, abs=1e-10))
    assert frame["low"][9] == pytest.approx(0.4706109057, abs=1e-9)
    assert frame["high"][9] == pytest.approx(0.5433890943, abs=1e-9)
    assert frame.columns == ["n", "mean", "radius", "low", "high", "running_low", "running_high"]
    assert frame["running_low"].is_sorted()
    assert frame["running_high"].is_sorted(descending=True)


def test_t_evalue_reference() -> None:
    expected = {0.40: 1650.644724, 0.45: 158.970438, 0.48: 5.765886, 0.50: 0.474704}
    for theta, value in expected.items():
        assert t_evalue(Y, theta, n_opt=12)[-1] == pytest.approx(value, abs=1e-6)


def test_sequence_and_evalue_say_the_same() -> None:
    frame = t_sequence(Y, n_opt=12)
    for row in range(5, 10):
        for end in ("low", "high"):
            assert t_evalue(Y, frame[end][row], n_opt=12)[row] == pytest.approx(20.0, rel=1e-8)


@pytest.mark.parametrize(
    ("n_opt", "widths"),
    [
        (
            12,
            {
                6: 2.722,
                8: 1.587,
                10: 1.251,
                12: 1.073,
                20: 0.759,
                30: 0.602,
                50: 0.462,
                100: 0.329,
                1000: 0.112,
            },
        ),
        (50, {10: 1.997, 12: 1.390, 20: 0.809, 30: 0.606, 50: 0.448, 100: 0.312, 1000: 0.106}),
    ],
)
def test_half_widths(n_opt: float, widths: dict[int, float]) -> None:
    for n, width in widths.items():
        assert unit_radius(n, alpha=0.05, n_opt=n_opt) == pytest.approx(width, abs=6e-4)
        assert unit_radii(n, alpha=0.05, n_opt=n_opt)[-1] == pytest.approx(width, abs=6e-4)


def test_constant_series_has_radius_zero() -> None:
    frame = t_sequence([0.1] * 40, n_opt=12)
    assert frame["radius"][-1] == 0.0
    assert frame["low"][-1] == frame["high"][-1] == 0.1
    assert t_evalue([0.1] * 40, 0.1, n_opt=12)[-1] < 1.0
    assert t_evalue([0.1] * 40, 0.2, n_opt=12)[-1] > 20.0


def test_empty_and_single_values() -> None:
    assert t_sequence([], n_opt=12).height == 0
    assert ratio_sequence([], [], n_opt=12).height == 0
    assert len(t_evalue([], 0.0, n_opt=12)) == 0
    assert t_sequence([1.0], n_opt=12)["radius"].to_list() == [math.inf]
    assert t_evalue([1.0], 0.0, n_opt=12).tolist() == [1.0]


@pytest.mark.parametrize(
    "call",
    [
        lambda: t_sequence([1.0, math.nan], n_opt=12),
        lambda: t_sequence([[1.0]], n_opt=12),
        lambda: t_sequence([1.0], alpha=0.0, n_opt=12),
        lambda: t_sequence([1.0], n_opt=0),
        lambda: t_evalue([1.0], math.inf, n_opt=12),
        lambda: ratio_sequence([1.0], [1.0, 2.0], n_opt=12),
        lambda: ratio_sequence([-1.0], [1.0], n_opt=12),
        lambda: block_length([], 720),
        lambda: block_length([1.0, 2.0], 0),
        lambda: zero_miss_upper(-1),
        lambda: zero_miss_upper(math.nan),  # type: ignore[arg-type]  # what a mistake would pass
        lambda: t_sequence(["a", "b"], n_opt=12),
        lambda: t_sequence((one for one in (1.0, 2.0)), n_opt=12),  # type: ignore[arg-type]  # likewise
        lambda: zero_miss_upper(5, alpha=2.0),
        lambda: discordant_evalue(-1, 0),
        lambda: discordant_evalue(1, 0, a=0.0),
        lambda: noninferiority_evalue(1, 1, 0.0),
        lambda: sample_ratio_p_value([1], [1.0]),
        lambda: bernoulli_interval(2, 1, 10),
        lambda: msprt_two_arms(1, 0.0, 0.0, 1.0),
    ],
)
def test_bad_input_is_refused(call: object) -> None:
    with pytest.raises(InvalidRequestError):
        call()  # type: ignore[operator]


# -- the ratio -----------------------------------------------------------------------------------------------


def test_ratio_inversion_solves_the_quadratic() -> None:
    rng = np.random.default_rng(5)
    a = rng.normal(100, 10, 30)
    b = 0.6 * a + rng.normal(0, 2, 30)
    frame = ratio_sequence(a, b, n_opt=12)
    c2 = unit_radius(30, alpha=0.05, n_opt=12) ** 2
    va, vb, cab = np.var(a, ddof=1), np.var(b, ddof=1), np.cov(a, b)[0, 1]
    square, half = a.mean() ** 2 - c2 * va, a.mean() * b.mean() - c2 * cab
    root = math.sqrt(half**2 - square * (b.mean() ** 2 - c2 * vb))
    assert frame["low"][-1] == pytest.approx((half - root) / square, rel=1e-9)
    assert frame["high"][-1] == pytest.approx((half + root) / square, rel=1e-9)
    assert frame["ratio"][-1] == pytest.approx(b.sum() / a.sum(), rel=1e-12)


def test_ratio_of_arms_that_move_together_is_exact() -> None:
    a = np.random.default_rng(1).poisson(1000, 50).astype(float)
    frame = ratio_sequence(a, 0.5 * a, n_opt=12)
    assert frame["low"][-1] == frame["high"][-1] == 0.5


def test_ratio_is_not_estimable_without_a_baseline() -> None:
    frame = ratio_sequence(np.zeros(30), np.ones(30), n_opt=12)
    assert frame["low"].to_list() == [-math.inf] * 30
    assert frame["high"].to_list() == [math.inf] * 30
    assert math.isnan(frame["ratio"][-1])


blocks = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)), min_size=1, max_size=40)


@given(blocks)
def test_ratio_one_by_one_equals_all_at_once(pairs: list[tuple[int, int]]) -> None:
    a = np.array([left for left, _ in pairs], dtype=float)
    b = np.array([right for _, right in pairs], dtype=float)
    radii = unit_radii(len(a), alpha=0.05, n_opt=12)
    low, high = RatioPath(a, b).bounds(radii)
    moments = RatioMoments()
    for at, (left, right) in enumerate(pairs):
        moments.push(float(left), float(right))
        assert moments.interval(float(radii[at])) == (low[at], high[at])


@given(blocks, st.sampled_from([0.25, 2.0, 1024.0]))
def test_scaling_both_arms_changes_no_ratio(pairs: list[tuple[int, int]], scale: float) -> None:
    a = np.array([left for left, _ in pairs], dtype=float)
    b = np.array([right for _, right in pairs], dtype=float)
    assert ratio_sequence(a, b, n_opt=12).equals(ratio_sequence(scale * a, scale * b, n_opt=12))


# Numbers so small that halving them loses digits cannot be scaled exactly.
numbers = st.integers(-(10**9), 10**9).map(lambda value: value / 1024)


@given(st.lists(numbers, min_size=8, max_size=30), st.sampled_from([0.5, 4.0]))
def test_negating_negates_and_scaling_scales(values: list[float], scale: float) -> None:
    plain = t_sequence(values, n_opt=12)
    negated = t_sequence([-value for value in values], n_opt=12)
    scaled = t_sequence([scale * value for value in values], n_opt=12)
    assert negated["low"].to_list() == [-value for value in plain["high"].to_list()]
    assert scaled["high"].to_list() == [scale * value for value in plain["high"].to_list()]


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=40), st.integers(1, 39))
def test_more_data_never_changes_earlier_rows(values: list[float], cut: int) -> None:
    assert t_sequence(values, n_opt=12).head(cut).equals(t_sequence(values[:cut], n_opt=12))


# -- 3.3 counts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("k_a", "k_b", "expected"),
    [(0, 5, 5.333333), (0, 6, 9.142857), (2, 12, 12.002930), (5, 20, 24.290515), (50, 80, 3.497338)],
)
def test_discordant_evalue(k_a: int, k_b: int, expected: float) -> None:
    assert discordant_evalue(k_a, k_b) == pytest.approx(expected, abs=1e-6)
    assert discordant_evalue(k_b, k_a) == pytest.approx(expected, abs=1e-6)


def test_discordant_evalue_never_overflows() -> None:
    assert discordant_evalue(0, 5_000) == math.inf
    assert log_discordant_evalue(0, 5_000) == pytest.approx(5_000 * math.log(2) - math.log(5_001))


def test_noninferiority_evalue_is_the_mixture_over_larger_shares() -> None:
    share = 2.0 / 3.0
    grid = np.linspace(share, 1.0, 200_001)
    density = np.exp(stats.binom.logpmf(8, 10, grid)) / stats.binom.pmf(8, 10, share)
    assert noninferiority_evalue(2, 8, 2.0) == pytest.approx(float(density.mean()), rel=1e-4)
    assert noninferiority_evalue(20, 0, 2.0) < 1.0


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (30, 0.0950339),
        (60, 0.0487029),
        (299, 0.0099691),
        (300, 0.0099361),
        (1000, 0.0029912),
        (2995, 0.00099974),
    ],
)
def test_zero_miss_upper(n: int, expected: float) -> None:
    assert zero_miss_upper(n) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize(
    ("rate", "alpha", "units"),
    [
        (0.05, 0.05, 59),
        (0.05, 0.025, 72),
        (0.05, 0.01, 90),
        (0.01, 0.05, 299),
        (0.01, 0.025, 368),
        (0.01, 0.01, 459),
        (0.005, 0.05, 598),
        (0.005, 0.025, 736),
        (0.005, 0.01, 919),
        (0.001, 0.05, 2995),
        (0.001, 0.025, 3688),
        (0.001, 0.01, 4603),
        (0.0001, 0.05, 29956),
        (0.0001, 0.025, 36887),
        (0.0001, 0.01, 46050),
    ],
)
def test_units_for_a_certificate(rate: float, alpha: float, units: int) -> None:
    assert zero_miss_upper(units, alpha) <= rate < zero_miss_upper(units - 1, alpha)


def test_no_units_know_nothing() -> None:
    assert zero_miss_upper(0) == 1.0


@pytest.mark.parametrize(
    ("counts", "weights", "expected"),
    [
        ((1000, 1100), (1, 1), 0.0290963),
        ((505, 495), (1, 1), 0.7518296),
        ((1000, 900), (1, 1), 0.0217815),
    ],
)
def test_sample_ratio(counts: tuple[int, ...], weights: tuple[float, ...], expected: float) -> None:
    assert sample_ratio_p_value(counts, weights) == pytest.approx(expected, abs=1e-6)


def test_sample_ratio_of_three() -> None:
    assert sample_ratio_p_value((310, 98, 1), (1, 1, 1)) == pytest.approx(2.817e-80, rel=1e-3)


# -- 3.6 autocorrelation -------------------------------------------------------------------------------------


def test_mavro() -> None:
    x = 2.0 + np.array(MAVRO) / 1e5
    assert x.mean() == pytest.approx(2.001856, abs=1e-9)
    assert x.std(ddof=1) == pytest.approx(0.000429123454003053, abs=1e-12)
    assert lag1_autocorrelation(x) == pytest.approx(0.937989183438248, abs=1e-9)
    plan = block_length(x, 10_000)
    assert plan.lag1 == pytest.approx(0.9379891834, abs=1e-9)
    assert plan.tau == pytest.approx(65.667, abs=1e-3)
    assert plan.length == 329
    assert block_length(x, 50).too_short


def test_block_length_rules() -> None:
    noise = np.random.default_rng(0).standard_normal(60)
    assert block_length(noise, 720).length >= 5
    assert block_length([1.0] * 60, 720) == block_length([0.3] * 60, 720)
    constant = block_length([1.0] * 60, 720)
    assert (constant.lag1, constant.length, constant.too_short) == (0.0, 6, False)
    # A constant pilot has r* = 1/60, so τ is a little above 1.
    assert constant.tau == pytest.approx((1 + 1 / 60) / (1 - 1 / 60))
    ramp = block_length(np.arange(60.0), 720)
    assert ramp.length == 60
    assert ramp.too_short
