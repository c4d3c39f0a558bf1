"""Whether files can be put into a folder, asked before the work that makes them."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from phoenix_nb.errors import StorageError

__all__ = ["require_folder"]


def require_folder(path: str | Path) -> Path:
    """Make sure that a folder can be made and written; leaves nothing behind, not even the folder.

    Raises:
        StorageError: it cannot.
    """
    folder = Path(path).expanduser()
    made: list[Path] = []
    try:
        for one in reversed((folder, *folder.parents)):
            if not one.exists():
                one.mkdir()
                made.append(one)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".phoenix-"):
            pass
    except OSError as error:
        raise StorageError(
            f"the folder {folder} cannot be written: {error.strerror or error}",
            hint="choose a folder that you may write to and that has room",
            details={"path": str(folder), "errno": error.errno},
        ) from error
    finally:
        for one in reversed(made):
            with contextlib.suppress(OSError):
                one.rmdir()
    return folder
