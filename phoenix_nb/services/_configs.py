"""Collector configurations as the services use them: checked, and compiled for a run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from phoenix_nb.collector import CollectorConfig, compile_config, parse_config, validate_config
from phoenix_nb.errors import UnavailableError
from phoenix_nb.interfaces import EngineKind, PipelineConfig, Problem, Severity, ValidationResult
from phoenix_nb.otlp import Dictionaries
from phoenix_nb.otlp.contracts import PipelineEngine

__all__ = ["ConfigCompiler"]


class ConfigCompiler:
    """Checks configurations and compiles them, with the variables that ``${env:…}`` may use.

    Args:
        environment: the variables.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)

    async def validate(self, config: PipelineConfig) -> ValidationResult:
        """Every finding; problems are an answer, not an error."""
        return await asyncio.to_thread(self._validate, config)

    def _validate(self, config: PipelineConfig) -> ValidationResult:
        found = validate_config(
            config.yaml, environment=self._environment, collector_version=config.collector_version
        )
        problems = tuple(Problem.model_validate(one.model_dump(exclude={"collector_text"})) for one in found)
        valid = all(one.severity is not Severity.ERROR for one in problems)
        sections = self._parse(config).sections if valid else None
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

    async def engine_factory(self, config: PipelineConfig) -> Callable[[Dictionaries], PipelineEngine]:
        """What makes engines of a configuration, checked by making one.

        Raises:
            ConfigError: it cannot be run.
            UnavailableError: it asks for an engine that is not there.
        """
        if config.engine is not EngineKind.EMBEDDED:
            raise UnavailableError(
                f"the engine {config.engine.value} is not available in this version",
                hint="use the embedded engine",
                details={"engine": config.engine.value},
            )
        parsed = await self.parse(config)
        await asyncio.to_thread(compile_config, parsed, Dictionaries())
        return lambda dictionaries: compile_config(parsed, dictionaries)
