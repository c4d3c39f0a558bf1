"""Measuring ours and a peer in turns, so that what else the machine does hits both."""

from __future__ import annotations

import gc
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

__all__ = ["CpuTimer", "Row", "compare", "machine_facts", "peak_mebibytes"]

Figure = Callable[[], float]

_ROOT = Path(__file__).resolve().parent.parent
# The peak that getrusage tells begins with that of the process which started this one.
_PEAK = """
from pathlib import Path
status = Path("/proc/self/status").read_text().splitlines()
print(next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024)
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    """What was measured, with its size."""
    ours: float
    """Median figure of ours."""
    peer: float | None
    """Median figure of the peer; ``None`` when there is none."""
    peer_name: str
    """What the peer is."""
    unit: str
    """Unit of both figures."""
    ratio: float | None
    """Median over the pairs of ours to peer."""
    spread: float
    """Half the range of those ratios (of ours, without a peer) over its median: how much the machine disturbed it."""
    goal: str
    """The goal in words; empty when the row is for information."""
    met: bool | None
    """Whether the goal is met; ``None`` without one."""


class CpuTimer:
    """CPU seconds of this process, all its threads, inside a ``with`` block."""

    seconds = 0.0

    def __enter__(self) -> Self:
        gc.collect()
        self._begin = time.process_time()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.seconds = time.process_time() - self._begin


def compare(
    what: str,
    ours: Figure,
    peer: Figure | None = None,
    *,
    peer_name: str = "",
    unit: str,
    repeats: int,
    least: float | None = None,
    most: float | None = None,
    limit: float | None = None,
    warm: bool = True,
) -> Row:
    """Run both ``repeats`` times in turns.

    Args:
        what: names the row.
        ours: measures ours once.
        peer: measures the peer once.
        peer_name: what the peer is.
        unit: unit of the figures.
        repeats: how often.
        least: goal for the ratio: at least this.
        most: goal for the ratio: at most this.
        limit: goal for our own figure: at most this.
        warm: begin with a turn that does not count; not for what has a process of its own each time.
    """
    pairs: list[tuple[float, float | None]] = []
    for turn in range(repeats + warm):
        pair = (ours(), peer() if peer is not None else None)
        if turn >= warm:
            pairs.append(pair)
    own = [one for one, _ in pairs]
    others = [other for _, other in pairs if other is not None]
    ratios = [one / other for one, other in pairs if other is not None]
    figure = statistics.median(own)
    ratio = statistics.median(ratios) if ratios else None
    over = ratios or own
    goal, met = "", None
    if least is not None and ratio is not None:
        goal, met = f"ratio ≥ {least:g}", ratio >= least
    elif most is not None and ratio is not None:
        goal, met = f"ratio ≤ {most:g}", ratio <= most
    elif limit is not None:
        goal, met = f"≤ {limit:g} {unit}", figure <= limit
    return Row(
        what=what,
        ours=figure,
        peer=statistics.median(others) if others else None,
        peer_name=peer_name,
        unit=unit,
        ratio=ratio,
        spread=(max(over) - min(over)) / 2 / statistics.median(over),
        goal=goal,
        met=met,
    )


def peak_mebibytes(script: str, *arguments: str) -> float:
    """Peak memory of an interpreter of its own that runs a script in this project's folder."""
    done = subprocess.run(
        [sys.executable, "-c", script + _PEAK, *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=_ROOT,
    )
    return float(done.stdout)


def machine_facts() -> dict[str, str]:
    """What figures depend on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "measured": time.strftime("%Y-%m-%d", time.gmtime()),
        "commit": commit.stdout.strip() or "unknown",
        "machine": f"{platform.system()} {platform.release()}, {os.cpu_count()} cores, {memory:.1f} GiB",
        "python": sys.version.split()[0],
        "load before": f"{os.getloadavg()[0]:.1f}",
    }
