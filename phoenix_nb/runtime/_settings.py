"""Settings: ``PHOENIX_*`` variables over ``phoenix.toml`` over defaults."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from phoenix_nb.errors import SettingsError

__all__ = ["Settings", "load_settings"]

_PREFIX = "PHOENIX_"
_FILE = "phoenix.toml"


class Settings(BaseSettings):
    """Everything that can be set outside a call; :func:`load_settings` reads it."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    workspace: str | None = None
    """Folder where experiments are kept, or ``:memory:``; ``None`` takes the nearest one."""
    prices: Path | None = None
    """A price file of one's own; ``None`` takes the shipped one."""
    collector_version: str = Field(default="0.159.0", pattern=r"^\d+\.\d+\.\d+$")
    """Collector release whose defaults and rules apply."""
    collector_binary: Path | None = None
    """Collector that the engine ``otelcol`` runs; ``None`` looks on ``PATH``, in the workspace and in the cache."""
    database_threads: int = Field(default=2, ge=1, le=64)
    """Threads that talk to the database at a time."""
    debug_callbacks: bool = False
    """Whether a failing viewer of the event bus raises instead of being logged."""
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    """Least important log lines that are written."""
    log_json: bool = False
    """Whether log lines are JSON instead of text for people."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is the library's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is given: constructing settings never reads the process's environment behind one's back."""
        return (init_settings,)


def load_settings(folder: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings that apply in a folder.

    Args:
        folder: where ``phoenix.toml`` may be.
        environment: variables; the process's own when ``None``. Empty and unknown ``PHOENIX_*`` variables are left to
            others.

    Raises:
        SettingsError: the file cannot be read, has an unknown key, or a value is not of its kind.
    """
    variables = EnvSettingsSource(Settings, case_sensitive=False, env_prefix=_PREFIX)
    given = os.environ if environment is None else environment
    variables.env_vars = {name.lower(): text for name, text in given.items() if text}
    values: dict[str, Any] = {**_file_values(folder), **variables()}
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise SettingsError(
            f"setting {key!r}: {first['msg']}",
            hint=f"known settings: {', '.join(sorted(Settings.model_fields))}",
            details={"setting": key},
        ) from error


def _file_values(folder: Path) -> dict[str, Any]:
    path = folder / _FILE
    if not path.is_file():
        return {}
    try:
        return TomlConfigSettingsSource(Settings, toml_file=path)()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(
            f"{path} cannot be read: {error}", hint="it must be TOML in UTF-8", details={"path": str(path)}
        ) from error
