"""Folders are tried before the work, and leave no trace."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix_nb.errors import StorageError
from phoenix_nb.lab import require_folder


def test_a_good_folder_is_not_left_behind(tmp_path: Path) -> None:
    assert require_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    require_folder(tmp_path / "a")
    assert [one.name for one in tmp_path.iterdir()] == ["a"]


def test_below_a_file_nothing_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(StorageError, match="cannot be written"):
            require_folder(path)
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
