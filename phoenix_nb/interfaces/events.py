"""Events between services, and the bus that carries them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Literal, Protocol, Self, runtime_checkable

from pydantic import Field, model_validator

from phoenix_nb.errors import InvalidRequestError, JsonValue
from phoenix_nb.interfaces._context import Context
from phoenix_nb.interfaces._value import Pairs, Timestamp, Value
from phoenix_nb.interfaces.evidence import VerdictState
from phoenix_nb.interfaces.experiment import ExperimentState

__all__ = [
    "AlertFired",
    "AnomalyDetected",
    "BusStatistics",
    "ConfigDeployed",
    "ConfigGenerated",
    "DeploymentChanged",
    "Event",
    "EventBus",
    "EventData",
    "EventFilter",
    "EventStream",
    "ExperimentCancelled",
    "ExperimentCompleted",
    "ExperimentCreated",
    "ExperimentDeleted",
    "ExperimentFailed",
    "ExperimentPromoted",
    "ExperimentRolledBack",
    "ExperimentStarted",
    "ExperimentStateChanged",
    "IntervalsMeasured",
    "OverflowPolicy",
    "PipelineCreated",
    "PipelineDeleted",
    "PipelineStatusChanged",
    "PipelineValidated",
    "ReportGenerated",
    "ServiceHealthChanged",
    "ServiceHealthCheckFailed",
    "ServiceStarted",
    "ServiceStopped",
    "SimulationStateChanged",
    "SubscriptionMode",
    "SubscriptionOptions",
    "SubscriptionStatistics",
    "ThresholdExceeded",
    "VerdictChanged",
]


class _Data(Value):
    schema_version: Literal[1] = 1
    """Version of this payload's shape."""


class ExperimentCreated(_Data):
    """An experiment was stored."""

    type: Literal["experiment.created"] = "experiment.created"
    """Kind of event."""
    experiment_id: str
    """Which experiment."""
    name: str
    """Its name."""
    created_by: str
    """Who created it."""


class ExperimentStateChanged(_Data):
    """An experiment moved in its life cycle."""

    type: Literal["experiment.state_changed"] = "experiment.state_changed"
    """Kind of event."""
    experiment_id: str
    """Which experiment."""
    from_state: ExperimentState
    """Where it was."""
    to_state: ExperimentState
    """Where it is."""
    reason: str = ""
    """Why."""


class ExperimentStarted(_Data):
    """An experiment's first payload was taken."""

    type: Literal["experiment.started"] = "experiment.started"
    """Kind of event."""
    experiment_id: str
    """Which experiment."""
    source: str
    """Where its payloads come from."""
    planned_intervals: int | None = None
    """T_max, intervals after the warm-up; ``None`` while it is not known."""


class ExperimentCompleted(_Data):
    """A run ended and was judged."""

    type: Literal["experiment.completed"] = "experiment.completed"
    """Kind of event."""
    experiment_id: str
    """Which experiment."""
    verdict: VerdictState
    """The answer."""
    decided_by: str
    """Id of the condition that decided or blocks."""
    intervals: int = Field(ge=0)
    """Finalised intervals, the warm-up included."""


class ExperimentFailed(_Data):
    """A run ended because something broke."""

    type: Literal["experiment.failed"] = "experiment.failed"
    """Kind of event."""
    experiment_id: str
    """Which experiment."""
    reason: str
    """What broke, one sentence."""
    code: str = ""
    """Code of the error that ended it; empty when it was no error."""


class ExperimentCancelled(_Data):
    """A run was aborted."""

    type: Literal["experiment.cancelled"] = "experiment.cancelled"
    """Kind of event."""
    experiment_id: str
    """Which experiment."""
    reason: str
    """Why, in the words of who aborted it."""


class ExperimentPromoted(_Data):
    """A candidate was recorded as what is deployed."""

    type: Literal["experiment.promoted"] = "experiment.promoted"
    """Kind of event."""
    experiment_id: str
    """Which experiment."""
    pipeline_id: str
    """Its candidate."""
    targets: tuple[str, ...]
    """Where it is deployed now."""
    overridden: bool = False
    """Whether a person promoted it against the verdict."""
    reason: str = ""
    """The person's reason; empty when the verdict was PROMOTE."""


class ExperimentRolledBack(_Data):
    """What was deployed before a promotion is deployed again."""

    type: Literal["experiment.rolled_back"] = "experiment.rolled_back"
    """Kind of event."""
    experiment_id: str
    """Which experiment."""
    targets: tuple[str, ...]
    """Where."""
    reason: str
    """Why."""


class ExperimentDeleted(_Data):
    """An experiment and what it measured were forgotten."""

    type: Literal["experiment.deleted"] = "experiment.deleted"
    """Kind of event."""
    experiment_id: str
    """Which experiment."""


class VerdictChanged(_Data):
    """An experiment's verdict is another one than before."""

    type: Literal["experiment.verdict_changed"] = "experiment.verdict_changed"
    """Kind of event."""
    experiment_id: str
    """Which experiment."""
    verdict: VerdictState
    """The verdict now."""
    decided_by: str
    """Id of the condition that decided or blocks."""
    reason: str
    """One sentence."""
    interval: int = Field(ge=-1)
    """Index of the interval after which it changed; −1 before the first."""


class IntervalsMeasured(_Data):
    """Intervals were finalised and stored."""

    type: Literal["metrics.collected"] = "metrics.collected"
    """Kind of event."""
    experiment_id: str
    """Which experiment."""
    from_interval: int = Field(ge=0)
    """First new interval index."""
    to_interval: int = Field(ge=0)
    """One past the last new interval index."""


class AnomalyDetected(_Data):
    """A key figure of an interval is far from what it was."""

    type: Literal["metrics.anomaly_detected"] = "metrics.anomaly_detected"
    """Kind of event."""
    experiment_id: str
    """Which experiment."""
    metric: str
    """Which figure."""
    description: str
    """One sentence."""
    value: float
    """What was seen."""
    expected: float
    """What was expected."""


class ThresholdExceeded(_Data):
    """A figure passed its threshold."""

    type: Literal["metrics.threshold_exceeded"] = "metrics.threshold_exceeded"
    """Kind of event."""
    experiment_id: str
    """Which experiment."""
    metric: str
    """Which figure."""
    value: float
    """What was seen."""
    threshold: float
    """What was allowed."""


class AlertFired(_Data):
    """An alert changed its state; one event per change."""

    type: Literal["alert.changed"] = "alert.changed"
    """Kind of event."""
    alert_id: str
    """Which alert."""
    rule_id: str
    """Its rule."""
    experiment_id: str
    """Which experiment."""
    firing: bool
    """Whether it fires now."""
    message: str
    """One sentence."""


class PipelineCreated(_Data):
    """A pipeline was stored."""

    type: Literal["pipeline.created"] = "pipeline.created"
    """Kind of event."""
    pipeline_id: str
    """Which pipeline."""
    name: str
    """Its name."""


class PipelineDeleted(_Data):
    """A pipeline was forgotten."""

    type: Literal["pipeline.deleted"] = "pipeline.deleted"
    """Kind of event."""
    pipeline_id: str
    """Which pipeline."""


class PipelineStatusChanged(_Data):
    """How a pipeline stands on all its targets is another phase than before."""

    type: Literal["pipeline.status_changed"] = "pipeline.status_changed"
    """Kind of event."""
    pipeline_id: str
    """Which pipeline."""
    from_phase: str
    """Where it was; empty before its first deployment."""
    to_phase: str
    """Where it is."""


class ConfigGenerated(_Data):
    """A configuration was made from a template or a pipeline."""

    type: Literal["config.generated"] = "config.generated"
    """Kind of event."""
    pipeline_id: str
    """For which pipeline; empty for one that is not stored."""
    template: str
    """Catalogue entry it was made from; empty when none."""
    sha256: str
    """SHA-256 of the text, hexadecimal."""


class ConfigDeployed(_Data):
    """The exact text that a target runs now."""

    type: Literal["config.deployed"] = "config.deployed"
    """Kind of event."""
    deployment_id: str
    """Which deployment."""
    target: str
    """Where."""
    sha256: str
    """SHA-256 of the text, hexadecimal."""


class PipelineValidated(_Data):
    """A configuration was checked."""

    type: Literal["config.validated"] = "config.validated"
    """Kind of event."""
    pipeline_id: str
    """Which pipeline; empty for a text that is not stored."""
    valid: bool
    """Whether it is valid."""


class DeploymentChanged(_Data):
    """What is deployed on a target changed."""

    type: Literal["pipeline.deployed"] = "pipeline.deployed"
    """Kind of event."""
    deployment_id: str
    """Which deployment."""
    pipeline_id: str
    """What is deployed now."""
    target: str
    """Where."""
    phase: str
    """How far it is."""
    experiment_id: str = ""
    """The experiment that asked for it; empty when a person did."""
    reason: str = ""
    """Why."""


class SimulationStateChanged(_Data):
    """A simulation moved in its life cycle."""

    type: Literal["simulation.state_changed"] = "simulation.state_changed"
    """Kind of event."""
    simulation_id: str
    """Which simulation."""
    from_state: str
    """Where it was."""
    to_state: str
    """Where it is."""
    reason: str = ""
    """Why."""


class ReportGenerated(_Data):
    """A report was written."""

    type: Literal["report.generated"] = "report.generated"
    """Kind of event."""
    report_id: str
    """Which report."""
    experiment_id: str
    """Of which experiment."""


class ServiceHealthChanged(_Data):
    """A registered service came, went or changed its health."""

    type: Literal["service.health_changed"] = "service.health_changed"
    """Kind of event."""
    service_id: str
    """Which instance."""
    name: str
    """Its service."""
    change: Literal["registered", "deregistered", "health_changed", "expired"]
    """What happened."""
    status: str
    """Its health now."""


class ServiceStarted(_Data):
    """A service of this process takes calls."""

    type: Literal["service.started"] = "service.started"
    """Kind of event."""
    service_id: str
    """Which instance."""
    name: str
    """Its service."""


class ServiceStopped(_Data):
    """A service of this process takes no more calls."""

    type: Literal["service.stopped"] = "service.stopped"
    """Kind of event."""
    service_id: str
    """Which instance."""
    name: str
    """Its service."""
    reason: str = ""
    """Why."""


class ServiceHealthCheckFailed(_Data):
    """An instance reported that it is unhealthy, or missed its reports."""

    type: Literal["service.health_check_failed"] = "service.health_check_failed"
    """Kind of event."""
    service_id: str
    """Which instance."""
    name: str
    """Its service."""
    reason: str
    """What failed, one sentence."""


EventData = Annotated[
    ExperimentCreated
    | ExperimentStarted
    | ExperimentCompleted
    | ExperimentFailed
    | ExperimentCancelled
    | ExperimentPromoted
    | ExperimentRolledBack
    | ExperimentStateChanged
    | ExperimentDeleted
    | VerdictChanged
    | IntervalsMeasured
    | AnomalyDetected
    | ThresholdExceeded
    | AlertFired
    | PipelineCreated
    | PipelineDeleted
    | PipelineStatusChanged
    | PipelineValidated
    | ConfigGenerated
    | ConfigDeployed
    | DeploymentChanged
    | SimulationStateChanged
    | ReportGenerated
    | ServiceStarted
    | ServiceStopped
    | ServiceHealthCheckFailed
    | ServiceHealthChanged,
    Field(discriminator="type"),
]
"""Every payload, told apart by ``type``."""


class Event(Value):
    """A CloudEvents 1.0 envelope with typed data.

    ``type`` may be left out: it is always that of the data. :meth:`to_cloudevent` gives the structured JSON form that
    other CloudEvents software reads.
    """

    specversion: Literal["1.0"] = "1.0"
    """Version of the envelope."""
    id: str
    """``evt_`` and a ULID; unique."""
    source: str = Field(min_length=1)
    """Service that published it, for example ``experiments``."""
    type: str = ""
    """Kind of event; always that of ``data``."""
    time: Timestamp
    """When it happened."""
    subject: str = ""
    """Id of what it is about; empty when nothing has one."""
    data: EventData
    """What happened."""
    metadata: Pairs = Field(default_factory=dict)
    """Text pairs to filter by."""
    sequence: int | None = Field(default=None, ge=1)
    """Position in the journal; ``None`` until the bus has accepted the event."""

    @model_validator(mode="before")
    @classmethod
    def _name_type(cls, values: Any) -> Any:
        if isinstance(values, dict) and not values.get("type"):
            data = values.get("data")
            kind = data.get("type") if isinstance(data, dict) else getattr(data, "type", None)
            return {**values, "type": kind if isinstance(kind, str) else ""}
        return values

    @model_validator(mode="after")
    def _one_type(self) -> Self:
        if self.type != self.data.type:
            message = f"type {self.type!r} is not that of the data, {self.data.type!r}"
            raise ValueError(message)
        return self

    def at(self, sequence: int | None) -> Self:
        """The same event at a position of the journal; ``None`` takes its position away."""
        # What model_copy(update=...) does, at a third of its price: every event of the bus goes through here, and a
        # frozen value may share its parts.
        placed = type(self).__new__(type(self))
        object.__setattr__(placed, "__dict__", {**self.__dict__, "sequence": sequence})
        object.__setattr__(placed, "__pydantic_fields_set__", self.__pydantic_fields_set__ | {"sequence"})
        object.__setattr__(placed, "__pydantic_extra__", None)
        object.__setattr__(placed, "__pydantic_private__", None)
        return placed

    def to_cloudevent(self) -> dict[str, JsonValue]:
        """The structured JSON form of CloudEvents 1.0.

        Extension attributes must be scalars there: ``sequence`` becomes text, as the sequence extension asks, and
        ``metadata`` becomes ``phoenixmetadata``, JSON text.
        """
        tree: dict[str, JsonValue] = self.model_dump(mode="json")
        sequence, pairs = tree.pop("sequence"), tree.pop("metadata")
        if not tree["subject"]:
            del tree["subject"]
        tree["datacontenttype"] = "application/json"
        if sequence is not None:
            tree["sequence"] = str(sequence)
        if pairs:
            tree["phoenixmetadata"] = json.dumps(pairs, sort_keys=True)
        return tree

    @classmethod
    def from_cloudevent(cls, tree: Mapping[str, JsonValue]) -> Self:
        """Read what :meth:`to_cloudevent` wrote.

        Raises:
            InvalidRequestError: it is not such an event.
        """
        values = dict(tree)
        values.pop("datacontenttype", None)
        pairs = values.pop("phoenixmetadata", None)
        try:
            if pairs is not None:
                values["metadata"] = json.loads(str(pairs))
            if values.get("sequence") is not None:
                values["sequence"] = int(str(values["sequence"]))
            return cls.model_validate(values)
        except ValueError as error:
            raise InvalidRequestError(
                f"this is not an event of Phoenix: {error}", hint="docs/interfaces.md lists every event type"
            ) from error


class EventFilter(Value):
    """Which events: OR inside a field, AND between fields, exact match; an empty field matches everything."""

    types: tuple[str, ...] = ()
    """Kinds of events."""
    sources: tuple[str, ...] = ()
    """Publishing services."""
    subjects: tuple[str, ...] = ()
    """Ids of what they are about."""
    start_time: Timestamp | None = None
    """Only events at or after it; for a subscription it asks for a replay from there."""
    end_time: Timestamp | None = None
    """Only events before it."""
    after_sequence: int | None = Field(default=None, ge=0)
    """Only events after this position; for a subscription it asks for a replay from there."""
    metadata: Pairs = Field(default_factory=dict)
    """Pairs that must all be there."""


class SubscriptionMode(StrEnum):
    """What a reader is for."""

    RECORDER = "recorder"
    """Lossless: publishing waits for it, and its failure is the publisher's failure."""
    VIEWER = "viewer"
    """Bounded: it may miss events, and its failure is only logged."""


class OverflowPolicy(StrEnum):
    """What happens when a viewer's buffer is full."""

    DROP_OLDEST = "drop_oldest"
    """The newest events win."""
    DROP_NEWEST = "drop_newest"
    """What is buffered wins."""
    ERROR = "error"
    """The stream ends with ``OverflowDroppedError`` after what was buffered."""


class SubscriptionOptions(Value):
    """How a subscription behaves."""

    name: str = "anonymous"
    """For logs and statistics."""
    mode: SubscriptionMode = SubscriptionMode.VIEWER
    """What the reader is for."""
    buffer: int = Field(default=1000, ge=1)
    """Events that may wait for the reader."""
    overflow: OverflowPolicy = OverflowPolicy.DROP_OLDEST
    """For viewers: what happens when the buffer is full. A recorder makes publishers wait instead."""


class SubscriptionStatistics(Value):
    """What one subscription did."""

    subscription_id: str
    """Which subscription."""
    name: str
    """Its name."""
    mode: SubscriptionMode
    """What it is for."""
    delivered: int = Field(ge=0)
    """Events put into its buffer."""
    dropped: int = Field(ge=0)
    """Events it lost to a full buffer."""
    buffered: int = Field(ge=0)
    """Events that wait for the reader now."""


class BusStatistics(Value):
    """What the bus did since it was opened."""

    published: int = Field(ge=0)
    """Events accepted."""
    last_sequence: int = Field(ge=0)
    """Position of the newest event; 0 when there is none."""
    subscriptions: tuple[SubscriptionStatistics, ...]
    """The open subscriptions."""


@runtime_checkable
class EventStream(Protocol):
    """An already subscribed stream of events; also an async context manager that unsubscribes."""

    @property
    def subscription_id(self) -> str:
        """What :meth:`EventBus.unsubscribe` takes."""
        ...

    def __aiter__(self) -> AsyncIterator[Event]:
        """The events in journal order."""
        ...

    async def __anext__(self) -> Event:
        """The next event; ``StopAsyncIteration`` when the subscription has ended and its buffer is empty."""
        ...

    async def __aenter__(self) -> Self:
        """Itself."""
        ...

    async def __aexit__(self, *exc_info: object) -> None:
        """Unsubscribe."""
        ...


@runtime_checkable
class EventBus(Protocol):
    """Carries events between services.

    Promised: an accepted event is in the journal; every subscription sees events in journal order; a recorder sees
    every matching event exactly once, a replay joins the live stream without gap or duplicate; a batch is accepted
    whole or not at all and has consecutive positions. Not promised: that a viewer sees everything (its ``dropped``
    count says what it missed); delivery across processes.
    """

    async def publish(self, ctx: Context, event: Event) -> Event:
        """Accept one event; returns it with its position.

        Raises:
            ConflictError: an event with this id was accepted before.
            ClosedError: the bus was closed.
        """
        ...

    async def publish_batch(self, ctx: Context, events: Sequence[Event]) -> Sequence[Event]:
        """Accept all events or none; returns them with their positions."""
        ...

    async def subscribe(
        self,
        ctx: Context,
        filter: EventFilter,  # noqa: A002
        options: SubscriptionOptions | None = None,
    ) -> EventStream:
        """A stream that has begun: what is published after this call returns is seen. It ends with the context.

        With ``start_time`` or ``after_sequence`` in the filter, the journal is replayed first.
        """
        ...

    async def unsubscribe(self, ctx: Context, subscription_id: str) -> None:
        """End a subscription; its reader gets what is buffered, then the end.

        Raises:
            NotFoundError: no such subscription.
        """
        ...

    async def read(self, ctx: Context, filter: EventFilter, *, limit: int = 1000) -> Sequence[Event]:  # noqa: A002
        """Replay events of the journal by time or sequence, oldest first, at most ``limit``.

        To go on, ask again with ``after_sequence`` of the last one.
        """
        ...

    async def statistics(self, ctx: Context) -> BusStatistics:
        """What the bus and its subscriptions did."""
        ...

    async def aclose(self) -> None:
        """End every subscription; publishing afterwards raises ``ClosedError``. May be called twice.

        It takes no context: cleaning up is not to be cancelled.
        """
        ...
