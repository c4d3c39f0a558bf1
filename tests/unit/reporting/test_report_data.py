from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from phoenix_nb.errors import InvalidRequestError, NotFoundError, StorageError
from phoenix_nb.reporting import ComparisonData, IntervalFrame
from phoenix_nb.testing.sample_reports import sample_comparison


@pytest.mark.parametrize("state", ["PROMOTE", "REJECT", "UNHEALTHY", "TOO_SHORT"])
def test_a_file_comes_back_as_it_was(tmp_path: Path, state: str) -> None:
    data = sample_comparison(state, intervals=150)
    path = data.write(tmp_path / "comparison.json")
    assert ComparisonData.read(path) == data
    assert list(tmp_path.iterdir()) == [path]


def test_the_same_seed_makes_the_same_bytes(tmp_path: Path) -> None:
    first = sample_comparison(seed=3).write(tmp_path / "a.json").read_bytes()
    assert sample_comparison(seed=3).write(tmp_path / "b.json").read_bytes() == first
    assert sample_comparison(seed=4).write(tmp_path / "c.json").read_bytes() != first


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValidationError, match="differ in length"):
        IntervalFrame(index=(0, 1), elapsed_seconds=(1.0,))


def test_a_silent_arm_stays_missing() -> None:
    data = sample_comparison("UNHEALTHY", intervals=100)
    assert data.frame.candidate_points[-1] is None
    assert data.frame.baseline_points[-1] is not None
    assert data.window.points.reduction is None


def test_an_empty_run_is_a_file_too() -> None:
    data = sample_comparison("TOO_SHORT", intervals=0)
    assert data.run.started is None
    assert data.frame == IntervalFrame()


def test_what_is_not_such_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no comparison file") as missing:
        ComparisonData.read(tmp_path / "comparison.json")
    assert missing.value.hint
    (tmp_path / "bad.json").write_text('{"schema_version": 1, "experiment_id": 3}')
    with pytest.raises(InvalidRequestError, match=r"bad\.json is not a comparison file"):
        ComparisonData.read(tmp_path / "bad.json")
    (tmp_path / "cut.json").write_text('{"schema_version": 1, ')
    with pytest.raises(InvalidRequestError, match=r"cut\.json"):
        ComparisonData.read(tmp_path / "cut.json")


def test_an_unwritable_place_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot write"):
        sample_comparison("TOO_SHORT", intervals=5).write(tmp_path / "missing" / "comparison.json")
    assert list(tmp_path.iterdir()) == []
