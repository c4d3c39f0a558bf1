"""Recordings from any source that makes its own payloads: this host, or a simulated one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

from pydantic import Field

from phoenix_nb.errors import CallCancelledError, InvalidRequestError, SourceError
from phoenix_nb.interfaces import Clock, Context, Value
from phoenix_nb.otlp import Dictionaries
from phoenix_nb.runtime import ControlLoop, SystemClock
from phoenix_nb.simulation import simulate
from phoenix_nb.sources import HostSource, RecordingWriter, SourceKind, make_source, parse_source_spec

__all__ = ["RecordingSummary", "record", "write_simulation"]

_DEFAULT_PERIOD = {SourceKind.HOST: 1.0, SourceKind.SIMULATION: 10.0}
_LAST_WRITE_SECONDS = 30.0
"""How long an interrupted recording may take to finish its file."""

Progress = Callable[[int], None]
"""Told how many payloads are written so far."""


class RecordingSummary(Value):
    """What a finished recording holds."""

    path: Path
    """The file."""
    payloads: int = Field(ge=1)
    """Scrapes in it."""
    points: int = Field(ge=0)
    """Data points in it."""
    bytes: int = Field(ge=0)
    """Size of the file, bytes."""
    gaps: int = Field(default=0, ge=0)
    """Scrapes that were left out because the one before took too long."""
    interrupted: bool = False
    """Whether somebody ended it before its planned length; every payload in it is whole."""
    problems: tuple[str, ...] = ()
    """What the last scrape could not read of some processes."""


def record(
    source: str,
    output: str | Path,
    *,
    every: float | None = None,
    duration: float | None = None,
    seed: int = 0,
    redact: bool = True,
    progress: Progress | None = None,
    clock: Clock | None = None,
) -> RecordingSummary:
    """Record payloads into a file and wait for its end; the file appears complete or not at all.

    An interrupt (Ctrl-C, the stop button) ends the recording and keeps the payloads taken so far; a second one while
    the file is being finished, or one before the first payload, leaves no file and goes on as ``KeyboardInterrupt``.

    Args:
        source: ``host`` or ``sim:PROFILE``.
        output: the file; its ending chooses the format.
        every: seconds between two scrapes; 1 for the host and 10 for a simulation when omitted.
        duration: seconds of the source's time; ``None`` records the host until it is interrupted.
        seed: of a simulation.
        redact: replace what looks like a secret in command lines.
        progress: told after every write how many payloads there are.
        clock: paces the host; the system's when omitted.

    Raises:
        InvalidRequestError: a value that makes no sense, or a file name that is not one of a recording.
        NotFoundError: no profile has this name.
        SourceError: the source failed or gave nothing.
        StorageError: the disk refused; nothing is left behind.
    """
    spec = parse_source_spec(source)
    if spec.kind is SourceKind.RECORDING:
        raise InvalidRequestError(
            f"{source} is a recording already", hint="record from host or from sim:PROFILE"
        )
    period = _DEFAULT_PERIOD[spec.kind] if every is None else every
    if duration is None and spec.kind is SourceKind.SIMULATION:
        raise InvalidRequestError("a simulation has no end of its own", hint="say how long: --duration 10m")
    scrapes = None if duration is None else max(1, round(duration / period))
    dictionaries = Dictionaries()
    made = make_source(spec, dictionaries, clock or SystemClock(), every=period, scrapes=scrapes, seed=seed)
    writer = RecordingWriter(output, redact=redact)
    ctx, token = Context.background().with_cancel()

    async def work() -> bool:
        interrupted = False
        try:
            await made.open(ctx)
            try:
                async with aclosing(made.payloads(ctx)) as payloads:  # type: ignore[type-var]  # sources are generators
                    async for frames in payloads:
                        await asyncio.to_thread(writer.write, frames)
                        if progress is not None:
                            progress(writer.payloads)
            except CallCancelledError:
                interrupted = True
        finally:
            await made.aclose()
        if writer.payloads:
            await asyncio.to_thread(writer.close)
        return interrupted

    loop = ControlLoop("phoenix-recording")
    try:
        future = loop.submit(work())
        try:
            interrupted = future.result()
        except KeyboardInterrupt:
            token.cancel("interrupted")
            interrupted = future.result(_LAST_WRITE_SECONDS)
            if not writer.payloads:
                raise
    finally:
        loop.close()
        # Does nothing once the file has its name.
        writer.discard()
    if not writer.payloads:
        raise SourceError(f"{source} gave no payload", hint="check the source, and try a longer duration")
    host = made if isinstance(made, HostSource) else None
    return RecordingSummary(
        path=writer.path,
        payloads=writer.payloads,
        points=writer.points,
        bytes=writer.path.stat().st_size,
        gaps=host.gaps if host else 0,
        interrupted=interrupted,
        problems=host.problems if host else (),
    )


def write_simulation(
    profile: str,
    output: str | Path,
    *,
    seed: int,
    scrapes: int,
    every: float,
    redact: bool = True,
    progress: Progress | None = None,
) -> RecordingSummary:
    """Write a simulated host as a recording: the same bytes for the same arguments, or no file at all.

    Args:
        profile: a load profile, for example ``realistic``.
        output: the file; its ending chooses the format.
        seed: any whole number of at least 0.
        scrapes: how many payloads; the profile's duration may end it earlier.
        every: virtual seconds between two scrapes.
        redact: replace what looks like a secret in command lines.
        progress: told after every write how many payloads there are.

    Raises:
        InvalidRequestError: a number that makes no sense, or a file name that is not one of a recording.
        NotFoundError: no profile has this name.
        SourceError: the simulated network lost every payload.
        StorageError: the disk refused; nothing is left behind.
    """
    payloads = simulate(profile, seed=seed, scrapes=scrapes, every=every)
    with RecordingWriter(output, redact=redact) as writer:
        for frames in payloads:
            writer.write(frames)
            if progress is not None:
                progress(writer.payloads)
        if not writer.payloads:
            raise SourceError(
                f"the simulated network of {profile} lost every payload", hint="simulate more scrapes"
            )
    return RecordingSummary(
        path=writer.path,
        payloads=writer.payloads,
        points=writer.points,
        bytes=writer.path.stat().st_size,
    )
