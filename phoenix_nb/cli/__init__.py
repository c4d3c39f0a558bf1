"""The ``phoenix`` command: thin, one module per noun."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit code.

    Args:
        arguments: the words after ``phoenix``; those of this process when omitted.
    """
    try:
        # Imported here: an interrupt while the commands load ends quietly, too.
        from phoenix_nb.cli._main import run
    except KeyboardInterrupt:
        sys.exit(130)
    run(arguments)
