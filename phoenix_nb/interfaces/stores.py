"""Where pipelines, simulations, alerts, reports, events and service instances are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from phoenix_nb.interfaces._context import Context
from phoenix_nb.interfaces.events import Event, EventFilter
from phoenix_nb.interfaces.monitoring import Alert, AlertRule
from phoenix_nb.interfaces.pipeline import Pipeline, PipelineFilter, PipelineList
from phoenix_nb.interfaces.registry import ServiceInstance
from phoenix_nb.interfaces.reporting import Report
from phoenix_nb.interfaces.simulation import Simulation, SimulationFilter, SimulationList

__all__ = [
    "AlertStore",
    "Journal",
    "PipelineStore",
    "ReportStore",
    "ServiceInstanceStore",
    "SimulationStore",
]


@runtime_checkable
class PipelineStore(Protocol):
    """Keeps pipelines. Promised: lossless round trips, durable writes."""

    async def create_pipeline(self, ctx: Context, pipeline: Pipeline) -> Pipeline:
        """Add a pipeline.

        Raises:
            ConflictError: the id or the name is taken.
        """
        ...

    async def get_pipeline(self, ctx: Context, pipeline_id: str) -> Pipeline:
        """One pipeline by id or name.

        Raises:
            NotFoundError: no such pipeline.
        """
        ...

    async def list_pipelines(self, ctx: Context, filter: PipelineFilter) -> PipelineList:  # noqa: A002
        """One page, newest first."""
        ...

    async def delete_pipeline(self, ctx: Context, pipeline_id: str) -> None:
        """Remove one pipeline.

        Raises:
            NotFoundError: no such pipeline.
        """
        ...


@runtime_checkable
class SimulationStore(Protocol):
    """Keeps simulations. Promised: lossless round trips, durable writes, compare-and-swap on ``version``."""

    async def create_simulation(self, ctx: Context, simulation: Simulation) -> Simulation:
        """Add a simulation.

        Raises:
            ConflictError: the id is taken.
        """
        ...

    async def get_simulation(self, ctx: Context, simulation_id: str) -> Simulation:
        """One simulation.

        Raises:
            NotFoundError: no such simulation.
        """
        ...

    async def update_simulation(self, ctx: Context, simulation: Simulation) -> Simulation:
        """Replace the stored simulation whose version equals this one's; returns it with the next version.

        Raises:
            NotFoundError: no such simulation.
            ConflictError: somebody changed it first.
        """
        ...

    async def list_simulations(self, ctx: Context, filter: SimulationFilter) -> SimulationList:  # noqa: A002
        """One page, newest first."""
        ...


@runtime_checkable
class AlertStore(Protocol):
    """Keeps alert rules and what fired."""

    async def put_rule(self, ctx: Context, rule: AlertRule) -> AlertRule:
        """Add a rule or replace the one with the same id."""
        ...

    async def get_rule(self, ctx: Context, rule_id: str) -> AlertRule:
        """One rule.

        Raises:
            NotFoundError: no such rule.
        """
        ...

    async def delete_rule(self, ctx: Context, rule_id: str) -> None:
        """Remove one rule.

        Raises:
            NotFoundError: no such rule.
        """
        ...

    async def list_rules(self, ctx: Context, experiment_id: str) -> Sequence[AlertRule]:
        """The rules of an experiment, oldest first."""
        ...

    async def put_alert(self, ctx: Context, alert: Alert) -> Alert:
        """Add an alert or replace the one with the same id."""
        ...

    async def list_alerts(self, ctx: Context, experiment_id: str) -> Sequence[Alert]:
        """The alerts of an experiment, newest first."""
        ...


@runtime_checkable
class ReportStore(Protocol):
    """Remembers which reports were written."""

    async def put_report(self, ctx: Context, report: Report) -> Report:
        """Add a report."""
        ...

    async def get_report(self, ctx: Context, report_id: str) -> Report:
        """One report.

        Raises:
            NotFoundError: no such report.
        """
        ...

    async def list_reports(self, ctx: Context, *, experiment_id: str = "") -> Sequence[Report]:
        """Reports, newest first; empty means of every experiment."""
        ...


@runtime_checkable
class Journal(Protocol):
    """Keeps every accepted event in order; the event bus writes it before it delivers.

    Promised: positions begin at 1 and have no holes; a returned write is durable; a batch is kept whole or not at all.
    """

    async def append(self, ctx: Context, events: Sequence[Event]) -> Sequence[Event]:
        """Add events; returns them with their positions.

        Raises:
            ConflictError: an event with one of these ids is there already, or an id is in the batch twice.
        """
        ...

    async def read(self, ctx: Context, filter: EventFilter, *, limit: int = 1000) -> Sequence[Event]:  # noqa: A002
        """Matching events, oldest first, at most ``limit``."""
        ...

    async def last_sequence(self, ctx: Context) -> int:
        """Position of the newest event; 0 when there is none."""
        ...


@runtime_checkable
class ServiceInstanceStore(Protocol):
    """Remembers registered service instances across restarts; the registry decides who has expired."""

    async def put_instance(self, ctx: Context, instance: ServiceInstance) -> ServiceInstance:
        """Add an instance or replace the one with the same id."""
        ...

    async def get_instance(self, ctx: Context, service_id: str) -> ServiceInstance:
        """One instance.

        Raises:
            NotFoundError: no such instance.
        """
        ...

    async def delete_instance(self, ctx: Context, service_id: str) -> None:
        """Remove one instance; unknown ids are ignored."""
        ...

    async def list_instances(self, ctx: Context, *, name: str = "") -> Sequence[ServiceInstance]:
        """Instances by registration, oldest first; empty text means of every service."""
        ...
