"""Workspaces: a folder with ``.phoenix/`` in it, or nothing but memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from phoenix_nb.errors import InvalidRequestError, StorageError

__all__ = ["MEMORY", "Workspace", "find_workspace"]

MEMORY = ":memory:"
_MARK = ".phoenix"
_STORE = "store.duckdb"


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where experiments are kept."""

    root: Path | None
    """The folder that holds ``.phoenix/``; ``None`` when nothing is kept."""

    @property
    def in_memory(self) -> bool:
        """Whether everything vanishes with the process."""
        return self.root is None

    @property
    def store(self) -> str:
        """What the database opens: a file, or ``:memory:``."""
        return MEMORY if self.root is None else str(self.root / _MARK / _STORE)

    @property
    def home(self) -> Path | None:
        """The ``.phoenix`` folder; ``None`` in memory."""
        return None if self.root is None else self.root / _MARK

    def prepare(self) -> Workspace:
        """Make the folder when it is missing.

        Raises:
            StorageError: it cannot be made or written.
        """
        if self.home is not None:
            try:
                self.home.mkdir(parents=True, exist_ok=True)
                ignore = self.home / ".gitignore"
                if not ignore.exists():
                    ignore.write_text("*\n", encoding="utf-8")
            except OSError as error:
                raise StorageError(
                    f"the workspace {self.home} cannot be made: {error.strerror or error}",
                    hint="choose a folder you may write to, or use --workspace :memory:",
                    details={"path": str(self.home)},
                ) from error
        return self

    def __str__(self) -> str:
        return "memory" if self.root is None else str(self.root)


def find_workspace(target: str | Path | None, *, start: Path) -> Workspace:
    """The workspace that ``target`` means.

    Args:
        target: ``:memory:``, a folder (made when needed), or ``None`` for the nearest folder upwards from ``start``
            that has ``.phoenix/``, else ``start`` itself.
        start: where the search begins, usually the current folder.

    Raises:
        InvalidRequestError: ``target`` is an existing file.
    """
    if target is None:
        for folder in (start, *start.parents):
            if (folder / _MARK).is_dir():
                return Workspace(folder)
        return Workspace(start)
    if str(target) == MEMORY:
        return Workspace(None)
    root = Path(target).expanduser()
    if root.is_file():
        raise InvalidRequestError(
            f"{root} is a file, not a workspace", hint="name a folder; the store inside it is made by Phoenix"
        )
    return Workspace(root)
