from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from phoenix_nb.errors import InvalidRequestError, NotFoundError
from phoenix_nb.reporting import (
    RESULT_MIME,
    asset_path,
    publish,
    published_results,
    read_published,
    report_notebook_path,
)


def _notebook(*bundles: dict[str, object]) -> dict[str, Any]:
    import nbformat

    v4: Any = nbformat.v4
    cell = v4.new_code_cell("publish(1)")
    cell.outputs = [v4.new_output("display_data", data=bundle) for bundle in bundles]
    notebook = v4.new_notebook(cells=[cell])
    nbformat.validate(notebook)
    return dict(json.loads(v4.writes(notebook)))


def test_a_result_is_found_by_name_and_the_last_one_counts(tmp_path: Path) -> None:
    notebook = _notebook(
        {"text/plain": "x"},
        {RESULT_MIME: {"name": "result", "result": {"state": "KEEP_RUNNING"}}},
        {RESULT_MIME: {"name": "result", "result": {"state": "PROMOTE"}}},
        {RESULT_MIME: {"name": "other", "result": {}}},
    )
    assert published_results(notebook) == {"result": {"state": "PROMOTE"}, "other": {}}
    path = tmp_path / "report.ipynb"
    path.write_text(json.dumps(notebook))
    assert read_published(path) == {"state": "PROMOTE"}
    with pytest.raises(NotFoundError, match="published no result named 'third'"):
        read_published(path, "third")


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="cannot be published"):
        publish({"saving": float("nan")})
    with pytest.raises(InvalidRequestError):
        publish({"saving": object()})  # type: ignore[dict-item]


def test_shipped_files_are_found_and_a_missing_one_is_named() -> None:
    assert report_notebook_path().is_file()
    assert asset_path("reports", "templates", "phoenix", "index.html.j2").is_file()
    with pytest.raises(NotFoundError, match=r"reports/none\.ipynb"):
        report_notebook_path("none")


def test_an_installed_wheel_has_them_inside_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from phoenix_nb.reporting import _assets

    package = tmp_path / "site-packages" / "phoenix_nb"
    shipped = package / "_share" / "reports"
    shipped.mkdir(parents=True)
    (shipped / "comparison.ipynb").write_text("{}")
    # A folder of that name beside an installed package belongs to somebody else.
    (package.parent / "reports").mkdir()
    (package.parent / "reports" / "comparison.ipynb").write_text("{}")
    monkeypatch.setattr(_assets, "_PACKAGE", package)
    assert _assets.report_notebook_path() == shipped / "comparison.ipynb"
