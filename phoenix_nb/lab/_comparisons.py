"""From what people type to an experiment: names or files, durations as text, one plan."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from phoenix_nb.errors import ConfigError, ConflictError, InvalidRequestError, NotFoundError
from phoenix_nb.interfaces import (
    Context,
    CostBasis,
    CreateExperimentRequest,
    CreatePipelineRequest,
    EngineKind,
    ExperimentConfig,
    Pipeline,
    PipelineConfig,
    Plan,
)
from phoenix_nb.lab._services import Services
from phoenix_nb.lab._sources import default_length
from phoenix_nb.lab._texts import load_plan, read_text
from phoenix_nb.runtime import Settings, parse_duration

__all__ = ["Comparison", "prepare", "seconds_of", "start_comparison"]

_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Comparison:
    """What people ask for; every field as :meth:`phoenix_nb.lab.Lab.compare` takes it."""

    baseline: str
    candidate: str
    source: str = "host"
    every: str | float | None = None
    duration: str | float | None = None
    seed: int | None = None
    critical: Sequence[str] = ()
    plan: Plan | str | Path | None = None
    engine: EngineKind = EngineKind.EMBEDDED
    name: str = ""
    keep_payloads: bool = True
    redact: bool = True
    stop_when_decided: bool = False
    aa_override: str = ""
    cost_every: str | float = 60.0
    hosts: int = 1
    account: bool = False


def seconds_of(value: str | float | None) -> float | None:
    """Seconds of a duration such as ``10s`` or a number of seconds; ``None`` stays ``None``.

    Raises:
        InvalidRequestError: it is not a duration, or not greater than zero.
    """
    if value is None:
        return None
    seconds = parse_duration(value) if isinstance(value, str) else float(value)
    if not 0 < seconds < float("inf"):
        raise InvalidRequestError(
            f"a duration must be greater than zero, not {value}", hint="for example 10s or 2h"
        )
    return seconds


async def prepare(
    ctx: Context, asked: Comparison, services: Services, settings: Settings
) -> CreateExperimentRequest:
    """Check what was asked and turn it into a request; configuration files become stored pipelines.

    Raises:
        NotFoundError: a pipeline, profile or file does not exist.
        ConfigError: a configuration is refused.
        PlanError: the plan is refused.
        InvalidRequestError: a value does not fit.
    """
    every, duration = default_length(asked.source, seconds_of(asked.every), seconds_of(asked.duration))
    plan = await asyncio.to_thread(_plan, asked)
    baseline = await _pipeline(ctx, asked.baseline, asked.engine, services, settings)
    candidate = await _pipeline(ctx, asked.candidate, asked.engine, services, settings)
    try:
        return CreateExperimentRequest(
            name=asked.name or f"{baseline.name} and {candidate.name}"[:_LONGEST_NAME],
            baseline_pipeline=baseline.id,
            candidate_pipeline=candidate.id,
            config=ExperimentConfig(
                source=asked.source.strip(),
                every_seconds=every,
                duration_seconds=duration,
                seed=asked.seed or 0,
                plan=plan,
                engine=asked.engine,
                redact=asked.redact,
                keep_payloads=asked.keep_payloads,
                aa_override=asked.aa_override,
                cost_every_seconds=seconds_of(asked.cost_every) or 60.0,
                hosts=asked.hosts,
                cost_basis=CostBasis.ACCOUNT if asked.account else CostBasis.MARGINAL,
            ),
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InvalidRequestError(f"{field}: {first['msg']}", details={"field": field}) from error


async def start_comparison(ctx: Context, asked: Comparison, services: Services, settings: Settings) -> str:
    """Prepare, store and start a comparison; returns its id. Raises what :func:`prepare` raises."""
    wanted = await prepare(ctx, asked, services, settings)
    made = await services.experiments.create_experiment(ctx, wanted)
    await services.experiments.start_experiment(ctx, made.id)
    return made.id


def _plan(asked: Comparison) -> Plan:
    plan = asked.plan
    if plan is None:
        plan = Plan()
    elif not isinstance(plan, Plan):
        plan = load_plan(plan)
    changes: dict[str, object] = {}
    if asked.critical:
        changes["critical"] = tuple(dict.fromkeys((*plan.critical, *asked.critical)))
    if asked.stop_when_decided:
        changes["stop_when_decided"] = True
    return Plan.model_validate({**plan.model_dump(), **changes}) if changes else plan


async def _pipeline(
    ctx: Context, given: str, engine: EngineKind, services: Services, settings: Settings
) -> Pipeline:
    """A pipeline by name or id, else a configuration file, which is stored under a name made from its text."""
    looks_like_file = "/" in given or given.endswith((".yaml", ".yml"))
    if not looks_like_file:
        try:
            return await services.pipelines.get_pipeline(ctx, given)
        except NotFoundError:
            if not await asyncio.to_thread(_is_file, given):
                raise
    text = await asyncio.to_thread(read_text, given)
    if not text.strip():
        raise ConfigError(
            f"{given} is an empty configuration",
            hint="`phoenix pipeline show process-baseline-v1` prints one to start from",
            details={"path": given},
        )
    config = PipelineConfig(yaml=text, engine=engine, collector_version=settings.collector_version)
    name = _file_name(given, config)
    try:
        return await services.pipelines.create_pipeline(
            ctx, CreatePipelineRequest(name=name, description=f"from {Path(given).name}", config=config)
        )
    except ConfigError as error:
        # Two files, or three with the plan, are at hand: which one is meant?
        raise type(error)(f"{given}: {error.message}", hint=error.hint, details=error.details) from error
    except ConflictError:
        # The same text was stored before: the name holds its digest.
        return await services.pipelines.get_pipeline(ctx, name)


def _is_file(given: str) -> bool:
    return Path(given).expanduser().is_file()


def _file_name(given: str, config: PipelineConfig) -> str:
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(given).stem).strip("-") or "pipeline"
    digest = hashlib.sha256(config.model_dump_json().encode()).hexdigest()[:8]
    return f"{stem[:80]}-{digest}"
