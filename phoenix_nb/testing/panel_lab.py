"""A laboratory for panels that needs no store and no source: it plays a sample comparison, as fast as it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from phoenix_nb.errors import InvalidRequestError, NotFoundError
from phoenix_nb.interfaces.evidence import Verdict, VerdictState
from phoenix_nb.reporting import Choice, ComparisonRequest, RunView, SimulationRequest, SimulationView
from phoenix_nb.runtime import ControlLoop
from phoenix_nb.testing.sample_reports import sample_comparison

__all__ = ["ScriptedLab"]

T = TypeVar("T")


class ScriptedLab:
    """Satisfies the port of the panels with scripted answers; runs its coroutines on a control loop.

    Args:
        steps: updates that a run takes from its start to its end.
        delay: seconds between two updates.
        state: verdict of the run.
    """

    def __init__(
        self, *, steps: int = 20, delay: float = 0.01, state: VerdictState | str = VerdictState.PROMOTE
    ) -> None:
        self._data = sample_comparison(state)
        self._steps, self._delay = steps, delay
        self._loop = ControlLoop("scripted-lab")
        self._runs: dict[str, int] = {}
        self._stopped: set[str] = set()
        self.requests: list[ComparisonRequest | SimulationRequest] = []
        """Every request that was accepted, in order."""

    def close(self) -> None:
        """End the loop and its thread; what still runs on it is cancelled."""
        self._loop.close()

    def submit(self, work: Coroutine[Any, Any, T], /) -> Future[T]:
        """Start ``work`` on the loop."""
        return self._loop.submit(work)

    async def list_pipelines(self) -> Sequence[Choice]:
        """Three catalogue pipelines."""
        names = ("process-baseline-v1", "process-priority-v1", "process-minimal-v1")
        return tuple(Choice(value=name, title=name) for name in names)

    async def list_sources(self) -> Sequence[Choice]:
        """A simulated host and this one."""
        return (
            Choice(value="sim:realistic", title="Simulated host: realistic"),
            Choice(value="host", title="This host"),
        )

    async def list_profiles(self) -> Sequence[Choice]:
        """Two load profiles."""
        return (Choice(value="realistic", title="realistic"), Choice(value="high_churn", title="high churn"))

    async def start_comparison(self, request: ComparisonRequest) -> str:
        """Accept everything but a pipeline compared with one that does not exist."""
        if request.candidate == "missing":
            raise NotFoundError("there is no pipeline 'missing'", hint="phoenix pipeline list shows them")
        return self._begin("exp", request)

    async def stop_comparison(self, experiment_id: str) -> None:
        """Stop it."""
        self._known(experiment_id)
        self._stopped.add(experiment_id)

    async def run_view(self, experiment_id: str) -> RunView:
        """The run at its present step."""
        return self._run_view(experiment_id)

    async def watch_run(self, experiment_id: str) -> AsyncIterator[RunView]:
        """Every step until the end."""
        async for _ in self._play(experiment_id):
            yield self._run_view(experiment_id)

    async def start_simulation(self, request: SimulationRequest) -> str:
        """Accept everything but a profile called ``missing``."""
        if request.profile == "missing":
            raise InvalidRequestError("there is no profile 'missing'", hint="choose one of the list")
        return self._begin("sim", request)

    async def stop_simulation(self, simulation_id: str) -> None:
        """Stop it."""
        self._known(simulation_id)
        self._stopped.add(simulation_id)

    async def simulation_view(self, simulation_id: str) -> SimulationView:
        """The simulation at its present step."""
        return self._simulation_view(simulation_id)

    async def watch_simulation(self, simulation_id: str) -> AsyncIterator[SimulationView]:
        """Every step until the end."""
        async for _ in self._play(simulation_id):
            yield self._simulation_view(simulation_id)

    def _begin(self, prefix: str, request: ComparisonRequest | SimulationRequest) -> str:
        self.requests.append(request)
        new = f"{prefix}_{len(self.requests):026d}"
        self._runs[new] = 0
        return new

    def _known(self, run: str) -> int:
        if run not in self._runs:
            raise NotFoundError(f"there is no run {run}", hint="start one first")
        return self._runs[run]

    async def _play(self, run: str) -> AsyncIterator[int]:
        while True:
            at = self._known(run)
            yield at
            if run in self._stopped or at >= self._steps:
                return
            await asyncio.sleep(self._delay)
            self._runs[run] = min(self._steps, self._runs[run] + 1)

    def _run_view(self, run: str) -> RunView:
        at, data = self._known(run), self._data
        share = at / self._steps
        done = round(share * len(data.frame.index))
        ended = run in self._stopped or at >= self._steps
        frame = data.frame
        return RunView(
            experiment_id=run,
            name=data.name,
            state="completed" if ended else "running",
            terminal=ended,
            can_stop=not ended,
            intervals=done,
            planned=len(frame.index),
            verdict=None if not done else data.verdict if ended else _still(data.verdict, done),
            points=data.window.points if done else None,
            elapsed_seconds=frame.elapsed_seconds[:done],
            low=frame.low[:done],
            high=frame.high[:done],
            target=data.plan.success.target,
            coverage=data.coverage if done else None,
        )

    def _simulation_view(self, run: str) -> SimulationView:
        at = self._known(run)
        ended = run in self._stopped or at >= self._steps
        return SimulationView(
            simulation_id=run,
            profile="realistic",
            state="completed" if ended else "running",
            terminal=ended,
            can_stop=not ended,
            elapsed_seconds=60.0 * at / self._steps,
            duration_seconds=60.0,
            processes=200 + at % 7 if at else None,
            started=200 + 3 * at if at else None,
            ended=2 * at if at else None,
            scrapes=at or None,
            points=1400 * at if at else None,
            series=1400 + 21 * at if at else None,
        )


def _still(verdict: Verdict, done: int) -> Verdict:
    """The verdict as it stood while the run went on."""
    return verdict.model_copy(
        update={
            "state": VerdictState.KEEP_RUNNING,
            "reason": "The saving may still be below 40 %.",
            "intervals": done,
        }
    )
