"""Secrets in command lines are found, in long ones too."""

from __future__ import annotations

import pytest

from phoenix_nb.otlp import redact_command_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a=mykey=abc b", "a=mykey=*** b"),
        ("x --api-key abc --key --other", "x --api-key *** --key --other"),
        ("my.token: 'a b' c", "my.token: *** c"),
        ("h://u:p:q@host/ http://host:80/", "h://u:***@host/ http://host:80/"),
        ("a" * 100_000, "a" * 100_000),
        ("password" * 10_000, "password" * 10_000),
        ("--" + "token-" * 10_000 + " x", "--" + "token-" * 10_000 + " ***"),
        ("a" * 100_000 + "key=x", "a" * 100_000 + "key=***"),
    ],
    ids=["assigned", "option", "quoted", "url", "one word", "words", "long option", "long name"],
)
def test_what_looks_like_a_secret_is_replaced(text: str, shown: str) -> None:
    assert redact_command_line(text) == shown
