"""Finding a collector and asking what it is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

import yaml

from phoenix_nb.errors import UnavailableError

__all__ = ["BUILT_VERSION", "CollectorBinary", "cache_folder", "find_collector", "probe_collector"]

BUILT_VERSION: Final = "0.159.0"
"""Release of the collector that this project builds."""
_NAMES: Final = ("otelcol", "otelcol-contrib", "otelcol-phoenix")
_VERSION: Final = re.compile(r"\bversion v?(\d+\.\d+\.\d+\S*)")
_SECTIONS: Final = ("receivers", "processors", "exporters", "connectors", "extensions")
_PATIENCE: Final = 20.0
INSTALL_HINT: Final = (
    "`phoenix collector install` builds one with Go; or set PHOENIX_COLLECTOR_BINARY to your own"
)


@dataclass(frozen=True, slots=True)
class CollectorBinary:
    """A collector that can be run."""

    path: Path
    """The program."""
    name: str
    """What it calls itself."""
    version: str
    """Release, without ``v``."""
    components: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Component types by section."""

    @property
    def exporter_type(self) -> str:
        """How it spells the OTLP/HTTP exporter."""
        return "otlp_http" if "otlp_http" in self.components.get("exporters", ()) else "otlphttp"


def cache_folder(environment: Mapping[str, str] | None = None, *, version: str = BUILT_VERSION) -> Path:
    """Where a built collector is kept for this user."""
    given = os.environ if environment is None else environment
    base = given.get("XDG_CACHE_HOME") or str(Path(given.get("HOME") or Path.home()) / ".cache")
    return Path(base) / "phoenix" / f"otelcol-{version}"


def find_collector(
    setting: Path | None = None,
    *,
    workspace: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> CollectorBinary:
    """The collector to use: the one that was set, else on ``PATH``, in the workspace, in the user's cache.

    Args:
        setting: the program that the user named; when it is given nothing else counts.
        workspace: the workspace's ``.phoenix`` folder.
        environment: where ``PATH`` and ``XDG_CACHE_HOME`` are looked up; the process's own when ``None``.

    Raises:
        UnavailableError: there is none, or the one that was set does not work.
    """
    given = os.environ if environment is None else environment
    if setting is not None:
        return probe_collector(setting.expanduser())
    tried: list[str] = []
    for candidate in _candidates(workspace, given):
        try:
            return probe_collector(candidate)
        except UnavailableError as error:
            tried.append(error.message)
    places = ["PATH", *([str(workspace / "bin")] if workspace else []), str(cache_folder(given))]
    told = f" ({'; '.join(tried)})" if tried else ""
    raise UnavailableError(
        f"no OpenTelemetry Collector was found in {', '.join(places)}{told}",
        hint=INSTALL_HINT,
        details={"places": [*places], "tried": [*tried]},
    )


def _candidates(workspace: Path | None, environment: Mapping[str, str]) -> Iterator[Path]:
    for name in _NAMES:
        if (found := shutil.which(name, path=environment.get("PATH", ""))) is not None:
            yield Path(found)
    if workspace is not None:
        yield from _present(workspace / "bin" / name for name in _NAMES)
    own = cache_folder(environment)
    yield from _present([own / "otelcol"])
    others = own.parent.glob("otelcol-*/otelcol") if own.parent.is_dir() else ()
    yield from (path for path in sorted(others, reverse=True) if path.parent != own)


def _present(paths: Iterator[Path] | list[Path]) -> Iterator[Path]:
    return (path for path in paths if path.is_file())


def probe_collector(path: Path) -> CollectorBinary:
    """Ask a program what it is.

    Raises:
        UnavailableError: it is no collector that can be used here; the message says why.
    """
    try:
        found = path.resolve(strict=True)
        stat = found.stat()
    except OSError as error:
        raise UnavailableError(
            f"there is no collector at {path}: {error.strerror or error}",
            hint=INSTALL_HINT,
            details={"path": str(path)},
        ) from error
    return _probed(found, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=32)
def _probed(path: Path, _changed: int, _size: int) -> CollectorBinary:
    said = _ask(path, "--version")
    version = _VERSION.search(said)
    if version is None:
        raise _useless(path, f"it does not tell its version but {said.strip()[:200]!r}")
    try:
        listed = yaml.safe_load(_ask(path, "components"))
    except yaml.YAMLError as error:
        raise _useless(path, "its list of components cannot be read") from error
    components = {section: _types(listed, section) for section in _SECTIONS}
    if "otlp" not in components["receivers"]:
        raise _useless(path, "it has no otlp receiver")
    if not {"otlp_http", "otlphttp"} & set(components["exporters"]):
        raise _useless(path, "it has no OTLP/HTTP exporter")
    return CollectorBinary(path, said[: version.start()].strip() or path.name, version[1], components)


def _types(listed: object, section: str) -> tuple[str, ...]:
    rows = listed.get(section) if isinstance(listed, dict) else None
    if not isinstance(rows, list):
        return ()
    return tuple(str(row["name"] if isinstance(row, dict) else row) for row in rows)


def _ask(path: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - no shell; the program is the one that was found or set
            [str(path), *arguments],
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
            errors="replace",
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _useless(path, f"it cannot be run: {error}") from error
    if done.returncode:
        raise _useless(
            path, f"`{arguments[0]}` ends with exit code {done.returncode}: {done.stderr.strip()[:200]}"
        )
    return done.stdout


def _useless(path: Path, why: str) -> UnavailableError:
    return UnavailableError(
        f"{path} cannot be used as a collector: {why}", hint=INSTALL_HINT, details={"path": str(path)}
    )
