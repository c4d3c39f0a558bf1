"""What panels ask of the laboratory: the only door between widgets and services."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Sequence
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

from phoenix_nb.reporting import Choice, ComparisonRequest, RunView, SimulationRequest, SimulationView

__all__ = ["ComparisonPort", "LabPort", "SimulationPort", "Submitter"]

T = TypeVar("T")


class Submitter(Protocol):
    """Runs coroutines on the control loop."""

    def submit(self, work: Coroutine[Any, Any, T], /) -> Future[T]:
        """Start ``work`` on the control loop and return at once; never blocks, callable from any thread."""


class ComparisonPort(Submitter, Protocol):
    """Comparisons as a panel needs them."""

    async def list_pipelines(self) -> Sequence[Choice]:
        """Catalogue pipelines and those that the workspace keeps."""

    async def list_sources(self) -> Sequence[Choice]:
        """Sources that can be compared on here."""

    async def start_comparison(self, request: ComparisonRequest) -> str:
        """Start a comparison; returns its id as soon as it is stored. Bad input raises a domain error."""

    async def stop_comparison(self, experiment_id: str) -> None:
        """Stop a run; what it has measured is kept and judged. Stopping twice changes nothing."""

    async def run_view(self, experiment_id: str) -> RunView:
        """The run as it is stored now."""

    def watch_run(self, experiment_id: str) -> AsyncIterator[RunView]:
        """The run now and after every change, newest wins; ends after the terminal state."""


class SimulationPort(Submitter, Protocol):
    """Simulations as a panel needs them."""

    async def list_profiles(self) -> Sequence[Choice]:
        """Load profiles."""

    async def start_simulation(self, request: SimulationRequest) -> str:
        """Start a simulation; returns its id as soon as it is stored. Bad input raises a domain error."""

    async def stop_simulation(self, simulation_id: str) -> None:
        """Stop it; stopping twice changes nothing."""

    async def simulation_view(self, simulation_id: str) -> SimulationView:
        """The simulation as it is stored now."""

    def watch_simulation(self, simulation_id: str) -> AsyncIterator[SimulationView]:
        """The simulation now and after every change, newest wins; ends after the terminal state."""


class LabPort(ComparisonPort, SimulationPort, Protocol):
    """Everything that the panels of this package need."""
