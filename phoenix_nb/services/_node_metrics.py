"""Reading this machine, once or regularly, and summing up what pipelines did."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from phoenix_nb.errors import ConflictError, NotFoundError
from phoenix_nb.interfaces import (
    Arm,
    Clock,
    CollectionConfig,
    Context,
    ExperimentService,
    NodeMetrics,
    PipelineMetrics,
)

__all__ = ["LocalMetricsCollector"]

NODE = "local"
"""Name of this machine."""


@dataclass(frozen=True, slots=True)
class _Collection:
    kept: deque[NodeMetrics]
    task: asyncio.Task[None]


class LocalMetricsCollector:
    """Reads this machine through psutil (``MetricsCollector``).

    Args:
        experiments: experiments and their results.
        clock: times, and the waiting between readings.
    """

    def __init__(self, experiments: ExperimentService, clock: Clock) -> None:
        self._experiments = experiments
        self._clock = clock
        self._collections: dict[str, _Collection] = {}

    async def collect_node_metrics(self, ctx: Context, node_id: str) -> NodeMetrics:
        ctx.check()
        _require_local(node_id)
        return await asyncio.to_thread(self._read)

    def _read(self) -> NodeMetrics:
        own = psutil.Process()
        with own.oneshot():
            times, memory = own.cpu_times(), own.memory_info()
        return NodeMetrics(
            node_id=NODE,
            time=self._clock.now(),
            cpu_fraction=psutil.cpu_percent(interval=None) / 100,
            memory_bytes=psutil.virtual_memory().used,
            processes=len(psutil.pids()),
            own_cpu_seconds=times.user + times.system,
            own_rss_bytes=memory.rss,
        )

    async def collect_pipeline_metrics(self, ctx: Context, experiment_id: str, arm: Arm) -> PipelineMetrics:
        experiment = await self._experiments.get_experiment(ctx, experiment_id)
        results = experiment.results
        if results is None:
            return PipelineMetrics(
                experiment_id=experiment_id, arm=arm, points=None, series=None, bytes=None, usage=None
            )
        window, side = results.window, arm.value
        return PipelineMetrics(
            experiment_id=experiment_id,
            arm=arm,
            points=getattr(window.points, side),
            series=getattr(window.series, side),
            bytes=getattr(window.bytes, side),
            usage=results.baseline_usage if arm is Arm.BASELINE else results.candidate_usage,
        )

    async def start_collection(self, ctx: Context, config: CollectionConfig) -> None:
        ctx.check()
        _require_local(config.node_id)
        if config.collection_id in self._collections:
            raise ConflictError(
                f"a collection {config.collection_id!r} runs already",
                hint="stop it first, or choose another id",
                details={"collection_id": config.collection_id},
            )
        kept: deque[NodeMetrics] = deque(maxlen=config.keep)
        task = asyncio.get_running_loop().create_task(
            self._collect(config, kept), name=f"collection {config.collection_id}"
        )
        self._collections[config.collection_id] = _Collection(kept, task)

    async def _collect(self, config: CollectionConfig, kept: deque[NodeMetrics]) -> None:
        while True:
            kept.append(await asyncio.to_thread(self._read))
            await self._clock.sleep(config.interval_seconds)

    async def stop_collection(self, ctx: Context, collection_id: str) -> Sequence[NodeMetrics]:
        ctx.check()
        found = self._collections.pop(collection_id, None)
        if found is None:
            raise NotFoundError(
                f"no collection {collection_id!r} runs",
                hint="start it first",
                details={"collection_id": collection_id},
            )
        await _end(found.task)
        return tuple(found.kept)

    async def aclose(self) -> None:
        """End every collection. May be called twice."""
        while self._collections:
            await _end(self._collections.popitem()[1].task)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _require_local(node_id: str) -> None:
    if node_id != NODE:
        raise NotFoundError(
            f"this process cannot read the node {node_id!r}",
            hint=f"it reads {NODE!r} only",
            details={"node_id": node_id},
        )
