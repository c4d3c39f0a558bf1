"""What works on this machine, and what is missing."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path

from phoenix_nb import __version__
from phoenix_nb.collector import catalog, validate_config
from phoenix_nb.errors import PhoenixError, UnavailableError
from phoenix_nb.interfaces import Value
from phoenix_nb.lab._workspace import Workspace, find_workspace
from phoenix_nb.otelcol import find_collector
from phoenix_nb.runtime import Settings, SystemClock, load_prices, load_settings

__all__ = ["Finding", "FindingState", "check_installation"]

_OLDEST_PYTHON = (3, 11)
_PRICES_OLD_DAYS = 365
_LOW_DISK = 1_000_000_000
_MANY_FILES = 1024
"""Below this file limit the host source opens files again at every scrape."""


class FindingState(StrEnum):
    """How one part stands."""

    OK = "ok"
    WARNING = "warning"
    """It works, with less than it could."""
    BROKEN = "broken"
    """Something that Phoenix needs does not work."""


class Finding(Value):
    """One part that was looked at."""

    part: str
    """What was looked at."""
    state: FindingState
    """How it stands."""
    text: str
    """What was found, one sentence or less."""
    hint: str = ""
    """What to do; empty when there is nothing to do."""


def check_installation(workspace: str | Path | None = None, *, folder: Path | None = None) -> list[Finding]:
    """Look at everything that experiments and reports need. Changes nothing and starts no experiment.

    Args:
        workspace: the workspace to look at; ``None`` takes what the settings say, else the nearest one.
        folder: where settings and the workspace are looked for; the current folder when omitted.
    """
    here = Path.cwd() if folder is None else folder
    settings, found = _settings(here)
    place = workspace if workspace is not None else settings.workspace
    checks: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        ("python", _python),
        ("packages", _packages),
        ("settings", lambda: iter((found,))),
        ("prices", lambda: _prices(settings)),
        ("workspace", lambda: _workspace(place, here)),
        ("catalogue", _catalogue),
        ("collector", lambda: _collector(settings, place, here)),
        ("processes", _processes),
        ("reports", _reports),
    )
    findings: list[Finding] = []
    for part, check in checks:
        try:
            findings.extend(check())
        except PhoenixError as error:
            findings.append(_broken(part, error.message, error.hint))
    return findings


def _ok(part: str, text: str) -> Finding:
    return Finding(part=part, state=FindingState.OK, text=text)


def _warning(part: str, text: str, hint: str) -> Finding:
    return Finding(part=part, state=FindingState.WARNING, text=text, hint=hint)


def _broken(part: str, text: str, hint: str) -> Finding:
    return Finding(part=part, state=FindingState.BROKEN, text=text, hint=hint)


def _settings(here: Path) -> tuple[Settings, Finding]:
    try:
        settings = load_settings(here)
    except PhoenixError as error:
        return Settings(), _broken("settings", error.message, error.hint)
    file = here / "phoenix.toml"
    where = str(file) if file.is_file() else "defaults"
    set_here = sorted(name for name in os.environ if name.startswith("PHOENIX_") and os.environ[name])
    return settings, _ok("settings", ", ".join([where, *set_here]))


def _python() -> Iterator[Finding]:
    text = f"{platform.python_implementation()} {platform.python_version()} on {platform.system()}"
    if sys.version_info[:2] < _OLDEST_PYTHON:
        yield _broken("python", text, "install Python 3.11 or newer")
    else:
        yield _ok("python", f"{text}, Phoenix {__version__}")
    if sys.platform != "linux":
        yield _warning(
            "platform",
            "processes are read through psutil, which is slower and knows fewer fields than Linux offers",
            "record on Linux where you can; recordings can be compared anywhere",
        )


def _packages() -> Iterator[Finding]:
    """Whether what pip installed is still what Phoenix asks for; nothing is imported."""
    from packaging.requirements import Requirement

    wrong = []
    count = 0
    for text in importlib.metadata.requires("phoenix-nb") or ():
        wanted = Requirement(text)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        count += 1
        try:
            version = importlib.metadata.version(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{wanted.name} is missing")
            continue
        if not wanted.specifier.contains(version, prereleases=True):
            wrong.append(f"{wanted.name} {version} is not {wanted.specifier}")
    if wrong:
        yield _broken("packages", "; ".join(wrong), "install Phoenix again: pip install --upgrade phoenix-nb")
    else:
        yield _ok("packages", f"all {count} are there, DuckDB {importlib.metadata.version('duckdb')}")


def _prices(settings: Settings) -> Iterator[Finding]:
    book = load_prices(settings.prices)
    source = "shipped" if settings.prices is None else str(settings.prices)
    text = f"{len(book.models)} price models, {source}, newest of {book.as_of.isoformat()}"
    age = (SystemClock().now().date() - book.as_of).days
    if age > _PRICES_OLD_DAYS:
        yield _warning("prices", text, "put current prices into a file and name it in PHOENIX_PRICES")
    else:
        yield _ok("prices", text)


def _workspace(target: str | Path | None, here: Path) -> Iterator[Finding]:
    place = find_workspace(target, start=here)
    if place.root is None:
        yield _ok("workspace", "in memory: nothing is kept")
        return
    yield _store(place)
    folder = _nearest(place.root)
    free = shutil.disk_usage(folder).free
    text = f"{free / 1e9:,.1f} GB free at {folder}"
    if free < _LOW_DISK:
        yield _warning("disk", text, "payloads of an experiment take megabytes a minute: free some space")
    else:
        yield _ok("disk", text)


def _collector(settings: Settings, target: str | Path | None, here: Path) -> Iterator[Finding]:
    """Only the engine ``otelcol`` needs one."""
    workspace = find_workspace(target, start=here).home
    try:
        binary = find_collector(settings.collector_binary, workspace=workspace)
    except UnavailableError as error:
        yield _warning("collector", f"{error.message}; only the engine otelcol needs it", error.hint)
        return
    yield _ok("collector", f"{binary.name} {binary.version} at {binary.path}")


def _nearest(folder: Path) -> Path:
    """The folder itself, or the first one above it that exists."""
    folder = folder.absolute()
    return next((one for one in (folder, *folder.parents) if one.is_dir()), Path("/"))


def _store(place: Workspace) -> Finding:
    home = place.home
    if home is None or not home.is_dir():
        folder = _nearest(place.root or Path())
        if not os.access(folder, os.W_OK | os.X_OK):
            return _broken(
                "workspace", f"{folder} cannot be written", "choose another one with --workspace DIR"
            )
        return _ok("workspace", f"none yet; the first experiment makes {home}")
    if not os.access(home, os.W_OK | os.X_OK):
        return _broken("workspace", f"{home} cannot be written", "choose another one with --workspace DIR")
    owner = _owner(Path(place.store))
    if owner is not None:
        return _warning(
            "workspace",
            f"{place.root} is in use by process {owner}",
            "end it first, or use another workspace",
        )
    return _ok("workspace", str(place.root))


def _owner(store: Path) -> int | None:
    """The process that owns the store now, by its lock file."""
    import psutil

    try:
        pid = int(store.with_name(f"{store.name}.lock").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return pid if pid != os.getpid() and psutil.pid_exists(pid) else None


def _catalogue() -> Iterator[Finding]:
    names = catalog.names()
    for name in names:
        errors = [one for one in validate_config(catalog.load(name).yaml) if one.severity == "error"]
        if errors:
            yield _broken(
                "catalogue", f"{name}: {errors[0].path}: {errors[0].message}", "install Phoenix again"
            )
            return
    yield _ok("catalogue", f"{len(names)} pipelines, all valid")


def _processes() -> Iterator[Finding]:
    from phoenix_nb.otlp import Dictionaries
    from phoenix_nb.sources import HostScraper, HostScraperSettings

    clock = SystemClock()
    scraper = HostScraper(Dictionaries(), HostScraperSettings(), clock.unix_nano)
    try:
        begin = clock.monotonic()
        frames = scraper.scrape()
        seconds = clock.monotonic() - begin
        problems = scraper.problems
    finally:
        scraper.close()
    if not frames.n_points:
        yield _broken("processes", "no process of this machine can be read", "check that /proc is mounted")
        return
    text = f"{frames.n_resources:,} processes, {frames.n_points:,} data points in {1000 * seconds:,.0f} ms"
    if problems and not (hasattr(os, "geteuid") and os.geteuid() == 0):
        yield _warning(
            "processes",
            f"{text}; {'; '.join(problems)}",
            "fields that this user may not read are left out, as a collector run by this user would do",
        )
    else:
        # A few processes refuse even root; nobody can change that.
        yield _ok("processes", "; ".join((text, *problems)))
    yield from _open_files()


def _open_files() -> Iterator[Finding]:
    try:
        import resource
    except ImportError:  # only POSIX systems have such a limit
        return
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < _MANY_FILES:
        yield _warning(
            "open files",
            f"the limit is {hard:,}",
            "scrapes get slower with many processes: raise it with ulimit -n",
        )


def _reports() -> Iterator[Finding]:
    from phoenix_nb.reporting import report_notebook_path, template_root

    notebook = report_notebook_path("comparison")
    template_root()
    from jupyter_client.kernelspec import KernelSpecManager

    kernels = sorted(KernelSpecManager().find_kernel_specs())
    if "python3" not in kernels:
        yield _broken(
            "reports",
            "there is no Jupyter kernel python3",
            "python -m ipykernel install --sys-prefix makes it",
        )
        return
    yield _ok("reports", f"{notebook.name} and the kernel python3 are there")
