"""Stores and a registry that keep everything in memory, and a clock with ids that repeat.

They satisfy the same contracts as the real ones and pass the same contract tests; tests of services use them where a
database would only cost time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, TypeVar

from phoenix_nb.errors import ConflictError, InvalidRequestError, NotFoundError, TransitionError
from phoenix_nb.interfaces import (
    TRANSITIONS,
    Alert,
    AlertRule,
    Clock,
    Context,
    Experiment,
    ExperimentFilter,
    ExperimentList,
    ExperimentState,
    HealthStatus,
    Pipeline,
    PipelineFilter,
    PipelineList,
    Report,
    ServiceEvent,
    ServiceInstance,
    Simulation,
    SimulationFilter,
    SimulationList,
)
from phoenix_nb.runtime import UlidFactory, VirtualClock

__all__ = [
    "MemoryAlertStore",
    "MemoryExperimentStore",
    "MemoryPipelineStore",
    "MemoryRegistry",
    "MemoryReportStore",
    "MemorySimulationStore",
    "seeded_parts",
]


class _Kept(Protocol):
    @property
    def id(self) -> str: ...


K = TypeVar("K", bound=_Kept)


def seeded_parts(seed: int = 0) -> tuple[VirtualClock, UlidFactory]:
    """A virtual clock that moves by itself, and ids that are the same in every run."""
    clock = VirtualClock()
    return clock, UlidFactory(clock, seed=seed)


def _get(kept: dict[str, K], key: str, what: str) -> K:
    if key not in kept:
        raise NotFoundError(f"there is no {what} {key!r}", details={"id": key})
    return kept[key]


def _page(items: Iterable[K], token: str, size: int) -> tuple[tuple[K, ...], str, int]:
    newest_first = sorted(items, key=lambda item: item.id, reverse=True)
    if token and not any(item.id == token for item in newest_first):
        raise InvalidRequestError("the page token is none of ours", details={"page_token": token})
    begin = next((at + 1 for at, item in enumerate(newest_first) if item.id == token), 0)
    page = tuple(newest_first[begin : begin + size])
    more = begin + size < len(newest_first)
    return page, page[-1].id if more else "", len(newest_first)


class MemoryExperimentStore:
    """Keeps experiments in a dict."""

    def __init__(self) -> None:
        self._kept: dict[str, Experiment] = {}
        self._keys: dict[str, str] = {}

    async def create_experiment(
        self, ctx: Context, experiment: Experiment, *, idempotency_key: str = ""
    ) -> Experiment:
        ctx.check()
        if idempotency_key and idempotency_key in self._keys:
            return self._kept[self._keys[idempotency_key]]
        if experiment.id in self._kept:
            raise ConflictError(f"experiment {experiment.id} exists", details={"id": experiment.id})
        self._kept[experiment.id] = experiment
        if idempotency_key:
            self._keys[idempotency_key] = experiment.id
        return experiment

    async def get_experiment(self, ctx: Context, experiment_id: str) -> Experiment:
        ctx.check()
        return _get(self._kept, experiment_id, "experiment")

    async def update_experiment(self, ctx: Context, experiment: Experiment) -> Experiment:
        ctx.check()
        stored = _get(self._kept, experiment.id, "experiment")
        if stored.version != experiment.version:
            raise ConflictError(f"experiment {experiment.id} was changed by somebody else")
        self._kept[experiment.id] = experiment.model_copy(update={"version": experiment.version + 1})
        return self._kept[experiment.id]

    async def delete_experiment(self, ctx: Context, experiment_id: str) -> None:
        ctx.check()
        _get(self._kept, experiment_id, "experiment")
        del self._kept[experiment_id]
        self._keys = {key: kept for key, kept in self._keys.items() if kept != experiment_id}

    async def list_experiments(self, ctx: Context, filter: ExperimentFilter) -> ExperimentList:  # noqa: A002
        ctx.check()
        found = [
            item
            for item in self._kept.values()
            if (not filter.states or item.state in filter.states)
            and (filter.created_by is None or item.created_by == filter.created_by)
        ]
        page, token, total = _page(found, filter.page_token, filter.page_size)
        return ExperimentList(experiments=page, next_page_token=token, total_count=total)

    async def update_experiment_state(
        self, ctx: Context, experiment_id: str, state: ExperimentState, *, reason: str, at: datetime
    ) -> Experiment:
        ctx.check()
        stored = _get(self._kept, experiment_id, "experiment")
        if state not in TRANSITIONS[stored.state]:
            raise TransitionError(
                f"experiment {experiment_id} is {stored.state} and cannot become {state}",
                details={"state": stored.state, "allowed": [*sorted(TRANSITIONS[stored.state])]},
            )
        changes: dict[str, Any] = {"state": state, "state_reason": reason, "updated_at": at}
        self._kept[experiment_id] = stored.model_copy(update={**changes, "version": stored.version + 1})
        return self._kept[experiment_id]

    async def get_experiments_by_state(self, ctx: Context, state: ExperimentState) -> Sequence[Experiment]:
        ctx.check()
        return sorted((item for item in self._kept.values() if item.state is state), key=lambda item: item.id)


class MemoryPipelineStore:
    """Keeps pipelines in a dict."""

    def __init__(self) -> None:
        self._kept: dict[str, Pipeline] = {}

    async def create_pipeline(self, ctx: Context, pipeline: Pipeline) -> Pipeline:
        ctx.check()
        if any(pipeline.id == kept.id or pipeline.name == kept.name for kept in self._kept.values()):
            raise ConflictError(f"a pipeline with the id or name of {pipeline.name!r} exists")
        self._kept[pipeline.id] = pipeline
        return pipeline

    async def get_pipeline(self, ctx: Context, pipeline_id: str) -> Pipeline:
        ctx.check()
        named = {kept.name: kept for kept in self._kept.values()}
        return _get({**named, **self._kept}, pipeline_id, "pipeline")

    async def list_pipelines(self, ctx: Context, filter: PipelineFilter) -> PipelineList:  # noqa: A002
        ctx.check()
        found = [
            item
            for item in self._kept.values()
            if (not filter.types or item.type in filter.types)
            and (not filter.template or item.template == filter.template)
            and (filter.created_by is None or item.created_by == filter.created_by)
        ]
        page, token, total = _page(found, filter.page_token, filter.page_size)
        return PipelineList(pipelines=page, next_page_token=token, total_count=total)

    async def delete_pipeline(self, ctx: Context, pipeline_id: str) -> None:
        ctx.check()
        _get(self._kept, pipeline_id, "pipeline")
        del self._kept[pipeline_id]


class MemorySimulationStore:
    """Keeps simulations in a dict."""

    def __init__(self) -> None:
        self._kept: dict[str, Simulation] = {}

    async def create_simulation(self, ctx: Context, simulation: Simulation) -> Simulation:
        ctx.check()
        if simulation.id in self._kept:
            raise ConflictError(f"simulation {simulation.id} exists")
        self._kept[simulation.id] = simulation
        return simulation

    async def get_simulation(self, ctx: Context, simulation_id: str) -> Simulation:
        ctx.check()
        return _get(self._kept, simulation_id, "simulation")

    async def update_simulation(self, ctx: Context, simulation: Simulation) -> Simulation:
        ctx.check()
        if _get(self._kept, simulation.id, "simulation").version != simulation.version:
            raise ConflictError(f"simulation {simulation.id} was changed by somebody else")
        self._kept[simulation.id] = simulation.model_copy(update={"version": simulation.version + 1})
        return self._kept[simulation.id]

    async def list_simulations(self, ctx: Context, filter: SimulationFilter) -> SimulationList:  # noqa: A002
        ctx.check()
        found = [
            item
            for item in self._kept.values()
            if (not filter.states or item.state in filter.states)
            and (filter.created_by is None or item.created_by == filter.created_by)
        ]
        page, token, total = _page(found, filter.page_token, filter.page_size)
        return SimulationList(simulations=page, next_page_token=token, total_count=total)


class MemoryAlertStore:
    """Keeps alert rules and alerts in dicts."""

    def __init__(self) -> None:
        self._rules: dict[str, AlertRule] = {}
        self._alerts: dict[str, Alert] = {}

    async def put_rule(self, ctx: Context, rule: AlertRule) -> AlertRule:
        ctx.check()
        self._rules[rule.id] = rule
        return rule

    async def get_rule(self, ctx: Context, rule_id: str) -> AlertRule:
        ctx.check()
        return _get(self._rules, rule_id, "alert rule")

    async def delete_rule(self, ctx: Context, rule_id: str) -> None:
        ctx.check()
        _get(self._rules, rule_id, "alert rule")
        del self._rules[rule_id]

    async def list_rules(self, ctx: Context, experiment_id: str) -> Sequence[AlertRule]:
        ctx.check()
        found = (rule for rule in self._rules.values() if rule.experiment_id == experiment_id)
        return sorted(found, key=lambda rule: rule.id)

    async def put_alert(self, ctx: Context, alert: Alert) -> Alert:
        ctx.check()
        self._alerts[alert.id] = alert
        return alert

    async def list_alerts(self, ctx: Context, experiment_id: str) -> Sequence[Alert]:
        ctx.check()
        found = (alert for alert in self._alerts.values() if alert.experiment_id == experiment_id)
        return sorted(found, key=lambda alert: (alert.triggered_at, alert.id), reverse=True)


class MemoryReportStore:
    """Remembers reports in a dict."""

    def __init__(self) -> None:
        self._kept: dict[str, Report] = {}

    async def put_report(self, ctx: Context, report: Report) -> Report:
        ctx.check()
        self._kept[report.id] = report
        return report

    async def get_report(self, ctx: Context, report_id: str) -> Report:
        ctx.check()
        return _get(self._kept, report_id, "report")

    async def list_reports(self, ctx: Context, *, experiment_id: str = "") -> Sequence[Report]:
        ctx.check()
        found = [
            item for item in self._kept.values() if not experiment_id or item.experiment_id == experiment_id
        ]
        return sorted(found, key=lambda item: (item.created_at, item.id), reverse=True)


class MemoryRegistry:
    """A registry in this process; instances expire by the clock that is given.

    Args:
        clock: what heartbeats are measured with.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, ServiceInstance] = {}
        self._watchers: list[tuple[str, asyncio.Queue[ServiceEvent | None]]] = []

    async def register(self, ctx: Context, service: ServiceInstance) -> ServiceInstance:
        ctx.check()
        self._expire()
        known = self._kept.get(service.id)
        changes = {
            "updated_at": self._clock.now(),
            "registered_at": known.registered_at if known else self._clock.now(),
        }
        self._kept[service.id] = service.model_copy(update=changes)
        if known is None:
            self._tell("registered", self._kept[service.id])
        return self._kept[service.id]

    async def deregister(self, ctx: Context, service_id: str) -> None:
        ctx.check()
        known = self._kept.pop(service_id, None)
        if known is not None:
            self._tell("deregistered", known)

    async def discover(self, ctx: Context, name: str) -> Sequence[ServiceInstance]:
        ctx.check()
        self._expire()
        found = (item for item in self._kept.values() if item.name == name)
        return sorted(
            found, key=lambda item: (item.status is not HealthStatus.HEALTHY, item.registered_at, item.id)
        )

    async def health_check(self, ctx: Context, service_id: str, status: HealthStatus) -> ServiceInstance:
        ctx.check()
        self._expire()
        known = _get(self._kept, service_id, "service instance")
        changes = {"status": status, "updated_at": self._clock.now()}
        self._kept[service_id] = known.model_copy(update=changes)
        if known.status is not status:
            self._tell("health_changed", self._kept[service_id])
        return self._kept[service_id]

    async def watch(self, ctx: Context, name: str) -> AsyncIterator[ServiceEvent]:
        ctx.check()
        queue: asyncio.Queue[ServiceEvent | None] = asyncio.Queue()
        watcher = (name, queue)
        self._watchers.append(watcher)
        loop = asyncio.get_running_loop()
        forget = ctx.token.on_cancel(lambda: _wake(loop, queue))

        def release() -> None:
            self._watchers.remove(watcher)
            forget()

        return _watched(queue, release)

    def _expire(self) -> None:
        now = self._clock.now()
        for item in list(self._kept.values()):
            patience = timedelta(seconds=item.health_check.interval_seconds * item.health_check.retries)
            if now - item.updated_at > patience:
                del self._kept[item.id]
                self._tell("expired", item)

    def _tell(
        self,
        change: Literal["registered", "deregistered", "health_changed", "expired"],
        service: ServiceInstance,
    ) -> None:
        event = ServiceEvent(type=change, service=service, at=self._clock.now())
        for name, queue in self._watchers:
            if name == service.name:
                queue.put_nowait(event)


def _wake(loop: asyncio.AbstractEventLoop, queue: asyncio.Queue[ServiceEvent | None]) -> None:
    loop.call_soon_threadsafe(queue.put_nowait, None)


async def _watched(
    queue: asyncio.Queue[ServiceEvent | None], release: Callable[[], object]
) -> AsyncIterator[ServiceEvent]:
    try:
        while (event := await queue.get()) is not None:
            yield event
    finally:
        release()
