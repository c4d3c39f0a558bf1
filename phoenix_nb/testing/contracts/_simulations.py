"""Contracts of simulations, load generators and process simulators."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from phoenix_nb.errors import ConflictError, NotFoundError, TransitionError
from phoenix_nb.interfaces import (
    CreateSimulationRequest,
    LoadAdjustment,
    LoadGenerator,
    LoadProfile,
    LoadProfileType,
    ProcessCountConfig,
    ProcessSimulationConfig,
    ProcessSimulator,
    ProcessSpec,
    ProcessType,
    SimulationFilter,
    SimulationService,
    SimulationState,
    SystemProcess,
)
from phoenix_nb.testing.contracts._base import CTX, Contract, eventually

__all__ = ["LoadGeneratorContract", "ProcessSimulatorContract", "SimulationServiceContract"]


class SimulationServiceContract(Contract):
    """Fixtures: ``subject``, a service without simulations."""

    interface = SimulationService

    @staticmethod
    def _request(**changes: Any) -> CreateSimulationRequest:
        values: dict[str, Any] = {
            "name": "contract",
            "profile": LoadProfile(
                name="small",
                type=LoadProfileType.REALISTIC,
                process_count=ProcessCountConfig(initial=20, min=10, max=40),
            ),
            "seed": 3,
            # Virtual seconds per real one: quick, but not over before it is looked at.
            "pace": 50.0,
        }
        return CreateSimulationRequest(**{**values, **changes})

    async def test_a_created_simulation_is_pending(self, subject: SimulationService) -> None:
        made = await subject.create_simulation(CTX, self._request(description="why"))
        assert made.id.startswith("sim_")
        assert (made.state, made.description, made.seed) == (SimulationState.PENDING, "why", 3)
        assert await subject.get_simulation(CTX, made.id) == made
        with pytest.raises(NotFoundError):
            await subject.get_simulation_metrics(CTX, made.id)
        with pytest.raises(TransitionError):
            await subject.stop_simulation(CTX, made.id)

    async def test_it_runs_until_it_is_stopped(self, subject: SimulationService) -> None:
        made = await subject.create_simulation(CTX, self._request())
        running = await subject.start_simulation(CTX, made.id)
        assert running.state is SimulationState.RUNNING
        assert running.started_at is not None
        assert (await subject.start_simulation(CTX, made.id)).started_at == running.started_at
        seen = await eventually(
            lambda: subject.get_simulation_metrics(CTX, made.id), lambda now: now.scrapes >= 3
        )
        assert seen.simulation_id == made.id
        assert seen.process_count > 0
        assert seen.points > seen.series > 0
        assert seen.process_count_peak is not None
        assert seen.processes_created - seen.processes_ended == seen.process_count
        stopped = await subject.stop_simulation(CTX, made.id)
        assert stopped.state is SimulationState.STOPPED
        assert stopped.stopped_at is not None
        assert (await subject.stop_simulation(CTX, made.id)).stopped_at == stopped.stopped_at
        after = await subject.get_simulation_metrics(CTX, made.id)
        assert after == await subject.get_simulation_metrics(CTX, made.id)
        with pytest.raises(TransitionError):
            await subject.start_simulation(CTX, made.id)

    async def test_it_may_start_at_once_and_ends_by_itself(self, subject: SimulationService) -> None:
        profile = self._request().profile.model_copy(update={"duration_seconds": 120.0})
        made = await subject.create_simulation(
            CTX, self._request(profile=profile, auto_start=True, pace=None)
        )
        assert made.state is not SimulationState.PENDING
        ended = await eventually(
            lambda: subject.get_simulation(CTX, made.id), lambda now: now.state is SimulationState.STOPPED
        )
        assert ended.state_reason

    async def test_lists_are_filtered_and_newest_first(self, subject: SimulationService) -> None:
        for name in ("one", "two", "three"):
            await subject.create_simulation(CTX, self._request(name=name))
        first = await subject.list_simulations(CTX, SimulationFilter(page_size=2))
        rest = await subject.list_simulations(
            CTX, SimulationFilter(page_size=2, page_token=first.next_page_token)
        )
        assert [one.name for one in (*first.simulations, *rest.simulations)] == ["three", "two", "one"]
        assert not (
            await subject.list_simulations(CTX, SimulationFilter(states=(SimulationState.FAILED,)))
        ).simulations

    async def test_unknown_simulations_are_not_found(self, subject: SimulationService) -> None:
        for call in (
            subject.get_simulation,
            subject.start_simulation,
            subject.stop_simulation,
            subject.get_simulation_metrics,
        ):
            with pytest.raises(NotFoundError):
                await call(CTX, "sim_missing")


class LoadGeneratorContract(Contract):
    """Fixtures: ``subject``, a generator that is not active; the fixture stops it after the test."""

    interface = LoadGenerator
    processes: ClassVar[int] = 12
    """How many processes the load has."""

    def _profile(self) -> LoadProfile:
        count = ProcessCountConfig(initial=self.processes, min=self.processes, max=4 * self.processes)
        return LoadProfile(name="small", type=LoadProfileType.REALISTIC, process_count=count)

    async def test_load_is_made_until_it_is_stopped(self, subject: LoadGenerator) -> None:
        before = await subject.get_status(CTX)
        assert not before.active
        started = await subject.generate_load(CTX, self._profile())
        assert started.active
        assert started.started_at is not None
        with pytest.raises(ConflictError):
            await subject.generate_load(CTX, self._profile())
        await eventually(
            lambda: subject.get_status(CTX),
            lambda now: now.current_load is not None and now.current_load.process_count >= self.processes,
        )
        stopped = await subject.stop_load(CTX)
        assert not stopped.active
        assert not (await subject.stop_load(CTX)).active
        assert not (await subject.get_status(CTX)).active

    async def test_a_running_load_can_be_adjusted(self, subject: LoadGenerator) -> None:
        with pytest.raises(ConflictError):
            await subject.adjust_load(CTX, LoadAdjustment(process_count_delta=1))
        await subject.generate_load(CTX, self._profile())
        assert (await subject.adjust_load(CTX, LoadAdjustment(process_count_delta=2, cpu_factor=1.5))).active
        await subject.stop_load(CTX)

    async def test_it_can_start_again(self, subject: LoadGenerator) -> None:
        for _ in range(2):
            assert (await subject.generate_load(CTX, self._profile())).active
            await subject.stop_load(CTX)


class ProcessSimulatorContract(Contract):
    """Fixtures: ``subject``."""

    interface = ProcessSimulator

    @staticmethod
    def _config(seed: int = 5) -> ProcessSimulationConfig:
        return ProcessSimulationConfig(
            process_types=(ProcessType(name="nginx", command="/usr/sbin/nginx", count=3),),
            system_processes=(SystemProcess(name="systemd", pid=1, parent_pid=0, critical=True),),
            seed=seed,
        )

    async def test_it_simulates_what_was_asked_for(self, subject: ProcessSimulator) -> None:
        made = await subject.simulate_processes(CTX, self._config())
        names = sorted(one.name for one in made)
        assert names == ["nginx", "nginx", "nginx", "systemd"]
        assert next(one.pid for one in made if one.name == "systemd") == 1
        listed = await subject.get_process_list(CTX)
        pids = [one.pid for one in listed]
        assert pids == sorted(set(pids))
        assert {one.pid for one in made} == set(pids)

    async def test_the_same_seed_gives_the_same_processes(self, subject: ProcessSimulator) -> None:
        one = [item.pid for item in await subject.simulate_processes(CTX, self._config())]
        two = [item.pid for item in await subject.simulate_processes(CTX, self._config())]
        assert one == two

    async def test_processes_come_and_go(self, subject: ProcessSimulator) -> None:
        await subject.simulate_processes(CTX, self._config())
        born = await subject.spawn_process(CTX, ProcessSpec(name="redis", command="redis-server"))
        assert born.name == "redis"
        assert born.pid in {one.pid for one in await subject.get_process_list(CTX)}
        await subject.kill_process(CTX, born.pid)
        assert born.pid not in {one.pid for one in await subject.get_process_list(CTX)}
        with pytest.raises(NotFoundError):
            await subject.kill_process(CTX, born.pid)
