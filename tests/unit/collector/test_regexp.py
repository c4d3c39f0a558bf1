"""Matches are where Go finds them, counted in letters."""

from __future__ import annotations

import pytest

from phoenix_nb.collector._regexp import compile_regexp


@pytest.mark.parametrize(
    ("pattern", "text", "spans"),
    [
        ("a*", "baa", [((0, 0),), ((1, 3),)]),
        ("b?", "abé", [((0, 0),), ((1, 2),), ((3, 3),)]),
        ("(é)|(x)", "aéx", [((1, 2), (1, 2), (-1, -1)), ((2, 3), (-1, -1), (2, 3))]),
        ("", "é€", [((0, 0),), ((1, 1),), ((2, 2),)]),
        (r"\B", "\n€béba", [((0, 0),), ((1, 1),), ((5, 5),)]),
        ("^", "aa", [((0, 0),)]),
        ("x", "aé", []),
    ],
)
def test_spans_are_those_of_go(pattern: str, text: str, spans: list[tuple[tuple[int, int], ...]]) -> None:
    assert compile_regexp(pattern).spans(text) == spans


def test_groups_are_put_into_a_template_behind_letters_of_several_bytes() -> None:
    assert compile_regexp("(?P<key>k[a-z]*)=([^ ]*)").replace("é€ key=ü z", "${key}:<$2>") == "é€ key:<ü> z"
