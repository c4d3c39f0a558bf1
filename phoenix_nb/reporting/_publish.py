"""The machine-readable result of a notebook run.

A notebook tells its result by displaying it, not by printing: what is displayed survives papermill and
nbclient, passes the notebook schema, and nbval compares it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from phoenix_nb.errors import InvalidRequestError, JsonValue, NotFoundError

__all__ = ["RESULT_MIME", "publish", "published_results", "read_published"]

RESULT_MIME = "application/vnd.phoenix.result.v1+json"
"""The MIME type of a published result. The suffix matters: nbformat refuses JSON objects under a type without
``+json``."""


def _as_json(result: BaseModel | Mapping[str, JsonValue]) -> dict[str, Any]:
    if isinstance(result, BaseModel):
        return result.model_dump(mode="json")
    import json

    try:
        # A NaN would make the notebook invalid JSON for every strict reader.
        return dict(json.loads(json.dumps(dict(result), allow_nan=False)))
    except (TypeError, ValueError) as exc:
        raise InvalidRequestError(
            f"the result cannot be published: {exc}",
            hint="publish only JSON values, with null for what is missing",
        ) from exc


def publish(result: BaseModel | Mapping[str, JsonValue], *, name: str = "result") -> None:
    """Display ``result`` as the result of record of this notebook.

    Args:
        result: a model or a mapping of JSON values; fractions stay fractions and missing numbers are
            ``null``.
        name: what tells several results of one notebook apart.

    Raises:
        InvalidRequestError: the result is not JSON (for example it holds NaN).
    """
    from IPython.display import publish_display_data

    bundle = {RESULT_MIME: {"name": name, "result": _as_json(result)}, "text/plain": f"published: {name}"}
    publish_display_data(data=bundle)  # type: ignore[no-untyped-call]


def published_results(notebook: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """All results in a notebook's outputs, by name; a later one replaces an earlier one of the same name."""
    found: dict[str, dict[str, Any]] = {}
    for cell in notebook.get("cells", ()):
        for output in cell.get("outputs", ()):
            payload = output.get("data", {}).get(RESULT_MIME)
            if isinstance(payload, Mapping) and "result" in payload:
                found[str(payload.get("name", "result"))] = dict(payload["result"])
    return found


def read_published(path: Path, name: str = "result") -> dict[str, Any]:
    """The result that an executed notebook file published.

    Raises:
        NotFoundError: the notebook published nothing under that name.
    """
    import json

    found = published_results(json.loads(path.read_text(encoding="utf-8")))
    if name not in found:
        raise NotFoundError(
            f"the notebook {path.name} published no result named {name!r}",
            hint="it published: " + (", ".join(sorted(found)) or "nothing"),
            details={"notebook": str(path), "name": name},
        )
    return found[name]
