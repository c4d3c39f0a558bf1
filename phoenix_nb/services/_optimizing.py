"""Optimised configurations from recordings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from phoenix_nb.analysis import Billing
from phoenix_nb.analysis.optimize import optimize
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

    def _engine(self, text: str) -> Callable[[Dictionaries], PipelineEngine]:
        return self._compiler.factory(PipelineConfig(yaml=text))

    def _asks(self, text: str) -> ReceiverAsks | None:
        return self._compiler.asks(PipelineConfig(yaml=text))
