"""Protocols that carry frames: where payloads come from, what pipelines make of them, where they are kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from phoenix_nb.interfaces._context import Context
from phoenix_nb.interfaces._value import Value
from phoenix_nb.interfaces.evidence import Interval
from phoenix_nb.otlp._dictionary import Dictionaries
from phoenix_nb.otlp._frames import Frames

__all__ = [
    "EngineMeasures",
    "EngineOutput",
    "PipelineEngine",
    "SavableEngine",
    "Source",
    "SourceInfo",
    "TelemetryStore",
]


class SourceInfo(Value):
    """What an opened source says about itself."""

    kind: str
    """``host``, ``simulation``, ``recording`` or another registered kind."""
    name: str
    """What to show: a host name, a profile, a file name."""
    period_seconds: float | None = None
    """Seconds between payloads; ``None`` when it is not known before reading."""
    host: str = ""
    """The host that the payloads describe; empty when they do not say."""
    live: bool = False
    """Whether payloads come in real time."""
    seed: int | None = None
    """The seed that makes the payloads; ``None`` for real ones."""
    payloads: int | None = None
    """How many payloads there will be; ``None`` when it is not known."""
    path: str = ""
    """The file, for recordings; empty otherwise."""


@runtime_checkable
class Source(Protocol):
    """Where raw payloads come from.

    Promised: payloads come in order, every payload once; all frames share the ``Dictionaries`` that the
    source was built with; iteration never blocks the event loop; ``aclose`` may be called at any time and
    twice. Not promised: how many payloads one frames object holds (1 live, up to 60 in replay), that
    timestamps increase, that payloads have points. A source is read once: ``open``, then one ``payloads``
    iteration, then ``aclose``.
    """

    @property
    def dictionaries(self) -> Dictionaries:
        """The dictionaries of every frames object of this source."""
        ...

    async def open(self, ctx: Context) -> SourceInfo:
        """Make sure that payloads can be read.

        Raises:
            SourceError: the source cannot give payloads.
        """
        ...

    def payloads(self, ctx: Context) -> AsyncIterator[Frames]:
        """The payloads, until the source ends or the context is cancelled.

        Raises:
            SourceError: the source failed; what came before is complete.
        """
        ...

    async def aclose(self) -> None:
        """Release everything."""
        ...


@dataclass(frozen=True, slots=True)
class EngineMeasures:
    """What a real collector cost, one entry per payload of the call. The embedded engine has no such thing."""

    latency_seconds: tuple[float, ...]
    """From sending a payload to the collector's answer, seconds."""
    cpu_seconds: tuple[float | None, ...]
    """CPU time of the collector since the payload before, idle time between payloads included, seconds."""
    rss_bytes: tuple[int | None, ...]
    """Resident memory of the collector after the payload, bytes."""


@dataclass(frozen=True, slots=True)
class EngineOutput:
    """What one call of an engine sent to each exporter."""

    by_exporter: Mapping[str, Frames]
    """Per exporter id the payloads it received; empty when the engine failed."""
    warnings: tuple[str, ...] = field(default=())
    """What the collector would have logged as warnings or errors."""
    refused: Mapping[int, str] = field(default_factory=dict)
    """Payloads (counted within the call) that a component refused, with the error that the sender would get."""
    regrouped: bool = False
    """Whether payloads of the output may not be those of the input one by one; then only point times tell."""
    measures: EngineMeasures | None = None
    """What a real collector cost; ``None`` with the embedded engine."""
    skipped: frozenset[int] = field(default=frozenset())
    """Payloads (counted within the call) that the configuration's receiver would not have scraped."""
    failure: str = ""
    """Why the engine does not answer; empty while it does. A failed engine is silent, which is not an empty output."""


@runtime_checkable
class PipelineEngine(Protocol):
    """A collector configuration that can be run.

    Promised: synchronous and bounded in time; splitting the same payloads into other calls gives the same
    output, as far as no component acts on the wall clock. Not promised: thread safety, use one engine from
    one thread at a time; quickness, a real collector answers when it is done: call it from a worker thread.
    """

    def process(self, frames: Frames) -> EngineOutput:
        """Send payloads through every pipeline."""
        ...

    def flush(self) -> EngineOutput:
        """What components still hold, as at a shutdown of the collector; nothing can be processed afterwards."""
        ...

    def close(self) -> None:
        """Release everything, without a flush; may be called twice and from any thread."""
        ...


@runtime_checkable
class SavableEngine(PipelineEngine, Protocol):
    """An engine whose state can be kept and taken up again. It is free of IO and deterministic."""

    def snapshot(self) -> bytes:
        """The state of all stateful components."""
        ...

    def restore(self, state: bytes) -> None:
        """Take over a state that :meth:`snapshot` made with the same configuration."""
        ...


@runtime_checkable
class TelemetryStore(Protocol):
    """Keeps payloads and intervals of experiments.

    Promised: a returned ``append`` is durable; what is read back encodes to the same bytes as what was
    appended, in the order of the appends. Not promised: the sizes of the frames that are read, or that their
    dictionary ids equal those of the frames that were written.
    """

    async def append(self, ctx: Context, experiment_id: str, stream: str, frames: Frames) -> int:
        """Add payloads to a stream (``raw``, ``baseline``, ``candidate``); returns the points written."""
        ...

    def read(
        self,
        ctx: Context,
        experiment_id: str,
        stream: str,
        dictionaries: Dictionaries,
        *,
        start: int = 0,
        stop: int | None = None,
    ) -> AsyncIterator[Frames]:
        """The payloads ``start`` … ``stop - 1`` of a stream, in chunks."""
        ...

    async def append_intervals(self, ctx: Context, experiment_id: str, intervals: Sequence[Interval]) -> None:
        """Add finalised intervals; they are never revised."""
        ...

    async def read_intervals(
        self, ctx: Context, experiment_id: str, *, after: int = -1
    ) -> Sequence[Interval]:
        """All intervals whose sequence number is greater than ``after``, in order."""
        ...

    async def delete(self, ctx: Context, experiment_id: str) -> None:
        """Forget everything of an experiment; unknown ids are ignored."""
        ...

    async def aclose(self) -> None:
        """Release everything; may be called twice."""
        ...
