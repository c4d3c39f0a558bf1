"""The simulation service: simulated hosts that can be started, looked at and stopped."""

from __future__ import annotations

import asyncio

from phoenix_nb.errors import ClosedError, NotFoundError, PhoenixError, TransitionError
from phoenix_nb.interfaces import (
    SIMULATION_TRANSITIONS,
    Clock,
    Context,
    CreateSimulationRequest,
    IdFactory,
    Simulation,
    SimulationFilter,
    SimulationList,
    SimulationMetrics,
    SimulationState,
    SimulationStateChanged,
    SimulationStore,
)
from phoenix_nb.runtime import get_logger
from phoenix_nb.services._publisher import Publisher
from phoenix_nb.services.simulations._run import SimulationRun
from phoenix_nb.simulation import compile_world

__all__ = ["LocalSimulationService"]

_S = SimulationState


class LocalSimulationService:
    """Runs simulations in this process (``SimulationService``).

    Args:
        store: keeps simulations.
        publisher: tells what happened.
        clock: times, and the pace of simulations.
        ids: ids of simulations.
    """

    def __init__(self, store: SimulationStore, publisher: Publisher, clock: Clock, ids: IdFactory) -> None:
        self._store = store
        self._publisher = publisher
        self._clock = clock
        self._ids = ids
        self._runs: dict[str, SimulationRun] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._closed = False

    async def create_simulation(self, ctx: Context, request: CreateSimulationRequest) -> Simulation:
        # A profile that contradicts itself is refused now, not when it is started.
        await asyncio.to_thread(compile_world, request.profile)
        made = await self._store.create_simulation(
            ctx,
            Simulation(
                id=self._ids.new("sim"),
                name=request.name,
                description=request.description,
                profile=request.profile,
                target=request.target,
                seed=request.seed,
                every_seconds=request.every_seconds,
                pace=request.pace,
                state=_S.PENDING,
                created_at=self._clock.now(),
                created_by=ctx.principal,
            ),
        )
        return await self.start_simulation(ctx, made.id) if request.auto_start else made

    async def get_simulation(self, ctx: Context, simulation_id: str) -> Simulation:
        return await self._store.get_simulation(ctx, simulation_id)

    async def list_simulations(self, ctx: Context, filter: SimulationFilter) -> SimulationList:  # noqa: A002
        return await self._store.list_simulations(ctx, filter)

    async def start_simulation(self, ctx: Context, simulation_id: str) -> Simulation:
        if self._closed:
            raise ClosedError("the simulation service is closed", hint="connect again")
        simulation = await self._store.get_simulation(ctx, simulation_id)
        if simulation.state is _S.RUNNING:
            return simulation
        running = await self._move(ctx, simulation, _S.RUNNING, "started")
        run = self._runs[simulation_id] = SimulationRun(running, self._clock)
        task = asyncio.get_running_loop().create_task(
            self._follow(ctx.detached(), simulation_id, run), name=f"simulation {simulation_id}"
        )
        self._tasks[simulation_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(simulation_id, None))
        return running

    async def stop_simulation(self, ctx: Context, simulation_id: str) -> Simulation:
        simulation = await self._store.get_simulation(ctx, simulation_id)
        if simulation.state is _S.PENDING:
            raise TransitionError(
                f"the simulation {simulation_id} was never started",
                hint="start it first",
                details={"action": "stop", "state": simulation.state.value},
            )
        run, task = self._runs.get(simulation_id), self._tasks.get(simulation_id)
        if run is not None and task is not None:
            run.stop()
            await asyncio.wait([task])
        return await self._store.get_simulation(ctx, simulation_id)

    async def get_simulation_metrics(self, ctx: Context, simulation_id: str) -> SimulationMetrics:
        await self._store.get_simulation(ctx, simulation_id)
        run = self._runs.get(simulation_id)
        if run is None:
            raise NotFoundError(
                f"the simulation {simulation_id} has no figures in this process",
                hint="start it first; figures go with the process that ran it",
                details={"simulation_id": simulation_id},
            )
        return run.metrics

    async def reconcile(self, ctx: Context) -> None:
        """Mark simulations as failed whose process is gone; called once, before anything is started."""
        wanted = SimulationFilter(states=(_S.RUNNING,), page_size=1000)
        for simulation in (await self._store.list_simulations(ctx, wanted)).simulations:
            await self._move(ctx, simulation, _S.FAILED, "the process that ran it ended")

    async def aclose(self) -> None:
        """Stop every simulation. May be called twice."""
        self._closed = True
        tasks = [*self._tasks.items()]
        for simulation_id, _ in tasks:
            self._runs[simulation_id].stop()
        if tasks:
            await asyncio.wait([task for _, task in tasks])

    async def _follow(self, ctx: Context, simulation_id: str, run: SimulationRun) -> None:
        state, reason = _S.STOPPED, ""
        try:
            reason = await run.execute()
        except asyncio.CancelledError:
            await self._ended(ctx, simulation_id, _S.FAILED, "the process that ran it was shut down")
            raise
        except PhoenixError as error:
            state, reason = _S.FAILED, str(error)
        except Exception as error:  # noqa: BLE001 - every run ends in a state with a reason
            get_logger("simulations", ctx).error(
                "the simulation failed", simulation=simulation_id, exc_info=True
            )
            state, reason = _S.FAILED, f"a defect of Phoenix ended it: {type(error).__name__}: {error}"
        await self._ended(ctx, simulation_id, state, reason)

    async def _ended(self, ctx: Context, simulation_id: str, state: SimulationState, reason: str) -> None:
        await self._move(ctx, await self._store.get_simulation(ctx, simulation_id), state, reason)

    async def _move(
        self, ctx: Context, simulation: Simulation, to: SimulationState, reason: str
    ) -> Simulation:
        allowed = SIMULATION_TRANSITIONS[simulation.state]
        if to not in allowed:
            names = sorted(state.value for state in allowed)
            raise TransitionError(
                f"the simulation {simulation.id} is {simulation.state.value} and cannot become {to.value}",
                hint=f"from here it can become {', '.join(names)}" if names else "it has ended",
                details={"state": simulation.state.value, "wanted": to.value, "allowed": [*names]},
            )
        now = self._clock.now()
        values: dict[str, object] = {"state": to, "state_reason": reason}
        if to is _S.RUNNING:
            values["started_at"] = now
        else:
            values["stopped_at"] = now
        changed = await self._store.update_simulation(ctx, simulation.model_copy(update=values))
        told = SimulationStateChanged(
            simulation_id=simulation.id,
            from_state=simulation.state.value,
            to_state=to.value,
            reason=reason,
        )
        await self._publisher.publish(ctx, simulation.id, told)
        return changed
