"""Looking at what passes through the stages of an engine, without changing it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from phoenix_nb.collector.components import Flow, Router, Stage, StageState, Ticking
from phoenix_nb.collector.config import ComponentId
from phoenix_nb.otlp import Frames

__all__ = ["Observer", "Place", "Watch", "watched"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stage stands."""

    component: ComponentId
    """Its id."""
    pipeline: ComponentId | None
    """The pipeline that it is a processor of; ``None`` for connectors."""


Observer = Callable[[Frames | None, Sequence[Frames]], None]
"""Told what went into a stage (``None`` when it sends what it held) and what came out, one entry per way out."""
Watch = Callable[[Place], Observer]
"""Makes the observer of a place."""


def watched(stage: Stage, observe: Observer) -> Stage:
    """The same stage, with an observer beside it."""
    if isinstance(stage, Router):
        return _WatchedRouter(stage, observe)
    return _WatchedTicking(stage, observe) if isinstance(stage, Ticking) else _Watched(stage, observe)


class _Watched:
    def __init__(self, stage: Stage, observe: Observer) -> None:
        self._stage = stage
        self._observe = observe

    def process(self, flow: Flow) -> Flow:
        made = self._stage.process(flow)
        self._observe(flow.frames, (made.frames,))
        return made

    def flush(self) -> Frames | None:
        return self._released(self._stage.flush())

    def snapshot(self) -> StageState:
        return self._stage.snapshot()

    def restore(self, state: StageState) -> None:
        self._stage.restore(state)

    def _released(self, frames: Frames | None) -> Frames | None:
        if frames is not None:
            self._observe(None, (frames,))
        return frames


class _WatchedTicking(_Watched):
    _stage: Stage

    def tick(self) -> Frames:
        assert isinstance(self._stage, Ticking)  # noqa: S101 - watched() looked
        frames = self._stage.tick()
        self._observe(None, (frames,))
        return frames

    def pass_time(self, nanoseconds: int) -> Frames | None:
        assert isinstance(self._stage, Ticking)  # noqa: S101 - watched() looked
        return self._released(self._stage.pass_time(nanoseconds))


class _WatchedRouter(_Watched):
    def route(self, flow: Flow) -> tuple[Mapping[ComponentId, Sequence[Flow]], Flow]:
        assert isinstance(self._stage, Router)  # noqa: S101 - watched() looked
        routed, left = self._stage.route(flow)
        self._observe(flow.frames, [made.frames for flows in routed.values() for made in flows])
        return routed, left
