"""What a simulated host is made of, as plain data: the form that the numeric core runs on."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

__all__ = [
    "ChaosSpec",
    "ChurnSpec",
    "CountSpec",
    "EffectSpec",
    "HostSpec",
    "LoadSpec",
    "Role",
    "ShapeSpec",
    "Template",
    "WorldSpec",
]

FOREVER = float("inf")


class Role(StrEnum):
    """How a kind of process lives."""

    KERNEL = "kernel"
    """A kernel thread: always there, without path, command and memory."""
    SERVICE = "service"
    """Runs from the start; a supervisor restarts it, with a new pid, when it dies."""
    ELASTIC = "elastic"
    """Comes and goes with the population target; it fills what is left of the process count."""
    JOB = "job"
    """Short: spawned at the churn rate, ends after its lifetime."""


@dataclass(frozen=True, slots=True)
class ShapeSpec:
    """How a level moves over time around its base: the seed's ``ResourcePattern`` without the base."""

    kind: str = "constant"
    """``constant``, ``sinusoidal``, ``square_wave``, ``random`` or ``spike``."""
    amplitude: float = 0.0
    """Swing as a share of the base: 0.5 moves between 0.5 and 1.5 times the base (a spike goes up only)."""
    period: float = 60.0
    """Seconds of one cycle; spikes last a sixth of it."""


@dataclass(frozen=True, slots=True)
class Template:
    """One kind of process. Texts may hold ``{i}`` (instance number), ``{hex}`` and ``{n}`` (unique numbers)."""

    name: str
    """``process.executable.name``; may hold placeholders."""
    path: str = ""
    """``process.executable.path``; empty for kernel threads."""
    command: str = ""
    """``process.command`` (argument 0)."""
    command_line: str = ""
    """``process.command_line``."""
    owner: str = "root"
    """User name."""
    parent: str = ""
    """Name of the template whose first living process is the parent; empty means pid 1."""
    parent_pid: int = -1
    """A fixed parent pid; -1 means what ``parent`` says."""
    role: Role = Role.ELASTIC
    """How it lives."""
    count: int = 0
    """Processes at the start: exact for services and kernel threads, unused for elastic kinds and jobs."""
    weight: float = 1.0
    """Share among the elastic kinds, or among the jobs."""
    critical: bool = False
    """Whether churn and chaos must never touch it."""
    pid: int = 0
    """A fixed pid for the first one; 0 means the next free one."""
    cpu: float = 0.01
    """Mean CPU use in cores."""
    cpu_shape: ShapeSpec = field(default_factory=ShapeSpec)
    """How CPU moves."""
    system_share: float = 0.25
    """Share of the CPU time spent in the kernel, 0–1."""
    wait: float = 0.0
    """Mean seconds of block I/O delay per second."""
    memory: float = 16e6
    """Mean resident bytes."""
    memory_shape: ShapeSpec = field(default_factory=ShapeSpec)
    """How memory moves."""
    growth: float = 0.0
    """Resident bytes gained per second of life."""
    growth_limit: float = 0.0
    """Bytes after which growth ends and starts again, as after a collection; 0 means 10 times ``memory``."""
    virtual: float = 0.0
    """Address space beyond the resident bytes; 0 means twice ``memory``."""
    disk_read: float = 0.0
    """Mean bytes read per second."""
    disk_write: float = 0.0
    """Mean bytes written per second."""
    load: float = 1.0
    """How strongly the common load of the host moves CPU and disk, 0–1."""
    threads: int = 1
    """Thread count."""
    open_files: int = 8
    """Open file descriptors."""
    lifetime: tuple[float, float] | None = None
    """Shortest and longest life in seconds; ``None`` uses the profile's churn settings for jobs, no end otherwise."""
    titles: tuple[str, ...] = ()
    """Command lines the process writes over its own, as PostgreSQL sessions do; it starts with the first."""
    title_rate: float = 0.0
    """Changes of title per process and second."""
    labels: tuple[tuple[str, str], ...] = ()
    """Labels of the process type, kept for listings only."""


@dataclass(frozen=True, slots=True)
class CountSpec:
    """How many processes there are."""

    initial: int
    """Processes once the ramp-up is over."""
    low: int
    """Never fewer once the ramp-up is over, as far as there are elastic kinds or jobs to fill up with."""
    high: int
    """Never more: births beyond it are suppressed and counted."""
    distribution: str = "uniform"
    """Where the population target is drawn from, anew every ``retarget`` seconds."""
    retarget: float = 600.0
    """Seconds between two draws of the population target."""


@dataclass(frozen=True, slots=True)
class ChurnSpec:
    """Births and deaths."""

    spawn_rate: float = 0.0
    """Jobs spawned per second on average."""
    kill_rate: float = 0.0
    """Non-critical processes killed per second on average."""
    lifetime_low: float = 1.0
    """Shortest life of a job in seconds."""
    lifetime_high: float = 60.0
    """Longest life of a job in seconds."""
    lifetime_distribution: str = "uniform"
    """``uniform``, ``normal``, ``exponential`` or ``poisson``."""


@dataclass(frozen=True, slots=True)
class LoadSpec:
    """The load that all processes of the host share; it makes counts and counters autocorrelated."""

    daily: float = 0.2
    """Swing over 24 hours as a share of the mean."""
    wave: float = 0.15
    """Swing of the short wave as a share of the mean."""
    wave_period: float = 600.0
    """Seconds of the short wave."""
    noise: float = 0.15
    """Standard deviation of the slow noise, as a share of the mean."""
    noise_time: float = 180.0
    """Correlation time of the slow noise in seconds."""
    spawn: float = 1.0
    """How strongly the load moves the spawn rate, 0–1."""


@dataclass(frozen=True, slots=True)
class EffectSpec:
    """Something that happens for a while to the processes whose name matches: the seed's ``CustomPattern``."""

    kind: str
    """``cpu``, ``memory``, ``disk`` (factor), ``spawn`` (births per second) or ``kill`` (share, at the start)."""
    start: float
    """Seconds after the start of the simulation."""
    duration: float
    """Seconds; ignored by ``kill``."""
    value: float
    """The factor, rate or share."""
    match: str = "*"
    """Glob over the executable name."""


@dataclass(frozen=True, slots=True)
class ChaosSpec:
    """Failures on purpose."""

    crash_probability: float = 0.0
    """Random: chance that a process crashes within a minute. Periodic, cascading: chance at each period."""
    crash_pattern: str = "random"
    """``random``, ``periodic`` (one process every ``crash_period``) or ``cascading`` (one, then its neighbours)."""
    crash_period: float = 300.0
    """Mean time between failures in seconds."""
    spike_probability: float = 0.0
    """Chance that a process starts a spike within a minute."""
    spike_magnitude: float = 1.0
    """Factor while the spike lasts."""
    spike_duration: float = 30.0
    """Seconds."""
    spike_resource: str = "all"
    """``cpu``, ``memory`` or ``all``."""
    packet_loss: float = 0.0
    """Share of payloads that never arrive, 0–1: a gap, never a repeated payload."""
    latency: float = 0.0
    """Seconds between the scrape and the arrival of its payload."""
    jitter: float = 0.0
    """Standard deviation of the latency in seconds."""
    bandwidth: float = 0.0
    """Bytes per second on the way; 0 means unlimited."""


@dataclass(frozen=True, slots=True)
class HostSpec:
    """The machine."""

    name: str = "sim-host"
    """Host name, for people."""
    cpus: int = 8
    """Logical CPUs: the sum of all CPU use never exceeds it."""
    memory: float = 32 * 2**30
    """Physical bytes."""
    pid_max: int = 32768
    """Pids are below it; the next one after it is the first free above 300, as on Linux."""
    uptime: float = 3 * 86400.0
    """Seconds since boot at the start of the simulation."""
    scrape_cost: float = 45e-6
    """Seconds a scraper needs per process: timestamps inside a scrape differ by about that."""


@dataclass(frozen=True, slots=True)
class WorldSpec:
    """A whole simulated host."""

    name: str
    """Name of the profile."""
    templates: tuple[Template, ...]
    """The kinds of processes."""
    count: CountSpec
    """How many."""
    churn: ChurnSpec = field(default_factory=ChurnSpec)
    """How they come and go."""
    load: LoadSpec = field(default_factory=LoadSpec)
    """What moves them together."""
    host: HostSpec = field(default_factory=HostSpec)
    """The machine."""
    cpu: ShapeSpec = field(default_factory=ShapeSpec)
    """Movement of all CPU levels together (the profile's ``resource_usage.cpu_usage``)."""
    memory: ShapeSpec = field(default_factory=ShapeSpec)
    """Movement of all memory levels together."""
    disk: ShapeSpec = field(default_factory=ShapeSpec)
    """Movement of all disk rates together."""
    effects: tuple[EffectSpec, ...] = ()
    """What happens at set times."""
    chaos: ChaosSpec = field(default_factory=ChaosSpec)
    """What fails."""
    ramp_up: float = 0.0
    """Seconds over which elastic processes and jobs grow to their numbers; 0 means all at once."""
    duration: float = FOREVER
    """Seconds after which the simulation ends by itself."""
