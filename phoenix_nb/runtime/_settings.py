"""Settings: ``PHOENIX_*`` variables over ``phoenix.toml`` over defaults."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, ValidationError

from phoenix_nb.errors import SettingsError
from phoenix_nb.interfaces import Value

__all__ = ["Settings", "load_settings"]

_PREFIX = "PHOENIX_"
_FILE = "phoenix.toml"


class Settings(Value):
    """Everything that can be set outside a call."""

    workspace: str | None = None
    """Folder where experiments are kept, or ``:memory:``; ``None`` takes the nearest one."""
    prices: Path | None = None
    """A price file of one's own; ``None`` takes the shipped one."""
    collector_version: str = Field(default="0.159.0", pattern=r"^\d+\.\d+\.\d+$")
    """Collector release whose defaults and rules apply."""
    database_threads: int = Field(default=2, ge=1, le=64)
    """Threads that talk to the database at a time."""
    debug_callbacks: bool = False
    """Whether a failing viewer of the event bus raises instead of being logged."""


def load_settings(folder: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings that apply in a folder.

    Args:
        folder: where ``phoenix.toml`` may be.
        environment: variables; the process's own when ``None``. Unknown ``PHOENIX_*`` variables are left to others.

    Raises:
        SettingsError: the file cannot be read, has an unknown key, or a value is not of its kind.
    """
    values: dict[str, object] = {}
    path = folder / _FILE
    if path.is_file():
        try:
            values.update(tomllib.loads(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SettingsError(
                f"{_FILE} cannot be read: {error}", hint="it must be TOML in UTF-8"
            ) from error
    for name, text in (os.environ if environment is None else environment).items():
        key = name.removeprefix(_PREFIX).lower()
        if name.startswith(_PREFIX) and key in Settings.model_fields and text:
            values[key] = text
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise SettingsError(
            f"setting {key!r}: {first['msg']}",
            hint=f"known settings: {', '.join(sorted(Settings.model_fields))}",
            details={"setting": key},
        ) from error
