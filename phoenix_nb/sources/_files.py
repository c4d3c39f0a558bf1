"""Reading and writing files so that nothing is ever half there."""

from __future__ import annotations

import contextlib
import errno
import gzip
import os
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO, Final

import zstandard

from phoenix_nb.errors import SourceError, StorageError

__all__ = ["AtomicFile", "compressed", "lines_of", "storage_error"]

_BLOCK: Final = 1 << 20
_LONGEST_LINE: Final = 1 << 28
"""A longer line is no payload of any host; reading on would take all memory."""


def storage_error(path: Path, doing: str, exc: OSError) -> StorageError:
    """The domain error for a failed write, with what the reader can do."""
    hints = {
        errno.ENOSPC: "the disk is full: free some space and run it again",
        errno.EDQUOT: "the disk quota is used up: free some space and run it again",
        errno.EACCES: "the folder cannot be written: choose another one or change its permissions",
        errno.EPERM: "the folder cannot be written: choose another one or change its permissions",
        errno.EROFS: "the file system is read-only: choose another folder",
        errno.ENOENT: "the folder does not exist: create it first",
        errno.ENOTDIR: "a part of the path is a file, not a folder",
        errno.EISDIR: "the path is a folder: give a file name",
    }
    if exc.errno == errno.ENOENT and path.parent.is_dir():
        # Kernel folders such as /proc answer so to whoever creates a file.
        hints[errno.ENOENT] = "no file can be created in this folder: choose another one"
    reason = exc.strerror or str(exc)
    return StorageError(
        f"{doing} {path} failed: {reason}",
        hint=hints.get(exc.errno or 0, ""),
        details={"path": str(path), "errno": exc.errno},
    )


class AtomicFile:
    """A file that appears complete and durable under its name, or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        except OSError as exc:
            raise storage_error(path, "creating", exc) from exc
        self._temporary = Path(name)
        self.stream: BinaryIO = os.fdopen(handle, "wb")
        self._done = False
        self.committed = False
        """Whether it has its name."""

    def commit(self) -> None:
        """Make the file durable and give it its name."""
        if self._done:
            return
        try:
            self.stream.flush()
            os.fsync(self.stream.fileno())
            self.stream.close()
            # A temporary file is private; the finished one has the permissions that a plain open would give.
            mask = os.umask(0)
            os.umask(mask)
            self._temporary.chmod(0o666 & ~mask)
            self._temporary.replace(self.path)
            self._done = self.committed = True
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as exc:
            self.discard()
            raise storage_error(self.path, "writing", exc) from exc

    def discard(self) -> None:
        """Remove everything that was written."""
        if self._done:
            return
        self._done = True
        with contextlib.suppress(OSError):
            self.stream.close()
        with contextlib.suppress(OSError):
            self._temporary.unlink()


def compressed(stream: BinaryIO, path: Path) -> Any:
    """A writer into ``stream`` that compresses as the file name asks; closing it leaves ``stream`` open."""
    if path.suffix == ".zst":
        return zstandard.ZstdCompressor(level=6).stream_writer(stream, closefd=False)
    if path.suffix == ".gz":
        return gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0)
    return contextlib.nullcontext(stream)


def _unavailable(path: Path, exc: OSError) -> SourceError:
    hints = {
        errno.ENOENT: "check the path; recordings end in .jsonl, .jsonl.zst, .jsonl.gz or .parquet",
        errno.EISDIR: "give a recording file, not a folder",
        errno.EACCES: "the file cannot be read: check its permissions",
    }
    return SourceError(
        f"the recording {path} cannot be read: {exc.strerror or exc}",
        hint=hints.get(exc.errno or 0, ""),
        details={"path": str(path)},
    )


def _broken(path: Path, what: str) -> SourceError:
    return SourceError(
        f"the recording {path} is broken: {what}",
        hint="it was probably cut off while it was copied or written; fetch it again",
        details={"path": str(path)},
    )


def _zstd_blocks(path: Path, stream: IO[bytes]) -> Iterator[bytes]:
    """Decompressed blocks; unlike the library's own reader it notices a frame that is cut off."""
    unpack: Any = None
    rest = b""
    while True:
        block = rest or stream.read(_BLOCK)
        rest = b""
        if not block:
            break
        if unpack is None:
            unpack = zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj()
        try:
            data = unpack.decompress(block)
        except zstandard.ZstdError as exc:
            raise _broken(path, f"the zstd stream cannot be read ({exc})") from exc
        if data:
            yield data
        if unpack.eof:
            rest = unpack.unused_data
            unpack = None
    if unpack is not None:
        raise _broken(path, "the zstd stream ends too early")


def _gzip_blocks(path: Path, stream: IO[bytes]) -> Iterator[bytes]:
    try:
        with gzip.open(stream) as unpacked:
            while block := unpacked.read(_BLOCK):
                yield block
    except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
        raise _broken(path, f"the gzip stream cannot be read ({exc})") from exc


def _plain_blocks(stream: IO[bytes]) -> Iterator[bytes]:
    while block := stream.read(_BLOCK):
        yield block


def lines_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """The non-empty lines of a file, compressed or not, with their numbers from 1.

    Raises:
        SourceError: the file cannot be read, its compression is broken, or a line is longer than 256 MB.
    """
    try:
        with path.open("rb") as stream:
            if path.suffix == ".zst":
                blocks = _zstd_blocks(path, stream)
            elif path.suffix == ".gz":
                blocks = _gzip_blocks(path, stream)
            else:
                blocks = _plain_blocks(stream)
            yield from _split(path, blocks)
    except OSError as exc:
        if isinstance(exc, SourceError):
            raise
        raise _unavailable(path, exc) from exc


def _next_block(blocks: Iterator[bytes], line: int) -> bytes | None:
    """The next block, ``None`` at the end; an error says which line it hit, counted from the complete ones."""
    try:
        return next(blocks, None)
    except SourceError as exc:
        raise SourceError(
            f"{exc.message}, in line {line}", hint=exc.hint, details={**exc.details, "line": line}
        ) from exc


def _split(path: Path, blocks: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    number = 0
    pieces: list[bytes] = []
    size = 0
    while (block := _next_block(blocks, number + 1)) is not None:
        if b"\n" not in block:
            pieces.append(block)
            size += len(block)
            if size > _LONGEST_LINE:
                raise _broken(path, f"line {number + 1} is longer than {_LONGEST_LINE >> 20} MB")
            continue
        lines = (b"".join(pieces) + block).split(b"\n")
        pieces = [lines.pop()]
        size = len(pieces[0])
        for line in lines:
            number += 1
            if line.strip():
                yield number, line
    last = b"".join(pieces)
    if last.strip():
        yield number + 1, last
