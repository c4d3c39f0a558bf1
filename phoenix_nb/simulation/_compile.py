"""From the contract's values to what the numeric core runs on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.interfaces.simulation import (
    ChaosConfig,
    LoadProfile,
    LoadProfileType,
    ProcessSimulationConfig,
    ProcessSpec,
    ProcessType,
    ResourcePattern,
    SystemProcess,
)
from phoenix_nb.simulation._births import mean_lifetime
from phoenix_nb.simulation._profile_file import canonical_name, load_profile_file
from phoenix_nb.simulation._spec import (
    FOREVER,
    ChaosSpec,
    ChurnSpec,
    CountSpec,
    EffectSpec,
    HostSpec,
    LoadSpec,
    Role,
    ShapeSpec,
    Template,
    WorldSpec,
)

__all__ = ["compile_processes", "compile_world", "load_profile", "template_of"]

_MOST = 20_000


def load_profile(name: str) -> LoadProfile:
    """A built-in profile by name, alias or either spelling, with every number filled in.

    Raises:
        NotFoundError: no profile has this name; the hint lists them.
    """
    return load_profile_file(canonical_name(name)).profile


def compile_world(profile: LoadProfile | str, processes: ProcessSimulationConfig | None = None) -> WorldSpec:
    """The host that a load profile describes.

    What the profile leaves out (``None``) comes from the built-in profile of its type; ``custom`` stands on a plain
    application mix. A ``base_value`` scales the levels of all processes so that their mean is that value; kernel
    threads keep theirs. Process types replace the kinds of the built-in profile.

    Args:
        profile: the profile, or the name of a built-in one.
        processes: kinds of processes, fixed processes and chaos to use instead of the built-in ones.

    Raises:
        NotFoundError: no profile has this name.
        InvalidRequestError: values that contradict each other.
    """
    if isinstance(profile, str):
        profile = load_profile(profile)
    base = load_profile_file(profile.type.value)
    count = profile.process_count or base.profile.process_count
    churn = profile.process_churn or base.profile.process_churn
    if count is None or churn is None:
        raise InvalidRequestError(
            f"the profile {profile.name!r} says neither how many processes there are nor how they come and go",
            hint="set process_count and process_churn",
        )
    chaos = base.chaos
    templates = tuple(one.template() for one in base.processes)
    if processes is not None:
        if processes.process_types or processes.system_processes:
            kept = tuple(one for one in templates if one.role is Role.JOB)
            templates = (*_listed(processes, elastic=True), *kept)
        chaos = processes.chaos
    spec = WorldSpec(
        name=profile.name if profile.type is LoadProfileType.CUSTOM else profile.type.value,
        templates=templates,
        count=CountSpec(count.initial, count.min, count.max, count.distribution.value),
        churn=ChurnSpec(
            churn.spawn_rate,
            churn.kill_rate,
            churn.lifetime_min_seconds,
            churn.lifetime_max_seconds,
            churn.lifetime_distribution.value,
        ),
        load=base.load.spec(),
        host=base.host.spec(),
        cpu=base.shapes.cpu.spec(),
        memory=base.shapes.memory.spec(),
        disk=base.shapes.disk.spec(),
        effects=tuple(
            EffectSpec(one.target.value, one.start_seconds, one.duration_seconds, one.value, one.match)
            for one in profile.custom_patterns
        ),
        chaos=_chaos(chaos),
        ramp_up=profile.ramp_up_seconds,
        duration=FOREVER if profile.duration_seconds is None else profile.duration_seconds,
    )
    return _scaled(spec, profile)


def compile_processes(config: ProcessSimulationConfig) -> WorldSpec:
    """A host of exactly these processes: no churn, no population target, no common load.

    Raises:
        InvalidRequestError: a pid occurs twice, or is no legal pid.
    """
    templates = _listed(config, elastic=False)
    total = sum(one.count for one in templates)
    return WorldSpec(
        name="processes",
        templates=templates,
        count=CountSpec(initial=min(total, _MOST), low=0, high=_MOST),
        load=LoadSpec(daily=0.0, wave=0.0, noise=0.0),
        host=HostSpec(name="sim-host"),
        chaos=_chaos(config.chaos),
    )


def template_of(spec: ProcessSpec | ProcessType, *, role: Role = Role.SERVICE, count: int = 0) -> Template:
    """The kind that a process to start belongs to."""
    command = spec.command or spec.name
    usage = spec.resource_profile
    return Template(
        name=spec.name,
        path=command if command.startswith("/") else f"/usr/bin/{spec.name}",
        command=command,
        command_line=" ".join((command, *spec.args)),
        owner=spec.user if isinstance(spec, ProcessSpec) else "root",
        role=role,
        count=count,
        weight=float(max(count, 1)),
        labels=tuple(sorted(spec.labels.items())),
        cpu=usage.cpu_cores,
        memory=float(usage.memory_bytes),
        disk_read=usage.disk_bytes_per_second / 2,
        disk_write=usage.disk_bytes_per_second / 2,
        threads=max(1, math.ceil(usage.cpu_cores)),
    )


def _listed(config: ProcessSimulationConfig, *, elastic: bool) -> tuple[Template, ...]:
    pids = [one.pid for one in config.system_processes]
    twice = sorted({pid for pid in pids if pids.count(pid) > 1})
    if twice:
        raise InvalidRequestError(
            f"pid {twice[0]} occurs twice among the system processes", details={"pid": twice[0]}
        )
    beyond = [pid for pid in pids if pid >= HostSpec().pid_max]
    if beyond:
        raise InvalidRequestError(
            f"pid {beyond[0]} is not below {HostSpec().pid_max}", details={"pid": beyond[0]}
        )
    fixed = tuple(_system(one) for one in config.system_processes)
    role = Role.ELASTIC if elastic else Role.SERVICE
    return (*fixed, *(template_of(one, role=role, count=one.count) for one in config.process_types))


def _system(one: SystemProcess) -> Template:
    return Template(
        name=one.name,
        path=f"/usr/sbin/{one.name}",
        command=f"/usr/sbin/{one.name}",
        command_line=f"/usr/sbin/{one.name}",
        owner=one.user,
        role=Role.SERVICE,
        count=1,
        critical=one.critical,
        pid=one.pid,
        parent_pid=one.parent_pid,
        cpu=0.002,
    )


def _chaos(config: ChaosConfig) -> ChaosSpec:
    spec = ChaosSpec()
    if (crashes := config.process_crashes) is not None:
        spec = replace(
            spec,
            crash_probability=crashes.probability,
            crash_pattern=crashes.pattern.value,
            crash_period=crashes.mean_time_between_failures_seconds,
        )
    if (spikes := config.resource_spikes) is not None:
        spec = replace(
            spec,
            spike_probability=spikes.probability,
            spike_magnitude=spikes.magnitude,
            spike_duration=spikes.duration_seconds,
            spike_resource=spikes.resource,
        )
    if (network := config.network_issues) is not None:
        spec = replace(
            spec,
            packet_loss=network.packet_loss,
            latency=network.latency_seconds,
            jitter=network.jitter_seconds,
            bandwidth=network.bandwidth_bytes_per_second,
        )
    return spec


def _scaled(spec: WorldSpec, profile: LoadProfile) -> WorldSpec:
    """Apply the profile's levels: the mean over the expected population becomes ``base_value``."""
    usage = profile.resource_usage
    if (cpu := usage.cpu_usage) is not None:
        templates = _levelled(spec, cpu, lambda one: one.cpu, _with_cpu)
        spec = replace(spec, cpu=_shape(cpu), templates=templates)
    if (memory := usage.memory_usage) is not None:
        templates = _levelled(spec, memory, lambda one: one.memory, _with_memory)
        spec = replace(spec, memory=_shape(memory), templates=templates)
    if (disk := usage.disk_io) is not None:
        templates = _levelled(spec, disk, lambda one: one.disk_read + one.disk_write, _with_disk)
        spec = replace(spec, disk=_shape(disk), templates=templates)
    return spec


def _with_cpu(one: Template, level: float) -> Template:
    return replace(one, cpu=level)


def _with_memory(one: Template, level: float) -> Template:
    factor = level / one.memory if one.memory else 0.0
    return replace(
        one,
        memory=level,
        virtual=one.virtual * factor,
        growth=one.growth * factor,
        growth_limit=one.growth_limit * factor,
    )


def _with_disk(one: Template, level: float) -> Template:
    now = one.disk_read + one.disk_write
    share = one.disk_read / now if now else 0.5
    return replace(one, disk_read=level * share, disk_write=level * (1 - share))


def _shape(pattern: ResourcePattern) -> ShapeSpec:
    return ShapeSpec(pattern.pattern.value, pattern.variance, pattern.period_seconds)


def _expected(spec: WorldSpec) -> list[float]:
    """How many processes of each kind there will be on average; none of the kernel's."""
    jobs = spec.churn.spawn_rate * mean_lifetime(spec)
    fixed = sum(one.count for one in spec.templates if one.role in (Role.SERVICE, Role.KERNEL))
    elastic = max(spec.count.initial - fixed - jobs, 0.0)
    weights = {
        role: sum(one.weight for one in spec.templates if one.role is role) or 1.0
        for role in (Role.ELASTIC, Role.JOB)
    }
    expected = []
    for one in spec.templates:
        match one.role:
            case Role.SERVICE:
                expected.append(float(one.count))
            case Role.ELASTIC:
                expected.append(elastic * one.weight / weights[Role.ELASTIC])
            case Role.JOB:
                expected.append(jobs * one.weight / weights[Role.JOB])
            case _:
                expected.append(0.0)
    return expected


def _levelled(
    spec: WorldSpec,
    wanted: ResourcePattern,
    level_of: Callable[[Template], float],
    with_level: Callable[[Template, float], Template],
) -> tuple[Template, ...]:
    """Every kind but the kernel's with its level scaled; all get the same one where none has any."""
    expected = _expected(spec)
    total = sum(expected)
    mean = (
        sum(level_of(one) * count for one, count in zip(spec.templates, expected, strict=True)) / total
        if total
        else 0
    )
    return tuple(
        one
        if one.role is Role.KERNEL
        else with_level(one, level_of(one) * wanted.base_value / mean if mean > 0 else wanted.base_value)
        for one in spec.templates
    )
