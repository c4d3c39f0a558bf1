"""CPU per process of one host scrape against ``psutil.process_iter`` that asks for the same fields.

Ours also makes the payload. The processes are all of this machine and 200 sleeping ones, seen before by both.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import psutil

from bench._measure import CpuTimer, Row, compare
from phoenix_nb.otlp import Dictionaries
from phoenix_nb.sources import HostScraper, HostScraperSettings

_FIELDS = [
    "pid",
    "ppid",
    "name",
    "exe",
    "cmdline",
    "username",
    "create_time",
    "cpu_times",
    "memory_info",
    "io_counters",
]
"""What the default metrics and the resource of a process need."""


@contextmanager
def _sleepers(count: int) -> Iterator[None]:
    children = [subprocess.Popen(["sleep", "600"]) for _ in range(count)]
    try:
        yield
    finally:
        for child in children:
            child.kill()
        for child in children:
            child.wait()


def _microseconds_of_psutil() -> float:
    with CpuTimer() as timer:
        found = sum(1 for _ in psutil.process_iter(_FIELDS))
    return timer.seconds / found * 1e6


def _microseconds_of(scraper: HostScraper) -> float:
    with CpuTimer() as timer:
        frames = scraper.scrape()
    return timer.seconds / frames.n_rows("rm") * 1e6


def run(repeats: int) -> list[Row]:
    """The rows."""
    rows = []
    with _sleepers(200):
        for reader in ("procfs", "psutil"):
            settings = HostScraperSettings(reader=reader)
            scraper = HostScraper(Dictionaries(), settings, time.time_ns)
            try:
                rows.append(
                    compare(
                        f"one process, {reader} reader",
                        partial(_microseconds_of, scraper),
                        _microseconds_of_psutil,
                        peer_name="psutil.process_iter",
                        unit="µs",
                        repeats=repeats * 3,
                        most=1.0 if reader == "procfs" else None,
                    )
                )
            finally:
                scraper.close()
    return rows
