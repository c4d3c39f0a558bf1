"""The parameters of the report notebooks: one model per notebook, equal to its ``parameters`` cell."""

from __future__ import annotations

from pathlib import Path

from phoenix_nb.errors import JsonValue
from phoenix_nb.interfaces import Value

__all__ = ["ComparisonParameters", "cell_parameters"]


class ComparisonParameters(Value):
    """Parameters of ``reports/comparison.ipynb``."""

    data_path: str = "comparison.json"
    """The comparison file; a relative path starts at the report's folder."""
    title: str = ""
    """Heading of the page; empty takes the experiment's name."""


def cell_parameters(notebook: Path) -> dict[str, JsonValue]:
    """What the ``parameters`` cell of a notebook assigns, by name.

    Only assignments of literals count; that is all that papermill can replace.
    """
    import ast
    import json

    content = json.loads(notebook.read_text(encoding="utf-8"))
    found: dict[str, JsonValue] = {}
    for cell in content["cells"]:
        if "parameters" not in cell.get("metadata", {}).get("tags", ()):
            continue
        for statement in ast.parse("".join(cell["source"])).body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    found[name] = ast.literal_eval(value)
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    found[name] = ast.literal_eval(value)
    return found
