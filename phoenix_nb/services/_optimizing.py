"""Optimised configurations from recordings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from phoenix_nb.analysis import Billing
from phoenix_nb.analysis.optimize import optimize, ranked_value
from phoenix_nb.collector import catalog
from phoenix_nb.collector.receiving import ReceiverAsks
from phoenix_nb.interfaces import (
    Clock,
    Context,
    OptimizationRequest,
    OptimizedConfig,
    PipelineConfig,
    PriceBook,
)
from phoenix_nb.otlp import Dictionaries
from phoenix_nb.otlp.contracts import PipelineEngine
from phoenix_nb.services._configs import ConfigCompiler
from phoenix_nb.sources import read_recording

__all__ = ["RecordingOptimizer"]

_BASE = "process-baseline-v1"


class RecordingOptimizer:
    """Reads a recording and searches a configuration for it; the work is done outside the loop.

    Args:
        compiler: compiles what is tried.
        prices: for the verification run.
        clock: when it was verified.
    """

    def __init__(self, compiler: ConfigCompiler, prices: PriceBook, clock: Clock) -> None:
        self._compiler = compiler
        self._prices = prices
        self._clock = clock

    async def optimize(self, ctx: Context, request: OptimizationRequest) -> OptimizedConfig:
        """See ``ConfigGenerator.optimize_config``."""
        ctx.check()
        return await asyncio.to_thread(self._optimize, request)

    def _optimize(self, request: OptimizationRequest) -> OptimizedConfig:
        dictionaries = Dictionaries()
        base = request.base or catalog.load(_BASE).yaml
        # Before the recording is read, which takes longer.
        self._engine(base)(Dictionaries())
        frames = list(read_recording(request.recording, dictionaries))
        return optimize(
            frames,
            dictionaries,
            request,
            base,
            self._engine,
            Billing(self._prices),
            now=self._clock.now(),
            asks=self._asks,
        )

    async def ranked_value(self, ctx: Context, variable: str, recording: str, critical: str) -> str:
        """What a recording gives for a variable of a template.

        Args:
            ctx: of the call.
            variable: the variable.
            recording: path of the recording.
            critical: names that the template always keeps, alternatives of a regular expression.

        Raises:
            SourceError: the recording cannot be read.
            InvalidRequestError: the variable cannot be had from a recording, or nothing could be ranked.
        """
        ctx.check()
        return await asyncio.to_thread(self._ranked, variable, recording, critical)

    def _ranked(self, variable: str, recording: str, critical: str) -> str:
        dictionaries = Dictionaries()
        frames = list(read_recording(recording, dictionaries))
        return ranked_value(variable, frames, dictionaries, critical)

    def _engine(self, text: str) -> Callable[[Dictionaries], PipelineEngine]:
        return self._compiler.factory(PipelineConfig(yaml=text))

    def _asks(self, text: str) -> ReceiverAsks | None:
        return self._compiler.asks(PipelineConfig(yaml=text))
