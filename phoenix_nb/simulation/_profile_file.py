"""The YAML form of a profile: what a file in ``profiles/`` may say."""

from __future__ import annotations

from importlib import resources

import yaml
from pydantic import Field, ValidationError

from phoenix_nb.errors import InvalidRequestError, NotFoundError
from phoenix_nb.interfaces import Value
from phoenix_nb.interfaces.simulation import ChaosConfig, LoadPattern, LoadProfile
from phoenix_nb.simulation._spec import HostSpec, LoadSpec, Role, ShapeSpec, Template

__all__ = [
    "ProfileFile",
    "canonical_name",
    "describe_profiles",
    "load_profile_file",
    "parse_profile_file",
    "profile_names",
]

_MIB = 2.0**20
_KIB = 1024.0
_ORDER = ("realistic", "high_cardinality", "high_churn", "stress", "custom")


class TemplateFile(Value):
    """One kind of process as a profile file writes it."""

    name: str
    """``process.executable.name``; ``{i}`` is the instance number, ``{n}`` and ``{hex}`` are unique per process."""
    role: Role
    """``kernel``, ``service``, ``elastic`` or ``job``."""
    path: str = ""
    """``process.executable.path``."""
    command: str = ""
    """``process.command``."""
    command_line: str = ""
    """``process.command_line``."""
    owner: str = "root"
    """User name."""
    parent: str = ""
    """Name of the parent's kind; empty means pid 1."""
    count: int = Field(default=0, ge=0)
    """Processes of a service or kernel thread."""
    weight: float = Field(default=1.0, ge=0)
    """Share among the elastic kinds or the jobs."""
    critical: bool = False
    """Never touched by churn and chaos."""
    pid: int = Field(default=0, ge=0)
    """A fixed pid; 0 means any."""
    cpu: float = Field(default=0.01, ge=0)
    """Mean CPU use in cores."""
    cpu_pattern: LoadPattern = LoadPattern.CONSTANT
    """How CPU moves."""
    cpu_variance: float = Field(default=0.0, ge=0)
    """Swing as a share of ``cpu``."""
    cpu_period: float = Field(default=60.0, gt=0)
    """Seconds of one cycle."""
    system_share: float = Field(default=0.25, ge=0, le=1)
    """Share of CPU time in the kernel, 0–1."""
    wait: float = Field(default=0.0, ge=0)
    """Seconds of I/O delay per second."""
    memory_mib: float = Field(default=0.0, ge=0)
    """Mean resident MiB."""
    memory_pattern: LoadPattern = LoadPattern.CONSTANT
    """How memory moves."""
    memory_variance: float = Field(default=0.0, ge=0)
    """Swing as a share of ``memory_mib``."""
    memory_period: float = Field(default=60.0, gt=0)
    """Seconds of one cycle."""
    growth_kib: float = Field(default=0.0, ge=0)
    """Resident KiB gained per second."""
    growth_limit_mib: float = Field(default=0.0, ge=0)
    """MiB after which growth starts again; 0 means ten times the mean."""
    virtual_mib: float = Field(default=0.0, ge=0)
    """Address space in MiB beyond the resident part."""
    read_kib: float = Field(default=0.0, ge=0)
    """Mean KiB read per second."""
    write_kib: float = Field(default=0.0, ge=0)
    """Mean KiB written per second."""
    load: float = Field(default=1.0, ge=0, le=1)
    """How strongly the common load moves it, 0–1."""
    threads: int = Field(default=1, ge=1)
    """Threads."""
    open_files: int = Field(default=8, ge=0)
    """Open file descriptors."""
    lifetime: tuple[float, float] | None = None
    """Shortest and longest life in seconds; absent means the churn settings for jobs, no end for others."""
    titles: tuple[str, ...] = ()
    """Command lines it shows in turn."""
    title_rate: float = Field(default=0.0, ge=0)
    """Changes of title per second."""

    def template(self) -> Template:
        """The same in the units of the numeric core."""
        return Template(
            name=self.name,
            path=self.path,
            command=self.command,
            command_line=self.command_line,
            owner=self.owner,
            parent=self.parent,
            role=self.role,
            count=self.count,
            weight=self.weight,
            critical=self.critical,
            pid=self.pid,
            cpu=self.cpu,
            cpu_shape=ShapeSpec(self.cpu_pattern.value, self.cpu_variance, self.cpu_period),
            system_share=self.system_share,
            wait=self.wait,
            memory=self.memory_mib * _MIB,
            memory_shape=ShapeSpec(self.memory_pattern.value, self.memory_variance, self.memory_period),
            growth=self.growth_kib * _KIB,
            growth_limit=self.growth_limit_mib * _MIB,
            virtual=self.virtual_mib * _MIB,
            disk_read=self.read_kib * _KIB,
            disk_write=self.write_kib * _KIB,
            load=self.load,
            threads=self.threads,
            open_files=self.open_files,
            lifetime=self.lifetime,
            titles=self.titles,
            title_rate=self.title_rate,
        )


class HostFile(Value):
    """The machine as a profile file writes it."""

    name: str
    """Host name."""
    cpus: int = Field(default=8, ge=1)
    """Logical CPUs."""
    memory_gib: float = Field(default=32.0, gt=0)
    """Physical GiB."""
    pid_max: int = Field(default=32768, gt=301)
    """Pids are below it."""

    def spec(self) -> HostSpec:
        """The same in the units of the numeric core."""
        return HostSpec(
            name=self.name, cpus=self.cpus, memory=self.memory_gib * 2.0**30, pid_max=self.pid_max
        )


class LoadFile(Value):
    """The common load as a profile file writes it; see ``LoadSpec``."""

    daily: float = Field(default=0.2, ge=0, lt=1)
    """Swing over a day."""
    wave: float = Field(default=0.15, ge=0, lt=1)
    """Swing of the short wave."""
    wave_period: float = Field(default=600.0, gt=0)
    """Seconds of the short wave."""
    noise: float = Field(default=0.15, ge=0, lt=1)
    """Standard deviation of the slow noise."""
    noise_time: float = Field(default=180.0, ge=0)
    """Correlation time in seconds."""

    def spec(self) -> LoadSpec:
        """The same for the numeric core."""
        return LoadSpec(self.daily, self.wave, self.wave_period, self.noise, self.noise_time)


class ShapeFile(Value):
    """How a level moves, as a profile file writes it; see ``ShapeSpec``."""

    pattern: LoadPattern = LoadPattern.CONSTANT
    """How it moves."""
    amplitude: float = Field(default=0.0, ge=0)
    """Swing as a share of the level; a spike may be larger than 1."""
    period: float = Field(default=60.0, gt=0)
    """Seconds of one cycle."""

    def spec(self) -> ShapeSpec:
        """The same for the numeric core."""
        return ShapeSpec(self.pattern.value, self.amplitude, self.period)


class ShapesFile(Value):
    """Movements that all processes share, as a profile file writes them."""

    cpu: ShapeFile = ShapeFile()
    """Of CPU."""
    memory: ShapeFile = ShapeFile()
    """Of memory."""
    disk: ShapeFile = ShapeFile()
    """Of disk."""


class ProfileFile(Value):
    """A whole profile file."""

    title: str
    """One line for people."""
    description: str
    """What the load is like."""
    aliases: tuple[str, ...] = ()
    """Other names it answers to."""
    profile: LoadProfile
    """Counts, churn and usage."""
    shapes: ShapesFile = ShapesFile()
    """Movements that all processes share."""
    chaos: ChaosConfig = ChaosConfig()
    """Failures on purpose."""
    host: HostFile
    """The machine."""
    load: LoadFile = LoadFile()
    """What moves all processes together."""
    processes: tuple[TemplateFile, ...]
    """The kinds of processes."""


def profile_names() -> list[str]:
    """The built-in profiles, the seed's order."""
    return list(_ORDER)


def canonical_name(name: str) -> str:
    """The built-in profile that ``name`` means: ``-`` and ``_`` are the same, aliases are followed.

    Raises:
        NotFoundError: no profile has this name; the hint lists them.
    """
    wanted = name.strip().lower().replace("-", "_")
    if wanted in _ORDER:
        return wanted
    for one in _ORDER:
        if wanted in {alias.replace("-", "_") for alias in load_profile_file(one).aliases}:
            return one
    raise NotFoundError(
        f"no load profile is called {name!r}",
        hint=f"one of {', '.join(_ORDER)}",
        details={"profile": name, "available": list(_ORDER)},
    )


def describe_profiles() -> dict[str, str]:
    """One line about each built-in profile, by name."""
    return {name: load_profile_file(name).description for name in _ORDER}


_CACHE: dict[str, ProfileFile] = {}


def load_profile_file(name: str) -> ProfileFile:
    """The built-in profile file of this canonical name, read once per process."""
    if name not in _CACHE:
        text = (
            resources.files("phoenix_nb.simulation").joinpath("profiles", f"{name}.yaml").read_text("utf-8")
        )
        _CACHE[name] = parse_profile_file(text, name)
    return _CACHE[name]


def parse_profile_file(text: str, name: str) -> ProfileFile:
    """Read the YAML text of a profile.

    Raises:
        InvalidRequestError: no YAML, or a field is missing, unknown or out of range.
    """
    try:
        tree = yaml.safe_load(text)
        if isinstance(tree, dict) and isinstance(tree.get("profile"), dict):
            tree["profile"] = {"name": name, "type": name if name in _ORDER else "custom", **tree["profile"]}
        return ProfileFile.model_validate(tree)
    except (yaml.YAMLError, ValidationError) as exc:
        raise InvalidRequestError(
            f"the profile {name!r} cannot be read: {exc}", hint="compare it with the built-in profiles"
        ) from exc
