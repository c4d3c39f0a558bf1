"""Phoenix: cut the cost of host process metrics without going blind.

>>> import phoenix_nb
>>> lab = phoenix_nb.connect(":memory:")
>>> lab.close()
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from phoenix_nb.errors import PhoenixError

if TYPE_CHECKING:
    from pathlib import Path

    from phoenix_nb.lab import ExperimentHandle, Lab

__all__ = ["ExperimentHandle", "Lab", "PhoenixError", "__version__", "connect"]

__version__ = "0.1.0"


def connect(target: str | Path | None = None) -> Lab:
    """Open a workspace and the services on it.

    Args:
        target: ``":memory:"`` keeps nothing; a folder keeps everything in its ``.phoenix/``; ``None`` means the nearest
            folder upwards that has one, else the current folder.

    Raises:
        StoreBusyError: another process owns the workspace.
        StorageError: the folder cannot be written.
    """
    # Imported late: `import phoenix_nb` must stay fast.
    from phoenix_nb.lab import Lab

    return Lab.open(target)


def __getattr__(name: str) -> object:
    if name in {"ExperimentHandle", "Lab"}:
        from phoenix_nb import lab

        return getattr(lab, name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
