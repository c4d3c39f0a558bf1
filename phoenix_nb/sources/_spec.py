"""Source specifications as people write them: ``host``, ``sim:PROFILE`` or a file."""

from __future__ import annotations

import contextlib
from enum import StrEnum
from pathlib import Path

from phoenix_nb.errors import InvalidRequestError, NotFoundError
from phoenix_nb.interfaces import Clock, Value
from phoenix_nb.otlp import Dictionaries
from phoenix_nb.otlp.contracts import Source
from phoenix_nb.simulation import DEFAULT_START, canonical_name, compile_world
from phoenix_nb.sources._host import HostSource
from phoenix_nb.sources._host_scraper import HostScraperSettings
from phoenix_nb.sources._simulation import SimulationSource

__all__ = ["SourceKind", "SourceSpec", "make_source", "parse_source_spec"]

_HINT = "write host, sim:PROFILE (for example sim:realistic) or the path of a recording"
_SIMULATION = ("sim", "simulation")


class SourceKind(StrEnum):
    """Where payloads come from."""

    HOST = "host"
    SIMULATION = "simulation"
    RECORDING = "recording"


class SourceSpec(Value):
    """A source that was asked for and is not built yet."""

    kind: SourceKind
    """Which source."""
    value: str = ""
    """The canonical profile of a simulation, the path of a recording, empty for the host."""

    def __str__(self) -> str:
        if self.kind is SourceKind.HOST:
            return "host"
        return f"sim:{self.value}" if self.kind is SourceKind.SIMULATION else self.value


def parse_source_spec(text: str) -> SourceSpec:
    """Read a source specification; a file called ``host`` is written ``./host``.

    Raises:
        InvalidRequestError: it is empty, or a simulation without a profile.
        NotFoundError: no profile or no file has this name.

    Example:
        >>> parse_source_spec("sim:high-churn").value
        'high_churn'
    """
    text = text.strip()
    if not text:
        raise InvalidRequestError("the source is empty", hint=_HINT)
    if text == "host":
        return SourceSpec(kind=SourceKind.HOST)
    scheme, colon, rest = text.partition(":")
    if colon and scheme in _SIMULATION:
        if not rest.strip():
            raise InvalidRequestError("the simulation has no profile", hint="for example sim:realistic")
        return SourceSpec(kind=SourceKind.SIMULATION, value=canonical_name(rest))
    path = Path(text).expanduser()
    if path.is_dir():
        raise InvalidRequestError(f"{text} is a folder, not a recording", hint=_HINT, details={"path": text})
    if not path.exists():
        hint = _HINT
        with contextlib.suppress(NotFoundError):
            hint = f"did you mean sim:{canonical_name(text)}? Otherwise {_HINT}"
        raise NotFoundError(f"there is no source or file {text!r}", hint=hint, details={"source": text})
    return SourceSpec(kind=SourceKind.RECORDING, value=str(path))


def make_source(
    spec: SourceSpec | str,
    dictionaries: Dictionaries,
    clock: Clock,
    *,
    every: float | None = None,
    scrapes: int | None = None,
    seed: int = 0,
    start: int = DEFAULT_START,
    paced: bool = False,
    settings: HostScraperSettings | None = None,
) -> Source:
    """Build the source that a specification names; ``open`` it afterwards.

    Args:
        spec: the specification, or its text.
        dictionaries: shared by all frames of the run.
        clock: for the host, and for a paced simulation.
        every: seconds between scrapes; 1 for the host and 10 for simulations when omitted; recordings have their own.
        scrapes: payloads at most; ``None`` means no limit.
        seed: of a simulation.
        start: virtual begin of a simulation, Unix nanoseconds.
        paced: whether a simulation runs in real time.
        settings: of the host scraper.

    Raises:
        InvalidRequestError: a value that the source cannot take.
        NotFoundError: no profile or no file has this name.
    """
    if isinstance(spec, str):
        spec = parse_source_spec(spec)
    if spec.kind is SourceKind.HOST:
        return HostSource(
            dictionaries, clock, every=1.0 if every is None else every, settings=settings, scrapes=scrapes
        )
    if spec.kind is SourceKind.SIMULATION:
        return SimulationSource(
            dictionaries,
            compile_world(spec.value),
            seed=seed,
            every=10.0 if every is None else every,
            scrapes=scrapes,
            start=start,
            clock=clock if paced else None,
        )
    from phoenix_nb.sources._recording import RecordingSource

    return RecordingSource(spec.value, dictionaries)
