from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from phoenix_nb.reporting._diff import changed_lines

OLD = """processors:
  batch:
    timeout: 1s
service:
  pipelines:
    metrics:
      processors: [batch]
"""


def test_equal_texts_have_no_changed_lines() -> None:
    assert changed_lines(OLD, OLD) == []
    assert changed_lines(OLD, "\n" + OLD.replace("batch:\n", "batch:  \n")) == []


def test_only_changed_lines_are_shown_under_their_keys() -> None:
    new = OLD.replace("timeout: 1s", "timeout: 5s")
    assert changed_lines(OLD, new) == [
        ("hunk", "processors › batch  (line 3)"),
        ("del", "-     timeout: 1s"),
        ("add", "+     timeout: 5s"),
    ]


def test_a_removed_block_names_the_line_of_the_baseline() -> None:
    new = OLD.replace("    timeout: 1s\n", "")
    assert changed_lines(OLD, new)[0] == ("hunk", "processors › batch  (line 3 of the baseline)")


@given(st.text("ab:\n -", max_size=60), st.text("ab:\n -", max_size=60))
def test_every_line_of_one_side_only_is_told(old: str, new: str) -> None:
    lines = changed_lines(old, new)
    before = [line.rstrip() for line in old.strip("\n").splitlines()]
    after = [line.rstrip() for line in new.strip("\n").splitlines()]
    kinds = [kind for kind, _ in lines]
    assert kinds.count("add") - kinds.count("del") == len(after) - len(before)
    assert bool(lines) == (before != after)
