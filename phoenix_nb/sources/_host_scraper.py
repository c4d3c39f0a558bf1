"""One scrape of this machine's processes, as the hostmetrics process scraper would emit it."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from phoenix_nb.errors import ClosedError, InvalidRequestError
from phoenix_nb.interfaces import Value
from phoenix_nb.otlp import Dictionaries, Frames, PointKind, ScrapeTemplate
from phoenix_nb.simulation import (
    ALL_PROCESS_METRICS,
    DEFAULT_PROCESS_METRICS,
    SCHEMA_URL,
    process_points,
    process_resource,
    process_scope,
)
from phoenix_nb.sources._procfs import ProcFsReader
from phoenix_nb.sources._psutil_reader import PsutilReader
from phoenix_nb.sources._reader import Identity, ProcessReader, Row, Wanted

__all__ = ["HostScraper", "HostScraperSettings", "NameFilter", "ReaderKind"]

ReaderKind = Literal["auto", "procfs", "psutil"]
_OPEN_FILES_CAP = 6000
"""Descriptors kept open at most, however high the limit is: two thousand processes."""


class NameFilter(Value):
    """Chooses processes by executable name, as the collector's ``include`` and ``exclude`` do."""

    names: tuple[str, ...] = Field(min_length=1)
    """Names or patterns; one match is enough."""
    match_type: Literal["strict", "regexp"]
    """``strict``: equal. ``regexp``: an RE2 pattern found anywhere in the name."""

    @model_validator(mode="after")
    def _compiles(self) -> NameFilter:
        self.matcher()
        return self

    def matcher(self) -> Callable[[str], bool]:
        """A function that says whether a name matches."""
        if self.match_type == "strict":
            return frozenset(self.names).__contains__
        import re2

        try:
            options = re2.Options()
            options.log_errors = False
            patterns = [re2.compile(pattern, options) for pattern in self.names]
        except re2.error as exc:
            message = f"a pattern of {list(self.names)} is no RE2 expression: {exc}"
            raise ValueError(message) from exc
        return lambda name: any(pattern.search(name) for pattern in patterns)


class HostScraperSettings(Value):
    """The settings of the collector's process scraper that change what is emitted or reported."""

    metrics: frozenset[str] = DEFAULT_PROCESS_METRICS
    """Names of the metrics that are on."""
    include: NameFilter | None = None
    """Only these processes; absent means all."""
    exclude: NameFilter | None = None
    """Not these, after ``include``."""
    scrape_process_delay: float = Field(default=0.0, ge=0)
    """Seconds a process must have lived before it is seen."""
    cgroup: bool = False
    """Whether to add the resource attribute ``process.cgroup``."""
    without_attributes: frozenset[str] = frozenset()
    """Resource attributes that are switched off."""
    collector_version: str = "0.159.0"
    """The version in the scope."""
    root_path: str = "/"
    """Root of the file system whose ``/proc`` is read (Linux): a container may mount the host's elsewhere."""
    reader: ReaderKind = "auto"
    """``procfs`` (Linux), ``psutil``, or ``auto`` for the best there is."""
    keep_files_open: bool = True
    """Keep the files of living processes open between scrapes (Linux): three times faster."""
    mute_process_all_errors: bool = False
    """Report no refused reads at all."""
    mute_process_name_error: bool = False
    """Report no names that cannot be read."""
    mute_process_exe_error: bool = False
    """Report no executables that cannot be read."""
    mute_process_io_error: bool = False
    """Report no disk counters that cannot be read."""
    mute_process_user_error: bool = False
    """Report no owners that cannot be found."""
    mute_process_cgroup_error: bool = False
    """Report no control groups that cannot be read."""

    @field_validator("metrics")
    @classmethod
    def _known(cls, metrics: frozenset[str]) -> frozenset[str]:
        unknown = sorted(metrics - ALL_PROCESS_METRICS)
        if unknown:
            message = f"unknown metric {unknown[0]!r}; known are {', '.join(sorted(ALL_PROCESS_METRICS))}"
            raise ValueError(message)
        return metrics


class HostScraper:
    """Scrapes all processes of this machine into one payload per call; used from one thread at a time.

    Args:
        dictionaries: shared by all frames of the run.
        settings: what is emitted.
        unix_nano: tells the time; every process is stamped when it is read.
    """

    def __init__(
        self, dictionaries: Dictionaries, settings: HostScraperSettings, unix_nano: Callable[[], int]
    ) -> None:
        self._dictionaries = dictionaries
        self._settings = settings
        self._now = unix_nano
        self._reader = _make_reader(settings, unix_nano)
        metrics = set(settings.metrics)
        self._points = process_points(metrics)
        self._column = {
            (header.name, next(iter(attributes.values()), "")): at
            for at, (header, attributes, _) in enumerate(self._points)
        }
        self._kinds = np.array([kind for _, _, kind in self._points], dtype=np.uint8)
        self._template = ScrapeTemplate(
            dictionaries, self._points, scope=process_scope(settings.collector_version), schema_url=SCHEMA_URL
        )
        self._wanted = Wanted(
            io=bool(metrics & {"process.disk.io", "process.disk.operations"}),
            status=bool(metrics & {"process.context_switches", "process.signals_pending"}),
            open_files="process.open_file_descriptors" in metrics,
            cgroup=settings.cgroup,
        )
        self._memory = self._reader.total_memory() if "process.memory.utilization" in metrics else 0
        self._cores = os.cpu_count() or 1
        self._include = settings.include.matcher() if settings.include else None
        self._exclude = settings.exclude.matcher() if settings.exclude else None
        self._before: dict[int, Row] = {}
        self._ids: dict[int, tuple[Identity, int]] = {}
        self._deadline = 0
        # A close while a scrape runs in its thread must not pull the files away under it.
        self._lock = threading.Lock()
        self._closed = False

    def scrape(self) -> Frames:
        """One payload with every process there is now.

        Raises:
            SourceError: the processes cannot be listed.
            ClosedError: it was closed.
        """
        with self._lock:
            if self._closed:
                raise ClosedError("the host scraper is closed", hint="open the source again")
            return self._scrape()

    def _scrape(self) -> Frames:
        self._deadline = self._now() - int(self._settings.scrape_process_delay * 1e9)
        rows = list(self._reader.rows(self._wanted, self._keep))
        ints, doubles, present = self._columns(rows)
        frames = self._template.build(
            arrival=[self._now()],
            rm_payload=np.zeros(len(rows), dtype=np.int32),
            resource=np.array([self._resource(row.identity) for row in rows], dtype=np.int32),
            start=np.array([row.start for row in rows], dtype=np.uint64),
            time=np.array([row.time for row in rows], dtype=np.uint64),
            ints=ints,
            doubles=doubles,
            present=None if present.all() else present,
        )
        living = {row.identity.pid for row in rows}
        self._ids = {pid: kept for pid, kept in self._ids.items() if pid in living}
        self._before = {row.identity.pid: row for row in rows}
        return frames

    @property
    def problems(self) -> tuple[str, ...]:
        """What the collector would log as partial scrape errors of the last scrape, muted kinds left out."""
        settings = self._settings
        muted = {
            "name": settings.mute_process_name_error,
            "exe": settings.mute_process_exe_error,
            "io": settings.mute_process_io_error,
            "user": settings.mute_process_user_error,
            "cgroup": settings.mute_process_cgroup_error,
        }
        if settings.mute_process_all_errors:
            return ()
        return tuple(
            f"{count} process{'es' if count > 1 else ''} refused {kind}"
            for kind, count in sorted(self._reader.denied.items())
            if not muted.get(kind, False)
        )

    @property
    def denied(self) -> dict[str, int]:
        """Per kind (``exe``, ``io``, ``name``, ``user``, ``cgroup``) how many processes refused it last time."""
        return {kind: count for kind, count in self._reader.denied.items() if count}

    def close(self) -> None:
        """Release what the reader keeps open, after a running scrape; may be called twice."""
        with self._lock:
            self._closed = True
            self._reader.close()

    def _keep(self, name: str, start: int) -> bool:
        if self._include is not None and not self._include(name):
            return False
        if self._exclude is not None and self._exclude(name):
            return False
        return self._settings.scrape_process_delay == 0 or start <= self._deadline

    def _resource(self, who: Identity) -> int:
        known = self._ids.get(who.pid)
        if known is not None and (known[0] is who or known[0] == who):
            return known[1]
        made = process_resource(
            who.pid, who.parent_pid, who.name, who.path, who.command, who.command_line, who.owner, who.cgroup
        )
        if self._settings.without_attributes:
            made = replace(made, attributes=made.attributes.without(*self._settings.without_attributes))
        number = self._dictionaries.resources.intern(made)
        self._ids[who.pid] = who, number
        return number

    def _columns(self, rows: list[Row]) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
        shape = (len(rows), len(self._points))
        ints = np.zeros(shape, dtype=np.int64)
        doubles = np.zeros(shape, dtype=np.float64)
        present = np.zeros(shape, dtype=np.bool_)

        def put(metric: str, value: str, numbers: list[float | None]) -> None:
            at = self._column.get((metric, value))
            if at is None or not numbers:
                return
            there = np.array([number is not None for number in numbers], dtype=np.bool_)
            # Integers go through an integer array: a double would round counters beyond 2^53.
            target = ints if self._kinds[at] == PointKind.INT else doubles
            target[:, at] = np.array(
                [0 if number is None else number for number in numbers], dtype=target.dtype
            )
            present[:, at] = there

        waits = ("user", "system", "wait") if self._reader.wait else ("user", "system")
        for place, state in enumerate(waits):
            put("process.cpu.time", state, [row.cpu[place] for row in rows])
        put("process.memory.usage", "", [row.resident for row in rows])
        put("process.memory.virtual", "", [row.virtual for row in rows])
        if self._wanted.io:
            for place, direction in enumerate(("read", "write")):
                put("process.disk.io", direction, [row.io and row.io[place] for row in rows])
                put("process.disk.operations", direction, [row.io and row.io[place + 2] for row in rows])
        if self._settings.metrics - DEFAULT_PROCESS_METRICS:
            self._optional(rows, put, waits)
        return ints, doubles, present

    def _optional(
        self, rows: list[Row], put: Callable[[str, str, list[float | None]], None], waits: tuple[str, ...]
    ) -> None:
        for place, state in enumerate(waits):
            put("process.cpu.utilization", state, [self._utilization(row, place) for row in rows])
        if self._memory:
            # The collector sends a single-precision percentage although the unit says 1.
            total = np.float32(self._memory)
            share = [float(np.float32(100) * np.float32(row.resident) / total) for row in rows]
            put("process.memory.utilization", "", list(share))
        put("process.threads", "", [row.threads for row in rows])
        put("process.open_file_descriptors", "", [row.open_files for row in rows])
        put("process.signals_pending", "", [row.signals for row in rows])
        put("process.uptime", "", [(row.time - row.start) / 1e9 for row in rows])
        for place, kind in enumerate(("major", "minor")):
            put("process.paging.faults", kind, [row.faults and row.faults[place] for row in rows])
        for place, kind in enumerate(("involuntary", "voluntary")):
            put("process.context_switches", kind, [row.switches and row.switches[place] for row in rows])

    def _utilization(self, row: Row, place: int) -> float | None:
        """CPU use since the last scrape as a share of all CPUs; none for a process seen the first time."""
        before = self._before.get(row.identity.pid)
        if before is None or before.start != row.start:
            return None
        passed = (row.time - before.time) / 1e9
        return (row.cpu[place] - before.cpu[place]) / passed / self._cores if passed > 0 else 0.0


def _make_reader(settings: HostScraperSettings, unix_nano: Callable[[], int]) -> ProcessReader:
    on_linux = sys.platform == "linux"
    kind = settings.reader if settings.reader != "auto" else ("procfs" if on_linux else "psutil")
    if kind == "psutil":
        return PsutilReader(unix_nano)
    if not on_linux:
        raise InvalidRequestError("the procfs reader needs Linux", hint="use reader 'auto' or 'psutil'")
    most = 0
    if settings.keep_files_open:
        # Half of what may be open: the rest of the program needs files as well.
        import resource as limits

        soft = limits.getrlimit(limits.RLIMIT_NOFILE)[0]
        most = min(_OPEN_FILES_CAP, soft // 2 if soft > 0 else _OPEN_FILES_CAP)
    return ProcFsReader(unix_nano, root=settings.root_path, max_open=most)
