from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_nb.reporting import formats


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.4567, "45.7\u00a0%"),
        (-0.031, "\u22123.1\u00a0%"),
        (-0.0001, "0.0\u00a0%"),
        (12.5, "1,250.0\u00a0%"),
        (None, "—"),
    ],
)
def test_fractions_become_percent_only_here(value: float | None, text: str) -> None:
    assert formats.percent(value) == text


@pytest.mark.parametrize("missing", [None, float("nan"), float("inf")])
def test_missing_is_a_dash_and_never_zero(missing: float | None) -> None:
    shown = [
        formats.percent(missing),
        formats.number(missing),
        formats.bytes_text(missing),
        formats.money(missing),
    ]
    assert {*shown, formats.duration(missing), formats.timestamp(None)} == {formats.MISSING}
    assert formats.count(None, "process") == formats.MISSING


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1234.5, "USD", "$1,234.50"),
        (-3, "EUR", "\u2212€3.00"),
        (0.0042, "USD", "$0.0042"),
        (0.0, "USD", "$0.00"),
        (7, "CHF", "7.00\u00a0CHF"),
    ],
)
def test_money(amount: float, currency: str, text: str) -> None:
    assert formats.money(amount, currency) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.25, "250\u00a0ms"),
        (59.6, "1\u00a0min"),
        (7500, "2\u00a0h 5\u00a0min"),
        (90061, "1\u00a0d 1\u00a0h"),
        (7200, "2\u00a0h"),
    ],
)
def test_duration_has_two_units_at_most(seconds: float, text: str) -> None:
    assert formats.duration(seconds) == text


def test_times_are_shown_in_utc() -> None:
    there = datetime(2026, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert formats.timestamp(there) == formats.timestamp(there.astimezone(UTC)) == "2026-02-28 23:30:00 UTC"


def test_sizes_are_decimal() -> None:
    assert formats.bytes_text(12_345_678) == "12.3\u00a0MB"
    assert formats.bytes_text(999) == "999\u00a0B"


def test_counts_agree_with_their_noun() -> None:
    assert formats.count(1, "process", "processes") == "1\u00a0process"
    assert formats.count(1200, "process", "processes") == "1,200\u00a0processes"


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_every_finite_number_is_shown(value: float) -> None:
    for shown in (
        formats.percent(value),
        formats.number(value),
        formats.money(value),
        formats.bytes_text(value),
    ):
        assert shown != formats.MISSING
        assert "-" not in shown
