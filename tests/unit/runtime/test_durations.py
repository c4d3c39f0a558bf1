"""Durations as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.runtime._durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("10s", 10), ("1m30s", 90), ("2h", 7200), ("1d", 86400), (3, 3), ("1.5s", 1.5)],
)
def test_reads_what_people_write(text: str | float, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "10", "s", "10x", "1s 2s", "-1s", "0s", 0, -1, float("nan"), float("inf"), "1e3s"]
)
def test_refuses_what_means_nothing(text: str | float) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_duration(text, name="scrape period")
    assert "scrape period" in caught.value.message
    assert caught.value.hint


@given(st.integers(min_value=1, max_value=10**9))
def test_formats_what_it_reads_back(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)
