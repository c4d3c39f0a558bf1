"""Files that appear whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from phoenix_nb.errors import StorageError

__all__ = ["ensure_folder", "install_file", "translated", "write_text"]


@contextmanager
def translated(path: Path, action: str) -> Iterator[None]:
    """Turn what the operating system says about ``path`` into a StorageError."""
    try:
        yield
    except OSError as exc:
        raise StorageError(
            f"cannot {action} {path}: {exc.strerror or exc}",
            hint="choose a folder that exists, that you may write to, and that has room",
            details={"path": str(path), "errno": exc.errno},
        ) from exc


def ensure_folder(path: Path) -> Path:
    """The folder, made when it is missing.

    Raises:
        StorageError: it cannot be made, or is a file.
    """
    with translated(path, "make the folder"):
        path.mkdir(parents=True, exist_ok=True)
    return path


def write_text(path: Path, text: str) -> Path:
    """Write a whole file or none of it: readers see the former content or the new one.

    Raises:
        StorageError: the folder is missing or read-only, or the disk is full.
    """
    partial = path.with_name(f".{path.name}.partial")
    with translated(path, "write"):
        try:
            partial.write_text(text, encoding="utf-8")
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    return path


def install_file(source: Path, target: Path) -> Path:
    """Put a finished file in its place, across file systems too, whole or not at all.

    Raises:
        StorageError: the target cannot be written.
    """
    partial = target.with_name(f".{target.name}.partial")
    with translated(target, "write"):
        try:
            shutil.copyfile(source, partial)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    return target
