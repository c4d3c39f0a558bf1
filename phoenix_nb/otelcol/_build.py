"""Building the collector with Go, from the project's own list of components."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Final

from phoenix_nb.errors import StorageError, UnavailableError
from phoenix_nb.otelcol._binary import probe_collector

__all__ = ["build_collector"]

_PROGRAM: Final = "otelcol"
_SETTINGS: Final = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
_FLAGS: Final = ("-trimpath", "-buildvcs=false", "-tags", "grpcnotrace", "-ldflags=-s -w")
_LIMIT: Final = 3600.0
_TOLD_LINES: Final = 8


def build_collector(
    target: Path,
    *,
    environment: Mapping[str, str] | None = None,
    say: Callable[[str], None] = lambda _: None,
    force: bool = False,
) -> Path:
    """Build the collector into a folder; a program that is there and works is kept.

    Go and its module proxy are all that is used. Every module is pinned by its checksum. Three connectors are served in
    older releases only, where one call each, not on the way of metrics, is adapted to the newer API.

    Args:
        target: folder for the program, made when needed; usually ``cache_folder()``.
        environment: variables for Go; the process's own when ``None``.
        say: told what is being done, a line each.
        force: whether to build even if the program is there.

    Returns:
        The program.

    Raises:
        UnavailableError: there is no Go, it is too old, or the build failed; nothing half-built is left.
        StorageError: the folder cannot be written.
    """
    program = target / _PROGRAM
    if program.is_file() and not force:
        try:
            probe_collector(program)
        except UnavailableError as error:
            say(f"building again: {error.message}")
        else:
            return program
    variables = {**(os.environ if environment is None else environment), **_SETTINGS}
    go = shutil.which("go", path=variables.get("PATH", ""))
    if go is None:
        raise UnavailableError(
            "the collector cannot be built: there is no Go on the PATH",
            hint="install Go 1.26 or newer from https://go.dev/dl, or name a collector in PHOENIX_COLLECTOR_BINARY",
        )
    try:
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="phoenix-build-") as folder:
            work = Path(folder)
            source = resources.files("phoenix_nb.otelcol") / "build"
            for name in ("main.go", "components.go", "go.mod", "go.sum"):
                (work / name).write_bytes((source / name).read_bytes())
            for patch in json.loads((source / "patches.json").read_text("utf-8")):
                say(f"fetching {patch['module']} {patch['version']}")
                _patch(go, work, patch, variables)
            say("building; the first time this takes a few minutes")
            part = target / f".{_PROGRAM}.{os.getpid()}"
            try:
                _go(go, ["build", *_FLAGS, "-o", str(part), "."], work, variables)
                part.replace(program)
            finally:
                part.unlink(missing_ok=True)
    except UnavailableError:
        # It is an OSError too, and no trouble with the disk.
        raise
    except OSError as error:
        raise StorageError(
            f"the collector cannot be built into {target}: {error.strerror or error}",
            hint="it needs about 500 MB for modules and 60 MB for the program",
            details={"path": str(target)},
        ) from error
    probe_collector(program)
    return program


def _patch(go: str, work: Path, patch: Mapping[str, str], variables: Mapping[str, str]) -> None:
    """Copy a module next to the source, without its tests, and replace one call in it."""
    # Outside the module: its replacements do not exist yet.
    outside = {**variables, "GOFLAGS": "-mod=mod"}
    said = _go(
        go, ["mod", "download", "-json", f"{patch['module']}@{patch['version']}"], work.parent, outside
    )
    copy = work / "patched" / patch["module"].rsplit("/", 1)[-1]
    shutil.copytree(json.loads(said)["Dir"], copy, ignore=shutil.ignore_patterns("*_test.go", "testdata"))
    for path in (copy, *copy.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    file = copy / patch["file"]
    text = file.read_text("utf-8")
    if patch["old"] not in text:
        raise UnavailableError(
            f"{patch['module']} {patch['version']} is not what it was: {patch['file']} lacks {patch['old']!r}",
            hint="empty Go's module cache (`go clean -modcache`) and try again",
        )
    file.write_text(text.replace(patch["old"], patch["new"]), "utf-8")


def _go(go: str, arguments: list[str], folder: Path, variables: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - no shell; Go with arguments of our own
            [go, *arguments],
            cwd=folder,
            env=dict(variables),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(
            f"`go {arguments[0]}` did not end within {_LIMIT:g} s",
            hint="try again: Go keeps what it has built so far",
        ) from error
    if done.returncode:
        last = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()][-_TOLD_LINES:]
        raise UnavailableError(
            f"`go {arguments[0]}` failed: {' | '.join(last) or f'exit code {done.returncode}'}",
            hint="it needs Go 1.26 or newer and the Go module proxy",
            details={"output": [*last]},
        )
    return done.stdout
