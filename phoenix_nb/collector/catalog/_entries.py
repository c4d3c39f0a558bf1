"""Entries of the catalogue: a YAML file with the pipeline, and one beside it that describes it."""

from __future__ import annotations

import functools
import importlib.resources
from typing import Any, Final, Literal

import yaml
from pydantic import ValidationError

from phoenix_nb.errors import InternalError, NotFoundError
from phoenix_nb.interfaces import Value

__all__ = ["CatalogEntry", "CatalogMetadata", "CatalogParameter", "load", "names"]

_NAMES: Final = (
    "process-adaptive-v1",
    "process-aggregated-v1",
    "process-baseline-v1",
    "process-hybrid-v1",
    "process-intelligent-v1",
    "process-minimal-v1",
    "process-priority-v1",
    "process-topk-v1",
)


class CatalogParameter(Value):
    """One thing a user may set; the pipeline reads it from the environment with the default beside it."""

    name: str
    """Name of the environment variable in the pipeline."""
    description: str
    """What it means, with its unit."""
    default: str
    """What it is when nothing is set."""
    type: Literal["string", "number", "boolean"] = "string"
    """How its text is read."""


class CatalogMetadata(Value):
    """What people need to know before they choose an entry."""

    title: str
    """One line."""
    description: str
    """What it is for."""
    keeps: tuple[str, ...]
    """What is still there after it."""
    drops: tuple[str, ...]
    """What is not."""
    effect: str
    """What to expect of the volume, without numbers that depend on the host."""
    protects: str = ""
    """Which processes always keep their metrics."""
    parameters: tuple[CatalogParameter, ...] = ()
    """What can be set."""


class CatalogEntry(Value):
    """A ready-made pipeline."""

    name: str
    """What commands take."""
    title: str
    """One line."""
    description: str
    """What it is for."""
    yaml: str
    """The collector configuration."""
    metadata: CatalogMetadata
    """Everything else."""


def names() -> tuple[str, ...]:
    """The names of all entries, sorted."""
    return _NAMES


@functools.cache
def load(name: str) -> CatalogEntry:
    """An entry by name.

    Raises:
        NotFoundError: the catalogue has no such entry.
    """
    if name not in _NAMES:
        raise NotFoundError(
            f"there is no pipeline {name!r} in the catalogue",
            hint=f"known: {', '.join(_NAMES)}",
            details={"name": name},
        )
    folder = importlib.resources.files(__package__)
    text = folder.joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    described: Any = yaml.safe_load(folder.joinpath(f"{name}.meta.yaml").read_text(encoding="utf-8"))
    try:
        metadata = CatalogMetadata.model_validate(described)
    except ValidationError as exc:
        raise InternalError(f"the description of {name} is broken: {exc}") from exc
    return CatalogEntry(
        name=name, title=metadata.title, description=metadata.description, yaml=text, metadata=metadata
    )
