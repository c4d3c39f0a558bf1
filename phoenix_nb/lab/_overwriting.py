"""What is read is never written over."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from phoenix_nb.errors import InvalidRequestError

__all__ = ["require_other_file"]


def require_other_file(output: Path, inputs: Iterable[Path]) -> None:
    """Refuse an output that is the same file as an input, by whatever name, link or folder.

    Args:
        output: where something will be written.
        inputs: what is read.

    Raises:
        InvalidRequestError: they are one file.
    """
    for given in inputs:
        if _same(output.expanduser(), given.expanduser()):
            raise InvalidRequestError(
                f"the output {output} is the same file as the input {given}: it would be overwritten",
                hint="name another file for the output",
                details={"output": str(output), "input": str(given)},
            )


def _same(output: Path, given: Path) -> bool:
    try:
        return output.samefile(given)
    except (OSError, ValueError):
        return False  # One of them does not exist, or cannot be looked at: who opens it says so.
