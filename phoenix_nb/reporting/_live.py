"""What a panel shows of a run or a simulation while it goes on: small values, made from stored state."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from phoenix_nb.interfaces import Value
from phoenix_nb.interfaces.evidence import CoverageReport, PairTotals, Verdict

__all__ = ["Choice", "ComparisonRequest", "RunView", "SimulationRequest", "SimulationView"]


class Choice(Value):
    """One entry of a list to choose from."""

    value: str
    """What is handed back when it is chosen."""
    title: str
    """What people read."""
    description: str = ""
    """One sentence more; may be empty."""


class ComparisonRequest(Value):
    """What the experiment panel asks for."""

    baseline: str
    """Catalogue name or file of the baseline pipeline."""
    candidate: str
    """Catalogue name or file of the candidate pipeline."""
    source: str
    """Source specification, for example ``host`` or ``sim:realistic``."""
    critical: tuple[str, ...] = ()
    """Globs of critical processes."""
    duration_seconds: Annotated[float, Field(gt=0)] | None = None
    """How long to run; ``null`` takes the source's or the plan's own length."""
    every_seconds: Annotated[float, Field(gt=0)] | None = None
    """Scrape period; ``null`` takes the source's default."""
    seed: int | None = None
    """Seed of a simulated source; ``null`` takes its default."""


class RunView(Value):
    """A comparison as it stands now."""

    experiment_id: str
    """Id of the experiment."""
    name: str
    """Its name."""
    state: str
    """Lifecycle state, for example ``running``."""
    terminal: bool
    """Whether that state is final."""
    can_stop: bool
    """Whether the run may be stopped now."""
    intervals: int = Field(ge=0)
    """Finalised intervals so far."""
    planned: int | None = None
    """Planned number of intervals; ``null`` when there is no plan for it."""
    verdict: Verdict | None = None
    """The verdict so far; ``null`` before the first interval."""
    points: PairTotals | None = None
    """Data points of both arms so far, exact; ``null`` before the first interval."""
    elapsed_seconds: tuple[float, ...] = ()
    """Seconds from the start to the end of each interval of the band; as long as ``low`` and ``high``."""
    low: tuple[float | None, ...] = ()
    """Running lower end of the projected saving; ``null`` while it is not estimable."""
    high: tuple[float | None, ...] = ()
    """Running upper end, likewise."""
    target: float | None = None
    """Saving that the plan asks for; ``null`` when the plan asks for none."""
    coverage: CoverageReport | None = None
    """Critical processes so far; ``null`` before the first interval."""
    notes: tuple[str, ...] = ()
    """What the receivers of the arms left out, and warnings; sentences."""
    problem: str = ""
    """Why the run failed or was refused; empty when nothing is wrong."""


class SimulationRequest(Value):
    """What the simulation panel asks for."""

    profile: str
    """Load profile."""
    seed: int = 0
    """Seed; the same seed gives the same processes."""
    duration_seconds: Annotated[float, Field(gt=0)] = 60.0
    """Simulated length, seconds."""
    processes: Annotated[int, Field(gt=0)] | None = None
    """Number of processes; ``null`` takes the profile's own."""


class SimulationView(Value):
    """A simulation as it stands now."""

    simulation_id: str
    """Id of the simulation."""
    profile: str
    """Load profile."""
    state: str
    """Lifecycle state, for example ``running``."""
    terminal: bool
    """Whether that state is final."""
    can_stop: bool
    """Whether it may be stopped now."""
    elapsed_seconds: float = Field(0.0, ge=0)
    """Simulated seconds so far."""
    duration_seconds: float | None = None
    """Simulated seconds in all; ``null`` when it runs until stopped."""
    processes: int | None = None
    """Processes alive now; ``null`` before the first scrape."""
    started: int | None = None
    """Processes started so far."""
    ended: int | None = None
    """Processes ended so far."""
    scrapes: int | None = None
    """Scrapes so far."""
    points: int | None = None
    """Data points so far."""
    series: int | None = None
    """Distinct series so far."""
    problem: str = ""
    """Why it failed; empty when nothing is wrong."""
