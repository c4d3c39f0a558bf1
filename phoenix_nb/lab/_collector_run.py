"""Payloads from a file through a configuration into files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from phoenix_nb.collector import EmbeddedEngine
from phoenix_nb.errors import InvalidRequestError, StorageError
from phoenix_nb.interfaces import EngineKind
from phoenix_nb.lab._collector_engines import NamedEngine, checked_output, chosen_exporter, open_engine
from phoenix_nb.lab._overwriting import require_other_file
from phoenix_nb.lab._receivers import Receivers
from phoenix_nb.otlp import Dictionaries, Frames
from phoenix_nb.otlp.contracts import EngineOutput
from phoenix_nb.sources import RecordingWriter, is_recording, read_recording

__all__ = ["CollectorRunSummary", "OutputFile", "Ticks", "engine_outputs", "received", "run_collector"]


class Ticks(StrEnum):
    """When components with timers act."""

    EVERY_INPUT = "every-input"
    """After every payload, as if the time between two payloads were long enough for each timer."""
    NONE = "none"
    """Only at the end, when the collector is stopped."""


@dataclass(frozen=True, slots=True)
class OutputFile:
    """What one exporter sent."""

    exporter: str
    """Its id."""
    path: Path
    """The file."""
    payloads: int
    """Payloads in it."""
    points: int
    """Data points in it."""


@dataclass(frozen=True, slots=True)
class CollectorRunSummary:
    """What went in and came out."""

    payloads: int
    """Payloads read."""
    points: int
    """Data points read."""
    outputs: tuple[OutputFile, ...]
    """One entry per file that was written."""
    refused: dict[int, str]
    """Payloads, counted from 1, that a component refused, with what the sender would be told."""
    warnings: tuple[str, ...]
    """What the receiver asks for in vain, then what the collector logs."""
    applied: tuple[str, ...] = ()
    """What the hostmetrics receiver leaves out of the recording, a sentence each."""


@dataclass(frozen=True, slots=True)
class _Files:
    """Where output goes."""

    folder: Path | None
    """The folder that must be there, where each exporter has a file of its own."""
    by_exporter: dict[str, Path]
    """The file of each exporter whose payloads count."""


def run_collector(
    text: str,
    *,
    source: Path,
    output: Path,
    exporter: str | None = None,
    engine: EngineKind = EngineKind.EMBEDDED,
    collector_version: str | None = None,
    ticks: Ticks = Ticks.NONE,
) -> CollectorRunSummary:
    """Send a recording through a configuration and write what its exporters get, in order.

    The configuration gets what its hostmetrics receiver, if it has one, would have collected of the recording. A
    payload from which nothing is left writes nothing. What components hold at the end comes last, as at a shutdown.

    Args:
        text: collector YAML.
        source: the recording.
        output: the file, or with several exporters and none chosen the folder, made when needed.
        exporter: id of the only exporter that counts.
        engine: what runs it.
        collector_version: release whose rules apply; the setting's when ``None``.
        ticks: when components with timers act.

    Raises:
        ConfigError: the configuration is refused.
        InvalidRequestError: the output is the recording itself, or is not named like a recording.
        KeyboardInterrupt: Ctrl-C; its text says so when nothing was written.
        NotFoundError: there is no such exporter.
        PayloadDecodeError: a line is not an OTLP request; ``details`` hold ``path`` and ``line``.
        SourceError: the recording cannot be read.
        RunFailedError: the real collector failed.
        StorageError: the disk refused; nothing is left behind.
    """
    if ticks is Ticks.EVERY_INPUT and engine is EngineKind.OTELCOL:
        raise InvalidRequestError(
            "the timers of the real collector follow its own clock",
            hint="use --ticks none, or the embedded engine",
        )
    require_other_file(output, [source])
    dictionaries = Dictionaries()
    receivers = Receivers({"": text}, engine=engine, collector_version=collector_version)
    narrower = receivers.narrower("", dictionaries)
    writers: dict[str, RecordingWriter] = {}
    with (
        _told_when_nothing_is_written(writers),
        open_engine(text, dictionaries, engine=engine, collector_version=collector_version) as made,
        _opened(writers, _files(output, source, made.exporters, chosen_exporter(made.exporters, exporter))),
    ):
        refused: dict[int, str] = {}
        warnings: dict[str, None] = {}
        sizes = []

        def counted() -> Iterator[Frames]:
            if source.is_file() and not source.stat().st_size:
                # What another configuration left of its input may be nothing.
                return
            for frames in receivers.seen(read_recording(source, dictionaries)):
                sizes.append((frames.n_payloads, frames.n_points))
                yield narrower.apply(frames)[0]

        for first, sent in engine_outputs(made, counted(), ticks=ticks):
            warnings.update(dict.fromkeys(sent.warnings))
            refused.update({first + number + 1: why for number, why in sent.refused.items()})
            for name, writer in writers.items():
                for part in _with_contents(sent.by_exporter.get(name)):
                    writer.write(part)
        payloads, points = sum(size for size, _ in sizes), sum(size for _, size in sizes)
        # What refused a payload is told beside it.
        for why in refused.values():
            warnings.pop(why, None)
    return CollectorRunSummary(
        payloads,
        points,
        tuple(
            OutputFile(name, writer.path, writer.payloads, writer.points) for name, writer in writers.items()
        ),
        refused,
        (*receivers.warnings, *warnings),
        receivers.applied,
    )


def engine_outputs(
    engine: NamedEngine, payloads: Iterator[Frames], *, ticks: Ticks = Ticks.NONE
) -> Iterator[tuple[int, EngineOutput]]:
    """Every output of an engine, the one at the shutdown last, each with the number of its first payload.

    Raises:
        RunFailedError: the real collector failed.
    """
    seen = 0
    for frames in payloads:
        for part in frames.payloads() if ticks is Ticks.EVERY_INPUT else (frames,):
            yield seen, checked_output(engine.process(received(part)))
            seen += part.n_payloads
            if ticks is Ticks.EVERY_INPUT and isinstance(engine, EmbeddedEngine):
                yield seen, engine.tick()
    yield seen, checked_output(engine.flush())


def received(frames: Frames) -> Frames:
    """What the OTLP receiver passes on: a payload without points ends there, and stays here as an empty one."""
    points = np.diff(frames.bounds("p"))
    if points.all():
        return frames
    return frames.where(resources=(points > 0)[frames.rm_payload], keep_empty=True)


def _with_contents(frames: Frames | None) -> Iterator[Frames]:
    """Runs of payloads of which something is left."""
    if frames is None or not frames.n_payloads:
        return
    full = np.diff(frames.bounds("rm")) > 0
    if full.all():
        yield frames
        return
    edges = np.flatnonzero(np.diff(np.concatenate([[False], full, [False]]).astype(np.int8)))
    for begin, end in edges.reshape(-1, 2).tolist():
        yield frames.slice(begin, end)


@contextlib.contextmanager
def _told_when_nothing_is_written(writers: Mapping[str, RecordingWriter]) -> Iterator[None]:
    """An interrupt says so when no file got its name."""
    try:
        yield
    except KeyboardInterrupt:
        if any(writer.committed for writer in writers.values()):
            raise
        raise KeyboardInterrupt("nothing was written") from None


@contextlib.contextmanager
def _opened(writers: dict[str, RecordingWriter], files: _Files) -> Iterator[None]:
    """Fill in a writer per exporter; the files get their names at the end, none of them after an error."""
    made_folder = files.folder is not None and _make_folder(files.folder)
    try:
        for name, file in files.by_exporter.items():
            # What a program asked for comes out as it is: redaction is for what people pass on.
            writers[name] = RecordingWriter(file, redact=False)
        yield
        for writer in writers.values():
            writer.close()
    except BaseException:
        for writer in writers.values():
            writer.discard()
        if files.folder is not None and made_folder:
            with contextlib.suppress(OSError):
                files.folder.rmdir()
        raise


def _files(output: Path, source: Path, exporters: tuple[str, ...], chosen: str | None) -> _Files:
    """Where the output of each exporter goes, which is never the recording."""
    where = output.expanduser()
    files = (
        _Files(None, {chosen: where}) if chosen is not None else _Files(where, _files_in(where, exporters))
    )
    for file in files.by_exporter.values():
        require_other_file(file, [source])
    return files


def _files_in(folder: Path, exporters: tuple[str, ...]) -> dict[str, Path]:
    """A file per exporter: its id with ``_`` for ``/``."""
    files = {name: folder / f"{name.replace('/', '_')}.jsonl" for name in exporters}
    if len(set(files.values())) < len(files):
        raise InvalidRequestError(
            f"two of the exporters {', '.join(exporters)} would share a file",
            hint="choose one with --exporter, or rename one",
        )
    if is_recording(folder) and not folder.is_dir():
        raise InvalidRequestError(
            f"the configuration has {len(exporters)} exporters, {folder} would be one file",
            hint=f"choose one with --exporter ({', '.join(exporters)}), or name a folder",
        )
    return files


def _make_folder(folder: Path) -> bool:
    """Whether the folder had to be made."""
    if folder.is_dir():
        return False
    try:
        folder.mkdir()
    except OSError as error:
        raise StorageError(
            f"the folder {folder} cannot be made: {error.strerror or error}",
            hint="its parent folder must exist and be writable",
            details={"path": str(folder)},
        ) from error
    return True
