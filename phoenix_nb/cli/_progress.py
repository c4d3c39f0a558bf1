"""Progress on stderr: a bar for people at a terminal, nothing for logs and programs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from phoenix_nb.cli._interrupts import raise_if_interrupted
from phoenix_nb.errors import DeadlineExceededError

if TYPE_CHECKING:
    from rich.progress import Progress

    from phoenix_nb.lab import ExperimentHandle

__all__ = ["counted", "followed"]

_LOOK_SECONDS = 0.5
"""Between two looks at a run."""


@contextmanager
def counted(what: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
    """A bar that counts up; the function it hands out takes how many are done.

    Args:
        what: what goes on.
        total: how many there will be; ``None`` when nobody knows.
        unit: what is counted.
    """
    if not sys.stderr.isatty():
        yield lambda _: raise_if_interrupted()
        return
    with _bar(unit) as bar:
        task = bar.add_task(what, total=total)

        def tell(done: int) -> None:
            raise_if_interrupted()
            bar.update(task, completed=done)

        yield tell


def followed(handle: ExperimentHandle) -> None:
    """Wait for the end of a run; at a terminal with its intervals and the verdict so far.

    Raises:
        RunFailedError: it ended because something broke.
    """
    if not sys.stderr.isatty():
        handle.wait()
        return
    with _bar("intervals") as bar:
        task = bar.add_task("comparing", total=None)
        while True:
            try:
                handle.wait(_LOOK_SECONDS)
            except DeadlineExceededError:
                one = handle.experiment
                results = one.results
                if results is None:
                    bar.update(task, description=one.state.value)
                    continue
                planned = results.planned_intervals
                bar.update(
                    task,
                    description=f"{one.state.value}, {results.verdict.state.value} so far",
                    completed=results.intervals,
                    total=None if planned is None else planned + one.config.plan.warmup_intervals,
                )
            else:
                return


@contextmanager
def _bar(unit: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
    )
    with RichProgress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield bar
