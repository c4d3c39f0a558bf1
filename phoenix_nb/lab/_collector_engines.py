"""Engines for commands that run a configuration once, without an experiment."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from phoenix_nb.collector import Clock, CollectorConfig, EmbeddedEngine, compile_config, parse_config
from phoenix_nb.errors import NotFoundError, RunFailedError
from phoenix_nb.interfaces import EngineKind, PipelineConfig
from phoenix_nb.lab._workspace import find_workspace
from phoenix_nb.otelcol import CollectorBinary, CollectorEngines, find_collector
from phoenix_nb.otlp import Dictionaries
from phoenix_nb.otlp.contracts import EngineOutput, PipelineEngine
from phoenix_nb.runtime import load_settings

__all__ = [
    "NamedEngine",
    "checked_output",
    "chosen_exporter",
    "collector_here",
    "open_engine",
    "parsed_config",
]


class NamedEngine(PipelineEngine, Protocol):
    """An engine that knows its exporters."""

    @property
    def exporters(self) -> tuple[str, ...]:
        """Ids of the exporters of metrics pipelines, in the order of the text."""
        ...


def parsed_config(
    text: str, *, collector_version: str | None = None, environment: Mapping[str, str] | None = None
) -> CollectorConfig:
    """A configuration as the embedded engine understands it, with this process's environment unless one is given.

    Raises:
        ConfigError: it is not valid, or this engine does not run a component of it.
    """
    settings = load_settings(Path.cwd())
    return parse_config(
        text,
        environment=dict(os.environ) if environment is None else environment,
        collector_version=collector_version or settings.collector_version,
    )


def collector_here() -> CollectorBinary:
    """The real collector that commands use in the current folder.

    Raises:
        UnavailableError: there is none.
    """
    settings = load_settings(Path.cwd())
    workspace = find_workspace(None, start=Path.cwd())
    return find_collector(settings.collector_binary, workspace=workspace.home, environment=dict(os.environ))


@contextmanager
def open_engine(
    text: str,
    dictionaries: Dictionaries,
    *,
    engine: EngineKind = EngineKind.EMBEDDED,
    collector_version: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[NamedEngine]:
    """An engine for collector YAML, closed afterwards.

    The embedded one gets a clock that stands, so that payloads of any age give what the real collector makes of them
    when it is fed as fast as it answers: no timer fires by itself.

    Args:
        text: collector YAML.
        dictionaries: of the payloads.
        engine: what runs it.
        collector_version: release whose rules apply; the setting's when ``None``.
        environment: the variables that ``${env:…}`` may use; the process's own when ``None``.

    Raises:
        ConfigError: it is not valid, or the engine does not run a component of it.
        UnavailableError: there is no real collector.
    """
    made: NamedEngine
    if engine is EngineKind.OTELCOL:
        given = dict(os.environ) if environment is None else dict(environment)
        version = collector_version or load_settings(Path.cwd()).collector_version
        config = PipelineConfig(yaml=text, collector_version=version, engine=engine)
        factory = asyncio.run(CollectorEngines(collector_here, given).engine_factory(config))
        made = factory(dictionaries)
    else:
        made = embedded_engine(
            parsed_config(text, collector_version=collector_version, environment=environment), dictionaries
        )
    try:
        yield made
    finally:
        made.close()


def embedded_engine(config: CollectorConfig, dictionaries: Dictionaries) -> EmbeddedEngine:
    """An embedded engine whose clock stands."""
    return compile_config(config, dictionaries, clock=Clock.MANUAL)


def chosen_exporter(exporters: tuple[str, ...], wanted: str | None) -> str | None:
    """The exporter that counts: the wanted one, or the only one; ``None`` when there are several.

    Raises:
        NotFoundError: no exporter of a metrics pipeline has that id.
    """
    if wanted is not None:
        if wanted not in exporters:
            raise NotFoundError(
                f"no metrics pipeline has an exporter {wanted!r}", hint=f"there are {', '.join(exporters)}"
            )
        return wanted
    return exporters[0] if len(exporters) == 1 else None


def checked_output(output: EngineOutput) -> EngineOutput:
    """The output of an engine that answers.

    Raises:
        RunFailedError: it does not.
    """
    if output.failure:
        raise RunFailedError(
            f"the collector failed: {output.failure}", hint="its last log lines say why; nothing was written"
        )
    return output
