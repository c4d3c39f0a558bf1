"""Deployments and payloads kept in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from phoenix_nb.errors import NotFoundError
from phoenix_nb.interfaces import Clock, Context, DeploymentPhase, Interval, PipelineDeployment
from phoenix_nb.otlp import CHUNK, Decoder, Dictionaries, Frames, encode_protobuf

__all__ = ["MemoryOperator", "MemoryTelemetryStore"]


class MemoryOperator:
    """Keeps what is deployed on targets in a dict (``PipelineOperator``).

    Args:
        clock: when a deployment's phase changed.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, PipelineDeployment] = {}
        self._current: dict[str, str] = {}

    async def deploy_pipeline(self, ctx: Context, deployment: PipelineDeployment) -> PipelineDeployment:
        ctx.check()
        changes = {
            "phase": DeploymentPhase.DEPLOYED,
            "previous_id": self._current.get(deployment.target, ""),
            "updated_at": self._clock.now(),
        }
        self._kept[deployment.id] = deployment.model_copy(update=changes)
        self._current[deployment.target] = deployment.id
        return self._kept[deployment.id]

    async def get_pipeline_deployment(self, ctx: Context, deployment_id: str) -> PipelineDeployment:
        ctx.check()
        if deployment_id not in self._kept:
            raise NotFoundError(f"there is no deployment {deployment_id}", details={"id": deployment_id})
        return self._kept[deployment_id]

    async def current_deployment(self, ctx: Context, target: str) -> PipelineDeployment | None:
        ctx.check()
        found = self._current.get(target)
        return None if found is None else self._kept[found]

    async def list_pipeline_deployments(
        self, ctx: Context, *, pipeline_id: str = "", target: str = "", current_only: bool = False
    ) -> Sequence[PipelineDeployment]:
        ctx.check()
        current = set(self._current.values())
        return [
            one
            for one in reversed(self._kept.values())
            if (not pipeline_id or one.pipeline_id == pipeline_id)
            and (not target or one.target == target)
            and (not current_only or one.id in current)
        ]

    async def delete_pipeline(self, ctx: Context, deployment_id: str) -> PipelineDeployment:
        one = await self.get_pipeline_deployment(ctx, deployment_id)
        if self._current.get(one.target) == one.id:
            del self._current[one.target]
        changes = {"phase": DeploymentPhase.REMOVED, "updated_at": self._clock.now()}
        self._kept[one.id] = one.model_copy(update=changes)
        return self._kept[one.id]


class MemoryTelemetryStore:
    """Keeps payloads as OTLP bytes in lists (``TelemetryStore``)."""

    def __init__(self) -> None:
        self._payloads: dict[tuple[str, str], list[tuple[bytes, int]]] = {}
        self._intervals: dict[str, list[Interval]] = {}

    async def append(self, ctx: Context, experiment_id: str, stream: str, frames: Frames) -> int:
        ctx.check()
        arrivals = [int(moment) for moment in frames.arrival]
        kept = self._payloads.setdefault((experiment_id, stream), [])
        kept.extend(zip(encode_protobuf(frames), arrivals, strict=True))
        return frames.n_points

    async def read(
        self,
        ctx: Context,
        experiment_id: str,
        stream: str,
        dictionaries: Dictionaries,
        *,
        start: int = 0,
        stop: int | None = None,
    ) -> AsyncIterator[Frames]:
        kept = self._payloads.get((experiment_id, stream), [])[start:stop]
        decoder = Decoder(dictionaries)
        for at in range(0, len(kept), CHUNK):
            ctx.check()
            part = kept[at : at + CHUNK]
            yield decoder.protobuf([raw for raw, _ in part], [moment for _, moment in part])

    async def append_intervals(self, ctx: Context, experiment_id: str, intervals: Sequence[Interval]) -> None:
        ctx.check()
        self._intervals.setdefault(experiment_id, []).extend(intervals)

    async def read_intervals(
        self, ctx: Context, experiment_id: str, *, after: int = -1
    ) -> Sequence[Interval]:
        ctx.check()
        return [one for one in self._intervals.get(experiment_id, ()) if one.index > after]

    async def delete(self, ctx: Context, experiment_id: str) -> None:
        ctx.check()
        self._intervals.pop(experiment_id, None)
        self._payloads = {key: kept for key, kept in self._payloads.items() if key[0] != experiment_id}

    async def aclose(self) -> None:
        """Nothing to release."""
