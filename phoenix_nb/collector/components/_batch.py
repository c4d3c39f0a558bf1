"""batch: payload borders only; the set of points never changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector.components._base import (
    ComponentKind,
    ComponentType,
    Flow,
    Setup,
    Stage,
    Stateless,
)
from phoenix_nb.collector.config import DURATION, TEXT, UINT32, Items, Settings, setting
from phoenix_nb.otlp import Frames

__all__ = ["BATCH", "BatchSettings"]

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class BatchSettings(Settings):
    """Settings of the batch processor."""

    go_type: ClassVar[str] = "batchprocessor.Config"
    timeout: int = setting(200_000_000, DURATION)
    """Nanoseconds after which a batch is sent whatever its size; 0 sends at once."""
    send_batch_size: int = setting(8192, UINT32)
    """Points that make a batch full; 0 sends at once."""
    send_batch_max_size: int = setting(0, UINT32)
    """Most points of one batch; 0 = no limit."""
    metadata_keys: tuple[str, ...] = setting((), Items(TEXT))
    """Client metadata that keeps batches apart."""
    metadata_cardinality_limit: int = setting(1000, UINT32)
    """Most combinations of client metadata."""

    def problems(self) -> Iterator[str]:
        """As the collector's ``Validate``: the first one only."""
        if 0 < self.send_batch_max_size < self.send_batch_size:
            yield "send_batch_max_size must be greater or equal to send_batch_size"
            return
        seen: set[str] = set()
        for key in self.metadata_keys:
            if key.lower() in seen:
                yield f'duplicate entry in metadata_keys: "{key.lower()}" (case-insensitive)'
                return
            seen.add(key.lower())
        if self.timeout < 0:
            yield "timeout must be greater or equal to 0"


class _Batch(Stateless):
    """Every payload is sent on its own; a maximum splits it, headers repeated.

    The collector may also put payloads together that arrive within the timeout. That changes no point, and
    depends on the wall clock, so it is left out.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def process(self, flow: Flow) -> Flow:
        frames = flow.frames
        limit = self._limit
        points = np.diff(frames.bounds("p"))
        if not limit or not (points > limit).any():
            return flow
        parts: list[Frames] = []
        origin: list[int] = []
        for number, count in enumerate(points.tolist()):
            payload = frames.payload(number)
            pieces = _split(payload, count, limit)
            parts.extend(pieces)
            origin.extend([int(flow.origin[number])] * len(pieces))
        return replace(flow, frames=Frames.concat(parts), origin=np.array(origin, dtype=np.int64))


def _split(payload: Frames, count: int, limit: int) -> list[Frames]:
    if count <= limit:
        return [payload]
    last = (count - 1) // limit
    before = np.searchsorted(payload.p_metric, np.arange(payload.n_metrics))
    # What has no points of its own goes where the splitting stands when it comes by.
    m_piece = np.minimum(before // limit, last)
    p_piece = np.arange(count) // limit
    return [_piece(payload, p_piece == piece, m_piece == piece) for piece in range(last + 1)]


def _piece(payload: Frames, points: Mask, reached: Mask) -> Frames:
    with_points = _parents(payload.p_metric, None, payload.n_metrics)
    metrics = _parents(payload.p_metric, points, payload.n_metrics) | (reached & ~with_points)
    scopes = _parents(payload.m_sm, metrics, payload.n_rows("sm"))
    resources = _parents(payload.sm_rm, scopes, payload.n_resources)
    return payload.where(points, metrics, resources, scopes=scopes, keep_empty=True).compact()


def _parents(parent: npt.NDArray[np.int32], kept: Mask | None, rows: int) -> Mask:
    alive = np.zeros(rows, dtype=np.bool_)
    alive[parent if kept is None else parent[kept]] = True
    return alive


def _build(settings: BatchSettings, setup: Setup) -> Stage:
    del setup
    return _Batch(settings.send_batch_max_size)


BATCH: Final = ComponentType(ComponentKind.PROCESSOR, "batch", BatchSettings, build=_build)
"""The batch processor."""
