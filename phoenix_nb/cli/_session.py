"""An open laboratory for one command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from phoenix_nb.cli._interrupts import leave_on_next_interrupt
from phoenix_nb.cli._state import OPTIONS
from phoenix_nb.errors import NotFoundError

if TYPE_CHECKING:
    from phoenix_nb.interfaces import Experiment
    from phoenix_nb.lab import Lab

__all__ = ["chosen", "opened"]

_LATEST = "latest"


@contextmanager
def opened() -> Iterator[Lab]:
    """The laboratory of this invocation's workspace, closed afterwards; a second interrupt does not wait for that."""
    from phoenix_nb.lab import Lab

    with Lab.open(OPTIONS.workspace) as lab:
        try:
            yield lab
        except KeyboardInterrupt:
            leave_on_next_interrupt()
            raise


def chosen(lab: Lab, wanted: str) -> Experiment:
    """The experiment that an argument means: an id, or ``latest``.

    Raises:
        NotFoundError: there is none.
    """
    from phoenix_nb.interfaces import ExperimentFilter

    if wanted != _LATEST:
        return lab.call(lab.services.experiments.get_experiment, wanted)
    found = lab.call(lab.services.experiments.list_experiments, ExperimentFilter(page_size=1)).experiments
    if not found:
        raise NotFoundError(
            "this workspace holds no experiment",
            hint="start one with phoenix compare, or name another workspace with --workspace",
        )
    return found[0]
