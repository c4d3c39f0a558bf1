"""All rules over one configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from phoenix_nb.collector._config import CollectorConfig
from phoenix_nb.collector._watched import Place
from phoenix_nb.collector.lint._conditions import attribute_owners, filter_logic, value_kinds
from phoenix_nb.collector.lint._exporters import merged_processes
from phoenix_nb.collector.lint._facts import StepFacts
from phoenix_nb.collector.lint._finding import LintFinding
from phoenix_nb.collector.lint._order import aggregations, limiter_and_batch, removed_names
from phoenix_nb.collector.lint._service import dollars, ports, signals, unused
from phoenix_nb.collector.lint._steps import Step, steps_of

__all__ = ["lint_config"]


def lint_config(
    config: CollectorConfig, facts: Mapping[Place, StepFacts] | None = None
) -> tuple[LintFinding, ...]:
    """Every trap in a valid configuration; each once, in the order of the pipelines.

    Args:
        config: the configuration.
        facts: what payloads showed at each step; with them findings about data are certain or go away.
    """
    found: dict[tuple[str, str], LintFinding] = {}
    for finding in _all(config, facts):
        key = (finding.path, finding.code)
        if key not in found or (finding.certain and not found[key].certain):
            found[key] = finding
    return tuple(found.values())


def _all(config: CollectorConfig, facts: Mapping[Place, StepFacts] | None) -> Iterator[LintFinding]:
    fed_by_connectors = {
        pipeline.id
        for pipeline in config.pipelines
        if not any(str(receiver) in config.sections.receivers for receiver in pipeline.receivers)
    }
    pipelines = steps_of(config, None if facts is None else dict(facts))
    for pipeline, steps in zip(config.metrics_pipelines, pipelines, strict=True):
        # Behind a connector the first pipeline has protected both.
        if pipeline.id not in fed_by_connectors:
            yield from limiter_and_batch(steps, str(pipeline.id))
        yield from _of_steps(steps)
    yield from dollars(config)
    yield from ports(config)
    yield from merged_processes(config)
    yield from unused(config)


def _of_steps(steps: list[Step]) -> Iterator[LintFinding]:
    yield from filter_logic(steps)
    yield from attribute_owners(steps)
    yield from value_kinds(steps)
    yield from removed_names(steps)
    yield from aggregations(steps)
    yield from signals(steps)
