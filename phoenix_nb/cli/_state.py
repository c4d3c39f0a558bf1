"""What every command shares: the global options of this invocation."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["OPTIONS", "GlobalOptions"]


@dataclass(slots=True)
class GlobalOptions:
    """The options before the command."""

    workspace: str | None = None
    """``--workspace``: a folder, ``:memory:``, or ``None`` for the nearest one."""
    debug: bool = False
    """``--debug``: show tracebacks."""


OPTIONS = GlobalOptions()
"""Set by the root callback once per process, read by commands."""
