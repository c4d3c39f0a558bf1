"""Load simulation: simulated hosts, and real child processes that look like one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, Protocol, Self, runtime_checkable

from pydantic import Field, model_validator

from phoenix_nb.interfaces._context import Context
from phoenix_nb.interfaces._value import Pairs, Timestamp, Value
from phoenix_nb.interfaces.experiment import Description, Name

__all__ = [
    "SIMULATION_TRANSITIONS",
    "ChaosConfig",
    "CrashPattern",
    "CreateSimulationRequest",
    "CustomPattern",
    "Distribution",
    "LoadAdjustment",
    "LoadGenerator",
    "LoadMetrics",
    "LoadPattern",
    "LoadProfile",
    "LoadProfileType",
    "LoadStatus",
    "NetworkIssues",
    "PatternTarget",
    "ProcessChurnConfig",
    "ProcessCountConfig",
    "ProcessCrashes",
    "ProcessSimulationConfig",
    "ProcessSimulator",
    "ProcessSpec",
    "ProcessState",
    "ProcessType",
    "ResourcePattern",
    "ResourceProfile",
    "ResourceSpikes",
    "ResourceUsageConfig",
    "SimulatedProcess",
    "Simulation",
    "SimulationFilter",
    "SimulationList",
    "SimulationMetrics",
    "SimulationService",
    "SimulationState",
    "SimulationTarget",
    "SystemProcess",
    "TargetType",
]


class LoadProfileType(StrEnum):
    """Ready-made kinds of load."""

    REALISTIC = "realistic"
    HIGH_CARDINALITY = "high_cardinality"
    HIGH_CHURN = "high_churn"
    STRESS = "stress"
    CUSTOM = "custom"


class LoadPattern(StrEnum):
    """How a level moves over time."""

    CONSTANT = "constant"
    SINUSOIDAL = "sinusoidal"
    SQUARE_WAVE = "square_wave"
    RANDOM = "random"
    SPIKE = "spike"


class Distribution(StrEnum):
    """Where a number is drawn from; every draw is clamped to its limits."""

    UNIFORM = "uniform"
    NORMAL = "normal"
    EXPONENTIAL = "exponential"
    POISSON = "poisson"


class ProcessCountConfig(Value):
    """How many processes there are."""

    initial: int = Field(ge=1, le=20_000)
    """Processes once the ramp-up is over."""
    min: int = Field(ge=0)
    """Never fewer after the ramp-up."""
    max: int = Field(ge=1, le=20_000)
    """Never more."""
    distribution: Distribution = Distribution.UNIFORM
    """Where the population target is drawn from between ``min`` and ``max``."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.min <= self.initial <= self.max:
            message = "min <= initial <= max does not hold"
            raise ValueError(message)
        return self


class ResourcePattern(Value):
    """A level and how it moves."""

    base_value: float = Field(ge=0)
    """The level: cores for CPU, bytes for memory, bytes per second for disk and network."""
    variance: float = Field(default=0.0, ge=0, le=1)
    """Swing as a share of the level."""
    pattern: LoadPattern = LoadPattern.CONSTANT
    """How it moves."""
    period_seconds: float = Field(default=60.0, gt=0)
    """One cycle, seconds."""


class ResourceUsageConfig(Value):
    """What processes use on average; ``None`` keeps what the process types say."""

    cpu_usage: ResourcePattern | None = None
    """Cores per process."""
    memory_usage: ResourcePattern | None = None
    """Resident bytes per process."""
    disk_io: ResourcePattern | None = None
    """Bytes per second and process."""
    network_io: ResourcePattern | None = None
    """Bytes per second and process; kept for listings, no process metric carries it."""


class ProcessChurnConfig(Value):
    """Births and deaths."""

    spawn_rate: float = Field(default=0.0, ge=0, le=1000)
    """Short-lived processes started per second."""
    kill_rate: float = Field(default=0.0, ge=0, le=1000)
    """Processes killed per second; critical ones never are."""
    lifetime_min_seconds: float = Field(default=1.0, gt=0)
    """Shortest life, seconds."""
    lifetime_max_seconds: float = Field(default=60.0, gt=0)
    """Longest life, seconds."""
    lifetime_distribution: Distribution = Distribution.UNIFORM
    """Where lives are drawn from."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.lifetime_min_seconds > self.lifetime_max_seconds:
            message = "lifetime_min_seconds is greater than lifetime_max_seconds"
            raise ValueError(message)
        return self


class PatternTarget(StrEnum):
    """What a custom pattern acts on."""

    CPU = "cpu"
    MEMORY = "memory"
    DISK = "disk"
    SPAWN = "spawn"
    KILL = "kill"


class CustomPattern(Value):
    """Something that happens for a while."""

    name: str
    """What people call it."""
    target: PatternTarget
    """What it acts on."""
    start_seconds: float = Field(ge=0)
    """After the start of the simulation, seconds."""
    duration_seconds: float = Field(gt=0)
    """How long, seconds; a kill happens once, at the start."""
    value: float = Field(ge=0)
    """A factor for cpu, memory and disk; extra processes per second for spawn; the share killed for kill."""
    match: str = "*"
    """Glob over executable names."""


class LoadProfile(Value):
    """A kind of load with every number in it."""

    name: str = Field(min_length=1, max_length=100)
    """What people call it."""
    type: LoadProfileType
    """The kind; ``custom`` takes nothing from a ready-made one."""
    process_count: ProcessCountConfig | None = None
    """``None`` keeps the ready-made numbers."""
    resource_usage: ResourceUsageConfig = ResourceUsageConfig()
    """What processes use."""
    process_churn: ProcessChurnConfig | None = None
    """``None`` keeps the ready-made numbers."""
    duration_seconds: float | None = Field(default=None, gt=0)
    """Virtual seconds until it ends; ``None`` runs until stopped."""
    ramp_up_seconds: float = Field(default=0.0, ge=0)
    """Seconds over which processes grow to their number."""
    custom_patterns: tuple[CustomPattern, ...] = ()
    """What happens at set times."""


class TargetType(StrEnum):
    """Where processes are simulated."""

    VIRTUAL = "virtual"
    """In virtual time, as payloads only."""
    LOCAL = "local"
    """As real child processes of this machine."""


class SimulationTarget(Value):
    """Where processes are simulated."""

    type: TargetType = TargetType.VIRTUAL
    """Where."""
    max_processes: int = Field(default=500, ge=1, le=500)
    """Most real child processes at a time; the virtual target ignores it."""


class ResourceProfile(Value):
    """What one process uses on average."""

    cpu_cores: float = Field(default=0.01, ge=0)
    """Cores."""
    memory_bytes: int = Field(default=16_000_000, ge=0)
    """Resident bytes."""
    disk_bytes_per_second: float = Field(default=0.0, ge=0)
    """Read and written together."""
    network_bytes_per_second: float = Field(default=0.0, ge=0)
    """Kept for listings."""


class ProcessType(Value):
    """A kind of process to simulate."""

    name: str = Field(min_length=1)
    """Executable name."""
    command: str
    """Command, argument 0."""
    args: tuple[str, ...] = ()
    """Further arguments."""
    count: int = Field(ge=0)
    """How many."""
    resource_profile: ResourceProfile = ResourceProfile()
    """What one uses."""
    labels: Pairs = Field(default_factory=dict)
    """For listings."""


class SystemProcess(Value):
    """A process with a fixed place."""

    name: str
    """Executable name."""
    pid: int = Field(ge=1)
    """Its pid."""
    parent_pid: int = Field(ge=0)
    """Its parent's."""
    user: str = "root"
    """Owner."""
    critical: bool = False
    """Whether churn and chaos must never touch it."""


class CrashPattern(StrEnum):
    """How crashes come."""

    RANDOM = "random"
    PERIODIC = "periodic"
    CASCADING = "cascading"


class ProcessCrashes(Value):
    """Processes that die."""

    probability: float = Field(ge=0, le=1)
    """Random: chance per process and minute; otherwise chance at each period."""
    pattern: CrashPattern = CrashPattern.RANDOM
    """How they come."""
    mean_time_between_failures_seconds: float = Field(default=300.0, gt=0)
    """Period of the periodic and cascading patterns, seconds."""


class ResourceSpikes(Value):
    """Processes that use much more for a while."""

    probability: float = Field(ge=0, le=1)
    """Chance per process and minute."""
    magnitude: float = Field(default=3.0, ge=1)
    """Factor while it lasts."""
    duration_seconds: float = Field(default=30.0, gt=0)
    """How long, seconds."""
    resource: Literal["cpu", "memory", "all"] = "all"
    """Of what."""


class NetworkIssues(Value):
    """Payloads that come late or never."""

    packet_loss: float = Field(default=0.0, ge=0, le=1)
    """Share of payloads that never arrive: a gap, never zeros."""
    latency_seconds: float = Field(default=0.0, ge=0)
    """Between scrape and arrival, seconds."""
    jitter_seconds: float = Field(default=0.0, ge=0)
    """Standard deviation of the latency, seconds."""
    bandwidth_bytes_per_second: float = Field(default=0.0, ge=0)
    """0 means unlimited."""


class ChaosConfig(Value):
    """Failures on purpose; ``None`` means none of that kind."""

    process_crashes: ProcessCrashes | None = None
    """Processes that die."""
    resource_spikes: ResourceSpikes | None = None
    """Processes that use much more."""
    network_issues: NetworkIssues | None = None
    """Payloads that come late or never."""


class ProcessSimulationConfig(Value):
    """A host described process by process."""

    process_types: tuple[ProcessType, ...] = ()
    """Kinds of processes."""
    system_processes: tuple[SystemProcess, ...] = ()
    """Processes with a fixed place."""
    chaos: ChaosConfig = ChaosConfig()
    """Failures on purpose."""
    seed: int = Field(default=0, ge=0)
    """Same seed, same host."""


class ProcessState(StrEnum):
    """What a simulated process does."""

    RUNNING = "running"
    SLEEPING = "sleeping"
    ZOMBIE = "zombie"
    STOPPED = "stopped"


class SimulatedProcess(Value):
    """One process now."""

    pid: int
    """Process id."""
    parent_pid: int
    """Its parent's."""
    name: str
    """Executable name."""
    command: str
    """Command line."""
    user: str
    """Owner."""
    state: ProcessState
    """What it does."""
    start_time: Timestamp
    """When it started, in the simulation's time."""
    cpu_cores: float = Field(ge=0)
    """Cores it uses now."""
    memory_bytes: int = Field(ge=0)
    """Resident bytes now."""
    thread_count: int = Field(ge=0)
    """Threads."""
    open_files: int = Field(ge=0)
    """Open file descriptors."""
    labels: Pairs = Field(default_factory=dict)
    """Of its process type."""


class ProcessSpec(Value):
    """A process to start."""

    name: str = Field(min_length=1)
    """Executable name."""
    command: str = ""
    """Command; empty takes the name."""
    args: tuple[str, ...] = ()
    """Further arguments."""
    user: str = "root"
    """Owner."""
    resource_profile: ResourceProfile = ResourceProfile()
    """What it uses."""
    labels: Pairs = Field(default_factory=dict)
    """For listings."""


class LoadMetrics(Value):
    """The load now."""

    process_count: int = Field(ge=0)
    """Processes alive."""
    cpu_cores: float = Field(ge=0)
    """Cores in use."""
    memory_bytes: int = Field(ge=0)
    """Resident bytes of all processes."""
    spawn_rate: float = Field(ge=0)
    """Processes started per second over the last minute."""
    kill_rate: float = Field(ge=0)
    """Processes ended per second over the last minute."""
    mean_lifetime_seconds: float | None = None
    """Of the processes that have ended; ``None`` while none has."""


class LoadStatus(Value):
    """What a load generator does."""

    active: bool
    """Whether it runs."""
    current_load: LoadMetrics | None = None
    """The load now; ``None`` before the first step."""
    started_at: Timestamp | None = None
    """When it began; ``None`` before."""
    elapsed_seconds: float = Field(default=0.0, ge=0)
    """In its own time, seconds."""
    errors: tuple[str, ...] = ()
    """What went wrong, newest last."""


class LoadAdjustment(Value):
    """A change to a running load; ``None`` means unchanged."""

    process_count_delta: int | None = None
    """Processes more, or fewer."""
    cpu_factor: float | None = Field(default=None, gt=0)
    """CPU use of all processes times this."""
    memory_factor: float | None = Field(default=None, gt=0)
    """Memory of all processes times this."""
    duration_seconds: float | None = Field(default=None, gt=0)
    """For how long; ``None`` means until changed again."""


class SimulationState(StrEnum):
    """Where a simulation stands."""

    PENDING = "pending"
    RUNNING = "running"
    STOPPED = "stopped"
    FAILED = "failed"


SIMULATION_TRANSITIONS: Mapping[SimulationState, frozenset[SimulationState]] = MappingProxyType(
    {
        SimulationState.PENDING: frozenset({SimulationState.RUNNING, SimulationState.FAILED}),
        SimulationState.RUNNING: frozenset({SimulationState.STOPPED, SimulationState.FAILED}),
        SimulationState.STOPPED: frozenset(),
        SimulationState.FAILED: frozenset(),
    }
)
"""Every legal move of a simulation."""


class Simulation(Value):
    """One simulation."""

    id: str
    """``sim_`` and a ULID."""
    name: Name
    """A name people choose."""
    description: Description = ""
    """Free text."""
    profile: LoadProfile
    """The load."""
    target: SimulationTarget = SimulationTarget()
    """Where."""
    seed: int = Field(default=0, ge=0)
    """Same seed, same host."""
    every_seconds: float = Field(default=10.0, gt=0)
    """Time between two scrapes, seconds of its own time."""
    pace: float | None = Field(default=None, gt=0)
    """Virtual seconds per real second; ``None`` runs at full speed."""
    state: SimulationState
    """Where it stands."""
    state_reason: str = ""
    """Why."""
    created_at: Timestamp
    """When it was created."""
    started_at: Timestamp | None = None
    """When it began; ``None`` before."""
    stopped_at: Timestamp | None = None
    """When it ended; ``None`` before."""
    created_by: str
    """Principal."""
    version: int = Field(default=1, ge=1)
    """Grows by one at every change."""


class SimulationMetrics(Value):
    """What a simulation did so far."""

    simulation_id: str
    """Which simulation."""
    elapsed_seconds: float = Field(ge=0)
    """In its own time, seconds."""
    scrapes: int = Field(ge=0)
    """Payloads made."""
    points: int = Field(ge=0)
    """Data points made."""
    series: int = Field(ge=0)
    """Distinct series made."""
    processes_created: int = Field(ge=0)
    """Processes started, the first ones included."""
    processes_ended: int = Field(ge=0)
    """Processes ended."""
    process_count: int = Field(ge=0)
    """Processes alive now."""
    process_count_mean: float | None = None
    """Mean over scrapes; ``None`` before the first."""
    process_count_peak: int | None = None
    """Most at a scrape; ``None`` before the first."""
    cpu_cores_mean: float | None = None
    """Mean over scrapes, cores; ``None`` before the first."""
    cpu_cores_peak: float | None = None
    """Most at a scrape, cores; ``None`` before the first."""
    memory_bytes_mean: float | None = None
    """Mean over scrapes, bytes; ``None`` before the first."""
    memory_bytes_peak: int | None = None
    """Most at a scrape, bytes; ``None`` before the first."""
    errors: int = Field(default=0, ge=0)
    """What went wrong."""


class CreateSimulationRequest(Value):
    """What it takes to create a simulation."""

    name: Name
    """A name people choose."""
    description: Description = ""
    """Free text."""
    profile: LoadProfile
    """The load."""
    target: SimulationTarget = SimulationTarget()
    """Where."""
    seed: int = Field(default=0, ge=0)
    """Same seed, same host."""
    every_seconds: float = Field(default=10.0, gt=0)
    """Time between two scrapes, seconds of its own time."""
    pace: float | None = Field(default=None, gt=0)
    """Virtual seconds per real second; ``None`` runs at full speed."""
    auto_start: bool = False
    """Whether to start it at once."""


class SimulationFilter(Value):
    """Which simulations to list: OR inside a field, AND between fields."""

    states: tuple[SimulationState, ...] = ()
    """Any of these; empty means all."""
    created_by: str | None = None
    """Only those of this principal."""
    page_size: int = Field(default=50, ge=1, le=1000)
    """Most items of one answer."""
    page_token: str = ""
    """Where the last answer ended; empty begins."""


class SimulationList(Value):
    """One page of simulations, newest first."""

    simulations: tuple[Simulation, ...]
    """The items."""
    next_page_token: str = ""
    """Continues the list; empty at its end."""
    total_count: int = Field(ge=0)
    """Items in all pages."""


@runtime_checkable
class SimulationService(Protocol):
    """Load generation and testing.

    Promised: the same profile, seed and scrape period give the same processes. Not promised: that a simulation
    survives the process that runs it.
    """

    async def create_simulation(self, ctx: Context, request: CreateSimulationRequest) -> Simulation:
        """Check and store a simulation, and start it when asked.

        Raises:
            InvalidRequestError: the profile contradicts itself.
        """
        ...

    async def get_simulation(self, ctx: Context, simulation_id: str) -> Simulation:
        """One simulation.

        Raises:
            NotFoundError: no such simulation.
        """
        ...

    async def list_simulations(self, ctx: Context, filter: SimulationFilter) -> SimulationList:  # noqa: A002
        """One page, newest first."""
        ...

    async def start_simulation(self, ctx: Context, simulation_id: str) -> Simulation:
        """Begin; returns once ``running`` is durable. Starting a running one changes nothing.

        Raises:
            NotFoundError: no such simulation.
            TransitionError: it has ended.
        """
        ...

    async def stop_simulation(self, ctx: Context, simulation_id: str) -> Simulation:
        """End it; every real child process is gone when this returns. Idempotent.

        Raises:
            NotFoundError: no such simulation.
            TransitionError: it was never started.
        """
        ...

    async def get_simulation_metrics(self, ctx: Context, simulation_id: str) -> SimulationMetrics:
        """What it did so far.

        Raises:
            NotFoundError: no such simulation, or it was never started in this process.
        """
        ...


@runtime_checkable
class LoadGenerator(Protocol):
    """Makes load from a profile."""

    async def generate_load(self, ctx: Context, profile: LoadProfile) -> LoadStatus:
        """Begin; returns at once.

        Raises:
            ConflictError: it is active already.
        """
        ...

    async def stop_load(self, ctx: Context) -> LoadStatus:
        """End; nothing of it is left when this returns. Idempotent."""
        ...

    async def get_status(self, ctx: Context) -> LoadStatus:
        """What it does now."""
        ...

    async def adjust_load(self, ctx: Context, adjustment: LoadAdjustment) -> LoadStatus:
        """Change a running load.

        Raises:
            ConflictError: it is not active.
        """
        ...


@runtime_checkable
class ProcessSimulator(Protocol):
    """A host process by process."""

    async def simulate_processes(
        self, ctx: Context, config: ProcessSimulationConfig
    ) -> Sequence[SimulatedProcess]:
        """Start over with these processes; returns them."""
        ...

    async def get_process_list(self, ctx: Context) -> Sequence[SimulatedProcess]:
        """All living processes, by pid."""
        ...

    async def kill_process(self, ctx: Context, pid: int) -> None:
        """End a process.

        Raises:
            NotFoundError: no living process has this pid.
        """
        ...

    async def spawn_process(self, ctx: Context, spec: ProcessSpec) -> SimulatedProcess:
        """Start a process; returns it."""
        ...
