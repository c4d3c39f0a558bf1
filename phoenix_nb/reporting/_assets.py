"""Where the report notebooks, their HTML template and the tutorials lie."""

from __future__ import annotations

from pathlib import Path

from phoenix_nb.errors import NotFoundError

__all__ = ["asset_path", "notebook_path", "report_notebook_path", "template_root"]

_PACKAGE = Path(__file__).resolve().parents[1]


def _roots() -> tuple[Path, Path]:
    """The two places: a checkout (beside the package) and an installed wheel (inside it)."""
    return (_PACKAGE.parent, _PACKAGE / "_share")


def asset_path(*parts: str) -> Path:
    """The path of a shipped file or folder, the same in a checkout and in an installed wheel.

    Args:
        *parts: path below the project root, for example ``"reports", "comparison.ipynb"``.

    Raises:
        NotFoundError: neither place has it.
    """
    for root in _roots():
        # A checkout is recognised by its build file: a stray folder named "reports" beside an
        # installed package is not ours.
        if root != _PACKAGE / "_share" and not (root / "pyproject.toml").is_file():
            continue
        found = root.joinpath(*parts)
        if found.exists():
            return found
    name = "/".join(parts)
    raise NotFoundError(
        f"the shipped file {name} was not found",
        hint="reinstall phoenix-nb, or run from a complete checkout",
        details={"asset": name, "searched": [str(root) for root in _roots()]},
    )


def report_notebook_path(name: str = "comparison") -> Path:
    """The report notebook ``reports/<name>.ipynb``."""
    return asset_path("reports", f"{name}.ipynb")


def notebook_path(name: str) -> Path:
    """The tutorial ``notebooks/<name>.ipynb``."""
    return asset_path("notebooks", f"{name}.ipynb")


def template_root() -> Path:
    """The folder with the HTML template ``phoenix``: what nbconvert calls an extra template base."""
    return asset_path("reports", "templates")
