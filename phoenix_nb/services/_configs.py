"""Collector configurations as the services use them: checked, and compiled for a run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

from phoenix_nb.collector import CollectorConfig, compile_config, parse_config, validate_config
from phoenix_nb.collector.receiving import ReceiverAsks, ReceiverGroup, text_asks
from phoenix_nb.errors import ConfigError, UnavailableError
from phoenix_nb.interfaces import EngineKind, PipelineConfig, Problem, Severity, ValidationResult
from phoenix_nb.otlp import Dictionaries
from phoenix_nb.otlp.contracts import PipelineEngine

__all__ = ["ConfigCompiler", "EngineCompiler"]

_UNSUPPORTED = "COMPONENT_UNSUPPORTED"


class EngineCompiler(Protocol):
    """Compiles configurations for an engine that is not the embedded one."""

    async def engine_factory(self, config: PipelineConfig) -> Callable[[Dictionaries], PipelineEngine]:
        """What makes engines of a configuration, checked.

        Raises:
            ConfigError: it is not valid.
            UnavailableError: the engine is not there.
        """
        ...


class ConfigCompiler:
    """Checks configurations and compiles them, with the variables that ``${env:…}`` may use.

    Args:
        environment: the variables.
        otelcol: compiles for the real collector; ``None`` where there is only the embedded engine.
    """

    def __init__(self, environment: Mapping[str, str], otelcol: EngineCompiler | None = None) -> None:
        self._environment = dict(environment)
        self._otelcol = otelcol

    async def validate(self, config: PipelineConfig) -> ValidationResult:
        """Every finding; problems are an answer, not an error."""
        return await asyncio.to_thread(self._validate, config)

    def _validate(self, config: PipelineConfig) -> ValidationResult:
        found = validate_config(
            config.yaml, environment=self._environment, collector_version=config.collector_version
        )
        foreign = [one for one in found if one.code == _UNSUPPORTED]
        if config.engine is EngineKind.OTELCOL:
            # What only the real collector has is for the real collector to judge.
            found = [one for one in found if one.code != _UNSUPPORTED]
        problems = tuple(Problem.model_validate(one.model_dump(exclude={"collector_text"})) for one in found)
        valid = all(one.severity is not Severity.ERROR for one in problems)
        readable = valid and all(one.severity is not Severity.ERROR for one in foreign)
        sections = self._parse(config).sections if readable else None
        return ValidationResult(valid=valid, problems=problems, sections=sections)

    async def parse(self, config: PipelineConfig) -> CollectorConfig:
        """The configuration as it was understood.

        Raises:
            ConfigError: it is not valid, or this engine does not run a component of it.
        """
        return await asyncio.to_thread(self._parse, config)

    def _parse(self, config: PipelineConfig) -> CollectorConfig:
        return parse_config(
            config.yaml, environment=self._environment, collector_version=config.collector_version
        )

    def factory(self, config: PipelineConfig) -> Callable[[Dictionaries], PipelineEngine]:
        """What makes embedded engines of a configuration; blocks while it is parsed.

        Raises:
            ConfigError: it is not valid, or this engine does not run a component of it.
        """
        parsed = self._parse(config)
        return lambda dictionaries: compile_config(parsed, dictionaries)

    async def engine_factory(
        self, config: PipelineConfig, engine: EngineKind = EngineKind.EMBEDDED
    ) -> Callable[[Dictionaries], PipelineEngine]:
        """What makes engines of a configuration, checked.

        Args:
            config: the configuration.
            engine: what the experiment asks for; the real collector runs what either of the two wants it to run.

        Raises:
            ConfigError: it cannot be run.
            UnavailableError: it asks for an engine that is not there.
        """
        if EngineKind.OTELCOL in (config.engine, engine):
            if self._otelcol is None:
                raise UnavailableError(
                    "the real collector cannot be run here",
                    hint="use the embedded engine",
                    details={"engine": EngineKind.OTELCOL.value},
                )
            return await self._otelcol.engine_factory(config)
        parsed = await self.parse(config)
        await asyncio.to_thread(compile_config, parsed, Dictionaries())
        return lambda dictionaries: compile_config(parsed, dictionaries)

    async def receivers(
        self, configs: Mapping[str, PipelineConfig], engine: EngineKind = EngineKind.EMBEDDED
    ) -> ReceiverGroup:
        """What the hostmetrics receivers of configurations ask for, by the names given here.

        Args:
            configs: the configurations.
            engine: what the experiment asks for.

        Raises:
            ConfigError: a receiver asks for something that cannot be honoured; ``details["path"]`` says where.
        """
        return await asyncio.to_thread(
            lambda: ReceiverGroup({name: self.asks(config, engine) for name, config in configs.items()})
        )

    def asks(self, config: PipelineConfig, engine: EngineKind = EngineKind.EMBEDDED) -> ReceiverAsks | None:
        """What the hostmetrics receiver of one configuration asks for; blocks while it is parsed.

        Raises:
            ConfigError: it asks for something that cannot be honoured; ``details["path"]`` says where.
        """
        return text_asks(
            config.yaml,
            self._environment,
            collector_version=config.collector_version,
            any_components=EngineKind.OTELCOL in (config.engine, engine),
        )

    async def probe_factory(self, config: PipelineConfig) -> Callable[[Dictionaries], PipelineEngine] | None:
        """What makes embedded engines for dry runs; ``None`` where only the real collector runs the configuration."""
        try:
            return await self.engine_factory(config.model_copy(update={"engine": EngineKind.EMBEDDED}))
        except ConfigError:
            return None
