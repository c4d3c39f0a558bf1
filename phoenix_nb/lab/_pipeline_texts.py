"""Pipelines as commands name them, without a workspace: a catalogue entry or a file; and files that are written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from phoenix_nb.collector import catalog, compile_config, parse_config
from phoenix_nb.errors import NotFoundError
from phoenix_nb.lab._texts import read_text
from phoenix_nb.otlp import Dictionaries
from phoenix_nb.otlp.contracts import PipelineEngine
from phoenix_nb.runtime import load_settings, write_atomically

__all__ = ["engine_of", "pipeline_text", "write_text"]


def pipeline_text(given: str) -> str:
    """The collector YAML of a catalogue entry or of a file.

    Raises:
        NotFoundError: it is neither.
        InvalidRequestError: the file is not text.
    """
    if given in catalog.names():
        return catalog.load(given).yaml
    looks_like_file = "/" in given or given.endswith((".yaml", ".yml"))
    if not looks_like_file and not Path(given).expanduser().is_file():
        raise NotFoundError(
            f"there is no pipeline {given!r}", hint=f"name a YAML file or one of {', '.join(catalog.names())}"
        )
    return read_text(given)


def engine_of(text: str) -> Callable[[Dictionaries], PipelineEngine]:
    """What makes embedded engines of collector YAML, with this process's environment.

    Raises:
        ConfigError: it is not valid, or this engine does not run a component of it.
    """
    settings = load_settings(Path.cwd())
    parsed = parse_config(text, environment=dict(os.environ), collector_version=settings.collector_version)
    return lambda dictionaries: compile_config(parsed, dictionaries)


def write_text(path: str | Path, text: str) -> Path:
    """Write a whole file or none of it.

    Raises:
        StorageError: the disk refused.
    """
    return write_atomically(Path(path).expanduser(), text)
