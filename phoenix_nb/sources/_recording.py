"""Recordings: payloads kept in a file as OTLP JSON lines or as Parquet."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np

from phoenix_nb.errors import ClosedError, InvalidRequestError, PayloadDecodeError, SourceError
from phoenix_nb.interfaces import Context
from phoenix_nb.otlp import CHUNK, Decoder, Dictionaries, Frames, encode_json, redact_frames
from phoenix_nb.otlp.contracts import SourceInfo
from phoenix_nb.sources._files import AtomicFile, compressed, lines_of, storage_error

__all__ = [
    "RECORDING_SUFFIXES",
    "RecordingSource",
    "RecordingWriter",
    "count_payloads",
    "is_recording",
    "read_recording",
    "scrape_period",
    "write_recording",
]

RECORDING_SUFFIXES: Final = (".jsonl", ".jsonl.zst", ".jsonl.gz", ".parquet")
"""What the file name of a recording ends with."""


def is_recording(path: str | Path) -> bool:
    """Whether the file name is one of a recording."""
    return Path(path).name.endswith(RECORDING_SUFFIXES)


def _require_suffix(path: Path) -> None:
    if not is_recording(path):
        raise InvalidRequestError(
            f"{path} is not named like a recording",
            hint=f"use a name that ends in {', '.join(RECORDING_SUFFIXES[:-1])} or {RECORDING_SUFFIXES[-1]}",
            details={"path": str(path)},
        )


def read_recording(path: str | Path, dictionaries: Dictionaries, *, chunk: int = CHUNK) -> Iterator[Frames]:
    """The payloads of a recording in order, ``chunk`` at a time, in bounded memory.

    JSON lines do not say when a payload arrived: its latest point time stands for it.

    Raises:
        InvalidRequestError: the file name is not one of a recording.
        PayloadDecodeError: a line is not an OTLP metrics request; ``details`` hold ``path`` and ``line``.
        SourceError: the file cannot be read, or holds no payload.
    """
    file = Path(path)
    _require_suffix(file)
    empty = True
    for frames in _read(file, dictionaries, chunk):
        empty = False
        yield frames
    if empty:
        raise SourceError(
            f"the recording {file} holds no payload",
            hint="record again, or check that the right file was given",
            details={"path": str(file)},
        )


def _read(file: Path, dictionaries: Dictionaries, chunk: int) -> Iterator[Frames]:
    if file.suffix == ".parquet":
        from phoenix_nb.sources._parquet import read_parquet

        for frames in read_parquet(file, dictionaries):
            yield from frames.chunks(chunk)
        return
    decoder = Decoder(dictionaries)
    numbers: list[int] = []
    texts: list[bytes] = []
    done = 0
    for number, text in lines_of(file):
        numbers.append(number)
        texts.append(text)
        if len(texts) == chunk:
            yield _decode(file, decoder, texts, numbers, done)
            done += len(texts)
            numbers, texts = [], []
    if texts:
        yield _decode(file, decoder, texts, numbers, done)


def count_payloads(path: str | Path) -> int:
    """How many payloads a recording holds, without decoding any.

    Raises:
        SourceError: the file cannot be read, or its compression is broken.
    """
    file = Path(path)
    if file.suffix == ".parquet":
        from phoenix_nb.sources._parquet import count_parquet

        return count_parquet(file)
    return sum(1 for _ in lines_of(file))


def _decode(file: Path, decoder: Decoder, texts: list[bytes], numbers: list[int], first: int) -> Frames:
    try:
        return decoder.json(texts, first=first, lines=numbers)
    except PayloadDecodeError as exc:
        details = {**exc.details, "path": str(file)}
        if "line" not in details and isinstance(payload := details.get("payload"), int):
            details["line"] = numbers[payload - first]
        where = f"line {details['line']}: " if not exc.message.startswith("line ") else ""
        raise PayloadDecodeError(f"{file}: {where}{exc.message}", hint=exc.hint, details=details) from exc


class RecordingWriter:
    """Writes a recording that appears complete under its name, or not at all.

    Used as a context manager it commits at the end and discards everything after an exception. Not
    thread-safe.

    Args:
        path: the file; its ending chooses the format.
        redact: replace what looks like a secret in command lines.

    Raises:
        InvalidRequestError: the file name is not one of a recording.
        StorageError: the folder cannot be written.
    """

    def __init__(self, path: str | Path, *, redact: bool = True) -> None:
        self.path = Path(path)
        _require_suffix(self.path)
        self._redact = redact
        self._file = AtomicFile(self.path)
        self._rows: Any = None
        self._stream: Any = None
        self._closed = False
        self.payloads = 0
        """Payloads written so far."""
        self.points = 0
        """Points written so far."""
        try:
            if self.path.suffix == ".parquet":
                from phoenix_nb.sources._parquet import ParquetRows

                self._rows = ParquetRows(self._file.stream)
            else:
                self._stream = compressed(self._file.stream, self.path).__enter__()
        except OSError as exc:
            self.discard()
            raise storage_error(self.path, "writing", exc) from exc

    @property
    def committed(self) -> bool:
        """Whether the recording is there under its name."""
        return self._file.committed

    def write(self, frames: Frames) -> None:
        """Add payloads.

        Raises:
            ClosedError: the writer was closed before.
            StorageError: the disk refused; nothing is left behind.
        """
        if self._closed:
            raise ClosedError(f"the writer of {self.path} is closed")
        if self._redact:
            frames = redact_frames(frames)
        try:
            for chunk in frames.chunks(CHUNK):
                if self._rows is not None:
                    self._rows.write(chunk)
                else:
                    for text in encode_json(chunk):
                        self._stream.write(text + b"\n")
        except OSError as exc:
            self.discard()
            raise storage_error(self.path, "writing", exc) from exc
        self.payloads += frames.n_payloads
        self.points += frames.n_points

    def close(self) -> None:
        """Make the recording durable and give it its name; later calls change nothing.

        Raises:
            StorageError: the disk refused; nothing is left behind.
        """
        if self._closed:
            return
        self._closed = True
        try:
            if self._rows is not None:
                self._rows.close()
            elif self._stream is not self._file.stream:
                self._stream.close()
        except OSError as exc:
            self._file.discard()
            raise storage_error(self.path, "writing", exc) from exc
        self._file.commit()

    def discard(self) -> None:
        """Forget everything that was written; later calls change nothing."""
        self._closed = True
        self._file.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()


def write_recording(path: str | Path, frames: Iterable[Frames], *, redact: bool = True) -> int:
    """Write all payloads into one recording; returns how many there were.

    Raises:
        StorageError: the disk refused; nothing is left behind.
    """
    with RecordingWriter(path, redact=redact) as writer:
        for part in frames:
            writer.write(part)
    return writer.payloads


class RecordingSource:
    """Replays a recording as fast as it is asked for; reading and decoding happen off the event loop."""

    def __init__(self, path: str | Path, dictionaries: Dictionaries, *, chunk: int = CHUNK) -> None:
        self._path = Path(path)
        self._dictionaries = dictionaries
        self._chunk = chunk
        self._reader: Iterator[Frames] | None = None
        self._first: Frames | None = None
        self._closed = False
        # A reader may be inside a thread when aclose comes: the lock makes aclose wait for that chunk.
        self._lock = threading.Lock()

    @property
    def dictionaries(self) -> Dictionaries:
        """The dictionaries of all frames of this source."""
        return self._dictionaries

    async def open(self, ctx: Context) -> SourceInfo:
        """Read the first payloads.

        Raises:
            InvalidRequestError: the file name is not one of a recording.
            PayloadDecodeError: the recording does not begin with an OTLP metrics request.
            SourceError: the file cannot be read, or holds no payload.
        """
        ctx.check()
        if self._closed:
            raise ClosedError(f"the recording {self._path} is closed")
        if self._first is None:
            self._reader = read_recording(self._path, self._dictionaries, chunk=self._chunk)
            self._first = await asyncio.to_thread(self._next)
        first = self._first
        if first is None:
            raise ClosedError(f"the recording {self._path} is closed")
        return SourceInfo(
            kind="recording",
            name=self._path.name,
            period_seconds=scrape_period(first),
            host=_host(first),
            payloads=await asyncio.to_thread(count_payloads, self._path),
            path=str(self._path),
        )

    async def payloads(self, ctx: Context) -> AsyncIterator[Frames]:
        if self._first is None:
            await self.open(ctx)
        frames, self._first = self._first, None
        while frames is not None:
            ctx.check()
            yield frames
            frames = await asyncio.to_thread(self._next)

    def _next(self) -> Frames | None:
        with self._lock:
            if self._closed or self._reader is None:
                return None
            return next(self._reader, None)

    async def aclose(self) -> None:
        self._closed = True
        await asyncio.to_thread(self._release)

    def _release(self) -> None:
        with self._lock:
            reader, self._reader = self._reader, None
            self._first = None
            if reader is not None:
                reader.close()  # type: ignore[attr-defined]  # it is a generator


def scrape_period(frames: Frames) -> float | None:
    """Seconds between payloads: the median over the first chunk of a recording; ``None`` for a single one."""
    steps = np.diff(frames.arrival.astype(np.int64))
    steps = steps[steps > 0]
    # Scrapes start on a beat, their times jitter: a hundredth of a second is what they can tell.
    return round(float(np.median(steps)) / 1e9, 2) if len(steps) else None


def _host(frames: Frames) -> str:
    for number in np.unique(frames.rm_resource[frames.rm_resource >= 0]).tolist():
        name = frames.dictionaries.resources[number].attributes.get("host.name")
        if isinstance(name, str):
            return name
    return ""
