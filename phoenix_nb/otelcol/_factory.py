"""Makes engines of configurations for those who know nothing of binaries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from phoenix_nb.errors import ConfigError
from phoenix_nb.interfaces import PipelineConfig
from phoenix_nb.otelcol._binary import CollectorBinary
from phoenix_nb.otelcol._engine import OtelcolEngine
from phoenix_nb.otelcol._rewrite import Rewritten, rewrite
from phoenix_nb.otelcol._run import Patience
from phoenix_nb.otelcol._validate import ValidateAnswer, validate_with_collector
from phoenix_nb.otlp import Dictionaries

__all__ = ["CollectorEngines"]

_SOME_PORTS: Final = (4318, 4319, 8888)
"""For a check only: nothing listens on them."""


class CollectorEngines:
    """Compiles configurations for the real collector.

    Args:
        find: finds the collector, when one is needed first and again whenever it may have changed.
        environment: the variables that ``${env:…}`` may use, and all that collectors get.
        patience: how long to wait for collectors.
    """

    def __init__(
        self,
        find: Callable[[], CollectorBinary],
        environment: Mapping[str, str],
        *,
        patience: Patience | None = None,
    ) -> None:
        self._find = find
        self._environment = dict(environment)
        self._patience = patience

    async def engine_factory(self, config: PipelineConfig) -> Callable[[Dictionaries], OtelcolEngine]:
        """What makes engines of a configuration; each one runs a collector of its own until it is closed.

        Raises:
            ConfigError: the collector refuses it.
            UnavailableError: there is no collector.
        """
        binary, ready = await asyncio.to_thread(self._checked, config)
        notes: tuple[str, ...] = ()
        if binary.version != config.collector_version:
            notes = (
                f"the collector is release {binary.version}, the configuration is for {config.collector_version}",
            )
        return lambda dictionaries: OtelcolEngine(
            binary, ready, dictionaries, self._environment, patience=self._patience, notes=notes
        )

    async def validate(self, config: PipelineConfig) -> ValidateAnswer:
        """What ``otelcol validate`` says about the configuration as it is written.

        Raises:
            UnavailableError: there is no collector.
        """
        return await asyncio.to_thread(
            lambda: validate_with_collector(self._find(), config.yaml, environment=self._environment)
        )

    def _checked(self, config: PipelineConfig) -> tuple[CollectorBinary, Rewritten]:
        binary = self._find()
        ready = rewrite(config.yaml, self._environment, exporter_type=binary.exporter_type)
        answer = validate_with_collector(
            binary, ready.text, ready.overlay(*_SOME_PORTS), environment=self._environment
        )
        if not answer.valid:
            raise ConfigError(
                f"the collector refuses the configuration: {' '.join(answer.reason.split())}",
                hint="`phoenix collector validate` shows every finding",
                details={"collector": answer.text, "binary": str(binary.path)},
            )
        return binary, ready
