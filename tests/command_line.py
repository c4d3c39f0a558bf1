"""The command line called in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from phoenix_nb.cli import main
from phoenix_nb.cli._state import OPTIONS


@dataclass(frozen=True)
class Outcome:
    """What a command left."""

    code: int
    out: str
    err: str


Phoenix = Callable[..., Outcome]


@pytest.fixture
def phoenix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Phoenix:
    """Runs ``phoenix WORDS…`` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(OPTIONS, "workspace", None)
    monkeypatch.setattr(OPTIONS, "debug", False)
    monkeypatch.setenv("COLUMNS", "120")

    def call(*words: str | Path) -> Outcome:
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        shown = capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return Outcome(code, shown.out, shown.err)

    return call
