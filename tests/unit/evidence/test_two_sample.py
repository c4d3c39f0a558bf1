"""The published test vectors of a two-sample engine: statistics reference, section 3.4."""

from __future__ import annotations

import math

import pytest

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.evidence._two_sample import Sample, two_sample_interval

B = Sample(2422.7, 134698.29, 3461)


def a(n: int = 3407) -> Sample:
    return Sample(1396.87, 52377.9767, n)


def close(found: float, expected: float) -> bool:
    # Published with five digits.
    return found == pytest.approx(expected, abs=6e-6)


def test_means_for_one_look() -> None:
    relative = two_sample_interval(a(), B)
    assert close(relative.estimate, 0.70732)
    assert close(relative.low, -0.03526)
    assert close(relative.high, 1.44989)
    assert close(relative.p_value, 0.06191)
    assert close(relative.error, 0.37879)
    absolute = two_sample_interval(a(), B, relative=False)
    assert close(absolute.estimate, 0.29)
    assert close(absolute.low, 0.04538)
    assert close(absolute.high, 0.53462)
    assert close(absolute.p_value, 0.02016)
    assert close(absolute.error, 0.12478)


def test_means_at_every_look() -> None:
    found = two_sample_interval(a(3000), B, tuned_for=1000)
    assert close(found.estimate, 0.50336)
    assert close(found.low, -0.55844)
    assert close(found.high, 1.56516)
    assert close(found.error, 0.33341)
    assert found.p_value == 1.0


def test_one_sided() -> None:
    found = two_sample_interval(a(3000), B, one_sided=True)
    assert found.low == pytest.approx(-0.045136676, abs=1e-6)
    assert found.high == math.inf
    assert found.p_value == pytest.approx(0.0655826, abs=1e-6)
    always = two_sample_interval(a(3000), B, one_sided=True, tuned_for=5000)
    assert always.low == pytest.approx(-0.423564546, abs=1e-6)


def test_proportions() -> None:
    found = two_sample_interval(
        Sample.of_proportion(1396, 3000), Sample.of_proportion(2422, 3461), tuned_for=5000
    )
    assert close(found.estimate, 0.50386)
    assert close(found.low, 0.40098)
    assert close(found.high, 0.60675)
    assert close(found.error, 0.03386)
    few = two_sample_interval(Sample.of_proportion(14, 28), Sample.of_proportion(16, 30))
    assert close(few.low, -0.47767)
    assert close(few.high, 0.61101)
    assert close(few.p_value, 0.80707)


@pytest.mark.parametrize(("before", "after", "expected"), [(-10, -5, 0.5), (-10, -15, -0.5), (-2, 3, 2.5)])
def test_a_negative_baseline(before: float, after: float, expected: float) -> None:
    samples = [Sample(2 * mean, 2 * mean * mean + 0.5, 2) for mean in (before, after)]
    assert two_sample_interval(*samples).estimate == pytest.approx(expected)


def test_bad_input_is_refused() -> None:
    with pytest.raises(InvalidRequestError):
        two_sample_interval(Sample(1, 1, 1), B)
    with pytest.raises(InvalidRequestError):
        two_sample_interval(Sample(0, 1, 5), B)


@pytest.mark.parametrize("one_sided", [True, False])
def test_a_value_at_every_look_is_the_level_at_which_the_interval_ends_at_zero(*, one_sided: bool) -> None:
    strong = Sample.of_proportion(1396, 3000), Sample.of_proportion(1520, 3000)
    for pair in (strong, (a(3000), B)):
        found = two_sample_interval(*pair, tuned_for=5000, one_sided=one_sided)
        # Tuning depends on the level, so only the answer "below alpha or not" has to agree.
        assert (found.p_value < 0.05) == (found.low > 0)
