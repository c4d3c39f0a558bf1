"""An engine behind a receiver: it gets of the source's payloads what the receiver would have collected."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace

from phoenix_nb.collector.receiving._narrowing import Narrower, Narrowing
from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.otlp import Dictionaries, Frames
from phoenix_nb.otlp.contracts import EngineOutput, PipelineEngine, SavableEngine

__all__ = ["EngineFactory", "ReceivingEngine", "SavableReceivingEngine", "behind", "receiving"]

EngineFactory = Callable[[Dictionaries], PipelineEngine]
"""Makes the engine of one configuration for the dictionaries of a run."""


class ReceivingEngine:
    """Feeds an engine what a receiver would have collected; implements ``PipelineEngine``.

    It does so before the engine, whichever it is, so that the embedded engine and the real collector (whose receivers
    are replaced by OTLP) get the same payloads.

    Args:
        inner: the engine.
        narrower: the receiver.
    """

    def __init__(self, inner: PipelineEngine, narrower: Narrower) -> None:
        self._inner = inner
        self._narrower = narrower

    def process(self, frames: Frames) -> EngineOutput:
        """Send payloads through the receiver and every pipeline."""
        narrowed, skipped = self._narrower.apply(frames)
        output = self._inner.process(narrowed)
        return replace(output, skipped=output.skipped | skipped) if skipped else output

    def flush(self) -> EngineOutput:
        """What components still hold, as at a shutdown of the collector."""
        return self._inner.flush()

    def close(self) -> None:
        """Release everything; may be called twice and from any thread."""
        self._inner.close()


class SavableReceivingEngine(ReceivingEngine):
    """The same before an engine whose state can be kept; implements ``SavableEngine``."""

    _inner: SavableEngine

    def snapshot(self) -> bytes:
        """The state of the receiver and of all stateful components."""
        inner = base64.b64encode(self._inner.snapshot()).decode("ascii")
        return json.dumps({"receiver": self._narrower.snapshot(), "engine": inner}).encode()

    def restore(self, state: bytes) -> None:
        """Take over a state that :meth:`snapshot` made with the same configuration.

        Raises:
            InvalidRequestError: it is not such a state.
        """
        try:
            found = json.loads(state)
            last, inner = found["receiver"], base64.b64decode(found["engine"], validate=True)
            if last is not None:
                last = int(last)
        except (ValueError, KeyError, TypeError) as exc:
            raise InvalidRequestError(
                "this is not a saved engine state",
                hint="a state is what snapshot() of the same kind of engine gave",
            ) from exc
        self._inner.restore(inner)
        self._narrower.restore(last)


def receiving(inner: PipelineEngine, narrower: Narrower) -> PipelineEngine:
    """The engine behind the receiver, savable when the engine is."""
    if isinstance(inner, SavableEngine):
        return SavableReceivingEngine(inner, narrower)
    return ReceivingEngine(inner, narrower)


def behind(narrowing: Narrowing, make: EngineFactory, period_seconds: float | None) -> EngineFactory:
    """What makes the engine behind the receiver; the engine alone where the receiver leaves nothing out.

    Args:
        narrowing: what the receiver leaves out.
        make: makes the engine.
        period_seconds: seconds between payloads; ``None`` leaves out no scrape.
    """
    if narrowing.keeps_all:
        return make
    return lambda known: receiving(make(known), Narrower(narrowing, known, period_seconds=period_seconds))
