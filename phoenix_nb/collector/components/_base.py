"""What a component is: its settings, its checks, and the stage it compiles to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector.components._clock import Clock
from phoenix_nb.collector.config import ComponentId, Settings
from phoenix_nb.otlp import Dictionaries, Frames

__all__ = [
    "BuildError",
    "ComponentKind",
    "ComponentType",
    "Flow",
    "Router",
    "Setup",
    "Stage",
    "StageState",
    "Stateless",
    "Ticking",
]


class ComponentKind(StrEnum):
    """Which section of a configuration a component is in."""

    RECEIVER = "receiver"
    PROCESSOR = "processor"
    EXPORTER = "exporter"
    CONNECTOR = "connector"
    EXTENSION = "extension"

    @property
    def section(self) -> str:
        """The key of the section."""
        return f"{self.value}s"


class BuildError(Exception):
    """Why a component cannot be created from settings that decode; the message is the collector's."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Payloads on their way through a pipeline."""

    frames: Frames
    """The payloads; one from which nothing is left stays as an empty one."""
    origin: npt.NDArray[np.int64]
    """Per payload the number of the payload it was made from, counted over the life of the engine."""
    refused: Mapping[int, str] = field(default_factory=dict)
    """Origins whose payload a component refused, with the error that the collector answers the sender."""
    warnings: tuple[str, ...] = ()
    """What the collector would have logged."""

    def to(self, frames: Frames, warnings: Iterable[str] = ()) -> Flow:
        """The same payloads with other contents."""
        return replace(self, frames=frames, warnings=(*self.warnings, *warnings))

    def refuse(self, errors: Mapping[int, str]) -> Flow:
        """The same without some payloads, which the collector refuses as a whole.

        Args:
            errors: per payload number of these frames why it is refused.
        """
        if not errors:
            return self
        payloads = np.zeros(self.frames.n_payloads, dtype=np.bool_)
        payloads[list(errors)] = True
        frames = self.frames.where(resources=~payloads[self.frames.rm_payload], keep_empty=True)
        refused = {int(self.origin[number]): text for number, text in errors.items()}
        warnings = dict.fromkeys((*self.warnings, *errors.values()))
        return replace(self, frames=frames, refused={**refused, **self.refused}, warnings=tuple(warnings))


StageState = dict[str, Any]
"""What a component must remember; JSON values."""


class Stage(Protocol):
    """A compiled component: payloads in, payloads out, in order, the same for any split into calls."""

    def process(self, flow: Flow) -> Flow:
        """What becomes of these payloads."""
        ...

    def flush(self) -> Frames | None:
        """What is still held, as at a shutdown; ``None`` when nothing ever is."""
        ...

    def snapshot(self) -> StageState:
        """Everything that later output depends on."""
        ...

    def restore(self, state: StageState) -> None:
        """Continue from a snapshot of the same settings."""
        ...


@runtime_checkable
class Ticking(Protocol):
    """A component with a timer."""

    def tick(self) -> Frames:
        """What it sends when the timer fires; it may be an empty payload."""
        ...

    def pass_time(self, nanoseconds: int) -> Frames | None:
        """What it sends because time passes; ``None`` when the timer does not fire."""
        ...


@runtime_checkable
class Router(Protocol):
    """A connector that sends different things to different pipelines."""

    @property
    def pipelines(self) -> tuple[ComponentId, ...]:
        """Every pipeline that something may be sent to."""
        ...

    def route(self, flow: Flow) -> tuple[Mapping[ComponentId, Sequence[Flow]], Flow]:
        """Per pipeline what it gets, and the flow with what was refused and logged."""
        ...


class Stateless:
    """The part of :class:`Stage` that components without memory share."""

    def flush(self) -> Frames | None:
        """Nothing is held."""
        return None

    def snapshot(self) -> StageState:
        """Nothing is remembered."""
        return {}

    def restore(self, state: StageState) -> None:
        """Nothing to take over."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a component is created with."""

    id: ComponentId
    """Its id."""
    dictionaries: Dictionaries
    """The dictionaries of the run."""
    version: tuple[int, int, int]
    """Collector release whose defaults apply."""
    gates: Mapping[str, bool] = field(default_factory=dict)
    """Feature gates that were switched, by name."""
    clock: Clock = Clock.ARRIVALS
    """What time is for components with timers."""
    resource: Mapping[str, str] = field(default_factory=dict)
    """What the configuration says about the collector itself (``service::telemetry::resource``)."""
    environment: Mapping[str, str] | None = None
    """The variables that the configuration was expanded with; ``None`` when it is only checked."""


Build = Callable[[Any, Setup], Stage]


@dataclass(frozen=True, slots=True)
class ComponentType:
    """One type of component that this engine knows."""

    kind: ComponentKind
    """Its section."""
    name: str
    """Its type as first published."""
    settings: type[Settings]
    """How its part of the configuration is decoded."""
    aliases: tuple[str, ...] = ()
    """Other spellings of the type."""
    build: Build | None = None
    """Creates the stage of a processor; may raise :class:`BuildError`. ``None`` where nothing happens to payloads."""
    check: Callable[[Any, tuple[int, int, int]], Iterable[tuple[tuple[str, ...], str]]] | None = None
    """Checks that the collector's ``Validate`` makes and that depend on the release; yields (path, message)."""
    signals: frozenset[str] = field(default=frozenset({"traces", "metrics", "logs"}))
    """Signals it can be used for."""
    makes_metrics: bool = False
    """Whether a connector makes metrics of every signal; the others pass a signal on as what it is."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every accepted spelling."""
        return (self.name, *self.aliases)
