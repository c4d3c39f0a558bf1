"""Doubles written as text are read as the real collector 0.159.0 reads them (``chainrun`` was asked for each)."""

from __future__ import annotations

import math

import pytest

from phoenix_nb.errors import PayloadDecodeError
from phoenix_nb.otlp import Decoder, Dictionaries


def read(text: str) -> float:
    point = f'{{"timeUnixNano": "1", "asDouble": "{text}"}}'
    metric = f'{{"name": "m", "gauge": {{"dataPoints": [{point}]}}}}'
    request = f'{{"resourceMetrics": [{{"scopeMetrics": [{{"metrics": [{metric}]}}]}}]}}'
    return float(Decoder(Dictionaries()).json([request]).p_double[0])


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1_0", 10.0),
        ("+1", 1.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("0x1p3", 8.0),
        ("0x1_0p3", 128.0),
        ("inf", math.inf),
        ("-Infinity", -math.inf),
    ],
)
def test_what_is_a_number(text: str, number: float) -> None:
    assert read(text) == number


def test_what_is_no_number_but_a_value() -> None:
    assert math.isnan(read("nan"))


@pytest.mark.parametrize("text", ["", " 1 ", "1e400", "1__0", "_1", "٣", "0x1", "true"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(PayloadDecodeError, match="a number is expected"):
        read(text)
