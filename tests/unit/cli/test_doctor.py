"""``doctor``: honest about what is broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Phoenix = Callable[..., Any]


def test_a_working_installation(phoenix: Phoenix, tmp_path: Path) -> None:
    outcome = phoenix("doctor", "--json")
    told = json.loads(outcome.out)
    parts = {one["part"]: one["state"] for one in told["findings"]}
    assert {
        "python",
        "packages",
        "settings",
        "prices",
        "workspace",
        "catalogue",
        "processes",
        "reports",
    } <= set(parts)
    assert outcome.code == (0 if told["ok"] else 1)
    assert parts["catalogue"] == "ok"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "text", "part"),
    [
        ("phoenix.toml", "no_such_setting = 1\n", "settings"),
        ("phoenix.toml", "prices = 'nowhere.yaml'\n", "prices"),
    ],
)
def test_what_is_broken_is_named(phoenix: Phoenix, tmp_path: Path, name: str, text: str, part: str) -> None:
    (tmp_path / name).write_text(text)
    outcome = phoenix("doctor", "--json")
    assert outcome.code == 1
    broken = [one for one in json.loads(outcome.out)["findings"] if one["state"] == "broken"]
    assert [one["part"] for one in broken] == [part]
    assert broken[0]["hint"]
    assert f"✕ {part}" in phoenix("doctor").out


def test_a_file_is_no_workspace(phoenix: Phoenix, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    outcome = phoenix("doctor", "--workspace", tmp_path / "file")
    assert outcome.code == 1
    assert "is a file, not a workspace" in outcome.out
