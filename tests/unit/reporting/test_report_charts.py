from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_nb.reporting import saving_chart, thin, volume_chart

TIMES = tuple(10.0 * (i + 1) for i in range(200))


def _band(first: int = 60) -> tuple[tuple[float | None, ...], tuple[float | None, ...]]:
    low = tuple(None if i < first else 0.45 - 2 / (i - first + 5) for i in range(200))
    high = tuple(None if i < first else 0.45 + 2 / (i - first + 5) for i in range(200))
    return low, high


def test_a_band_has_words_a_role_and_no_address() -> None:
    chart = saving_chart(TIMES, *_band(), 0.4)
    assert chart is not None
    root = ET.fromstring(chart.svg)
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == chart.text
    assert "target is 40 percent" in chart.text
    assert not re.search(r"https?:|url\(|href", chart.svg)
    assert "<script" not in chart.svg


def test_colours_follow_the_theme() -> None:
    chart = saving_chart(TIMES, *_band(), 0.4)
    assert chart is not None
    assert "var(--phx-candidate" in chart.svg
    assert "var(--phx-target" in chart.svg
    assert "#00000" not in chart.svg
    # A colour that is fixed in the picture would not follow dark mode.
    assert set(re.findall(r'(?:fill|stroke)="(?!var|none|transparent)([^"]+)"', chart.svg)) == set()


def test_no_band_is_no_picture() -> None:
    nothing = (None,) * 200
    assert saving_chart(TIMES, nothing, nothing, 0.4) is None
    assert saving_chart((), (), (), 0.4) is None


def test_a_silent_arm_leaves_a_gap_and_is_not_zero() -> None:
    baseline = tuple(1000.0 + i for i in range(200))
    silent = tuple(None if 80 <= i < 120 else 500.0 for i in range(200))
    chart = volume_chart(TIMES, baseline, silent)
    assert chart is not None
    lines = re.findall(r'<path aria[^>]*|<path[^>]*stroke="var\(--phx-candidate[^>]*', chart.svg)
    paths = [re.search(r' d="([^"]+)"', line) for line in lines]
    candidate = next(m[1] for m in paths if m)
    assert candidate.count("M") == 2
    assert "candidate median 500" in chart.text


def test_one_interval_is_drawn() -> None:
    assert volume_chart((10.0,), (100.0,), (50.0,)) is not None
    assert saving_chart((10.0,), (0.3,), (0.5,), 0.4) is not None


def test_nothing_measured_is_no_picture() -> None:
    assert volume_chart((), (), ()) is None
    assert volume_chart((1.0,), (None,), (None,)) is None


@given(st.integers(0, 5000), st.integers(1, 600))
def test_thinning_keeps_both_ends(length: int, limit: int) -> None:
    picked = thin(length, limit)
    assert picked == sorted(set(picked))
    assert len(picked) <= limit + 1
    if length:
        assert (picked[0], picked[-1]) == (0, length - 1)


@pytest.mark.parametrize("count", [3, 5000])
def test_a_picture_stays_small(count: int) -> None:
    times = tuple(float(i + 1) for i in range(count))
    values = tuple(float(1000 + i % 7) for i in range(count))
    chart = volume_chart(times, values, values)
    assert chart is not None
    assert len(chart.svg) < 80_000
