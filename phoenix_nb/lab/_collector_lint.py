"""The linter over a configuration, and over what a recording shows at each of its steps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from phoenix_nb.collector import Clock, compile_config
from phoenix_nb.collector.lint import FactsCollector, LintFinding, lint_config
from phoenix_nb.lab._collector_engines import parsed_config
from phoenix_nb.lab._collector_run import engine_outputs
from phoenix_nb.otlp import Dictionaries
from phoenix_nb.sources import read_recording

__all__ = ["lint_text"]


def lint_text(
    text: str,
    *,
    source: Path | None = None,
    collector_version: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> tuple[LintFinding, ...]:
    """Every trap in collector YAML.

    Args:
        text: collector YAML.
        source: a recording; with it findings about data are certain or go away.
        collector_version: release whose rules apply; the setting's when ``None``.
        environment: the variables that ``${env:…}`` may use; the process's own when ``None``.

    Raises:
        ConfigError: it is not valid.
        PayloadDecodeError: a line is not an OTLP request.
        SourceError: the recording cannot be read.
    """
    config = parsed_config(text, collector_version=collector_version, environment=environment)
    if source is None:
        return lint_config(config)
    dictionaries, facts = Dictionaries(), FactsCollector()
    engine = compile_config(config, dictionaries, clock=Clock.MANUAL, watch=facts)
    for _ in engine_outputs(engine, read_recording(source, dictionaries)):
        pass  # What comes out is not needed: every step was seen.
    return lint_config(config, facts.facts)
