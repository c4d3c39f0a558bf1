"""Files that appear whole and durable, or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from pathlib import Path

from phoenix_nb.errors import StorageError

__all__ = ["write_atomically"]

_HINTS = {
    errno.ENOSPC: "the disk is full: free some space and run it again",
    errno.EDQUOT: "the disk quota is used up: free some space and run it again",
    errno.EACCES: "the folder cannot be written: choose another one or change its permissions",
    errno.EPERM: "the folder cannot be written: choose another one or change its permissions",
    errno.EROFS: "the file system is read-only: choose another folder",
    errno.ENOENT: "the folder does not exist: create it first",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EISDIR: "the path is a folder: give a file name",
}


def write_atomically(path: Path, content: str | bytes, *, private: bool = False) -> Path:
    """Write a whole file or none of it; when this returns, it survives a power cut.

    Readers see the former content or the new one, never a part.

    Args:
        path: the file; its folder must exist.
        content: text (written as UTF-8) or bytes.
        private: whether only the owner may read it, for tokens.

    Raises:
        StorageError: the folder is missing or read-only, or the disk is full; a former file is untouched.
    """
    raw = content.encode() if isinstance(content, str) else content
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as stream:
            stream.write(raw)
            stream.flush()
            os.fsync(stream.fileno())
        if not private:
            # mkstemp makes private files; the finished one has the permissions that a plain open would give.
            mask = os.umask(0)
            os.umask(mask)
            temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
        temporary = None
        _sync_folder(path.parent)
    except OSError as error:
        hint = _HINTS.get(error.errno or 0, "")
        if error.errno == errno.ENOENT and path.parent.is_dir():
            # Kernel folders such as /proc answer so to whoever creates a file.
            hint = "no file can be created in this folder: choose another one"
        raise StorageError(
            f"{path} cannot be written: {error.strerror or error}",
            hint=hint,
            details={"path": str(path), "errno": error.errno},
        ) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()
    return path


def _sync_folder(folder: Path) -> None:
    # The new name is durable only when the folder is; systems without folder handles need nothing.
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
