"""The tour, shortened."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Phoenix = Callable[..., Any]

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(sys.platform != "linux", reason="watches this machine through /proc"),
]


def test_the_tour(phoenix: Phoenix, tmp_path: Path) -> None:
    outcome = phoenix("demo", "--live", "3s", "--simulated", "10m")
    assert outcome.code == 0, outcome.err
    assert outcome.out.count("TOO_SHORT: ") == 2
    assert outcome.out.count("Blocked by ") == 2
    for kind in ("live", "simulated"):
        page = (tmp_path / "demo-out" / kind / "comparison.html").read_text(encoding="utf-8")
        assert "Content-Security-Policy" in page
        assert 'src="http' not in page
        assert 'href="http' not in page
    # The tour leaves nothing outside its own folder, and can be looked at again.
    assert [one.name for one in tmp_path.iterdir()] == ["demo-out"]
    assert "demo: a simulated host" in phoenix("--workspace", "demo-out", "experiment", "show", "latest").out


def test_the_tour_refuses_a_folder_that_cannot_be_written(phoenix: Phoenix, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    outcome = phoenix("demo", "--out", "file/below")
    assert outcome.code == 1
    assert "cannot be written" in outcome.err
